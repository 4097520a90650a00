//! The theta method (Assimakopoulos and Nikolopoulos 2000) in the form derived by Hyndman and
//! Billah (2003): simple exponential smoothing with a drift of half the slope of a straight line,
//! after classical decomposition removed the season.
//!
//! That is ETS with β = γ = 0, so the fitted model is an ETS model: it forecasts, updates and is
//! saved like any other.

use crate::ts::estimation::dual::Real;
use crate::ts::estimation::least_squares::{Residuals, Stop, minimize};
use crate::ts::ets::{Ets, Kind, Part, Smoothing, States, Trend};
use crate::ts::gaps::filled;
use crate::ts::seasonality::season::Season;

/// A series without its season, and the drift per step.
struct Drifting<'a> {
    series: &'a [f64],
    drift: f64,
}

impl Residuals for Drifting<'_> {
    fn bounds(&self, index: usize) -> (f64, f64) {
        match index {
            0 => (0.05, 0.9999),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// One-step errors; the parameters are α and the initial level.
    fn residuals<T: Real>(&self, parameters: &[T], out: &mut Vec<T>) -> bool {
        let (alpha, mut level) = (parameters[0], parameters[1]);
        for &y in self.series {
            level = level + self.drift;
            if y.is_finite() {
                let error = -level + y;
                level += alpha * error;
                out.push(error);
            }
        }
        true
    }
}

/// Intercept and slope of the straight line through the finite values at 1, 2, ...
fn line(series: &[f64]) -> (f64, f64) {
    let (mut n, mut x, mut y, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (t, value) in series.iter().enumerate().filter(|(_, y)| y.is_finite()) {
        let at = t as f64 + 1.0;
        n += 1.0;
        x += at;
        y += value;
        xx += at * at;
        xy += at * value;
    }
    let spread = xx - x * x / n;
    let slope = if spread > 0.0 {
        (xy - x * y / n) / spread
    } else {
        0.0
    };
    (y / n - slope * x / n, slope)
}

/// Fits the theta method to `series`, with NaN for missing values; `None` with fewer than four
/// values.
pub fn fit(series: &[f64], period: usize) -> Option<Ets> {
    let whole = filled(series)?;
    let observations = series.iter().filter(|y| y.is_finite()).count();
    if observations < 4 {
        return None;
    }
    let season = Season::of(&whole, period);
    let adjusted = season.without(series);
    let (intercept, slope) = line(&adjusted);
    let problem = Drifting {
        series: &adjusted,
        drift: 0.5 * slope,
    };
    let mut at = [0.5, intercept + 0.5 * slope];
    let stop = Stop {
        decrease: 1e-9,
        steps: 50,
    };
    minimize::<2>(&problem, &mut at, stop);
    let kind = Kind {
        relative: false,
        trend: Trend::Additive,
        season: match season.factors {
            _ if season.index.is_empty() => Part::None,
            true => Part::Multiplicative,
            false => Part::Additive,
        },
        period: season.index.len().max(1),
    };
    let smoothing = Smoothing {
        alpha: at[0],
        beta: 0.0,
        gamma: 0.0,
        phi: 1.0,
    };
    let start = States {
        level: at[1],
        slope: 0.5 * slope,
        seasons: season.index,
        next: 0,
    };
    // α, the initial level and the slope.
    Some(Ets::run(kind, smoothing, start, series, 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_on_at_half_its_slope() {
        let y: Vec<f64> = (0..30).map(|t| 50.0 + 2.0 * f64::from(t)).collect();
        let model = fit(&y, 1).unwrap();
        let forecast = model.forecast(2).mean;
        assert!((model.start.slope - 1.0).abs() < 1e-9);
        assert!((forecast[1] - forecast[0] - 1.0).abs() < 1e-9);
        // Smoothing follows the line: α is at its upper bound, the level at the last value.
        assert!((forecast[0] - 109.0).abs() < 0.01, "{forecast:?}");
    }

    #[test]
    fn missing_values_and_short_series() {
        let mut y: Vec<f64> = (0..30).map(|t| 50.0 + 2.0 * f64::from(t)).collect();
        y[10] = f64::NAN;
        assert!((fit(&y, 1).unwrap().start.slope - 1.0).abs() < 1e-9);
        assert!(fit(&[1.0, 2.0, 3.0], 1).is_none());
    }
}
