//! Forecast metrics as defined by the M4 competition (Makridakis, Spiliotis and Assimakopoulos
//! 2020), matching `shared/scoring/ts_m4.py`.
//!
//! Missing values are excluded from errors and scales.

/// Forecasts of one series, and the actual values to evaluate them on.
#[derive(Clone, Copy, Debug)]
pub struct Evaluation<'a> {
    /// Training values; NaN where missing.
    pub train: &'a [f64],
    /// Actual values, one per step ahead; NaN where missing.
    pub actual: &'a [f64],
    /// Forecasts of the same steps.
    pub mean: &'a [f64],
    /// Lower bounds of 95 % intervals.
    pub lower: &'a [f64],
    /// Upper bounds of 95 % intervals.
    pub upper: &'a [f64],
    /// Number of steps of the season by which errors are scaled.
    pub period: usize,
}

/// Metrics of one series.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Mean of 200 |y - f| / (|y| + |f|), in percent.
    pub smape: f64,
    /// Mean absolute error divided by the [`scale`] of the training values.
    pub mase: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Mean of 100 |(y - f) / y|, in percent, over nonzero actual values; `None` if all are zero.
    pub mape: Option<f64>,
    /// Share of steps inside the bounds.
    pub coverage: f64,
    /// Mean scaled interval score at 95 % (Gneiting and Raftery 2007): width plus 40 times the
    /// distance outside the interval, divided by the [`scale`].
    pub msis: f64,
    /// sMAPE of [`naive2`], for OWA.
    pub naive2_smape: f64,
    /// MASE of [`naive2`], for OWA.
    pub naive2_mase: f64,
    /// Number of steps with an actual value.
    pub steps: usize,
}

/// The last value; if the autocorrelation test at 90 % finds a season, times the classical
/// multiplicative indices.
///
/// # Examples
/// ```
/// use easylife_models::metrics::forecast::naive2;
///
/// // Without a season the last value.
/// assert_eq!(naive2(&[1.0, 4.0, 2.0, 3.0], 2, 1), [3.0, 3.0]);
/// // With one it goes on.
/// let train: Vec<f64> = (0..24).map(|t| if t % 2 == 0 { 10.0 } else { 30.0 }).collect();
/// let ahead = naive2(&train, 2, 2);
/// assert!((ahead[0] - 10.0).abs() < 1e-9 && (ahead[1] - 30.0).abs() < 1e-9);
/// ```
pub fn naive2(train: &[f64], ahead: usize, period: usize) -> Vec<f64> {
    let n = train.len();
    let last = train[n - 1];
    let Some(index) = seasonal(train, period)
        .then(|| indices(train, period))
        .flatten()
    else {
        return vec![last; ahead];
    };
    let level = last / index[(n - 1) % period];
    (0..ahead)
        .map(|h| level * index[(n + h) % period])
        .collect()
}

fn seasonal(train: &[f64], period: usize) -> bool {
    let n = train.len();
    if period < 2 || n < 3 * period {
        return false;
    }
    let mean = train.iter().sum::<f64>() / n as f64;
    let d: Vec<f64> = train.iter().map(|y| y - mean).collect();
    let whole: f64 = d.iter().map(|d| d * d).sum();
    if whole.is_nan() || whole <= 0.0 {
        return false;
    }
    let acf = |lag: usize| d[lag..].iter().zip(&d).map(|(a, b)| a * b).sum::<f64>() / whole;
    let before: f64 = (1..period).map(|lag| acf(lag) * acf(lag)).sum();
    let limit = 1.645 * ((1.0 + 2.0 * before) / n as f64).sqrt();
    acf(period).abs() > limit
}

