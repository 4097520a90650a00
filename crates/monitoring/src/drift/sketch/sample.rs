//! A random sample of rows that merging does not change: those whose scrambled numbers are the
//! smallest.

use std::collections::BinaryHeap;

use super::scramble;
use crate::drift::texts::{MOST_TOKENS, tokens};

/// Number of rows kept.
const KEPT: usize = 2048;
/// Makes this choice independent of the one in [`super::decides`].
const SALT: u64 = 0x5851_f42d_4c95_7f2d;

/// What is kept of a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text {
    /// Number of characters.
    pub length: u32,
    /// The lower half of the hashes of its first tokens.
    pub tokens: Box<[u32]>,
}

/// Scrambled row number, row number, and the text; `None` if it is missing.
type Entry = (u64, u64, Option<Text>);

/// The sample.
#[derive(Clone, Debug, Default)]
pub struct Sample(BinaryHeap<Entry>);

impl Sample {
    /// Adds the text of a row.
    #[inline]
    pub fn add(&mut self, row: u64, text: Option<&str>) {
        let order = scramble(row ^ SALT);
        let is_below = |last: &Entry| (order, row) < (last.0, last.1);
        if self.0.len() < KEPT || self.0.peek().is_some_and(is_below) {
            self.keep((order, row, text.map(summary)));
        }
    }

    fn keep(&mut self, entry: Entry) {
        self.0.push(entry);
        if self.0.len() > KEPT {
            self.0.pop();
        }
    }

    /// Adds the rows of another one.
    pub fn merge(&mut self, other: Sample) {
        other.0.into_iter().for_each(|entry| self.keep(entry));
    }

    /// Row numbers and texts, in a fixed order.
    pub fn into_rows(self) -> impl Iterator<Item = (u64, Option<Text>)> {
        let sorted = self.0.into_sorted_vec().into_iter();
        sorted.map(|(_, row, text)| (row, text))
    }
}

fn summary(text: &str) -> Text {
    let mut hashes = Vec::new();
    tokens(text, MOST_TOKENS, |hash| hashes.push(hash as u32));
    Text {
        length: length(text),
        tokens: hashes.into(),
    }
}

/// Number of characters.
pub fn length(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}
