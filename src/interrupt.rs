//! The wish to stop: set by the signal handler in `cli`, looked at by verbs where they can stop well.
//!
//! It is a value that `cli` makes and hands on. A verb that never looks is ended from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A verb stopped because it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Interrupted {
    /// All its work so far is lost.
    #[error("interrupted")]
    ForGood,
    /// What it left on disk can be taken up again.
    #[error("interrupted; go on where it stopped with --resume")]
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
    /// Asks the verb to stop; whether this is the first time.
    pub fn ask(&self) -> bool {
        !self.0.asked.swap(true, Ordering::SeqCst)
    }

    /// From now on the work can be resumed, and the verb looks at [`Interrupt::check`] before long.
    pub fn set_resumable(&self) {
        self.0.resumable.store(true, Ordering::SeqCst);
    }

    /// What stopping now means.
    pub fn outcome(&self) -> Interrupted {
        match self.0.resumable.load(Ordering::SeqCst) {
            true => Interrupted::Resumable,
            false => Interrupted::ForGood,
        }
    }

    /// For a verb, wherever it can stop.
    ///
    /// # Errors
    /// Where it was asked to.
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
        assert!(!handler.ask(), "the second signal is told from the first");
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
