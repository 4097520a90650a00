//! `easylife explain`: its arguments.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

use super::args::{Global, task_names};
use super::model::ModelArgs;
use crate::exit::{self, Exit};
use crate::explain::{How, Method};
use crate::outcome::Outcome;
use crate::project::Project;
use crate::tasks::Name;
use crate::{explain, for_task, task};

#[derive(Args)]
pub struct ExplainArgs {
    #[arg(value_name = "TASK", value_parser = PossibleValuesParser::new(task_names(false)))]
    pub task: String,
    /// Inputs to explain: texts (nlp), photos (cv), USER or USER/ITEM (recsys), series (ts), rows (tabular)
    /// [default: one per line on stdin]
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<String>,
    #[command(flatten)]
    pub model: ModelArgs,
    /// cv: write each photo next to its tile map into this folder
    #[arg(long, value_name = "DIR")]
    pub pictures: Option<PathBuf>,
    /// Number of reasons to show, the strongest first
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// tabular: how contributions are found [default: exact]
    #[arg(long, value_enum)]
    pub method: Option<MethodName>,
    /// tabular: table of rows to compare with [default: those that the model was trained on]
    #[arg(long, value_name = "FILE")]
    pub background: Option<PathBuf>,
    /// tabular: number of background rows, drawn by the model's seed [default: 100]
    #[arg(long, value_name = "N")]
    pub background_rows: Option<NonZeroUsize>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum MethodName {
    /// Exact Shapley values of the margin, from that of an average row
    Exact,
    /// Exact Shapley values of the margin, from the mean of background rows
    Interventional,
    /// Kernel SHAP of the probability or number itself, from the mean of background rows
    Kernel,
    /// LIME: a linear model of the probability or number near the row
    Lime,
}

impl From<MethodName> for Method {
    fn from(name: MethodName) -> Self {
        match name {
            MethodName::Exact => Self::Exact,
            MethodName::Interventional => Self::Interventional,
            MethodName::Kernel => Self::Kernel,
            MethodName::Lime => Self::Lime,
        }
    }
}

impl ExplainArgs {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let project = Project::open_if_any(&global.selection())?;
        let name: Name = self.task.parse().map_err(exit::usage)?;
        let own = || for_task!(name, T => task::own_file::<T>(project.as_ref()));
        let request = explain::Request {
            inputs: self.inputs,
            model: self.model.reference(project.as_ref(), own)?,
            how: How {
                top: self.top,
                method: self.method.map(Method::from),
                background: self.background,
                background_rows: self.background_rows,
            },
            pictures: self.pictures,
        };
        let show = |outcome: &dyn Outcome| global.show(outcome);
        for_task!(name, T => explain::run::<T>(project.as_ref(), &request, &show)?);
        Ok(Exit::Done)
    }
}
