//! Variances of ETS forecasts: exact for additive errors, and for relative ones as far as Hyndman,
//! Koehler, Ord and Snyder 2008, chapter 6, have a formula (classes 1 to 3).

use super::kind::{Kind, Part, Trend};
use super::states::Smoothing;

/// c_j: how much of an error is left in the level j steps later.
fn weights(kind: &Kind, smoothing: &Smoothing<f64>, ahead: usize, seasonal: bool) -> Vec<f64> {
    let Smoothing {
        alpha,
        beta,
        gamma,
        phi,
    } = *smoothing;
    let (mut sum, mut power) = (0.0, 1.0);
    (1..=ahead)
        .map(|j| {
            if kind.trend == Trend::Damped {
                power *= phi;
            }
            sum += power;
            let slope = if kind.trended() { beta * sum } else { 0.0 };
            let season = seasonal && j.is_multiple_of(kind.period);
            alpha + slope + if season { gamma } else { 0.0 }
        })
        .collect()
}

/// What is expected of the coming steps.
pub(super) struct Coming<'a> {
    /// With the season.
    pub mean: &'a [f64],
    /// Without the season.
    pub bases: &'a [f64],
    /// What a multiplicative season multiplies the bases with; otherwise 1.
    pub factors: &'a [f64],
}

impl Coming<'_> {
    /// σ² of each step; `variance` is that of the errors.
    pub fn variances(&self, kind: &Kind, smoothing: &Smoothing<f64>, variance: f64) -> Vec<f64> {
        match (kind.relative, kind.season) {
            (false, Part::Multiplicative) => self.of_scaled_errors(smoothing.alpha, variance),
            (false, _) => {
                let c = weights(
                    kind,
                    smoothing,
                    self.mean.len(),
                    kind.season == Part::Additive,
                );
                let grown = c.iter().scan(1.0, |sum, c| {
                    let now = *sum;
                    *sum += c * c;
                    Some(variance * now)
                });
                grown.collect()
            }
            (true, _) => self.of_relative_errors(kind, smoothing, variance),
        }
    }

    /// Additive errors ε under seasonal factors s move the level by α ε / s, so that
    /// σ²_h = σ² (1 + s_h² Σ_{j<h} (α / s_j)²). Exact for the theta method, the only model of this form here: its
    /// slope and its season stay as they are (β = γ = 0).
    fn of_scaled_errors(&self, alpha: f64, variance: f64) -> Vec<f64> {
        let grown = self.factors.iter().scan(0.0, |moved, factor| {
            let now = variance * (1.0 + factor * factor * *moved);
            let step = alpha / factor;
            *moved += step * step;
            Some(now)
        });
        grown.collect()
    }

    /// Relative errors: θ_h = μ_h² + σ² Σ c_j² θ_{h-j}; the season multiplies what it leaves.
    fn of_relative_errors(
        &self,
        kind: &Kind,
        smoothing: &Smoothing<f64>,
        variance: f64,
    ) -> Vec<f64> {
        let (mean, bases) = (self.mean, self.bases);
        let ahead = mean.len();
        let own_season = kind.season == Part::Multiplicative;
        let c = weights(kind, smoothing, ahead, kind.season == Part::Additive);
        let centre = if own_season { bases } else { mean };
        let mut theta: Vec<f64> = Vec::with_capacity(ahead);
        for h in 0..ahead {
            let past: f64 = (0..h).map(|j| c[j] * c[j] * theta[h - 1 - j]).sum();
            theta.push(centre[h] * centre[h] + variance * past);
        }
        let gamma = smoothing.gamma;
        // Once more after every round of the season: a product, not a power, whose rounding differs
        // between machines.
        let mut wider = 1.0;
        (0..ahead)
            .map(|h| {
                if h > 0 && h.is_multiple_of(kind.period) {
                    wider *= 1.0 + gamma * gamma * variance;
                }
                let whole = (1.0 + variance) * theta[h];
                if !own_season {
                    return whole - mean[h] * mean[h];
                }
                self.factors[h] * self.factors[h] * (whole * wider - bases[h] * bases[h])
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The theta method on a season of factors 2 and 1/2: with α = 1/2 an error of the first step is a quarter of
    /// it in the level, an eighth in the second step; one of the second step is a whole one in the level, two in
    /// the third.
    #[test]
    fn scaled_errors_are_those_of_a_linear_recursion() {
        let kind = Kind {
            relative: false,
            trend: Trend::Additive,
            season: Part::Multiplicative,
            period: 2,
        };
        let smoothing = Smoothing {
            alpha: 0.5,
            beta: 0.0,
            gamma: 0.0,
            phi: 1.0,
        };
        let coming = Coming {
            // A level near zero, which the variances do not depend on.
            mean: &[2e-9, 5e-10, 2e-9],
            bases: &[1e-9; 3],
            factors: &[2.0, 0.5, 2.0],
        };
        let variances = coming.variances(&kind, &smoothing, 4.0);
        let second = 4.0 * (1.0 + 0.125 * 0.125);
        let third = 4.0 * (1.0 + 0.5 * 0.5 + 2.0 * 2.0);
        assert_eq!(variances, [4.0, second, third]);
    }
}
