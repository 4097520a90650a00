//! The figures of a replay.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Result, bail};
use serde::Serialize;
use server::arms::difference::RowDifference;

use super::{Change, Request};
use crate::report::format::{count, counted, percent};

/// Upper bounds of differences.
const BOUNDS: [f64; 7] = [1e-12, 1e-9, 1e-6, 1e-3, 0.01, 0.1, 1.0];

/// What came of a replay.
#[derive(Debug, Serialize)]
pub struct Replayed {
    /// The task, and the version of the model that was asked.
    pub model: Asked,
    /// The models that had answered.
    pub recorded: Vec<Before>,
    pub requests: Requests,
    pub rows: Rows,
    /// Rows with other numbers, by the size of the difference: relative to the larger number, or to 1.
    pub differences: Vec<Bucket>,
    /// Rows with another class, the most frequent change first.
    pub classes: Vec<ClassChange>,
    /// The first rows with another text.
    pub changed: Vec<Change>,
    /// The rows with the largest differences of numbers, the largest first.
    pub largest: Vec<Change>,
    /// The first requests that the model refused.
    pub failures: Vec<Failure>,
    /// Where every change stands.
    #[serde(skip)]
    pub changes: Option<String>,
    /// The page or figures that were written.
    #[serde(skip)]
    pub output: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Asked {
    pub task: String,
    pub version: String,
}

/// A model that had answered.
#[derive(Debug, Serialize)]
pub struct Before {
    pub model: String,
    pub version: String,
    pub requests: u64,
}

#[derive(Debug, Serialize)]
pub struct Requests {
    /// Asked again and answered.
    pub replayed: u64,
    /// Of these, those of which a row changed in any bit.
    pub changed: u64,
    /// Refused by the model.
    pub failed: u64,
    /// Recorded without what clients sent.
    pub without_content: u64,
    pub of_other_models: u64,
    /// Not recorded, since the disk was too slow.
    pub lost: u64,
    /// Lines whose end is missing at the end of a log.
    pub torn: u64,
}

/// Rows of the answers.
#[derive(Debug, Serialize)]
pub struct Rows {
    /// With the same bits.
    pub same: u64,
    /// With the same texts and other numbers.
    pub close: u64,
    /// With other texts.
    pub changed: u64,
}

/// Rows whose difference is at most `at_most`, and more than that of the bucket before.
#[derive(Debug, Serialize)]
pub struct Bucket {
    /// None: any.
    pub at_most: Option<f64>,
    pub rows: u64,
}

#[derive(Debug, Serialize)]
pub struct ClassChange {
    pub from: String,
    pub to: String,
    pub rows: u64,
}

/// A request that the model refused.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    pub log: String,
    pub line: u64,
    pub id: String,
    pub reason: String,
}

/// The figures while they grow.
pub(super) struct Figures {
    asked: Asked,
    top: usize,
    recorded: BTreeMap<(String, String), u64>,
    replayed: u64,
    changed_requests: u64,
    failed: u64,
    pub(super) without_content: u64,
    pub(super) of_other_models: u64,
    pub(super) lost: u64,
    pub(super) torn: u64,
    rows: [u64; 3],
    differences: [u64; BOUNDS.len() + 1],
    classes: BTreeMap<(String, String), u64>,
    changed: Vec<Change>,
    largest: Vec<Change>,
    failures: Vec<Failure>,
}

