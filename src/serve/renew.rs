//! What files decide and a running server can read anew: models, tokens, certificates. Polling and SIGHUP come here.

use std::sync::Arc;

use server::{FaultKind, Models};

use crate::memory::{Look, Watched};
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
    watched: Vec<Watched>,
    /// What they looked like.
    pub seen: Vec<Look>,
}

impl Files {
    /// Looks at files that are to be read next.
    pub fn before_reading(watched: Vec<Watched>) -> Self {
        let mut files = Self {
            watched,
            seen: Vec::new(),
        };
        files.seen = files.look();
        files
    }

    /// What they look like now.
    pub fn look(&self) -> Vec<Look> {
        self.watched.iter().map(Watched::look).collect()
    }
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
    pub fn model(name: &str, files: Vec<Watched>, models: Arc<Models>) -> Self {
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
