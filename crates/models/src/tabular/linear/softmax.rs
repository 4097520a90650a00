//! Three or more classes, by the solver of [`linear`](crate::linear).

use super::loss::{SMALLEST_SHARE, Sample};
use super::options::Options;
use super::prepared::Prepared;
use crate::kernels::math::ln;
use crate::linear::{Coefficients, Examples, Scheme, SolverOptions};
use crate::sparse::Matrix;

/// Minimizes for each strength, each search from where the last one ended. Every result holds the
/// intercept and the other coefficients of each of the `classes`.
///
/// `present` are the classes with rows, at least three. The others keep the margin of a share of
/// almost 0.
pub(super) fn path(
    prepared: &Prepared,
    sample: &Sample,
    options: &Options,
    lambdas: &[f64],
    present: &[usize],
    classes: usize,
) -> Vec<Vec<Vec<f64>>> {
    let label = |target: &f64| present.partition_point(|&class| (class as f64) < *target) as u32;
    let labels: Vec<u32> = sample.targets.iter().map(label).collect();
    let examples = Examples::new(matrix(prepared, sample), &labels, present.len());
    let problem = examples.problem(Scheme::Multinomial);
    let problem = problem.with_costs(sample.weights.clone());
    let mut start = None;
    let mut fit = |&lambda: &f64| {
        let solver = SolverOptions {
            regularization: 1.0 / lambda,
            tolerance: options.tolerance,
            max_iterations: options.max_iterations,
        };
        let (fitted, _) = problem.fit(&solver, start.take(), &mut |_| {});
        start = Some(fitted.clone());
        by_class(&fitted, present, classes)
    };
    lambdas.iter().map(&mut fit).collect()
}

fn matrix(prepared: &Prepared, sample: &Sample) -> Matrix {
    let mut matrix = Matrix::new(prepared.dimension() - 1);
    let (mut indices, mut values) = (Vec::new(), Vec::new());
    for &row in &sample.rows {
        indices.clear();
        values.clear();
        for (place, value) in prepared.entries(row) {
            indices.push(place - 1);
            values.push(value as f32);
        }
        matrix.push(&indices, &values);
    }
    matrix
}

/// Intercept and coefficients of each class, from features × outputs.
fn by_class(fitted: &Coefficients, present: &[usize], classes: usize) -> Vec<Vec<f64>> {
    let outputs = fitted.outputs;
    let width = fitted.weights().len() / outputs;
    let mut result = vec![vec![0.0; 1 + width]; classes];
    let intercepts = fitted.bias();
    for (output, &class) in present.iter().enumerate() {
        let coefficients = (0..width).map(|feature| fitted.weights()[feature * outputs + output]);
        result[class] = std::iter::once(intercepts[output])
            .chain(coefficients)
            .collect();
    }
    fill_absent(&mut result, present);
    result
}

/// Gives classes without rows an intercept that makes them almost impossible.
pub(super) fn fill_absent(coefficients: &mut [Vec<f64>], present: &[usize]) {
    let largest = present.iter().map(|&class| coefficients[class][0]);
    let largest = largest.fold(f64::NEG_INFINITY, f64::max);
    for (class, coefficients) in coefficients.iter_mut().enumerate() {
        if present.binary_search(&class).is_err() {
            coefficients[0] = largest + ln(SMALLEST_SHARE);
        }
    }
}
