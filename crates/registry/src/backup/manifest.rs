//! The manifest of a backup: which objects it holds.

use std::io;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BackupError, refuse_unfinished};
use crate::store::{Flaw, Object, Store, Stored};
use crate::{digest, history, record, runs};

/// Part of the digest of a manifest.
const KIND: &str = "backup";

/// Where the objects of a backup may be: a manifest cannot make a restore write anything else.
const FOLDERS: [&str; 3] = ["history/", "models/", "runs/"];

/// The one object that is in no folder.
const HEAD: &str = "head.json";

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// When it was made.
    pub made: Timestamp,
    /// Number of runs.
    pub runs: u64,
    /// Number of entries of the history.
    pub entries: u64,
    /// Its objects, in the order of their names.
    pub objects: Vec<Stored>,
}

impl Manifest {
    /// Length of all objects, in bytes.
    pub fn bytes(&self) -> u64 {
        let lengths = self.objects.iter().map(|object| object.bytes);
        lengths.fold(0, u64::saturating_add)
    }

    pub(super) fn encode(&self) -> serde_json::Result<Vec<u8>> {
        record::encode(KIND, self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, BackupError> {
        let manifest: Self = record::decode(KIND, bytes).map_err(|flaw| match flaw {
            Flaw::Newer { format } => BackupError::Newer { format },
            Flaw::Unreadable { reason } => BackupError::Manifest { reason },
            _ => BackupError::Manifest {
                reason: "its content does not match its digest".to_owned(),
            },
        })?;
        let mut before = None;
        for object in &manifest.objects {
            let key = object.key.as_str();
            let belongs = key == HEAD || FOLDERS.iter().any(|folder| key.starts_with(folder));
            if !belongs || before >= Some(key) || !digest::is_sha256(&object.sha256) {
                let reason = format!("`{key}` cannot be in it");
                return Err(BackupError::Manifest { reason });
            }
            before = Some(key);
        }
        Ok(manifest)
    }
}

/// A store as it was when the snapshot was taken.
pub(super) struct Snapshot<'s> {
    store: &'s dyn Store,
    pub manifest: Manifest,
    /// The head may be moved at any time; these are the bytes that belong to the entries.
    head: Option<Vec<u8>>,
}

impl<'s> Snapshot<'s> {
    /// Runs first: an entry that names a run is only ever written after the run.
    pub fn of(store: &'s dyn Store) -> Result<Self, BackupError> {
        refuse_unfinished(store)?;
        let history = history::snapshot(store)?;
        let mut objects = runs::snapshot(store)?;
        let runs = objects.len() as u64;
        objects.extend(history.objects);
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        let manifest = Manifest {
            made: Timestamp::now(),
            runs,
            entries: history.entries as u64,
            objects,
        };
        let head = history.head.map(|(_, bytes)| bytes);
        Ok(Self {
            store,
            manifest,
            head,
        })
    }

    /// Opens one of its objects.
    pub fn open(&self, object: &Stored) -> Result<Object, BackupError> {
        if let Some(head) = self.head.as_ref().filter(|_| object.key.as_str() == HEAD) {
            return Ok(Object {
                bytes: head.len() as u64,
                reader: Box::new(io::Cursor::new(head.clone())),
            });
        }
        let removed = || BackupError::Removed {
            object: object.key.to_string(),
        };
        self.store.open(&object.key)?.ok_or_else(removed)
    }
}
