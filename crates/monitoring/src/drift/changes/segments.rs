//! Changes of level in a series that is known as a whole: narrowest over threshold (Baranowski, Chen
//! and Fryzlewicz 2019) on seeded intervals (Kovács et al. 2022).
//!
//! In each interval the split with the least squared error is tested with Student's t. Neighbours in
//! a series are alike, which makes a difference of means less sure: its variance is multiplied by
//! (1 + r) / (1 - r) for the autocorrelation r of what is left after the split, or after all changes
//! if that is larger, and its degrees of freedom are divided by that. So a random walk or a trend,
//! where r is near 1, is hardly ever cut.

use models::kernels::math;
use serde::{Deserialize, Serialize};

use super::student::ln_two_tails;

/// Largest number of rounds until the changes and what is left after them agree.
const MOST_ROUNDS: usize = 20;

/// What counts as a change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SegmentOptions {
    /// The share of series without a change in which one is found, at most.
    pub alpha: f64,
    /// Fewest values between changes, at least 2.
    pub shortest: usize,
}

impl Default for SegmentOptions {
    /// One percent, and five values.
    fn default() -> SegmentOptions {
        SegmentOptions {
            alpha: 0.01,
            shortest: 5,
        }
    }
}

/// A change of level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangePoint {
    /// Number of the first value of the new level, from 0.
    pub at: usize,
    /// Mean from the change before to this one.
    pub before: f64,
    /// Mean from here to the next change.
    pub after: f64,
    /// Bound of the probability of such a change anywhere in a series that has none.
    pub p: f64,
}

/// Changes of level, in order. Values that are not finite are taken for the one before them.
///
/// # Examples
/// ```
/// use monitoring::drift::changes::{SegmentOptions, change_points};
///
/// let noise = |i: usize| (i * 37 % 11) as f64 / 10.0;
/// let series: Vec<f64> = (0..100).map(|i| noise(i) + if i < 60 { 0.0 } else { 1.0 }).collect();
/// let changes = change_points(&series, &SegmentOptions::default());
/// assert_eq!(changes.len(), 1);
/// assert!(changes[0].at.abs_diff(60) <= 2);
/// assert!(change_points(&series[..60], &SegmentOptions::default()).is_empty());
/// ```
pub fn change_points(series: &[f64], options: &SegmentOptions) -> Vec<ChangePoint> {
    let values = filled(series);
    let shortest = options.shortest.max(2);
    let sums = Sums::of(&values);
    let intervals = seeded_intervals(values.len(), 2 * shortest);
    // Every split of every interval may be the one (Bonferroni).
    let splits: usize = intervals.iter().map(|(start, end)| end - start).sum();
    let limit = math::ln(options.alpha) - math::ln(splits.max(1) as f64);
    let splits_of = intervals.into_iter().filter_map(|(start, end)| {
        let at = sums.best_split(start, end, shortest)?;
        Some(Split::of(&values, &sums, start, at, end))
    });
    let candidates: Vec<Split> = splits_of.collect();
    // What is left after the changes found tells how alike neighbours are, and that how sure the
    // changes are. From no likeness at all, both are repeated until they agree.
    let (mut found, mut likeness) = (Vec::new(), 0.0);
    for _ in 0..MOST_ROUNDS {
        found = narrowest(&candidates, likeness, limit, shortest);
        settle(&sums, &mut found, values.len(), shortest);
        let left = autocorrelation_after(&values, &sums, &found);
        if left <= likeness + 0.01 {
            break;
        }
        likeness = left;
    }
    let ends: Vec<usize> = found.iter().map(|change| change.0).collect();
    let bounds = |index: usize| {
        let before = index.checked_sub(1).map_or(0, |before| ends[before]);
        let after = ends.get(index + 1).copied().unwrap_or(values.len());
        (before, after)
    };
    let change = |(index, &(at, ln_p)): (usize, &(usize, f64))| {
        let (start, end) = bounds(index);
        ChangePoint {
            at,
            before: sums.mean(start, at),
            after: sums.mean(at, end),
            p: math::exp(ln_p + math::ln(splits.max(1) as f64)).min(1.0),
        }
    };
    found.iter().enumerate().map(change).collect()
}

