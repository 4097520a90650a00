//! `easylife compare A B`: resolves the two names and, for two models, their task.

use std::path::PathBuf;

use anyhow::Result;

use super::args::Global;
use crate::eval::Evaluate;
use crate::eval::compare::{self, Kind, Sides, TaskOutcomes};
use crate::exit::{self, Exit};
use crate::for_task;
use crate::project::Project;
use crate::talk::Talk;
use crate::tasks::{self, Name};

/// Compares two sides and shows what differs.
pub fn run(global: &Global, (a, b): (&str, &str), talk: &Talk) -> Result<Exit> {
    let project = Project::open_if_any(&global.selection())?;
    global.start_threads()?;
    let folder = project.as_ref().map_or_else(PathBuf::new, |p| p.path(""));
    let seed = project.as_ref().map_or(0, |p| p.params().seed);
    let sides = Sides::find(a, b, &folder)?;
    let comparison = match (sides.a.kind, sides.files()) {
        (Kind::Model, Some(files)) => {
            let name = compare::models::task_of(files.0, files.1)?;
            let name: Name = name.parse().map_err(exit::usage)?;
            for_task!(name, T => {
                compare::models::run::<T>(project.as_ref(), files, &outcomes(&name), talk)?
            })
        }
        _ => {
            let tasks: Vec<TaskOutcomes> = tasks::ALL.iter().map(outcomes).collect();
            compare::run(&sides, &tasks, seed)?
        }
    };
    global.show(&comparison)?;
    Ok(Exit::Done)
}

/// A task, for comparisons.
pub(super) fn outcomes(name: &Name) -> TaskOutcomes {
    TaskOutcomes {
        name: name.as_str(),
        recorded: for_task!(*name, T => <T as Evaluate>::RECORDED),
    }
}
