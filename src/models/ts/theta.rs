//! The theta method (Assimakopoulos and Nikolopoulos 2000) in the form that Hyndman and Billah (2003)
//! found it to have: simple exponential smoothing with a drift of half the slope of a straight
//! line, on what classical decomposition leaves when the season is taken off.
//!
//! That is ETS with β = γ = 0, so that the fitted model is one: it forecasts, updates and is saved
//! as every other.

use super::diagnostics::autocorrelations;
use super::dual::Real;
use super::ets::{Ets, Kind, Part, Smoothing, States, Trend};
use super::least_squares::{Residuals, Stop, minimize};
use super::likelihood::filled;

/// A series without its season, and the drift a step.
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

    /// Errors one step ahead; the parameters are α and the first level.
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

/// Whether the autocorrelation at the season is beyond its 90 % limits, as the M competitions test it.
fn seasonal(series: &[f64], period: usize) -> bool {
    if period < 2 || series.len() < 3 * period {
        return false;
    }
    let acf = autocorrelations(series, period);
    let before: f64 = acf[..period - 1].iter().map(|r| r * r).sum();
    acf[period - 1].abs() > 1.645 * ((1.0 + 2.0 * before) / series.len() as f64).sqrt()
}

/// Classical indices: the mean ratio (or distance) to a centred moving average of one period.
fn indices(series: &[f64], period: usize, ratios: bool) -> Option<Vec<f64>> {
    let even = period.is_multiple_of(2);
    let window = if even { period + 1 } else { period };
    let (mut sums, mut counts) = (vec![0.0; period], vec![0.0; period]);
    for (start, values) in series.windows(window).enumerate() {
        let inner: f64 = values.iter().sum();
        let ends = if even {
            0.5 * (values[0] + values[window - 1])
        } else {
            0.0
        };
        let trend = (inner - ends) / period as f64;
        let t = start + window / 2;
        sums[t % period] += if ratios {
            series[t] / trend
        } else {
            series[t] - trend
        };
        counts[t % period] += 1.0;
    }
    let mut index: Vec<f64> = sums
        .iter()
        .zip(&counts)
        .map(|(sum, count)| sum / count)
        .collect();
    let mean = index.iter().sum::<f64>() / period as f64;
    for value in &mut index {
        *value = if ratios { *value / mean } else { *value - mean };
    }
    let sound = |value: &f64| value.is_finite() && (!ratios || *value > 0.01);
    index.iter().all(sound).then_some(index)
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

/// Fits to `series`, NaN where a value is missing; none with fewer than four values.
pub fn fit(series: &[f64], period: usize) -> Option<Ets> {
    let whole = filled(series)?;
    let observations = series.iter().filter(|y| y.is_finite()).count();
    if observations < 4 {
        return None;
    }
    let positive = whole.iter().all(|y| *y > 0.0);
    let index = seasonal(&whole, period)
        .then(|| indices(&whole, period, positive))
        .flatten();
    let adjusted: Vec<f64> = match &index {
        None => series.to_vec(),
        Some(index) => (series.iter().enumerate())
            .map(|(t, y)| match positive {
                true => y / index[t % period],
                false => y - index[t % period],
            })
            .collect(),
    };
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
        season: match (&index, positive) {
            (None, _) => Part::None,
            (_, true) => Part::Multiplicative,
            _ => Part::Additive,
        },
        period: if index.is_some() { period } else { 1 },
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
        seasons: index.unwrap_or_default(),
        next: 0,
    };
    // α, the first level and the slope.
    Some(Ets::run(kind, smoothing, start, series, 3))
}
