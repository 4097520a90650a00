//! Runs as a table: one row a run, one column for everything that any of them has.

use std::collections::{BTreeMap, BTreeSet};

use super::run::{Outcome, Run};

/// The columns that every table has.
const FIXED: [&str; 15] = [
    "id",
    "verb",
    "task",
    "started",
    "seconds",
    "cpu_seconds",
    "peak_memory",
    "version",
    "commit",
    "commit_clean",
    "branch",
    "outcome",
    "message",
    "model",
    "params",
];

/// A table of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, as long as `columns`; a cell is empty where a run has no such thing.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// The table of `runs`, in their order: what each run has by itself, then `data.PATH` (SHA-256),
    /// `param.NAME`, `metric.NAME`, `metric.NAME.low` and `metric.NAME.high`, in order of the names.
    ///
    /// # Examples
    /// ```
    /// use easylife_registry::runs::{Run, Table};
    ///
    /// let mut run = Run::new("train", "nlp", "0.1.0", jiff::Timestamp::UNIX_EPOCH)?;
    /// run.params.insert("nlp.c".to_owned(), 1.5.into());
    /// let table = Table::of(&[run]);
    /// assert_eq!(table.columns.last().unwrap(), "param.nlp.c");
    /// assert_eq!(table.rows[0].last().unwrap(), "1.5");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn of(runs: &[Run]) -> Self {
        let varying: Vec<_> = runs.iter().map(varying).collect();
        let names: BTreeSet<&(u8, String)> = varying.iter().flat_map(BTreeMap::keys).collect();
        let fixed = FIXED.iter().map(|name| (*name).to_owned());
        let columns = fixed.chain(names.iter().map(|(_, name)| name.clone()));
        let rows = runs.iter().zip(&varying).map(|(run, varying)| {
            let mut row = Vec::from(fixed_cells(run));
            row.extend(names.iter().map(|name| cell(varying.get(*name))));
            row
        });
        Self {
            columns: columns.collect(),
            rows: rows.collect(),
        }
    }
}

fn cell<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn fixed_cells(run: &Run) -> [String; FIXED.len()] {
    let git = run.git.as_ref();
    let (outcome, message) = match &run.outcome {
        Outcome::Finished => ("finished", ""),
        Outcome::Failed { message } => ("failed", message.as_str()),
    };
    [
        run.id.clone(),
        run.verb.clone(),
        run.task.clone(),
        run.started.to_string(),
        run.seconds.to_string(),
        cell(run.cpu_seconds),
        cell(run.peak_memory),
        run.version.clone(),
        cell(git.map(|git| &git.commit)),
        cell(git.map(|git| git.clean)),
        cell(git.and_then(|git| git.branch.as_ref())),
        outcome.to_owned(),
        message.to_owned(),
        cell(run.digests.model.as_ref().map(|model| &model.sha256)),
        cell(run.digests.params.as_ref()),
    ]
}

/// The cells of the columns that not every run has, by group and name.
fn varying(run: &Run) -> BTreeMap<(u8, String), String> {
    let mut cells = BTreeMap::new();
    for file in &run.digests.data {
        cells.insert((0, format!("data.{}", file.path)), file.sha256.clone());
    }
    for (name, value) in &run.params {
        cells.insert((1, format!("param.{name}")), value.to_string());
    }
    for metric in &run.metrics {
        let name = format!("metric.{}", metric.name);
        let ends = [("low", metric.low), ("high", metric.high)];
        for (end, value) in ends {
            cells.extend(value.map(|value| ((2, format!("{name}.{end}")), value.to_string())));
        }
        cells.insert((2, name), metric.value.to_string());
    }
    cells
}
