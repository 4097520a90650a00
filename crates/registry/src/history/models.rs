//! The files of models in a store: `models/<sha256>`, each checked against its name when it is read.

use std::io::{self, Write};
use std::path::Path;

use super::error::RegistryError;
use super::state::Version;
use crate::digest::copy_checked;
use crate::store::{Key, Store, StoreError};

/// Folder of the files.
pub(super) const PREFIX: &str = "models/";

/// The name of a model's file.
pub(super) fn key_of(sha256: &str) -> Result<Key, StoreError> {
    Key::new(format!("{PREFIX}{sha256}"))
}

/// The bytes of a version's file. What is returned is what was checked: it is read once.
pub(super) fn read(store: &dyn Store, version: &Version) -> Result<Vec<u8>, RegistryError> {
    let mut bytes = Vec::new();
    copy_to(store, version, &mut bytes)?;
    Ok(bytes)
}

/// Copies a version's file to `path`, which appears only if it matches its digest.
pub(super) fn save(store: &dyn Store, version: &Version, path: &Path) -> Result<(), RegistryError> {
    let mut failed = None;
    let written = files::atomic::write(path, |out| {
        copy_to(store, version, out).map_err(|error| {
            failed = Some(error);
            io::Error::other("it could not be copied")
        })
    });
    match (written, failed) {
        (_, Some(error)) => Err(error),
        (Err(error), None) => Err(StoreError::write(path.display().to_string(), error).into()),
        (Ok(()), None) => Ok(()),
    }
}

fn copy_to(store: &dyn Store, version: &Version, out: &mut dyn Write) -> Result<(), RegistryError> {
    let model = || format!("version {} of {}", version.number, version.name);
    if let Some(note) = &version.erased {
        return Err(super::Refusal::Erased {
            name: version.name.clone(),
            version: version.number,
            note: note.clone(),
        }
        .into());
    }
    let key = key_of(&version.sha256)?;
    let damaged = |what| RegistryError::Model {
        model: model(),
        key: key.to_string(),
        what,
    };
    let object = store.open(&key)?.ok_or_else(|| damaged("missing"))?;
    let whole = copy_checked(object.reader, out, &version.sha256, version.bytes)
        .map_err(|error| StoreError::read(key.as_str(), error))?;
    match whole {
        true => Ok(()),
        false => Err(damaged("damaged: it does not match its digest")),
    }
}
