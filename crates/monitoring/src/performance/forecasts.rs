//! Forecasts in use: scaled errors and the coverage of intervals over the latest actual values, for
//! each series and over all, and since when errors have changed.
//!
//! Labels come late but surely here: an actual value arrives for every forecast. Errors are scaled as
//! in training (MASE: by the mean absolute change over a season of the training values), so series of
//! any size are comparable.

use models::kernels::normal::normal_quantile;
use models::metrics::bootstrap::{Interval, mean_interval};
use serde::{Deserialize, Serialize};

use super::PerformanceError;
use super::error::{check_length, check_rows, check_share};
use super::page_hinkley::{Change, Detector, PageHinkley};

/// What training says of a series.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesReference {
    /// What errors are divided by, in units of the series; positive.
    pub scale: f64,
    /// Standard deviation of the scaled absolute errors in evaluation; positive.
    pub deviation: f64,
}

/// Forecasts of a series whose actual values have arrived, oldest first.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    /// Actual values; NaN where missing, which leaves a step out.
    pub actual: &'a [f64],
    /// Forecasts of the same steps.
    pub mean: &'a [f64],
    /// Lower bounds of intervals.
    pub lower: &'a [f64],
    /// Upper bounds of intervals.
    pub upper: &'a [f64],
}

/// What to compute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForecastOptions {
    /// Number of the latest steps of a series that count.
    pub window: usize,
    /// The share of actual values that intervals promise to hold, such as 0.95.
    pub promised: f64,
    /// Level of the intervals of the figures.
    pub level: f64,
    /// Seed of the bootstrap over series.
    pub seed: u64,
}

/// A series in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesPerformance {
    /// Number of steps that count.
    pub steps: u64,
    /// Mean scaled absolute error; `None` without steps.
    pub mase: Option<f64>,
    /// Share of actual values inside their interval; `None` without steps.
    pub coverage: Option<f64>,
    /// Interval of the coverage, steps taken as independent (Wilson 1927).
    pub coverage_interval: Option<Interval>,
    /// Whether the promised coverage is inside that interval.
    pub keeps_promise: Option<bool>,
    /// Changes of the scaled errors, over all steps that have arrived.
    pub changes: Vec<Change>,
}

/// All series in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForecastPerformance {
    /// Each series, in the order given.
    pub series: Vec<SeriesPerformance>,
    /// Mean of the MASE of the series that have one.
    pub mase: Option<f64>,
    /// Its bootstrap interval over series.
    pub mase_interval: Option<Interval>,
    /// Share of actual values of all series inside their interval.
    pub coverage: Option<f64>,
    /// Number of series whose errors have risen since training.
    pub risen: u64,
}

/// Measures series in use.
///
/// Errors of a series alarm by [`PageHinkley::of_deviation`] of its deviation in training.
///
/// # Errors
/// No series, slices of other lengths, a scale or deviation that is not positive, a level or promised
/// coverage outside 0 to 1.
///
/// # Examples
/// ```
/// use monitoring::performance::forecasts::{Arrived, ForecastOptions, SeriesReference, measure};
///
/// let reference = SeriesReference { scale: 2.0, deviation: 0.5 };
/// let arrived = Arrived { actual: &[10.0, 16.0], mean: &[11.0, 11.0], lower: &[8.0; 2], upper: &[14.0; 2] };
/// let options = ForecastOptions { window: 28, promised: 0.95, level: 0.95, seed: 42 };
/// let found = measure(&[(reference, arrived)], &options).unwrap();
/// assert_eq!(found.mase, Some(1.5)); // errors of 1 and 5, scaled by 2
/// assert_eq!(found.coverage, Some(0.5));
/// ```
pub fn measure(
    series: &[(SeriesReference, Arrived)],
    options: &ForecastOptions,
) -> Result<ForecastPerformance, PerformanceError> {
    check_rows("the series", series.len(), 1)?;
    check_rows("the window", options.window, 1)?;
    check_share("level", options.level)?;
    check_share("promised coverage", options.promised)?;
    let measured = series
        .iter()
        .map(|(reference, arrived)| measure_series(reference, arrived, options));
    let measured: Vec<SeriesPerformance> = measured.collect::<Result<_, _>>()?;
    let mases: Vec<f64> = measured.iter().filter_map(|series| series.mase).collect();
    let steps: u64 = measured.iter().map(|series| series.steps).sum();
    let inside = |series: &SeriesPerformance| Some(series.coverage? * series.steps as f64);
    let inside: f64 = measured.iter().filter_map(inside).sum();
    let has_risen = |series: &&SeriesPerformance| {
        let mut changes = series.changes.iter();
        changes.any(|change| change.direction == super::page_hinkley::Direction::Up)
    };
    let mean = mases.iter().sum::<f64>() / mases.len() as f64;
    Ok(ForecastPerformance {
        mase: (!mases.is_empty()).then_some(mean),
        mase_interval: mean_interval(&mases, options.seed),
        coverage: (steps > 0).then(|| inside / steps as f64),
        risen: measured.iter().filter(has_risen).count() as u64,
        series: measured,
    })
}

