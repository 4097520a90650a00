//! Errors of backups.

use std::io;

use super::Unfinished;
use crate::history::RegistryError;
use crate::store::{Flaw, Problem, StoreError};

/// Why a backup could not be made, is not accepted, or could not be restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store to be backed up holds a part of a backup itself.
    #[error(transparent)]
    Unfinished(#[from] Unfinished),
    /// The history of the store to be backed up is broken.
    #[error("not backed up: {0}")]
    Source(#[from] RegistryError),
    /// An object of the store to be backed up was removed meanwhile.
    #[error("{object} was removed while the backup was made; run the backup again")]
    Removed {
        /// The object.
        object: String,
    },
    /// The target holds a whole backup.
    #[error("{place} holds a backup already; choose another name, such as one with the date")]
    Exists {
        /// The target.
        place: String,
    },
    /// The target holds something else.
    #[error("the target holds {object}, which is not part of a backup; choose an empty one")]
    Occupied {
        /// What it holds.
        object: String,
    },
    /// There is no manifest.
    #[error(
        "not a whole backup: it has no {manifest}; it was interrupted, so make it again",
        manifest = super::MANIFEST
    )]
    Half,
    /// The manifest is damaged.
    #[error(
        "the manifest of the backup, {manifest}, is damaged ({reason}); use another backup",
        manifest = super::MANIFEST
    )]
    Manifest {
        /// What is wrong with it.
        reason: String,
    },
    /// The backup was made by a newer version of the program.
    #[error("the backup has format {format}; use the newer version that made it")]
    Newer {
        /// Its format.
        format: u32,
    },
    /// A tar file that is not exactly what a backup is.
    #[error("{path} is not a whole backup: {reason}; it was cut or damaged, use another one")]
    Tar {
        /// The file.
        path: String,
        /// What is wrong, and where.
        reason: String,
    },
    /// Objects are missing or damaged.
    #[error(
        "the backup is damaged: {}{}; use another one",
        .problems.first().map_or_else(String::new, |problem| format!("{}: {}", problem.object, spell(&problem.flaw))),
        match .problems.len() { 0 | 1 => String::new(), n => format!(", and {} more", n - 1) }
    )]
    Damaged {
        /// What is wrong; never empty.
        problems: Vec<Problem>,
    },
    /// The store to restore into is in use.
    #[error("the store is not empty: it holds {object}; restore into a new, empty one")]
    NotEmpty {
        /// What it holds.
        object: String,
    },
    /// The store to restore into is the target of another restore.
    #[error(
        "the store holds a part of another backup: finish that restore, or restore into a new, empty \
         store"
    )]
    OtherBackup,
    /// An object of the restored store is not what was written.
    #[error(
        "{object} is not what was restored: another process writes to the store, or its disk is \
         broken; restore into a new, empty one"
    )]
    NotRestored {
        /// The object.
        object: String,
    },
    /// Something cannot be written as JSON.
    #[error("cannot write {manifest} as JSON: {0}", manifest = super::MANIFEST)]
    Json(#[from] serde_json::Error),
}

/// Flaws without the advice to use a backup.
fn spell(flaw: &Flaw) -> &'static str {
    match flaw {
        Flaw::Missing { .. } => "missing",
        _ => "its content does not match its digest",
    }
}

impl BackupError {
    pub(super) fn read(object: impl std::fmt::Display, error: io::Error) -> Self {
        Self::Store(StoreError::read(object.to_string(), error))
    }

    pub(super) fn write(object: impl std::fmt::Display, error: io::Error) -> Self {
        Self::Store(StoreError::write(object.to_string(), error))
    }
}
