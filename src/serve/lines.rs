//! Lines to a file or to stderr, from any thread, without waiting for the disk.
//!
//! Lines are added in memory; a thread writes them, so that a slow disk or a full pipe stops no request. What does not fit
//! into [`ROOM`] meanwhile is lost and counted, in a line of its own. A file is opened again on SIGHUP, so that
//! logrotate can move it away, or is moved away here once it is large.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};

/// Bytes that are collected before the thread is woken.
const BLOCK: usize = 32 << 10;
/// Bytes that may wait.
const ROOM: usize = 8 << 20;
/// How long a line may wait.
const INTERVAL: Duration = Duration::from_millis(500);
/// The name of stderr.
const STDERR: &str = "-";

/// When a file is moved away, and how many that were are kept.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// From how many bytes on.
    pub bytes: u64,
    /// `log.1` is the newest; 0: a full file is emptied.
    pub keep: usize,
}

/// Lines of a log.
pub struct Lines {
    path: PathBuf,
    rotation: Option<Rotation>,
    waiting: Mutex<Waiting>,
    grown: Condvar,
    /// `None`: stderr.
    file: Mutex<Option<File>>,
}

/// Lines that are not written yet.
#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    lost: u64,
}

/// Lines are added and taken whole, so a poisoned lock is whole, too.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lines {
    /// Opens the file, or stderr, and starts the thread that writes, which ends with the lines.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub fn open(path: &Path, rotation: Option<Rotation>) -> Result<Arc<Self>> {
        let opened = file(path).with_context(|| format!("cannot write {}", path.display()))?;
        let lines = Arc::new(Self {
            path: path.to_owned(),
            rotation,
            waiting: Mutex::default(),
            grown: Condvar::new(),
            file: Mutex::new(opened),
        });
        let weak = Arc::downgrade(&lines);
        std::thread::spawn(move || {
            while let Some(lines) = weak.upgrade() {
                let waiting = lock(&lines.waiting);
                let few = |waiting: &mut Waiting| waiting.lines.len() < BLOCK;
                drop(lines.grown.wait_timeout_while(waiting, INTERVAL, few));
                lines.flush();
            }
        });
        Ok(lines)
    }

    /// The file, as it was named.
    pub fn name(&self) -> std::path::Display<'_> {
        self.path.display()
    }

    /// Adds what `write` writes: one line, at its end a line break.
    pub fn add(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut waiting = lock(&self.waiting);
        if waiting.lines.len() > ROOM {
            waiting.lost += 1;
            return;
        }
        let before = waiting.lines.len();
        write(&mut waiting.lines);
        if before < BLOCK && waiting.lines.len() >= BLOCK {
            self.grown.notify_one();
        }
    }

    /// Opens the file anew; where that fails, the old one is kept.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub fn reopen(&self) -> io::Result<()> {
        self.flush();
        let opened = file(&self.path)?;
        *lock(&self.file) = opened;
        Ok(())
    }

    /// Writes what waits.
    pub fn flush(&self) {
        let mut file = lock(&self.file);
        let taken = std::mem::take(&mut *lock(&self.waiting));
        if taken.lines.is_empty() {
            return;
        }
        let mut bytes = taken.lines;
        if taken.lost > 0 {
            let _ = writeln!(bytes, r#"{{"lost_lines":{}}}"#, taken.lost);
        }
        let written = match &mut *file {
            Some(file) => file.write_all(&bytes),
            None => io::stderr().lock().write_all(&bytes),
        };
        if written.is_err() {
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
            lock(&self.waiting).lost += lines as u64;
        }
        if let (Some(rotation), Some(open)) = (self.rotation, &mut *file)
            && open
                .metadata()
                .is_ok_and(|found| found.len() >= rotation.bytes)
            && let Ok(next) = self.rotate(rotation)
        {
            *file = next;
        }
    }

    /// Moves the file away, the older ones behind it, and opens a new one. Where that fails, the full one grows.
    fn rotate(&self, rotation: Rotation) -> io::Result<Option<File>> {
        let numbered = |number: usize| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        if rotation.keep == 0 {
            std::fs::remove_file(&self.path)?;
            return file(&self.path);
        }
        for number in (1..rotation.keep).rev() {
            match std::fs::rename(numbered(number), numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        std::fs::rename(&self.path, numbered(1))?;
        file(&self.path)
    }
}

fn file(path: &Path) -> io::Result<Option<File>> {
    if path.as_os_str() == STDERR {
        return Ok(None);
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    // Who asked what and when is nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(lines: &Lines, text: &str) {
        lines.add(|out| out.extend_from_slice(format!("{text}\n").as_bytes()));
        lines.flush();
    }

    #[test]
    fn a_moved_file_is_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let lines = Lines::open(&path, None).unwrap();
        add(&lines, "first");
        let moved = folder.path().join("access.log.1");
        std::fs::rename(&path, &moved).unwrap();
        lines.reopen().unwrap();
        add(&lines, "second");
        assert_eq!(std::fs::read_to_string(moved).unwrap(), "first\n");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "second\n");
    }

    #[test]
    fn a_full_file_is_moved_away_and_so_many_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for (keep, expected) in [(2, ["", "five\n", "four\n"]), (0, ["", "five\n", "four\n"])] {
            let rotation = Rotation { bytes: 4, keep };
            let lines = Lines::open(&path, Some(rotation)).unwrap();
            for text in ["zero", "four", "five"] {
                add(&lines, text);
            }
            let names = ["log", "log.1", "log.2"];
            let found = names
                .map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default());
            assert_eq!(found, expected, "{keep}");
            assert!(!folder.path().join("log.3").exists());
        }
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        Lines::open(&path, None).unwrap();
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
