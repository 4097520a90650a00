//! Calibrates interval widths by the errors of forecasts from earlier origins.
//!
//! The models' standard deviations are too small, increasingly so further ahead, because parameters
//! and orders are estimated. The ratio of an error to its standard deviation is modelled as a power
//! of the number of steps ahead; the quantiles of the scaled ratios over all series are the widths.
//! Each series also has a factor: the size of its own ratios relative to all, shrunk towards 1
//! according to its number of origins. Each origin is scaled by a factor estimated from the other
//! origins (leave-one-out), so the quantiles are out-of-sample.

use std::ops::Range;

use crate::kernels::math;
use crate::ts::diagnostics::normal_quantile;

/// Interval widths: for ascending coverages, the half-width in standard deviations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// Ascending coverages; empty if nothing is calibrated.
    pub shares: Vec<f64>,
    /// Widths one step ahead.
    pub widths: Vec<f64>,
    /// Widths h steps ahead are those one step ahead times h to this power.
    pub growth: f64,
    /// Number of errors used for the estimate.
    pub errors: usize,
    /// Factor of each series; empty if nothing is calibrated.
    pub own: Vec<f64>,
}

/// Ratios of absolute errors to their standard deviations, for all series.
#[derive(Clone, Debug, Default)]
pub struct Errors {
    /// Ratios by trial and step ahead; NaN if unknown.
    ratios: Vec<f64>,
    /// End of each trial in `ratios`, and of each series in the trials.
    trial_ends: Vec<usize>,
    series_ends: Vec<usize>,
}

/// Minimum number of errors for a calibration.
pub const MIN_ERRORS: usize = 40;
const LEVELS: [f64; 10] = [0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99];
/// Bound on the power, and the number of errors at which it is half of its least-squares estimate.
const MAX_GROWTH: f64 = 0.5;
const SHRINKAGE_COUNT: f64 = 200.0;
/// Number of origins at which a series' factor is halfway (in logarithms) between 1 and its own
/// errors. Like the other constants for intervals, chosen at rolling origins of the training splits
/// of the M3, tourism, hourly and weekly M4 series.
const OWN_SHRINKAGE_COUNT: f64 = 6.0;
/// Bound on the ratio of one origin's errors to those of all.
const MAX_OWN: f64 = 100.0;

/// Half-width in standard deviations of the central interval of a normal distribution with coverage
/// `level`.
pub fn normal_width(level: f64) -> f64 {
    normal_quantile(0.5 + 0.5 * level)
}

fn power(step: usize, growth: f64) -> f64 {
    math::exp(growth * math::ln(step.max(1) as f64))
}

