//! Whether every record of the runs is whole.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use super::open;
use crate::memory::write_problems;
use crate::project::Project;
use registry::store::Problem;

/// What a check found.
#[derive(Serialize)]
pub struct Checked {
    /// Runs that are whole.
    runs: usize,
    clean: bool,
    problems: Vec<Problem>,
}

/// Reads every record; with `repair`, leftovers of killed writers are removed first.
///
/// # Errors
/// A store that cannot be read, or with `repair` not be written.
pub fn check(project: &Project, repair: bool) -> Result<Checked> {
    let Some(runs) = open(project)? else {
        return Ok(Checked {
            runs: 0,
            clean: true,
            problems: Vec::new(),
        });
    };
    let report = runs.check(repair)?;
    Ok(Checked {
        runs: report.runs,
        clean: report.is_clean(),
        problems: report.problems,
    })
}

impl Checked {
    /// Whether nothing is lost or in doubt.
    pub fn is_clean(&self) -> bool {
        self.clean
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write_problems(f, &self.problems)?;
        let state = if self.clean { "all whole" } else { "not clean" };
        let runs = if self.runs == 1 { "run" } else { "runs" };
        writeln!(f, "{} {runs}, {state}", self.runs)
    }
}
