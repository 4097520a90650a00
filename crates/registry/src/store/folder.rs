//! A store in a folder.
//!
//! An object is written to a temporary file in the folder `.tmp` of the store, synced, and moved to
//! its name in one step (`renameat2` with `RENAME_NOREPLACE`, or a hard link where the file system
//! lacks it), then the folder is synced. Below one root all of them are on one file system.
//! Temporary files of writers that were killed are told from those of living ones by [`Writer`].

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use files::leftovers::Leftover;
use tempfile::{Builder, NamedTempFile};

use super::writer::{DRAWN, Writer};
use super::{
    Content, FORMAT, Flaw, Key, Kind, MARKER, Marker, Object, Problem, Store, StoreError,
    check_marker, path_below,
};
use crate::digest;

/// Folder of the temporary files, below the root.
const TEMPORARY: &str = ".tmp";

/// A store in a folder of the file system.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Opens the store in `root`. Writes nothing, so the store may be read-only.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is none, [`StoreError::Newer`] if a newer version wrote it.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        Self::open_as(root, Kind::Live)
    }

    /// Opens the backup in `root`, for [`Backup::open`](crate::backup::Backup::open). Writes nothing.
    ///
    /// # Errors
    /// Those of [`Folder::open`], and [`StoreError::IsLive`] if this is not a backup.
    pub fn open_backup(root: &Path) -> Result<Self, StoreError> {
        Self::open_as(root, Kind::Backup)
    }

    fn open_as(root: &Path, kind: Kind) -> Result<Self, StoreError> {
        let place = || root.display().to_string();
        match fs::read(root.join(MARKER)) {
            Ok(bytes) => check_marker(root, &bytes, kind)?,
            Err(error) if is_absent(&error) => return Err(StoreError::Missing { place: place() }),
            Err(error) => return Err(StoreError::read(place(), error)),
        }
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// Opens the store in `root`, and creates it if the folder is absent or empty. Several processes
    /// may do so at once.
    ///
    /// # Errors
    /// [`StoreError::Occupied`] if the folder holds something else; those of [`Folder::open`] and of
    /// writing.
    ///
    /// # Examples
    /// ```
    /// use easylife_registry::store::{Folder, Key, Store};
    ///
    /// let dir = tempfile::tempdir().unwrap();
    /// let store = Folder::create(&dir.path().join("store"))?;
    /// let key = Key::new("runs/one.json")?;
    /// assert!(store.create(&key, b"first")?);
    /// assert!(!store.create(&key, b"second")?);
    /// assert_eq!(store.read(&key)?, Some(b"first".to_vec()));
    /// # Ok::<(), easylife_registry::store::StoreError>(())
    /// ```
    pub fn create(root: &Path) -> Result<Self, StoreError> {
        Self::create_as(root, Kind::Live)
    }

    /// Opens the folder `root` as the target of a [`backup::write`](crate::backup::write), and creates
    /// it if it is absent or empty. Runs and registry refuse such a folder.
    ///
    /// # Errors
    /// Those of [`Folder::create`], and [`StoreError::IsLive`] if it is a store for use.
    pub fn create_backup(root: &Path) -> Result<Self, StoreError> {
        Self::create_as(root, Kind::Backup)
    }

    fn create_as(root: &Path, kind: Kind) -> Result<Self, StoreError> {
        match Self::open_as(root, kind) {
            Err(StoreError::Missing { .. }) => {}
            opened => return opened,
        }
        let place = root.display().to_string();
        let failed = |error| StoreError::write(place.clone(), error);
        make_folder(root).map_err(failed)?;
        for entry in fs::read_dir(root).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if name == MARKER {
                return Self::open_as(root, kind); // created by another process meanwhile
            }
            if name != TEMPORARY {
                return Err(StoreError::Occupied { place });
            }
        }
        let store = Self {
            root: root.to_owned(),
        };
        let format = FORMAT;
        let marker =
            serde_json::to_vec(&Marker { format, kind }).map_err(|error| failed(error.into()))?;
        let path = root.join(MARKER);
        store
            .put(&path, false, &mut |out| out.write_all(&marker))
            .map_err(failed)?;
        Self::open_as(root, kind)
    }

    /// The folder of the store.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Fills a temporary file and moves it to `path`. Returns false if the name is taken and must
    /// not be replaced.
    pub(super) fn put(
        &self,
        path: &Path,
        replace: bool,
        fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<bool> {
        let folder = path.parent().unwrap_or(&self.root);
        make_folder(folder)?;
        if !replace && path.symlink_metadata().is_ok() {
            // The other writer may not have synced its folder yet, and the caller relies on it.
            sync_folder(folder)?;
            return Ok(false);
        }
        let mut file = self.temporary()?;
        let _listed = Leftover::new(file.path());
        fill(file.as_file_mut())?;
        if !replace && path.symlink_metadata().is_ok() {
            sync_folder(folder)?;
            return Ok(false); // another writer was first: nothing of ours need reach the disk
        }
        file.as_file().sync_all()?;
        let moved = match replace {
            true => file.persist(path),
            false => file.persist_noclobber(path),
        };
        match moved {
            Ok(_) => {}
            Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => {
                sync_folder(folder)?;
                return Ok(false);
            }
            Err(failed) => return Err(failed.error),
        }
        sync_folder(folder)?;
        Ok(true)
    }

    /// A new temporary file with the writer's lock on it. Leftovers of others are removed first.
    fn temporary(&self) -> io::Result<NamedTempFile> {
        const ATTEMPTS: usize = 16;
        let folder = self.root.join(TEMPORARY);
        make_folder(&folder)?;
        let _ = self.sweep(); // somebody else's leftovers are no reason not to write
        let prefix = Writer::this().prefix();
        for _ in 0..ATTEMPTS {
            let file = Builder::new()
                .prefix(&prefix)
                .rand_bytes(DRAWN)
                .permissions(Permissions::from_mode(0o666)) // less the umask
                .tempfile_in(&folder)?;
            // A process of another container may have taken it for a leftover before the lock.
            let taken = matches!(file.as_file().try_lock(), Err(fs::TryLockError::WouldBlock));
            if !taken && file.path().symlink_metadata().is_ok() {
                return Ok(file);
            }
        }
        Err(io::Error::other(
            "another process keeps removing its temporary files",
        ))
    }

    /// Removes the temporary files of writers that are gone, as far as possible.
    fn sweep(&self) -> io::Result<()> {
        for (path, writer) in self.temporaries()? {
            if let Some(_lock) = writer.and_then(|writer| writer.is_gone(&path)) {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The files in the folder of temporary files, with the writer that their name states.
    fn temporaries(&self) -> io::Result<Vec<(PathBuf, Option<Writer>)>> {
        let entries = match fs::read_dir(self.root.join(TEMPORARY)) {
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            let writer = entry.file_name().to_str().and_then(Writer::of_name);
            found.push((entry.path(), writer));
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(found)
    }

    /// Visits the files below `folder`: `visit(name relative to the root)`.
    fn walk(&self, folder: &Path, visit: &mut dyn FnMut(&Path)) -> io::Result<()> {
        let entries = match fs::read_dir(folder) {
            Err(error) if is_absent(&error) => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let Ok(name) = path.strip_prefix(&self.root) else {
                continue;
            };
            if name == Path::new(TEMPORARY) || name == Path::new(MARKER) {
                continue;
            }
            if path.is_dir() {
                self.walk(&path, visit)?;
            } else {
                visit(name);
            }
        }
        Ok(())
    }
}

impl Store for Folder {
    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        match fs::read(path_below(&self.root, key)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(StoreError::read(key.as_str(), error)),
        }
    }

    fn create(&self, key: &Key, bytes: &[u8]) -> Result<bool, StoreError> {
        let path = path_below(&self.root, key);
        self.put(&path, false, &mut |out| out.write_all(bytes))
            .map_err(|error| StoreError::write(key.as_str(), error))
    }

    fn create_from(&self, key: &Key, content: &Content<'_>) -> Result<bool, StoreError> {
        let path = path_below(&self.root, key);
        let mut changed = false;
        let put = self.put(&path, false, &mut |out| {
            let reader = content.open()?;
            changed = digest::copy(reader, out)? != (content.sha256.clone(), content.bytes);
            match changed {
                true => Err(io::Error::other("its source changed")),
                false => Ok(()),
            }
        });
        let object = key.to_string();
        match put {
            Err(_) if changed => Err(StoreError::Changed { object }),
            put => put.map_err(|error| StoreError::write(object, error)),
        }
    }

    fn replace(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        let path = path_below(&self.root, key);
        self.put(&path, true, &mut |out| out.write_all(bytes))
            .map(|_| ())
            .map_err(|error| StoreError::write(key.as_str(), error))
    }

    fn remove(&self, key: &Key) -> Result<bool, StoreError> {
        let path = path_below(&self.root, key);
        let failed = |error| StoreError::write(key.as_str(), error);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if is_absent(&error) => return Ok(false),
            Err(error) => return Err(failed(error)),
        }
        sync_folder(path.parent().unwrap_or(&self.root)).map_err(failed)?;
        Ok(true)
    }

    fn list(&self, prefix: &str) -> Result<Vec<Key>, StoreError> {
        // The folder part of the prefix narrows the walk; the rest is compared.
        let below = match prefix.rsplit_once('/') {
            Some((folder, _)) => path_below(&self.root, &Key::new(folder)?),
            None => self.root.clone(),
        };
        let mut keys = Vec::new();
        self.walk(&below, &mut |name| {
            let key = name.to_str().and_then(|name| Key::new(name).ok());
            keys.extend(key.filter(|key| key.as_str().starts_with(prefix)));
        })
        .map_err(|error| StoreError::read(self.root.display().to_string(), error))?;
        keys.sort();
        Ok(keys)
    }

    fn open(&self, key: &Key) -> Result<Option<Object>, StoreError> {
        let failed = |error| StoreError::read(key.as_str(), error);
        let file = match File::open(path_below(&self.root, key)) {
            Err(error) if is_absent(&error) => return Ok(None),
            file => file.map_err(failed)?,
        };
        let bytes = file.metadata().map_err(failed)?.len();
        let reader = Box::new(file);
        Ok(Some(Object { bytes, reader }))
    }

    fn check(&self, repair: bool) -> Result<Vec<Problem>, StoreError> {
        let place = || self.root.display().to_string();
        let read = |error| StoreError::read(place(), error);
        if repair {
            self.sweep()
                .map_err(|error| StoreError::write(place(), error))?;
        }
        let mut problems = Vec::new();
        for (path, writer) in self.temporaries().map_err(read)? {
            let flaw = match &writer {
                None => Flaw::Stranger,
                Some(writer) => match writer.is_gone(&path) {
                    Some(_) => Flaw::Leftover { process: writer.id },
                    None => Flaw::InProgress { process: writer.id },
                },
            };
            let name = path.strip_prefix(&self.root).unwrap_or(&path);
            problems.push(Problem::new(name.display(), flaw));
        }
        self.walk(&self.root, &mut |name| {
            if name.to_str().is_none_or(|name| Key::new(name).is_err()) {
                problems.push(Problem::new(files::names::spell(name), Flaw::Stranger));
            }
        })
        .map_err(read)?;
        Ok(problems)
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Creates a folder and its parents; each new name is on disk before the next step.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent().filter(|parent| *parent != Path::new("")) {
        make_folder(parent)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    match folder.parent() {
        Some(parent) if parent != Path::new("") => sync_folder(parent),
        _ => sync_folder(Path::new(".")),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
