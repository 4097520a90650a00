//! Losses as functions of a margin: value, first and second derivative, the best constant, and the
//! link from the margin to a prediction.
//!
//! Exponentials come from `kernels::math`, so that all CPUs agree. `y` is the target, `s` the margin.
//!
//! | loss | value | gradient | Hessian |
//! |---|---|---|---|
//! | squared | (s - y)² / 2 | s - y | 1 |
//! | absolute | \|s - y\| | sign(s - y) | 1 |
//! | Huber(δ) | quadratic within δ, linear outside | s - y cut to ±δ | 1 |
//! | quantile(α) | α (y - s)⁺ + (1 - α) (s - y)⁺ | -α or 1 - α | 1 |
//! | logistic | ln(1 + e^s) - y s | p - y | p (1 - p) |
//! | softmax | ln Σ e^s - s of the class | p - \[class\] | K/(K-1) p (1 - p) |
//! | Poisson | e^s - y s | e^s - y | e^s |
//! | Tweedie(ρ) | e^((2-ρ)s)/(2-ρ) - y e^((1-ρ)s)/(1-ρ) | e^((2-ρ)s) - y e^((1-ρ)s) | its derivative |
//!
//! Absolute and quantile loss have no curvature: the 1 serves to find splits, and leaves then get the
//! median or quantile of their residuals. The factor of the softmax is Friedman's (2001, equation 34):
//! the Hessian is not diagonal, and its diagonal alone makes steps too long.

use super::options::FitError;
use crate::kernels::math::{exp, ln, sigmoid, sigmoids, softplus};

/// Targets beyond this have squares that overflow.
const LARGEST_TARGET: f64 = 1e150;
/// Exponents are cut here, so that sums of exponentials stay finite.
const LARGEST_EXPONENT: f64 = 300.0;
/// Longest step of a leaf on a logarithmic scale: Newton's step overshoots there (XGBoost's
/// `max_delta_step` for counts).
const LONGEST_LOG_STEP: f64 = 0.7;
/// Rows whose probabilities are computed together.
const BLOCK: usize = 256;
/// Smallest probability that a constant start gives to a class.
const SMALLEST_SHARE: f64 = 1e-9;

/// What is minimized.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Half the squared error; predicts the mean.
    Squared,
    /// The absolute error; predicts the median.
    Absolute,
    /// Squared near zero, absolute from a distance on.
    Huber {
        /// The distance, in units of the target.
        delta: f64,
    },
    /// The pinball loss; predicts a quantile.
    Quantile {
        /// The quantile's level, between 0 and 1.
        alpha: f64,
    },
    /// Log loss of two classes; targets are 0, 1 or a probability between.
    Logistic,
    /// Log loss of several classes; targets are the class's index.
    Softmax {
        /// Number of classes.
        classes: usize,
    },
    /// Counts: the margin is the logarithm of the mean.
    Poisson,
    /// Amounts that are often zero: the margin is the logarithm of the mean.
    Tweedie {
        /// The variance's power of the mean, between 1 and 2.
        power: f64,
    },
}

/// From margins to predictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The margin itself.
    Identity,
    /// Probability of class 1.
    Logistic,
    /// Probability of each class.
    Softmax,
    /// e^margin.
    Log,
}

impl Link {
    /// Every link; its index is what a model file holds.
    pub const ALL: [Link; 4] = [Link::Identity, Link::Logistic, Link::Softmax, Link::Log];

    /// Turns the margins of one row into predictions.
    pub fn apply(self, margins: &mut [f64]) {
        match self {
            Link::Identity => {}
            Link::Logistic => margins.iter_mut().for_each(|m| *m = sigmoid(*m)),
            Link::Softmax => {
                crate::kernels::math::softmax(margins);
            }
            Link::Log => margins.iter_mut().for_each(|m| *m = power_of_e(*m)),
        }
    }
}

/// e^x, finite for every x.
#[inline]
fn power_of_e(x: f64) -> f64 {
    exp(x.clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT))
}

impl Loss {
    /// Number of margins per row.
    pub fn outputs(self) -> usize {
        match self {
            Loss::Softmax { classes } => classes,
            _ => 1,
        }
    }

    /// The link from margins to predictions.
    pub fn link(self) -> Link {
        match self {
            Loss::Logistic => Link::Logistic,
            Loss::Softmax { .. } => Link::Softmax,
            Loss::Poisson | Loss::Tweedie { .. } => Link::Log,
            Loss::Squared | Loss::Absolute | Loss::Huber { .. } | Loss::Quantile { .. } => {
                Link::Identity
            }
        }
    }

