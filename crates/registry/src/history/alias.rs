//! Where an alias points, and where it pointed when.

use jiff::Timestamp;
use serde::Serialize;

/// One move of an alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Change {
    /// When.
    pub time: Timestamp,
    /// Where it points from then on; `None` if it was removed.
    pub version: Option<u64>,
    /// The number of the entry that says who and why.
    pub entry: u64,
}

/// An alias of a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Alias {
    /// The versions to roll back to, the last one first in line; ends with the current one.
    pub(super) stack: Vec<u64>,
    /// Its moves in order.
    pub(super) changes: Vec<Change>,
}

impl Alias {
    /// The version that it points at.
    pub fn current(&self) -> Option<u64> {
        self.stack.last().copied()
    }

    /// Its moves in order of time.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The move that was the last at `time`.
    pub fn at(&self, time: Timestamp) -> Option<&Change> {
        let later = self.changes.partition_point(|change| change.time <= time);
        self.changes[..later].last()
    }
}
