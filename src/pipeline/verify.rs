//! `easylife verify`: checks that the outputs recorded in dvc.lock can be reproduced, byte for byte.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use dvc::verify::{self, VerifyOptions};
use dvc::{Pipeline, Selection};

use super::engine::{PROGRAM, with_hint};
use super::own_data;
use super::sample::Unused;
use crate::talk::{self, Talk};

/// A request of `verify`.
#[derive(Clone, Debug)]
pub struct Request {
    /// The folder of dvc.yaml; absent: the working folder or the nearest one above with a dvc.yaml.
    pub folder: Option<PathBuf>,
    /// Stages to verify; empty: all.
    pub targets: Vec<String>,
    pub options: VerifyOptions,
    /// Samples that the project does not use.
    pub unused: Vec<Unused>,
}

/// The result.
#[derive(Debug, Serialize)]
pub struct Verified {
    reproducible: bool,
    stages: Vec<StageVerified>,
}

#[derive(Debug, Serialize)]
struct StageVerified {
    stage: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    threads: Option<usize>,
    /// Number of outputs with the recorded bytes.
    same: usize,
    differences: Vec<String>,
}

/// Runs the stages again in a scratch copy and compares.
pub fn run(request: &Request, talk: &Talk) -> Result<Verified> {
    let mut pipeline = Pipeline::open(request.folder.as_deref(), PROGRAM).map_err(with_hint)?;
    // Named stages are verified by themselves: their dependencies are recorded.
    let selection = Selection {
        targets: request.targets.clone(),
        downstream: false,
        single_item: !request.targets.is_empty(),
    };
    let plan = pipeline.select(&selection).map_err(with_hint)?;
    let plan = own_data::leave_out(&pipeline, &plan, &request.targets, &request.unused, talk);
    let verdicts = verify::verify(
        &pipeline,
        &plan,
        &request.options,
        &talk::Stages::new(talk, 1),
    )
    .map_err(with_hint)?;
    let stages: Vec<StageVerified> = verdicts
        .into_iter()
        .map(|verdict| StageVerified {
            stage: verdict.stage,
            threads: verdict.threads,
            same: verdict.same,
            differences: verdict.wrong,
        })
        .collect();
    Ok(Verified {
        reproducible: stages.iter().all(|stage| stage.differences.is_empty()),
        stages,
    })
}

impl Verified {
    pub fn is_reproducible(&self) -> bool {
        self.reproducible
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let outputs: usize = self.stages.iter().map(|stage| stage.same).sum();
        let runs = self.stages.len();
        if self.reproducible {
            return writeln!(
                f,
                "reproducible: {runs} stage runs, {outputs} outputs, the same bytes"
            );
        }
        for stage in self
            .stages
            .iter()
            .filter(|stage| !stage.differences.is_empty())
        {
            let threads = stage
                .threads
                .map_or(String::new(), |t| format!(" ({t} threads)"));
            writeln!(f, "NOT REPRODUCED {}{threads}", stage.stage)?;
            for line in &stage.differences {
                writeln!(f, "  {line}")?;
            }
        }
        let bad = self
            .stages
            .iter()
            .filter(|stage| !stage.differences.is_empty())
            .count();
        writeln!(f, "not reproducible: {bad} of {runs} stage runs")
    }
}
