//! Conditions of a promotion.

use super::event::{Direction, Reason};
use super::refusal::Refusal;
use super::state::{State, Version};

/// When an alias may be moved.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// In any case.
    Always {
        /// Why, for the history; may be empty.
        note: String,
    },
    /// If the version is better by a metric than the one that the alias points at. On a tie the
    /// alias stays.
    IfBetter {
        /// The metric.
        metric: String,
        /// Which way is better.
        direction: Direction,
    },
}

/// Why an alias may be moved, or what stands against it.
pub(super) fn reason(
    state: &State,
    name: &str,
    version: u64,
    from: Option<u64>,
    condition: &Condition,
) -> Result<Reason, Refusal> {
    let (metric, direction) = match condition {
        Condition::Always { note } => return Ok(Reason::Plain { note: note.clone() }),
        Condition::IfBetter { metric, direction } => (metric, *direction),
    };
    let ours = value_of(state.version(name, version)?, metric)?;
    let Some(current) = from else {
        return Ok(Reason::IfBetter {
            metric: metric.clone(),
            direction,
            ours,
            theirs: None,
        });
    };
    let theirs = value_of(state.version(name, current)?, metric)?;
    if !direction.is_better(ours, theirs) {
        return Err(Refusal::NotBetter {
            name: name.to_owned(),
            version,
            current,
            metric: metric.clone(),
            direction,
            ours,
            theirs,
        });
    }
    Ok(Reason::IfBetter {
        metric: metric.clone(),
        direction,
        ours,
        theirs: Some(theirs),
    })
}

fn value_of(version: &Version, metric: &str) -> Result<f64, Refusal> {
    let (name, number) = (version.name.clone(), version.number);
    let found = version.evaluated.iter().find(|found| found.name == metric);
    match found.map(|found| found.value) {
        Some(value) if !value.is_nan() => Ok(value),
        Some(_) => Err(Refusal::NotANumber {
            name,
            version: number,
            metric: metric.to_owned(),
        }),
        None => Err(Refusal::NoMetric {
            name,
            version: number,
            metric: metric.to_owned(),
            recorded: version.evaluated.iter().map(|m| m.name.clone()).collect(),
        }),
    }
}
