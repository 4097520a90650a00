//! Newton's method on the Gram matrix, for one output and moderate width.
//!
//! A gradient costs far less than a Gram matrix, so a factor is kept as long as steps with it shrink
//! the gradient well (Shamanskii 1967): what is reached does not depend on the factor, and near the
//! minimum it hardly changes.

use super::cholesky::Factor;
use super::loss::{Derivatives, Sample};
use super::options::{Family, Options};
use super::prepared::Prepared;
use crate::kernels::reduce::{dot_alone, norm};

/// A factor is kept while the gradient shrinks by at least this.
const GOOD_RATIO: f64 = 0.15;
/// Sufficient decrease of the line search (Armijo).
const DECREASE: f64 = 1e-4;
/// Maximum number of times that a step is halved.
const HALVINGS: usize = 40;
/// Changes of the value below this, relative to it, are rounding.
const ROUNDING: f64 = 1e-14;

/// The search over one sample, for any number of strengths.
pub(super) struct Newton<'a> {
    prepared: &'a Prepared,
    sample: &'a Sample,
    options: &'a Options,
    /// Intercept, then the other coefficients.
    coefficients: Vec<f64>,
    margins: Vec<f64>,
    derivatives: Derivatives,
    /// The Gram matrix weighted by the curvatures of some recent margins.
    gram: Option<Vec<f64>>,
    /// Norm of the gradient to reach.
    goal: f64,
}

impl<'a> Newton<'a> {
    /// Starts from the best constant.
    pub fn new(prepared: &'a Prepared, sample: &'a Sample, options: &'a Options) -> Newton<'a> {
        let mut coefficients = vec![0.0; prepared.dimension()];
        coefficients[0] = sample.start();
        let margins = vec![coefficients[0]; sample.rows.len()];
        let mut newton = Newton {
            prepared,
            sample,
            options,
            coefficients,
            derivatives: sample.derivatives(&margins),
            margins,
            gram: None,
            goal: 0.0,
        };
        newton.goal = options.tolerance * norm(&newton.gradient(0.0));
        newton
    }

    /// Minimizes with this strength, from where the last search ended.
    pub fn run(&mut self, lambda: f64) -> Vec<f64> {
        let (mut factor, mut last) = (None, f64::INFINITY);
        let is_quadratic = self.sample.family == Family::Squared;
        for _ in 0..self.options.max_iterations {
            let gradient = self.gradient(lambda);
            let length = norm(&gradient);
            if length <= self.goal {
                break;
            }
            let is_slow = !is_quadratic && length > GOOD_RATIO * last;
            let is_fresh = self.gram.is_none() || is_slow;
            if is_fresh {
                let (rows, curvatures) = (&self.sample.rows, &self.derivatives.curvatures);
                self.gram = Some(self.prepared.gram(rows, curvatures));
                factor = None;
            }
            last = length;
            if factor.is_none() {
                factor = self.factor(lambda);
            }
            let Some(used) = &factor else { break };
            let mut step: Vec<f64> = gradient.iter().map(|slope| -slope).collect();
            used.solve(&mut step);
            if self.advance(lambda, &step, &gradient) {
                continue;
            }
            if is_fresh || is_quadratic {
                break;
            }
            // The old curvature misled the search; the next round computes it anew.
            self.gram = None;
        }
        self.coefficients.clone()
    }

    /// Of Σ weight · loss + λ/2 Σ coefficient².
    fn gradient(&self, lambda: f64) -> Vec<f64> {
        let (rows, slopes) = (&self.sample.rows, &self.derivatives.gradients);
        let mut gradient = self.prepared.multiply_transposed::<false>(rows, slopes);
        for (slope, coefficient) in gradient.iter_mut().zip(&self.coefficients).skip(1) {
            *slope += lambda * coefficient;
        }
        gradient
    }

    fn factor(&self, lambda: f64) -> Option<Factor> {
        let dimension = self.coefficients.len();
        let mut matrix = self.gram.clone()?;
        (1..dimension).for_each(|i| matrix[i * dimension + i] += lambda);
        Factor::new(&matrix, dimension)
    }

    /// Goes along `step` as far as the value falls; false if it does not fall.
    fn advance(&mut self, lambda: f64, step: &[f64], gradient: &[f64]) -> bool {
        let slope = dot_alone(gradient, step);
        if slope.is_nan() || slope >= 0.0 {
            return false;
        }
        let moves = self.prepared.multiply(&self.sample.rows, step);
        let value = self.derivatives.loss + penalty(lambda, &self.coefficients);
        let allowance = ROUNDING * value.abs();
        let mut size = 1.0;
        for _ in 0..HALVINGS {
            let along = |from: &[f64], by: &[f64]| -> Vec<f64> {
                let pairs = from.iter().zip(by);
                pairs.map(|(from, by)| from + size * by).collect()
            };
            let coefficients = along(&self.coefficients, step);
            let margins = along(&self.margins, &moves);
            let derivatives = self.sample.derivatives(&margins);
            let reached = derivatives.loss + penalty(lambda, &coefficients);
            if reached <= value + DECREASE * size * slope + allowance {
                // Whether only rounding is left.
                let is_over = -slope * size <= allowance;
                self.coefficients = coefficients;
                self.margins = margins;
                self.derivatives = derivatives;
                return !is_over;
            }
            size *= 0.5;
        }
        false
    }
}

/// λ/2 Σ coefficient², without the intercept.
pub(super) fn penalty(lambda: f64, coefficients: &[f64]) -> f64 {
    0.5 * lambda * dot_alone(&coefficients[1..], &coefficients[1..])
}