impl Figures {
    pub(super) fn new(task: &str, version: &str, top: usize) -> Self {
        Self {
            asked: Asked {
                task: task.to_owned(),
                version: version.to_owned(),
            },
            top,
            recorded: BTreeMap::new(),
            replayed: 0,
            changed_requests: 0,
            failed: 0,
            without_content: 0,
            of_other_models: 0,
            lost: 0,
            torn: 0,
            rows: [0; 3],
            differences: [0; BOUNDS.len() + 1],
            classes: BTreeMap::new(),
            changed: Vec::new(),
            largest: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Requests so far.
    pub(super) fn requests(&self) -> u64 {
        self.replayed + self.failed + self.without_content + self.of_other_models
    }

    /// Counts a request of a model.
    pub(super) fn recorded(&mut self, model: String, version: String) {
        *self.recorded.entry((model, version)).or_default() += 1;
    }

    pub(super) fn failed(&mut self, failure: Failure) {
        self.failed += 1;
        if self.failures.len() < self.top {
            self.failures.push(failure);
        }
    }

    pub(super) fn answered(
        &mut self,
        rows: &[RowDifference],
        classes: Vec<(String, String)>,
        changes: Vec<Change>,
    ) {
        self.replayed += 1;
        self.changed_requests += u64::from(!changes.is_empty());
        for row in rows {
            let kind = match row {
                RowDifference::None => 0,
                RowDifference::Numbers(difference) => {
                    let bucket = BOUNDS.partition_point(|bound| bound < difference);
                    self.differences[bucket] += 1;
                    1
                }
                RowDifference::Texts => 2,
            };
            self.rows[kind] += 1;
        }
        for pair in classes {
            *self.classes.entry(pair).or_default() += 1;
        }
        for change in changes {
            match change.difference {
                None if self.changed.len() < self.top => self.changed.push(change),
                Some(difference) => self.keep_large(difference, change),
                None => {}
            }
        }
    }

    /// Keeps the largest differences; of equal ones, those that came first.
    fn keep_large(&mut self, difference: f64, change: Change) {
        let size = |change: &Change| change.difference.unwrap_or(0.0);
        let place = self
            .largest
            .partition_point(|known| size(known) >= difference);
        if place < self.top {
            self.largest.insert(place, change);
            self.largest.truncate(self.top);
        }
    }

    /// Refuses a replay of nothing: it would look like a model that changes nothing.
    pub(super) fn check(&self, task: &str) -> Result<()> {
        if self.replayed + self.failed > 0 {
            return Ok(());
        }
        if self.without_content > 0 {
            bail!(
                "the log has {} of {task}, all without what clients sent; record it with `--request-log-content true`",
                counted(self.without_content, "request", "requests")
            );
        }
        if self.of_other_models > 0 {
            bail!(
                "the log has {} of other models and none of {task}",
                counted(self.of_other_models, "request", "requests")
            );
        }
        bail!("the log has no requests");
    }

    pub(super) fn end(self, request: &Request) -> Replayed {
        let before = |((model, version), requests)| Before {
            model,
            version,
            requests,
        };
        let mut classes: Vec<ClassChange> = self
            .classes
            .into_iter()
            .map(|((from, to), rows)| ClassChange { from, to, rows })
            .collect();
        // Stable: of equal ones the order of names stays.
        classes.sort_by_key(|change| std::cmp::Reverse(change.rows));
        let bounds = BOUNDS.iter().copied().map(Some).chain([None]);
        let [same, close, changed] = self.rows;
        Replayed {
            model: self.asked,
            recorded: self.recorded.into_iter().map(before).collect(),
            requests: Requests {
                replayed: self.replayed,
                changed: self.changed_requests,
                failed: self.failed,
                without_content: self.without_content,
                of_other_models: self.of_other_models,
                lost: self.lost,
                torn: self.torn,
            },
            rows: Rows {
                same,
                close,
                changed,
            },
            differences: bounds
                .zip(self.differences)
                .map(|(at_most, rows)| Bucket { at_most, rows })
                .collect(),
            classes,
            changed: self.changed,
            largest: self.largest,
            failures: self.failures,
            changes: request
                .changes
                .as_ref()
                .map(|path| path.display().to_string()),
            output: request
                .output
                .as_ref()
                .map(|path| path.display().to_string()),
        }
    }
}

impl Replayed {
    /// Rows of all answers.
    pub fn all_rows(&self) -> u64 {
        self.rows.same + self.rows.close + self.rows.changed
    }

    /// What a reader must know before the figures.
    pub fn notes(&self) -> Vec<String> {
        let requests = &self.requests;
        let mut notes = Vec::new();
        for (number, what) in [
            (requests.failed, "refused by the model"),
            (
                requests.without_content,
                "left out: recorded without what clients sent",
            ),
            (requests.of_other_models, "left out: of other models"),
            (requests.lost, "never recorded: the disk was too slow"),
            (requests.torn, "left out: the end of the line is missing"),
        ] {
            if number > 0 {
                notes.push(format!("{} {what}", counted(number, "request", "requests")));
            }
        }
        notes
    }
}

/// A difference as it is read.
pub(super) fn bound(bucket: &Bucket) -> String {
    match bucket.at_most {
        Some(bound) if bound < 0.001 => format!("at most {bound:e}"),
        Some(bound) => format!("at most {bound}"),
        None => "more than 1".to_owned(),
    }
}

impl fmt::Display for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let rows = self.all_rows();
        writeln!(
            f,
            "{} of {} replayed: the answer changes in {}, {} of {}",
            counted(self.requests.replayed, "request", "requests"),
            self.model.task,
            match self.requests.changed {
                0 => "none".to_owned(),
                changed => count(changed),
            },
            count(self.rows.close + self.rows.changed),
            counted(rows, "row", "rows"),
        )?;
        let share = |part: u64| percent(part as f64 / rows.max(1) as f64, 2);
        for (number, what) in [
            (self.rows.same, "the same bits"),
            (self.rows.close, "the same texts, other numbers"),
            (self.rows.changed, "other texts"),
        ] {
            writeln!(f, "  {:>12}  {:>9}  {what}", count(number), share(number))?;
        }
        for bucket in self.differences.iter().filter(|bucket| bucket.rows > 0) {
            let bound = bound(bucket);
            writeln!(
                f,
                "  {:>12}             differ by {bound}",
                count(bucket.rows)
            )?;
        }
        for ClassChange { from, to, rows } in &self.classes {
            writeln!(f, "  {:>12}             {from} -> {to}", count(*rows))?;
        }
        for note in self.notes() {
            writeln!(f, "{note}")?;
        }
        for path in self.changes.iter().chain(&self.output) {
            writeln!(f, "{path}")?;
        }
        Ok(())
    }
}
