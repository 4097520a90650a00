//! A column of numbers of the reference, read once.
//!
//! A number's key is its bits in an order that sorts like the number, so that [`Buckets`] holds
//! exact counts of intervals whose ends are known: of single values while there are few, and of
//! about 4,096 intervals, narrow where values are dense, with more.

use super::buckets::{Add, Buckets};
use super::distinct::Distinct;
use super::{LeftOut, MergeError, scramble};
use crate::drift::reference::{Bins, ColumnReference, Ranges};

/// Up to this many distinct numbers have a bin each, if none of them is rare.
const MOST_VALUES: usize = 32;
/// A value with fewer rows is rare: others like it may have none by chance.
pub(super) const RARE: u64 = 5;
/// Number of intervals with equally many rows of the reference: a window of 100 rows has 5 in
/// each; one of 10,000 rows resolves a shift of any twentieth of the distribution.
const MOST_RANGES: u64 = 20;
const FEWEST_RANGES: u64 = 4;
/// Number of reference rows in a bin that are necessary for its share to mean something.
const ROWS_PER_RANGE: u64 = 20;
/// Below this many rows, no column is taken for a running number.
const FEWEST_ROWS_OF_IDS: u64 = 20;

impl Add for u64 {
    fn add(&mut self, other: u64) {
        *self += other;
    }
}

/// Reads a column of numbers; [`NumberSketch::finish`] makes the reference.
///
/// # Examples
/// ```
/// use monitoring::drift::{NumberSketch, Window};
///
/// let mut sketch = NumberSketch::new(0);
/// (0..1000).for_each(|row| sketch.add(Some(f64::from(row % 7))));
/// let reference = sketch.finish().unwrap();
/// let mut window = Window::new(&reference);
/// window.add_number(&reference, Some(3.0));
/// window.add_number(&reference, None);
/// assert_eq!(window.rows(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct NumberSketch {
    rows: u64,
    first_row: u64,
    buckets: Buckets<u64>,
    distinct: Distinct,
    missing: u64,
    not_numbers: u64,
    infinite: u64,
    finite: u64,
    are_whole: bool,
    is_rising: bool,
    ends: Option<Ends>,
}

/// First and last number in the order of the rows, smallest and largest.
#[derive(Clone, Copy, Debug)]
struct Ends {
    first: f64,
    last: f64,
    min: f64,
    max: f64,
}

impl NumberSketch {
    /// A sketch of the rows from number `first_row` (0 for a whole table).
    pub fn new(first_row: u64) -> NumberSketch {
        NumberSketch {
            rows: 0,
            first_row,
            buckets: Buckets::default(),
            distinct: Distinct::default(),
            missing: 0,
            not_numbers: 0,
            infinite: 0,
            finite: 0,
            are_whole: true,
            is_rising: true,
            ends: None,
        }
    }

    /// Adds the value of the next row; `None` if it is missing. NaN is not a number.
    #[inline]
    pub fn add(&mut self, value: Option<f64>) {
        self.rows += 1;
        match value {
            Some(value) if value.is_finite() => self.add_finite(value),
            Some(value) if value.is_nan() => self.not_numbers += 1,
            Some(_) => self.infinite += 1,
            None => self.missing += 1,
        }
    }

    /// Adds a row whose value is present, but is not a number.
    pub fn add_not_a_number(&mut self) {
        self.rows += 1;
        self.not_numbers += 1;
    }

    #[inline]
    fn add_finite(&mut self, value: f64) {
        self.finite += 1;
        let key = key_of(value);
        let count = self.buckets.entry(key);
        let is_new = *count == 0;
        *count += 1;
        if is_new || self.buckets.shift() > 0 {
            self.distinct.insert(scramble(key));
        }
        self.are_whole = self.are_whole && value.trunc() == value;
        match &mut self.ends {
            Some(ends) => {
                self.is_rising = self.is_rising && value > ends.last;
                ends.last = value;
                ends.min = ends.min.min(value);
                ends.max = ends.max.max(value);
            }
            None => {
                self.ends = Some(Ends {
                    first: value,
                    last: value,
                    min: value,
                    max: value,
                })
            }
        }
    }

    /// Adds the rows after the last one.
    ///
    /// # Errors
    /// If `next` begins with another row.
    pub fn merge(&mut self, next: NumberSketch) -> Result<(), MergeError> {
        let expected = self.first_row + self.rows;
        if next.first_row != expected {
            let got = next.first_row;
            return Err(MergeError::NotNext { expected, got });
        }
        self.rows += next.rows;
        self.buckets.merge(next.buckets);
        self.distinct.merge(&next.distinct);
        self.missing += next.missing;
        self.not_numbers += next.not_numbers;
        self.infinite += next.infinite;
        self.finite += next.finite;
        self.are_whole &= next.are_whole;
        self.is_rising &= next.is_rising;
        self.ends = match (self.ends, next.ends) {
            (Some(a), Some(b)) => {
                self.is_rising &= b.first > a.last;
                Some(Ends {
                    first: a.first,
                    last: b.last,
                    min: a.min.min(b.min),
                    max: a.max.max(b.max),
                })
            }
            (a, b) => a.or(b),
        };
        Ok(())
    }

