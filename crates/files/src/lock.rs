//! A lock file next to an output: of two runs that write the same output, the second waits or gives
//! up.
//!
//! The kernel releases the lock when the process ends, however it ends. The file is removed on
//! release; a process that waited for a removed file notices by its inode and starts over.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::leftovers::Leftover;

/// Why a lock was not acquired.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it, and waiting was not requested.
    #[error("another run holds {}; wait for it with --wait", path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
    },
    /// The lock file cannot be created or locked.
    #[error("cannot lock {}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        #[source]
        /// The file system's error.
        error: io::Error,
    },
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: File,
    _listed: Leftover,
}

impl Lock {
    /// Acquires the lock file `path`, waiting for it if `wait` is true.
    ///
    /// # Errors
    /// [`LockError::Held`] only if `wait` is false; [`LockError::Io`] if the file cannot be created
    /// or locked.
    ///
    /// # Examples
    /// ```
    /// use easylife_files::lock::{Lock, LockError};
    ///
    /// let dir = tempfile::tempdir().unwrap();
    /// let path = dir.path().join(".out.csv.lock");
    /// let lock = Lock::take(&path, false)?;
    /// assert!(matches!(Lock::take(&path, false), Err(LockError::Held { .. })));
    /// drop(lock);
    /// Lock::take(&path, false)?;
    /// # Ok::<(), LockError>(())
    /// ```
    pub fn take(path: &Path, wait: bool) -> Result<Self, LockError> {
        let io = |error| LockError::Io {
            path: path.to_owned(),
            error,
        };
        loop {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(path)
                .map_err(io)?;
            if wait {
                file.lock().map_err(io)?;
            } else {
                file.try_lock().map_err(|error| match error {
                    TryLockError::WouldBlock => LockError::Held {
                        path: path.to_owned(),
                    },
                    TryLockError::Error(error) => io(error),
                })?;
            }
            if still_there(&file, path).map_err(io)? {
                return Ok(Self {
                    path: path.to_owned(),
                    file,
                    _listed: Leftover::new(path),
                });
            }
        }
    }
}

fn still_there(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(named) => Ok(named.ino() == held.ino() && named.dev() == held.dev()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed before it is unlocked, so that no process can lock a file that is about to
        // vanish.
        let _ = std::fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_gives_up_and_the_file_goes_with_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".out.csv.lock");
        let first = Lock::take(&path, false).unwrap();
        let second = Lock::take(&path, false).map(|_| ()).unwrap_err();
        assert!(matches!(second, LockError::Held { .. }));
        drop(first);
        assert!(!path.exists());
        Lock::take(&path, false).unwrap();
    }

    #[test]
    fn many_waiters_never_hold_it_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let inside = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _lock = Lock::take(&path, true).unwrap();
                        let before = inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        assert_eq!(before, 0, "two held the lock at once");
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
    }
}
