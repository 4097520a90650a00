//! Answers of `ts` from memory: a series of the model in, its next steps out.

use anyhow::Result;

use super::details::Reading;
use super::ids::SeriesIds;
use super::model_clock;
use models::ts::Saved;
use models::ts::panel::per_series::fingerprint;
use scoring::ts::{Answer, Newer, Observation, Request};
use scoring::{Refusal, Score};
use tables::clock::{Clock, DateFormat};
use tables::{Gaps, Problem, Series};

/// Maximum number of steps between the end of a series and its newer values.
const FARTHEST: usize = 100_000;

/// The values of a series since training.
pub struct Since {
    /// The value of every step after training, including those in the model; NaN if missing.
    pub values: Vec<f64>,
    /// Number of values in the model that were replaced.
    pub corrected: usize,
}

/// Forecasters of many series that answer requests.
pub struct Scorer {
    /// Without its ids, which are in `ids`.
    model: Saved,
    ids: SeriesIds,
    clock: Clock,
    reading: Reading,
    /// Whether forecasts are cut at zero.
    nonnegative: bool,
}

impl Scorer {
    /// A scorer for a loaded model; `reading` says how its data are read.
    ///
    /// # Errors
    /// If the model has no frequency.
    pub fn new(mut model: Saved, reading: &Reading) -> Result<Self> {
        let clock = model_clock(&model)?;
        Ok(Self {
            ids: SeriesIds::new(std::mem::take(&mut model.ids)),
            clock,
            nonnegative: model.is_nonnegative(),
            model,
            reading: reading.clone(),
        })
    }

    /// How times are written, if given.
    pub fn format(&self) -> Option<&DateFormat> {
        self.reading.date_format.as_ref()
    }

    /// The frequency of the series.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Ids of the series, by number.
    pub fn ids(&self) -> &[String] {
        self.ids.all()
    }

    /// The number of a series; `None` if it is unknown to the model.
    pub fn number(&self, id: &str) -> Option<usize> {
        self.ids.number(id)
    }

    /// Whether forecasts are cut at zero, unless newer values are below it.
    pub fn is_nonnegative(&self) -> bool {
        self.nonnegative
    }

    /// The last time of series `number` in the model.
    pub fn end(&self, number: usize) -> i64 {
        self.time_after(number, self.model.later.get(number).len())
    }

    /// The time of series `number` so many steps after training.
    pub fn time_after(&self, number: usize, steps: usize) -> i64 {
        let end = self.model.ends[number];
        self.clock.at(end, steps as i64).unwrap_or(end)
    }

    /// The values of series `number` since training: those in the model, corrected and continued by the
    /// observations in `series`.
    ///
    /// # Errors
    /// The first observation that contradicts another one or a training value, is not on a step, or is too far
    /// ahead.
    pub fn since_training(&self, number: usize, series: &mut Series) -> Result<Since, Problem> {
        series.tidy(self.reading.duplicates)?;
        let held = self.model.later.get(number);
        let farthest = FARTHEST + held.len();
        let steps = series.steps_after(self.model.ends[number], &self.clock, farthest)?;
        let absent = match self.reading.gaps {
            Gaps::Missing => f64::NAN,
            Gaps::Zero => 0.0,
        };
        let mut values = held.to_vec();
        let mut corrected = 0;
        for (row, (&step, &value)) in steps.iter().zip(&series.values).enumerate() {
            match usize::try_from(step - 1) {
                Err(_) => self.refuse_correction(number, step, series, row)?,
                Ok(step) if step >= held.len() => {
                    values.resize(step, absent);
                    values.push(value);
                }
                // A missing value corrects nothing.
                Ok(step) if value.is_finite() && value != held[step] => {
                    values[step] = value;
                    corrected += 1;
                }
                Ok(_) => {}
            }
        }
        Ok(Since { values, corrected })
    }

