//! The theta method (Assimakopoulos and Nikolopoulos 2000) in its optimised and dynamic forms (Fiorucci,
//! Pellegrini, Louzada, Petropoulos and Koehler 2016), after classical decomposition removed the season.
//!
//! A forecast is simple exponential smoothing plus a share of a straight line: half of its slope in the standard
//! form, any share between none and all of it in the optimised one. In the dynamic forms the line is that of the
//! values before each step, so that the share is judged by lines that knew nothing of later values. The forecast is
//! the mean of the dynamic optimised form and of the one of all four with the least squares: the first alone is best
//! on most sets, the second where slopes last, and their mean nearly as good as the better one everywhere (three
//! rolling origins of the training parts of the M3, tourism, hourly and weekly M4 series).
//!
//! Behind the last value every form is ETS with β = γ = 0 (Hyndman and Billah 2003 for the standard form), and so is
//! the mean of two but for a smoothing parameter that lies between theirs. The fitted model is therefore an ETS model:
//! it forecasts, updates and is saved like any other.

use crate::ts::estimation::dual::Real;
use crate::ts::estimation::least_squares::{Residuals, Stop, minimize};
use crate::ts::ets::{Ets, Kind, Part, Smoothing, States, Trend};
use crate::ts::gaps::filled;
use crate::ts::seasonality::interpolation::interpolated;
use crate::ts::seasonality::season::Season;

const ALPHA: (f64, f64) = (0.02, 0.9999);

/// The first errors depend on the initial level and on lines through one or two values more than on the model.
/// They count for a hundredth, which determines the level where nothing else does.
const FIRST: usize = 3;
const WEIGHT_OF_FIRST: f64 = 0.1;

/// A straight line over steps 1, 2, ...: its value at 0 and its slope.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Line {
    intercept: f64,
    slope: f64,
}

/// One form of the method for a series without its season.
struct Form<'a> {
    series: &'a [f64],
    /// The line that each step knows.
    lines: &'a [Line],
    /// The share of the line, if it is not estimated.
    share: Option<f64>,
}

impl Residuals for Form<'_> {
    fn bounds(&self, index: usize) -> (f64, f64) {
        match index {
            0 => ALPHA,
            1 => (f64::NEG_INFINITY, f64::INFINITY),
            _ => (0.0, 1.0),
        }
    }

    /// One-step errors; the parameters are α, the initial level and the share of the line.
    fn residuals<T: Real>(&self, parameters: &[T], out: &mut Vec<T>) -> bool {
        let (alpha, mut level) = (parameters[0], parameters[1]);
        let share = match self.share {
            Some(share) => T::of(share),
            None => parameters[2],
        };
        let left = -alpha + 1.0;
        // (1 - α)^t
        let mut power = T::of(1.0);
        for (t, (&y, line)) in self.series.iter().zip(self.lines).enumerate() {
            let slope = (-(power * left) + 1.0) / alpha * line.slope;
            let along = share * (power * line.intercept + slope);
            // A missing value is taken as expected.
            let mut error = along;
            if y.is_finite() {
                error = -level + y;
                let weight = if t < FIRST { WEIGHT_OF_FIRST } else { 1.0 };
                out.push((error - along) * weight);
            }
            level += alpha * error;
            power = power * left;
        }
        true
    }
}

/// The straight lines through the first 0, 1, ... values of `series`, one more than there are values.
fn lines(series: &[f64]) -> Vec<Line> {
    let (mut mean, mut slope) = (0.0, 0.0);
    let mut lines = vec![Line::default()];
    for (before, y) in series.iter().enumerate() {
        let n = before as f64 + 1.0;
        if before > 0 {
            // Fiorucci et al., equation 16.
            slope = ((n - 2.0) * slope + 6.0 / n * (y - mean)) / (n + 1.0);
        }
        mean += (y - mean) / n;
        lines.push(Line {
            intercept: mean - slope * (n + 1.0) / 2.0,
            slope,
        });
    }
    lines
}

/// Fits the theta method to `series`, with NaN for missing values; `None` with fewer than four
/// values.
pub fn fit(series: &[f64], period: usize) -> Option<Ets> {
    let whole = interpolated(series, &[period])?;
    let observations = series.iter().filter(|y| y.is_finite()).count();
    if observations < 4 {
        return None;
    }
    let season = Season::of(&whole, period);
    let adjusted = season.without(series);
    let mean = Fitted::mean_of(&adjusted)?;
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
    let start = States {
        level: mean.start,
        slope: mean.drift,
        seasons: season.index,
        next: 0,
    };
    let smoothing = Smoothing {
        alpha: mean.alpha,
        beta: 0.0,
        gamma: 0.0,
        phi: 1.0,
    };
    // α, the initial level and the share of the slope.
    let mut model = Ets::run(kind, smoothing, start, series, 3);
    model.states.level = mean.level;
    model.variance = variance(series, &model.fitted(series));
    Some(model)
}

/// Variance of the errors behind the first ones.
fn variance(series: &[f64], fitted: &[f64]) -> f64 {
    let errors = series.iter().zip(fitted).skip(FIRST).map(|(y, mu)| y - mu);
    let known = errors.filter(|error| error.is_finite());
    let (squares, count) = known.fold((0.0, 0.0), |(sum, count), e| (sum + e * e, count + 1.0));
    squares / f64::max(count - 3.0, 1.0)
}

/// One form at its least squares, or the mean of two, as smoothing with a constant drift.
#[derive(Clone, Copy, Debug)]
struct Fitted {
    squares: f64,
    alpha: f64,
    /// Level before the first value and behind the last one.
    start: f64,
    level: f64,
    drift: f64,
}