/// Splits that are significant, the narrowest first, as these are least likely to hold two changes;
/// the surest of equals. None is in the interval of another one. Returns places and ln p.
fn narrowest(all: &[Split], likeness: f64, limit: f64, shortest: usize) -> Vec<(usize, f64)> {
    let sure = all.iter().map(|split| (split, split.ln_p(likeness)));
    let mut sure: Vec<(&Split, f64)> = sure.filter(|(_, ln_p)| *ln_p <= limit).collect();
    let width = |split: &Split| split.end - split.start;
    sure.sort_by(|a, b| {
        let widths = width(a.0).cmp(&width(b.0));
        widths
            .then(a.1.total_cmp(&b.1))
            .then(a.0.start.cmp(&b.0.start))
    });
    let mut found: Vec<(usize, f64)> = Vec::new();
    for (split, ln_p) in sure {
        let is_apart = |&(other, _): &(usize, f64)| {
            (other <= split.start || other >= split.end) && other.abs_diff(split.at) >= shortest
        };
        if found.iter().all(is_apart) {
            found.push((split.at, ln_p));
        }
    }
    found.sort_by_key(|change| change.0);
    found
}

/// Autocorrelation of what is left after the changes.
fn autocorrelation_after(values: &[f64], sums: &Sums, found: &[(usize, f64)]) -> f64 {
    let starts = std::iter::once(0).chain(found.iter().map(|change| change.0));
    let ends = found.iter().map(|change| change.0).chain([values.len()]);
    let rest = starts.zip(ends).flat_map(|(start, end)| {
        let mean = sums.mean(start, end);
        values[start..end].iter().map(move |value| value - mean)
    });
    let rest: Vec<f64> = rest.collect();
    autocorrelation(&rest, found.len() + 1)
}

/// Autocorrelation of deviations from so many means, at least 0.
fn autocorrelation(rest: &[f64], means: usize) -> f64 {
    let squares: f64 = rest.iter().map(|value| value * value).sum();
    let products: f64 = rest.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let raw = if squares > 0.0 {
        products / squares
    } else {
        0.0
    };
    // The estimate is too small by about (1 + 4 r) / n for each mean.
    let bias = means as f64 * (1.0 + 4.0 * raw) / rest.len().max(1) as f64;
    (raw + bias).clamp(0.0, 0.99)
}

/// Moves each change to the best split between its neighbours.
fn settle(sums: &Sums, found: &mut [(usize, f64)], end: usize, shortest: usize) {
    for index in 0..found.len() {
        let start = index.checked_sub(1).map_or(0, |before| found[before].0);
        let end = found.get(index + 1).map_or(end, |next| next.0);
        if let Some(at) = sums.best_split(start, end, shortest) {
            found[index].0 = at;
        }
    }
}

/// Values that are not finite replaced by the one before, or by the first one that is.
fn filled(series: &[f64]) -> Vec<f64> {
    let first = series.iter().copied().find(|value| value.is_finite());
    let mut last = first.unwrap_or(0.0);
    let fill = |&value: &f64| {
        last = if value.is_finite() { value } else { last };
        last
    };
    series.iter().map(fill).collect()
}

/// Intervals of lengths from all down to `shortest`, each shorter by a root of two, that overlap by
/// half.
fn seeded_intervals(len: usize, shortest: usize) -> Vec<(usize, usize)> {
    let mut intervals = Vec::new();
    let mut size = len as f64;
    while size >= shortest as f64 {
        let width = size.ceil() as usize;
        let count = 2 * (len as f64 / size).ceil() as usize - 1;
        let step = (len - width) as f64 / (count.max(2) - 1) as f64;
        for index in 0..count {
            let start = (index as f64 * step).floor() as usize;
            intervals.push((start, (start + width).min(len)));
        }
        size /= std::f64::consts::SQRT_2;
    }
    intervals
}

