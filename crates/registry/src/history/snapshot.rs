//! What a backup has to hold of a history, while others may write.

use std::collections::BTreeSet;

use super::check::{is_needed, versions};
use super::entry::{HEAD, key_of};
use super::error::RegistryError;
use super::log::Log;
use super::models;
use crate::store::{Flaw, Key, Problem, Store, StoreError, Stored};

/// A whole history: a chain of entries, a head that belongs to it, and the models that it needs.
pub(crate) struct Snapshot {
    /// Its objects; the head is among them.
    pub objects: Vec<Stored>,
    /// Number of entries.
    pub entries: usize,
    /// The bytes of the head, which another writer may move at any time; `None` before the first.
    pub head: Option<(Key, Vec<u8>)>,
}

/// The history as it is now. Entries that are written meanwhile are left out.
///
/// # Errors
/// [`RegistryError::Broken`] if the history does not verify, or a model is missing.
pub(crate) fn snapshot(store: &dyn Store) -> Result<Snapshot, RegistryError> {
    let mut problems = Vec::new();
    let log = Log::read(store, None, false, &mut problems)?;
    let mut objects = Vec::new();
    for signed in &log.entries {
        let key = key_of(signed.entry.number)?;
        let bytes = length(store, &key, &mut problems)?;
        let sha256 = signed.hash.clone();
        objects.push(Stored { key, sha256, bytes });
    }
    let mut known = BTreeSet::new();
    for version in versions(&log.state) {
        if known.insert(&version.sha256) && is_needed(&log.state, &version.sha256) {
            let key = models::key_of(&version.sha256)?;
            length(store, &key, &mut problems)?;
            let (sha256, bytes) = (version.sha256.clone(), version.bytes);
            objects.push(Stored { key, sha256, bytes });
        }
    }
    let head = match &log.head {
        Some(head) => Some((Key::new(HEAD)?, head.encode()?)),
        None => None,
    };
    if let Some((key, bytes)) = &head {
        objects.push(Stored {
            key: key.clone(),
            sha256: files::digest::bytes(bytes),
            bytes: bytes.len() as u64,
        });
    }
    if !problems.is_empty() {
        return Err(RegistryError::Broken { problems });
    }
    Ok(Snapshot {
        objects,
        entries: log.entries.len(),
        head,
    })
}

/// The length of an object that must be there.
fn length(store: &dyn Store, key: &Key, problems: &mut Vec<Problem>) -> Result<u64, StoreError> {
    if let Some(object) = store.open(key)? {
        return Ok(object.bytes);
    }
    let needed_by = "the history".to_owned();
    problems.push(Problem::new(key, Flaw::Missing { needed_by }));
    Ok(0)
}
