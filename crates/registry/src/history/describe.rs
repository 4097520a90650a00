//! Events in words, for logs.

use std::fmt;

use super::event::{Direction, Event, Reason};
use crate::lineage::Metric;

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add {
                version,
                sha256,
                evaluated,
                ..
            } => {
                let sha256 = sha256.get(..12).unwrap_or(sha256);
                write!(f, "added version {version} ({sha256})")?;
                note(f, &spell(evaluated))
            }
            Self::Evaluate {
                version, evaluated, ..
            } => {
                write!(f, "evaluated version {version}")?;
                note(f, &spell(evaluated))
            }
            Self::Promote {
                alias,
                version,
                from,
                why,
                ..
            } => {
                write!(f, "promoted version {version} to {alias}")?;
                if let Some(from) = from {
                    write!(f, " in place of version {from}")?;
                }
                note(f, &why.to_string())
            }
            Self::Rollback {
                alias,
                from,
                to,
                note: why,
                ..
            } => {
                write!(f, "rolled {alias} back from version {from} to {to}")?;
                note(f, why)
            }
            Self::Unset {
                alias,
                from,
                note: why,
                ..
            } => {
                write!(f, "removed {alias}, which was version {from}")?;
                note(f, why)
            }
            Self::Retire {
                version, note: why, ..
            } => {
                write!(f, "retired version {version}")?;
                note(f, why)
            }
            Self::Erase {
                version, note: why, ..
            } => {
                write!(f, "erased the file of version {version}")?;
                note(f, why)
            }
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain { note } => f.write_str(note),
            Self::IfBetter {
                metric,
                ours,
                theirs: None,
                ..
            } => write!(f, "{metric} is {ours}, and there was none before"),
            Self::IfBetter {
                metric,
                direction,
                ours,
                theirs: Some(theirs),
            } => write!(f, "{metric} is {ours}, {direction} than {theirs}"),
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
        })
    }
}

/// What is said after a colon, if anything is.
fn note(f: &mut fmt::Formatter<'_>, note: &str) -> fmt::Result {
    match note.is_empty() {
        true => Ok(()),
        false => write!(f, ": {note}"),
    }
}

/// The first metrics, and how many more there are.
fn spell(metrics: &[Metric]) -> String {
    const SHOWN: usize = 2;
    let shown = metrics.iter().take(SHOWN);
    let shown = shown.map(|metric| format!("{} {}", metric.name, metric.value));
    let mut spelled: Vec<String> = shown.collect();
    if metrics.len() > SHOWN {
        spelled.push(format!("{} more", metrics.len() - SHOWN));
    }
    spelled.join(", ")
}
