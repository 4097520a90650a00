//! The access log: a line of JSON for each request, without its content, to a file or to stderr.
//!
//! Requests add lines in memory; a thread writes them, so that a slow disk or a full pipe stops no request. What does
//! not fit into [`ROOM`] meanwhile is lost and counted. A file is opened again on SIGHUP, so that logrotate can move
//! it away.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use server::Access;
use server::access::AccessLog;

/// Bytes that are collected before the thread is woken.
const BLOCK: usize = 32 << 10;
/// Bytes that may wait.
const ROOM: usize = 8 << 20;
/// How long a line may wait.
const INTERVAL: Duration = Duration::from_millis(500);
/// The name of stderr.
const STDERR: &str = "-";

/// An access log.
pub struct Log {
    path: PathBuf,
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

impl Log {
    /// Opens the file, or stderr.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        let opened = file(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            waiting: Mutex::default(),
            grown: Condvar::new(),
            file: Mutex::new(opened),
        })
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
    }

    /// What the server calls for each request; starts the thread that writes, which ends with the log.
    pub fn callback(self: Arc<Self>) -> AccessLog {
        let log = Arc::downgrade(&self);
        std::thread::spawn(move || {
            while let Some(log) = log.upgrade() {
                let waiting = lock(&log.waiting);
                let few = |waiting: &mut Waiting| waiting.lines.len() < BLOCK;
                drop(log.grown.wait_timeout_while(waiting, INTERVAL, few));
                log.flush();
            }
        });
        Box::new(move |access| {
            let mut waiting = lock(&self.waiting);
            if waiting.lines.len() > ROOM {
                waiting.lost += 1;
                return;
            }
            let before = waiting.lines.len();
            line(access, &mut waiting.lines);
            if before < BLOCK && waiting.lines.len() >= BLOCK {
                self.grown.notify_one();
            }
        })
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

/// Ids, names and versions are harmless by then; nothing else is a text.
fn line(access: &Access<'_>, out: &mut Vec<u8>) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let version = access.version.get(..12).unwrap_or(access.version);
    // Writing to memory does not fail.
    let _ = writeln!(
        out,
        r#"{{"time":{}.{:03},"id":"{}","who":"{}","method":"{}","route":"{}","status":{},"rows":{},"model":"{}","version":"{}","micros":{},"bytes_in":{},"bytes_out":{}}}"#,
        now.as_secs(),
        now.subsec_millis(),
        access.request_id,
        access.who,
        access.method,
        access.route,
        access.status,
        access.rows,
        access.model,
        version,
        access.micros,
        access.bytes_in,
        access.bytes_out
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(id: &'static str) -> Access<'static> {
        Access {
            request_id: id,
            who: "shop",
            method: "POST",
            route: "/v2/models/{model}/infer",
            status: 200,
            rows: 1,
            model: "nlp",
            version: "0123456789abcdef",
            micros: 12,
            bytes_in: 100,
            bytes_out: 50,
        }
    }

    #[test]
    fn lines_are_json_and_a_moved_file_is_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let log = Arc::new(Log::open(&path).unwrap());
        let callback = log.clone().callback();
        callback(&access("first"));
        log.flush();
        let moved = folder.path().join("access.log.1");
        std::fs::rename(&path, &moved).unwrap();
        log.reopen().unwrap();
        callback(&access("second"));
        log.flush();
        for (path, id) in [(moved, "first"), (path, "second")] {
            let text = std::fs::read_to_string(path).unwrap();
            let line: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(
                (&line["id"], &line["version"]),
                (&id.into(), &"0123456789ab".into())
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        Log::open(&path).unwrap();
        assert_eq!(
            std::fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
