//! The table of runs.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use super::open;
use super::select::{Cell, Selection, outcome};
use crate::outcome::number::figure;
use crate::outcome::table;
use crate::project::Project;
use registry::lineage::Metric;
use registry::runs::{Run, short_length};

/// Metrics of a run that the table shows where no columns are named.
const METRICS: usize = 2;

/// Some runs of a project.
#[derive(Serialize)]
pub struct List {
    runs: Vec<Run>,
    /// Runs that are not listed, because of conditions or the limit.
    others: usize,
    /// Records that are damaged or of a newer version.
    unreadable: Vec<String>,
    /// Metrics and parameters that have a column.
    #[serde(skip)]
    columns: Vec<String>,
}

/// Lists runs; `columns` are metrics, parameters or fields of a record.
///
/// # Errors
/// A store that cannot be read.
pub fn list(project: &Project, selection: &Selection, columns: &[String]) -> Result<List> {
    let (all, problems) = match open(project)? {
        Some(runs) => runs.all()?,
        None => Default::default(),
    };
    let known = all.len();
    let runs = selection.of(all);
    let mut columns = columns.to_vec();
    columns.extend(
        { selection.sort.iter() }
            .filter(|key| !columns.contains(key))
            .cloned()
            .collect::<Vec<_>>(),
    );
    Ok(List {
        others: known - runs.len(),
        runs,
        unreadable: problems
            .iter()
            .filter(|problem| !problem.flaw.is_harmless())
            .map(ToString::to_string)
            .collect(),
        columns,
    })
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.runs.is_empty() {
            match self.others {
                0 => writeln!(
                    f,
                    "no runs yet; `easylife train` and `easylife evaluate` record theirs"
                )?,
                others => writeln!(f, "none of {others} runs meets the conditions")?,
            }
        } else {
            self.table(f)?;
        }
        if !self.runs.is_empty() && self.others > 0 {
            writeln!(f, "and {} more", self.others)?;
        }
        self.unreadable
            .iter()
            .try_for_each(|problem| writeln!(f, "not read: {problem}"))
    }
}

impl List {
    fn table(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let fixed = ["run", "started (UTC)", "verb", "task"].map(str::to_owned);
        let mut heading = fixed.to_vec();
        match self.columns.is_empty() {
            true => heading.push("results".to_owned()),
            false => heading.extend(self.columns.iter().cloned()),
        }
        heading.push("commit".to_owned());
        let mut table = vec![heading];
        let ids = self.runs.iter().map(|run| run.id.as_str());
        let digits = short_length(ids);
        table.extend(self.runs.iter().map(|run| self.line(run, digits)));
        table::write(f, "", &table, |_| false)
    }

    fn line(&self, run: &Run, digits: usize) -> Vec<String> {
        let started = run.started.strftime("%Y-%m-%d %H:%M").to_string();
        let mut line = vec![
            run.id.get(..digits).unwrap_or(&run.id).to_owned(),
            started,
            run.verb.clone(),
            run.task.clone(),
        ];
        let cell = |key: &String| match Cell::of(run, key) {
            None => "-".to_owned(),
            Some(Cell::Number(number)) => figure(number),
            Some(Cell::Text(text)) => tables::shown(&text),
        };
        match self.columns.is_empty() {
            true => line.push(results(run)),
            false => line.extend(self.columns.iter().map(cell)),
        }
        line.push(commit(run));
        line
    }
}

/// The first metrics of a run, or how it ended.
fn results(run: &Run) -> String {
    let metric = |metric: &Metric| format!("{} {}", metric.name, figure(metric.value));
    let is_shown = |metric: &&Metric| !metric.name.contains('.') && metric.value.fract() != 0.0;
    let shown = run.metrics.iter().filter(is_shown).take(METRICS);
    let shown: Vec<String> = shown.map(metric).collect();
    match (outcome(&run.outcome), shown.is_empty()) {
        ("finished", false) => shown.join("  "),
        ("finished", true) => String::new(),
        (outcome, _) => outcome.to_owned(),
    }
}

/// The commit, with a `+` if files differed from it.
fn commit(run: &Run) -> String {
    const LETTERS: usize = 9;
    run.git.as_ref().map_or_else(String::new, |git| {
        let short = git.commit.get(..LETTERS).unwrap_or(&git.commit);
        let plus = if git.clean { "" } else { "+" };
        format!("{short}{plus}")
    })
}
