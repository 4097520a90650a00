//! Percentile bootstrap intervals of metrics over resampled test rows (Efron 1979). Each resample
//! has its own random stream, so threads change nothing.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::classification::{SMALLEST_PROBABILITY, most_probable};

/// Number of resamples.
pub const RESAMPLES: u64 = 1000;
/// Share of the resamples inside an interval.
pub const LEVEL: f64 = 0.95;

/// The central interval that contains [`LEVEL`] of the resamples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The (1 - [`LEVEL`]) / 2 quantile of the resamples.
    pub low: f64,
    /// The (1 + [`LEVEL`]) / 2 quantile of the resamples.
    pub high: f64,
}

/// Intervals of classification metrics.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Intervals {
    /// Interval of the accuracy.
    pub accuracy: Interval,
    /// Interval of macro F1.
    pub f1_macro: Interval,
    /// Interval of the mean log loss, in nats.
    pub log_loss: Interval,
}

/// Intervals for `actual` (below `classes`) and `probabilities` (row-major), as in
/// [`super::classification::measure`]; `None` without rows.
///
/// All rows are drawn with replacement, [`RESAMPLES`] times; the same `seed` gives the same intervals.
/// Rows are taken as independent: rows of the same source (a scene, a user) need
/// [`super::bootstrap_roc::Groups`].
///
/// # Examples
/// ```
/// use easylife_models::metrics::bootstrap::intervals;
///
/// // 100 rows of two classes, of which 80 are right with a probability of 0.9.
/// let actual = vec![0; 100];
/// let row = |i| if i < 80 { [0.9, 0.1] } else { [0.1, 0.9] };
/// let probabilities: Vec<f64> = (0..100).flat_map(row).collect();
/// let found = intervals(2, &actual, &probabilities, 42).unwrap();
/// assert!(found.accuracy.low < 0.8 && 0.8 < found.accuracy.high);
/// assert!(found.accuracy.high - found.accuracy.low < 0.2); // standard error 0.04
/// assert!(intervals(2, &[], &[], 42).is_none());
/// ```
pub fn intervals(
    classes: usize,
    actual: &[u32],
    probabilities: &[f64],
    seed: u64,
) -> Option<Intervals> {
    let width = probabilities.len().checked_div(actual.len())?;
    let rows: Vec<Row> = actual
        .iter()
        .zip(probabilities.chunks(width.max(1)))
        .map(|(&actual, row)| Row::new(actual as usize, row))
        .collect();
    let figures: Vec<[f64; 3]> = (0..RESAMPLES)
        .into_par_iter()
        .map(|resample| resampled(&rows, classes, seed, resample))
        .collect();
    let interval = |figure: usize| percentiles(figures.iter().map(|figures| figures[figure]));
    Some(Intervals {
        accuracy: interval(0),
        f1_macro: interval(1),
        log_loss: interval(2),
    })
}

/// The interval of the mean of `values`, one per user; `None` if there are none.
///
/// # Examples
/// ```
/// use easylife_models::metrics::bootstrap::mean_interval;
///
/// let values: Vec<f64> = (0..100).map(f64::from).collect();
/// let interval = mean_interval(&values, 42).unwrap();
/// assert!(interval.low < 49.5 && 49.5 < interval.high);
/// assert_eq!(mean_interval(&[], 42), None);
/// ```
pub fn mean_interval(values: &[f64], seed: u64) -> Option<Interval> {
    if values.is_empty() {
        return None;
    }
    let means = resampled_figures(values.len(), seed, |rows| {
        rows.map(|row| values[row]).sum::<f64>() / values.len() as f64
    });
    Some(percentiles(means.into_iter()))
}

/// A figure of each of [`RESAMPLES`] resamples, in their order; `figure` is given the rows that were
/// drawn, with replacement, as many as there are. The resamples of a seed and a number of rows are
/// always the same, so figures of two models may be compared resample by resample.
///
/// # Examples
/// ```
/// use easylife_models::metrics::bootstrap::{RESAMPLES, resampled_figures};
///
/// let counts = resampled_figures(10, 42, |rows| rows.filter(|&row| row < 5).count());
/// assert_eq!(counts.len() as u64, RESAMPLES);
/// let mean = counts.iter().sum::<usize>() as f64 / RESAMPLES as f64;
/// assert!((mean - 5.0).abs() < 0.2);
/// ```
pub fn resampled_figures<T: Send>(
    rows: usize,
    seed: u64,
    figure: impl Fn(&mut dyn Iterator<Item = usize>) -> T + Sync,
) -> Vec<T> {
    (0..RESAMPLES)
        .into_par_iter()
        .map(|resample| figure(&mut draws(rows, seed, resample)))
        .collect()
}

