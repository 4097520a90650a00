//! How wide intervals are: errors of forecasts from earlier origins, of all series together, over what
//! the models said of them.
//!
//! Models think themselves surer than they are, the more the further ahead: their parameters and
//! orders are estimates. Errors over standard deviations grow with the steps ahead as a power, and the
//! quantiles of what is left are the widths.

use super::diagnostics::normal_quantile;
use crate::models::kernels::math;

/// Shares of errors from earlier origins, and how many standard deviations hold each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    pub shares: Vec<f64>,
    /// One step ahead.
    pub widths: Vec<f64>,
    /// Widths h steps ahead are those one step ahead times h to this power.
    pub growth: f64,
    /// Errors it rests on.
    pub errors: usize,
}

/// An absolute error over its standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// Steps ahead, the first being 1.
    pub step: usize,
    pub ratio: f64,
}

/// Fewer errors than this calibrate nothing.
pub const FEWEST: usize = 40;
const SHARES: [f64; 10] = [0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99];
/// Bounds of the power, and errors that weigh as much as the belief that it is 0.
const GROWTH: f64 = 0.5;
const DOUBT: f64 = 200.0;

/// Standard deviations that hold `level` of a normal distribution.
pub fn normal_width(level: f64) -> f64 {
    normal_quantile(0.5 + 0.5 * level)
}

fn power(step: usize, growth: f64) -> f64 {
    math::exp(growth * math::ln(step.max(1) as f64))
}

/// The slope of ln ratio over ln step by least squares, drawn towards 0.
fn growth(ratios: &[Ratio]) -> f64 {
    let logs = ratios.iter().filter(|r| r.ratio > 0.0);
    let (mut n, mut x, mut y, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for r in logs {
        let (at, value) = (math::ln(r.step as f64), math::ln(r.ratio));
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
    (slope * n / (n + DOUBT)).clamp(-GROWTH, GROWTH)
}

impl Calibration {
    pub fn new(mut ratios: Vec<Ratio>) -> Self {
        ratios.retain(|r| r.ratio.is_finite());
        let count = ratios.len();
        if count < FEWEST {
            return Self::default();
        }
        let growth = growth(&ratios);
        let level = ratios.iter().map(|r| r.ratio / power(r.step, growth));
        let mut level: Vec<f64> = level.collect();
        level.sort_unstable_by(f64::total_cmp);
        let quantile = |share: f64| {
            // (count + 1) share, as for a further error out of the same.
            let place = ((count as f64 + 1.0) * share - 1.0).clamp(0.0, count as f64 - 1.0);
            let below = place as usize;
            let above = (below + 1).min(count - 1);
            level[below] + (place - below as f64) * (level[above] - level[below])
        };
        Self {
            widths: SHARES.iter().map(|&share| quantile(share)).collect(),
            shares: SHARES.to_vec(),
            growth,
            errors: count,
        }
    }

    /// Standard deviations that hold `level` of the errors `step` steps ahead, the first being 1.
    pub fn width(&self, level: f64, step: usize) -> f64 {
        self.first_width(level) * power(step, self.growth)
    }

    /// One step ahead; between the shares in proportion to the normal distribution.
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

    /// Normal errors, `by(step)` times as large as their models say, over 8 steps.
    fn errors(by: impl Fn(usize) -> f64) -> Vec<Ratio> {
        let normal = |i: usize| normal_width((i as f64 + 0.5) / 2000.0);
        (0..2000)
            .flat_map(|i| (1..=8).map(move |step| (i, step)))
            .map(|(i, step)| Ratio {
                step,
                ratio: by(step) * normal(i),
            })
            .collect()
    }

    #[test]
    fn errors_twice_as_large_widen_intervals_twice() {
        let calibration = Calibration::new(errors(|_| 2.0));
        for level in [0.4, 0.8, 0.85, 0.95, 0.995] {
            let ratio = calibration.width(level, 5) / normal_width(level);
            assert!((ratio - 2.0).abs() < 0.03, "{level}: {ratio}");
        }
    }

    #[test]
    fn errors_that_grow_widen_what_is_far_ahead() {
        let calibration = Calibration::new(errors(|step| power(step, 0.3)));
        assert!((calibration.growth - 0.3).abs() < 0.01);
        for step in [1, 4, 8] {
            let ratio = calibration.width(0.95, step) / normal_width(0.95);
            assert!(
                (ratio / power(step, 0.3) - 1.0).abs() < 0.03,
                "{step}: {ratio}"
            );
        }
    }
}
