//! A model of many series: each fitted separately, their intervals calibrated together.

use rayon::prelude::*;

use super::calibration::{Calibration, Errors};
use super::packed::Packed;
use crate::ts::forecast::Forecast;
use crate::ts::series::forecaster::{Forecaster, SeriesOptions};
use crate::ts::series::kind::Kind;
use crate::ts::series::rolling::{self, trial_origins};
use crate::ts::series::trial::Trial;

/// How a panel of series is fitted.
#[derive(Clone, Debug)]
pub struct ForecastOptions {
    /// Models to fit to each series.
    pub kind: Kind,
    /// Steps of each season, ascending.
    pub seasons: Vec<usize>,
    /// Number of steps to forecast.
    pub horizon: usize,
    /// Whether to calibrate intervals by errors of forecasts from earlier origins.
    pub calibrate: bool,
    /// Whether forecasts are bounded below by zero.
    pub nonnegative: bool,
}

/// Why no model was fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// A series has only missing values.
    #[error("series {series} has no values")]
    NoValue {
        /// Index of the first such series.
        series: usize,
    },
}

/// A panel of fitted series.
#[derive(Clone, Debug)]
pub struct Model {
    /// The series, in the order they were fitted.
    pub series: Packed,
    /// Interval widths of all series.
    pub calibration: Calibration,
    /// Number of steps that the intervals were calibrated for.
    pub horizon: usize,
    /// Steps of each season, ascending.
    pub seasons: Vec<usize>,
    /// Whether forecasts and bounds are at least zero.
    pub nonnegative: bool,
}

/// Desired number of errors for estimating intervals: with fewer series, more origins are tried.
const TARGET_ERRORS: usize = 200;
/// Maximum number of earlier origins per series.
const MAX_TRIALS: usize = 8;
/// Minimum number of earlier origins per series. More change neither errors nor intervals by much
/// (rolling origins of the training splits of the M3, tourism and hourly M4 series).
const MIN_TRIALS: usize = 3;
/// Number of series fitted before they are packed: a fit takes several times the memory of its
/// packed form.
const BLOCK: usize = 256;

impl ForecastOptions {
    fn series(&self) -> SeriesOptions {
        SeriesOptions {
            kind: self.kind,
            seasons: self.seasons.clone(),
        }
    }

    /// Fits every series, with NaN for missing values; `progress` is called after each.
    ///
    /// # Errors
    /// If a series has no values.
    pub fn fit(&self, series: &[&[f64]], progress: &(dyn Fn() + Sync)) -> Result<Model, FitError> {
        let options = self.series();
        let values = series.len() * self.horizon.max(1);
        let count = TARGET_ERRORS
            .div_ceil(values.max(1))
            .clamp(MIN_TRIALS, MAX_TRIALS);
        let fit = |series: &&[f64]| {
            let mut fitted = options.fit(series);
            let trials = self.trials(&options, series, count, fitted.as_ref());
            let mut ratios = Vec::new();
            if let Some(model) = &mut fitted {
                model.weigh(&trials);
                if self.calibrate {
                    let now = model.forecast(self.horizon).deviation;
                    let of =
                        |trial: &Trial| trial.ratios(self.kind, |name| model.weight(name), &now);
                    ratios = trials.iter().map(of).collect();
                }
                // Last, since trials without errors carry no information on widths.
                model.widen(series);
            }
            progress();
            (fitted, ratios)
        };
        let (mut packed, mut errors) = (Packed::default(), Errors::default());
        for block in series.chunks(BLOCK) {
            let fitted: Vec<(Option<Forecaster>, Vec<Vec<f64>>)> =
                block.par_iter().map(fit).collect();
            for (model, ratios) in fitted {
                let series = packed.len();
                packed.push(model.ok_or(FitError::NoValue { series })?);
                errors.push(ratios);
            }
        }
        Ok(Model {
            series: packed,
            calibration: Calibration::new(errors),
            horizon: self.horizon,
            seasons: self.seasons.clone(),
            nonnegative: self.nonnegative,
        })
    }

    /// Forecasts from earlier origins, for the weights of several models and for the intervals.
    /// Orders and kinds are those of `like`, which saw the whole series; parameters are
    /// re-estimated.
    fn trials(
        &self,
        options: &SeriesOptions,
        series: &[f64],
        count: usize,
        like: Option<&Forecaster>,
    ) -> Vec<Trial> {
        if !self.calibrate && self.kind != Kind::Auto {
            return Vec::new();
        }
        let season = self.seasons.first().copied().unwrap_or(1);
        let origins = trial_origins(series.len(), self.horizon, season, count);
        origins
            .iter()
            .filter_map(|origin| rolling::run(options, series, *origin, like))
            .collect()
    }
}

/// Forecasts of one series with the bounds at each level.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fan {
    /// Expected value of each step ahead.
    pub mean: Vec<f64>,
    /// Lower and upper bounds, one pair per level.
    pub bounds: Vec<(Vec<f64>, Vec<f64>)>,
}

impl Fan {
    /// If `nonnegative`, replaces values below zero by zero.
    #[must_use]
    pub fn clip(mut self, nonnegative: bool) -> Self {
        if nonnegative {
            let bounds = self.bounds.iter_mut().flat_map(|(low, high)| [low, high]);
            let all = bounds.chain([&mut self.mean]).flatten();
            // Not with `max`, which may keep the sign of a negative zero.
            all.filter(|value| **value <= 0.0)
                .for_each(|value| *value = 0.0);
        }
        self
    }
}

impl Model {
    /// Forecasts of series `number`, in its current state `series`, with bounds for `levels`
    /// (coverages), clipped at zero if the model is nonnegative. The flag is false if its models
    /// failed and the forecast is the seasonal naive one.
    pub fn fan(
        &self,
        number: usize,
        series: &Forecaster,
        ahead: usize,
        levels: &[f64],
    ) -> (Fan, bool) {
        let (fan, sound) = self.free_fan(number, series, ahead, levels);
        (fan.clip(self.nonnegative), sound)
    }

    /// Like [`Model::fan`], without clipping.
    pub fn free_fan(
        &self,
        number: usize,
        series: &Forecaster,
        ahead: usize,
        levels: &[f64],
    ) -> (Fan, bool) {
        let whole = |forecast: &Forecast| {
            let all = forecast.mean.iter().chain(&forecast.deviation);
            all.clone().all(|value| value.is_finite())
        };
        let forecast = series.forecast(ahead);
        match whole(&forecast) {
            true => (
                self.bounded(&forecast, levels, self.calibration.own(number)),
                true,
            ),
            false => (self.naive_fan(series, ahead, levels), false),
        }
    }

    /// The seasonal naive forecast of a series, without clipping, with bounds by the calibration of
    /// all series.
    pub fn naive_fan(&self, series: &Forecaster, ahead: usize, levels: &[f64]) -> Fan {
        self.bounded(&series.naive.forecast(ahead), levels, 1.0)
    }

    fn bounded(&self, forecast: &Forecast, levels: &[f64], own: f64) -> Fan {
        let bounds = (levels.iter())
            .map(|&level| {
                let widths: Vec<f64> = (forecast.deviation.iter().enumerate())
                    .map(|(h, deviation)| own * deviation * self.calibration.width(level, h + 1))
                    .collect();
                let at = |sign: f64| -> Vec<f64> {
                    (forecast.mean.iter().zip(&widths))
                        .map(|(mean, width)| mean + sign * width)
                        .collect()
                };
                (at(-1.0), at(1.0))
            })
            .collect();
        Fan {
            mean: forecast.mean.clone(),
            bounds,
        }
    }
}
