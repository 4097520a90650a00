//! Files of models, tokens and certificates are looked at in intervals, and read anew where they changed. Polling, since
//! notifications miss changes on network file systems and behind the symbolic links of Kubernetes.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::renew::Renewable;
use crate::memory::Look;
use crate::talk::Talk;

/// The thread that looks.
pub struct Watcher {
    stopped: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

/// Starts looking; without an interval nobody does.
pub fn start(all: Arc<Vec<Renewable>>, interval: Option<Duration>, talk: Talk) -> Watcher {
    let stopped = Arc::new((Mutex::new(false), Condvar::new()));
    let thread = interval.map(|interval| {
        let stopped = Arc::clone(&stopped);
        let mut seen: Vec<Vec<Look>> = all.iter().map(|one| one.files.seen.clone()).collect();
        std::thread::spawn(move || {
            while !waits(&stopped, interval) {
                for (one, seen) in all.iter().zip(&mut seen) {
                    check(one, seen, &talk);
                }
            }
        })
    });
    Watcher { stopped, thread }
}

/// Waits for the interval; true where the watcher has been stopped meanwhile.
fn waits(stopped: &(Mutex<bool>, Condvar), interval: Duration) -> bool {
    let (lock, changed) = stopped;
    let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = changed.wait_timeout_while(guard, interval, |stopped| !*stopped);
    *waited.unwrap_or_else(PoisonError::into_inner).0
}

fn check(renewable: &Renewable, seen: &mut Vec<Look>, talk: &Talk) {
    let now = renewable.files.look();
    // A file that is gone may be on its way: what is in memory goes on serving.
    if now == *seen || now.iter().any(Option::is_none) {
        return;
    }
    // Where somebody else is reading, perhaps what was there before, it is looked at again.
    if renewable.renew(talk) {
        *seen = now;
    }
}

impl Watcher {
    /// Stops looking.
    pub fn stop(self) {
        let (lock, changed) = &*self.stopped;
        *lock.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
        if let Some(thread) = self.thread {
            // A panic of the thread has been told.
            let _ = thread.join();
        }
    }
}
