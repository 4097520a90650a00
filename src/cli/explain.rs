//! `easylife explain`: its arguments.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::args::{Global, task_names};
use crate::exit::{self, Exit};
use crate::outcome::Outcome;
use crate::project::Project;
use crate::tasks::Name;
use crate::{explain, for_task};

#[derive(Args)]
pub struct ExplainArgs {
    #[arg(value_name = "TASK", value_parser = PossibleValuesParser::new(task_names(false)))]
    pub task: String,
    /// Inputs to explain: texts (nlp), photos (cv), USER or USER/ITEM (recsys), series (ts) [default: one per
    /// line on stdin]
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<String>,
    /// Model file [default: the project's models/TASK.safetensors]
    #[arg(short, long, value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// cv: write each photo next to its tile map into this folder
    #[arg(long, value_name = "DIR")]
    pub pictures: Option<PathBuf>,
    /// Number of reasons to show, the strongest first
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
}

impl ExplainArgs {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let project = Project::open_if_any(&global.selection())?;
        let name: Name = self.task.parse().map_err(exit::usage)?;
        let request = explain::Request {
            inputs: self.inputs,
            model: self.model,
            top: self.top,
            pictures: self.pictures,
        };
        let show = |outcome: &dyn Outcome| global.show(outcome);
        for_task!(name, T => explain::run::<T>(project.as_ref(), &request, &show)?);
        Ok(Exit::Done)
    }
}
