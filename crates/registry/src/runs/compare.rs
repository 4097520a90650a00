//! Two runs side by side.

use std::collections::BTreeSet;

use serde::Serialize;

use super::run::{Run, Value};
use crate::lineage::{Metric, Named};

/// The same thing in two runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair<T> {
    /// What it is.
    pub name: String,
    /// In the first run; `None` if it has no such thing.
    pub left: Option<T>,
    /// In the second run.
    pub right: Option<T>,
    /// Whether both are the same; two values that are not a number are.
    pub same: bool,
}

/// Two runs side by side. Whatever either has is listed, in order of the names.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Verb, task, versions, commits, outcome, and digests of model, parameters and `dvc.lock`.
    pub facts: Vec<Pair<String>>,
    /// SHA-256 of the data files, by path.
    pub data: Vec<Pair<String>>,
    /// The parameters, by dotted name.
    pub params: Vec<Pair<Value>>,
    /// The results.
    pub metrics: Vec<Pair<Metric>>,
}

/// Compares two runs.
///
/// # Examples
/// ```
/// use easylife_registry::runs::{Run, compare};
///
/// let started = jiff::Timestamp::UNIX_EPOCH;
/// let mut left = Run::new("train", "nlp", "0.1.0", started)?;
/// let mut right = left.clone();
/// left.params.insert("nlp.c".to_owned(), 1.0.into());
/// right.params.insert("nlp.c".to_owned(), 2.0.into());
/// let comparison = compare(&left, &right);
/// assert_eq!(comparison.params[0].name, "nlp.c");
/// assert!(!comparison.params[0].same);
/// assert!(comparison.facts.iter().all(|fact| fact.same));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn compare(left: &Run, right: &Run) -> Comparison {
    let data = |run: &Run| -> Vec<(String, String)> {
        let files = run.digests.data.iter();
        files
            .map(|file| (file.path.clone(), file.sha256.clone()))
            .collect()
    };
    let params = |run: &Run| -> Vec<(String, Value)> { run.params.clone().into_iter().collect() };
    let metrics = |run: &Run| -> Vec<(String, Metric)> {
        let metrics = run.metrics.iter();
        metrics
            .map(|metric| (metric.name.clone(), metric.clone()))
            .collect()
    };
    Comparison {
        facts: pairs(facts(left), facts(right), PartialEq::eq),
        data: pairs(data(left), data(right), PartialEq::eq),
        params: pairs(params(left), params(right), same_value),
        metrics: pairs(metrics(left), metrics(right), same_metric),
    }
}

fn facts(run: &Run) -> Vec<(String, String)> {
    let digest = |file: &Named| file.sha256.clone();
    let git = run.git.as_ref();
    let facts = [
        ("verb", Some(run.verb.clone())),
        ("task", Some(run.task.clone())),
        ("version", Some(run.version.clone())),
        ("commit", git.map(|git| git.commit.clone())),
        ("commit-clean", git.map(|git| git.clean.to_string())),
        ("outcome", Some(run.outcome.to_string())),
        ("model", run.digests.model.as_ref().map(digest)),
        ("params.yaml", run.digests.params.clone()),
        ("dvc.lock", run.digests.lock.clone()),
    ];
    let there = facts.into_iter();
    there
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// Joins two lists by name; of a name that a list has twice, the first counts.
fn pairs<T: Clone>(
    left: Vec<(String, T)>,
    right: Vec<(String, T)>,
    same: impl Fn(&T, &T) -> bool,
) -> Vec<Pair<T>> {
    let names: BTreeSet<&String> = left.iter().chain(&right).map(|(name, _)| name).collect();
    let find = |list: &[(String, T)], name: &String| {
        let mut found = list.iter().filter(|(there, _)| there == name);
        found.next().map(|(_, value)| value.clone())
    };
    let pair = |name: &String| {
        let (left, right) = (find(&left, name), find(&right, name));
        let same = matches!((&left, &right), (Some(left), Some(right)) if same(left, right));
        let name = name.clone();
        Pair {
            name,
            left,
            right,
            same,
        }
    };
    names.into_iter().map(pair).collect()
}

fn same_number(left: f64, right: f64) -> bool {
    left == right || left.is_nan() && right.is_nan()
}

fn same_value(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Float(left), Value::Float(right)) => same_number(*left, *right),
        _ => left == right,
    }
}

fn same_metric(left: &Metric, right: &Metric) -> bool {
    let same_end = |left: Option<f64>, right: Option<f64>| match (left, right) {
        (Some(left), Some(right)) => same_number(left, right),
        (left, right) => left.is_none() && right.is_none(),
    };
    same_number(left.value, right.value)
        && same_end(left.low, right.low)
        && same_end(left.high, right.high)
}
