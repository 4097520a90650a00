//! Backups of a store: all runs, the history and its models, to another store or a tar file, and
//! back.
//!
//! A backup in a store is a set of objects `objects/<sha256>` and `backup.json`, the manifest, which
//! states name, digest and length of each and is put last, in one step. In a tar file the manifest is
//! the first entry and the objects follow under their own names; everything else in it (headers,
//! padding, end) has one spelling only. So a backup that was cut, or of which any byte changed, is
//! found: half a backup is never taken for a whole one.
//!
//! **While others write.** Runs and entries are only ever added, so a backup holds the runs that were
//! listed and a whole chain of entries with a head that belongs to it. A run or model that is removed
//! meanwhile is an error; run the backup again then.
//!
//! **Restoring.** A backup is verified before anything is written. The store must be empty; while the
//! mark `restoring.json` stands in it, runs and registry refuse it, and the same restore may be run
//! again. The mark goes when every object was read back and is right.
//!
//! **What digests cannot tell.** Whoever can write a backup can make another one, with digests that
//! fit. Run [`history::check`](crate::history::check()) with the trusted keys on the restored store.
//! A model that was erased is still in the backups that were made before: remove those as well.

mod archive;
mod error;
mod manifest;
mod restore;

#[cfg(test)]
mod tests;
mod write;

use serde::{Deserialize, Serialize};

use crate::store::{Key, Store, StoreError};

pub use error::BackupError;
pub use manifest::Manifest;
pub use restore::Backup;
pub use write::{write, write_tar, write_tar_file};

/// Name of the object that stands in a store while it is being restored.
pub const RESTORING: &str = "restoring.json";

/// Name of the manifest, in a store and in a tar file.
pub const MANIFEST: &str = "backup.json";

/// Content of [`RESTORING`].
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Restoring {
    /// SHA-256 of the manifest of the backup.
    backup: String,
}

/// The store is the target of a restore that did not end.
#[derive(Debug, thiserror::Error)]
pub enum Unfinished {
    /// It holds a part of a backup only.
    #[error(
        "the store holds a part of a backup: its restore was interrupted; run the restore again"
    )]
    Part,
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Refuses a store that holds a part of a backup.
pub(crate) fn refuse_unfinished(store: &dyn Store) -> Result<(), Unfinished> {
    match store.read(&Key::new(RESTORING)?)? {
        Some(_) => Err(Unfinished::Part),
        None => Ok(()),
    }
}
