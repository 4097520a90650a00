//! Counts of a window's rows on the bins of the reference.

use serde::{Deserialize, Serialize};

use super::reference::ColumnReference;

/// A column of a window: how many rows are in each of the reference's bins.
///
/// It has a fixed size, and windows merge exactly. A server that counts from several threads can
/// use [`ColumnReference::bin_of_number`] and counters of its own, and [`Window::from_counts`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    counts: Vec<u64>,
}

/// Why a window does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// It was counted on other bins.
    #[error(
        "expected a window on {expected} bins of the reference, got {got}; was it counted on another reference?"
    )]
    Bins {
        /// Number of the reference's bins.
        expected: usize,
        /// Number of the window's bins.
        got: usize,
    },
    /// Counts that no window can have.
    #[error("the counts of a window are too large")]
    TooLarge,
}

impl Window {
    /// A window without rows.
    pub fn new(reference: &ColumnReference) -> Window {
        Window {
            counts: vec![0; reference.bins()],
        }
    }

    /// A window of rows that were counted elsewhere.
    ///
    /// # Errors
    /// If these are not the reference's bins, or if there are 2^53 rows or more.
    pub fn from_counts(
        reference: &ColumnReference,
        counts: Vec<u64>,
    ) -> Result<Window, WindowError> {
        let window = Window { counts };
        window.check(reference)?;
        Ok(window)
    }

    /// Whether this is a window on the reference's bins.
    ///
    /// # Errors
    /// If it is not, or if it has 2^53 rows or more.
    pub fn check(&self, reference: &ColumnReference) -> Result<(), WindowError> {
        let (expected, got) = (reference.bins(), self.counts.len());
        if expected != got {
            return Err(WindowError::Bins { expected, got });
        }
        let mut counts = self.counts.iter();
        let sum = counts.try_fold(0, |sum: u64, &count| sum.checked_add(count));
        match sum.is_some_and(|rows| rows < 1 << 53) {
            true => Ok(()),
            false => Err(WindowError::TooLarge),
        }
    }

    /// Adds a row's number; `None` if it is missing.
    #[inline]
    pub fn add_number(&mut self, reference: &ColumnReference, value: Option<f64>) {
        self.add(reference.bin_of_number(value));
    }

    /// Adds a row's word or text; `None` if it is missing.
    #[inline]
    pub fn add_word(&mut self, reference: &ColumnReference, word: Option<&str>) {
        self.add(reference.bin_of_word(word));
    }

    /// Adds a row by its bin. One that the reference does not have is ignored.
    #[inline]
    pub fn add(&mut self, bin: usize) {
        if let Some(count) = self.counts.get_mut(bin) {
            *count += 1;
        }
    }

    /// Adds the rows of another window.
    ///
    /// # Errors
    /// If it was counted on other bins.
    pub fn merge(&mut self, other: &Window) -> Result<(), WindowError> {
        let (expected, got) = (self.counts.len(), other.counts.len());
        if expected != got {
            return Err(WindowError::Bins { expected, got });
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        Ok(())
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Rows in each bin.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }
}
