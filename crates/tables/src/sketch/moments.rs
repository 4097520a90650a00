//! Count, mean, deviation and extremes of numbers.

/// Moments of one or more chunks: exact up to rounding, whatever the numbers' offset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    /// Sum of squared deviations from the mean.
    squares: f64,
    min: f64,
    max: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Self {
            count: 0,
            mean: 0.0,
            squares: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }
}

impl Moments {
    /// Moments of finite values, each with its count. Two passes, in the given order.
    ///
    /// # Examples
    /// ```
    /// use easylife_tables::sketch::Moments;
    ///
    /// // A large offset costs no digits.
    /// let moments = Moments::of(&[(1e9 + 1.0, 1), (1e9 + 2.0, 2), (1e9 + 3.0, 1)]);
    /// assert_eq!(moments.mean(), Some(1e9 + 2.0));
    /// assert!((moments.deviation().unwrap() - (2.0f64 / 3.0).sqrt()).abs() < 1e-12);
    /// assert_eq!(Moments::of(&[]).mean(), None);
    /// ```
    pub fn of(values: &[(f64, u64)]) -> Moments {
        let count: u64 = values.iter().map(|&(_, times)| times).sum();
        if count == 0 {
            return Moments::default();
        }
        // Deviations from the first value: a large common offset does not reduce the precision of
        // the mean.
        let offset = values[0].0;
        let sum: f64 = values.iter().map(|&(v, n)| (v - offset) * n as f64).sum();
        let mean = offset + sum / count as f64;
        let squares = values
            .iter()
            .map(|&(v, n)| (v - mean) * (v - mean) * n as f64);
        Moments {
            count,
            mean,
            squares: squares.sum(),
            min: values.iter().fold(f64::INFINITY, |min, v| min.min(v.0)),
            max: values.iter().fold(f64::NEG_INFINITY, |max, v| max.max(v.0)),
        }
    }

    /// Adds the moments of the next chunk, by the pairwise formulas of Chan, Golub and LeVeque
    /// (1983).
    ///
    /// # Examples
    /// ```
    /// use easylife_tables::sketch::moments::Moments;
    ///
    /// let mut moments = Moments::of(&[(1.0, 1), (2.0, 1)]);
    /// moments.merge(&Moments::of(&[(3.0, 2)]));
    /// assert_eq!((moments.count(), moments.mean()), (4, Some(2.25)));
    /// assert_eq!((moments.min(), moments.max()), (Some(1.0), Some(3.0)));
    /// ```
    pub fn merge(&mut self, next: &Moments) {
        if next.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *next;
            return;
        }
        let (a, b) = (self.count as f64, next.count as f64);
        let apart = next.mean - self.mean;
        self.count += next.count;
        self.mean += apart * (b / (a + b));
        self.squares += next.squares + apart * apart * (a * b / (a + b));
        self.min = self.min.min(next.min);
        self.max = self.max.max(next.max);
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Mean; `None` without values.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Standard deviation with denominator `count - 1`, as in pandas and polars; `None` below two
    /// values.
    pub fn deviation(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares / (self.count - 1) as f64).sqrt())
    }

    /// The smallest value; `None` without values.
    pub fn min(&self) -> Option<f64> {
        (self.count > 0).then_some(self.min)
    }

    /// The largest value; `None` without values.
    pub fn max(&self) -> Option<f64> {
        (self.count > 0).then_some(self.max)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_a_few_numbers() {
        // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, sum of squares 32.
        let moments = Moments::of(&[(2.0, 1), (4.0, 3), (5.0, 2), (7.0, 1), (9.0, 1)]);
        assert_eq!((moments.count(), moments.mean()), (8, Some(5.0)));
        assert_eq!(moments.deviation(), Some((32.0f64 / 7.0).sqrt()));
        assert_eq!((moments.min(), moments.max()), (Some(2.0), Some(9.0)));
        assert_eq!(Moments::default().mean(), None);
        assert_eq!(Moments::of(&[(1.0, 1)]).deviation(), None);
    }

    #[test]
    fn a_large_offset_costs_no_digits() {
        let values: Vec<(f64, u64)> = (0..1000).map(|i| (1e9 + f64::from(i % 10), 1)).collect();
        let moments = Moments::of(&values);
        assert_eq!(moments.mean(), Some(1e9 + 4.5));
        let expected = (8.25f64 * 1000.0 / 999.0).sqrt();
        assert!((moments.deviation().unwrap() / expected - 1.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn chunks_give_what_the_whole_gives(
            values in prop::collection::vec(-1e6f64..1e6, 2..200), at in 0usize..200
        ) {
            let counted: Vec<(f64, u64)> = values.iter().map(|&v| (v, 1)).collect();
            let whole = Moments::of(&counted);
            let (left, right) = counted.split_at(at.min(counted.len()));
            let mut merged = Moments::of(left);
            merged.merge(&Moments::of(right));
            prop_assert_eq!(merged.count(), whole.count());
            prop_assert!((merged.mean().unwrap() - whole.mean().unwrap()).abs() < 1e-6);
            let (a, b) = (merged.deviation().unwrap(), whole.deviation().unwrap());
            prop_assert!((a - b).abs() <= 1e-9 * b.max(1.0));
        }
    }
}
