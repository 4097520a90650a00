//! Named objects that are there as a whole or not at all.
//!
//! Everything above this module works on the trait [`Store`] alone: objects are put if they are
//! absent, replaced, read, listed and removed. A folder is one implementation ([`Folder`]), a bucket
//! of S3 another (`S3`, with the feature `s3`), so nothing above may rely on folders, locks or the
//! order in which writers arrive.

mod folder;
mod key;
#[cfg(test)]
pub(crate) mod memory;
mod problem;
#[cfg(feature = "s3")]
pub mod s3;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use folder::Folder;
pub use key::Key;
pub use problem::{Flaw, Problem};
#[cfg(feature = "s3")]
pub use s3::S3;

use crate::digest;

/// The format of stores that this version reads and writes.
pub const FORMAT: u32 = 1;

/// Name of the object that makes a place a store and states its format.
pub const MARKER: &str = "store.json";

/// Content of [`MARKER`].
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marker {
    format: u32,
    #[serde(default, skip_serializing_if = "Kind::is_live")]
    kind: Kind,
}

/// What a store is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Runs and the registry.
    #[default]
    Live,
    /// A backup of such a store.
    Backup,
}

impl Kind {
    fn is_live(&self) -> bool {
        *self == Self::Live
    }
}

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A name that no object may have.
    #[error("`{key}` is not the name of an object: {reason}")]
    Key {
        /// The name.
        key: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no store at this place.
    #[error("{place} is not a store: it has no {MARKER}; create one first, or check the path")]
    Missing {
        /// Where a store was expected.
        place: String,
    },
    /// The place holds something else, which a new store could damage.
    #[error("{place} is not empty and not a store; choose an empty folder for a new store")]
    Occupied {
        /// Where a store was to be created.
        place: String,
    },
    /// A backup, where a store for use was expected.
    #[error("{place} is a backup, not a store for use; restore it into an empty folder")]
    IsBackup {
        /// Where it is.
        place: String,
    },
    /// A store for use, where a backup was expected.
    #[error("{place} is a store for use, not a backup; name another folder")]
    IsLive {
        /// Where it is.
        place: String,
    },
    /// The store was written by a newer version of the program.
    #[error(
        "the store {place} has format {found}, this version reads up to {FORMAT}; \
         use the newer version that wrote it"
    )]
    Newer {
        /// Where the store is.
        place: String,
        /// Its format.
        found: u32,
    },
    /// The marker of the store cannot be understood.
    #[error("{place}/{MARKER} is damaged; restore it, its content is {{\"format\":{FORMAT}}}")]
    Marker {
        /// Where the store is.
        place: String,
        /// What the parser says.
        #[source]
        error: serde_json::Error,
    },
    /// No space is left, or a quota or limit on the size of files is reached.
    #[error("cannot write {object}: no space left ({error}); free some and run again")]
    Full {
        /// The object.
        object: String,
        /// The system's error.
        error: io::Error,
    },
    /// The store may be read but not written.
    #[error("cannot write {object}: the store is read-only here ({error})")]
    ReadOnly {
        /// The object.
        object: String,
        /// The system's error.
        error: io::Error,
    },
    /// What was to be stored is not what was announced: a file that changed meanwhile, for example.
    #[error("{object} changed while it was stored; run again when nothing writes to its source")]
    Changed {
        /// The object.
        object: String,
    },
    /// An address of a bucket, or the environment that belongs to it, cannot be used.
    #[cfg(feature = "s3")]
    #[error(transparent)]
    S3Settings(#[from] s3::SettingsError),
    /// Any other failure of the system.
    #[error("cannot {action} {object}: {error}")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// The object or file.
        object: String,
        /// The system's error.
        error: io::Error,
    },
}

impl StoreError {
    /// Sorts a system's error on writing `object` by what the user can do about it.
    pub(crate) fn write(object: impl Into<String>, error: io::Error) -> Self {
        use io::ErrorKind::*;
        let object = object.into();
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full { object, error },
            ReadOnlyFilesystem | PermissionDenied => Self::ReadOnly { object, error },
            _ => Self::Io {
                action: "write",
                object,
                error,
            },
        }
    }

    pub(crate) fn read(object: impl Into<String>, error: io::Error) -> Self {
        Self::Io {
            action: "read",
            object: object.into(),
            error,
        }
    }
}

/// An object opened for reading.
pub struct Object {
    /// Its length.
    pub bytes: u64,
    /// Its content. The object stays readable to the end if it is replaced or removed meanwhile.
    pub reader: Box<dyn Read + Send>,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Object of {} bytes", self.bytes)
    }
}

/// What is known about an object without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// Its name.
    pub key: Key,
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

/// Opens the bytes of a [`Content`] from their start.
type Opener<'a> = Box<dyn Fn() -> io::Result<Box<dyn Read + 'a>> + 'a>;

/// What is to become a big object: streamed, and checked against its digest on the way. It can be
/// opened more than once, since a store over a network may have to send it again.
pub struct Content<'a> {
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Length.
    pub bytes: u64,
    opener: Opener<'a>,
}

impl std::fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content {} of {} bytes", self.sha256, self.bytes)
    }
}

