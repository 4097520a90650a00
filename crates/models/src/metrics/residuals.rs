//! What a page shows of predicted numbers: residuals (actual - predicted) as a histogram and against
//! the normal distribution, and actual values by level of the prediction.
//!
//! Every row counts the same, and their order changes nothing. Rows with a value that is not finite
//! are left out.

use serde::Serialize;

use crate::kernels::normal::normal_quantile;

/// Number of bars of the histogram.
pub const BARS: usize = 40;
/// Maximum number of quantile-quantile points.
pub const QUANTILES: usize = 200;
/// How far the histogram reaches beyond the quartiles, in distances between them: Tukey's far fence,
/// beyond which two of a million normal residuals are.
const REACH: f64 = 3.0;
/// Shares that the histogram covers if more than half of the residuals are equal.
const MOST: [f64; 2] = [0.005, 0.995];

/// Residuals in a form that fits on a page, whatever the number of rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Residuals {
    /// How often which residual occurs.
    pub histogram: Histogram,
    /// Predicted and actual values by level of the prediction, ascending.
    pub levels: Vec<Level>,
    /// Quantiles of the residuals and of the normal distribution, ascending, at most [`QUANTILES`].
    pub quantiles: Vec<QuantilePoint>,
}

/// Residuals counted in [`BARS`] bars of equal width.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Left end of the first bar.
    pub low: f64,
    /// Right end of the last bar.
    pub high: f64,
    /// Number of residuals in each bar; those at `high` are in the last.
    pub counts: Vec<u64>,
    /// Number of residuals below `low`.
    pub below: u64,
    /// Number of residuals above `high`.
    pub above: u64,
}

/// Rows with neighbouring predictions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Level {
    /// Number of rows.
    pub rows: u64,
    /// Mean of the predictions.
    pub predicted: f64,
    /// Mean of the actual values.
    pub actual: f64,
    /// The 10 % quantile of the actual values.
    pub low: f64,
    /// The 90 % quantile of the actual values.
    pub high: f64,
}

/// A residual, and where it would be if residuals were normally distributed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct QuantilePoint {
    /// Quantile of the standard normal distribution.
    pub normal: f64,
    /// The same quantile of the residuals.
    pub residual: f64,
}

impl Residuals {
    /// Summarizes rows, with at most `levels` levels of the prediction; `None` without rows.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::metrics::residuals::Residuals;
    ///
    /// let residuals = Residuals::new(&[1.0, 3.0, 10.0, 20.0], &[2.0, 2.0, 14.0, 16.0], 2).unwrap();
    /// let means: Vec<(f64, f64)> = residuals.levels.iter().map(|l| (l.predicted, l.actual)).collect();
    /// assert_eq!(means, [(2.0, 2.0), (15.0, 15.0)]);
    /// assert_eq!(residuals.histogram.counts.iter().sum::<u64>(), 4);
    /// ```
    pub fn new(actual: &[f64], predicted: &[f64], levels: usize) -> Option<Residuals> {
        let rows = predicted.iter().copied().zip(actual.iter().copied());
        let mut rows: Vec<(f64, f64)> = rows
            .filter(|(predicted, actual)| (actual - predicted).is_finite())
            .collect();
        if rows.is_empty() {
            return None;
        }
        // By both values, so that sums do not depend on the order of the rows.
        rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut residuals: Vec<f64> = rows.iter().map(|(p, actual)| actual - p).collect();
        residuals.sort_unstable_by(f64::total_cmp);
        Some(Residuals {
            histogram: histogram(&residuals),
            levels: by_level(&rows, levels),
            quantiles: normal_points(&residuals),
        })
    }
}

/// Quantile of ascending values, linear between them (R's type 7, numpy's default).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = (place as usize).min(sorted.len() - 1);
    let above = (below + 1).min(sorted.len() - 1);
    let weight = place - below as f64;
    (1.0 - weight) * sorted[below] + weight * sorted[above]
}

