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

/// σ² of the coming steps, of which `mean` is expected and `bases` without the season; `variance` is that
/// of the errors.
pub(super) fn variances(
    kind: &Kind,
    smoothing: &Smoothing<f64>,
    variance: f64,
    bases: &[f64],
    mean: &[f64],
) -> Vec<f64> {
    let ahead = mean.len();
    let own_season = kind.season == Part::Multiplicative;
    let c = weights(kind, smoothing, ahead, kind.season == Part::Additive);
    if !kind.relative && !own_season {
        let mut sum = 1.0;
        return (0..ahead)
            .map(|h| {
                if h > 0 {
                    sum += c[h - 1] * c[h - 1];
                }
                variance * sum
            })
            .collect();
    }
    // θ_h = μ_h² + σ² Σ c_j² θ_{h-j}; the season multiplies what it leaves.
    let centre = if own_season { bases } else { mean };
    let relative = match kind.relative {
        true => variance,
        false => {
            let size = centre[0].abs().max(f64::MIN_POSITIVE);
            variance / (size * size)
        }
    };
    let mut theta: Vec<f64> = Vec::with_capacity(ahead);
    for h in 0..ahead {
        let past: f64 = (0..h).map(|j| c[j] * c[j] * theta[h - 1 - j]).sum();
        theta.push(centre[h] * centre[h] + relative * past);
    }
    let gamma = smoothing.gamma;
    // Once more after every round of the season: a product, not a power, whose rounding differs
    // between machines.
    let mut wider = 1.0;
    (0..ahead)
        .map(|h| {
            if h > 0 && h.is_multiple_of(kind.period) {
                wider *= 1.0 + gamma * gamma * relative;
            }
            let whole = (1.0 + relative) * theta[h];
            if !own_season {
                return whole - mean[h] * mean[h];
            }
            let season = if bases[h] == 0.0 {
                1.0
            } else {
                mean[h] / bases[h]
            };
            season * season * (whole * wider - bases[h] * bases[h])
        })
        .collect()
}
