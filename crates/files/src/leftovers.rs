//! Temporary files and folders of this process, so that a program can remove them before a signal
//! ends it.
//!
//! The list is per process, like the files. Whoever creates a temporary file registers it for its
//! lifetime; only the program's signal handler calls [`remove`]. After SIGKILL the files remain.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

static LISTED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn listed() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    LISTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes everything registered. The process must end right after: its threads may still use the
/// files.
pub fn remove() {
    for path in listed().iter() {
        let _ = fs::remove_file(path);
        let _ = fs::remove_dir_all(path);
    }
}

/// Registers a temporary file or folder for as long as this value lives.
#[derive(Debug)]
pub struct Leftover(PathBuf);

impl Leftover {
    /// Registers `path`.
    pub fn new(path: &Path) -> Self {
        listed().insert(path.to_owned());
        Self(path.to_owned())
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        listed().remove(&self.0);
    }
}

#[cfg(test)]
pub(crate) fn is_listed_below(folder: &Path) -> bool {
    listed().iter().any(|path| path.starts_with(folder))
}
