//! Estimates the number of distinct values from the smallest of their hashes (Bar-Yossef et al.
//! 2002; k minimum values): order does not matter, and merging is exact.

use std::collections::BTreeSet;

/// Number of hashes kept; the standard error is 1 / sqrt(k - 2): 3 %.
const KEPT: usize = 1024;

/// The smallest hashes of a stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distinct {
    smallest: BTreeSet<u64>,
    /// No hash from here on is kept.
    end: Option<u64>,
}

impl Distinct {
    /// Adds a value by a hash whose bits are all good.
    #[inline]
    pub fn insert(&mut self, hash: u64) {
        if self.end.is_none_or(|end| hash < end) {
            self.keep(hash);
        }
    }

    fn keep(&mut self, hash: u64) {
        self.smallest.insert(hash);
        if self.smallest.len() > KEPT {
            self.end = self.smallest.pop_last();
        }
    }

    /// Adds the values of another one.
    pub fn merge(&mut self, other: &Distinct) {
        // A full one has rejected nothing below its end.
        other.smallest.iter().for_each(|&hash| self.insert(hash));
        if let Some(end) = other.end {
            self.insert(end);
        }
    }

    /// Estimated number of distinct values; exact up to 1,024.
    pub fn estimate(&self) -> f64 {
        match (self.end, self.smallest.last()) {
            (Some(_), Some(&last)) => {
                (KEPT - 1) as f64 / ((last as f64 + 1.0) / 18_446_744_073_709_551_616.0)
            }
            _ => self.smallest.len() as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scramble;
    use super::*;

    fn of(values: std::ops::Range<u64>) -> Distinct {
        let mut distinct = Distinct::default();
        values.for_each(|value| distinct.insert(scramble(value)));
        distinct
    }

    #[test]
    fn estimates_are_within_ten_percent() {
        assert_eq!(of(0..1000).estimate(), 1000.0);
        for count in [5_000, 100_000, 1_000_000] {
            let estimate = of(0..count).estimate();
            assert!(
                (estimate / count as f64 - 1.0).abs() < 0.1,
                "{count}: {estimate}"
            );
        }
    }

    #[test]
    fn merging_is_the_same_as_seeing_all() {
        let mut merged = of(0..70_000);
        merged.merge(&of(30_000..120_000));
        let whole = of(0..120_000);
        assert_eq!(merged.smallest, whole.smallest);
        assert_eq!(merged.estimate(), whole.estimate());
    }
}
