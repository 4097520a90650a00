//! Forecasts of every series of the test part, from one origin or several, and their scores.

use std::collections::HashMap;
use std::ops::Range;

use anyhow::Result;
use rayon::prelude::*;

use super::LAGS;
use crate::exit;
use crate::tasks::ts::BacktestSpec;
use models::metrics::forecast::{Evaluation, Score};
use models::ts::Forecast;
use models::ts::diagnostics::ljung_box;
use models::ts::simple::{Rule, Simple};
use models::ts::{Fan, Forecaster, Saved, normal_width};
use tables::clock::Clock;
use tables::{Gaps, LONGEST_SERIES, Panel, Series, each_prepared, shown};

/// Levels of the intervals that are drawn and scored.
const LEVELS: [f64; 2] = [0.8, 0.95];

/// Number of series that are forecast before their rows are written.
const BLOCK: usize = 256;

/// One series of the test part with its forecasts.
pub struct SeriesBacktest<'a> {
    pub id: &'a str,
    /// The training part.
    pub past: &'a [f64],
    pub origins: Vec<Origin>,
    pub figures: Figures,
}

/// Figures of one series, kept after its forecasts are written.
#[derive(Clone, Copy)]
pub struct Figures {
    /// Number of the series in the model.
    pub number: usize,
    /// Number of forecasts.
    pub origins: usize,
    /// Means over the origins.
    pub score: Option<Score>,
    pub naive: Option<Score>,
    /// False if a forecast fell back to the seasonal naive one.
    pub by_own_models: bool,
    /// P-value of the Ljung-Box test of the residuals.
    pub ljung_box: Option<f64>,
}

/// A forecast from one origin.
pub struct Origin {
    /// The last time before the forecast.
    pub known: i64,
    pub times: Vec<i64>,
    pub actual: Vec<f64>,
    pub fan: Fan,
    /// The seasonal naive forecast.
    pub naive: Vec<f64>,
}

/// A model, and the training part that errors are scaled by.
pub struct Backtest<'a> {
    pub model: &'a Saved,
    numbers: HashMap<&'a str, usize>,
    pub clock: Clock,
    spec: &'a BacktestSpec,
    /// Values of the training part of all series, concatenated, and the range of each by its number.
    values: Vec<f64>,
    places: HashMap<usize, Range<usize>>,
    /// Steps of the season that errors are scaled by.
    period: usize,
}

impl<'a> Backtest<'a> {
    pub fn new(model: &'a Saved, clock: Clock, spec: &'a BacktestSpec) -> Result<Self> {
        let mut source = tables::open(&spec.training)?;
        let numbers: HashMap<&str, usize> = model.ids.iter().map(String::as_str).zip(0..).collect();
        let (mut values, mut places) = (Vec::new(), HashMap::with_capacity(numbers.len()));
        each_prepared(source.as_mut(), clock.axis, |series| {
            let Some(&number) = numbers.get(series.id.as_str()) else {
                return Ok(());
            };
            let start = values.len();
            values.extend(regular(&series, &clock)?);
            match places.insert(number, start..values.len()) {
                None => Ok(()),
                Some(_) => Err(exit::data(format!(
                    "{}: the rows of series `{}` are not adjacent; prepare and train again",
                    spec.training.display(),
                    shown(&series.id)
                ))),
            }
        })?;
        Ok(Self {
            model,
            numbers,
            clock,
            spec,
            values,
            places,
            period: model.model.seasons.first().copied().unwrap_or(1),
        })
    }

    /// Forecasts every series of the test part and hands each to `take`, in order.
    pub fn all(
        &self,
        test: &Panel,
        mut take: impl FnMut(&SeriesBacktest) -> Result<()>,
    ) -> Result<Vec<Figures>> {
        let mut figures = Vec::with_capacity(test.series.len());
        for block in test.series.chunks(BLOCK) {
            let results: Result<Vec<SeriesBacktest>> =
                block.par_iter().map(|s| self.series(s)).collect();
            for result in results? {
                take(&result)?;
                figures.push(result.figures);
            }
        }
        Ok(figures)
    }

    /// The training part of a series.
    pub fn past(&self, number: usize) -> &[f64] {
        let place = self.places.get(&number);
        place.map_or(&[], |place| &self.values[place.clone()])
    }

