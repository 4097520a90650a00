//! The objective for more than two classes: value, gradient and curvature.

use rayon::prelude::*;

use super::coefficients::add_bias;
use super::options::Scheme;
use super::problem::Problem;
use crate::kernels::math::{sigmoid_softplus, softmax};
use crate::kernels::real::Real;
use crate::kernels::reduce::{chunks, norm};
use crate::optim::Objective;

/// Number of rows in one chunk of a sum over rows.
const ROWS: usize = 256;

/// w'w/2 + C Σ cost · loss over the rows, as a function of the coefficients being solved for.
pub(super) struct Logistic<'a> {
    problem: &'a Problem<'a>,
    outputs: usize,
    regularization: f64,
    /// Buffers for the value and the gradient.
    exact: Pass<f64>,
    /// Buffers for products with the Hessian.
    fast: Pass<f32>,
    /// rows × outputs: probabilities where the gradient was last computed.
    probabilities: Vec<f32>,
}

/// Buffers of a pass over the rows.
struct Pass<T> {
    /// rows × outputs: scores, and values computed from them in place.
    work: Vec<T>,
    /// Weights times their scale, if there is one.
    scaled: Vec<T>,
}

impl<T: Real> Pass<T> {
    fn new(problem: &Problem) -> Pass<T> {
        Pass {
            work: vec![T::default(); problem.costs.len() * problem.outputs()],
            scaled: vec![T::default(); problem.scale.len()],
        }
    }

    /// work = X (scale · w) + bias.
    fn multiply(&mut self, problem: &Problem, w: &[T]) {
        let mut work = std::mem::take(&mut self.work);
        let (weights, bias) = scaled(problem, w, &mut self.scaled);
        let rows = problem.examples.solved();
        rows.multiply(weights, problem.outputs(), &mut work);
        add_bias(&mut work, bias);
        self.work = work;
    }

    /// out = C (scale · Xᵀ work, Σ work); the entries of X and the scale are squared if `SQUARED`.
    fn multiply_transposed<const SQUARED: bool>(
        &mut self,
        problem: &Problem,
        c: f64,
        out: &mut [T],
    ) {
        let outputs = problem.outputs();
        let (weights, bias) = out.split_at_mut(out.len() - outputs);
        let columns = problem.examples.columns();
        if SQUARED {
            columns.multiply_squared(&self.work, outputs, weights);
        } else {
            columns.multiply(&self.work, outputs, weights);
        }
        bias.copy_from_slice(&self.sum_rows(outputs));
        regularize::<T, SQUARED>(problem, c, out);
    }

    /// Sums of the columns of `work`.
    fn sum_rows(&self, outputs: usize) -> Vec<T> {
        let parts = chunks(self.work.len() / outputs, ROWS, |range| {
            let rows = &self.work[range.start * outputs..range.end * outputs];
            sum_vectors(outputs, rows.chunks_exact(outputs))
        });
        sum_vectors(outputs, parts.iter().map(Vec::as_slice))
    }

    /// Calls `each` with the row of `work`, the row of probabilities, the label and the cost of
    /// every row, and returns the sum of the results, in a fixed order.
    fn each_row(
        &mut self,
        problem: &Problem,
        probabilities: &mut [f32],
        each: impl Fn(&mut [T], &mut [f32], u32, f64) -> f64 + Sync,
    ) -> f64 {
        let outputs = problem.outputs();
        let work = self.work.par_chunks_mut(ROWS * outputs);
        let values = work.zip(probabilities.par_chunks_mut(ROWS * outputs));
        let labels = problem.labels().par_chunks(ROWS);
        let parts: Vec<f64> = values
            .zip(labels.zip(problem.costs.par_chunks(ROWS)))
            .map(|((work, probabilities), (labels, costs))| {
                let rows = work
                    .chunks_exact_mut(outputs)
                    .zip(probabilities.chunks_exact_mut(outputs));
                let rows = rows.zip(labels.iter().zip(costs));
                rows.map(|((work, p), (y, cost))| each(work, p, *y, *cost))
                    .sum()
            })
            .collect();
        parts.into_iter().sum()
    }
}

/// The scoring weights and the bias; `room` is a buffer for scaled weights.
pub(super) fn scaled<'b, T: Real>(
    problem: &Problem,
    w: &'b [T],
    room: &'b mut [T],
) -> (&'b [T], &'b [T]) {
    let (weights, bias) = w.split_at(w.len() - problem.outputs());
    if problem.scale.is_empty() {
        return (weights, bias);
    }
    let both = weights.par_iter().zip(&problem.scale);
    let scaled = room.par_iter_mut().zip(both);
    scaled.for_each(|(out, (w, scale))| *out = *w * T::round(*scale));
    (room, bias)
}

