//! A pool of a few threads with a short queue, for work that takes long.
//!
//! tokio's blocking threads have no bound that fits, and its semaphore in front of them would count a place
//! as taken after the answer is there. The threads have the priority of all others; ADR 21 says why.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::admission::overloaded;
use crate::fault::{Fault, FaultKind};

type Work = Box<dyn FnOnce() + Send>;

/// The pool. Its threads end once it is dropped and what they run is done.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    /// How much may run and wait together.
    capacity: usize,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Work>,
    running: usize,
    is_closed: bool,
}

impl State {
    fn load(&self) -> usize {
        self.queue.len() + self.running
    }
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
                state.running += 1;
                return Some(work);
            }
            if state.is_closed {
                return None;
            }
            let changed = self.changed.wait(state);
            state = changed.unwrap_or_else(PoisonError::into_inner);
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
            capacity: threads.max(1) + waiting,
        };
        for _ in 0..threads.max(1) {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name("pool".into())
                .spawn(move || {
                    while let Some(work) = shared.next() {
                        work();
                    }
                })?;
        }
        Ok(pool)
    }

    /// Whether more work would be refused now.
    pub(crate) fn is_full(&self) -> bool {
        self.shared.lock().load() >= self.capacity
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
        let shared = Arc::clone(&self.shared);
        let job = move || {
            let is_awaited = !answer.is_closed();
            let done = is_awaited.then(|| catch_unwind(AssertUnwindSafe(work)));
            // The place is free before the caller knows, or its next request might be refused.
            shared.lock().running -= 1;
            if let Some(Ok(done)) = done {
                let _ = answer.send(done);
            }
        };
        {
            let mut state = self.shared.lock();
            if state.load() >= self.capacity {
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
