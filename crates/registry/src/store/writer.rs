//! Who writes a temporary file, and whether it still does.
//!
//! A temporary file carries the process id and start time of its writer in its name, and the writer
//! holds a lock on it. It is a leftover only if the lock is free *and* no such process runs: the
//! lock speaks for processes of other containers and machines, the name for a writer that has not
//! locked its file yet.

use std::fs::{self, File};
use std::path::Path;

/// Number of random letters at the end of the names of temporary files.
pub(super) const DRAWN: usize = 8;

/// The process that writes a temporary file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Writer {
    pub id: u32,
    /// Clock ticks from the boot to its start; 0 where the system does not tell.
    start: u64,
}

impl Writer {
    pub fn this() -> Self {
        let id = std::process::id();
        let start = start_of(id).unwrap_or(0);
        Self { id, start }
    }

    pub fn prefix(self) -> String {
        format!("{}-{}-", self.id, self.start)
    }

    pub fn of_name(name: &str) -> Option<Self> {
        let mut parts = name.split('-');
        let writer = Self {
            id: parts.next()?.parse().ok()?,
            start: parts.next()?.parse().ok()?,
        };
        let drawn = parts.next()?;
        (drawn.len() == DRAWN && parts.next().is_none()).then_some(writer)
    }

    /// The file with its lock, if its writer is gone.
    pub fn is_gone(self, path: &Path) -> Option<File> {
        let runs = start_of(self.id).is_some_and(|start| start == self.start || self.start == 0);
        let file = File::open(path).ok().filter(|_| !runs)?;
        file.try_lock().is_ok().then_some(file)
    }
}

/// When a process started, in clock ticks since the boot: field 22 of `/proc/ID/stat`. `None` if it
/// does not run, or the system has no `/proc`; then the lock alone decides.
fn start_of(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the program's name in brackets, with anything in it.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19)?.parse().ok()
}
