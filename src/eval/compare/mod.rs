//! `easylife compare A B`: compares two commits, project folders, metrics files or model files: metrics, with their
//! differences and whether these are more than chance, and parameters and data that differ.
//!
//! `side` resolves a name and reads its files, `outcomes` pairs results row by row, `models` scores two model
//! files on the test part of the project, `show` formats the comparison.

pub mod models;
mod outcomes;
mod show;
pub mod side;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

pub use self::outcomes::Outcomes;
pub use self::side::{Kind, Side, Sides};
use crate::exit;

/// A task, for `compare`.
#[derive(Clone, Copy, Debug)]
pub struct TaskOutcomes {
    /// Its name.
    pub name: &'static str,
    /// The file of `plots/TASK` with its results row by row.
    pub recorded: Recorded,
}

/// A file of `plots/TASK` with results row by row.
#[derive(Clone, Copy, Debug)]
pub enum Recorded {
    /// `confusion.csv`: the actual and the predicted class of each row.
    Confusion,
    /// A line per unit, with columns named like the metrics.
    Table {
        /// The file.
        file: &'static str,
        /// The column that names the unit.
        id: &'static str,
        /// What the units are.
        units: &'static str,
    },
}

/// The differences between two sides.
#[derive(Debug, Serialize)]
pub struct Comparison {
    a: String,
    b: String,
    tasks: Vec<Compared>,
    /// Parameters with different values, by key.
    parameters: Vec<Changed>,
    /// Data and models with different digests, by path or name.
    data: Vec<Changed>,
    /// Notes on what could not be compared, and why.
    notes: Vec<String>,
}

/// A task on both sides.
#[derive(Debug, Serialize)]
struct Compared {
    task: String,
    metrics: Vec<Metric>,
    /// The number of paired units, if both sides were scored on the same ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    paired: Option<String>,
}

/// A metric on both sides.
#[derive(Debug, PartialEq, Serialize)]
struct Metric {
    metric: String,
    a: Option<f64>,
    b: Option<f64>,
    /// B minus A.
    difference: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
}

/// Evidence on whether a difference is more than chance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
enum Evidence {
    /// The interval that holds 95 % of the differences of paired resamples.
    PairedBootstrap {
        low: f64,
        high: f64,
        more_than_chance: bool,
    },
    /// Whether the intervals of both metrics overlap.
    Intervals { overlap: bool },
}

/// A value on both sides; absent if a side has none.
#[derive(Debug, PartialEq, Serialize)]
struct Changed {
    key: String,
    a: Option<Value>,
    b: Option<Value>,
}

/// Compares two sides of the same kind.
///
/// # Errors
/// Sides that have no metric in common, or a file that cannot be read.
pub fn run(sides: &Sides, tasks: &[TaskOutcomes], seed: u64) -> Result<Comparison> {
    let Sides { a, b } = sides;
    let mut notes = Vec::new();
    let mut compared = Vec::new();
    for task in of_sides(sides, tasks)? {
        match (a.metrics(task.name)?, b.metrics(task.name)?) {
            (Some(of_a), Some(of_b)) => {
                let outcomes = (a.outcomes(&task)?).zip(b.outcomes(&task)?);
                compared.push(Compared::new(task.name, (&of_a, &of_b), outcomes, seed));
            }
            (Some(_), None) => notes.push(b.describe_missing(task.name)),
            (None, Some(_)) => notes.push(a.describe_missing(task.name)),
            (None, None) => {}
        }
    }
    if compared.is_empty() && notes.is_empty() {
        notes.push(format!(
            "neither side has metrics; {}",
            side::HOW_TO_COMMIT_METRICS
        ));
    }
    let comparison = Comparison {
        a: a.name.clone(),
        b: b.name.clone(),
        tasks: compared,
        parameters: changes(a.parameters()?, b.parameters()?),
        data: changes(a.data()?, b.data()?),
        notes,
    };
    comparison.checked(a.kind)
}

/// The tasks to compare; for two metrics files the one they are named after.
fn of_sides(sides: &Sides, tasks: &[TaskOutcomes]) -> Result<Vec<TaskOutcomes>> {
    if sides.a.kind != Kind::Metrics {
        return Ok(tasks.to_vec());
    }
    let named = |side: &Side| tasks.iter().find(|task| task.name == side.stem());
    let task = match (named(&sides.a), named(&sides.b)) {
        (Some(a), Some(b)) if a.name != b.name => {
            return Err(exit::usage(format!(
                "{} holds metrics of {}, {} of {}; name two files of one task",
                sides.a.name, a.name, sides.b.name, b.name
            )));
        }
        (Some(task), _) | (None, Some(task)) => *task,
        (None, None) => TaskOutcomes {
            name: "metrics",
            recorded: Recorded::Confusion,
        },
    };
    Ok(vec![task])
}

impl Comparison {
    /// Refuses two files without a common metric.
    fn checked(self, kind: Kind) -> Result<Self> {
        let in_common = |compared: &Compared| {
            let mut metrics = compared.metrics.iter();
            metrics.any(|metric| metric.a.is_some() && metric.b.is_some())
        };
        if kind == Kind::Metrics && !self.tasks.iter().any(in_common) {
            return Err(exit::usage(format!(
                "{} and {} have no metric in common: they are of different tasks, or not metrics files; name \
                two files that `easylife evaluate` wrote for one task",
                self.a, self.b
            )));
        }
        Ok(self)
    }
}

