//! Removes long seasons from a series before it is modelled, since no model has hundreds of states.
//!
//! Several seasons are estimated by STL in turn. A forecast repeats the last cycle of each, added
//! to the forecast of the models or, if the amplitude of a season grows with the level, multiplied
//! with it.

use super::stl;
use crate::kernels::math;

/// The last cycle of each season, starting from the next step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cycles {
    /// One pattern per season, as long as its period.
    pub patterns: Vec<Vec<f64>>,
    /// Whether patterns are multiplicative, with 1 for no season; otherwise they are additive.
    pub factors: bool,
}

/// A decomposition with its seasons on the scale of the series.
struct Candidate {
    seasons: Vec<Vec<f64>>,
    /// Mean square of the remainder, in units of the series.
    rest: f64,
}

/// Window of the smoother over the cycles of season number `index`: the shortest season may change
/// within a few cycles, the others, with few cycles, are constant. Chosen at rolling origins of the
/// training split of hourly M4 series.
fn window(index: usize) -> usize {
    if index == 0 { 9 } else { 101 }
}

fn added(series: &[f64], periods: &[usize]) -> Candidate {
    let parts = stl::decompose(series, periods, window);
    let squares: f64 = parts.remainder.iter().map(|r| r * r).sum();
    Candidate {
        rest: squares / series.len() as f64,
        seasons: parts.seasons,
    }
}

/// Like [`Candidate::added`], on logarithms.
fn multiplied(series: &[f64], periods: &[usize]) -> Candidate {
    let logs: Vec<f64> = series.iter().map(|y| math::ln(*y)).collect();
    let parts = stl::decompose(&logs, periods, window);
    let errors = (series.iter().zip(&logs).zip(&parts.remainder))
        .map(|((y, log), rest)| y - math::exp(log - rest));
    let squares: f64 = errors.map(|e| e * e).sum();
    let factors = |season: &Vec<f64>| season.iter().map(|s| math::exp(*s)).collect();
    Candidate {
        rest: squares / series.len() as f64,
        seasons: parts.seasons.iter().map(factors).collect(),
    }
}

impl Cycles {
    /// Removes seasons of `periods` steps from `series` (NaN for missing values; `whole` is the
    /// series without gaps). Returns the cycles and the remainder.
    ///
    /// Patterns are multiplicative if that leaves a smaller remainder, in units of the series, and all
    /// values are positive.
    pub fn take_off(series: &[f64], whole: &[f64], periods: &[usize]) -> (Self, Vec<f64>) {
        let mut chosen = added(whole, periods);
        let mut factors = false;
        if whole.iter().all(|y| *y > 0.0) {
            let other = multiplied(whole, periods);
            if other.rest < chosen.rest {
                (chosen, factors) = (other, true);
            }
        }
        let left = (0..series.len()).map(|t| {
            let values = chosen.seasons.iter().map(|season| season[t]);
            match factors {
                true => series[t] / values.product::<f64>(),
                false => series[t] - values.sum::<f64>(),
            }
        });
        let adjusted = left.collect();
        let patterns = (chosen.seasons.iter().zip(periods))
            .map(|(season, &period)| season[season.len() - period..].to_vec())
            .collect();
        (Self { patterns, factors }, adjusted)
    }

    fn combined(&self, step: impl Fn(usize) -> usize) -> f64 {
        let values = self.patterns.iter().map(|p| p[step(p.len())]);
        match self.factors {
            true => values.product(),
            false => values.sum(),
        }
    }

    /// The season `step` steps after the next one.
    pub fn ahead(&self, step: usize) -> f64 {
        self.combined(|period| step % period)
    }

    /// Removes `season` from `value`.
    pub fn without(&self, value: f64, season: f64) -> f64 {
        match self.factors {
            true => value / season,
            false => value - season,
        }
    }

    /// Applies `season` to `value`.
    pub fn with(&self, value: f64, season: f64) -> f64 {
        match self.factors {
            true => value * season,
            false => value + season,
        }
    }

    /// `deviation`, scaled by `season` if patterns are multiplicative.
    pub fn widened(&self, deviation: f64, season: f64) -> f64 {
        match self.factors {
            true => deviation * season,
            false => deviation,
        }
    }

    /// Advances by `steps` steps.
    pub fn advance(&mut self, steps: usize) {
        for pattern in &mut self.patterns {
            let by = steps % pattern.len();
            pattern.rotate_left(by);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swings_that_grow_with_the_level_are_factors() {
        let swing = |t: usize| [0.8, 1.1, 1.3, 0.8][t % 4];
        let level = |t: usize| 100.0 + 2.0 * t as f64;
        let grows: Vec<f64> = (0..80).map(|t| level(t) * swing(t)).collect();
        let (cycles, left) = Cycles::take_off(&grows, &grows, &[4]);
        assert!(cycles.factors);
        assert!((cycles.ahead(2) / cycles.ahead(0) - 1.3 / 0.8).abs() < 0.02);
        // The remainder is the level up to a factor: geometric means of factors are 1.
        assert!((left[79] / left[40] / (level(79) / level(40)) - 1.0).abs() < 0.02);
        let stays: Vec<f64> = (0..80).map(|t| level(t) + 50.0 * swing(t)).collect();
        let (cycles, _) = Cycles::take_off(&stays, &stays, &[4]);
        assert!(!cycles.factors);
        assert!((cycles.ahead(2) - cycles.ahead(0) - 25.0).abs() < 0.5);
    }

    #[test]
    fn seasons_ahead_are_those_of_the_last_cycle() {
        let mut cycles = Cycles {
            patterns: vec![vec![1.0, 2.0], vec![10.0, 20.0, 30.0]],
            factors: false,
        };
        assert_eq!([cycles.ahead(0), cycles.ahead(5)], [11.0, 32.0]);
        cycles.advance(1);
        assert_eq!(cycles.ahead(0), 22.0);
        assert_eq!(cycles.without(cycles.with(7.0, 22.0), 22.0), 7.0);
    }
}