/// The ends of the histogram of ascending residuals.
fn ends(sorted: &[f64]) -> [f64; 2] {
    let (least, most) = (sorted[0], sorted[sorted.len() - 1]);
    let quartiles = [quantile(sorted, 0.25), quantile(sorted, 0.75)];
    let reach = REACH * (quartiles[1] - quartiles[0]);
    let fences = [
        (quartiles[0] - reach).max(least),
        (quartiles[1] + reach).min(most),
    ];
    let central = MOST.map(|share| quantile(sorted, share));
    let candidates = [fences, central, [least, most]];
    let found = candidates.into_iter().find(|[low, high]| low < high);
    found.unwrap_or_else(|| {
        // All residuals are equal: one bar in the middle.
        let half = 0.5 * least.abs().max(1.0);
        [least - half, least + half]
    })
}

fn histogram(sorted: &[f64]) -> Histogram {
    let [low, high] = ends(sorted);
    let mut counts = vec![0; BARS];
    let (mut below, mut above) = (0, 0);
    let width = high / BARS as f64 - low / BARS as f64;
    for &residual in sorted {
        if residual < low {
            below += 1;
        } else if residual > high {
            above += 1;
        } else {
            let bar = (residual / width - low / width) as usize;
            counts[bar.min(BARS - 1)] += 1;
        }
    }
    Histogram {
        low,
        high,
        counts,
        below,
        above,
    }
}

/// Levels of nearly equal numbers of rows. Equal predictions are on the same level, otherwise their
/// order by actual value would make levels of its own.
fn by_level(rows: &[(f64, f64)], levels: usize) -> Vec<Level> {
    let mut found = Vec::new();
    let mut start = 0;
    for level in 1..=levels.clamp(1, rows.len()) {
        let mut end = rows.len() * level / levels.clamp(1, rows.len());
        if end <= start {
            continue;
        }
        let last = rows[end - 1].0;
        end += rows[end..].partition_point(|row| row.0 <= last);
        found.push(level_of(&rows[start..end]));
        start = end;
    }
    found
}

fn level_of(rows: &[(f64, f64)]) -> Level {
    let count = rows.len() as f64;
    let mut actual: Vec<f64> = rows.iter().map(|row| row.1).collect();
    actual.sort_unstable_by(f64::total_cmp);
    // Divided before they are summed: sums of the largest numbers overflow.
    Level {
        rows: rows.len() as u64,
        predicted: rows.iter().map(|row| row.0 / count).sum(),
        actual: actual.iter().map(|actual| actual / count).sum(),
        low: quantile(&actual, 0.1),
        high: quantile(&actual, 0.9),
    }
}

