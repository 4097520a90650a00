//! Model files are looked at in intervals, and loaded anew where they changed. Polling, since notifications miss
//! changes on network file systems and behind the symbolic links of Kubernetes.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use server::{FaultKind, Models};

use super::signals::tell;
use crate::talk::Talk;

/// A file, and what it looked like when it was last loaded.
pub struct Watched {
    name: String,
    path: PathBuf,
    seen: Look,
}

/// What a file looks like without being read; `None`: it is not there.
type Look = Option<(SystemTime, u64, u64)>;

impl Watched {
    /// Begins with what the file looks like now, before it is loaded.
    pub fn new(name: &str, path: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            seen: look(&path),
            path,
        }
    }
}

/// Symbolic links are followed: Kubernetes moves one to a new folder.
fn look(path: &std::path::Path) -> Look {
    let found = std::fs::metadata(path).ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&found);
    #[cfg(not(unix))]
    let inode = 0;
    Some((found.modified().ok()?, found.len(), inode))
}

/// The thread that looks.
pub struct Watcher {
    stopped: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

/// Starts looking; without an interval nobody does.
pub fn start(
    mut watched: Vec<Watched>,
    interval: Option<Duration>,
    models: Arc<Models>,
    talk: Talk,
) -> Watcher {
    let stopped = Arc::new((Mutex::new(false), Condvar::new()));
    let thread = interval.map(|interval| {
        let stopped = Arc::clone(&stopped);
        std::thread::spawn(move || {
            while !waits(&stopped, interval) {
                watched
                    .iter_mut()
                    .for_each(|file| check(file, &models, &talk));
            }
        })
    });
    Watcher { stopped, thread }
}

/// Waits for the interval; true where the watcher has been stopped meanwhile.
fn waits(stopped: &(Mutex<bool>, Condvar), interval: Duration) -> bool {
    let (lock, changed) = stopped;
    let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = changed.wait_timeout_while(guard, interval, |stopped| !*stopped);
    *waited.unwrap_or_else(PoisonError::into_inner).0
}

fn check(file: &mut Watched, models: &Models, talk: &Talk) {
    let now = look(&file.path);
    // A file that is gone may be on its way: the model in memory goes on serving.
    if now == file.seen || now.is_none() {
        return;
    }
    let Ok(slot) = models.slot(&file.name) else {
        return;
    };
    if !slot.is_wanted() {
        return;
    }
    let loaded = slot.load();
    // Somebody else is loading, perhaps what was there before: it is looked at again.
    if loaded
        .as_ref()
        .is_err_and(|fault| fault.kind == FaultKind::Busy)
    {
        return;
    }
    file.seen = now;
    tell(&file.name, loaded.map_err(|fault| fault.reason), talk);
}

impl Watcher {
    /// Stops looking.
    pub fn stop(self) {
        let (lock, changed) = &*self.stopped;
        *lock.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
        if let Some(thread) = self.thread {
            // A panic of the thread has been told.
            let _ = thread.join();
        }
    }
}
