//! What to fit, and how precisely.

use crate::trees::{FitError, Link};

/// Strengths of regularization for a search over folds, from strong to weak.
///
/// On tables of 1,500 to 10,000 rows and 20 to 75 columns the best lies between 3 and 100.
pub const LAMBDAS: [f64; 7] = [1000.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.1];

/// The distribution of the target, which decides the loss and the link. `s` is the margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Two classes; targets are 0, 1 or a probability between. Loss ln(1 + e^s) - y s.
    Logistic,
    /// Several classes; targets are the class's index. Loss ln Σ e^s - s of the class.
    Softmax {
        /// Number of classes, at least 2.
        classes: usize,
    },
    /// The mean. Loss (s - y)² / 2.
    Squared,
    /// Counts: the margin is the logarithm of the mean. Loss e^s - y s.
    Poisson,
}

impl Family {
    /// Number of margins per row.
    pub fn outputs(self) -> usize {
        match self {
            Family::Softmax { classes } => classes,
            _ => 1,
        }
    }

    /// From margins to predictions.
    pub fn link(self) -> Link {
        match self {
            Family::Logistic => Link::Logistic,
            Family::Softmax { .. } => Link::Softmax,
            Family::Squared => Link::Identity,
            Family::Poisson => Link::Log,
        }
    }
}

/// What to fit and how precisely.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Decides the loss and the link.
    pub family: Family,
    /// λ, the weight of Σ coefficient² / 2 relative to the sum of the rows' losses; positive.
    pub lambda: f64,
    /// Norm of the gradient to reach, relative to the one with all coefficients zero.
    pub tolerance: f64,
    /// Maximum number of Newton steps.
    pub max_iterations: usize,
}

impl Options {
    /// The defaults for a family.
    pub fn of(family: Family) -> Options {
        Options {
            family,
            lambda: 10.0,
            tolerance: 1e-5,
            max_iterations: 100,
        }
    }

    /// Checks the ranges.
    pub(super) fn check(&self, lambdas: &[f64]) -> Result<(), FitError> {
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let has_classes = !matches!(self.family, Family::Softmax { classes } if classes < 2);
        let rules = [
            (
                "lambda",
                lambdas.iter().all(|&lambda| positive(lambda)),
                "not positive",
            ),
            ("tolerance", positive(self.tolerance), "not positive"),
            ("family.classes", has_classes, "less than 2"),
        ];
        match rules.iter().find(|(_, holds, _)| !holds) {
            None => Ok(()),
            Some((name, _, reason)) => Err(FitError::Option {
                name: (*name).to_owned(),
                reason: (*reason).to_owned(),
            }),
        }
    }
}
