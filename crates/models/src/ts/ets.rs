//! Exponential smoothing as a state-space model of a level, a slope and a season with one source
//! of error (Hyndman, Koehler, Ord and Snyder 2008), by maximum likelihood.
//!
//! Additive and multiplicative errors move the states alike, so that one recursion serves both;
//! they differ in what the likelihood sees: e, or e / μ. Here are the kinds, their states and what
//! a fitted model does; `ets_fit` finds one, `ets_variance` says how sure its forecasts are.

use super::arima::{Forecast, aicc};
use super::dual::Real;
use super::ets_fit::{Fitted, unpack};
use super::likelihood::log_likelihood;
use crate::kernels::math;

pub use super::ets_fit::{Options, Prior};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    None,
    Additive,
    Multiplicative,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    None,
    Additive,
    Damped,
}

/// One model of the family, such as ETS(M,Ad,M).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Whether errors are relative to what was expected.
    pub relative: bool,
    pub trend: Trend,
    pub season: Part,
    /// Steps of a season; 1 where there is none.
    pub period: usize,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let error = if self.relative { "M" } else { "A" };
        let trend = match self.trend {
            Trend::None => "N",
            Trend::Additive => "A",
            Trend::Damped => "Ad",
        };
        let season = match self.season {
            Part::None => "N",
            Part::Additive => "A",
            Part::Multiplicative => "M",
        };
        write!(f, "ETS({error},{trend},{season})")
    }
}

impl Kind {
    pub(super) fn trended(&self) -> bool {
        self.trend != Trend::None
    }

    pub(super) fn seasons(&self) -> usize {
        if self.season == Part::None {
            0
        } else {
            self.period
        }
    }

    /// Smoothing parameters: α, β, γ, φ as far as there are.
    pub fn smoothing(&self) -> usize {
        1 + usize::from(self.trended())
            + usize::from(self.season != Part::None)
            + usize::from(self.trend == Trend::Damped)
    }

    /// All that is estimated but the variance: the last season follows from the others.
    pub fn parameters(&self) -> usize {
        self.smoothing() + 1 + usize::from(self.trended()) + self.seasons().saturating_sub(1)
    }
}

/// Smoothing parameters in the usual region: 0 < β < α < 1, 0 < γ < 1 - α.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothing<T> {
    pub alpha: T,
    pub beta: T,
    pub gamma: T,
    pub phi: T,
}

/// A level, a slope, and the seasons, the coming one first.
#[derive(Clone, Debug, PartialEq)]
pub struct States<T> {
    pub level: T,
    pub slope: T,
    pub seasons: Vec<T>,
    /// Which season comes next.
    pub next: usize,
}

impl<T: Real> States<T> {
    /// What comes next: without and with the season.
    #[inline]
    pub(super) fn expected(&self, kind: &Kind, phi: T) -> (T, T) {
        let base = match kind.trend {
            Trend::None => self.level,
            Trend::Additive => self.level + self.slope,
            Trend::Damped => self.level + phi * self.slope,
        };
        let whole = match kind.season {
            Part::None => base,
            Part::Additive => base + self.seasons[self.next],
            Part::Multiplicative => base * self.seasons[self.next],
        };
        (base, whole)
    }

    /// Moves on by an error; none: by a missing value.
    #[inline]
    pub(super) fn advance(&mut self, kind: &Kind, by: &Smoothing<T>, base: T, error: Option<T>) {
        let damped = match kind.trend {
            Trend::Damped => by.phi * self.slope,
            _ => self.slope,
        };
        self.level = base;
        self.slope = damped;
        if let Some(error) = error {
            let error = match kind.season {
                Part::None => error,
                Part::Additive => {
                    self.seasons[self.next] += by.gamma * error;
                    error
                }
                Part::Multiplicative => {
                    let season = self.seasons[self.next];
                    self.seasons[self.next] += by.gamma * error / base;
                    error / season
                }
            };
            self.level += by.alpha * error;
            if kind.trended() {
                self.slope += by.beta * error;
            }
        }
        if kind.season != Part::None {
            self.next = if self.next + 1 == kind.period {
                0
            } else {
                self.next + 1
            };
        }
    }
}

/// A fitted model and its states after the last value.
#[derive(Clone, Debug)]
pub struct Ets {
    pub kind: Kind,
    pub smoothing: Smoothing<f64>,
    pub states: States<f64>,
    /// Before the first value.
    pub start: States<f64>,
    /// Of the errors, relative ones where the kind says so.
    pub variance: f64,
    pub log_likelihood: f64,
    pub aicc: f64,
    pub observations: usize,
}

impl Ets {
    pub(super) fn finish(fitted: &Fitted, series: &[f64], size: f64, observations: usize) -> Self {
        let kind = fitted.kind;
        let (smoothing, mut start) = unpack(&kind, &fitted.free);
        start.level *= size;
        start.slope *= size;
        if kind.season == Part::Additive {
            start.seasons.iter_mut().for_each(|s| *s *= size);
        }
        let log_likelihood =
            log_likelihood(fitted.squares, observations) - observations as f64 * math::ln(size);
        Self {
            log_likelihood,
            aicc: aicc(log_likelihood, kind.parameters() + 1, observations),
            ..Self::run(kind, smoothing, start, series, kind.parameters())
        }
    }

    /// The model with these parameters and first states, of which `estimated` were estimated, run
    /// over `series`.
    pub(super) fn run(
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

    /// Takes new values in without fitting again, and gives what each was expected to be. NaN is
    /// a missing value.
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

    /// What each value of the series it was fitted to was expected to be.
    pub fn fitted(&self, series: &[f64]) -> Vec<f64> {
        let mut model = self.clone();
        model.states = self.start.clone();
        model.update(series)
    }

    /// The coming `ahead` steps: exact for additive errors, and for relative ones as far as
    /// Hyndman et al. 2008, chapter 6, have a formula (classes 1 to 3).
    pub fn forecast(&self, ahead: usize) -> Forecast {
        let mut states = self.states.clone();
        let mut bases = Vec::with_capacity(ahead);
        let mut mean = Vec::with_capacity(ahead);
        for _ in 0..ahead {
            let (base, expected) = states.expected(&self.kind, self.smoothing.phi);
            states.advance(&self.kind, &self.smoothing, base, None);
            bases.push(base);
            mean.push(expected);
        }
        let deviation = self.variances(&bases, &mean).into_iter();
        Forecast {
            deviation: deviation.map(|v| v.max(0.0).sqrt()).collect(),
            mean,
        }
    }
}
