//! The objective for two classes: one weight vector.
//!
//! Each row is read once per point for its loss and its contributions to the gradient and to the
//! Hessian's diagonal, and once more per product with the Hessian. This dominates the cost of a fit
//! when the rows do not fit in a cache. Rows of cost 0 (hold-out) are not read at all.

use std::ops::AddAssign;

use super::objective::{add_weights, regularize, scaled};
use super::problem::Problem;
use crate::kernels::math::sigmoid_softplus;
use crate::kernels::reduce::norm;
use crate::optim::Objective;
use crate::sparse;

/// w'w/2 + C Σ cost · loss over the rows, as a function of the coefficients being solved for.
pub(super) struct Binary<'a> {
    problem: &'a Problem<'a>,
    regularization: f64,
    /// Results at the point where the value was last computed.
    last: Point,
    /// cost · p (1 - p) for each row, where the gradient was last computed.
    curvature: Vec<f32>,
    /// Weights times their scale, if there is one.
    exact: Vec<f64>,
    fast: Vec<f32>,
    /// Sums over parts of the rows.
    slopes: Vec<Slope>,
    products: Vec<f32>,
}

/// The results at one point.
#[derive(Default)]
struct Point {
    /// Empty if nothing has been computed yet.
    w: Vec<f64>,
    value: f64,
    /// Slopes of the loss with respect to the scoring weights.
    slopes: Vec<Slope>,
    sums: Terms,
    /// cost · p (1 - p) for each row.
    curvature: Vec<f32>,
}

/// The rows' contributions to a weight's entry of the gradient and of the Hessian's diagonal.
#[derive(Clone, Copy, Default)]
struct Slope {
    gradient: f64,
    curvature: f32,
}

/// A row's loss and its first and second derivative, times its cost.
#[derive(Clone, Copy, Default)]
struct Terms {
    loss: f64,
    residual: f64,
    curvature: f32,
}

impl AddAssign for Slope {
    #[inline]
    fn add_assign(&mut self, other: Slope) {
        self.gradient += other.gradient;
        self.curvature += other.curvature;
    }
}

impl AddAssign for Terms {
    fn add_assign(&mut self, other: Terms) {
        self.loss += other.loss;
        self.residual += other.residual;
        self.curvature += other.curvature;
    }
}

impl<'a> Binary<'a> {
    /// The objective of `problem`, with the data weighted by `regularization`.
    pub fn new(problem: &'a Problem<'a>, regularization: f64) -> Binary<'a> {
        let rows = problem.costs.len();
        Binary {
            problem,
            regularization,
            last: Point {
                slopes: vec![Slope::default(); problem.examples.solved().columns()],
                curvature: vec![0.0; rows],
                ..Point::default()
            },
            curvature: vec![0.0; rows],
            exact: vec![0.0; problem.scale.len()],
            fast: vec![0.0; problem.scale.len()],
            slopes: Vec::new(),
            products: Vec::new(),
        }
    }

    /// Computes the results at `w`.
    fn visit(&mut self, w: &[f64]) {
        let problem = self.problem;
        let (weights, bias) = scaled(problem, w, &mut self.exact);
        let labels = problem.labels();
        let zero = weights.iter().all(|weight| *weight == 0.0);
        let terms = |row: usize, indices: &[u32], values: &[f32], curvature: &mut f32| {
            let cost = problem.costs[row];
            if cost == 0.0 {
                return None;
            }
            let dot = || sparse::dot::<f64, f64, false>(indices, values, weights);
            let score = if zero { bias[0] } else { dot() + bias[0] };
            let (probability, softplus) = sigmoid_softplus(score);
            let label = f64::from(labels[row]);
            let p = probability as f32;
            *curvature = cost as f32 * p * (1.0 - p);
            Some(Terms {
                loss: cost * (softplus - label * score),
                residual: cost * (probability - label),
                curvature: *curvature,
            })
        };
        let add = |slope: &mut Slope, terms: &Terms, entry: f32| {
            slope.gradient += terms.residual * f64::from(entry);
            slope.curvature += terms.curvature * (entry * entry);
        };
        let (rows, last) = (problem.examples.solved(), &mut self.last);
        let (room, curvature) = (&mut self.slopes, &mut last.curvature);
        last.sums = rows.gather(room, curvature, terms, add, &mut last.slopes);
        let norm = norm(&w[..w.len() - 1]);
        last.value = 0.5 * norm * norm + self.regularization * last.sums.loss;
        last.w.clear();
        last.w.extend_from_slice(w);
    }
}

impl Objective for Binary<'_> {
    fn dimension(&self) -> usize {
        self.problem.examples.solved().columns() + 1
    }

    fn value(&mut self, w: &[f64]) -> f64 {
        if self.last.w != w {
            self.visit(w);
        }
        self.last.value
    }

    fn gradient(&mut self, w: &[f64], out: &mut [f64]) {
        self.curvature.copy_from_slice(&self.last.curvature);
        let slopes = self.last.slopes.iter().map(|slope| slope.gradient);
        fill(out, slopes, self.last.sums.residual);
        regularize::<f64, false>(self.problem, self.regularization, out);
        add_weights(out, w, 1);
    }

    fn hessian_vector(&mut self, v: &[f32], out: &mut [f32]) {
        let (problem, curvatures) = (self.problem, &self.curvature);
        let (weights, bias) = scaled(problem, v, &mut self.fast);
        let bend = |row: usize, indices: &[u32], values: &[f32], _: &mut ()| {
            let curvature = curvatures[row];
            let score = || sparse::dot::<f32, f32, false>(indices, values, weights) + bias[0];
            (curvature != 0.0).then(|| curvature * score())
        };
        let add = |sum: &mut f32, bent: &f32, entry: f32| *sum += bent * entry;
        let (sums, last) = out.split_at_mut(out.len() - 1);
        let (rows, notes) = (problem.examples.solved(), &mut vec![(); curvatures.len()]);
        last[0] = rows.gather(&mut self.products, notes, bend, add, sums);
        regularize::<f32, false>(problem, self.regularization, out);
        add_weights(out, v, 1);
    }

    fn hessian_diagonal(&mut self, out: &mut [f32]) {
        let slopes = self.last.slopes.iter().map(|slope| slope.curvature);
        fill(out, slopes, self.last.sums.curvature);
        regularize::<f32, true>(self.problem, self.regularization, out);
        let weights = out.len() - 1;
        out[..weights].iter_mut().for_each(|entry| *entry += 1.0);
    }

    /// Unlike with a softmax, the full step seldom overshoots, so a small first step would be
    /// wasted.
    fn first_radius(&self) -> f64 {
        1.0
    }
}

/// The weights' entries, then the bias's.
fn fill<T>(out: &mut [T], weights: impl Iterator<Item = T>, bias: T) {
    let all = weights.chain(std::iter::once(bias));
    out.iter_mut()
        .zip(all)
        .for_each(|(out, value)| *out = value);
}
