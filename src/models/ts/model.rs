//! Many series: each fitted by itself, their intervals calibrated together.

use rayon::prelude::*;

use super::arima::Forecast;
use super::diagnostics::normal_quantile;
use super::forecaster::{Forecaster, Kind, Options as SeriesOptions};
use super::rolling::{Trial, trial_cuts};

/// How series are fitted.
#[derive(Clone, Debug)]
pub struct Options {
    pub kind: Kind,
    /// Steps of each season, ascending.
    pub seasons: Vec<usize>,
    /// Steps to be forecast.
    pub horizon: usize,
    /// Widen or narrow intervals by errors of forecasts from earlier origins.
    pub calibrate: bool,
    /// Nothing below zero.
    pub nonnegative: bool,
}

/// Many fitted series.
#[derive(Clone, Debug)]
pub struct Model {
    pub series: Vec<Forecaster>,
    pub calibration: Calibration,
    pub horizon: usize,
    pub seasons: Vec<usize>,
    pub nonnegative: bool,
}

/// Shares of errors from earlier origins, and how many standard deviations hold each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    pub shares: Vec<f64>,
    pub widths: Vec<f64>,
    /// Errors it rests on.
    pub errors: usize,
}

/// Earlier origins that a series is forecast from. Three cost twice the time of one and change neither
/// errors nor intervals by much (cuts of the training parts of the M3 and tourism series).
const TRIALS: usize = 1;
/// Fewer errors than this calibrate nothing.
const FEWEST: usize = 40;
const SHARES: [f64; 10] = [0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99];

/// Standard deviations that hold `level` of a normal distribution.
pub fn normal_width(level: f64) -> f64 {
    normal_quantile(0.5 + 0.5 * level)
}

impl Calibration {
    /// From errors over standard deviations, without signs.
    fn new(mut ratios: Vec<f64>) -> Self {
        ratios.retain(|ratio| ratio.is_finite());
        let count = ratios.len();
        if count < FEWEST {
            return Self::default();
        }
        ratios.sort_unstable_by(f64::total_cmp);
        let quantile = |share: f64| {
            // (count + 1) share, as for a further error out of the same.
            let place = ((count as f64 + 1.0) * share - 1.0).clamp(0.0, count as f64 - 1.0);
            let below = place as usize;
            let above = (below + 1).min(count - 1);
            ratios[below] + (place - below as f64) * (ratios[above] - ratios[below])
        };
        Self {
            widths: SHARES.iter().map(|&share| quantile(share)).collect(),
            shares: SHARES.to_vec(),
            errors: count,
        }
    }

    /// Standard deviations that hold `level` of the errors, between the shares in proportion to
    /// the normal distribution.
    pub fn width(&self, level: f64) -> f64 {
        let normal = normal_width(level);
        let Some(above) = self.shares.iter().position(|&share| share >= level) else {
            let last = self.shares.len().checked_sub(1);
            return last.map_or(normal, |i| {
                normal * self.widths[i] / normal_width(self.shares[i])
            });
        };
        if above == 0 {
            return normal;
        }
        let (low, high) = (above - 1, above);
        let (a, b) = (
            normal_width(self.shares[low]),
            normal_width(self.shares[high]),
        );
        let share = (normal - a) / (b - a);
        self.widths[low] + share * (self.widths[high] - self.widths[low])
    }
}

impl Options {
    fn series(&self) -> SeriesOptions {
        SeriesOptions {
            kind: self.kind,
            seasons: self.seasons.clone(),
        }
    }