/// The rows of a resample.
fn draws(rows: usize, seed: u64, resample: u64) -> impl Iterator<Item = usize> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(resample);
    // The bias is at most rows / 2^32, negligible compared with the variance of a resample.
    (0..rows).map(move |_| ((u64::from(random.next_u32()) * rows as u64) >> 32) as usize)
}

struct Row {
    actual: usize,
    predicted: usize,
    loss: f64,
}

impl Row {
    fn new(actual: usize, probabilities: &[f64]) -> Self {
        let own = probabilities.get(actual).copied().unwrap_or(0.0);
        Self {
            actual,
            predicted: most_probable(probabilities),
            loss: -libm::log(own.max(SMALLEST_PROBABILITY)),
        }
    }
}

/// Accuracy, macro F1 and log loss of as many rows, drawn with replacement.
fn resampled(rows: &[Row], classes: usize, seed: u64, resample: u64) -> [f64; 3] {
    let mut right = vec![0u64; classes];
    let mut seen = vec![0u64; classes]; // actual and predicted together
    let mut loss = 0.0;
    for row in draws(rows.len(), seed, resample) {
        let row = &rows[row];
        seen[row.actual] += 1;
        seen[row.predicted] += 1;
        right[row.actual] += u64::from(row.actual == row.predicted);
        loss += row.loss;
    }
    let occurring = seen.iter().filter(|&&seen| seen > 0).count();
    let f1: f64 = std::iter::zip(&right, &seen)
        .filter(|(_, seen)| **seen > 0)
        .map(|(&right, &seen)| 2.0 * right as f64 / seen as f64)
        .sum();
    let count = rows.len() as f64;
    [
        right.iter().sum::<u64>() as f64 / count,
        f1 / occurring as f64,
        loss / count,
    ]
}

/// The values below and above which (1 - [`LEVEL`]) / 2 of all values are; NaN without values.
pub fn percentiles(values: impl Iterator<Item = f64>) -> Interval {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().saturating_sub(1) as f64;
    let at = |share: f64| {
        values
            .get((share * last).round() as usize)
            .copied()
            .unwrap_or(f64::NAN)
    };
    Interval {
        low: at((1.0 - LEVEL) / 2.0),
        high: at((1.0 + LEVEL) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 400 rows, 300 right, each with a probability of 0.8.
    fn sample() -> (Vec<u32>, Vec<f64>) {
        let actual = (0..400).map(|row| u32::from(row % 4 == 0)).collect();
        (actual, [0.8, 0.2].repeat(400))
    }

    #[test]
    fn the_interval_of_a_share_is_near_its_normal_approximation() {
        let (actual, probabilities) = sample();
        let intervals = intervals(2, &actual, &probabilities, 7).unwrap();
        // 1.96 sqrt(0.75 * 0.25 / 400) = 0.0424
        assert!(
            (intervals.accuracy.low - (0.75 - 0.0424)).abs() < 0.008,
            "{intervals:?}"
        );
        assert!(
            (intervals.accuracy.high - (0.75 + 0.0424)).abs() < 0.008,
            "{intervals:?}"
        );
        assert!(intervals.f1_macro.low < intervals.f1_macro.high);
        assert!(intervals.log_loss.low < intervals.log_loss.high);
    }

    #[test]
    fn the_interval_of_a_mean_is_near_its_normal_approximation() {
        let values: Vec<f64> = (0..400)
            .map(|row| f64::from(u8::from(row % 4 > 0)))
            .collect();
        let interval = mean_interval(&values, 7).unwrap();
        assert!(
            (interval.low - (0.75 - 0.0424)).abs() < 0.008,
            "{interval:?}"
        );
        assert!(
            (interval.high - (0.75 + 0.0424)).abs() < 0.008,
            "{interval:?}"
        );
        assert_eq!(mean_interval(&[], 7), None);
    }

    #[test]
    fn threads_change_nothing_and_seeds_do() {
        let (actual, probabilities) = sample();
        let run = |threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| intervals(2, &actual, &probabilities, seed))
        };
        assert_eq!(run(1, 7), run(8, 7));
        assert_ne!(run(1, 7), run(1, 8));
        assert_eq!(intervals(2, &[], &[], 7), None);
    }
}
