//! Errors of the registry.

use super::refusal::Refusal;
use crate::backup;
use crate::store::{Problem, StoreError};

/// Why the registry did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A rule stands against it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The history does not verify.
    #[error(
        "the history of the registry does not verify ({}{}); run a check for all that is wrong",
        .problems.first().map_or_else(String::new, Problem::to_string),
        match .problems.len() { 0 | 1 => String::new(), n => format!(", and {} more", n - 1) }
    )]
    Broken {
        /// What is wrong; never empty.
        problems: Vec<Problem>,
    },
    /// The history is signed, and no key was given to sign with.
    #[error("the history is signed by the key {key}; give a private key to add to it")]
    NoKey {
        /// The key that signed last.
        key: String,
    },
    /// What the given private key signs would not be accepted with the given public keys.
    #[error(
        "the private key given to sign with is {key}, which is not among the trusted keys; give its \
         public key as well, or another private key"
    )]
    Untrusted {
        /// Its id.
        key: String,
    },
    /// A model's file is not there, or not what it was.
    #[error("the file of {model}, {key}, is {what}; restore it from a backup, or add it again")]
    Model {
        /// The version.
        model: String,
        /// The object.
        key: String,
        /// What is wrong.
        what: &'static str,
    },
    /// An entry that cannot be written as JSON.
    #[error("cannot write an entry as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The store is the target of a restore that has not ended.
    #[error(transparent)]
    Restoring(#[from] backup::Unfinished),
}