    /// The reference.
    ///
    /// # Errors
    /// If there were no rows, or the numbers only count rows.
    pub fn finish(self) -> Result<ColumnReference, LeftOut> {
        if self.rows == 0 {
            return Err(LeftOut::NoRows);
        }
        if self.counts_rows() {
            return Err(LeftOut::RunningNumber);
        }
        let (shift, sorted) = self.buckets.into_sorted();
        let specials = [self.not_numbers, self.missing];
        let has_bin_each = shift == 0
            && (1..=MOST_VALUES).contains(&sorted.len())
            && sorted.iter().all(|&(_, count)| count >= RARE);
        if has_bin_each {
            let values = sorted.iter().map(|&(key, _)| value_of(key)).collect();
            let counts = sorted.iter().map(|&(_, count)| count);
            // Infinite numbers are other values.
            let counts = counts.chain([self.infinite]).chain(specials).collect();
            return Ok(ColumnReference::new(Bins::Values(values), counts));
        }
        let sorted = sorted.into_iter();
        let sorted = sorted.map(|(key, count)| (largest_of(key, shift), count));
        let (ranges, counts) = ranges(&sorted.collect::<Vec<_>>());
        let (min, max) = self.ends.map_or((0.0, 0.0), |ends| (ends.min, ends.max));
        let bins = Bins::Ranges(Ranges::new(ranges, min, max));
        let counts = counts.into_iter().chain([self.infinite]).chain(specials);
        Ok(ColumnReference::new(bins, counts.collect()))
    }

    /// Whether these are whole numbers that rise with every row, or that number most of the rows
    /// in another order.
    fn counts_rows(&self) -> bool {
        let Some(ends) = self.ends else {
            return false;
        };
        if !self.are_whole || self.finite < FEWEST_ROWS_OF_IDS {
            return false;
        }
        let count = self.finite as f64;
        let are_distinct = self.distinct.estimate() >= 0.9 * count;
        self.is_rising || (are_distinct && ends.max - ends.min < 2.0 * count)
    }
}

/// Upper ends of intervals with about equally many rows, except for the last one's, which is open;
/// and the rows in each. A value with more rows than that has an interval of its own.
///
/// `sorted` has an upper bound of the values, and their count, in ascending order.
pub(super) fn ranges(sorted: &[(f64, u64)]) -> (Vec<f64>, Vec<u64>) {
    let rows: u64 = sorted.iter().map(|&(_, count)| count).sum();
    let number = (rows / ROWS_PER_RANGE).clamp(FEWEST_RANGES, MOST_RANGES);
    ranges_of(sorted, rows as f64 / number as f64)
}

/// Like [`ranges`], with about `target` rows in each.
pub(super) fn ranges_of(sorted: &[(f64, u64)], target: f64) -> (Vec<f64>, Vec<u64>) {
    let (mut ends, mut counts, mut current) = (Vec::new(), Vec::new(), 0_u64);
    let mut close = |end: f64, current: &mut u64| {
        ends.push(end);
        counts.push(std::mem::take(current));
    };
    for (index, &(end, count)) in sorted.iter().enumerate() {
        if current > 0 && count as f64 >= target {
            close(sorted[index - 1].0, &mut current);
        }
        current += count;
        let next = sorted.get(index + 1).map_or(0, |next| next.1);
        if current as f64 + next as f64 / 2.0 >= target {
            close(end, &mut current);
        }
    }
    // What is left joins the last interval if it is small, and if that is not a single value.
    let is_small = (current as f64) < target / 2.0;
    match counts.last_mut() {
        Some(last) if is_small && (*last as f64) < 1.5 * target => {
            *last += current;
            ends.pop();
        }
        _ => counts.push(current),
    }
    (ends, counts)
}

/// A number's bits, ordered as the numbers are; both zeros have the same.
#[inline]
fn key_of(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    match bits >> 63 {
        0 => bits | 1 << 63,
        _ => !bits,
    }
}

fn value_of(key: u64) -> f64 {
    match key >> 63 {
        1 => f64::from_bits(key & !(1 << 63)),
        _ => f64::from_bits(!key),
    }
}