/// Least-squares slope of ln ratio over ln step, shrunk towards 0.
fn growth(ratios: impl Iterator<Item = (usize, f64)>) -> f64 {
    let (mut n, mut x, mut y, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (step, ratio) in ratios.filter(|(_, ratio)| *ratio > 0.0) {
        let (at, value) = (math::ln(step as f64), math::ln(ratio));
        n += 1.0;
        x += at;
        y += value;
        xx += at * at;
        xy += at * value;
    }
    let spread = xx - x * x / n;
    if spread.is_nan() || spread <= 1e-9 * n {
        return 0.0;
    }
    let slope = (xy - x * y / n) / spread;
    (slope * n / (n + SHRINKAGE_COUNT)).clamp(-MAX_GROWTH, MAX_GROWTH)
}

impl Errors {
    /// Adds the ratios of the next series by trial, each from one step ahead.
    pub fn push(&mut self, trials: Vec<Vec<f64>>) {
        for trial in trials {
            let finite = |ratio: f64| if ratio.is_finite() { ratio } else { f64::NAN };
            self.ratios.extend(trial.into_iter().map(finite));
            self.trial_ends.push(self.ratios.len());
        }
        self.series_ends.push(self.trial_ends.len());
    }

    fn trials(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        spans(&self.trial_ends)
    }

    /// The known ratios and their steps ahead, starting from 1.
    fn known(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let steps = self.trials().flat_map(|trial| 1..=trial.len());
        let all = steps.zip(&self.ratios).map(|(step, ratio)| (step, *ratio));
        all.filter(|(_, ratio)| ratio.is_finite())
    }

    /// Removes the growth with the steps ahead from every ratio.
    fn level(&mut self, growth: f64) {
        for trial in spans(&self.trial_ends) {
            for (step, ratio) in (1..).zip(&mut self.ratios[trial]) {
                *ratio /= power(step, growth);
            }
        }
    }

    /// Computes the factor of every series, and divides each trial's ratios by the factor from the
    /// other trials of its series.
    fn own(&mut self) -> Vec<f64> {
        let (sum, count) = sum(&self.ratios);
        let levels: Vec<Option<f64>> = (self.trials())
            .map(|trial| log_level(&self.ratios[trial], sum / count))
            .collect();
        for trials in spans(&self.series_ends) {
            for trial in trials.clone() {
                let others = trials.clone().filter(|other| *other != trial);
                let factor = shrunk(others.filter_map(|other| levels[other]));
                let start = trial
                    .checked_sub(1)
                    .map_or(0, |before| self.trial_ends[before]);
                for ratio in &mut self.ratios[start..self.trial_ends[trial]] {
                    *ratio /= factor;
                }
            }
        }
        spans(&self.series_ends)
            .map(|trials| shrunk(trials.filter_map(|trial| levels[trial])))
            .collect()
    }
}

/// The range from each end to the next, starting from 0.
pub fn spans(ends: &[usize]) -> impl Iterator<Item = Range<usize>> + '_ {
    let starts = std::iter::once(&0).chain(ends);
    starts.zip(ends).map(|(start, end)| *start..*end)
}

/// Sum and number of the known ratios.
fn sum(ratios: &[f64]) -> (f64, f64) {
    let known = ratios.iter().filter(|ratio| ratio.is_finite());
    known.fold((0.0, 0.0), |(sum, count), ratio| (sum + ratio, count + 1.0))
}

/// Logarithm of the mean ratio of a trial relative to that of all; `None` if none is known.
fn log_level(ratios: &[f64], all: f64) -> Option<f64> {
    let (sum, count) = sum(ratios);
    let level = sum / count / all;
    level
        .is_finite()
        .then(|| math::ln(level.clamp(1.0 / MAX_OWN, MAX_OWN)))
}

/// The factor of a series from the log levels of its trials: their mean, shrunk towards 0.
fn shrunk(levels: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = levels.fold((0.0, 0.0), |(sum, count), level| (sum + level, count + 1.0));
    math::exp(sum / (count + OWN_SHRINKAGE_COUNT))
}

impl Calibration {
    /// Calibrates from errors at earlier origins; with fewer than [`MIN_ERRORS`] intervals remain
    /// normal.
    pub fn new(mut errors: Errors) -> Self {
        let count = errors.known().count();
        if count < MIN_ERRORS {
            return Self::default();
        }
        let growth = growth(errors.known());
        errors.level(growth);
        let own = errors.own();
        let mut level = errors.ratios;
        level.retain(|ratio| ratio.is_finite());
        level.sort_unstable_by(f64::total_cmp);
        let quantile = |share: f64| {
            // (count + 1) · share, the quantile for one further error.
            let place = ((count as f64 + 1.0) * share - 1.0).clamp(0.0, count as f64 - 1.0);
            let below = place as usize;
            let above = (below + 1).min(count - 1);
            level[below] + (place - below as f64) * (level[above] - level[below])
        };
        Self {
            widths: LEVELS.iter().map(|&share| quantile(share)).collect(),
            shares: LEVELS.to_vec(),
            growth,
            errors: count,
            own,
        }
    }

    /// The factor of series `number`.
    pub fn own(&self, number: usize) -> f64 {
        self.own.get(number).copied().unwrap_or(1.0)
    }

