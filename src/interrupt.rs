//! The request to stop: set by the signal handler in `cli`, checked by verbs where they can stop cleanly.
//!
//! `cli` creates it and passes it on. A verb that never checks it is ended by the signal handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A verb stopped on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Interrupted {
    /// Its work so far is lost.
    #[error("interrupted")]
    ForGood,
    /// It can be resumed from its files.
    #[error("interrupted; continue with --resume")]
    Resumable,
}

/// Shared by the signal handler and the verb that runs.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    asked: AtomicBool,
    resumable: AtomicBool,
}

impl Interrupt {
    /// Asks the verb to stop; returns whether this is the first time.
    pub fn ask(&self) -> bool {
        !self.0.asked.swap(true, Ordering::SeqCst)
    }

    /// Says that from now on the verb can be resumed, and calls [`Interrupt::check`] regularly.
    pub fn set_resumable(&self) {
        self.0.resumable.store(true, Ordering::SeqCst);
    }

    /// The result of stopping now.
    pub fn outcome(&self) -> Interrupted {
        match self.0.resumable.load(Ordering::SeqCst) {
            true => Interrupted::Resumable,
            false => Interrupted::ForGood,
        }
    }

    /// Called by a verb wherever it can stop.
    ///
    /// # Errors
    /// If it was asked to stop.
    pub fn check(&self) -> Result<(), Interrupted> {
        match self.0.asked.load(Ordering::SeqCst) {
            true => Err(self.outcome()),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_copy_sees_that_it_was_asked_and_what_is_lost() {
        let interrupt = Interrupt::default();
        let handler = interrupt.clone();
        assert_eq!(interrupt.check(), Ok(()));
        assert!(handler.ask());
        assert!(
            !handler.ask(),
            "the second signal is distinguished from the first"
        );
        assert_eq!(interrupt.check(), Err(Interrupted::ForGood));
        interrupt.set_resumable();
        assert_eq!(handler.outcome(), Interrupted::Resumable);
        assert!(
            interrupt
                .check()
                .unwrap_err()
                .to_string()
                .contains("--resume")
        );
    }
}