    pub(super) fn check(self) -> Result<(), FitError> {
        let within = |value: f64, low: f64, high: f64| value > low && value < high;
        match self {
            Loss::Huber { delta } if !within(delta, 0.0, f64::INFINITY) => {
                Err(FitError::option("loss.delta", "not positive"))
            }
            Loss::Quantile { alpha } if !within(alpha, 0.0, 1.0) => {
                Err(FitError::option("loss.alpha", "not between 0 and 1"))
            }
            Loss::Softmax { classes } if classes < 2 => {
                Err(FitError::option("loss.classes", "less than 2"))
            }
            Loss::Tweedie { power } if !within(power, 1.0, 2.0) => {
                Err(FitError::option("loss.power", "not between 1 and 2"))
            }
            _ => Ok(()),
        }
    }

    /// Checks a target.
    pub(super) fn check_target(self, row: usize, value: f64) -> Result<(), FitError> {
        let reason = match self {
            _ if !value.is_finite() => "missing or infinite",
            _ if value.abs() > LARGEST_TARGET => "beyond 1e150",
            Loss::Logistic if !(0.0..=1.0).contains(&value) => "not between 0 and 1",
            Loss::Poisson | Loss::Tweedie { .. } if value < 0.0 => "negative",
            Loss::Softmax { classes }
                if value < 0.0 || value >= classes as f64 || value.fract() != 0.0 =>
            {
                "not the index of a class"
            }
            _ => return Ok(()),
        };
        Err(FitError::Target { row, value, reason })
    }

    /// The level whose quantile of the residuals is the best value of a leaf, if it is one.
    pub(super) fn level(self) -> Option<f64> {
        match self {
            Loss::Absolute => Some(0.5),
            Loss::Quantile { alpha } => Some(alpha),
            _ => None,
        }
    }

    /// Longest step of a leaf before the learning rate.
    pub(super) fn longest_step(self) -> f64 {
        match self.link() {
            Link::Log => LONGEST_LOG_STEP,
            _ => f64::MAX,
        }
    }

    /// Gradient and Hessian of a loss of one margin.
    #[inline]
    pub(super) fn derivatives(self, y: f64, s: f64) -> [f64; 2] {
        match self {
            Loss::Squared => [s - y, 1.0],
            Loss::Absolute => [sign(s - y), 1.0],
            Loss::Huber { delta } => [(s - y).clamp(-delta, delta), 1.0],
            Loss::Quantile { alpha } => [if y > s { -alpha } else { 1.0 - alpha }, 1.0],
            Loss::Logistic => {
                let p = sigmoid(s);
                [p - y, p * (1.0 - p)]
            }
            // See `class_derivatives`.
            Loss::Softmax { .. } => [0.0, 0.0],
            Loss::Poisson => {
                let mean = power_of_e(s);
                [mean - y, mean]
            }
            Loss::Tweedie { power } => {
                let (up, down) = (power_of_e((2.0 - power) * s), power_of_e((1.0 - power) * s));
                let curvature = (2.0 - power) * up - (1.0 - power) * y * down;
                [up - y * down, curvature]
            }
        }
    }

    /// Gradients and Hessians of rows, as [`Loss::derivatives`] of each.
    pub(super) fn derivatives_of(self, targets: &[f64], margins: &[f64], to: &mut [[f64; 2]]) {
        match self {
            Loss::Logistic => {
                let mut shares = [0.0; BLOCK];
                let targets = targets.chunks(BLOCK).zip(margins.chunks(BLOCK));
                for ((targets, margins), to) in targets.zip(to.chunks_mut(BLOCK)) {
                    let shares = &mut shares[..margins.len()];
                    shares.copy_from_slice(margins);
                    sigmoids(shares);
                    for ((p, y), to) in shares.iter().zip(targets).zip(to) {
                        *to = [p - y, p * (1.0 - p)];
                    }
                }
            }
            _ => {
                let rows = targets.iter().zip(margins).zip(to);
                rows.for_each(|((y, s), to)| *to = self.derivatives(*y, *s));
            }
        }
    }

    /// Loss of a row with these margins.
    pub(super) fn value(self, y: f64, margins: &[f64]) -> f64 {
        let s = margins[0];
        let distance = (s - y).abs();
        match self {
            Loss::Squared => 0.5 * distance * distance,
            Loss::Absolute => distance,
            Loss::Huber { delta } if distance > delta => delta * (distance - 0.5 * delta),
            Loss::Huber { .. } => 0.5 * distance * distance,
            Loss::Quantile { alpha } if y > s => alpha * distance,
            Loss::Quantile { alpha } => (1.0 - alpha) * distance,
            Loss::Logistic => softplus(s) - y * s,
            Loss::Softmax { .. } => log_sum(margins.iter().copied()) - margins[y as usize],
            Loss::Poisson => power_of_e(s) - y * s,
            Loss::Tweedie { power } => {
                let up = power_of_e((2.0 - power) * s) / (2.0 - power);
                up - y * power_of_e((1.0 - power) * s) / (1.0 - power)
            }
        }
    }