/// The largest number of a bucket.
fn largest_of(key: u64, shift: u32) -> f64 {
    let last = ((u128::from(key) + 1) << shift) - 1;
    match value_of(last as u64) {
        // The key before that of zero is a negative zero's, which no number has; as the end of an
        // interval, it would include zero.
        zero if zero == 0.0 && zero.is_sign_negative() => -f64::from_bits(1),
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_sort_like_numbers() {
        let numbers = [f64::MIN, -2.5, -1e-300, 0.0, 5e-324, 1.0, 1.5, f64::MAX];
        for pair in numbers.windows(2) {
            assert!(key_of(pair[0]) < key_of(pair[1]), "{pair:?}");
        }
        assert!(numbers.iter().all(|&x| value_of(key_of(x)) == x));
        assert_eq!(key_of(0.0), key_of(-0.0));
    }

    #[test]
    fn ranges_have_equal_rows() {
        let sorted: Vec<(f64, u64)> = (0..1000).map(|i| (f64::from(i), 1)).collect();
        let (ends, counts) = ranges(&sorted);
        assert_eq!(counts, vec![50; 20]);
        assert_eq!((ends.len(), ends[0], ends[18]), (19, 49.0, 949.0));
    }

    #[test]
    fn a_heavy_value_is_alone() {
        // Zero in 400 of 1,000 rows, five smaller numbers, and 595 larger ones.
        let small = (-5..0).map(|i| (f64::from(i), 1));
        let sorted: Vec<(f64, u64)> = small
            .chain([(0.0, 400)])
            .chain((1..596).map(|i| (f64::from(i), 1)))
            .collect();
        let (ends, counts) = ranges(&sorted);
        assert_eq!((ends[0], ends[1]), (-1.0, 0.0));
        assert_eq!((counts[0], counts[1]), (5, 400));
        assert_eq!(counts.iter().sum::<u64>(), 1000);
        assert_eq!(ends.len() + 1, counts.len());
    }

    #[test]
    fn no_rows_and_one_row() {
        assert_eq!(NumberSketch::new(0).finish(), Err(LeftOut::NoRows));
        let mut sketch = NumberSketch::new(0);
        sketch.add(Some(7.0));
        let reference = sketch.finish().unwrap();
        assert_eq!(reference.rows(), 1);
        assert_eq!(reference.bin_of_number(Some(7.0)), 0);
    }

    #[test]
    fn running_numbers_are_left_out() {
        let finish = |numbers: &mut dyn Iterator<Item = f64>| {
            let mut sketch = NumberSketch::new(0);
            numbers.for_each(|number| sketch.add(Some(number)));
            sketch.finish().map(|_| ())
        };
        let rising = &mut (0..5000).map(|i| f64::from(i * i));
        assert_eq!(finish(rising), Err(LeftOut::RunningNumber));
        let shuffled = &mut (0..5000).map(|i| f64::from((i * 7) % 5000 + 100_000));
        assert_eq!(finish(shuffled), Err(LeftOut::RunningNumber));
        let amounts = &mut (0..5000).map(|i| f64::from((i * 7919) % 1_000_003));
        assert_eq!(finish(amounts), Ok(()));
        let halves = &mut (0..5000).map(|i| f64::from(i) / 2.0);
        assert_eq!(finish(halves), Ok(()));
    }

    #[test]
    fn parts_that_do_not_follow_are_refused() {
        let mut sketch = NumberSketch::new(0);
        sketch.add(None);
        let error = sketch.merge(NumberSketch::new(2)).unwrap_err();
        assert_eq!(
            error,
            MergeError::NotNext {
                expected: 1,
                got: 2
            }
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]
        #[test]
        fn parts_merge_to_the_whole(seed in any::<u64>(), at in 0_usize..20_000, kind in 0..4) {
            let value = |row: u64| {
                let word = scramble(seed ^ row);
                let part = (word >> 11) as f64 / (1_u64 << 53) as f64;
                match kind {
                    0 => Some(part),
                    1 => (!word.is_multiple_of(9)).then_some((part * 1e6).floor()),
                    2 => Some(if word.is_multiple_of(3) { f64::NAN } else { 1.0 / part - 3.0 }),
                    _ => Some((word % 12) as f64),
                }
            };
            let read = |rows: std::ops::Range<u64>| {
                let mut sketch = NumberSketch::new(rows.start);
                rows.for_each(|row| sketch.add(value(row)));
                sketch
            };
            let mut merged = read(0..at as u64);
            merged.merge(read(at as u64..20_000)).unwrap();
            let (merged, whole) = (merged.finish().unwrap(), read(0..20_000).finish().unwrap());
            prop_assert_eq!(&merged, &whole);
            // The counts are those of a window of the same rows.
            let mut window = crate::drift::Window::new(&whole);
            (0..20_000).for_each(|row| window.add_number(&whole, value(row)));
            prop_assert_eq!(window.counts(), whole.counts());
        }
    }
}
