//! Opening, verifying and restoring a backup.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::archive::TarFile;
use super::manifest::Manifest;
use super::write::key_of;
use super::{BackupError, MANIFEST, RESTORING, Restoring};
use crate::digest::copy_checked;
use crate::record;
use crate::store::{Content, Flaw, Key, Object, Problem, Store, StoreError, Stored};

/// Part of the digest of the mark.
const KIND: &str = "restoring";

/// A backup with a whole manifest.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use easylife_registry::backup::{self, Backup};
/// use easylife_registry::store::Folder;
///
/// let dir = tempfile::tempdir()?;
/// let store = Folder::create(&dir.path().join("registry"))?;
/// let tar = dir.path().join("registry.tar");
/// backup::write_tar_file(&store, &tar)?;
/// let backup = Backup::open_tar(&tar)?;
/// backup.verify()?;
/// let empty = Folder::create(&dir.path().join("restored"))?;
/// backup.restore(&empty)?;
///
/// let folder = dir.path().join("backup");
/// backup::write(&empty, &Folder::create_backup(&folder)?)?;
/// Backup::open(Arc::new(Folder::open_backup(&folder)?))?.verify()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Backup {
    manifest: Manifest,
    /// SHA-256 of the manifest.
    sha256: String,
    place: Place,
}

enum Place {
    Store(Arc<dyn Store>),
    Tar(TarFile),
}

impl std::fmt::Debug for Backup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Backup {}", self.sha256)
    }
}

impl Backup {
    /// Opens a backup in a store.
    ///
    /// # Errors
    /// [`BackupError::Half`] if it was not finished, [`BackupError::Manifest`] if it is damaged,
    /// [`BackupError::Newer`].
    pub fn open(store: Arc<dyn Store>) -> Result<Self, BackupError> {
        let bytes = store.read(&Key::new(MANIFEST)?)?;
        let bytes = bytes.ok_or(BackupError::Half)?;
        Ok(Self {
            manifest: Manifest::decode(&bytes)?,
            sha256: files::digest::bytes(&bytes),
            place: Place::Store(store),
        })
    }

    /// Opens a backup in a tar file.
    ///
    /// # Errors
    /// [`BackupError::Tar`] if it was cut or damaged, [`BackupError::Manifest`].
    pub fn open_tar(path: &Path) -> Result<Self, BackupError> {
        let (tar, manifest, bytes) = TarFile::open(path)?;
        Ok(Self {
            manifest,
            sha256: files::digest::bytes(&bytes),
            place: Place::Tar(tar),
        })
    }

    /// What it holds.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Reads everything and compares it with the manifest.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] with all objects that are missing or damaged.
    pub fn verify(&self) -> Result<(), BackupError> {
        let mut problems = Vec::new();
        for (index, object) in self.manifest.objects.iter().enumerate() {
            let Some(found) = self.read(index, object)? else {
                let needed_by = "the manifest".to_owned();
                problems.push(Problem::new(&object.key, Flaw::Missing { needed_by }));
                continue;
            };
            if !is_whole(found, object)? {
                problems.push(Problem::new(&object.key, Flaw::Digest));
            }
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(BackupError::Damaged { problems }),
        }
    }

    /// Restores everything into `store`, which is empty or holds what an interrupted restore of this
    /// backup left. The backup is verified before, and the store afterwards.
    ///
    /// # Errors
    /// Those of [`verify`](Backup::verify); if the store is not empty, is written to by others, or
    /// fails.
    pub fn restore(&self, store: &dyn Store) -> Result<(), BackupError> {
        self.verify()?;
        self.mark(store)?;
        for (index, object) in self.manifest.objects.iter().enumerate() {
            self.restore_object(index, object, store)?;
        }
        self.check_restored(store)?;
        store.remove(&Key::new(RESTORING)?)?;
        Ok(())
    }

    fn read(&self, index: usize, object: &Stored) -> Result<Option<Object>, BackupError> {
        match &self.place {
            Place::Store(store) => Ok(store.open(&key_of(&object.sha256)?)?),
            Place::Tar(tar) => match tar.read(index, object) {
                Ok(object) => Ok(Some(object)),
                Err(error) => Err(BackupError::read(&object.key, error)),
            },
        }
    }

    /// Puts the mark, unless it is there already.
    fn mark(&self, store: &dyn Store) -> Result<(), BackupError> {
        let key = Key::new(RESTORING)?;
        let mark = record::encode(
            KIND,
            &Restoring {
                backup: self.sha256.clone(),
            },
        )?;
        if store.read(&key)?.is_none() {
            self.refuse_others(store, &BTreeSet::new())?;
            store.create(&key, &mark)?;
        }
        if store.read(&key)? != Some(mark) {
            return Err(BackupError::OtherBackup);
        }
        let ours = self.manifest.objects.iter().map(|object| &object.key);
        self.refuse_others(store, &ours.collect())
    }

    /// Refuses a store that holds anything but `known` objects.
    fn refuse_others(&self, store: &dyn Store, known: &BTreeSet<&Key>) -> Result<(), BackupError> {
        let held = store.list("")?;
        let mut others = held.iter().filter(|key| !known.contains(key));
        match others.find(|key| key.as_str() != RESTORING) {
            None => Ok(()),
            Some(key) => Err(BackupError::NotEmpty {
                object: key.to_string(),
            }),
        }
    }

    fn restore_object(
        &self,
        index: usize,
        object: &Stored,
        store: &dyn Store,
    ) -> Result<(), BackupError> {
        let content = Content::new(object.sha256.clone(), object.bytes, || {
            let found = self.read(index, object).map_err(io::Error::other)?;
            let found = found.ok_or(io::ErrorKind::NotFound)?;
            Ok(found.reader as Box<dyn io::Read>)
        });
        match store.create_from(&object.key, &content) {
            Err(StoreError::Changed { .. }) => Err(BackupError::Damaged {
                problems: vec![Problem::new(&object.key, Flaw::Digest)],
            }),
            put => {
                put?; // false: an earlier restore put it; it is checked with all others
                Ok(())
            }
        }
    }

    /// Reads everything back.
    fn check_restored(&self, store: &dyn Store) -> Result<(), BackupError> {
        let ours = self.manifest.objects.iter().map(|object| &object.key);
        self.refuse_others(store, &ours.collect())?;
        for object in &self.manifest.objects {
            let whole = match store.open(&object.key)? {
                Some(found) => is_whole(found, object)?,
                None => false,
            };
            if !whole {
                let object = object.key.to_string();
                return Err(BackupError::NotRestored { object });
            }
        }
        Ok(())
    }
}

/// Whether an object has the content that the manifest states.
fn is_whole(found: Object, object: &Stored) -> Result<bool, BackupError> {
    copy_checked(found.reader, &mut io::sink(), &object.sha256, object.bytes)
        .map_err(|error| BackupError::read(&object.key, error))
}