    /// One series of the test part.
    pub fn series<'t>(&'t self, test: &'t Series) -> Result<SeriesBacktest<'t>> {
        let number = self.numbers.get(test.id.as_str());
        let known = number.filter(|number| self.places.contains_key(number));
        let Some(&number) = known else {
            return Err(exit::data(format!(
                "series `{}` of the test part is not in the model; train again with `easylife \
                 train ts`",
                shown(&test.id)
            )));
        };
        let past = self.past(number);
        let test_values = self.test_values(number, test)?;
        let mut forecaster = self.model.model.series.get(number);
        let ljung_box = ljung_box_probability(&residuals(&forecaster, past));
        let (mut origins, mut all_by_own_models) = (Vec::new(), true);
        let (mut scores, mut naive) = (Vec::new(), Vec::new());
        let mut known = 0;
        for (start, ahead) in self.starts(test_values.len()) {
            forecaster.update(&test_values[known..start]);
            known = start;
            let values = [past, &test_values[..start]].concat();
            let actual = &test_values[start..start + ahead];
            let base = self.naive(&values, ahead);
            let (origin, by_own_models) =
                self.origin(&forecaster, number, start, actual, &base.mean);
            all_by_own_models &= by_own_models;
            let (low, high) = &origin.fan.bounds[1];
            scores.extend(self.score(&values, actual, &origin.fan.mean, (low, high)));
            let (low, high) = bounds(&base);
            naive.extend(self.score(&values, actual, &origin.naive, (&low, &high)));
            origins.push(origin);
        }
        Ok(SeriesBacktest {
            id: &test.id,
            past,
            figures: Figures {
                number,
                origins: origins.len(),
                score: mean(&scores),
                naive: mean(&naive),
                by_own_models: all_by_own_models,
                ljung_box,
            },
            origins,
        })
    }

    /// The values after the training part, one per step.
    fn test_values(&self, number: usize, test: &Series) -> Result<Vec<f64>> {
        let end = self.model.ends[number];
        let refused = |reason: &str| {
            exit::data(format!(
                "series `{}`: {reason}; prepare and train again",
                shown(&test.id)
            ))
        };
        let first = test.times.first().copied();
        if first.is_some_and(|first| self.clock.steps(end, first).is_none_or(|s| s < 1)) {
            return Err(refused("the test part does not follow the training part"));
        }
        test.regular_after(end, &self.clock, Gaps::Missing, LONGEST_SERIES)
            .map_err(|problem| refused(&problem.reason))
    }

    /// The origins and lengths of forecasts: one from the end of training over all `steps`, or several of the
    /// model's horizon, the last of which ends with the test part.
    fn starts(&self, steps: usize) -> Vec<(usize, usize)> {
        let origins = self.spec.origins;
        let horizon = self.model.model.horizon;
        if origins == 1 || steps <= horizon {
            return vec![(0, steps)];
        }
        let room = steps - horizon;
        let start = |i: usize| (i * room / (origins - 1), horizon);
        let mut starts: Vec<(usize, usize)> = (0..origins).map(start).collect();
        starts.dedup();
        starts
    }

    fn origin(
        &self,
        forecaster: &Forecaster,
        number: usize,
        start: usize,
        actual: &[f64],
        naive: &[f64],
    ) -> (Origin, bool) {
        let ahead = actual.len();
        let (fan, by_own_models) = (self.model.model).fan(number, forecaster, ahead, &LEVELS);
        let end = self.model.ends[number];
        let at = |step: usize| self.clock.at(end, step as i64).unwrap_or(end);
        let origin = Origin {
            known: at(start),
            times: (1..=ahead).map(|h| at(start + h)).collect(),
            actual: actual.to_vec(),
            fan,
            naive: naive.to_vec(),
        };
        (origin, by_own_models)
    }

    /// The seasonal naive forecast, with the season that errors are scaled by.
    fn naive(&self, values: &[f64], ahead: usize) -> Forecast {
        let naive = Simple::fit(Rule::SeasonalNaive, values, self.period);
        let unknown = || Forecast {
            mean: vec![f64::NAN; ahead],
            deviation: vec![f64::NAN; ahead],
        };
        naive.map_or_else(unknown, |naive| naive.forecast(ahead))
    }

