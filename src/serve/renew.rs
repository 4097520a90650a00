//! What files decide and a running server can read anew: models, tokens, certificates. Polling and SIGHUP come here.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use server::{FaultKind, Models};

use crate::talk::Talk;

/// Something that files decide.
pub struct Renewable {
    /// What it is called in messages.
    pub name: String,
    /// The files, which are looked at for changes.
    pub files: Files,
    /// Reads them anew; where that fails, what was there before stays.
    pub renew: Box<dyn Fn() -> Renewed + Send + Sync>,
}

/// Files, and what they looked like before they were read first.
pub struct Files {
    paths: Vec<PathBuf>,
    /// What they looked like.
    pub seen: Vec<Look>,
}

/// What a file looks like without being read: time, length, inode; `None`: it is not there.
pub type Look = Option<(SystemTime, u64, u64)>;

impl Files {
    /// Looks at files that are to be read next.
    pub fn before_reading(paths: Vec<PathBuf>) -> Self {
        let mut files = Self {
            paths,
            seen: Vec::new(),
        };
        files.seen = files.look();
        files
    }

    /// What they look like now.
    pub fn look(&self) -> Vec<Look> {
        self.paths.iter().map(|path| look(path)).collect()
    }
}

/// Symbolic links are followed: Kubernetes moves one to a new folder.
fn look(path: &Path) -> Look {
    let found = std::fs::metadata(path).ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&found);
    #[cfg(not(unix))]
    let inode = 0;
    Some((found.modified().ok()?, found.len(), inode))
}

/// What came of reading anew.
pub enum Renewed {
    /// It is in use.
    Done,
    /// Why it is not.
    Failed(String),
    /// Somebody else is at it.
    Busy,
    /// Nobody wants it now: a model that was unloaded.
    Unwanted,
}

impl Renewable {
    /// A configured model.
    pub fn model(name: &str, files: Vec<PathBuf>, models: Arc<Models>) -> Self {
        let slot = name.to_owned();
        Self {
            name: name.to_owned(),
            files: Files::before_reading(files),
            renew: Box::new(move || match models.slot(&slot) {
                Ok(slot) if slot.is_wanted() => match slot.load() {
                    Ok(()) => Renewed::Done,
                    Err(fault) if fault.kind == FaultKind::Busy => Renewed::Busy,
                    Err(fault) => Renewed::Failed(fault.reason),
                },
                _ => Renewed::Unwanted,
            }),
        }
    }

    /// Reads it anew and says how that went; false if somebody else is at it.
    pub fn renew(&self, talk: &Talk) -> bool {
        match (self.renew)() {
            Renewed::Done => talk.note(format!("{}: loaded anew", self.name)),
            Renewed::Failed(reason) => talk.warn(format!(
                "{}: {reason}; what was loaded before goes on serving",
                self.name
            )),
            Renewed::Busy => return false,
            Renewed::Unwanted => {}
        }
        true
    }
}
