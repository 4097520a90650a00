//! What is kept of a reference's column while its rows are read: bounded, and merged exactly.

mod buckets;
mod distinct;
mod numbers;
mod sample;
mod words;

pub use numbers::NumberSketch;
pub use words::WordSketch;

use serde::{Deserialize, Serialize};

/// Why a column has no reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// There were no rows.
    #[error("the reference has no rows")]
    NoRows,
    /// Nearly every row has a word of its own.
    #[error("an identifier: nearly every row has a value of its own")]
    Identifier,
    /// Whole numbers that grow from row to row, or that number the rows in some order.
    #[error("a running number: it counts rows")]
    RunningNumber,
    /// Times always change. No sketch says this: it is for callers who know that a column holds
    /// times, and leave it out.
    #[error("a time: later rows always have later times")]
    Time,
}

/// Why two sketches were not merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// The second part does not begin with the row after the first one's last.
    #[error("expected the part that begins with row {expected}, got the one from row {got}")]
    NotNext {
        /// The row after the last one.
        expected: u64,
        /// The first row of the part.
        got: u64,
    },
}

/// Whether a row of the reference decides about the bins only (one of four), and is not counted.
///
/// Counting rows on bins that the same rows decided would be biased where many words are rare:
/// a word would be listed because chance favoured it in just these rows.
pub(super) fn decides(row: u64) -> bool {
    scramble(row) >> 62 == 0
}

/// Spreads every bit over the result (SplitMix64's finalizer, Steele, Lea and Flood 2014).
fn scramble(key: u64) -> u64 {
    let mut word = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}