impl Compared {
    fn new(
        task: &str,
        (a, b): (&Value, &Value),
        outcomes: Option<(Outcomes, Outcomes)>,
        seed: u64,
    ) -> Self {
        let pairs = outcomes.and_then(|(a, b)| outcomes::Pairs::of(a, b));
        let mut paired = None;
        let metric = |name: &String| {
            let value = |side: &Value| side[name].as_f64();
            let (of_a, of_b) = (value(a), value(b));
            let bootstrap = match (of_a, of_b, &pairs) {
                (Some(a), Some(b), Some(pairs)) => pairs.difference(name, (a, b), seed),
                _ => None,
            };
            if let (Some(_), Some(pairs)) = (bootstrap, &pairs) {
                paired = Some(pairs.describe());
            }
            let evidence = match bootstrap {
                Some(interval) => Some(Evidence::PairedBootstrap {
                    low: interval.low,
                    high: interval.high,
                    more_than_chance: interval.low > 0.0 || interval.high < 0.0,
                }),
                None => overlap(a, b, name).map(|overlap| Evidence::Intervals { overlap }),
            };
            Metric {
                metric: name.clone(),
                a: of_a,
                b: of_b,
                difference: of_a.zip(of_b).map(|(a, b)| b - a),
                evidence,
            }
        };
        let metrics: Vec<Metric> = names(a, b).iter().map(metric).collect();
        Self {
            task: task.to_owned(),
            metrics,
            paired,
        }
    }
}

/// Names of the top-level numbers of both files, those of `a` first, in their order.
fn names(a: &Value, b: &Value) -> Vec<String> {
    let mut seen = BTreeSet::new();
    [a, b]
        .into_iter()
        .filter_map(Value::as_object)
        .flatten()
        .filter(|(name, value)| value.is_number() && seen.insert((*name).clone()))
        .map(|(name, _)| name.clone())
        .collect()
}

/// Whether the intervals of a metric overlap, if both sides have one.
fn overlap(a: &Value, b: &Value, name: &str) -> Option<bool> {
    let interval = |side: &Value| {
        let interval = &side["intervals"][name];
        Some((interval["low"].as_f64()?, interval["high"].as_f64()?))
    };
    let ((a_low, a_high), (b_low, b_high)) = (interval(a)?, interval(b)?);
    Some(a_low <= b_high && b_low <= a_high)
}

/// The keys whose values differ.
fn changes(a: BTreeMap<String, Value>, mut b: BTreeMap<String, Value>) -> Vec<Changed> {
    let mut changed = Vec::new();
    for (key, of_a) in a {
        let of_b = b.remove(&key);
        if of_b.as_ref() != Some(&of_a) {
            changed.push(Changed {
                key,
                a: Some(of_a),
                b: of_b,
            });
        }
    }
    changed.extend(b.into_iter().map(|(key, of_b)| Changed {
        key,
        a: None,
        b: Some(of_b),
    }));
    changed.sort_by(|one, other| one.key.cmp(&other.key));
    changed
}

/// The leaves of a tree by their dotted keys; a list is one leaf.
fn flatten(tree: &Value) -> BTreeMap<String, Value> {
    fn walk(key: String, value: &Value, into: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(entries) => {
                for (name, value) in entries {
                    let key = match key.is_empty() {
                        true => name.clone(),
                        false => format!("{key}.{name}"),
                    };
                    walk(key, value, into);
                }
            }
            value => {
                into.insert(key, value.clone());
            }
        }
    }
    let mut flat = BTreeMap::new();
    walk(String::new(), tree, &mut flat);
    flat
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_that_differ_are_found_on_either_side() {
        let a = flatten(&json!({"seed": 1, "nlp": {"split": {"test": 0.2}, "old": [1, 2]}}));
        let b = flatten(&json!({"seed": 2, "nlp": {"split": {"test": 0.2}}, "ts": {"horizon": 7}}));
        let changed = changes(a, b);
        let keys: Vec<&str> = changed.iter().map(|changed| changed.key.as_str()).collect();
        assert_eq!(keys, ["nlp.old", "seed", "ts.horizon"]);
        assert_eq!((&changed[0].b, &changed[2].a), (&None, &None));
    }

    #[test]
    fn intervals_are_all_that_is_known_without_rows() {
        let side = |accuracy: f64, low: f64, high: f64| json!({"accuracy": accuracy, "intervals": {"accuracy": {"low": low, "high": high}}});
        let (a, b) = (side(0.8, 0.7, 0.85), side(0.9, 0.86, 0.95));
        let compared = Compared::new("nlp", (&a, &b), None, 1);
        assert_eq!(
            compared.metrics[0].evidence,
            Some(Evidence::Intervals { overlap: false })
        );
        assert_eq!(overlap(&a, &side(0.9, 0.85, 0.9), "accuracy"), Some(true));
        assert_eq!(overlap(&a, &json!({"accuracy": 1}), "accuracy"), None);
    }
}
