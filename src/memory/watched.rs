//! What is looked at, again and again, to see whether there is another model: files, and registries.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::{Location, Place};
use registry::history::Registry;

/// Something that is looked at.
pub enum Watched {
    /// A file or a folder.
    File(PathBuf),
    /// A registry in a bucket.
    Registry(Box<Remote>),
}

/// A registry in a bucket: what was read last.
pub struct Remote {
    place: Place,
    known: Mutex<Option<Registry>>,
}

/// What something looks like without being read: of a file, time, length, inode; of a registry, the number of its
/// entries; `None`: it is not there, or cannot be reached.
pub type Look = Option<(SystemTime, u64, u64)>;

impl Watched {
    /// The registry at a place.
    ///
    /// # Errors
    /// If nobody named a store and there is no project.
    pub(super) fn registry(place: &Place) -> anyhow::Result<Self> {
        Ok(match place.location()? {
            Location::Folder(folder) => Self::File(folder.join("history")),
            Location::Bucket(_) => Self::Registry(Box::new(Remote {
                place: place.clone(),
                known: Mutex::default(),
            })),
        })
    }

    /// Whether it is there.
    pub fn exists(&self) -> bool {
        match self {
            Self::File(path) => path.exists(),
            Self::Registry(_) => self.look().is_some(),
        }
    }

    /// What it looks like now. Symbolic links are followed: Kubernetes moves one to a new folder.
    pub fn look(&self) -> Look {
        let path = match self {
            Self::File(path) => path,
            Self::Registry(remote) => {
                let entries = remote.entries()?;
                return Some((SystemTime::UNIX_EPOCH, entries, 0));
            }
        };
        let found = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&found);
        #[cfg(not(unix))]
        let inode = 0;
        Some((found.modified().ok()?, found.len(), inode))
    }
}

impl Remote {
    /// The number of its entries; `None` where it cannot be read. While nobody writes, that is one look at one name.
    fn entries(&self) -> Option<u64> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *known {
            None => *known = Some(self.place.open().ok()?),
            Some(registry) => {
                if registry.poll().ok()? {
                    registry.refresh().ok()?;
                }
            }
        }
        Some(known.as_ref()?.entries().len() as u64)
    }
}
