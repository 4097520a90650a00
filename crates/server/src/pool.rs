//! A pool of a few threads with a short queue, for work that takes long.
//!
//! Its threads yield to those that read and write: with all CPUs busy, a request that is refused or that
//! costs little is still answered at once. tokio's blocking threads have neither a bound that fits nor a
//! priority.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::admission::overloaded;
use crate::fault::{Fault, FaultKind};

/// How much the threads yield, as `nice` counts it.
const NICE: i32 = 5;

type Work = Box<dyn FnOnce() + Send>;

/// The pool. Its threads end once it is dropped and what they run is done.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    /// How much may wait while no thread is free.
    waiting: usize,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Work>,
    free: usize,
    is_closed: bool,
}

impl Shared {
    /// Work never runs under the lock, so a poisoned one is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next piece of work; none where the pool has been dropped.
    fn next(&self) -> Option<Work> {
        let mut state = self.lock();
        loop {
            if let Some(work) = state.queue.pop_front() {
                return Some(work);
            }
            if state.is_closed {
                return None;
            }
            state.free += 1;
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.free -= 1;
        }
    }
}

impl Pool {
    /// Starts the threads.
    pub(crate) fn new(threads: usize, waiting: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
        });
        let pool = Self {
            shared: Arc::clone(&shared),
            waiting,
        };
        for _ in 0..threads.max(1) {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name("pool".into())
                .spawn(move || {
                    yield_to_others();
                    while let Some(work) = shared.next() {
                        work();
                    }
                })?;
        }
        Ok(pool)
    }

    /// Whether more work would be refused now.
    pub(crate) fn is_full(&self) -> bool {
        let state = self.shared.lock();
        state.queue.len() >= self.waiting + state.free
    }

    /// Runs work once a thread is free. Where the caller goes away before, it is not run.
    ///
    /// # Errors
    /// Too much waits already; or the work panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, answered) = oneshot::channel();
        let job = move || {
            if !answer.is_closed() {
                // Where the work panics, `answer` is dropped, which the caller sees.
                let _ = catch_unwind(AssertUnwindSafe(work)).map(|done| answer.send(done));
            }
        };
        {
            let mut state = self.shared.lock();
            if state.queue.len() >= self.waiting + state.free {
                return Err(overloaded());
            }
            state.queue.push_back(Box::new(job));
        }
        self.shared.changed.notify_one();
        let failed = |_| Fault::new(FaultKind::Internal, "the request could not be processed");
        answered.await.map_err(failed)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
    }
}

/// Lowers the priority of this thread. Elsewhere than on Linux it would be that of the process.
fn yield_to_others() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICE);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    }

    #[test]
    fn work_runs_and_a_panic_costs_itself_only() {
        let pool = Pool::new(1, 1).unwrap();
        runtime().block_on(async {
            // The thread may not be waiting for work yet; one piece may wait for it.
            assert_eq!(pool.run(|| 7).await, Ok(7));
            let failed = pool.run(|| panic!("as ordered")).await;
            assert_eq!(failed.map(|()| 0).unwrap_err().kind, FaultKind::Internal);
            assert_eq!(pool.run(|| 8).await, Ok(8));
        });
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let pool = Pool::new(1, 1).unwrap();
        runtime().block_on(async {
            let sleep = || std::thread::sleep(Duration::from_millis(200));
            let running = pool.run(sleep);
            let waiting = async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let (waiting, refused) = tokio::join!(pool.run(|| 1), async {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    assert!(pool.is_full());
                    pool.run(|| 2).await
                });
                assert_eq!(waiting, Ok(1));
                assert_eq!(refused.unwrap_err().kind, FaultKind::Overloaded);
            };
            let (ran, ()) = tokio::join!(running, waiting);
            assert_eq!(ran, Ok(()));
        });
    }
}
