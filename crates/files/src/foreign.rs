//! Runs third-party decoders on untrusted files.
//!
//! Such a decoder may panic on a damaged file. That is a fault of the file, not of the program:
//! [`run`] turns the panic into a value. It does not touch the process-wide panic hook. A program
//! that does not want these panics printed installs a hook that checks [`is_running`]; see
//! [`quiet_hook`].

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

thread_local! {
    static RUNNING: Cell<u32> = const { Cell::new(0) };
}

/// The decoder panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the decoder panicked")]
pub struct Panicked;

/// Counts the decoders running on this thread.
struct Running;

impl Running {
    fn start() -> Self {
        RUNNING.set(RUNNING.get() + 1);
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.set(RUNNING.get() - 1);
    }
}

/// Runs `decode` on this thread. State that it modifies must not be used after a panic.
///
/// # Errors
/// [`Panicked`] if it panics.
pub fn run<T>(decode: impl FnOnce() -> T) -> Result<T, Panicked> {
    let _running = Running::start();
    panic::catch_unwind(AssertUnwindSafe(decode)).map_err(|_| Panicked)
}

/// Whether a decoder is running on this thread, so that [`run`] catches a panic on it.
pub fn is_running() -> bool {
    RUNNING.get() > 0
}

/// A panic hook that forwards all panics to `former` except those that [`run`] catches. For a
/// program's `main`; a library must not install it.
pub fn quiet_hook(
    former: Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>,
) -> Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync> {
    Box::new(move |info| {
        if !is_running() {
            former(info);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_value_and_the_thread_goes_on() {
        assert!(!is_running());
        let outer = run(|| {
            assert_eq!(run(|| panic!("on purpose")), Err::<(), _>(Panicked));
            is_running()
        });
        assert_eq!(outer, Ok(true));
        assert!(!is_running());
        // Panics on other threads are unaffected.
        let other = run(|| std::thread::spawn(is_running).join().unwrap());
        assert_eq!(other, Ok(false));
    }
}
