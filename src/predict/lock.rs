//! The lock beside an output: of two runs on the same output, the second waits or gives up.
//!
//! The kernel drops the lock with the process, however it ends. The file is removed on release;
//! whoever waited for a removed file notices by its inode and starts over.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::exit;

/// Held as long as it lives.
pub struct Lock {
    path: PathBuf,
    file: File,
}

impl Lock {
    /// Takes the lock file `path`, waiting for it where `wait` says so.
    pub fn take(path: &Path, wait: bool) -> Result<Self> {
        loop {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(path)
                .with_context(|| format!("cannot lock {}", path.display()))?;
            if wait {
                file.lock()
                    .with_context(|| format!("cannot lock {}", path.display()))?;
            } else {
                file.try_lock().map_err(|error| held(path, error))?;
            }
            if still_there(&file, path)? {
                return Ok(Self {
                    path: path.to_owned(),
                    file,
                });
            }
        }
    }
}

fn held(path: &Path, error: TryLockError) -> anyhow::Error {
    match error {
        TryLockError::WouldBlock => exit::locked(format!(
            "another run holds {}; wait for it with --wait",
            path.display()
        )),
        TryLockError::Error(error) => {
            anyhow::Error::from(error).context(format!("cannot lock {}", path.display()))
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
        // Removed first, then unlocked: nobody can take a lock on a file about to vanish unseen.
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
        assert_eq!(exit::code(&second), exit::Exit::Locked);
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