fn indices(train: &[f64], period: usize) -> Option<Vec<f64>> {
    let n = train.len();
    let even = period.is_multiple_of(2);
    let window = if even { period + 1 } else { period };
    let weight = |i: usize| match even && (i == 0 || i == period) {
        true => 0.5 / period as f64,
        false => 1.0 / period as f64,
    };
    let offset = (window - 1) / 2;
    let (mut sums, mut counts) = (vec![0.0; period], vec![0.0; period]);
    for start in 0..=n - window {
        let trend: f64 = (0..window).map(|i| weight(i) * train[start + i]).sum();
        let t = start + offset;
        sums[t % period] += train[t] / trend;
        counts[t % period] += 1.0;
    }
    let index: Vec<f64> = sums
        .iter()
        .zip(&counts)
        .map(|(sum, count)| sum / count)
        .collect();
    let mean = index.iter().sum::<f64>() / period as f64;
    let index: Vec<f64> = index.iter().map(|i| i / mean).collect();
    index
        .iter()
        .all(|i| i.is_finite() && *i != 0.0)
        .then_some(index)
}

/// Mean absolute change over a season (over one step if the series is no longer than a season);
/// `None` if nothing changes.
///
/// # Examples
/// ```
/// use easylife_models::metrics::forecast::scale;
///
/// assert_eq!(scale(&[1.0, 3.0, 2.0, 2.0], 1), Some(1.0));
/// // Changes over a season of two steps: 1 and -1.
/// assert_eq!(scale(&[1.0, 3.0, 2.0, 2.0], 2), Some(1.0));
/// assert_eq!(scale(&[5.0; 4], 1), None);
/// ```
pub fn scale(train: &[f64], period: usize) -> Option<f64> {
    let lag = if train.len() > period {
        period.max(1)
    } else {
        1
    };
    let changes = train.iter().skip(lag).zip(train);
    let known: Vec<f64> = changes
        .map(|(a, b)| (a - b).abs())
        .filter(|c| c.is_finite())
        .collect();
    let scale = known.iter().sum::<f64>() / known.len() as f64;
    (scale > 0.0).then_some(scale)
}

/// Replaces missing values by the previous value.
fn carried(train: &[f64]) -> Vec<f64> {
    let mut last = train.iter().copied().find(|y| y.is_finite()).unwrap_or(0.0);
    let carry = |y: &f64| {
        if y.is_finite() {
            last = *y;
        }
        last
    };
    train.iter().map(carry).collect()
}

/// The power of two that scales the largest of `values` to between 1 and 2, if its square would
/// underflow or overflow; otherwise 1. Multiplying by a power of two is exact.
fn unit<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    let known = values
        .map(|value| value.abs())
        .filter(|size| size.is_finite());
    let largest = known.fold(0.0, f64::max);
    match largest {
        SMALL..=LARGE | 0.0 => 1.0,
        // The inverse of the smallest numbers would be infinite.
        _ => libm::ldexp(1.0, (-libm::ilogb(largest)).min(1000)),
    }
}

/// Magnitudes whose squares, and sums of many of them, are exact floats.
const SMALL: f64 = 1e-100;
const LARGE: f64 = 1e100;

