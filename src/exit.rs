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
    /// Ended by Ctrl-C or SIGTERM (128 + SIGINT, as shells count it).
    Interrupted = 130,
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