/// Points at the middle of equal shares of the rows: with few rows one for each.
fn normal_points(sorted: &[f64]) -> Vec<QuantilePoint> {
    let points = sorted.len().min(QUANTILES);
    (0..points)
        .map(|point| {
            let share = (point as f64 + 0.5) / points as f64;
            // The row whose own share (row + 0.5) / rows is this one, or between two of them.
            let place = (share * sorted.len() as f64 - 0.5) / (sorted.len() - 1).max(1) as f64;
            QuantilePoint {
                normal: normal_quantile(share),
                residual: quantile(sorted, place.clamp(0.0, 1.0)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile([1, 2, 4, 8], [0, 0.1, 0.5, 0.9, 1])
        let expected = [(0.0, 1.0), (0.1, 1.3), (0.5, 3.0), (0.9, 6.8), (1.0, 8.0)];
        for (share, value) in expected {
            let found = quantile(&[1.0, 2.0, 4.0, 8.0], share);
            assert!((found - value).abs() < 1e-14, "{share}: {found}");
        }
    }

    #[test]
    fn outliers_are_counted_beside_the_bars() {
        let mut actual: Vec<f64> = (0..=100).map(f64::from).collect();
        actual.extend([1e6, -1e6, -2e6]);
        let histogram = Residuals::new(&actual, &[0.0; 104], 10).unwrap().histogram;
        assert_eq!((histogram.below, histogram.above), (2, 1));
        assert_eq!(histogram.counts.iter().sum::<u64>(), 101);
        assert!(
            histogram.low > -200.0 && histogram.high < 300.0,
            "{histogram:?}"
        );
    }

    #[test]
    fn bars_by_hand() {
        // From 0 to 40: bars of width 1, and 40 itself is in the last.
        let actual: Vec<f64> = (0..=40).map(f64::from).collect();
        let histogram = Residuals::new(&actual, &[0.0; 41], 10).unwrap().histogram;
        assert_eq!((histogram.low, histogram.high), (0.0, 40.0));
        assert_eq!(histogram.counts[..39], [1; 39]);
        assert_eq!(histogram.counts[39], 2);
    }

    #[test]
    fn equal_residuals_have_a_histogram() {
        let found = Residuals::new(&[3.0; 9], &[1.0; 9], 10).unwrap();
        assert_eq!((found.histogram.low, found.histogram.high), (1.0, 3.0));
        assert_eq!(found.histogram.counts[BARS / 2], 9);
        assert_eq!(found.levels.len(), 1);
        // All but one are equal, and the quartiles too.
        let mut actual = [0.0; 1000];
        actual[7] = 5.0;
        let found = Residuals::new(&actual, &[0.0; 1000], 10).unwrap();
        assert_eq!((found.histogram.low, found.histogram.high), (0.0, 5.0));
    }

    #[test]
    fn equal_predictions_are_one_level() {
        let predicted = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 3.0];
        let actual = [8.0, 1.0, 7.0, 2.0, 6.0, 6.0, 2.0, 4.0];
        let levels = Residuals::new(&actual, &predicted, 4).unwrap().levels;
        let found: Vec<(u64, f64, f64)> = levels
            .iter()
            .map(|level| (level.rows, level.predicted, level.actual))
            .collect();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].0, found[1]), (6, (2, 2.5, 3.0)));
        assert!((found[0].2 - 5.0).abs() < 1e-14);
    }

    #[test]
    fn normal_residuals_are_on_a_line() {
        let actual: Vec<f64> = (0..1000)
            .map(|i| 5.0 + 2.0 * normal_quantile((f64::from(i) + 0.5) / 1000.0))
            .collect();
        let points = Residuals::new(&actual, &[0.0; 1000], 10).unwrap().quantiles;
        assert_eq!(points.len(), QUANTILES);
        for point in points {
            let line = 5.0 + 2.0 * point.normal;
            assert!((point.residual - line).abs() < 0.01, "{point:?}");
        }
        let few = Residuals::new(&[1.0, 2.0, 4.0], &[0.0; 3], 10)
            .unwrap()
            .quantiles;
        let residuals: Vec<f64> = few.iter().map(|point| point.residual).collect();
        assert_eq!(residuals, [1.0, 2.0, 4.0]);
        assert_eq!(few[1].normal, 0.0);
        assert!((few[0].normal + few[2].normal).abs() < 1e-14);
    }

    #[test]
    fn degenerate_rows() {
        assert_eq!(Residuals::new(&[], &[], 10), None);
        assert_eq!(Residuals::new(&[f64::NAN], &[1.0], 10), None);
        assert_eq!(Residuals::new(&[1e308], &[-1e308], 10), None);
        let one = Residuals::new(&[1.0], &[0.0], 0).unwrap();
        assert_eq!((one.levels.len(), one.quantiles[0].residual), (1, 1.0));
        let huge = Residuals::new(&[1.7e308, -1.7e308], &[0.0; 2], 10).unwrap();
        assert_eq!(huge.histogram.counts.iter().sum::<u64>(), 2);
    }

    proptest! {
        #[test]
        fn every_row_is_somewhere_and_order_changes_nothing(
            rows in prop::collection::vec((-9i32..9, -1e3f64..1e3), 1..300), levels in 1usize..30,
        ) {
            let (predicted, actual): (Vec<f64>, Vec<f64>) =
                rows.iter().map(|(p, a)| (f64::from(*p), *a)).unzip();
            let found = Residuals::new(&actual, &predicted, levels).unwrap();
            let histogram = &found.histogram;
            let counted = histogram.counts.iter().sum::<u64>() + histogram.below + histogram.above;
            prop_assert_eq!(counted, rows.len() as u64);
            prop_assert_eq!(found.levels.iter().map(|level| level.rows).sum::<u64>(), counted);
            prop_assert!(found.levels.len() <= levels);
            prop_assert!(found.levels.windows(2).all(|w| w[0].predicted < w[1].predicted));
            prop_assert!(found.quantiles.windows(2).all(|w| w[0].residual <= w[1].residual));
            let turned = |values: &[f64]| values.iter().rev().copied().collect::<Vec<f64>>();
            let other = Residuals::new(&turned(&actual), &turned(&predicted), levels).unwrap();
            prop_assert_eq!(found, other);
        }
    }
}
