//! Making a backup.

use std::io::{self, Write};
use std::path::Path;

use super::manifest::{Manifest, Snapshot};
use super::{BackupError, MANIFEST, archive};
use crate::digest::copy_checked;
use crate::store::{self, Content, Flaw, Key, Problem, Store, StoreError, Stored};

/// Folder of the objects, in a store.
const OBJECTS: &str = "objects/";

/// The name of an object of a backup in a store.
pub(super) fn key_of(sha256: &str) -> Result<Key, StoreError> {
    Key::new(format!("{OBJECTS}{sha256}"))
}

/// Backs `store` up into `target`, which is empty or holds what an interrupted backup left:
/// [`Folder::create_backup`](crate::store::Folder::create_backup), for example.
///
/// # Errors
/// [`BackupError::Exists`] if `target` holds a whole backup; if `store` is damaged, an object of it
/// is removed meanwhile, or either store fails.
pub fn write(store: &dyn Store, target: &dyn Store) -> Result<Manifest, BackupError> {
    let manifest_key = Key::new(MANIFEST)?;
    let exists = || BackupError::Exists {
        place: "the target".to_owned(),
    };
    for key in target.list("")? {
        if key == manifest_key {
            return Err(exists());
        }
        if !key.as_str().starts_with(OBJECTS) {
            let object = key.to_string();
            return Err(BackupError::Occupied { object });
        }
    }
    let snapshot = Snapshot::of(store)?;
    for object in &snapshot.manifest.objects {
        copy_object(&snapshot, object, target)?;
    }
    match target.create(&manifest_key, &snapshot.manifest.encode()?)? {
        true => Ok(snapshot.manifest),
        false => Err(exists()),
    }
}

fn copy_object(
    snapshot: &Snapshot<'_>,
    object: &Stored,
    target: &dyn Store,
) -> Result<(), BackupError> {
    snapshot.open(object)?; // says which one is gone, if it is
    let content = Content::new(object.sha256.clone(), object.bytes, || {
        let object = snapshot.open(object).map_err(io::Error::other)?;
        Ok(object.reader as Box<dyn io::Read>)
    });
    match store::put(target, &key_of(&object.sha256)?, &content) {
        Err(StoreError::Changed { .. }) => Err(damaged(object)),
        put => Ok(put?),
    }
}

/// An object of the store that is to be backed up is not what it should be.
fn damaged(object: &Stored) -> BackupError {
    let problems = vec![Problem::new(&object.key, Flaw::Digest)];
    BackupError::Source(crate::history::RegistryError::Broken { problems })
}

/// Backs `store` up as a tar stream. Where the stream ends early, for whatever reason, it is not
/// accepted as a backup.
///
/// # Errors
/// As [`write()`], and if the stream cannot be written.
pub fn write_tar(store: &dyn Store, out: &mut dyn Write) -> Result<Manifest, BackupError> {
    let snapshot = Snapshot::of(store)?;
    let bytes = snapshot.manifest.encode()?;
    let length = bytes.len() as u64;
    let put = archive::header(MANIFEST, length).and_then(|header| out.write_all(&header));
    put.and_then(|()| out.write_all(&bytes))
        .and_then(|()| out.write_all(archive::padding(length)))
        .map_err(failed(MANIFEST))?;
    for object in &snapshot.manifest.objects {
        let failed = failed(object.key.as_str());
        let reader = snapshot.open(object)?.reader;
        let copied = archive::header(object.key.as_str(), object.bytes)
            .and_then(|header| out.write_all(&header))
            .and_then(|()| copy_checked(reader, out, &object.sha256, object.bytes));
        if !copied.map_err(&failed)? {
            return Err(damaged(object));
        }
        out.write_all(archive::padding(object.bytes))
            .map_err(failed)?;
    }
    out.write_all(&archive::END)
        .and_then(|()| out.flush())
        .map_err(failed("everything"))?;
    Ok(snapshot.manifest)
}

fn failed(object: &str) -> impl Fn(io::Error) -> BackupError {
    move |error| BackupError::write(format!("the backup of {object}"), error)
}

/// Backs `store` up into a new tar file, which appears only when it is whole.
///
/// # Errors
/// [`BackupError::Exists`] if there is a file of that name; those of [`write_tar`].
pub fn write_tar_file(store: &dyn Store, path: &Path) -> Result<Manifest, BackupError> {
    let place = || path.display().to_string();
    if path.symlink_metadata().is_ok() {
        return Err(BackupError::Exists { place: place() });
    }
    let mut made = None;
    let written = files::atomic::write(path, |out| match made.insert(write_tar(store, out)) {
        Ok(_) => Ok(()),
        Err(_) => Err(io::Error::other("the backup failed")),
    });
    match (made, written) {
        (Some(Err(error)), _) => Err(error),
        (_, Err(error)) => Err(BackupError::write(place(), error)),
        (Some(Ok(manifest)), Ok(())) => Ok(manifest),
        (None, Ok(())) => Err(BackupError::write(place(), io::ErrorKind::Other.into())),
    }
}
