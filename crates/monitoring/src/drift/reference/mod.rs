//! What is kept of a column of the reference: bins, and the number of rows in each. A few kilobytes
//! at most, whatever the column.

mod bins;
mod bits;

pub use bins::{Bins, Ranges, Rest, Texts, Words};
pub use bits::Bits;

use serde::{Deserialize, Serialize};

use super::label::BinLabel;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Numbers.
    Number,
    /// Words, categories, truth values.
    Word,
    /// Texts of several words.
    Text,
}

/// A column of the reference: its bins and their rows.
///
/// It can be saved with serde; what is loaded is checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct ColumnReference {
    bins: Bins,
    counts: Vec<u64>,
}

/// A reference as it was stored, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    bins: Bins,
    counts: Vec<u64>,
}

/// What is wrong with a stored reference.
#[derive(Debug, thiserror::Error)]
enum Invalid {
    #[error("expected counts of {expected} bins, got {got}")]
    Counts { expected: usize, got: usize },
    #[error("the counts are too large")]
    TooLarge,
    #[error("the bins of a column are damaged")]
    Bins,
}

impl TryFrom<Stored> for ColumnReference {
    type Error = Invalid;

    fn try_from(stored: Stored) -> Result<ColumnReference, Invalid> {
        let Stored { bins, counts } = stored;
        if !bins.is_valid() {
            return Err(Invalid::Bins);
        }
        let (expected, got) = (bins.len(), counts.len());
        if expected != got {
            return Err(Invalid::Counts { expected, got });
        }
        let sum = counts.iter().try_fold(0, |sum: u64, &n| sum.checked_add(n));
        // Counts are computed with as 53-bit numbers.
        match sum.is_some_and(|rows| rows < 1 << 53) {
            true => Ok(ColumnReference { bins, counts }),
            false => Err(Invalid::TooLarge),
        }
    }
}

impl ColumnReference {
    pub(super) fn new(bins: Bins, counts: Vec<u64>) -> ColumnReference {
        debug_assert_eq!(bins.len(), counts.len());
        ColumnReference { bins, counts }
    }

    /// What the column holds.
    pub fn kind(&self) -> Kind {
        match &self.bins {
            Bins::Ranges(_) | Bins::Values(_) => Kind::Number,
            Bins::Words(_) => Kind::Word,
            Bins::Texts(_) => Kind::Text,
        }
    }

    /// Number of rows counted. For words with rare ones, and for texts, these are three quarters of
    /// the rows, or of a sample of them: the others decided about the bins.
    pub fn rows(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Number of bins.
    pub fn bins(&self) -> usize {
        self.counts.len()
    }

    /// Rows of the reference in each bin.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// What each bin holds.
    pub fn labels(&self) -> Vec<BinLabel> {
        self.bins.labels()
    }

    /// The bin of a number, or of a missing value. In a column of words, a number is a word that
    /// the reference did not have.
    #[inline]
    pub fn bin_of_number(&self, value: Option<f64>) -> usize {
        self.bins.of_number(value)
    }

    /// The bin of a word or text, or of a missing value. In a column of numbers, it is not a
    /// number.
    #[inline]
    pub fn bin_of_word(&self, word: Option<&str>) -> usize {
        self.bins.of_word(word)
    }

    /// For each order that the bins have, the level of each bin; `None` if it has no place in it.
    pub(super) fn orders(&self) -> Vec<Vec<Option<u32>>> {
        self.bins.orders()
    }
}
