//! What can go wrong between this program and a server. No message holds a secret: texts of the
//! server are cut, freed of control characters and of the credentials that were sent.

use std::io;
use std::path::PathBuf;

/// Why a record was not sent. The spool keeps it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection: wrong address, server down, TLS.
    #[error("cannot connect to the MLflow server at {origin}: {reason}; is it running?")]
    Unreachable {
        /// Scheme, host and port.
        origin: String,
        /// What the network said.
        reason: String,
    },
    /// The time for one request is over.
    #[error(
        "the MLflow server at {origin} gave no answer to {endpoint} within {seconds} s \
         (MLFLOW_HTTP_REQUEST_TIMEOUT)"
    )]
    Silent {
        /// Scheme, host and port.
        origin: String,
        /// What was asked.
        endpoint: String,
        /// The time waited.
        seconds: f64,
    },
    /// The time given to all of the sending is over ([`Spool::sync_within`]).
    ///
    /// [`Spool::sync_within`]: super::Spool::sync_within
    #[error("the time for sending to the MLflow server is over")]
    OutOfTime,
    /// The connection ended in the middle of an answer.
    #[error("the MLflow server at {origin} broke off its answer to {endpoint}: {reason}")]
    BrokenOff {
        /// Scheme, host and port.
        origin: String,
        /// What was asked.
        endpoint: String,
        /// What the network said.
        reason: String,
    },
    /// An answer that says that the server is at fault: 429 or 5xx.
    #[error("the MLflow server failed at {endpoint} with status {status}{said}")]
    Unavailable {
        /// What was asked.
        endpoint: String,
        /// The HTTP status.
        status: u16,
        /// `: ` and what the server said, if that could be read; and how long it asks to wait.
        said: String,
    },
    /// Status 401, 403 or 407.
    #[error(
        "the MLflow server refuses these credentials (status {status} for {endpoint}); check \
         MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
    )]
    Unauthorized {
        /// What was asked.
        endpoint: String,
        /// The HTTP status.
        status: u16,
    },
    /// An answer that no MLflow server gives: HTML, or JSON of another form.
    #[error(
        "{origin} does not answer as an MLflow server: {endpoint} gave status {status} and \
         {reason}; check MLFLOW_TRACKING_URI"
    )]
    NotMlflow {
        /// Scheme, host and port.
        origin: String,
        /// What was asked.
        endpoint: String,
        /// The HTTP status.
        status: u16,
        /// What came.
        reason: String,
    },
    /// A redirect to another scheme, host or port, or one that cannot be followed.
    #[error(
        "{origin} redirects {endpoint} {to}; it is not followed, since that would give credentials \
         away. If the server has moved, set MLFLOW_TRACKING_URI to its new address"
    )]
    Redirected {
        /// Scheme, host and port.
        origin: String,
        /// What was asked.
        endpoint: String,
        /// `to` and the other origin, or what is wrong with the redirect.
        to: String,
    },
    /// The server does not accept what it was sent.
    #[error("the MLflow server rejects {endpoint} (status {status}, {code}): {message}")]
    Rejected {
        /// What was asked.
        endpoint: String,
        /// The HTTP status.
        status: u16,
        /// MLflow's word for the error.
        code: String,
        /// MLflow's message.
        message: String,
    },
    /// A request cannot be written as JSON.
    #[error("cannot write the request {endpoint} as JSON: {reason}")]
    NotWritten {
        /// What was to be asked.
        endpoint: String,
        /// What is wrong.
        reason: String,
    },
    /// The server has another value of a param, which it does not change any more.
    #[error(
        "the MLflow server has another value of the param `{key}` of run `{id}`, and params cannot \
         be changed there; delete the run on the server and send it again"
    )]
    Differs {
        /// Our id of the run.
        id: String,
        /// The param.
        key: String,
    },
    /// The experiment was deleted on the server.
    #[error(
        "the experiment `{name}` is deleted on the MLflow server; restore it (`mlflow experiments \
         restore`), or set MLFLOW_EXPERIMENT_NAME"
    )]
    Deleted {
        /// The experiment's name.
        name: String,
    },
    /// All was sent, but the server does not give it back.
    #[error("the MLflow server accepted `{id}` but does not give back {what}")]
    NotConfirmed {
        /// Our id of the run or change.
        id: String,
        /// What is missing, or differs.
        what: String,
    },
    /// A file of the spool cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        #[source]
        /// The file system's error.
        error: io::Error,
    },
}

/// What an error means for the records after this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// They would fail as well.
    All,
    /// The server is at fault, perhaps for this record only.
    Unclear,
    /// It is this record's.
    One,
}

impl Error {
    pub(super) fn reach(&self) -> Reach {
        match self {
            Self::Unreachable { .. }
            | Self::Silent { .. }
            | Self::OutOfTime
            | Self::BrokenOff { .. }
            | Self::Unauthorized { .. }
            | Self::NotMlflow { .. }
            | Self::Redirected { .. } => Reach::All,
            Self::Unavailable { status, .. } => match status {
                500 => Reach::Unclear,
                _ => Reach::All,
            },
            Self::Rejected { .. }
            | Self::NotWritten { .. }
            | Self::Differs { .. }
            | Self::Deleted { .. }
            | Self::NotConfirmed { .. }
            | Self::File { .. } => Reach::One,
        }
    }
}
