//! Exit codes, and the exit code of each error.
//!
//! Library layers do not know exit codes: `code` derives them from the error types in a chain. A verb sets the
//! code of its own errors with [`usage`], [`data`] and the like.

use crate::interrupt::Interrupted;
use crate::params;

/// How a run ended. The numbers are part of the command line's contract (docs/exit-codes.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed for any other reason.
    Failed = 1,
    /// The command line or the parameters are wrong.
    Usage = 2,
    /// A gate was not met.
    Gate = 3,
    /// The data break the rules.
    Data = 4,
    /// Another run holds the lock.
    Locked = 5,
    /// Not reproducible.
    NotReproducible = 6,
    /// Done, but some rows failed; they are listed.
    Partial = 7,
    /// A table, or what a model is asked, has changed.
    Drift = 8,
    /// Ended by Ctrl-C or SIGTERM (128 + SIGINT, as shells count it).
    Interrupted = 130,
}

impl Exit {
    /// What it means, in words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "the command line or the parameters are wrong",
            Self::Gate => "a gate was not met",
            Self::Data => "the data break the rules",
            Self::Locked => "another run holds the lock",
            Self::NotReproducible => "not reproducible",
            Self::Partial => "done, with rows that failed",
            Self::Drift => "drift was found",
            Self::Interrupted => "interrupted",
        }
    }
}

/// An error of a verb, with its exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Coded {
    pub exit: Exit,
    pub message: String,
}

/// An error with the exit code `exit`.
pub fn coded(exit: Exit, message: impl Into<String>) -> anyhow::Error {
    Coded {
        exit,
        message: message.into(),
    }
    .into()
}

/// The command line or the parameters are wrong: exit 2.
pub fn usage(message: impl Into<String>) -> anyhow::Error {
    coded(Exit::Usage, message)
}

/// The data break the rules: exit 4.
pub fn data(message: impl Into<String>) -> anyhow::Error {
    coded(Exit::Data, message)
}

/// Another run holds the lock: exit 5.
pub fn locked(message: impl Into<String>) -> anyhow::Error {
    coded(Exit::Locked, message)
}

/// The exit code of an error: that of the first error in its chain that has one, otherwise [`Exit::Failed`].
pub fn code(error: &anyhow::Error) -> Exit {
    error.chain().find_map(decides).unwrap_or(Exit::Failed)
}

fn decides(cause: &(dyn std::error::Error + 'static)) -> Option<Exit> {
    if let Some(coded) = cause.downcast_ref::<Coded>() {
        return Some(coded.exit);
    }
    if let Some(read) = cause.downcast_ref::<tables::ReadError>() {
        return Some(if read.is_io() {
            Exit::Failed
        } else {
            Exit::Data
        });
    }
    if cause.is::<tables::ReadErrorKind>() {
        return Some(Exit::Data);
    }
    if let Some(files::lock::LockError::Held { .. }) = cause.downcast_ref() {
        return Some(Exit::Locked);
    }
    if let Some(error) = cause.downcast_ref::<dvc::Error>() {
        return match error.kind() {
            dvc::ErrorKind::Usage => Some(Exit::Usage),
            dvc::ErrorKind::Locked => Some(Exit::Locked),
            _ => Some(Exit::Failed),
        };
    }
    if cause.is::<Interrupted>() {
        return Some(Exit::Interrupted);
    }
    cause.is::<params::Error>().then_some(Exit::Usage)
}

/// Whether the error is only a closed pipe (`| head`), which counts as success.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn the_first_error_of_a_chain_that_has_a_code_decides() {
        let plain = || anyhow::anyhow!("plain");
        assert_eq!(code(&plain()), Exit::Failed);
        assert_eq!(
            code(&plain().context(usage("outer"))),
            Exit::Failed,
            "a message, not an error"
        );
        let chain = Err::<(), _>(data("inner")).context("outer").unwrap_err();
        assert_eq!(code(&chain), Exit::Data);
        assert_eq!(format!("{chain:#}"), "outer: inner");
        for (error, exit) in [
            (usage("x"), Exit::Usage),
            (data("x"), Exit::Data),
            (locked("x"), Exit::Locked),
            (coded(Exit::Gate, "x"), Exit::Gate),
            (Interrupted::Resumable.into(), Exit::Interrupted),
        ] {
            assert_eq!(code(&error), exit, "{error}");
            assert_eq!(code(&error.context("more")), exit);
        }
    }

    #[test]
    fn errors_of_the_layers_below_have_codes() {
        let read = |kind| anyhow::Error::from(tables::Place::file("f").error(kind));
        let io = std::io::Error::other("broken");
        assert_eq!(code(&read(tables::ReadErrorKind::Io(io))), Exit::Failed);
        assert_eq!(code(&read(tables::ReadErrorKind::EmptyId)), Exit::Data);
        assert_eq!(code(&dvc::Error::NoPipeline.into()), Exit::Usage);
        let held = files::lock::LockError::Held {
            path: "lock".into(),
        };
        assert_eq!(code(&held.into()), Exit::Locked);
    }

    #[test]
    fn only_a_closed_pipe_is_one() {
        let io = |kind| anyhow::Error::from(std::io::Error::from(kind));
        let closed = io(std::io::ErrorKind::BrokenPipe).context("cannot write stdout");
        assert!(is_broken_pipe(&closed));
        assert!(!is_broken_pipe(&io(std::io::ErrorKind::StorageFull)));
        assert!(!is_broken_pipe(&usage("a broken pipe")));
    }
}
