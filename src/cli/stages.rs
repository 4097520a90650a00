//! `easylife repro`, `status` and `verify`: their arguments, and what the pipeline is told about the project.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use clap_complete::engine::ArgValueCompleter;

use super::args::Global;
use super::complete;
use super::show::Verdict;
use crate::exit::{self, Exit};
use crate::for_task;
use crate::pipeline::{self, repro, verify};
use crate::project::Project;
use crate::talk::Talk;
use crate::tasks::{self, Name};

#[derive(Args)]
pub struct StagesArgs {
    /// Stages of dvc.yaml, or groups (`train` for train@nlp and the others) [default: all]
    #[arg(value_name = "STAGE", add = ArgValueCompleter::new(complete::stages))]
    pub targets: Vec<String>,
    /// Run the stages and what depends on them, instead of what they depend on
    #[arg(long)]
    pub downstream: bool,
    /// Run only these stages, without what they depend on
    #[arg(short, long, conflicts_with = "downstream")]
    pub single_item: bool,
    /// Wait until another run has ended
    #[arg(long)]
    pub wait: bool,
}

impl StagesArgs {
    /// The request of `repro` and `status`, which refuse `-S`: a pipeline has one params.yaml.
    fn request(self, global: &Global) -> Result<repro::Request> {
        refuse_sets(global)?;
        global.start_threads()?;
        Ok(repro::Request {
            folder: global.project.clone(),
            reads: stage_reads(global),
            unused: unused_samples(global),
            selection: pipeline::Selection {
                targets: self.targets,
                downstream: self.downstream,
                single_item: self.single_item,
            },
            options: pipeline::RunOptions {
                force: false,
                keep_going: false,
                no_run_cache: false,
                jobs: 1,
                wait: self.wait,
                threads: Some(global.thread_count()?).filter(|&threads| threads > 0),
            },
        })
    }
}

/// Refuses `-S` for verbs that run stages: a pipeline has one params.yaml.
pub(super) fn refuse_sets(global: &Global) -> Result<()> {
    match global.set.first() {
        Some(set) => Err(exit::usage(format!(
            "{set}: stages take their parameters from params.yaml; change it there"
        ))),
        None => Ok(()),
    }
}

/// The files that each stage reads according to the parameters. Empty if these cannot be read: a pipeline need
/// not be one of easylife, and if it is, its stages report the error.
fn stage_reads(global: &Global) -> Vec<(String, Vec<PathBuf>)> {
    let Ok(Some(project)) = Project::open_if_any(&global.selection()) else {
        return Vec::new();
    };
    let reads = |name: &Name| for_task!(*name, T => pipeline::prepare::reads::<T>(&project));
    tasks::ALL.iter().flat_map(reads).flatten().collect()
}

/// Samples that this project does not use; empty if the parameters cannot be read, as in [`stage_reads`].
fn unused_samples(global: &Global) -> Vec<pipeline::sample::Unused> {
    let Ok(Some(project)) = Project::open_if_any(&global.selection()) else {
        return Vec::new();
    };
    let unused = |name: &Name| for_task!(*name, T => pipeline::sample::unused::<T>(&project));
    tasks::ALL
        .iter()
        .filter_map(|name| unused(name).ok().flatten())
        .collect()
}

#[derive(Args)]
pub struct ReproArgs {
    #[command(flatten)]
    pub stages: StagesArgs,
    /// Run even stages that are up to date
    #[arg(short, long)]
    pub force: bool,
    /// Only print what would run, and why
    #[arg(long)]
    pub dry: bool,
    /// After a failure, continue with stages that do not depend on the failed one
    #[arg(short, long)]
    pub keep_going: bool,
    /// Run a stage even if the run cache has its outputs for the same inputs
    #[arg(long)]
    pub no_run_cache: bool,
    /// Number of stages to run at the same time
    #[arg(short, long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: u16,
}

impl ReproArgs {
    pub(super) fn run(self, global: &Global, talk: &Talk) -> Result<Exit> {
        let mut request = self.stages.request(global)?;
        request.options.force = self.force;
        request.options.keep_going = self.keep_going;
        request.options.no_run_cache = self.no_run_cache;
        request.options.jobs = self.jobs.into();
        if self.dry {
            global.show(&repro::status(&request, talk)?)?;
            return Ok(Exit::Done);
        }
        let ran = repro::run(&request, talk)?;
        global.show_result(&ran, Verdict::Fine)?;
        Ok(Exit::Done)
    }
}

#[derive(Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub stages: StagesArgs,
}

impl StatusArgs {
    /// With `-q` prints nothing and exits with 1 if a stage would run, as `dvc status` does.
    pub(super) fn run(self, global: &Global, talk: &Talk) -> Result<Exit> {
        let status = repro::status(&self.stages.request(global)?, talk)?;
        if global.quiet && !status.is_up_to_date() {
            return Ok(Exit::Failed);
        }
        if !global.quiet {
            global.show(&status)?;
        }
        Ok(Exit::Done)
    }
}

#[derive(Args)]
pub struct VerifyArgs {
    /// Stages of dvc.yaml, or groups [default: all]
    #[arg(value_name = "STAGE", add = ArgValueCompleter::new(complete::stages))]
    pub targets: Vec<String>,
    /// Wait until another run has ended
    #[arg(long)]
    pub wait: bool,
}

impl VerifyArgs {
    pub(super) fn run(self, global: &Global, talk: &Talk) -> Result<Exit> {
        let request = verify::Request {
            folder: global.project.clone(),
            unused: unused_samples(global),
            targets: self.targets,
            options: pipeline::VerifyOptions {
                threads: global.threads.iter().map(|&n| n.into()).collect(),
                wait: self.wait,
            },
        };
        let verified = verify::run(&request, talk)?;
        global.show_result(&verified, Verdict::of(verified.is_reproducible()))?;
        Ok(if verified.is_reproducible() {
            Exit::Done
        } else {
            Exit::NotReproducible
        })
    }
}
