//! A fitted ETS model: updates by new values, and forecasts.

use super::kind::{Kind, Part};
use super::states::{Smoothing, States};
use super::variance;
use crate::ts::estimation::criteria::{aicc, log_likelihood};
use crate::ts::forecast::Forecast;

/// A fitted model and its states after the last value.
#[derive(Clone, Debug)]
pub struct Ets {
    /// The member of the family.
    pub kind: Kind,
    /// α, β, γ and φ.
    pub smoothing: Smoothing<f64>,
    /// States after the last value.
    pub states: States<f64>,
    /// States before the first value.
    pub start: States<f64>,
    /// Variance of the errors, which are relative if [`Kind::relative`] is set.
    pub variance: f64,
    /// ln L at its maximum.
    pub log_likelihood: f64,
    /// AICc, see [`aicc`].
    pub aicc: f64,
    /// Number of observed values.
    pub observations: usize,
}

impl Ets {
    /// Builds the model with these parameters and initial states, of which `estimated` were
    /// estimated, by running it over `series`.
    pub(in crate::ts) fn run(
        kind: Kind,
        smoothing: Smoothing<f64>,
        start: States<f64>,
        series: &[f64],
        estimated: usize,
    ) -> Self {
        let mut model = Self {
            kind,
            smoothing,
            states: start.clone(),
            start,
            variance: 0.0,
            log_likelihood: f64::NAN,
            aicc: f64::NAN,
            observations: 0,
        };
        let expected = model.update(series);
        let mut squares = 0.0;
        for (y, mu) in (series.iter().zip(&expected)).filter(|(y, _)| y.is_finite()) {
            let error = if kind.relative { (y - mu) / mu } else { y - mu };
            squares += error * error;
            model.observations += 1;
        }
        model.log_likelihood = log_likelihood(squares, model.observations);
        model.aicc = aicc(model.log_likelihood, estimated + 1, model.observations);
        model.variance = squares / model.observations.saturating_sub(estimated).max(1) as f64;
        model
    }

    /// Updates the states with new values, keeping the parameters, and returns the one-step
    /// forecast of each. NaN is a missing value.
    pub fn update(&mut self, values: &[f64]) -> Vec<f64> {
        let Self {
            kind,
            smoothing,
            states,
            ..
        } = self;
        values
            .iter()
            .map(|y| {
                let (base, expected) = states.expected(kind, smoothing.phi);
                let error = y.is_finite().then(|| y - expected);
                states.advance(kind, smoothing, base, error);
                expected
            })
            .collect()
    }

    /// One-step forecasts of each value of the training series.
    pub fn fitted(&self, series: &[f64]) -> Vec<f64> {
        let mut model = self.clone();
        model.states = self.start.clone();
        model.update(series)
    }

    /// Means and standard deviations of the coming `ahead` steps: exact for additive errors, and for relative ones as far as
    /// Hyndman et al. 2008, chapter 6, have a formula (classes 1 to 3).
    pub fn forecast(&self, ahead: usize) -> Forecast {
        let mut states = self.states.clone();
        let (mut bases, mut factors) = (Vec::with_capacity(ahead), Vec::with_capacity(ahead));
        let mut mean = Vec::with_capacity(ahead);
        for _ in 0..ahead {
            let (base, expected) = states.expected(&self.kind, self.smoothing.phi);
            factors.push(match self.kind.season {
                Part::Multiplicative => states.seasons[states.next],
                _ => 1.0,
            });
            states.advance(&self.kind, &self.smoothing, base, None);
            bases.push(base);
            mean.push(expected);
        }
        let coming = variance::Coming {
            mean: &mean,
            bases: &bases,
            factors: &factors,
        };
        let deviation = coming.variances(&self.kind, &self.smoothing, self.variance);
        Forecast {
            deviation: deviation.into_iter().map(|v| v.max(0.0).sqrt()).collect(),
            mean,
        }
    }
}