    /// Half-width in standard deviations for coverage `level`, `step` steps ahead, starting from 1.
    pub fn width(&self, level: f64, step: usize) -> f64 {
        self.first_width(level) * power(step, self.growth)
    }

    /// Half-width one step ahead; interpolated between the shares in proportion to the normal
    /// distribution.
    fn first_width(&self, level: f64) -> f64 {
        let normal = normal_width(level);
        let Some(above) = self.shares.iter().position(|&share| share >= level) else {
            let last = self.shares.len().checked_sub(1);
            return last.map_or(normal, |i| {
                normal * self.widths[i] / normal_width(self.shares[i])
            });
        };
        if above == 0 {
            return normal;
        }
        let (low, high) = (above - 1, above);
        let (a, b) = (
            normal_width(self.shares[low]),
            normal_width(self.shares[high]),
        );
        let share = (normal - a) / (b - a);
        self.widths[low] + share * (self.widths[high] - self.widths[low])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_errors_intervals_are_normal() {
        let none = Calibration::default();
        assert!((none.width(0.95, 3) - 1.959_963_984_540_054).abs() < 1e-12);
    }

    /// Normal errors of `series` series with two trials, `by(series, step)` times as large as their
    /// models' standard deviations, over 8 steps.
    fn errors(series: usize, by: impl Fn(usize, usize) -> f64) -> Errors {
        let trials = 2 * series;
        // Every trial has small and large errors.
        let normal = |trial: usize, step: usize| {
            let place = (trial * 8 + step * trials) % (8 * trials);
            normal_width((place as f64 + 0.5) / (8 * trials) as f64)
        };
        let mut errors = Errors::default();
        for number in 0..series {
            let trial = |trial: usize| -> Vec<f64> {
                let ratio = |step| by(number, step) * normal(trial, step);
                (1..=8).map(ratio).collect()
            };
            errors.push(vec![trial(2 * number), trial(2 * number + 1)]);
        }
        errors
    }

    #[test]
    fn errors_twice_as_large_widen_intervals_twice() {
        let calibration = Calibration::new(errors(1000, |_, _| 2.0));
        for level in [0.4, 0.8, 0.85, 0.95, 0.995] {
            let ratio = calibration.width(level, 5) / normal_width(level);
            assert!((ratio - 2.0).abs() < 0.06, "{level}: {ratio}");
        }
    }

    #[test]
    fn growing_errors_widen_intervals_far_ahead() {
        let calibration = Calibration::new(errors(1000, |_, step| power(step, 0.3)));
        assert!((calibration.growth - 0.3).abs() < 0.01);
        for step in [1, 4, 8] {
            let ratio = calibration.width(0.95, step) / normal_width(0.95);
            assert!(
                (ratio / power(step, 0.3) - 1.0).abs() < 0.06,
                "{step}: {ratio}"
            );
        }
    }

    #[test]
    fn a_series_with_larger_errors_gets_partly_wider_intervals() {
        let calibration = Calibration::new(errors(1000, |n, _| if n == 7 { 4.0 } else { 1.0 }));
        // Two trials against a shrinkage count of six: 4 to the power of 1/4 relative to its
        // neighbour.
        let wider = calibration.own(7) / calibration.own(8);
        assert!((wider - std::f64::consts::SQRT_2).abs() < 0.05, "{wider}");
        assert!((calibration.own(8) - 1.0).abs() < 0.1);
        assert_eq!(Calibration::default().own(7), 1.0);
    }

    #[test]
    fn unknown_ratios_are_ignored() {
        let mut some = Errors::default();
        some.push(vec![vec![1.0; 30], vec![f64::NAN; 4]]);
        some.push(vec![vec![1.0, f64::INFINITY]; 30]);
        some.push(Vec::new());
        let calibration = Calibration::new(some);
        assert_eq!(calibration.errors, 60);
        assert_eq!(calibration.own, [1.0; 3]);
        let mut exact = Errors::default();
        exact.push(vec![vec![0.0; 50]]);
        assert_eq!(Calibration::new(exact).own, [1.0]);
    }
}