    /// Refuses another value for a step of training, since the parameters depend on it; `step` is at most 0, the last
    /// step of training.
    fn refuse_correction(
        &self,
        number: usize,
        step: i64,
        series: &Series,
        row: usize,
    ) -> Result<(), Problem> {
        let seen = self.model.seen.get(number);
        let value = series.values[row];
        let time = || self.clock.text(series.times[row]);
        let reason = match usize::try_from(seen.len() as i64 - 1 + step) {
            _ if !value.is_finite() => return Ok(()),
            Ok(index) if seen.get(index) == Some(&fingerprint(value)) => return Ok(()),
            Ok(_) => format!(
                "{value} for {} is not the value that the model was trained on; retrain the model, or \
                remove the row",
                time()
            ),
            Err(_) => format!(
                "{} is before the first value that the model was trained on; retrain the model, or remove \
                the row",
                time()
            ),
        };
        Err(series.problem(row, reason))
    }

    /// The values since training with the observations, or what is wrong with an observation.
    fn steps(&self, number: usize, observations: &[Observation<'_>]) -> Result<Vec<f64>, String> {
        let mut series = Series::default();
        for observation in observations {
            let time = observation.time;
            let (axis, value) = DateFormat::read(self.format(), time)
                .map_err(|reason| reason.replace("TASK.", "ts."))?;
            let said = self.format().and_then(DateFormat::notation);
            let value = self.clock.axis.take_as(said, axis, value).ok_or_else(|| {
                format!("`{time}` is not a time of these series ({})", self.clock)
            })?;
            series.push(value, observation.value);
        }
        (self.since_training(number, &mut series))
            .map(|since| since.values)
            .map_err(|problem| problem.reason)
    }

    fn forecast(&self, number: usize, request: &Request<'_>) -> Answer<'_> {
        let model = &self.model.model;
        let mut forecaster = model.series.get(number);
        let held = self.model.later.get(number);
        let read;
        let (values, refused) = match request.newer {
            Newer::Nothing => (held, None),
            Newer::Steps(values) => (values, None),
            Newer::Refused(reason) => (held, Some(reason.to_owned())),
            Newer::Observations(observations) => match self.steps(number, observations) {
                Ok(values) => {
                    read = values;
                    (&read[..], None)
                }
                Err(reason) => (held, Some(reason)),
            },
        };
        forecaster.update(values);
        let end = self.time_after(number, values.len());
        let horizon = request.horizon.unwrap_or(model.horizon);
        let levels: Vec<f64> = request.levels.iter().map(|level| level / 100.0).collect();
        let (fan, sound) = match refused {
            Some(_) => (model.naive_fan(&forecaster, horizon, &levels), true),
            None => model.free_fan(number, &forecaster, horizon, &levels),
        };
        let below = self.model.sign_from_data && values.iter().any(|y| *y < 0.0);
        let fan = fan.clip(self.nonnegative && !below);
        let time = |step: usize| {
            let time = self.clock.at(end, step as i64 + 1);
            time.map(|time| self.clock.text(time))
        };
        Answer {
            series: &self.ids.all()[number],
            times: (0..horizon).map(time).collect(),
            mean: fan.mean,
            bounds: fan.bounds,
            fallback: refused.or_else(|| (!sound).then(|| "its forecast is not finite".to_owned())),
        }
    }
}

impl Score for Scorer {
    type Request<'a> = Request<'a>;
    type Answer<'m> = Answer<'m>;
    type Scratch = ();

    fn score<'m>(
        &'m self,
        requests: &[Request<'_>],
        (): &mut (),
    ) -> Vec<Result<Answer<'m>, Refusal>> {
        let answer = |request: &Request<'_>| match self.number(request.series) {
            Some(number) => Ok(self.forecast(number, request)),
            None => Err(Refusal::unknown(
                "it is unknown to the model; retrain the model with it",
            )),
        };
        requests.iter().map(answer).collect()
    }
}
