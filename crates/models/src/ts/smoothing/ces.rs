//! Complex exponential smoothing (Svetunkov, Kourentzes and Ord 2022): a level and an "information
//! potential" that evolve like the two parts of a complex number. Depending on its two parameters
//! it covers everything between a level and a trend, without a choice among kinds.
//!
//! Applied to the series after classical decomposition removed the season. The initial states are
//! found by running over the series forwards, backwards and forwards again.

use crate::ts::estimation::dual::Real;
use crate::ts::estimation::least_squares::{Residuals, Stop, minimize};
use crate::ts::forecast::Forecast;
use crate::ts::seasonality::interpolation::interpolated;
use crate::ts::seasonality::season::Season;

/// Bounds of the real and imaginary part of the smoothing parameter.
const BOUNDS: [(f64, f64); 2] = [(0.01, 1.8), (0.01, 1.9)];

/// A level and its potential.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State<T> {
    /// Real part of the state.
    pub level: T,
    /// Imaginary part of the state: the information potential.
    pub potential: T,
}

impl<T: Real> State<T> {
    /// Advances by an error e: l' = l - (1 - α₁) c + (α₀ - α₁) e, c' = l + (1 - α₀) c + (α₀ + α₁)
    /// e.
    fn advance(&mut self, [a, b]: [T; 2], error: T) {
        let Self { level, potential } = *self;
        self.level = level - (-b + 1.0) * potential + (a - b) * error;
        self.potential = level + (-a + 1.0) * potential + (a + b) * error;
    }
}

/// A fitted model and its state after the last value.
#[derive(Clone, Debug)]
pub struct Ces {
    /// α₀ and α₁.
    pub smoothing: [f64; 2],
    /// State before the first value.
    pub start: State<f64>,
    /// State after the last value.
    pub state: State<f64>,
    /// The season, removed before fitting and added back to forecasts.
    pub season: Season,
    /// Variance of the one-step errors of the series without its season.
    pub variance: f64,
}

/// A series without its season and without gaps.
struct Problem<'a> {
    series: &'a [f64],
    first: f64,
}

impl Problem<'_> {
    /// Forecasts may grow by a tenth per step, and by e³ over as many steps as the series has.
    fn most_growth(&self) -> f64 {
        (1.0 + 3.0 / self.series.len() as f64).min(1.1)
    }

    /// The initial state by backcasting.
    fn start<T: Real>(&self, by: [T; 2]) -> State<T> {
        let mut state = State {
            level: T::of(self.first),
            potential: T::of(self.first / 1.1),
        };
        for &y in self.series {
            let error = -state.level + y;
            state.advance(by, error);
        }
        for &y in self.series.iter().rev() {
            let error = -state.level + y;
            state.advance(by, error);
        }
        state
    }
}

/// Long-run growth of forecasts per step: the spectral radius of (1, α₁ - 1; 1, 1 - α₀).
fn growth([a, b]: [f64; 2]) -> f64 {
    let (half, product) = (1.0 - 0.5 * a, 2.0 - a - b);
    let square = half * half - product;
    match square >= 0.0 {
        true => half.abs() + square.sqrt(),
        false => product.sqrt(),
    }
}

impl Residuals for Problem<'_> {
    fn bounds(&self, index: usize) -> (f64, f64) {
        BOUNDS[index]
    }

    fn residuals<T: Real>(&self, parameters: &[T], out: &mut Vec<T>) -> bool {
        let by = [parameters[0], parameters[1]];
        if growth([by[0].value(), by[1].value()]) > self.most_growth() {
            return false;
        }
        let mut state = self.start(by);
        for &y in self.series {
            let error = -state.level + y;
            out.push(error);
            state.advance(by, error);
        }
        out.iter().all(|e| e.value().abs() < 1e100)
    }
}

