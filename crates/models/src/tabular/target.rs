//! What a column to be predicted is, and what follows for both models: losses, margins, answers.

use crate::kernels::math::{exp, ln, softplus};
use crate::trees::Loss;

use super::linear::Family;

/// Exponents of counts are cut here, so that losses stay finite.
const LARGEST_EXPONENT: f64 = 300.0;

/// What is predicted.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A class, by the index of its name; at least two.
    Classes(Vec<String>),
    /// The mean of a number.
    Number,
    /// The mean of a count, which is never negative.
    Count,
    /// Quantiles of a number, by their levels between 0 and 1, ascending.
    Quantiles(Vec<f64>),
}

impl Target {
    /// Number of margins per row.
    pub fn outputs(&self) -> usize {
        match self {
            Target::Classes(names) if names.len() > 2 => names.len(),
            Target::Classes(_) | Target::Number | Target::Count => 1,
            Target::Quantiles(levels) => levels.len(),
        }
    }

    /// Number of answers per row: a probability per class, a number, or one per quantile.
    pub fn answers(&self) -> usize {
        match self {
            Target::Classes(names) => names.len(),
            _ => self.outputs(),
        }
    }

    /// The names of the classes; none for numbers.
    pub fn classes(&self) -> &[String] {
        match self {
            Target::Classes(names) => names,
            _ => &[],
        }
    }

    /// The loss of each ensemble of trees; one ensemble may have several outputs.
    pub(super) fn losses(&self) -> Vec<Loss> {
        match self {
            Target::Classes(names) if names.len() > 2 => vec![Loss::Softmax {
                classes: names.len(),
            }],
            Target::Classes(_) => vec![Loss::Logistic],
            Target::Number => vec![Loss::Squared],
            Target::Count => vec![Loss::Poisson],
            Target::Quantiles(levels) => {
                let of = |&alpha: &f64| Loss::Quantile { alpha };
                levels.iter().map(of).collect()
            }
        }
    }

    /// The family of the linear model; none for quantiles.
    pub(super) fn family(&self) -> Option<Family> {
        match self {
            Target::Classes(names) if names.len() > 2 => Some(Family::Softmax {
                classes: names.len(),
            }),
            Target::Classes(_) => Some(Family::Logistic),
            Target::Number => Some(Family::Squared),
            Target::Count => Some(Family::Poisson),
            Target::Quantiles(_) => None,
        }
    }

    /// The loss of a row: log loss, squared error, Poisson deviance, or the mean pinball loss.
    pub fn loss(&self, actual: f64, margins: &[f64]) -> f64 {
        match self {
            Target::Classes(names) if names.len() > 2 => {
                let most = margins.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = margins.iter().map(|margin| exp(margin - most)).sum();
                ln(sum) + most - margins[actual as usize]
            }
            Target::Classes(_) => softplus(if actual == 1.0 {
                -margins[0]
            } else {
                margins[0]
            }),
            Target::Number => (actual - margins[0]) * (actual - margins[0]),
            Target::Count => {
                let margin = margins[0].clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT);
                let least = if actual > 0.0 {
                    actual * ln(actual) - actual
                } else {
                    0.0
                };
                2.0 * (exp(margin) - actual * margin + least)
            }
            Target::Quantiles(levels) => {
                let pinball = |(&level, &margin): (&f64, &f64)| {
                    let error = actual - margin;
                    (level * error).max((level - 1.0) * error)
                };
                let sum: f64 = levels.iter().zip(margins).map(pinball).sum();
                sum / levels.len() as f64
            }
        }
    }

    /// The name of [`Target::loss`] in reports.
    pub fn loss_name(&self) -> &'static str {
        match self {
            Target::Classes(_) => "log loss",
            Target::Number => "squared error",
            Target::Count => "Poisson deviance",
            Target::Quantiles(_) => "pinball loss",
        }
    }

    /// Turns the margins of a row into answers that do not need calibration.
    pub(super) fn answer(&self, margins: &mut [f64]) {
        match self {
            Target::Classes(_) | Target::Number => {}
            Target::Count => {
                let margin = margins[0].clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT);
                margins[0] = exp(margin);
            }
            // Quantiles are fitted one by one and may cross; in order, their loss is not larger
            // (Chernozhukov, Fernández-Val and Galichon, 2010).
            Target::Quantiles(_) => margins.sort_unstable_by(f64::total_cmp),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| class.to_string()).collect()
    }

    #[test]
    fn losses_are_those_of_the_textbook() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        let two = Target::Classes(names(2));
        close(two.loss(1.0, &[0.0]), 2f64.ln());
        close(two.loss(0.0, &[2.0]), (1.0 + 2f64.exp()).ln());
        let three = Target::Classes(names(3));
        close(three.loss(2.0, &[0.0, 0.0, 0.0]), 3f64.ln());
        close(Target::Number.loss(3.0, &[1.0]), 4.0);
        // 2 (2 ln 2 - 2 + 1); scikit-learn's mean_poisson_deviance([2], [1]).
        close(
            Target::Count.loss(2.0, &[0.0]),
            2.0 * (2.0 * 2f64.ln() - 1.0),
        );
        let quantiles = Target::Quantiles(vec![0.1, 0.9]);
        // 2 above the first: .1 × 2; 1 below the second: .1 × 1.
        close(quantiles.loss(5.0, &[3.0, 6.0]), (0.2 + 0.1) / 2.0);
    }

    #[test]
    fn crossing_quantiles_are_put_in_order() {
        let mut margins = [3.0, 1.0, 2.0];
        Target::Quantiles(vec![0.1, 0.5, 0.9]).answer(&mut margins);
        assert_eq!(margins, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn losses_of_far_margins_are_finite() {
        assert!(Target::Count.loss(5.0, &[1e9]).is_finite());
        assert!(
            Target::Classes(names(3))
                .loss(0.0, &[-1e9, 1e9, 0.0])
                .is_finite()
        );
    }
}