/// out = C (scale · weights, bias), or with the scale squared.
pub(super) fn regularize<T: Real, const SQUARED: bool>(problem: &Problem, c: f64, out: &mut [T]) {
    let power = |scale: f64| T::round(if SQUARED { scale * scale } else { scale });
    for (out, scale) in out.iter_mut().zip(&problem.scale) {
        *out *= power(*scale);
    }
    scale(out, T::round(c));
}

impl<'a> Logistic<'a> {
    /// The objective of `problem`, with the data weighted by `regularization`.
    pub fn new(problem: &'a Problem<'a>, regularization: f64) -> Logistic<'a> {
        Logistic {
            outputs: problem.outputs(),
            regularization,
            exact: Pass::new(problem),
            fast: Pass::new(problem),
            probabilities: vec![0.0; problem.costs.len() * problem.outputs()],
            problem,
        }
    }

    /// Whether the classes share a softmax.
    fn joint(&self) -> bool {
        self.problem.scheme == Scheme::Multinomial
    }
}

impl Objective for Logistic<'_> {
    fn dimension(&self) -> usize {
        (self.problem.examples.solved().columns() + 1) * self.outputs
    }

    fn value(&mut self, w: &[f64]) -> f64 {
        self.exact.multiply(self.problem, w);
        let (joint, unused) = (self.joint(), &mut self.probabilities);
        let loss = |scores: &mut [f64], _: &mut [f32], y, cost| cost * loss(scores, y, joint);
        let losses = self.exact.each_row(self.problem, unused, loss);
        let weights = norm(&w[..w.len() - self.outputs]);
        0.5 * weights * weights + self.regularization * losses
    }

    fn gradient(&mut self, w: &[f64], out: &mut [f64]) {
        let probabilities = &mut self.probabilities;
        self.exact
            .each_row(self.problem, probabilities, |row, p, label, cost| {
                p.iter_mut().zip(&*row).for_each(|(p, q)| *p = *q as f32);
                row[label as usize] -= 1.0;
                scale(row, cost);
                0.0
            });
        let c = self.regularization;
        self.exact
            .multiply_transposed::<false>(self.problem, c, out);
        add_weights(out, w, self.outputs);
    }

    fn hessian_vector(&mut self, v: &[f32], out: &mut [f32]) {
        let (joint, c) = (self.joint(), self.regularization);
        self.fast.multiply(self.problem, v);
        let probabilities = &mut self.probabilities;
        self.fast
            .each_row(self.problem, probabilities, |row, p, _, cost| {
                bend(row, p, joint);
                scale(row, cost as f32);
                0.0
            });
        self.fast.multiply_transposed::<false>(self.problem, c, out);
        add_weights(out, v, self.outputs);
    }

    fn hessian_diagonal(&mut self, out: &mut [f32]) {
        let (c, probabilities) = (self.regularization, &mut self.probabilities);
        self.fast
            .each_row(self.problem, probabilities, |row, p, _, cost| {
                for (work, p) in row.iter_mut().zip(p) {
                    *work = cost as f32 * *p * (1.0 - *p);
                }
                0.0
            });
        self.fast.multiply_transposed::<true>(self.problem, c, out);
        let regularized = out.len() - self.outputs;
        out[..regularized]
            .iter_mut()
            .for_each(|entry| *entry += 1.0);
    }
}

/// Turns the scores of a row into probabilities and returns the loss of its label.
fn loss(scores: &mut [f64], label: u32, joint: bool) -> f64 {
    if joint {
        let actual = scores[label as usize];
        return softmax(scores) - actual;
    }
    let mut loss = -scores[label as usize];
    for score in scores {
        let (probability, softplus) = sigmoid_softplus(*score);
        *score = probability;
        loss += softplus;
    }
    loss
}

/// Multiplies `v` in place by the Hessian of a row's loss with respect to its scores.
fn bend(v: &mut [f32], p: &[f32], joint: bool) {
    let mean: f32 = if joint {
        v.iter().zip(p).map(|(v, p)| v * p).sum()
    } else {
        0.0
    };
    for (v, p) in v.iter_mut().zip(p) {
        *v = if joint {
            p * (*v - mean)
        } else {
            *v * p * (1.0 - p)
        };
    }
}

fn sum_vectors<'a, T: Real + 'a>(len: usize, vectors: impl Iterator<Item = &'a [T]>) -> Vec<T> {
    let mut total = vec![T::default(); len];
    for vector in vectors {
        for (total, value) in total.iter_mut().zip(vector) {
            *total += *value;
        }
    }
    total
}

fn scale<T: Real>(values: &mut [T], factor: T) {
    for value in values {
        *value *= factor;
    }
}

/// Adds the regularization of `w`, all but the bias, to `out`.
pub(super) fn add_weights<T: Real>(out: &mut [T], w: &[T], outputs: usize) {
    let regularized = w.len() - outputs;
    for (out, w) in out[..regularized].iter_mut().zip(w) {
        *out += *w;
    }
}
