//! `easylife runs`: what was trained and evaluated, with which results. `train` and `evaluate` record themselves
//! ([`record`]) in `.easylife` of the project; the other functions read it.
//!
//! Records are no outputs: no stage depends on them, and whether there are any changes no byte of an output. They
//! hold names, digests and numbers, never data; so of a run that failed they hold how, not the message, which may
//! quote a cell.

mod check;
mod export;
mod git;
mod list;
#[cfg(feature = "mlflow")]
mod mirror;
mod record;
mod select;
mod settings;
mod show;

use anyhow::Result;

use crate::exit;
use crate::memory;
use crate::project::Project;
use registry::runs::{Run, Runs, RunsError};

pub use check::{Checked, check};
pub use export::{Exported, export};
pub use list::{List, list};
#[cfg(feature = "mlflow")]
pub use mirror::{Synced, sync};
pub use record::record;
pub use select::{Filter, Selection};
pub use settings::Settings;
pub use show::{Shown, show};

/// The runs of a project, with a store to write them into.
fn create(project: &Project) -> Result<Runs> {
    Ok(Runs::new(memory::create(&memory::folder(project))?))
}

/// The runs of a project; `None` if none was ever recorded.
///
/// # Errors
/// A store of a newer version, or one that cannot be read.
pub fn open(project: &Project) -> Result<Option<Runs>> {
    Ok(memory::open(&memory::folder(project))?.map(Runs::new))
}

/// The run that a word names: `latest`, or an id or how one begins.
///
/// # Errors
/// None or several (exit 2), or one that is damaged (exit 4).
pub fn find(project: &Project, word: &str) -> Result<Run> {
    let found = match open(project)? {
        Some(runs) => runs.find(word),
        None => Err(RunsError::Empty),
    };
    found.map_err(|error| match error {
        RunsError::Empty | RunsError::Unknown { .. } | RunsError::Ambiguous { .. } => {
            exit::usage(error.to_string())
        }
        RunsError::Damaged(_) => exit::data(error.to_string()),
        _ => error.into(),
    })
}