fn measure_series(
    reference: &SeriesReference,
    arrived: &Arrived,
    options: &ForecastOptions,
) -> Result<SeriesPerformance, PerformanceError> {
    let rows = arrived.actual.len();
    check_length("forecast", arrived.mean.len(), rows)?;
    check_length("lower bound", arrived.lower.len(), rows)?;
    check_length("upper bound", arrived.upper.len(), rows)?;
    check_positive("scale", reference.scale)?;
    check_positive("deviation", reference.deviation)?;
    let errors: Vec<f64> = { arrived.actual.iter().zip(arrived.mean) }
        .map(|(actual, mean)| (actual - mean).abs() / reference.scale)
        .collect();
    let latest = rows.saturating_sub(options.window)..rows;
    let known: Vec<usize> = latest.filter(|&step| errors[step].is_finite()).collect();
    let steps = known.len() as f64;
    let is_inside = |&&step: &&usize| {
        (arrived.lower[step]..=arrived.upper[step]).contains(&arrived.actual[step])
    };
    let inside = known.iter().filter(is_inside).count() as f64;
    let coverage_interval = wilson(inside, steps, options.level);
    let has_steps = !known.is_empty();
    let mase = known.iter().map(|&step| errors[step]).sum::<f64>() / steps;
    let test = PageHinkley::of_deviation(reference.deviation);
    Ok(SeriesPerformance {
        steps: known.len() as u64,
        mase: has_steps.then_some(mase),
        coverage: has_steps.then_some(inside / steps),
        keeps_promise: coverage_interval
            .map(|found| (found.low..=found.high).contains(&options.promised)),
        coverage_interval,
        changes: errors_since(&test, &errors),
    })
}

fn errors_since(test: &PageHinkley, errors: &[f64]) -> Vec<Change> {
    let mut detector = Detector::default();
    let update = |&error: &f64| detector.update(test, error);
    errors.iter().filter_map(update).collect()
}

fn check_positive(name: &'static str, value: f64) -> Result<(), PerformanceError> {
    match value > 0.0 && value.is_finite() {
        true => Ok(()),
        false => Err(PerformanceError::Parameter {
            name,
            value,
            range: "positive",
        }),
    }
}

/// The interval of a share; `None` without rows.
fn wilson(hits: f64, rows: f64, level: f64) -> Option<Interval> {
    let z = normal_quantile(0.5 + level / 2.0);
    let (share, stretch) = (hits / rows, 1.0 + z * z / rows);
    let centre = (share + z * z / (2.0 * rows)) / stretch;
    let half = z / stretch * (share * (1.0 - share) / rows + z * z / (4.0 * rows * rows)).sqrt();
    (rows > 0.0).then(|| Interval {
        low: (centre - half).max(0.0),
        high: (centre + half).min(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::performance::page_hinkley::Direction;

    const OPTIONS: ForecastOptions = ForecastOptions {
        window: 50,
        promised: 0.9,
        level: 0.95,
        seed: 7,
    };
    const REFERENCE: SeriesReference = SeriesReference {
        scale: 2.0,
        deviation: 0.5,
    };

    /// Errors of 1 before and of `later` from step 100 on, of 200.
    fn errors(later: f64) -> Vec<f64> {
        (0..200)
            .map(|t| if t < 100 { 1.0 } else { later })
            .collect()
    }

    #[test]
    fn only_the_latest_steps_count_and_changes_are_dated() {
        let (mean, bound) = (vec![0.0; 200], vec![3.0; 200]);
        let lower = vec![-3.0; 200];
        let arrived = |actual| Arrived {
            actual,
            mean: &mean,
            lower: &lower,
            upper: &bound,
        };
        let (worse, same) = (errors(5.0), errors(1.0));
        let series = [(REFERENCE, arrived(&worse)), (REFERENCE, arrived(&same))];
        let found = measure(&series, &OPTIONS).unwrap();
        assert_eq!(found.series[0].mase, Some(2.5));
        assert_eq!((found.mase, found.coverage), (Some(1.5), Some(0.5)));
        assert_eq!(found.series[0].keeps_promise, Some(false));
        assert_eq!(
            found.series[1].keeps_promise,
            Some(false),
            "50 of 50 for promised 90 %"
        );
        let change = found.series[0].changes[0];
        assert_eq!((change.direction, change.since), (Direction::Up, 100));
        assert!(found.series[1].changes.is_empty() && found.risen == 1);
    }

    #[test]
    fn values_that_have_not_arrived_leave_steps_out() {
        let arrived = Arrived {
            actual: &[f64::NAN, 4.0],
            mean: &[1.0, 2.0],
            lower: &[0.0, 0.0],
            upper: &[9.0, 9.0],
        };
        let none = Arrived {
            actual: &[],
            mean: &[],
            lower: &[],
            upper: &[],
        };
        let found = measure(&[(REFERENCE, arrived), (REFERENCE, none)], &OPTIONS).unwrap();
        assert_eq!((found.series[0].steps, found.mase), (1, Some(1.0)));
        assert_eq!(
            (found.series[1].mase, found.series[1].coverage),
            (None, None)
        );
        assert!(measure(&[], &OPTIONS).is_err());
        let constant = SeriesReference {
            scale: 0.0,
            ..REFERENCE
        };
        let error = measure(&[(constant, none)], &OPTIONS).unwrap_err();
        assert_eq!(error.to_string(), "scale is 0, not positive");
    }

    #[test]
    fn intervals_of_shares_are_wilsons() {
        // statsmodels 0.14: proportion_confint(8, 10, method="wilson").
        let found = wilson(8.0, 10.0, 0.95).unwrap();
        assert!((found.low - 0.4901625).abs() < 1e-6 && (found.high - 0.9433178).abs() < 1e-6);
        assert_eq!(wilson(0.0, 0.0, 0.95), None);
    }
}