/// Cumulative sums of values, of which the overall mean is taken away so that no digits are lost.
struct Sums {
    mean: f64,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl Sums {
    fn of(values: &[f64]) -> Sums {
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let cumulative = |term: &dyn Fn(f64) -> f64| {
            let mut sum = 0.0;
            let all = values.iter().map(|value| {
                sum += term(value - mean);
                sum
            });
            std::iter::once(0.0).chain(all).collect::<Vec<f64>>()
        };
        Sums {
            mean,
            sums: cumulative(&|value| value),
            squares: cumulative(&|value| value * value),
        }
    }

    fn mean(&self, start: usize, end: usize) -> f64 {
        self.mean + (self.sums[end] - self.sums[start]) / (end - start).max(1) as f64
    }

    /// Squared error around the mean.
    fn error(&self, start: usize, end: usize) -> f64 {
        let sum = self.sums[end] - self.sums[start];
        let squares = self.squares[end] - self.squares[start];
        (squares - sum * sum / (end - start) as f64).max(0.0)
    }

    /// The split with the least squared error, with at least `shortest` values on each side.
    fn best_split(&self, start: usize, end: usize, shortest: usize) -> Option<usize> {
        if end < start + 2 * shortest {
            return None;
        }
        let error = |at: &usize| self.error(start, *at) + self.error(*at, end);
        let splits = start + shortest..=end - shortest;
        splits.min_by(|a, b| error(a).total_cmp(&error(b)))
    }
}

/// The best split of an interval, and what its test needs.
struct Split {
    start: usize,
    at: usize,
    end: usize,
    difference: f64,
    /// Squared error that is left.
    squares: f64,
    autocorrelation: f64,
    /// Largest square of a value's rounding error.
    rounding: f64,
}

impl Split {
    fn of(values: &[f64], sums: &Sums, start: usize, at: usize, end: usize) -> Split {
        let means = (sums.mean(start, at), sums.mean(at, end));
        let rest = |index: usize| values[index] - if index < at { means.0 } else { means.1 };
        let rest: Vec<f64> = (start..end).map(rest).collect();
        let largest = values[start..end]
            .iter()
            .fold(0.0_f64, |max, value| max.max(value.abs()));
        Split {
            start,
            at,
            end,
            difference: (means.1 - means.0).abs(),
            squares: rest.iter().map(|value| value * value).sum(),
            autocorrelation: autocorrelation(&rest, 2),
            rounding: (1e-12 * largest) * (1e-12 * largest),
        }
    }

    /// ln of the p-value of the difference of the means, as if the place had not been chosen, if
    /// neighbours are at least this much alike.
    fn ln_p(&self, likeness: f64) -> f64 {
        let (before, after) = ((self.at - self.start) as f64, (self.end - self.at) as f64);
        let count = before + after;
        // Both sides constant, up to rounding.
        if self.squares <= count * self.rounding {
            let is_equal = self.difference * self.difference <= 1e6 * self.rounding;
            return if is_equal { 0.0 } else { f64::NEG_INFINITY };
        }
        let r = self.autocorrelation.max(likeness);
        let inflation = (1.0 + r) / (1.0 - r);
        let degrees = ((count - 2.0) / inflation).max(1.0);
        let variance = self.squares / (count - 2.0) * inflation * (1.0 / before + 1.0 / after);
        ln_two_tails(self.difference / variance.sqrt(), degrees)
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    /// Normal noise with this autocorrelation, of variance 1.
    fn noise(seed: u64, count: usize, r: f64) -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut last = 0.0;
        let value = || {
            let uniform = ((random.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
            let next = models::kernels::normal::normal_quantile(uniform);
            last = r * last + (1.0 - r * r).sqrt() * next;
            last
        };
        std::iter::repeat_with(value).take(count).collect()
    }

    fn at(series: &[f64]) -> Vec<usize> {
        let changes = change_points(series, &SegmentOptions::default());
        changes.iter().map(|change| change.at).collect()
    }

    #[test]
    fn series_without_a_change_are_left_whole() {
        for r in [0.0, 0.5, 0.9] {
            let cut = (0..200).filter(|&seed| !at(&noise(seed, 300, r)).is_empty());
            let cut = cut.count();
            // 2 at most are expected.
            assert!(cut <= 6, "autocorrelation {r}: {cut} of 200");
        }
    }

    #[test]
    fn several_changes_are_found_where_they_are() {
        let found = (0..50).filter(|&seed| {
            let mut series = noise(seed, 240, 0.0);
            for (value, index) in series.iter_mut().zip(0..) {
                *value += [0.0, 3.0, 0.0, 4.0][index / 60];
            }
            let at = at(&series);
            at.len() == 3
                && at
                    .iter()
                    .zip([60, 120, 180])
                    .all(|(a, b)| a.abs_diff(b) <= 3)
        });
        let found = found.count();
        assert!(found >= 45, "{found}");
    }

    #[test]
    fn odd_series() {
        assert!(at(&[]).is_empty());
        assert!(at(&[1.0; 9]).is_empty());
        assert!(at(&[0.1; 100]).is_empty());
        assert!(at(&[f64::NAN; 50]).is_empty());
        let step: Vec<f64> = (0..40).map(|i| if i < 25 { 0.1 } else { 0.3 }).collect();
        assert_eq!(at(&step), [25]);
    }

    #[test]
    fn a_change_says_what_it_is() {
        let step: Vec<f64> = (0..40).map(|i| if i < 25 { 1.0 } else { 3.0 }).collect();
        let change = change_points(&step, &SegmentOptions::default())[0];
        assert!((change.before - 1.0).abs() < 1e-12 && (change.after - 3.0).abs() < 1e-12);
        assert_eq!(change.p, 0.0);
    }
}