    /// The constant margins with the least loss over targets and weights (all positive).
    pub(super) fn start(self, rows: &[(f64, f64)]) -> Vec<f64> {
        let share = |share: f64| share.clamp(SMALLEST_SHARE, 1.0 - SMALLEST_SHARE);
        match self {
            Loss::Squared => vec![mean(rows)],
            Loss::Absolute => vec![quantile(rows.to_vec(), 0.5)],
            // A robust start; the first trees move it to where the loss is least.
            Loss::Huber { .. } => vec![quantile(rows.to_vec(), 0.5)],
            Loss::Quantile { alpha } => vec![quantile(rows.to_vec(), alpha)],
            Loss::Logistic => {
                let p = share(mean(rows));
                vec![ln(p) - ln(1.0 - p)]
            }
            Loss::Softmax { classes } => {
                let mut weights = vec![0.0; classes];
                for (class, weight) in rows {
                    weights[*class as usize] += weight;
                }
                let all: f64 = weights.iter().sum();
                weights
                    .iter()
                    .map(|weight| ln(share(weight / all)))
                    .collect()
            }
            Loss::Poisson | Loss::Tweedie { .. } => vec![ln(mean(rows).max(SMALLEST_SHARE))],
        }
    }
}

/// Gradient and Hessian of the softmax loss in the margin `s` of a class, with `log_sum` over the
/// margins of all classes.
#[inline]
pub(super) fn class_derivatives(is_class: bool, s: f64, log_sum: f64, classes: usize) -> [f64; 2] {
    let p = exp(s - log_sum);
    let factor = classes as f64 / (classes as f64 - 1.0);
    [p - f64::from(u8::from(is_class)), factor * p * (1.0 - p)]
}

/// ln Σ e^s without overflow.
pub(super) fn log_sum(margins: impl Iterator<Item = f64> + Clone) -> f64 {
    let top = margins.clone().fold(f64::NEG_INFINITY, f64::max);
    top + ln(margins.map(|margin| exp(margin - top)).sum())
}

fn sign(x: f64) -> f64 {
    f64::from(i8::from(x > 0.0) - i8::from(x < 0.0))
}

/// Weighted mean.
fn mean(rows: &[(f64, f64)]) -> f64 {
    let all: f64 = rows.iter().map(|(_, weight)| weight).sum();
    let sum: f64 = rows.iter().map(|(value, weight)| value * weight).sum();
    match sum.is_finite() {
        true => sum / all,
        // The largest weights of the largest values may overflow; shares do not.
        false => rows
            .iter()
            .map(|(value, weight)| value * (weight / all))
            .sum(),
    }
}

