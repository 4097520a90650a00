//! Metrics of predicted numbers, counts and quantiles, and of intervals. Definitions follow
//! scikit-learn; each says what it does where scikit-learn refuses.
//!
//! Sums run in row order on one thread, so the same rows give the same bits.

use serde::Serialize;

use crate::kernels::math::ln;

/// Actual and predicted numbers, one of each per row.
///
/// A row counts if its actual and its predicted value are finite and its weight is positive and
/// finite; other rows are left out of every metric.
#[derive(Clone, Copy, Debug)]
pub struct Evaluation<'a> {
    /// What was measured.
    pub actual: &'a [f64],
    /// What was predicted for it.
    pub predicted: &'a [f64],
    /// How much each row counts; `None` if all count the same.
    pub weights: Option<&'a [f64]>,
}

/// Metrics of predicted numbers. All but `rows` are weighted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Regression {
    /// Number of rows that count.
    pub rows: u64,
    /// Root of the mean squared error, in units of the target.
    pub rmse: f64,
    /// Mean absolute error, in units of the target.
    pub mae: f64,
    /// Median of the absolute errors, in units of the target.
    pub median_absolute_error: f64,
    /// 1 - Σ error² / Σ (actual - mean)²; `None` if all actual values are equal, where it is not
    /// defined (scikit-learn: 0 or 1).
    pub r2: Option<f64>,
    /// Mean of 100 |error / actual|, in percent; `None` if any actual value is 0, where it is not
    /// defined (scikit-learn: a huge number).
    pub mape: Option<f64>,
    /// Mean of predicted - actual, in units of the target: positive if predictions are too high.
    pub bias: f64,
}

/// Metrics of predicted counts, in addition to [`Regression`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Counts {
    /// Mean Poisson deviance: 2 (y ln(y / μ) - y + μ), where 0 ln 0 is 0.
    pub poisson_deviance: f64,
    /// 1 - deviance / deviance of the mean of the actual values: the share of the deviance that is
    /// explained; `None` if all actual values are equal.
    pub d2: Option<f64>,
}

/// Metrics of prediction intervals. All but `rows` are weighted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// Number of rows that count.
    pub rows: u64,
    /// Share of actual values inside their interval, ends included.
    pub inside: f64,
    /// Share below their interval.
    pub below: f64,
    /// Share above their interval.
    pub above: f64,
    /// Mean width, in units of the target.
    pub mean_width: f64,
}

/// A row that counts.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub actual: f64,
    pub predicted: f64,
    pub weight: f64,
}

impl Row {
    pub fn error(self) -> f64 {
        self.predicted - self.actual
    }

    /// Weighted Poisson deviance.
    pub fn deviance(self) -> f64 {
        self.weight * poisson_deviance(self.actual, self.predicted)
    }
}

/// 2 (y ln(y / μ) - y + μ).
fn poisson_deviance(y: f64, mean: f64) -> f64 {
    let information = if y > 0.0 { y * (ln(y) - ln(mean)) } else { 0.0 };
    2.0 * (information - y + mean)
}