    /// Fits every series, NaN where a value is missing. The error is the number of a series that
    /// has no value at all.
    pub fn fit(&self, series: &[Vec<f64>], progress: &(dyn Fn() + Sync)) -> Result<Model, usize> {
        let options = self.series();
        let fitted: Vec<(Option<Forecaster>, Vec<f64>)> = (series.par_iter())
            .map(|series| {
                let trials = self.trials(&options, series);
                let mut fitted = options.fit(series);
                let mut ratios = Vec::new();
                if let Some(model) = &mut fitted {
                    model.weigh(&trials);
                    if self.calibrate {
                        let all = trials
                            .iter()
                            .flat_map(|t| t.ratios(|name| model.weight(name)));
                        ratios = all.collect();
                    }
                }
                progress();
                (fitted, ratios)
            })
            .collect();
        let mut ratios = Vec::new();
        let mut models = Vec::with_capacity(fitted.len());
        for (index, (model, errors)) in fitted.into_iter().enumerate() {
            models.push(model.ok_or(index)?);
            ratios.extend(errors);
        }
        Ok(Model {
            series: models,
            calibration: Calibration::new(ratios),
            horizon: self.horizon,
            seasons: self.seasons.clone(),
            nonnegative: self.nonnegative,
        })
    }

    /// Forecasts from earlier origins: for the weights of several models, and for the intervals.
    fn trials(&self, options: &SeriesOptions, series: &[f64]) -> Vec<Trial> {
        if !self.calibrate && self.kind != Kind::Auto {
            return Vec::new();
        }
        let season = self.seasons.first().copied().unwrap_or(1);
        let cuts = trial_cuts(series.len(), self.horizon, season, TRIALS);
        cuts.iter()
            .filter_map(|cut| Trial::run(options, series, *cut))
            .collect()
    }
}

/// Forecasts of one series with the bounds of each level.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fan {
    pub mean: Vec<f64>,
    /// Lower and upper bounds, a pair a level.
    pub bounds: Vec<(Vec<f64>, Vec<f64>)>,
}

impl Model {
    /// Forecasts of a series of this model with bounds for `levels` (shares); false beside them
    /// where its models failed and the seasonal naive forecast stands in.
    pub fn fan(&self, series: &Forecaster, ahead: usize, levels: &[f64]) -> (Fan, bool) {
        let whole = |forecast: &Forecast| {
            let all = forecast.mean.iter().chain(&forecast.deviation);
            all.clone().all(|value| value.is_finite())
        };
        let forecast = series.forecast(ahead);
        match whole(&forecast) {
            true => (self.bounded(&forecast, levels), true),
            false => (self.naive_fan(series, ahead, levels), false),
        }
    }

    /// The seasonal naive forecast of a series, with the same widening of its bounds.
    pub fn naive_fan(&self, series: &Forecaster, ahead: usize, levels: &[f64]) -> Fan {
        self.bounded(&series.naive.forecast(ahead), levels)
    }

    fn bounded(&self, forecast: &Forecast, levels: &[f64]) -> Fan {
        let floor = |value: f64| {
            if self.nonnegative {
                value.max(0.0)
            } else {
                value
            }
        };
        let bounds = (levels.iter())
            .map(|&level| {
                let width = self.calibration.width(level);
                let at = |sign: f64| -> Vec<f64> {
                    (forecast.mean.iter().zip(&forecast.deviation))
                        .map(|(mean, deviation)| floor(mean + sign * width * deviation))
                        .collect()
                };
                (at(-1.0), at(1.0))
            })
            .collect();
        Fan {
            mean: forecast.mean.iter().map(|&mean| floor(mean)).collect(),
            bounds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_errors_intervals_are_normal() {
        let none = Calibration::default();
        assert!((none.width(0.95) - 1.959_963_984_540_054).abs() < 1e-12);
    }

    #[test]
    fn errors_twice_as_large_widen_intervals_twice() {
        let ratios: Vec<f64> = (0..2000)
            .map(|i| 2.0 * normal_width((f64::from(i) + 0.5) / 2000.0))
            .collect();
        let calibration = Calibration::new(ratios);
        for level in [0.4, 0.8, 0.85, 0.95, 0.995] {
            let ratio = calibration.width(level) / normal_width(level);
            assert!((ratio - 2.0).abs() < 0.03, "{level}: {ratio}");
        }
    }
}
