//! Percentile bootstrap intervals of the metrics of numbers and counts, as in [`super::bootstrap`].

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use serde::Serialize;

use super::bootstrap::{Interval, RESAMPLES, percentiles};
use super::regression::{Evaluation, Row, are_counts, mean_actual};

/// Intervals of the metrics of [`super::regression`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Intervals {
    /// Interval of the root of the mean squared error.
    pub rmse: Interval,
    /// Interval of the mean absolute error.
    pub mae: Interval,
    /// Interval of R², over the resamples whose actual values differ; `None` if there are none.
    pub r2: Option<Interval>,
    /// Interval of the mean Poisson deviance; `None` where that is not defined.
    pub poisson_deviance: Option<Interval>,
}

/// Intervals for rows with actual and predicted numbers; `None` if no row counts.
///
/// The rows that count are drawn with replacement, [`RESAMPLES`] times, each with its weight. Each
/// resample has its own random stream and is summed in the order of its draws: the same `seed` gives
/// the same intervals for any number of threads. Rows are taken as independent.
///
/// # Examples
/// ```
/// use easylife_models::metrics::bootstrap_regression::intervals;
/// use easylife_models::metrics::regression::Evaluation;
///
/// // Errors of 1 and 3, as many of each.
/// let actual: Vec<f64> = (0..100).map(f64::from).collect();
/// let predicted: Vec<f64> = (0..100).map(|i| f64::from(i + 1 + 2 * (i % 2))).collect();
/// let rows = Evaluation { actual: &actual, predicted: &predicted, weights: None };
/// let found = intervals(&rows, 42).unwrap();
/// assert!(found.mae.low < 2.0 && 2.0 < found.mae.high);
/// assert!(found.mae.high - found.mae.low < 0.5); // standard error 0.1
/// ```
pub fn intervals(evaluation: &Evaluation, seed: u64) -> Option<Intervals> {
    let rows = evaluation.rows();
    if rows.is_empty() {
        return None;
    }
    let has_deviance = are_counts(&rows);
    // Close to the mean, squares do not cancel in the sum of squared deviations.
    let centre = mean_actual(&rows);
    let terms: Vec<Terms> = rows
        .iter()
        .map(|row| Terms::new(*row, centre, has_deviance))
        .collect();
    let resamples: Vec<Figures> = (0..RESAMPLES)
        .into_par_iter()
        .map(|resample| resampled(&terms, seed, resample))
        .collect();
    let interval = |figure: &dyn Fn(&Figures) -> f64| percentiles(resamples.iter().map(figure));
    let r2: Vec<f64> = resamples.iter().filter_map(|figures| figures.r2).collect();
    Some(Intervals {
        rmse: interval(&|figures| figures.rmse),
        mae: interval(&|figures| figures.mae),
        r2: (!r2.is_empty()).then(|| percentiles(r2.into_iter())),
        poisson_deviance: has_deviance.then(|| interval(&|figures| figures.deviance)),
    })
}

/// What a row adds to the sums; all but the weight are multiplied by it.
#[derive(Clone, Copy, Default)]
struct Terms {
    /// The actual value less the mean of all; not summed.
    deviation: f64,
    weight: f64,
    square: f64,
    distance: f64,
    actual: f64,
    actual_square: f64,
    deviance: f64,
}

impl Terms {
    fn new(row: Row, centre: f64, has_deviance: bool) -> Terms {
        let (error, actual) = (row.error(), row.actual - centre);
        Terms {
            deviation: actual,
            weight: row.weight,
            square: row.weight * error * error,
            distance: row.weight * error.abs(),
            actual: row.weight * actual,
            actual_square: row.weight * actual * actual,
            deviance: if has_deviance { row.deviance() } else { 0.0 },
        }
    }

    fn add(&mut self, other: Terms) {
        self.weight += other.weight;
        self.square += other.square;
        self.distance += other.distance;
        self.actual += other.actual;
        self.actual_square += other.actual_square;
        self.deviance += other.deviance;
    }
}

/// Metrics of a resample.
struct Figures {
    rmse: f64,
    mae: f64,
    r2: Option<f64>,
    deviance: f64,
}