impl Evaluation<'_> {
    /// The rows that count, in order.
    pub(super) fn rows(&self) -> Vec<Row> {
        let pairs = self.actual.iter().zip(self.predicted).enumerate();
        pairs
            .map(|(row, (&actual, &predicted))| Row {
                actual,
                predicted,
                weight: weight(self.weights, row),
            })
            .filter(|row| row.actual.is_finite() && row.predicted.is_finite() && row.weight > 0.0)
            .collect()
    }

    /// Computes the metrics of numbers; `None` if no row counts.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::metrics::regression::Evaluation;
    ///
    /// let score = Evaluation { actual: &[1.0, 2.0, 6.0], predicted: &[2.0, 2.0, 4.0], weights: None }
    ///     .score()
    ///     .unwrap();
    /// assert_eq!((score.mae, score.median_absolute_error), (1.0, 1.0));
    /// assert_eq!(score.r2, Some(1.0 - 5.0 / 14.0)); // mean 3: 4 + 1 + 9
    /// assert_eq!(score.bias, -1.0 / 3.0);
    /// ```
    pub fn score(&self) -> Option<Regression> {
        let rows = self.rows();
        let all = total(&rows, |_| 1.0);
        let mean = |term: &dyn Fn(Row) -> f64| total(&rows, term) / all;
        let mut errors: Vec<(f64, f64)> = rows
            .iter()
            .map(|row| (row.error().abs(), row.weight))
            .collect();
        let median_absolute_error = weighted_quantile(&mut errors, 0.5)?;
        let has_zero = rows.iter().any(|row| row.actual == 0.0);
        let relative = || 100.0 * mean(&|row| (row.error() / row.actual).abs());
        Some(Regression {
            rows: rows.len() as u64,
            rmse: root_mean_square(&rows),
            mae: mean(&|row| row.error().abs()),
            median_absolute_error,
            r2: r2(&rows),
            mape: (!has_zero).then(relative).filter(|mape| mape.is_finite()),
            bias: mean(&|row| row.error()),
        })
    }

    /// Computes the metrics of counts; `None` if no row counts, or if an actual value is negative or
    /// a predicted one not positive, where the deviance is not defined (scikit-learn: an error).
    ///
    /// # Examples
    /// ```
    /// use easylife_models::metrics::regression::Evaluation;
    ///
    /// let counts = Evaluation { actual: &[0.0, 4.0], predicted: &[2.0, 2.0], weights: None }
    ///     .counts()
    ///     .unwrap();
    /// // 2 (0 - 0 + 2) and 2 (4 ln 2 - 4 + 2)
    /// assert!((counts.poisson_deviance - 4.0 * 2.0_f64.ln()).abs() < 1e-15);
    /// assert_eq!(counts.d2, Some(0.0)); // as good as the mean
    /// ```
    pub fn counts(&self) -> Option<Counts> {
        let rows = self.rows();
        if rows.is_empty() || !are_counts(&rows) {
            return None;
        }
        let all = total(&rows, |_| 1.0);
        let deviance: f64 = rows.iter().map(|row| row.deviance()).sum();
        let constant = mean_actual(&rows);
        let null = total(&rows, |row| poisson_deviance(row.actual, constant));
        let d2 = (!is_constant(&rows)).then(|| 1.0 - deviance / null);
        Some(Counts {
            poisson_deviance: deviance / all,
            d2: d2.filter(|d2| d2.is_finite()),
        })
    }

    /// Mean pinball loss of predicted quantiles of this level (between 0 and 1), in units of the
    /// target; `None` if no row counts.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::metrics::regression::Evaluation;
    ///
    /// let rows = Evaluation { actual: &[3.0, 1.0], predicted: &[2.0, 2.0], weights: None };
    /// // Too low costs 0.9, too high 0.1.
    /// assert!((rows.pinball(0.9).unwrap() - 0.5).abs() < 1e-15);
    /// ```
    pub fn pinball(&self, level: f64) -> Option<f64> {
        let rows = self.rows();
        let loss = |row: Row| match row.actual - row.predicted {
            above if above > 0.0 => level * above,
            below => (level - 1.0) * below,
        };
        (!rows.is_empty()).then(|| total(&rows, loss) / total(&rows, |_| 1.0))
    }

    /// Share of actual values at or below the predicted ones, which for good quantiles is their
    /// level; `None` if no row counts.
    pub fn share_below(&self) -> Option<f64> {
        let rows = self.rows();
        let is_below = |row: Row| f64::from(u8::from(row.actual <= row.predicted));
        (!rows.is_empty()).then(|| total(&rows, is_below) / total(&rows, |_| 1.0))
    }
}

/// The baseline: [`Evaluation`] of the same prediction for every row. `constant` is the mean, the
/// median or a quantile of the training rows; `weights` as there.
///
/// # Examples
/// ```
/// use easylife_models::metrics::regression::with_baseline;
///
/// let rmse = with_baseline(&[1.0, 3.0], None, 2.0, |baseline| baseline.score().unwrap().rmse);
/// assert_eq!(rmse, 1.0);
/// ```
pub fn with_baseline<T>(
    actual: &[f64],
    weights: Option<&[f64]>,
    constant: f64,
    measure: impl FnOnce(&Evaluation) -> T,
) -> T {
    measure(&Evaluation {
        actual,
        predicted: &vec![constant; actual.len()],
        weights,
    })
}