    fn score(
        &self,
        train: &[f64],
        actual: &[f64],
        mean: &[f64],
        (lower, upper): (&[f64], &[f64]),
    ) -> Option<Score> {
        let evaluation = Evaluation {
            train,
            actual,
            mean,
            lower,
            upper,
            period: self.period,
        };
        evaluation.score()
    }
}

/// P-value of the Ljung-Box test; `None` for few residuals.
fn ljung_box_probability(residuals: &[f64]) -> Option<f64> {
    let lags = LAGS.min(residuals.len() / 4);
    (lags > 0).then(|| ljung_box(residuals, lags, 0).1)
}

/// The values of a series of a prepared part, one per step.
fn regular(series: &Series, clock: &Clock) -> Result<Vec<f64>> {
    series.regular(clock, Gaps::Missing).map_err(|problem| {
        exit::data(format!(
            "series `{}`: {}; prepare and train again",
            shown(&series.id),
            problem.reason
        ))
    })
}

/// Errors one step ahead over the training part.
pub fn residuals(forecaster: &Forecaster, past: &[f64]) -> Vec<f64> {
    let fitted = forecaster.fitted(past);
    let pairs = past.iter().zip(&fitted).map(|(y, f)| y - f);
    pairs.filter(|e| e.is_finite()).collect()
}

/// Bounds of 95 %, assuming normal errors.
fn bounds(forecast: &Forecast) -> (Vec<f64>, Vec<f64>) {
    let wide = normal_width(0.95);
    let pairs = forecast.mean.iter().zip(&forecast.deviation);
    pairs.map(|(m, d)| (m - wide * d, m + wide * d)).unzip()
}

/// The scores of a series over its origins.
fn mean(scores: &[Score]) -> Option<Score> {
    let count = scores.len() as f64;
    let mean = |of: fn(&Score) -> f64| scores.iter().map(of).sum::<f64>() / count;
    let relative: Vec<f64> = scores.iter().filter_map(|s| s.mape).collect();
    (!scores.is_empty()).then(|| Score {
        smape: mean(|s| s.smape),
        mase: mean(|s| s.mase),
        rmse: mean(|s| s.rmse),
        mae: mean(|s| s.mae),
        mape: (!relative.is_empty()).then(|| relative.iter().sum::<f64>() / relative.len() as f64),
        coverage: mean(|s| s.coverage),
        msis: mean(|s| s.msis),
        naive2_smape: mean(|s| s.naive2_smape),
        naive2_mase: mean(|s| s.naive2_mase),
        steps: scores.iter().map(|s| s.steps).sum(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_means_over_the_origins() {
        let score = |mase: f64, mape: Option<f64>, steps| Score {
            mase,
            mape,
            steps,
            ..Score::default()
        };
        assert_eq!(mean(&[]), None);
        let all = [
            score(1.0, Some(10.0), 3),
            score(2.0, None, 4),
            score(6.0, Some(20.0), 5),
        ];
        let all = mean(&all).unwrap();
        assert_eq!((all.mase, all.steps), (3.0, 12));
        assert_eq!(all.mape, Some(15.0), "of the origins that have one");
        assert_eq!(mean(&[score(1.0, None, 1)]).unwrap().mape, None);
    }

    #[test]
    fn bounds_of_the_naive_forecast_are_those_of_the_normal_distribution() {
        let forecast = Forecast {
            mean: vec![10.0, -1.0],
            deviation: vec![2.0, 0.0],
        };
        let (low, high) = bounds(&forecast);
        assert!(
            (low[0] - (10.0 - 3.919_928)).abs() < 1e-5,
            "1.959964 deviations: {low:?}"
        );
        assert!((high[0] - (10.0 + 3.919_928)).abs() < 1e-5);
        assert_eq!((low[1], high[1]), (-1.0, -1.0));
    }

    #[test]
    fn few_residuals_are_not_tested_for_correlation() {
        assert_eq!(ljung_box_probability(&[0.1, -0.1, 0.2]), None);
        let alternating: Vec<f64> = (0..200)
            .map(|t| if t % 2 == 0 { 1.0 } else { -1.0 })
            .collect();
        assert!(ljung_box_probability(&alternating).unwrap() < 1e-6);
    }
}
