//! Threads that split the leaves of one tree together.
//!
//! Each takes the best leaf that nobody has, splits it alone and takes it back; there is one lock,
//! held only in between. A thread waits when all leaves that the tree can reach are with others. Those
//! are at work, on threads of their own: nobody waits for what has not begun, so a pool that is busy
//! with something else, for example other trees, only means fewer threads.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::frontier::{Claim, Frontier, Next};

/// What the threads share.
struct Crew<'a> {
    growth: Mutex<Growth<'a>>,
    changed: Condvar,
}

struct Growth<'a> {
    frontier: Frontier<'a>,
    /// Number of threads that wait.
    waiting: usize,
    /// Whether a thread panicked, so that its leaf never comes back.
    is_broken: bool,
}

/// Splits leaves on some threads of the pool until the tree is grown. `split` works out the children
/// of a leaf, and must not start tasks of its own; `tidy` is called whenever a leaf is taken back.
pub(super) fn work<'a>(
    frontier: Frontier<'a>,
    threads: usize,
    split: impl Fn(&mut Claim<'a>) + Sync,
    tidy: impl Fn(&mut Frontier<'a>) + Sync,
) -> Frontier<'a> {
    let crew = Crew {
        growth: Mutex::new(Growth {
            frontier,
            waiting: 0,
            is_broken: false,
        }),
        changed: Condvar::new(),
    };
    match threads {
        0 | 1 => crew.work(&split, &tidy),
        _ => rayon::scope(|scope| {
            (0..threads).for_each(|_| scope.spawn(|_| crew.work(&split, &tidy)));
        }),
    }
    let growth = crew.growth.into_inner();
    growth.unwrap_or_else(PoisonError::into_inner).frontier
}

impl<'a> Crew<'a> {
    fn work(&self, split: &impl Fn(&mut Claim<'a>), tidy: &impl Fn(&mut Frontier<'a>)) {
        let alarm = Alarm(self);
        let mut growth = self.lock();
        while !growth.is_broken {
            match growth.frontier.next() {
                Next::Done => break,
                Next::Wait => {
                    growth.waiting += 1;
                    let woken = self.changed.wait(growth);
                    growth = woken.unwrap_or_else(PoisonError::into_inner);
                    growth.waiting -= 1;
                }
                Next::Split(mut claim) => {
                    drop(growth);
                    split(&mut claim);
                    growth = self.lock();
                    growth.frontier.put(*claim);
                    tidy(&mut growth.frontier);
                    if growth.waiting > 0 {
                        self.changed.notify_all();
                    }
                }
            }
        }
        drop(growth);
        drop(alarm);
    }

    fn lock(&self) -> MutexGuard<'_, Growth<'a>> {
        self.growth.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the wait of the others if a thread panics; the pool passes the panic on.
struct Alarm<'c, 'a>(&'c Crew<'a>);

impl Drop for Alarm<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().is_broken = true;
            self.0.changed.notify_all();
        }
    }
}