/// Metrics of intervals from `lower` to `upper`; `None` if no row counts. A row counts if its actual
/// value and both ends are finite and its weight is positive and finite.
///
/// # Examples
/// ```
/// use easylife_models::metrics::regression::coverage;
///
/// let found = coverage(&[1.0, 2.0, 9.0], &[0.0, 2.0, 4.0], &[2.0, 5.0, 8.0], None).unwrap();
/// assert_eq!((found.inside, found.above), (2.0 / 3.0, 1.0 / 3.0));
/// assert_eq!(found.mean_width, 3.0);
/// ```
pub fn coverage(
    actual: &[f64],
    lower: &[f64],
    upper: &[f64],
    weights: Option<&[f64]>,
) -> Option<Coverage> {
    let ends = lower.iter().zip(upper);
    let (mut all, mut rows) = (0.0, 0);
    let (mut inside, mut below, mut above, mut width) = (0.0, 0.0, 0.0, 0.0);
    for (row, (&actual, (&lower, &upper))) in actual.iter().zip(ends).enumerate() {
        let weight = weight(weights, row);
        let is_finite = actual.is_finite() && lower.is_finite() && upper.is_finite();
        if !is_finite || weight <= 0.0 {
            continue;
        }
        rows += 1;
        all += weight;
        width += weight * (upper - lower);
        match actual {
            y if y < lower => below += weight,
            y if y > upper => above += weight,
            _ => inside += weight,
        }
    }
    (rows > 0).then(|| Coverage {
        rows,
        inside: inside / all,
        below: below / all,
        above: above / all,
        mean_width: width / all,
    })
}

/// The weight of a row; 0 if it is not a positive finite number or missing.
fn weight(weights: Option<&[f64]>, row: usize) -> f64 {
    let Some(weights) = weights else { return 1.0 };
    let weight = weights.get(row).copied().unwrap_or(0.0);
    if weight.is_finite() && weight > 0.0 {
        weight
    } else {
        0.0
    }
}

/// Whether the deviance of counts is defined.
pub(super) fn are_counts(rows: &[Row]) -> bool {
    rows.iter()
        .all(|row| row.actual >= 0.0 && row.predicted > 0.0)
}

/// Whether all actual values are equal.
fn is_constant(rows: &[Row]) -> bool {
    rows.windows(2).all(|pair| pair[0].actual == pair[1].actual)
}

fn total(rows: &[Row], term: impl Fn(Row) -> f64) -> f64 {
    rows.iter().map(|row| row.weight * term(*row)).sum()
}

/// Weighted mean of the actual values.
pub(super) fn mean_actual(rows: &[Row]) -> f64 {
    total(rows, |row| row.actual) / total(rows, |_| 1.0)
}

fn root_mean_square(rows: &[Row]) -> f64 {
    let all = total(rows, |_| 1.0);
    let plain = (total(rows, |row| row.error() * row.error()) / all).sqrt();
    if plain.is_finite() && plain > 1e-150 {
        return plain;
    }
    // Squares of the errors overflow or underflow: in units of the largest they do not.
    let errors = rows.iter().map(|row| row.error().abs());
    let largest = errors.fold(0.0, f64::max);
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    let share = |row: Row| (row.error() / largest) * (row.error() / largest);
    largest * (total(rows, share) / all).sqrt()
}

fn r2(rows: &[Row]) -> Option<f64> {
    if is_constant(rows) {
        return None;
    }
    let mean = mean_actual(rows);
    let errors = total(rows, |row| row.error() * row.error());
    let deviations = total(rows, |row| (row.actual - mean) * (row.actual - mean));
    let r2 = 1.0 - errors / deviations;
    r2.is_finite().then_some(r2)
}

/// Weighted quantile of (value, weight) pairs, which it sorts: the least value with more than this
/// share of the weight up to it; if a value meets the share exactly, the middle between it and the
/// next, as for the median of an even number of values. `None` without pairs.
fn weighted_quantile(values: &mut [(f64, f64)], level: f64) -> Option<f64> {
    // By weight too: sums must not depend on the order given.
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let goal = level * values.iter().map(|(_, weight)| weight).sum::<f64>();
    let mut sum = 0.0;
    for (place, (value, weight)) in values.iter().enumerate() {
        sum += weight;
        if sum > goal {
            return Some(*value);
        }
        if sum == goal {
            let next = values.get(place + 1).map_or(*value, |next| next.0);
            return Some(0.5 * value + 0.5 * next);
        }
    }
    values.last().map(|last| last.0)
}

#[cfg(test)]
mod tests;