impl Fitted {
    /// The mean of the dynamic optimised form and of the best one of all.
    fn mean_of(adjusted: &[f64]) -> Option<Self> {
        let whole = filled(adjusted)?;
        let dynamic = lines(&whole);
        let fixed = vec![*dynamic.last()?; whole.len()];
        let form = |lines, share| Form {
            series: adjusted,
            lines,
            share,
        };
        let known = form(&fixed, Some(0.5)).fit(&whole)?;
        let one = form(&dynamic, None).fit(&whole).unwrap_or(known);
        let others = [form(&fixed, None), form(&dynamic, Some(0.5))];
        let all = (others.iter().filter_map(|form| form.fit(&whole))).chain([known, one]);
        let other = all.min_by(|a, b| a.squares.total_cmp(&b.squares))?;
        let mean = |of: fn(&Self) -> f64| 0.5 * (of(&one) + of(&other));
        Some(Self {
            squares: mean(|form| form.squares),
            alpha: mean(|form| form.alpha),
            start: mean(|form| form.start),
            level: mean(|form| form.level),
            drift: mean(|form| form.drift),
        })
    }
}

impl Form<'_> {
    /// The least squares of this form; `whole` is the series without gaps. `None` if there are none.
    fn fit(&self, whole: &[f64]) -> Option<Fitted> {
        let last = lines(whole).last().copied()?;
        let mut at = [0.5, whole[0] - 0.5 * last.intercept, 0.5];
        let stop = Stop {
            decrease: 1e-9,
            steps: 50,
        };
        let free = if self.share.is_some() { 2 } else { 3 };
        let squares = minimize::<3>(self, &mut at[..free], stop);
        let [alpha, level, share] = [at[0], at[1], self.share.unwrap_or(at[2])];
        // From this level smoothing with a constant drift arrives at the forecast of the form behind the last value:
        // both are the same sum of the values plus (1 - α)^n of what they started from.
        let start = level + share * last.intercept;
        let drift = share * last.slope;
        let level = self.series.iter().fold(start, |level, y| {
            let expected = level + drift;
            let error = y - expected;
            expected + alpha * if error.is_finite() { error } else { 0.0 }
        });
        squares.is_finite().then_some(Fitted {
            squares,
            alpha,
            start,
            level,
            drift,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_on_and_the_standard_form_takes_half_its_slope() {
        let y: Vec<f64> = (0..30).map(|t| 50.0 + 2.0 * f64::from(t)).collect();
        let model = fit(&y, 1).unwrap();
        let forecast = model.forecast(2).mean;
        // Lines through the values before a step forecast it without an error: the whole slope.
        assert!((model.start.slope - 2.0).abs() < 1e-3, "{model:?}");
        assert!((forecast[0] - 110.0).abs() < 1e-3 && (forecast[1] - 112.0).abs() < 1e-3);
        let last = *lines(&y).last().unwrap();
        let fixed = vec![last; y.len()];
        let standard = Form {
            series: &y,
            lines: &fixed,
            share: Some(0.5),
        };
        let standard = standard.fit(&y).unwrap();
        assert!((standard.drift - 1.0).abs() < 1e-9);
        // Smoothing follows the line: α is at its upper bound, the level at the last value.
        assert!((standard.level - 108.0).abs() < 0.01, "{standard:?}");
    }

    #[test]
    fn noise_around_a_level_has_no_drift_to_speak_of() {
        let y: Vec<f64> = (0..60)
            .map(|t| 100.0 + 5.0 * libm::sin(f64::from(t * t) * 0.7))
            .collect();
        let forecast = fit(&y, 1).unwrap().forecast(20).mean;
        assert!(
            forecast.iter().all(|mean| (mean - 100.0).abs() < 3.0),
            "{forecast:?}"
        );
    }

    #[test]
    fn lines_are_those_of_least_squares() {
        let y = [3.0, 5.0, 4.0, 9.0];
        let all = lines(&y);
        assert_eq!(
            all[..2],
            [
                Line::default(),
                Line {
                    intercept: 3.0,
                    slope: 0.0
                }
            ]
        );
        // Through (1, 3), (2, 5), (3, 4), (4, 9): the mean is 5.25, the slope 8.5 / 5.
        let last = all[4];
        assert!((last.slope - 1.7).abs() < 1e-12 && (last.intercept - 1.0).abs() < 1e-12);
    }

    /// The errors of the fitted model behind the last value are those of the form: a form is smoothing with a
    /// constant drift.
    #[test]
    fn the_level_behind_the_last_value_is_that_of_the_recursion() {
        let y = [
            112.0, 118.0, 132.0, 129.0, 121.0, 135.0, 148.0, 148.0, 136.0, 119.0,
        ];
        let dynamic = lines(&y);
        let form = Form {
            series: &y,
            lines: &dynamic,
            share: None,
        };
        let fitted = form.fit(&y).unwrap();
        // Fiorucci et al., equation 12, one step behind the last value.
        let (alpha, last) = (fitted.alpha, dynamic[y.len()]);
        let share = fitted.drift / last.slope;
        let mut level = fitted.start - share * last.intercept;
        let mut power = 1.0;
        for value in y {
            level += alpha * (value - level);
            power *= 1.0 - alpha;
        }
        let along = power * last.intercept + (1.0 - power * (1.0 - alpha)) / alpha * last.slope;
        let want = level + share * along;
        assert!((fitted.level + fitted.drift - want).abs() < 1e-9);
    }

    #[test]
    fn missing_values_and_short_series() {
        let mut y: Vec<f64> = (0..30).map(|t| 50.0 + 2.0 * f64::from(t)).collect();
        y[10] = f64::NAN;
        assert!((fit(&y, 1).unwrap().start.slope - 2.0).abs() < 1e-3);
        assert!(fit(&[1.0, 2.0, 3.0], 1).is_none());
    }
}