impl Evaluation<'_> {
    /// Computes the metrics; `None` if no step has an actual value or the series never changes.
    ///
    /// A change of units affects only `rmse` and `mae`, proportionally.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::metrics::forecast::Evaluation;
    ///
    /// let score = Evaluation {
    ///     train: &[10.0, 12.0, 11.0, 13.0],
    ///     actual: &[12.0, 14.0],
    ///     mean: &[13.0, 13.0],
    ///     lower: &[11.0, 11.0],
    ///     upper: &[15.0, 13.5],
    ///     period: 1,
    /// }
    /// .score()
    /// .unwrap();
    /// assert_eq!(score.mae, 1.0);
    /// assert_eq!(score.coverage, 0.5);
    /// // The mean change of the training values is 5/3.
    /// assert!((score.mase - 0.6).abs() < 1e-12);
    /// ```
    pub fn score(&self) -> Option<Score> {
        let all = [self.train, self.actual, self.mean, self.lower, self.upper];
        let unit = unit(all.into_iter().flatten());
        if unit == 1.0 {
            return self.score_as_is();
        }
        let [train, actual, mean, lower, upper] =
            all.map(|values| values.iter().map(|y| y * unit).collect::<Vec<f64>>());
        let scaled = Evaluation {
            train: &train,
            actual: &actual,
            mean: &mean,
            lower: &lower,
            upper: &upper,
            period: self.period,
        };
        let score = scaled.score_as_is()?;
        Some(Score {
            rmse: score.rmse / unit,
            mae: score.mae / unit,
            ..score
        })
    }

    fn score_as_is(&self) -> Option<Score> {
        let scale = scale(self.train, self.period)?;
        let naive2 = naive2(&carried(self.train), self.actual.len(), self.period);
        let steps: Vec<usize> = (0..self.actual.len())
            .filter(|&t| self.actual[t].is_finite())
            .collect();
        if steps.is_empty() {
            return None;
        }
        let count = steps.len() as f64;
        let mean =
            |term: &dyn Fn(usize) -> f64| steps.iter().map(|&t| term(t)).sum::<f64>() / count;
        let y = self.actual;
        let smape = |f: &[f64]| {
            mean(&|t| match y[t].abs() + f[t].abs() {
                0.0 => 0.0,
                size => 200.0 * (y[t] - f[t]).abs() / size,
            })
        };
        let mae = |f: &[f64]| mean(&|t| (y[t] - f[t]).abs());
        let (lower, upper) = (self.lower, self.upper);
        let relative: Vec<f64> = (steps.iter().filter(|&&t| y[t] != 0.0))
            .map(|&t| 100.0 * ((y[t] - self.mean[t]) / y[t]).abs())
            .collect();
        Some(Score {
            smape: smape(self.mean),
            mase: mae(self.mean) / scale,
            rmse: mean(&|t| (y[t] - self.mean[t]) * (y[t] - self.mean[t])).sqrt(),
            mae: mae(self.mean),
            mape: (!relative.is_empty())
                .then(|| relative.iter().sum::<f64>() / relative.len() as f64),
            coverage: mean(&|t| f64::from(u8::from(y[t] >= lower[t] && y[t] <= upper[t]))),
            msis: mean(&|t| {
                upper[t] - lower[t]
                    + 40.0 * (lower[t] - y[t]).max(0.0)
                    + 40.0 * (y[t] - upper[t]).max(0.0)
            }) / scale,
            naive2_smape: smape(&naive2),
            naive2_mase: mae(&naive2) / scale,
            steps: steps.len(),
        })
    }
}

/// Metrics over series: means, and OWA, which averages over series before dividing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Overall {
    /// Mean over series.
    pub smape: f64,
    /// Mean over series.
    pub mase: f64,
    /// Mean of sMAPE and MASE, each relative to [`naive2`]; below 1 is better.
    pub owa: f64,
    /// Mean over series.
    pub rmse: f64,
    /// Mean over series.
    pub mae: f64,
    /// Mean over the series that have one.
    pub mape: Option<f64>,
    /// Mean over series.
    pub coverage: f64,
    /// Mean over series.
    pub msis: f64,
    /// Number of series evaluated.
    pub series: usize,
}