/// Weighted quantile of values: the least one with at least this share of the weight up to it. If
/// the share is met exactly, the middle between it and the next, as for the median of an even number
/// of values.
pub(super) fn quantile(mut rows: Vec<(f64, f64)>, level: f64) -> f64 {
    // Equal values with unequal weights are sorted too: sums must not depend on the order given.
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let all: f64 = rows.iter().map(|(_, weight)| weight).sum();
    let goal = level * all;
    let mut sum = 0.0;
    for (place, (value, weight)) in rows.iter().enumerate() {
        sum += weight;
        if sum > goal {
            return *value;
        }
        if sum == goal {
            let next = rows.get(place + 1).map_or(*value, |next| next.0);
            return 0.5 * value + 0.5 * next;
        }
    }
    rows.last().map_or(0.0, |last| last.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SINGLE: [Loss; 7] = [
        Loss::Squared,
        Loss::Absolute,
        Loss::Huber { delta: 0.8 },
        Loss::Quantile { alpha: 0.2 },
        Loss::Logistic,
        Loss::Poisson,
        Loss::Tweedie { power: 1.4 },
    ];

    #[test]
    fn gradients_are_slopes_of_the_loss() {
        for loss in SINGLE {
            for (y, s) in [(0.0, 0.3), (1.0, -0.4), (0.6, 2.0), (0.25, 0.7)] {
                let step = 1e-6;
                let slope =
                    (loss.value(y, &[s + step]) - loss.value(y, &[s - step])) / (2.0 * step);
                let [g, _] = loss.derivatives(y, s);
                assert!(
                    (g - slope).abs() < 1e-8,
                    "{loss:?} at {y}, {s}: {g} {slope}"
                );
            }
        }
    }

    #[test]
    fn rows_have_the_same_derivatives_together() {
        let targets: Vec<f64> = (0..1000).map(|row| f64::from(row % 2)).collect();
        let margins: Vec<f64> = (0..1000).map(|row| f64::from(row - 500) / 50.0).collect();
        for loss in SINGLE {
            let mut together = vec![[0.0; 2]; 1000];
            loss.derivatives_of(&targets, &margins, &mut together);
            for (row, pair) in together.into_iter().enumerate() {
                assert_eq!(
                    pair,
                    loss.derivatives(targets[row], margins[row]),
                    "{loss:?}"
                );
            }
        }
    }

    #[test]
    fn hessians_of_smooth_losses_are_slopes_of_the_gradient() {
        for loss in [Loss::Squared, Loss::Logistic, Loss::Poisson, SINGLE[6]] {
            for (y, s) in [(0.0, 0.3), (1.0, -0.4), (0.6, 2.0)] {
                let (step, g) = (1e-6, |s| loss.derivatives(y, s)[0]);
                let slope = (g(s + step) - g(s - step)) / (2.0 * step);
                let [_, h] = loss.derivatives(y, s);
                assert!(
                    (h - slope).abs() < 1e-7,
                    "{loss:?} at {y}, {s}: {h} {slope}"
                );
            }
        }
    }

    #[test]
    fn softmax_has_the_slopes_of_its_loss() {
        let loss = Loss::Softmax { classes: 3 };
        let margins = [0.2, -1.0, 0.7];
        let sum = log_sum(margins.iter().copied());
        for class in 0..3 {
            let step = 1e-6;
            let at = |change: f64| {
                let mut margins = margins;
                margins[class] += change;
                loss.value(2.0, &margins)
            };
            let slope = (at(step) - at(-step)) / (2.0 * step);
            let [g, h] = class_derivatives(class == 2, margins[class], sum, 3);
            assert!((g - slope).abs() < 1e-8);
            let bend = (at(1e-4) - 2.0 * at(0.0) + at(-1e-4)) / 1e-8;
            assert!((h - 1.5 * bend).abs() < 1e-6, "{h} {bend}");
        }
    }

    #[test]
    fn starts_have_the_least_loss() {
        let rows: Vec<(f64, f64)> = (0..11)
            .map(|i| (f64::from(i * i % 7) / 6.0, f64::from(1 + i % 3)))
            .collect();
        for loss in SINGLE
            .into_iter()
            .filter(|loss| !matches!(loss, Loss::Huber { .. }))
        {
            let start = loss.start(&rows)[0];
            let total =
                |s: f64| -> f64 { rows.iter().map(|(y, w)| w * loss.value(*y, &[s])).sum() };
            for step in [-0.01, 0.01] {
                assert!(total(start) <= total(start + step) + 1e-12, "{loss:?}");
            }
        }
    }

    #[test]
    fn quantiles_of_weighted_values() {
        let rows = [(3.0, 1.0), (1.0, 1.0), (2.0, 1.0), (9.0, 1.0)];
        assert_eq!(quantile(rows.to_vec(), 0.5), 2.5);
        assert_eq!(quantile(rows.to_vec(), 0.6), 3.0);
        assert_eq!(quantile(vec![(1.0, 1.0), (5.0, 3.0)], 0.5), 5.0);
        assert_eq!(quantile(vec![(4.0, 2.0)], 0.9), 4.0);
    }

    #[test]
    fn targets_out_of_range_are_named() {
        let reason = |loss: Loss, value| loss.check_target(3, value).unwrap_err().to_string();
        let said = "target 1.5 of row 3 is not the index of a class";
        assert_eq!(reason(Loss::Softmax { classes: 3 }, 1.5), said);
        assert!(reason(Loss::Logistic, 2.0).contains("between 0 and 1"));
        assert!(reason(Loss::Poisson, -1.0).contains("negative"));
        assert!(reason(Loss::Squared, f64::NAN).contains("missing"));
        assert!(reason(Loss::Squared, 1e200).contains("1e150"));
    }

    #[test]
    fn margins_become_predictions() {
        let apply = |link: Link, mut margins: Vec<f64>| {
            link.apply(&mut margins);
            margins
        };
        assert_eq!(apply(Link::Identity, vec![2.0]), [2.0]);
        assert_eq!(apply(Link::Logistic, vec![0.0]), [0.5]);
        assert_eq!(apply(Link::Softmax, vec![1.0, 1.0]), [0.5, 0.5]);
        assert_eq!(apply(Link::Log, vec![0.0]), [1.0]);
        assert!(apply(Link::Log, vec![1e9])[0].is_finite());
    }
}
