//! Forecasts of every series of the test part, from one origin or several, and their scores.

use std::collections::HashMap;

use anyhow::{Context, Result};
use rayon::prelude::*;

use super::LAGS;
use crate::data::clock::Clock;
use crate::data::{self, Gaps, Judging, Panel, Series, SeriesColumns, each_series, shown};
use crate::exit;
use crate::metrics::forecast::{Judged, Score};
use crate::models::ts::arima::Forecast;
use crate::models::ts::diagnostics::ljung_box;
use crate::models::ts::simple::{Rule, Simple};
use crate::models::ts::{Fan, Forecaster, Saved, normal_width};

/// Bounds that are drawn and judged.
const LEVELS: [f64; 2] = [0.8, 0.95];

/// One series of the test part with its forecasts.
pub struct Answered {
    /// Its number in the model.
    pub number: usize,
    pub id: String,
    /// Mean absolute value of the training part.
    pub level: f64,
    pub origins: Vec<Origin>,
    /// Means over the origins.
    pub score: Option<Score>,
    pub naive: Option<Score>,
    /// Whether its own models forecast it.
    pub sound: bool,
    /// Probability of a greater Ljung-Box statistic of the residuals.
    pub ljung_box: Option<f64>,
}

/// A forecast from one place.
pub struct Origin {
    /// The last time known.
    pub known: i64,
    pub times: Vec<i64>,
    pub actual: Vec<f64>,
    pub fan: Fan,
    /// The seasonal naive forecast.
    pub naive: Vec<f64>,
}

/// A model, and the training part that errors are scaled by.
pub struct Judge<'a> {
    pub model: &'a Saved,
    numbers: HashMap<&'a str, usize>,
    pub clock: Clock,
    judging: &'a Judging,
    /// Values of the training part, by the number of the series.
    train: HashMap<usize, Vec<f64>>,
    /// Steps of the season that errors are scaled by.
    period: usize,
}

impl<'a> Judge<'a> {
    pub fn new(model: &'a Saved, clock: Clock, judging: &'a Judging) -> Result<Self> {
        let mut source = data::open(&judging.training)?;
        let numbers: HashMap<&str, usize> = model.ids.iter().map(String::as_str).zip(0..).collect();
        let mut train = HashMap::with_capacity(numbers.len());
        each_series(source.as_mut(), &SeriesColumns::prepared(), |series| {
            let Some(&number) = numbers.get(series.id.as_str()) else {
                return Ok(());
            };
            match train.insert(number, regular(&series, &clock)?) {
                None => Ok(()),
                Some(_) => Err(exit::data(format!(
                    "{}: the rows of series `{}` do not stand together; prepare and train again",
                    judging.training.display(),
                    shown(&series.id)
                ))),
            }
        })?;
        Ok(Self {
            model,
            numbers,
            clock,
            judging,
            train,
            period: model.model.seasons.first().copied().unwrap_or(1),
        })
    }

    /// Every series of the test part.
    pub fn all(&self, test: &Panel) -> Result<Vec<Answered>> {
        test.series.par_iter().map(|s| self.series(s)).collect()
    }

    /// The training part of a series.
    pub fn past(&self, number: usize) -> &[f64] {
        self.train.get(&number).map_or(&[], Vec::as_slice)
    }

    fn series(&self, test: &Series) -> Result<Answered> {
        let number = self.numbers.get(test.id.as_str());
        let past = number.and_then(|number| self.train.get(number));
        let (Some(&number), Some(past)) = (number, past) else {
            return Err(exit::data(format!(
                "series `{}` of the test part is not in the model; train again with `easylife \
                 train ts`",
                shown(&test.id)
            )));
        };
        let late = self.late(number, test)?;
        let mut forecaster = self.model.model.series.get(number);
        let known = past.iter().filter(|y| y.is_finite());
        let mut answered = Answered {
            number,
            id: test.id.clone(),
            level: known.clone().map(|y| y.abs()).sum::<f64>() / known.count() as f64,
            origins: Vec::new(),
            score: None,
            naive: None,
            sound: true,
            ljung_box: correlated(&residuals(&forecaster, past)),
        };
        let (mut scores, mut naive) = (Vec::new(), Vec::new());
        let mut known = 0;
        for (start, ahead) in self.starts(late.len()) {
            forecaster.update(&late[known..start]);
            known = start;
            let values = [&past[..], &late[..start]].concat();
            let actual = &late[start..start + ahead];
            let base = self.naive(&values, ahead);
            let (origin, sound) = self.origin(&forecaster, number, start, actual, &base.mean);
            answered.sound &= sound;
            let (low, high) = &origin.fan.bounds[1];
            scores.extend(self.score(&values, actual, &origin.fan.mean, (low, high)));
            let (low, high) = bounds(&base);
            naive.extend(self.score(&values, actual, &origin.naive, (&low, &high)));
            answered.origins.push(origin);
        }
        answered.score = mean(&scores);
        answered.naive = mean(&naive);
        Ok(answered)
    }

    /// The values behind the training part, one a step.
    fn late(&self, number: usize, test: &Series) -> Result<Vec<f64>> {
        let end = self.model.ends[number];
        let first = test.times.first().copied().unwrap_or(end);
        let gap = self
            .clock
            .steps(end, first)
            .and_then(|s| usize::try_from(s - 1).ok());
        let gap = gap.with_context(|| {
            format!(
                "series `{}`: the test part does not follow the training part; prepare and train \
                 again",
                shown(&test.id)
            )
        })?;
        let mut values = vec![f64::NAN; gap];
        values.extend(regular(test, &self.clock)?);
        Ok(values)
    }

    /// Where forecasts start and how far they go: one from the end of training over all `steps`, or
    /// several of the horizon, the last of which ends with the test part.
    fn starts(&self, steps: usize) -> Vec<(usize, usize)> {
        let Judging {
            origins, horizon, ..
        } = *self.judging;
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
        let (fan, sound) = (self.model.model).fan(number, forecaster, ahead, &LEVELS);
        let end = self.model.ends[number];
        let at = |step: usize| self.clock.at(end, step as i64).unwrap_or(end);
        let origin = Origin {
            known: at(start),
            times: (1..=ahead).map(|h| at(start + h)).collect(),
            actual: actual.to_vec(),
            fan,
            naive: naive.to_vec(),
        };
        (origin, sound)
    }

    /// The seasonal naive forecast, by the season that errors are scaled by.
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
        let judged = Judged {
            train,
            actual,
            mean,
            lower,
            upper,
            period: self.period,
        };
        judged.score()
    }
}

/// Probability of a greater Ljung-Box statistic; none of few residuals.
fn correlated(residuals: &[f64]) -> Option<f64> {
    let lags = LAGS.min(residuals.len() / 4);
    (lags > 0).then(|| ljung_box(residuals, lags, 0).1)
}

/// The values of a prepared part, one a step.
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

/// Bounds of 95 %, as if errors were normal.
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