/// Aggregates the metrics of all series; `None` without series.
pub fn overall(scores: &[Score]) -> Option<Overall> {
    if scores.is_empty() {
        return None;
    }
    let count = scores.len() as f64;
    let mean = |of: fn(&Score) -> f64| scores.iter().map(of).sum::<f64>() / count;
    let (smape, mase) = (mean(|s| s.smape), mean(|s| s.mase));
    let relative: Vec<f64> = scores.iter().filter_map(|s| s.mape).collect();
    Some(Overall {
        smape,
        mase,
        owa: 0.5 * (smape / mean(|s| s.naive2_smape) + mase / mean(|s| s.naive2_mase)),
        rmse: mean(|s| s.rmse),
        mae: mean(|s| s.mae),
        mape: (!relative.is_empty()).then(|| relative.iter().sum::<f64>() / relative.len() as f64),
        coverage: mean(|s| s.coverage),
        msis: mean(|s| s.msis),
        series: scores.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn figures_by_hand() {
        let evaluation = Evaluation {
            train: &[1.0, 3.0, 2.0, 4.0],
            actual: &[4.0, 8.0],
            mean: &[5.0, 6.0],
            lower: &[3.0, 4.0],
            upper: &[6.0, 7.0],
            period: 1,
        };
        let score = evaluation.score().unwrap();
        let scale = 5.0 / 3.0; // changes of 2, 1 and 2
        near(score.smape, 0.5 * (200.0 / 9.0 + 400.0 / 14.0));
        near(score.mase, 1.5 / scale);
        near(score.rmse, 2.5f64.sqrt());
        near(score.mape.unwrap(), 25.0);
        near(score.coverage, 0.5);
        near(score.msis, 0.5 * (3.0 + 3.0 + 40.0) / scale);
        near(score.naive2_mase, 2.0 / scale); // the last value, 4, against 4 and 8
    }

    #[test]
    fn values_of_the_reference_scorer() {
        // shared/scoring/ts_m4.py on the same numbers, printed to 4 and 3 places.
        let train: Vec<f64> = (0..30)
            .map(|t| 20.0 + f64::from(t) + [5.0, -3.0, 8.0, -10.0][t as usize % 4])
            .collect();
        let actual: Vec<f64> = (30..36)
            .map(|t| 21.0 + f64::from(t) + [5.0, -3.0, 8.0, -10.0][t as usize % 4])
            .collect();
        let mean: Vec<f64> = actual.iter().map(|y| y * 0.95).collect();
        let (lower, upper): (Vec<f64>, Vec<f64>) = mean.iter().map(|m| (m - 2.5, m + 2.5)).unzip();
        let evaluation = Evaluation {
            train: &train,
            actual: &actual,
            mean: &mean,
            lower: &lower,
            upper: &upper,
            period: 4,
        };
        let all = overall(&[evaluation.score().unwrap()]).unwrap();
        let rounded = |value: f64, places: i32| {
            let unit = 10f64.powi(places);
            (value * unit).round() / unit
        };
        assert_eq!(rounded(all.smape, 4), 5.1282);
        assert_eq!(rounded(all.mase, 4), 0.6646);
        assert_eq!(rounded(all.owa, 4), 0.5449);
        assert_eq!(rounded(all.coverage, 4), 0.3333);
        assert_eq!(rounded(all.msis, 3), 3.833);
    }

    #[test]
    fn another_unit_changes_no_relative_figure() {
        let train = [1.0, 3.0, 2.0, 4.0, 2.5, 7.0, 3.0, 8.0, 5.0, 9.0];
        let (actual, mean) = ([4.0, 8.0, f64::NAN, 0.0], [5.0, 6.0, 1.0, 0.0]);
        let (lower, upper) = ([3.0, 4.0, 0.0, 0.0], [6.0, 7.0, 9.0, 0.0]);
        let score = |exponent: i32| {
            let by = |values: &[f64]| -> Vec<f64> {
                values.iter().map(|y| libm::ldexp(*y, exponent)).collect()
            };
            let evaluation = Evaluation {
                train: &by(&train),
                actual: &by(&actual),
                mean: &by(&mean),
                lower: &by(&lower),
                upper: &by(&upper),
                period: 2,
            };
            evaluation.score().unwrap()
        };
        let usual = score(0);
        assert!(usual.smape > 10.0 && usual.steps == 3);
        for exponent in [-1000, -600, -333, -60, -40, -1, 1, 40, 300, 333, 600, 1000] {
            let other = score(exponent);
            let back = Score {
                rmse: libm::ldexp(other.rmse, -exponent),
                mae: libm::ldexp(other.mae, -exponent),
                ..other
            };
            assert_eq!(back, usual, "2^{exponent}");
        }
    }

    #[test]
    fn what_cannot_be_judged_is_left_out() {
        let flat = Evaluation {
            train: &[2.0, 2.0],
            actual: &[3.0],
            mean: &[2.0],
            lower: &[2.0],
            upper: &[2.0],
            period: 1,
        };
        assert!(flat.score().is_none());
        let missing = Evaluation {
            train: &[1.0, f64::NAN, 2.0, 4.0],
            actual: &[f64::NAN, 5.0],
            mean: &[4.0, 4.0],
            ..flat
        };
        let missing = Evaluation {
            lower: &[3.0, 3.0],
            upper: &[5.0, 5.0],
            ..missing
        };
        assert_eq!(missing.score().unwrap().steps, 1);
        assert_eq!(missing.score().unwrap().mase, 0.5);
    }
}
