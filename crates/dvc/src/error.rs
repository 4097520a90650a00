//! The errors that can stop a run, and how context is added to them.

use std::io;
use std::path::{Path, PathBuf};

use yaml::{At, Fault};

use crate::why::Reason;

/// Result of anything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What stopped a run. The message says what happened. Advice in terms of a command line is added
/// by the program, which finds the facts in the variants.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no dvc.yaml in the working folder or above it.
    #[error("no dvc.yaml here or in a folder above")]
    NoPipeline,
    /// dvc.yaml cannot be read.
    // Not named `source`: it is part of the message, and printing the chain would repeat it.
    #[error("cannot read {}: {error}", file.display())]
    Unreadable {
        /// The file, as the user named it.
        file: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// dvc.yaml, dvc.lock, a `.dvc` file or a parameter file is invalid.
    #[error("{}: {reason}", place(file, *at))]
    Invalid {
        /// The file, as the user named it.
        file: PathBuf,
        /// Line and column; line 0 if unknown.
        at: At,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// An option in `.dvc/config` has an unsupported value.
    #[error(".dvc/config: {0}")]
    Config(String),
    /// The requested stage does not exist in dvc.yaml.
    #[error("unknown stage `{name}` in {}; expected one of {}", file.display(), known.join(", "))]
    UnknownStage {
        /// The requested name.
        name: String,
        /// The dvc.yaml that was searched.
        file: PathBuf,
        /// The existing names.
        known: Vec<String>,
    },
    /// Another run holds a lock.
    #[error("another run{} holds {}", process.as_deref().map(|p| format!(" (process {p})")).unwrap_or_default(), lock.display())]
    Held {
        /// The lock's file.
        lock: PathBuf,
        /// The id of the process that holds it, if the file states it.
        process: Option<String>,
    },
    /// A command run by DVC is using a file that a stage reads or writes.
    #[error("{path} is being {how} by process {process} ({command})")]
    InUse {
        /// The file or folder.
        path: String,
        /// `read` or `written`.
        how: &'static str,
        /// The id of the process that uses it.
        process: String,
        /// Its command line.
        command: String,
    },
    /// A stage has no entry in dvc.lock, so there is nothing to compare with.
    #[error("{stage} is not in {}", lock.display())]
    NotRecorded {
        /// File, line and name of the stage.
        stage: String,
        /// The dvc.lock looked into.
        lock: PathBuf,
    },
    /// The command or parameters of a stage differ from those in dvc.lock.
    #[error("{stage} is not what {lock} records: {reason}")]
    Stale {
        /// File, line and name of the stage.
        stage: String,
        /// Name of the lock file.
        lock: &'static str,
        /// What differs.
        reason: Box<Reason>,
    },
    /// The operating system returned an error.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Another failure, described.
    #[error("{0}")]
    Failed(String),
    /// A failure with context.
    #[error("{attempt}")]
    While {
        /// What was attempted, and on which file.
        attempt: String,
        /// What failed.
        #[source]
        error: Box<Error>,
    },
}

/// The kind of failure, from which a program chooses its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The user's input is wrong: dvc.yaml, a parameter file, or the name of a stage.
    Usage,
    /// Another process is working here; trying again later may succeed.
    Locked,
    /// Anything else.
    Failed,
}

impl Error {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoPipeline
            | Self::Unreadable { .. }
            | Self::Invalid { .. }
            | Self::Config(_)
            | Self::UnknownStage { .. } => ErrorKind::Usage,
            Self::Held { .. } | Self::InUse { .. } => ErrorKind::Locked,
            Self::NotRecorded { .. } | Self::Stale { .. } | Self::Io(_) | Self::Failed(_) => {
                ErrorKind::Failed
            }
            Self::While { error, .. } => error.kind(),
        }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    /// The message followed by those of its causes.
    pub(crate) fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        text
    }
}

fn place(file: &Path, at: At) -> String {
    match at {
        At { line: 0, .. } => file.display().to_string(),
        At { line, column, .. } => format!("{}:{line}:{column}", file.display()),
    }
}

impl From<ignore::Error> for Error {
    fn from(error: ignore::Error) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::failed(error.to_string())
    }
}

/// Adds the file to an error with a position.
pub(crate) trait InFile {
    fn within(self, file: &Path) -> Error;
}

impl InFile for Fault {
    fn within(self, file: &Path) -> Error {
        Error::Invalid {
            file: file.to_owned(),
            at: self.at,
            reason: self.reason,
        }
    }
}

/// Adds what was attempted to an error.
pub(crate) trait Context<T> {
    fn context(self, attempt: &str) -> Result<T>;
    fn with_context(self, attempt: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, attempt: &str) -> Result<T> {
        self.with_context(|| attempt.to_owned())
    }

    fn with_context(self, attempt: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::While {
            attempt: attempt(),
            error: Box::new(error.into()),
        })
    }
}

impl<T> Context<T> for Option<T> {
    fn context(self, attempt: &str) -> Result<T> {
        self.ok_or_else(|| Error::failed(attempt))
    }

    fn with_context(self, attempt: impl FnOnce() -> String) -> Result<T> {
        self.ok_or_else(|| Error::Failed(attempt()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_keeps_the_kind_and_the_causes() {
        let held = Error::Held {
            lock: PathBuf::from(".dvc/tmp/lock"),
            process: Some("7".to_owned()),
        };
        let error = Err::<(), _>(held).context("cannot start").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked);
        assert_eq!(
            error.with_causes(),
            "cannot start: another run (process 7) holds .dvc/tmp/lock"
        );
    }

    #[test]
    fn a_fault_without_a_place_names_the_file_alone() {
        let fault = |line| Fault {
            at: At {
                line,
                column: 3,
                ..At::default()
            },
            reason: "wrong".to_owned(),
        };
        assert_eq!(fault(0).within(Path::new("a")).to_string(), "a: wrong");
        assert_eq!(fault(2).within(Path::new("a")).to_string(), "a:2:3: wrong");
    }
}
