//! Values of many series in one array, and fingerprints of training values.

use crate::state::StateError;

/// Values of many series, concatenated.
///
/// # Examples
/// ```
/// use easylife_models::ts::panel::per_series::PerSeries;
///
/// let mut values = PerSeries::default();
/// values.push([1.0, 2.0]);
/// values.push([]);
/// values.push([3.0]);
/// assert_eq!(values.get(2), [3.0]);
/// assert!(values.get(1).is_empty() && values.get(9).is_empty());
/// let (all, ends) = values.into_parts();
/// assert_eq!((all.len(), ends), (3, vec![2, 2, 3]));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PerSeries<T> {
    values: Vec<T>,
    /// End of each series' values.
    ends: Vec<u64>,
}

impl<T> PerSeries<T> {
    /// Adds the values of the next series.
    pub fn push(&mut self, values: impl IntoIterator<Item = T>) {
        self.values.extend(values);
        self.ends.push(self.values.len() as u64);
    }

    /// The values of series `number`; empty if it does not exist.
    pub fn get(&self, number: usize) -> &[T] {
        let Some(&end) = self.ends.get(number) else {
            return &[];
        };
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.values[start as usize..end as usize]
    }

    /// The values of all series.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The values of all series, and the end of each series.
    pub fn into_parts(self) -> (Vec<T>, Vec<u64>) {
        (self.values, self.ends)
    }

    /// Takes values from a file, which may be invalid; `name` is the tensor of the ends.
    ///
    /// # Errors
    /// If the ends do not ascend to the number of values.
    pub fn from_parts(values: Vec<T>, ends: Vec<u64>, name: &str) -> Result<Self, StateError> {
        let last = ends.last().copied().unwrap_or(0);
        if !ends.is_sorted() || last != values.len() as u64 {
            let reason = format!("the ends do not ascend to {} values", values.len());
            return Err(StateError::invalid(name, reason));
        }
        Ok(Self { values, ends })
    }
}

/// A fingerprint of a value: equal for equal values, and different for different values except for
/// about one pair in four billion. A model stores one per training value, to distinguish a row that
/// repeats history from one that corrects it.
pub fn fingerprint(value: f64) -> u32 {
    if !value.is_finite() {
        return MISSING;
    }
    // Zero has two signs. The mixing function is that of SplitMix64 (Steele, Lea and Flood 2014).
    let mut bits = (value + 0.0).to_bits();
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (((bits ^ (bits >> 31)) >> 32) as u32).max(1)
}

/// The fingerprint of a missing value, which no other value has.
const MISSING: u32 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_the_number_of_their_series() {
        let mut all = PerSeries::default();
        all.push([1, 2]);
        all.push([]);
        all.push([3]);
        let seen: Vec<&[i32]> = (0..4).map(|number| all.get(number)).collect();
        assert_eq!(seen, [&[1, 2][..], &[], &[3], &[]]);
        let (values, ends) = all.clone().into_parts();
        assert_eq!(PerSeries::from_parts(values, ends, "ends"), Ok(all));
        for ends in [vec![2, 1, 3], vec![2], vec![4]] {
            assert!(PerSeries::from_parts(vec![1, 2, 3], ends, "ends").is_err());
        }
    }

    #[test]
    fn fingerprints_distinguish_values() {
        assert_eq!(fingerprint(0.0), fingerprint(-0.0));
        let mut all: Vec<u32> = (0..10_000)
            .map(|i| fingerprint(f64::from(i) / 4.0))
            .collect();
        all.extend([
            fingerprint(f64::NAN),
            fingerprint(-1.0),
            fingerprint(1e-300),
        ]);
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(all[0], MISSING);
    }
}
