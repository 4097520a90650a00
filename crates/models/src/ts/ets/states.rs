//! The recursion that updates the states of an ETS model by an error.

use super::kind::{Kind, Part, Trend};
use crate::ts::estimation::dual::Real;

/// Smoothing parameters in the usual region: 0 < β < α < 1, 0 < γ < 1 - α.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothing<T> {
    /// Smoothing of the level.
    pub alpha: T,
    /// Smoothing of the slope.
    pub beta: T,
    /// Smoothing of the season.
    pub gamma: T,
    /// Damping of the slope; 1 for none.
    pub phi: T,
}

/// Level, slope and seasons.
#[derive(Clone, Debug, PartialEq)]
pub struct States<T> {
    /// In units of the series.
    pub level: T,
    /// Change of the level per step.
    pub slope: T,
    /// One per step of the period, additive or multiplicative; empty without a season.
    pub seasons: Vec<T>,
    /// Index of the next season.
    pub next: usize,
}

impl<T: Real> States<T> {
    /// The one-step forecast without and with the season.
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

    /// Advances by one step; `error` is `None` for a missing value.
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