impl<'a> Content<'a> {
    /// Content of known digest and length that `opener` reads from its start each time.
    pub fn new(
        sha256: String,
        bytes: u64,
        opener: impl Fn() -> io::Result<Box<dyn Read + 'a>> + 'a,
    ) -> Self {
        Self {
            sha256,
            bytes,
            opener: Box::new(opener),
        }
    }

    /// The content of a file, which is read once for its digest.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the file cannot be read.
    pub fn of_file(path: &'a Path) -> Result<Self, StoreError> {
        let failed = |error| StoreError::read(path.display().to_string(), error);
        let bytes = std::fs::metadata(path).map_err(failed)?.len();
        let sha256 = files::digest::file(path).map_err(failed)?;
        Ok(Self::new(sha256, bytes, move || {
            Ok(Box::new(File::open(path)?))
        }))
    }

    /// Bytes in memory: what is stored is what the caller has looked at.
    pub fn of_bytes(bytes: &'a [u8]) -> Self {
        let sha256 = files::digest::bytes(bytes);
        Self::new(sha256, bytes.len() as u64, move || Ok(Box::new(bytes)))
    }

    /// A reader of the content from its start.
    ///
    /// # Errors
    /// If the source cannot be opened any more.
    pub fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        (self.opener)()
    }
}

/// A place for named objects. Each is written as a whole: no reader and no crash ever sees a part
/// of one, and what a method has returned is on disk.
pub trait Store: Send + Sync {
    /// The whole object; `None` if it is absent.
    ///
    /// # Errors
    /// If it cannot be read.
    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError>;

    /// Puts an object if its name is free, in one step. Returns false, and changes nothing, if it
    /// is taken. Of several writers at once exactly one gets true.
    ///
    /// # Errors
    /// If it cannot be written; the object is then absent, or whole if only the confirmation of the
    /// disk failed.
    fn create(&self, key: &Key, bytes: &[u8]) -> Result<bool, StoreError>;

    /// [`create`](Store::create) for big objects: streams, and refuses content that does not match
    /// its digest.
    ///
    /// # Errors
    /// As [`create`](Store::create), and [`StoreError::Changed`].
    fn create_from(&self, key: &Key, content: &Content<'_>) -> Result<bool, StoreError>;

    /// Puts an object in place of the one that is there, if any, in one step.
    ///
    /// # Errors
    /// If it cannot be written; the former object is then unchanged.
    fn replace(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError>;

    /// Removes an object; returns whether it was there.
    ///
    /// # Errors
    /// If it cannot be removed.
    fn remove(&self, key: &Key) -> Result<bool, StoreError>;

    /// The names that begin with `prefix` (any text, `""` for all), in ascending order. The marker
    /// of the store is not among them.
    ///
    /// # Errors
    /// If the store cannot be listed.
    fn list(&self, prefix: &str) -> Result<Vec<Key>, StoreError>;

    /// Opens an object for reading; `None` if it is absent.
    ///
    /// # Errors
    /// If it cannot be read.
    fn open(&self, key: &Key) -> Result<Option<Object>, StoreError>;

    /// What only the store itself can see: leftovers of writers that were killed, and things in it
    /// that are no objects. With `repair`, leftovers are removed first (and not reported).
    ///
    /// # Errors
    /// If the store cannot be listed, or a leftover not be removed.
    fn check(&self, repair: bool) -> Result<Vec<Problem>, StoreError>;
}

/// Puts an object whose name follows from its content. One that is there is read and checked, and
/// replaced if it is damaged.
///
/// # Errors
/// Those of [`Store::create_from`].
pub(crate) fn put(store: &dyn Store, key: &Key, content: &Content<'_>) -> Result<(), StoreError> {
    if store.create_from(key, content)? {
        return Ok(());
    }
    if !is_whole(store, key, &content.sha256)? {
        store.remove(key)?;
        store.create_from(key, content)?;
    }
    Ok(())
}

/// Whether an object is there and has this digest.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn is_whole(store: &dyn Store, key: &Key, sha256: &str) -> Result<bool, StoreError> {
    let Some(object) = store.open(key)? else {
        return Ok(false);
    };
    digest::copy_checked(object.reader, &mut io::sink(), sha256, object.bytes)
        .map_err(|error| StoreError::read(key.as_str(), error))
}

/// Reads the marker of a store of a kind at `place`.
fn check_marker(place: &Path, bytes: &[u8], kind: Kind) -> Result<(), StoreError> {
    /// All that is certain about the marker of a later version.
    #[derive(Deserialize)]
    struct Any {
        format: u32,
    }
    let place = || place.display().to_string();
    let any: Any = serde_json::from_slice(bytes).map_err(|error| StoreError::Marker {
        place: place(),
        error,
    })?;
    if any.format > FORMAT {
        return Err(StoreError::Newer {
            place: place(),
            found: any.format,
        });
    }
    let found: Marker = serde_json::from_slice(bytes).map_err(|error| StoreError::Marker {
        place: place(),
        error,
    })?;
    match (found.kind, kind) {
        (Kind::Backup, Kind::Live) => Err(StoreError::IsBackup { place: place() }),
        (Kind::Live, Kind::Backup) => Err(StoreError::IsLive { place: place() }),
        _ => Ok(()),
    }
}

/// The path of a key below the root of a folder.
fn path_below(root: &Path, key: &Key) -> PathBuf {
    root.join(key.as_str())
}
