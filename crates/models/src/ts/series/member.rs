//! One fitted model of a series, of any kind.

use crate::ts::arima::{Arima, Constant};
use crate::ts::ets::Ets;
use crate::ts::forecast::Forecast;
use crate::ts::simple::{Rule, Simple};
use crate::ts::smoothing::ces::Ces;

/// How far bounds may leave the values of a series, in multiples of their range.
const MAX_REACH: f64 = 30.0;

/// A fitted model of one series.
#[derive(Clone, Debug)]
pub enum Member {
    /// See [`crate::ts::arima`].
    Arima(Arima),
    /// See [`crate::ts::ets`].
    Ets(Ets),
    /// Simple exponential smoothing with drift, as an ETS model.
    Theta(Ets),
    /// See [`crate::ts::smoothing::ces`].
    Ces(Ces),
    /// A rule that needs no search.
    Simple(Simple),
}

impl Member {
    /// Means and standard deviations of the next `ahead` steps.
    pub fn forecast(&self, ahead: usize) -> Forecast {
        match self {
            Member::Arima(model) => model.forecast(ahead, &[]),
            Member::Ets(model) | Member::Theta(model) => model.forecast(ahead),
            Member::Ces(model) => model.forecast(ahead),
            Member::Simple(model) => model.forecast(ahead),
        }
    }

    /// Whether its variance, likelihood and next forecasts are finite, and its bounds stay near the values it was
    /// fitted to, `series`; an unbounded likelihood makes the first infinite, an extrapolated burst the second.
    pub(super) fn is_sound(&self, series: &[f64]) -> bool {
        let fitted = match self {
            Member::Arima(model) => [model.variance, model.log_likelihood, model.aicc],
            Member::Ets(model) | Member::Theta(model) => {
                [model.variance, model.log_likelihood, model.aicc]
            }
            Member::Ces(model) => [model.variance; 3],
            Member::Simple(model) => [model.variance; 3],
        };
        let known = series.iter().copied().filter(|y| y.is_finite());
        let (low, high) = known.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| {
            (low.min(y), high.max(y))
        });
        let reach = MAX_REACH * (high - low);
        let forecast = self.forecast(8);
        let near = |(mean, deviation): (&f64, &f64)| {
            mean - 2.0 * deviation >= low - reach && mean + 2.0 * deviation <= high + reach
        };
        fitted.iter().all(|value| value.is_finite())
            && forecast.mean.iter().zip(&forecast.deviation).all(near)
    }

    pub(super) fn update(&mut self, values: &[f64]) {
        match self {
            Member::Arima(model) => model.update(values, &[]),
            Member::Ets(model) | Member::Theta(model) => {
                model.update(values);
            }
            Member::Ces(model) => {
                model.update(values);
            }
            Member::Simple(model) => {
                model.update(values);
            }
        }
    }

    /// The one-step forecast of each value.
    pub(super) fn fitted(&self, series: &[f64]) -> Vec<f64> {
        match self {
            Member::Arima(model) => model.fitted(series, &[]),
            Member::Ets(model) | Member::Theta(model) => model.fitted(series),
            Member::Ces(model) => model.fitted(series),
            Member::Simple(model) => {
                let period = model.last.len();
                (0..series.len())
                    .map(|t| match model.rule {
                        Rule::SeasonalNaive if t >= period => series[t - period],
                        Rule::Drift if t >= 1 => series[t - 1],
                        Rule::Mean => model.sum / model.count,
                        _ => f64::NAN,
                    })
                    .collect()
            }
        }
    }

    /// The family of the model, without its orders.
    pub fn family(&self) -> &'static str {
        match self {
            Member::Arima(_) => "arima",
            Member::Ets(_) => "ets",
            Member::Theta(_) => "theta",
            Member::Ces(_) => "ces",
            Member::Simple(_) => "simple",
        }
    }

    /// The display name of the model: ARIMA(1,0,0), ETS(A,N,N), drift.
    pub fn name(&self) -> String {
        match self {
            Member::Arima(model) => {
                let constant = match model.constant {
                    Constant::None => "",
                    Constant::Mean => " with mean",
                    Constant::Drift => " with drift",
                };
                format!("ARIMA{}{constant}", model.orders)
            }
            Member::Ets(model) => model.kind.to_string(),
            Member::Theta(_) => "theta".to_owned(),
            Member::Ces(_) => "CES".to_owned(),
            Member::Simple(model) => match model.rule {
                Rule::SeasonalNaive if model.last.len() > 1 => "seasonal naive".to_owned(),
                Rule::SeasonalNaive => "naive".to_owned(),
                Rule::Drift => "drift".to_owned(),
                Rule::Mean => "mean".to_owned(),
            },
        }
    }
}
