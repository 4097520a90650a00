//! `easylife init`: its arguments, and the question which column is meant.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::args::{Global, task_names};
use super::show::Verdict;
use crate::columns::Role;
use crate::exit::{self, Exit};
use crate::task::Task;
use crate::tasks::{self, Name};
use crate::{for_task, pipeline, predict};

#[derive(Args)]
pub struct InitArgs {
    #[arg(default_value = ".", value_name = "DIR")]
    pub folder: PathBuf,
    /// Set up this task alone, on your own data; columns not given here are inferred from their names and
    /// values
    #[arg(long, value_name = "TASK", requires = "source",
          value_parser = PossibleValuesParser::new(task_names(false)))]
    pub task: Option<String>,
    /// Your data: a file or a folder
    #[arg(long, value_name = "FILE", requires = "task")]
    pub source: Option<PathBuf>,
    /// A file or folder that every run of the pipeline scores
    #[arg(long, value_name = "FILE", requires = "task")]
    pub score: Option<PathBuf>,
    /// What is predicted: the label (nlp, cv), the value (ts), the item (recsys), any column (tabular)
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        help_heading = "Columns"
    )]
    pub target: Option<String>,
    /// nlp: column of the text
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        help_heading = "Columns"
    )]
    pub text: Option<String>,
    /// nlp, cv: column of the label
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        conflicts_with = "target",
        help_heading = "Columns"
    )]
    pub label: Option<String>,
    /// cv: column of the paths
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        help_heading = "Columns"
    )]
    pub path: Option<String>,
    /// recsys: column of the users
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        help_heading = "Columns"
    )]
    pub user: Option<String>,
    /// recsys: column of the items
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        conflicts_with = "target",
        help_heading = "Columns"
    )]
    pub item: Option<String>,
    /// recsys: column of the ratings, if any
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        help_heading = "Columns"
    )]
    pub rating: Option<String>,
    /// ts, recsys: column of the times
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        help_heading = "Columns"
    )]
    pub time: Option<String>,
    /// ts, recsys: how the times are written where they are not ISO, as %d/%m/%Y
    #[arg(
        long,
        value_name = "FORMAT",
        requires = "task",
        help_heading = "Columns"
    )]
    pub date_format: Option<String>,
    /// ts: column of the values
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        conflicts_with = "target",
        help_heading = "Columns"
    )]
    pub value: Option<String>,
    /// cv: what your labels or folders mean, as blurry=blurred,ok=sharp
    #[arg(
        long,
        value_name = "LABEL=CLASS,...",
        requires = "task",
        help_heading = "Columns"
    )]
    pub classes: Option<String>,
    /// ts: column that tells series apart
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        help_heading = "Columns"
    )]
    pub id: Option<String>,
}

impl InitArgs {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let (Some(task), Some(source)) = (&self.task, &self.source) else {
            global.show_result(&pipeline::init::run(&self.folder)?, Verdict::Fine)?;
            return Ok(Exit::Done);
        };
        let name: Name = task.parse().map_err(exit::usage)?;
        let target = for_task!(name, T => <T as Task>::TARGET);
        let named = [
            (target, self.target),
            (Role::Text, self.text),
            (Role::Label, self.label),
            (Role::Path, self.path),
            (Role::User, self.user),
            (Role::Item, self.item),
            (Role::Rating, self.rating),
            (Role::Time, self.time),
            (Role::Value, self.value),
            (Role::Series, self.id),
        ];
        let own = pipeline::init::Own {
            source: source.clone(),
            score: self.score,
            needs_input: for_task!(name, T => <T as predict::Predict>::NEEDS_INPUT),
            columns: named
                .into_iter()
                .filter_map(|(role, column)| Some((role, column?)))
                .collect(),
            classes: self.classes,
            date_format: self.date_format,
        };
        let names: Vec<&str> = tasks::ALL.iter().map(|name| name.as_str()).collect();
        let created = for_task!(name, T => pipeline::init::run_own::<T>(
            &self.folder, &own, &names, &ask
        )?);
        global.show_result(&created, Verdict::Fine)?;
        Ok(Exit::Done)
    }
}

/// Asks which of some columns is meant; `None` without a terminal.
fn ask(question: &str, columns: &[&str]) -> Option<String> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return None;
    }
    let mut err = io::stderr().lock();
    for (number, column) in (1..).zip(columns) {
        let _ = writeln!(err, "  {number}  {}", tables::shown(column));
    }
    loop {
        let _ = write!(err, "{question} (number or name) ");
        let _ = err.flush();
        let mut line = String::new();
        if io::stdin().read_line(&mut line).ok()? == 0 {
            return None;
        }
        let answer = line.trim();
        let by_number = answer
            .parse()
            .ok()
            .and_then(|n: usize| columns.get(n.checked_sub(1)?));
        let by_name = columns.iter().find(|column| **column == answer);
        if let Some(column) = by_name.or(by_number) {
            return Some((*column).to_owned());
        }
    }
}