/// Fits CES to `series`, with NaN for missing values; `None` with fewer than five values.
pub fn fit(series: &[f64], period: usize) -> Option<Ces> {
    let whole = interpolated(series, &[period])?;
    if series.iter().filter(|y| y.is_finite()).count() < 5 {
        return None;
    }
    let season = Season::of(&whole, period);
    let adjusted = season.without(&whole);
    let head = &adjusted[..adjusted.len().min(10)];
    let first = head.iter().sum::<f64>() / head.len() as f64;
    let problem = Problem {
        series: &adjusted,
        first,
    };
    let mut at = [1.3, 1.0];
    let stop = Stop {
        decrease: 1e-8,
        steps: 50,
    };
    let squares = minimize::<2>(&problem, &mut at, stop);
    let start = problem.start(at);
    let mut model = Ces {
        smoothing: at,
        start,
        state: start,
        season,
        variance: squares / (adjusted.len() as f64 - 4.0).max(1.0),
    };
    model.update(series);
    Some(model)
}

impl Ces {
    /// Updates the state with new values and returns the one-step forecast of each. NaN is a
    /// missing value.
    pub fn update(&mut self, values: &[f64]) -> Vec<f64> {
        let mut expected = Vec::with_capacity(values.len());
        for &y in values {
            expected.push(self.season.with(self.state.level, 0));
            let error = self.season.off(y) - self.state.level;
            let error = if error.is_finite() { error } else { 0.0 };
            self.state.advance(self.smoothing, error);
            self.season.advance();
        }
        expected
    }

    /// One-step forecasts of each value of the training series.
    pub fn fitted(&self, series: &[f64]) -> Vec<f64> {
        let mut model = self.clone();
        model.state = self.start;
        // The series started with the first index.
        model.season.next = 0;
        model.update(series)
    }

    /// Means and standard deviations of the next `ahead` steps.
    pub fn forecast(&self, ahead: usize) -> Forecast {
        let mut forecast = Forecast::default();
        let mut state = self.state;
        let mut effect = State {
            level: 0.0,
            potential: 0.0,
        };
        let mut sum = 1.0;
        for h in 0..ahead {
            forecast.mean.push(self.season.with(state.level, h));
            state.advance(self.smoothing, 0.0);
            let deviation = (self.variance * sum).sqrt();
            forecast.deviation.push(self.season.widened(deviation, h));
            effect.advance(self.smoothing, if h == 0 { 1.0 } else { 0.0 });
            sum += effect.level * effect.level;
        }
        forecast
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(smoothing: [f64; 2]) -> Ces {
        let state = State {
            level: 10.0,
            potential: 4.0,
        };
        Ces {
            smoothing,
            start: state,
            state,
            season: Season::default(),
            variance: 4.0,
        }
    }

    #[test]
    fn a_step_by_hand() {
        // α = 1.5 + 0.5 i, e = 12 - 10: l = 10 - 0.5·4 + 1·2, c = 10 - 0.5·4 + 2·2.
        let mut ces = model([1.5, 0.5]);
        assert_eq!(ces.update(&[12.0]), [10.0]);
        assert_eq!((ces.state.level, ces.state.potential), (10.0, 12.0));
    }

    #[test]
    fn with_an_imaginary_part_of_one_forecasts_are_level() {
        // α = 1.5 + i: l does not depend on c, and half of an error stays in it.
        let forecast = model([1.5, 1.0]).forecast(3);
        assert_eq!(forecast.mean, [10.0; 3]);
        for (h, d) in forecast.deviation.iter().enumerate() {
            assert!((d * d - 4.0 * (1.0 + 0.25 * h as f64)).abs() < 1e-12);
        }
    }

    #[test]
    fn growth_is_the_greatest_root() {
        // λ² - 0.5 λ - 0.5 = 0 at 1; λ² - λ + 0.5 = 0 at (1 ± i) / 2.
        assert!((growth([1.5, 1.0]) - 1.0).abs() < 1e-12);
        assert!((growth([1.0, 0.5]) - 0.5f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_season_comes_back() {
        let factors = [0.5, 1.0, 1.5, 1.0];
        let y: Vec<f64> = (0..40).map(|t| 100.0 * factors[t % 4]).collect();
        let forecast = fit(&y, 4).unwrap().forecast(4);
        for (got, want) in forecast.mean.iter().zip(factors) {
            assert!((got - 100.0 * want).abs() < 0.5, "{got}");
        }
        assert!(fit(&y[..4], 1).is_none());
    }
}
