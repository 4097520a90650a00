//! Where the values of one column are cut into bins, and the bin of a value.
//!
//! A number's bin is the number of cuts below it: bin `b` ends at cut `b`, which belongs to it. A
//! cut lies half-way between two neighbouring values. The last cut of a column with any number is
//! `f64::MAX` and stands for infinity, so that all cuts are finite; infinite values share the bin of
//! the largest finite numbers.
//!
//! Bin 0 of categories holds the rare ones and those that were not seen; each other has its own.

/// The code of a missing value of any column.
pub(super) const MISSING: u8 = u8::MAX;
/// Maximum number of bins for values; the remaining code is [`MISSING`].
pub(super) const MAX_BINS: usize = 255;

/// How the values of a column become codes of one byte.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Coding {
    /// Ascending cuts, at most [`MAX_BINS`].
    Numbers(Vec<f64>),
    /// The bin of each category; a category beyond the end is in bin 0.
    Categories {
        /// Indexed by category.
        bins: Vec<u8>,
        /// Number of bins, the one for the others included.
        count: usize,
    },
}

impl Coding {
    /// Number of bins for values.
    pub fn bins(&self) -> usize {
        match self {
            Coding::Numbers(cuts) => cuts.len(),
            Coding::Categories { count, .. } => *count,
        }
    }

    /// The bin of each category that a column has, most frequent first, at most `limit` bins in all;
    /// categories with fewer than `min_rows` rows count as rare. Equally frequent ones are taken in
    /// the order of their codes.
    pub fn of_categories(codes: &[u32], limit: usize, min_rows: usize) -> Coding {
        let top = codes.iter().filter(|&&code| code != u32::MAX).max();
        let mut counts = vec![0_u64; top.map_or(0, |&top| top as usize + 1)];
        for &code in codes.iter().filter(|&&code| code != u32::MAX) {
            counts[code as usize] += 1;
        }
        let frequent = |category: &usize| counts[*category] >= min_rows.max(1) as u64;
        let mut kept: Vec<usize> = (0..counts.len()).filter(frequent).collect();
        kept.sort_by_key(|&category| (std::cmp::Reverse(counts[category]), category));
        kept.truncate(limit.saturating_sub(1));
        let mut bins = vec![0; counts.len()];
        for (bin, &category) in kept.iter().enumerate() {
            bins[category] = bin as u8 + 1;
        }
        Coding::Categories {
            bins,
            count: kept.len() + 1,
        }
    }

    /// Cuts of about equally many values each, from all values of a column or a sample of them; at
    /// most `limit` bins. Missing values are left out.
    pub fn of_numbers(values: impl Iterator<Item = f64>, limit: usize) -> Coding {
        let present = values.filter(|value| !value.is_nan());
        let mut keys: Vec<i64> = present.map(|value| key(finite(value))).collect();
        keys.sort_unstable();
        let mut distinct: Vec<(f64, usize)> = Vec::new();
        for value in keys.into_iter().map(unkey) {
            match distinct.last_mut() {
                Some((last, count)) if *last == value => *count += 1,
                _ => distinct.push((value, 1)),
            }
        }
        let mut cuts = match distinct.len() <= limit {
            true => distinct.windows(2).map(cut_between).collect(),
            false => equal_shares(&distinct, limit),
        };
        if !distinct.is_empty() {
            cuts.push(f64::MAX);
        }
        Coding::Numbers(cuts)
    }
}

/// Cuts between more distinct values than bins: a value with at least a bin's share of the rows has
/// a bin of its own, the others share what remains equally (LightGBM's `GreedyFindBin`).
fn equal_shares(distinct: &[(f64, usize)], limit: usize) -> Vec<f64> {
    let rows: usize = distinct.iter().map(|(_, count)| count).sum();
    let is_large = |count: usize| count * limit >= rows;
    let large = distinct.iter().filter(|(_, count)| is_large(*count));
    let (large_values, large_rows) =
        large.fold((0, 0), |(n, rows), (_, count)| (n + 1, rows + count));
    // `share` is the number of rows per bin among the small ones that are left.
    let (mut rows_left, mut bins_left) = (rows - large_rows, limit - large_values);
    let share = |rows: usize, bins: usize| rows as f64 / bins.max(1) as f64;
    let mut aim = share(rows_left, bins_left);
    let (mut cuts, mut inside) = (Vec::new(), 0);
    for pair in distinct.windows(2) {
        let (count, next) = (pair[0].1, pair[1].1);
        inside += count;
        if !is_large(count) {
            rows_left -= count;
        }
        let half_full = inside as f64 >= (0.5 * aim).max(1.0);
        if is_large(count) || inside as f64 >= aim || is_large(next) && half_full {
            cuts.push(cut_between(pair));
            inside = 0;
            if !is_large(count) {
                bins_left = bins_left.saturating_sub(1);
                aim = share(rows_left, bins_left);
            }
        }
        if cuts.len() + 1 == limit {
            break;
        }
    }
    cuts
}

/// A number from the lower value up to, but without, the upper one: their middle, if it is
/// representable.
fn cut_between(pair: &[(f64, usize)]) -> f64 {
    let (low, high) = (pair[0].0, pair[1].0);
    let middle = match high - low {
        range if range.is_finite() => low + 0.5 * range,
        _ => 0.5 * low + 0.5 * high,
    };
    match low <= middle && middle < high {
        true => middle,
        false => low,
    }
}

fn finite(value: f64) -> f64 {
    value.clamp(f64::MIN, f64::MAX)
}

