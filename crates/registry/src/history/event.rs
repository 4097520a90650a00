//! What can happen to a model in the registry.

use serde::{Deserialize, Serialize};

use crate::lineage::{Lineage, Metric, number};

/// One event of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Event {
    /// A model file became the next version of a name.
    Add {
        /// The name.
        name: String,
        /// The version: 1 for the first, then one more each.
        version: u64,
        /// SHA-256 of the file, which is the object `models/<sha256>`.
        sha256: String,
        /// Length of the file.
        bytes: u64,
        /// What it was made of.
        lineage: Lineage,
        /// Its results; empty for a model that was not evaluated yet.
        evaluated: Vec<Metric>,
    },
    /// New results of a version, in place of the former.
    Evaluate {
        /// The name.
        name: String,
        /// The version.
        version: u64,
        /// Its results.
        evaluated: Vec<Metric>,
    },
    /// An alias was moved to a version.
    Promote {
        /// The name.
        name: String,
        /// The alias.
        alias: String,
        /// Where it points from now on.
        version: u64,
        /// Where it pointed.
        from: Option<u64>,
        /// Why.
        why: Reason,
    },
    /// An alias went back to where it pointed before.
    Rollback {
        /// The name.
        name: String,
        /// The alias.
        alias: String,
        /// Where it pointed.
        from: u64,
        /// Where it points from now on.
        to: u64,
        /// Why.
        note: String,
    },
    /// An alias was removed.
    Unset {
        /// The name.
        name: String,
        /// The alias.
        alias: String,
        /// Where it pointed.
        from: u64,
        /// Why.
        note: String,
    },
    /// A version must not be promoted any more.
    Retire {
        /// The name.
        name: String,
        /// The version.
        version: u64,
        /// Why.
        note: String,
    },
    /// The file of a version was deleted on purpose; retires it as well.
    Erase {
        /// The name.
        name: String,
        /// The version.
        version: u64,
        /// Why.
        note: String,
    },
}

impl Event {
    /// The name of the model that it is about.
    pub fn name(&self) -> &str {
        match self {
            Self::Add { name, .. }
            | Self::Evaluate { name, .. }
            | Self::Promote { name, .. }
            | Self::Rollback { name, .. }
            | Self::Unset { name, .. }
            | Self::Retire { name, .. }
            | Self::Erase { name, .. } => name,
        }
    }

    /// The alias that it moves, if it moves one.
    pub fn alias(&self) -> Option<&str> {
        match self {
            Self::Promote { alias, .. }
            | Self::Rollback { alias, .. }
            | Self::Unset { alias, .. } => Some(alias),
            Self::Add { .. } | Self::Evaluate { .. } | Self::Retire { .. } | Self::Erase { .. } => {
                None
            }
        }
    }
}

/// Why an alias was moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Reason {
    /// Somebody decided it.
    Plain {
        /// Their words; may be empty.
        note: String,
    },
    /// It was better by a metric.
    IfBetter {
        /// The metric.
        metric: String,
        /// Which way is better.
        direction: Direction,
        /// Its value for the version that was promoted.
        #[serde(with = "number")]
        ours: f64,
        /// Its value for the version that the alias pointed at; `None` if it pointed nowhere.
        #[serde(with = "number::optional")]
        theirs: Option<f64>,
    },
}

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Greater is better, as with accuracy.
    Higher,
    /// Smaller is better, as with errors.
    Lower,
}

impl Direction {
    /// Whether `ours` is better than `theirs`; false if they are equal or either is not a number.
    pub fn is_better(self, ours: f64, theirs: f64) -> bool {
        match self {
            Self::Higher => ours > theirs,
            Self::Lower => ours < theirs,
        }
    }
}
