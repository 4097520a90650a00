//! `easylife repro` and `easylife status`: run dvc.yaml as `dvc repro` would, and list what would run.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use dvc::runner::{self, Ended, Failure, RunOptions};
use dvc::why::Reason;
use dvc::{Pipeline, Selection};

use super::engine::{PROGRAM, with_hint};
use super::own_data;
use super::sample::Unused;
use crate::exit::{self, Exit};
use crate::talk::{self, Talk};

/// A request of `repro` or `status`.
#[derive(Clone, Debug)]
pub struct Request {
    /// The folder of dvc.yaml; absent: the working folder or the nearest one above with a dvc.yaml.
    pub folder: Option<PathBuf>,
    pub selection: Selection,
    pub options: RunOptions,
    /// Commands of stages, and the files that each reads.
    pub reads: Vec<(String, Vec<PathBuf>)>,
    /// Samples that the project does not use.
    pub unused: Vec<Unused>,
}

impl Request {
    /// The pipeline, and the selected stages.
    fn open(&self, talk: &Talk) -> Result<(Pipeline, Vec<usize>)> {
        let mut pipeline = Pipeline::open(self.folder.as_deref(), PROGRAM).map_err(with_hint)?;
        let plan = pipeline.select(&self.selection).map_err(with_hint)?;
        let targets = &self.selection.targets;
        let plan = own_data::leave_out(&pipeline, &plan, targets, &self.unused, talk);
        warn_of_unlisted(&pipeline, &self.reads, talk);
        Ok((pipeline, plan))
    }
}

/// The outcome of each stage.
#[derive(Debug, Serialize)]
pub struct Ran {
    stages: Vec<StageRan>,
}

#[derive(Debug, Serialize)]
struct StageRan {
    stage: String,
    /// `ran`, `restored` or `up_to_date`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    why: Vec<Reason>,
}

/// Runs what has changed. A failed stage is reported after everything else was recorded.
pub fn run(request: &Request, talk: &Talk) -> Result<Ran> {
    let (pipeline, plan) = request.open(talk)?;
    let stages = talk::Stages::new(talk, request.options.jobs);
    let ends = runner::run(&pipeline, &plan, &request.options, &stages).map_err(with_hint)?;
    let mut stages = Vec::new();
    let (mut failed, mut skipped) = (Vec::new(), 0);
    for (stage, ended) in ends {
        let (outcome, why) = match ended {
            Ended::UpToDate => ("up_to_date", Vec::new()),
            Ended::Restored(why) => ("restored", why),
            Ended::Ran(why) => ("ran", why),
            Ended::Skipped => {
                skipped += 1;
                continue;
            }
            Ended::Failed(failure) => {
                failed.push(failure);
                continue;
            }
        };
        stages.push(StageRan {
            stage,
            outcome,
            why,
        });
    }
    match failed.first() {
        Some(first) => Err(error_of(first, failed.len() - 1, skipped)),
        None => Ok(Ran { stages }),
    }
}

/// The error of a run in which the stage `first` and `more` others failed, so that `skipped` did not run.
fn error_of(first: &Failure, more: usize, skipped: usize) -> anyhow::Error {
    let mut message = first.message.clone();
    let stages = |count| if count == 1 { "stage" } else { "stages" };
    if more > 0 {
        message += &format!("\n{more} more {} failed", stages(more));
    }
    if skipped > 0 {
        message += &format!("\n{skipped} dependent {} not run", stages(skipped));
    }
    exit::coded(exit_of(first), message)
}

/// The exit code of a failed stage. Codes of our own verbs are passed on, so that callers can distinguish a gate
/// that is not met from a program that broke.
fn exit_of(failure: &Failure) -> Exit {
    let ours = |command: &str| command.starts_with("easylife ");
    match &failure.command {
        Some((command, 2)) if ours(command) => Exit::Usage,
        Some((command, 3)) if ours(command) => Exit::Gate,
        Some((command, 4)) if ours(command) => Exit::Data,
        _ => Exit::Failed,
    }
}

/// Warns of files that a verb reads according to params.yaml but that its stage does not depend on: a change
/// would go unnoticed.
fn warn_of_unlisted(pipeline: &Pipeline, reads: &[(String, Vec<PathBuf>)], talk: &Talk) {
    for (command, paths) in reads {
        for path in paths {
            for stage in pipeline.without_dependency(command, path) {
                talk.warn(format!(
                    "{stage} reads {} according to params.yaml but does not depend on it, so it would not run \
                    again after a change; add the file to `deps`",
                    path.display()
                ));
            }
        }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let count = |outcome| self.stages.iter().filter(|s| s.outcome == outcome).count();
        let (ran, restored) = (count("ran"), count("restored"));
        if ran + restored == 0 {
            return writeln!(f, "up to date: nothing to run");
        }
        let current = count("up_to_date");
        writeln!(
            f,
            "ran {ran}, from the cache {restored}, up to date {current}"
        )
    }
}

/// The stages that would run, and why.
#[derive(Debug, Serialize)]
pub struct Status {
    stages: Vec<StageStatus>,
}

#[derive(Debug, Serialize)]
struct StageStatus {
    stage: String,
    up_to_date: bool,
    why: Vec<Reason>,
}

/// Checks the selected stages; runs nothing.
pub fn status(request: &Request, talk: &Talk) -> Result<Status> {
    let (pipeline, plan) = request.open(talk)?;
    let options = &request.options;
    let found = runner::plan(&pipeline, &plan, options.force, options.wait).map_err(with_hint)?;
    let stages = found
        .into_iter()
        .map(|(stage, why)| StageStatus {
            stage,
            up_to_date: why.is_empty(),
            why,
        })
        .collect();
    Ok(Status { stages })
}

impl Status {
    /// Whether nothing would run.
    pub fn is_up_to_date(&self) -> bool {
        self.stages.iter().all(|stage| stage.up_to_date)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.is_up_to_date() {
            return writeln!(f, "up to date: nothing to run");
        }
        for stage in self.stages.iter().filter(|stage| !stage.up_to_date) {
            writeln!(f, "{}:", stage.stage)?;
            for reason in &stage.why {
                writeln!(f, "  {reason}")?;
            }
        }
        Ok(())
    }
}
