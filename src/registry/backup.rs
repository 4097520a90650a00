//! Backups of the registry and the runs beside it.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use crate::exit;
use crate::memory::{Location, Place};
use registry::backup::{self, Backup, BackupError, Manifest};

/// A backup that was made or restored.
#[derive(Serialize)]
pub struct Copied {
    path: PathBuf,
    #[serde(skip)]
    did: &'static str,
    entries: u64,
    objects: usize,
    bytes: u64,
}

impl Copied {
    fn of(path: &Path, did: &'static str, manifest: &Manifest) -> Self {
        Self {
            path: path.to_owned(),
            did,
            entries: manifest.entries,
            objects: manifest.objects.len(),
            bytes: manifest.bytes(),
        }
    }
}

impl fmt::Display for Copied {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            path,
            did,
            entries,
            objects,
            bytes,
        } = self;
        writeln!(
            f,
            "{did} {}: {entries} entries, {objects} objects, {bytes} bytes",
            path.display()
        )
    }
}

/// What a backup says with its exit code: that it is not whole is a matter of its data.
fn coded(error: BackupError) -> anyhow::Error {
    let text = error.to_string();
    match error {
        BackupError::Half
        | BackupError::Manifest { .. }
        | BackupError::Damaged { .. }
        | BackupError::Tar { .. } => exit::data(text),
        BackupError::Exists { .. } => exit::usage(text),
        error => error.into(),
    }
}

fn is_tar(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "tar")
}

/// A folder or a bucket.
fn there(path: &Path) -> Location {
    Location::new(path, Path::new(""))
}

/// Backs the store up: to a tar file if `to` ends in `.tar`, otherwise to a folder or `s3://BUCKET/PREFIX`, which is new.
///
/// # Errors
/// A store that is damaged, a target that exists or cannot be written.
pub fn backup(place: &Place, to: &Path) -> Result<Copied> {
    let store = place.store()?;
    let manifest = match is_tar(to) {
        true => backup::write_tar_file(&*store, to),
        false => backup::write(&*store, &*there(to).create_backup()?),
    };
    Ok(Copied::of(to, "backed up to", &manifest.map_err(coded)?))
}

/// Restores a backup into the store, which must be new or hold what an interrupted restore left.
///
/// # Errors
/// A backup that is half or damaged, a store that holds something.
pub fn restore(place: &Place, from: &Path) -> Result<Copied> {
    let backup = match is_tar(from) {
        true => Backup::open_tar(from),
        false => Backup::open(there(from).open_backup()?),
    };
    let backup = backup.map_err(coded)?;
    let store = place.location()?.create()?;
    backup.restore(&*store).map_err(coded)?;
    Ok(Copied::of(from, "restored from", backup.manifest()))
}