/// Metrics of as many rows, drawn with replacement.
fn resampled(terms: &[Terms], seed: u64, resample: u64) -> Figures {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(resample);
    let mut sums = Terms::default();
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for _ in terms {
        // The bias is at most rows / 2^32, negligible compared with the variance of a resample.
        let at = (u64::from(random.next_u32()) * terms.len() as u64) >> 32;
        let row = terms[at as usize];
        sums.add(row);
        (low, high) = (low.min(row.deviation), high.max(row.deviation));
    }
    let mean = sums.actual / sums.weight;
    let deviations = sums.actual_square - sums.actual * mean;
    let r2 = 1.0 - sums.square / deviations;
    Figures {
        rmse: (sums.square / sums.weight).sqrt(),
        mae: sums.distance / sums.weight,
        r2: (low < high && deviations > 0.0 && r2.is_finite()).then_some(r2),
        deviance: sums.deviance / sums.weight,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 400 counts from 1 to 5 and predictions beside them.
    fn sample() -> (Vec<f64>, Vec<f64>) {
        let actual = (0..400).map(|i| f64::from(1 + i * 7 % 5));
        let predicted = (0..400).map(|i| f64::from(1 + i * 7 % 5) + f64::from(i % 4) - 0.5);
        (actual.collect(), predicted.collect())
    }

    fn found(actual: &[f64], predicted: &[f64], seed: u64) -> Option<Intervals> {
        let weights = None;
        let rows = Evaluation {
            actual,
            predicted,
            weights,
        };
        intervals(&rows, seed)
    }

    #[test]
    fn the_interval_of_a_mean_error_is_near_its_normal_approximation() {
        let (actual, predicted) = sample();
        let found = found(&actual, &predicted, 7).unwrap();
        // Absolute errors 0.5, 0.5, 1.5, 2.5: mean 1.25, variance 0.6875, 1.96 sqrt(0.6875 / 400).
        let (mean, half) = (1.25, 0.0813);
        assert!((found.mae.low - (mean - half)).abs() < 0.015, "{found:?}");
        assert!((found.mae.high - (mean + half)).abs() < 0.015, "{found:?}");
    }

    #[test]
    fn intervals_surround_the_metric() {
        let (actual, predicted) = sample();
        let intervals = found(&actual, &predicted, 7).unwrap();
        let rows = Evaluation {
            actual: &actual,
            predicted: &predicted,
            weights: None,
        };
        let (score, counts) = (rows.score().unwrap(), rows.counts().unwrap());
        let is_inside = |interval: Interval, value: f64| {
            interval.low < value && value < interval.high && interval.high - interval.low < 0.5
        };
        assert!(is_inside(intervals.rmse, score.rmse));
        assert!(is_inside(intervals.r2.unwrap(), score.r2.unwrap()));
        let deviance = intervals.poisson_deviance.unwrap();
        assert!(is_inside(deviance, counts.poisson_deviance));
    }

    #[test]
    fn a_large_level_does_not_change_r2() {
        let (actual, predicted) = sample();
        let moved = |values: &[f64]| values.iter().map(|v| v + 1e9).collect::<Vec<f64>>();
        let plain = found(&actual, &predicted, 7).unwrap().r2.unwrap();
        let moved = found(&moved(&actual), &moved(&predicted), 7).unwrap();
        assert!((plain.low - moved.r2.unwrap().low).abs() < 1e-6);
    }

    #[test]
    fn threads_change_nothing_and_seeds_do() {
        let (actual, predicted) = sample();
        let run = |threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| found(&actual, &predicted, seed))
        };
        assert_eq!(run(1, 7), run(8, 7));
        assert_ne!(run(1, 7), run(1, 8));
    }

    #[test]
    fn degenerate_rows() {
        assert_eq!(found(&[], &[], 1), None);
        assert_eq!(found(&[f64::NAN], &[1.0], 1), None);
        let one = found(&[2.0], &[3.0], 1).unwrap();
        assert_eq!((one.rmse.low, one.rmse.high, one.r2), (1.0, 1.0, None));
        assert_eq!(found(&[0.1; 30], &[0.2; 30], 1).unwrap().r2, None);
        let negative = found(&[-1.0, 2.0], &[1.0, 1.0], 1).unwrap();
        assert_eq!(negative.poisson_deviance, None);
    }
}