/// Integers in the order of the numbers that they stand for.
fn key(value: f64) -> i64 {
    // Adding zero turns -0 into 0.
    let bits = (value + 0.0).to_bits() as i64;
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

fn unkey(key: i64) -> f64 {
    f64::from_bits((key ^ ((key >> 63) as u64 >> 1) as i64) as u64)
}

/// The largest number in single precision that is not above a cut.
pub(super) fn largest_single(cut: f64) -> f32 {
    let nearest = cut as f32;
    match f64::from(nearest) > cut {
        true => nearest.next_down(),
        false => nearest,
    }
}

/// Cuts padded for a search without branches.
pub(super) struct Search<T>([T; 256]);

impl Search<f64> {
    pub fn new(cuts: &[f64]) -> Search<f64> {
        let mut padded = [f64::INFINITY; 256];
        for (to, &cut) in padded.iter_mut().zip(cuts) {
            *to = if cut == f64::MAX { f64::INFINITY } else { cut };
        }
        Search(padded)
    }
}

impl Search<f32> {
    /// A number in single precision is at most a cut if it is at most the largest such number that is
    /// not above the cut (see [`largest_single`]).
    pub fn single(cuts: &[f64]) -> Search<f32> {
        let mut padded = [f32::INFINITY; 256];
        for (to, &cut) in padded.iter_mut().zip(cuts) {
            *to = match cut {
                f64::MAX => f32::INFINITY,
                _ => largest_single(cut),
            };
        }
        Search(padded)
    }
}

impl<T: Copy + PartialOrd> Search<T> {
    /// The number of cuts below a value, [`MISSING`] if it is not a number.
    #[inline]
    pub fn code(&self, value: T) -> u8 {
        let mut low = 0;
        for step in [128, 64, 32, 16, 8, 4, 2, 1] {
            let is_above = self.0[(low + step - 1) & 255] < value;
            low += if is_above { step } else { 0 };
        }
        let is_missing = value.partial_cmp(&value).is_none();
        if is_missing { MISSING } else { low as u8 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cuts(values: &[f64], limit: usize) -> Vec<f64> {
        match Coding::of_numbers(values.iter().copied(), limit) {
            Coding::Numbers(cuts) => cuts,
            Coding::Categories { .. } => unreachable!("numbers"),
        }
    }

    #[test]
    fn few_values_are_cut_half_way() {
        let values = [3.0, 1.0, f64::NAN, 1.0, 8.0];
        assert_eq!(cuts(&values, 255), [2.0, 5.5, f64::MAX]);
        assert_eq!(cuts(&[0.0, -0.0, 0.0], 255), [f64::MAX]);
        assert!(cuts(&[f64::NAN], 255).is_empty());
    }

    #[test]
    fn many_values_are_cut_into_equal_shares() {
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(cuts(&values, 4), [249.5, 499.5, 749.5, f64::MAX]);
        // Half of the rows are one value, which has its own bin.
        let spike = (0..1000).map(|i| f64::from(i % 2 * (i + 1)));
        let cuts = cuts(&spike.collect::<Vec<_>>(), 3);
        assert_eq!(cuts[0], 1.0);
        assert_eq!(cuts.len(), 3);
        assert!((480.0..520.0).contains(&cuts[1]), "{cuts:?}");
    }

    #[test]
    fn neighbouring_infinite_and_tiny_values_are_told_apart() {
        let next = 1.0_f64.next_up();
        assert_eq!(cuts(&[1.0, next], 9), [1.0, f64::MAX]);
        let all = [f64::NEG_INFINITY, 0.0, f64::INFINITY];
        let found = cuts(&all, 9);
        assert_eq!(found.len(), 3);
        let search = Search::new(&found);
        assert_eq!(all.map(|value| search.code(value)), [0, 1, 2]);
        assert_eq!(search.code(f64::NAN), MISSING);
        let tiny = [0.0, 5e-324, 1e-323];
        let search = Search::new(&cuts(&tiny, 9));
        assert_eq!(tiny.map(|value| search.code(value)), [0, 1, 2]);
    }

    #[test]
    fn frequent_categories_have_bins_of_their_own() {
        let codes = [5, 2, 2, 5, 9, 2, u32::MAX];
        let coded = Coding::of_categories(&codes, 255, 2);
        let bins = vec![0, 0, 1, 0, 0, 2, 0, 0, 0, 0];
        assert_eq!(coded, Coding::Categories { bins, count: 3 });
        assert_eq!(Coding::of_categories(&codes, 2, 1).bins(), 2);
        assert_eq!(Coding::of_categories(&[u32::MAX], 255, 1).bins(), 1);
    }

    proptest! {
        #[test]
        fn a_code_counts_the_cuts_below(
            values in prop::collection::vec(any::<f64>(), 0..600),
            asked in prop::collection::vec(any::<f64>(), 0..50),
            limit in 2_usize..=255,
        ) {
            let cuts = cuts(&values, limit);
            prop_assert!(cuts.len() <= limit);
            prop_assert!(cuts.windows(2).all(|pair| pair[0] < pair[1]));
            let search = Search::new(&cuts);
            for value in values.iter().chain(&asked).filter(|value| !value.is_nan() && !cuts.is_empty()) {
                let expected = cuts.iter().filter(|&&cut| cut != f64::MAX && cut < *value).count();
                prop_assert_eq!(usize::from(search.code(*value)), expected);
            }
        }

        #[test]
        fn single_and_double_precision_agree(values in prop::collection::vec(any::<f32>(), 1..300)) {
            let cuts = cuts(&values.iter().map(|&value| f64::from(value)).collect::<Vec<_>>(), 100);
            let (single, double) = (Search::single(&cuts), Search::new(&cuts));
            for &value in &values {
                prop_assert_eq!(single.code(value), double.code(f64::from(value)));
            }
        }
    }
}
