//! `easylife validate` and `easylife gate`: checks of all tasks, whose result is the exit code.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::args::{Global, TasksArgs};
use super::show::{Results, Verdict};
use crate::exit::{self, Exit};
use crate::project::Project;
use crate::talk::Talk;
use crate::{eval, for_task, pipeline};

#[derive(Args)]
pub struct ValidateArgs {
    #[command(flatten)]
    pub tasks: TasksArgs,
    /// Write schema/TASK.yaml, rules inferred from the data, for you to edit
    #[arg(long, conflicts_with = "prepared")]
    pub init: bool,
    /// With --init: overwrite the existing file
    #[arg(long, requires = "init")]
    pub force: bool,
    /// Check the parts written by `prepare` for leakage between training and test
    #[arg(long)]
    pub prepared: bool,
    /// nlp: list the rows whose label is probably wrong, by models that did not see them, the surest first
    #[arg(long, conflicts_with_all = ["prepared", "init"])]
    pub labels: bool,
    /// With --labels: write all of them to this file (CSV), for whoever labels
    #[arg(long, value_name = "FILE", requires = "labels")]
    pub export: Option<PathBuf>,
}

impl ValidateArgs {
    /// Checks every task before the exit code says that one breaks a rule.
    pub(super) fn run(self, global: &Global, talk: &Talk) -> Result<Exit> {
        let project = Project::open(&global.selection())?;
        global.start_threads()?;
        if self.labels {
            return self.look_at_labels(global, &project, talk);
        }
        let request = pipeline::validate::Request {
            init: self.init,
            force: self.force,
            prepared: self.prepared,
        };
        let mut results = Results::new(global, self.tasks.are_all());
        let mut names = self.tasks.names(&project).into_iter();
        let ended = names.try_fold(Exit::Done, |exit, name| {
            let validated =
                for_task!(name, T => pipeline::validate::run::<T>(&project, request, talk)?);
            results.add(name.as_str(), &validated, Verdict::of(validated.holds()))?;
            Ok(if validated.holds() { exit } else { Exit::Data })
        });
        let exit = results.end(ended)?;
        if exit == Exit::Done {
            // After a check of the prepared parts comes training.
            let done = if self.prepared { "prepare" } else { "validate" };
            global.suggest_next(done, &self.tasks.task);
        }
        Ok(exit)
    }
}

impl ValidateArgs {
    /// Lists rows whose label is probably wrong.
    fn look_at_labels(&self, global: &Global, project: &Project, talk: &Talk) -> Result<Exit> {
        let names = self.tasks.names(project);
        let [name] = names[..] else {
            return Err(exit::usage(
                "--labels takes one task: easylife validate nlp --labels",
            ));
        };
        let export = self.export.as_deref();
        let found = for_task!(name, T => pipeline::labels::run::<T>(project, export, talk)?);
        global.show_result(&found, Verdict::Fine)?;
        Ok(Exit::Done)
    }
}

#[derive(Args)]
pub struct GateArgs {
    #[command(flatten)]
    pub tasks: TasksArgs,
    /// Also write the verdict to this file
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
}

impl GateArgs {
    /// Checks every gate before the exit code says that one was not met.
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let project = Project::open(&global.selection())?;
        let names = self.tasks.names(&project);
        if self.output.is_some() && names.len() > 1 {
            return Err(exit::usage(
                "--output holds one verdict; name one task instead of `all`",
            ));
        }
        let mut results = Results::new(global, self.tasks.are_all());
        let ended = names.into_iter().try_fold(Exit::Done, |exit, name| {
            let output = self.output.as_deref();
            let verdict = for_task!(name, T => eval::gate::run::<T>(&project, output)?);
            results.add(name.as_str(), &verdict, Verdict::of(verdict.met()))?;
            Ok(if verdict.met() { exit } else { Exit::Gate })
        });
        let exit = results.end(ended)?;
        if exit == Exit::Done {
            global.suggest_next("gate", &self.tasks.task);
        }
        Ok(exit)
    }
}
