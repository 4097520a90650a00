//! Answers of `ts` from memory: a series of the model in, its next steps out.

use anyhow::Result;

use super::details::Reading;
use super::ids::SeriesIds;
use super::model_clock;
use models::ts::Saved;
use scoring::ts::{Answer, Newer, Observation, Request};
use scoring::{Refusal, Score};
use tables::clock::{self, Clock};
use tables::{Problem, Series};

/// Steps between the end of a series and its newer values at most.
const FARTHEST: usize = 100_000;

/// Forecasters of many series that answer requests.
pub struct Scorer {
    /// Without its ids, which are in `ids`.
    model: Saved,
    ids: SeriesIds,
    clock: Clock,
    reading: Reading,
}

impl Scorer {
    /// Of a loaded model, which says how its data are read.
    ///
    /// # Errors
    /// Where the model has no frequency.
    pub fn new(mut model: Saved, reading: &Reading) -> Result<Self> {
        let clock = model_clock(&model)?;
        Ok(Self {
            ids: SeriesIds::new(std::mem::take(&mut model.ids)),
            clock,
            model,
            reading: reading.clone(),
        })
    }

    /// The frequency of the series.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Ids of the series, by number.
    pub fn ids(&self) -> &[String] {
        self.ids.all()
    }

    /// The number of a series; `None` where the model does not know it.
    pub fn number(&self, id: &str) -> Option<usize> {
        self.ids.number(id)
    }

    /// The values of `series` on every step after the last one that the model has seen of series
    /// `number`; observations up to there are skipped.
    ///
    /// # Errors
    /// The first observation that contradicts another, is on no step, or is too far ahead.
    pub fn after_end(&self, number: usize, series: &mut Series) -> Result<Vec<f64>, Problem> {
        series.tidy(self.reading.duplicates)?;
        series.regular_after(
            self.model.ends[number],
            &self.clock,
            self.reading.gaps,
            FARTHEST,
        )
    }

    /// The steps that observations fill, in words what is wrong with one of them.
    fn steps(&self, number: usize, observations: &[Observation<'_>]) -> Result<Vec<f64>, String> {
        let mut series = Series::default();
        for observation in observations {
            let time = observation.time;
            let (axis, value) = clock::parse(time)?;
            let value = self.clock.axis.take(axis, value).ok_or_else(|| {
                format!("`{time}` is not a time of these series ({})", self.clock)
            })?;
            series.push(value, observation.value);
        }
        self.after_end(number, &mut series)
            .map_err(|problem| problem.reason)
    }

    fn forecast(&self, number: usize, request: &Request<'_>) -> Answer<'_> {
        let model = &self.model.model;
        let mut forecaster = model.series.get(number);
        let mut end = self.model.ends[number];
        let read;
        let newer = match request.newer {
            Newer::Nothing => Ok(None),
            Newer::Steps(values) => Ok(Some(values)),
            Newer::Refused(reason) => Err(reason.to_owned()),
            Newer::Observations(observations) => match self.steps(number, observations) {
                Ok(values) => {
                    read = values;
                    Ok(Some(&read[..]))
                }
                Err(reason) => Err(reason),
            },
        };
        if let Ok(Some(values)) = newer {
            forecaster.update(values);
            end = self.clock.at(end, values.len() as i64).unwrap_or(end);
        }
        let horizon = request.horizon.unwrap_or(model.horizon);
        let levels: Vec<f64> = request.levels.iter().map(|level| level / 100.0).collect();
        let refused = newer.err();
        let (fan, sound) = match refused {
            Some(_) => (model.naive_fan(&forecaster, horizon, &levels), true),
            None => model.fan(number, &forecaster, horizon, &levels),
        };
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
                "the model does not know it; train again with it",
            )),
        };
        requests.iter().map(answer).collect()
    }
}
