//! `easylife replay`: its arguments.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::args::Global;
use super::model::{PlaceArgs, reference};
use crate::exit::{self, Exit};
use crate::for_task;
use crate::memory::Place;
use crate::project::Project;
use crate::serve::{Served, replay};
use crate::talk::Talk;
use crate::task::ModelSource;
use crate::tasks::Name;

#[derive(Args)]
pub struct ReplayArgs {
    /// Request logs of `easylife serve --request-log`, the oldest first; `-`: stdin
    #[arg(value_name = "LOG", required = true)]
    pub logs: Vec<PathBuf>,
    /// The model to ask: a file, a name of the registry, or a task for the project's model
    #[arg(short, long, value_name = "MODEL|TASK")]
    pub model: PathBuf,
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Write every row that changes to this file, as lines of JSON
    #[arg(long, value_name = "FILE")]
    pub changes: Option<PathBuf>,
    /// Page (.html) or figures (.json) to write
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// Number of changes to show in them
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub top: usize,
}

impl ReplayArgs {
    pub(super) fn run(self, global: &Global, talk: &Talk) -> Result<Exit> {
        let project = Project::open_if_any(&global.selection())?;
        let named = self
            .model
            .to_str()
            .and_then(|model| model.parse::<Name>().ok());
        let project = project.as_ref();
        let (name, asked) = match named.filter(|_| !self.model.exists()) {
            Some(name) => (name, None),
            None => {
                let place = || self.place.place(project, Place::default());
                let asked = reference(self.model, false, place)?;
                let task = match &asked.source {
                    ModelSource::File(path) => artifact::describe(path)?.header.task,
                    ModelSource::Registered(registered) => registered.task()?,
                };
                (task.parse().map_err(exit::usage)?, Some(asked))
            }
        };
        global.start_threads()?;
        let request = replay::Request {
            logs: self.logs,
            changes: self.changes,
            output: self.output,
            top: self.top,
        };
        let served = for_task!(name, T => Served::of::<T>(project, asked)?);
        global.show(&replay::run(&served, &request, talk)?)?;
        Ok(Exit::Done)
    }
}
