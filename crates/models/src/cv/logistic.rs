//! Logistic regression over some of the standardized features.

use std::ops::Range;

use linfa::Dataset;
use linfa::traits::Fit;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2};

use super::features::FEATURES;
use crate::linear::{self, Examples, Scheme};
use crate::sparse::Matrix;

/// The algorithm that finds the weights.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Solver {
    /// A trust-region Newton method: the same bytes on every processor.
    #[default]
    Newton,
    /// linfa-logistic's L-BFGS. Its matrix products choose their instructions at run time, so
    /// results repeat only on one kind of processor. It does not support class weights.
    Linfa,
}

/// Weights of the unscaled features; 0 for features that are not used.
pub(super) struct Line {
    pub weights: [f64; FEATURES],
    pub bias: f64,
    pub converged: bool,
}

/// Fits the columns `columns` of `features`; `costs` weight the photos if the solver supports it.
pub(super) fn fit(
    solver: Solver,
    features: &[&[f64; FEATURES]],
    sharp: &[bool],
    costs: &[f64],
    columns: Range<usize>,
    options: &linear::SolverOptions,
) -> Line {
    let scales: Vec<(f64, f64)> = columns
        .clone()
        .map(|column| mean_and_deviation(features.iter().map(|row| row[column])))
        .collect();
    let scaled = |row: &[f64; FEATURES]| -> Vec<f64> {
        let columns = columns.clone().zip(&scales);
        columns
            .map(|(column, (mean, deviation))| (row[column] - mean) / deviation)
            .collect()
    };
    let rows: Vec<Vec<f64>> = features.iter().map(|row| scaled(row)).collect();
    let (weights, bias, converged) = match solver {
        Solver::Newton => by_newton(&rows, sharp, costs, options),
        Solver::Linfa => by_linfa(&rows, sharp, options),
    };
    let mut line = Line {
        weights: [0.0; FEATURES],
        bias,
        converged,
    };
    for ((column, weight), (mean, deviation)) in columns.zip(weights).zip(&scales) {
        line.weights[column] = weight / deviation;
        line.bias -= weight * mean / deviation;
    }
    line
}

fn by_newton(
    rows: &[Vec<f64>],
    sharp: &[bool],
    costs: &[f64],
    options: &linear::SolverOptions,
) -> (Vec<f64>, f64, bool) {
    let width = rows.first().map_or(0, Vec::len);
    let indices: Vec<u32> = (0..width as u32).collect();
    let mut matrix = Matrix::new(width);
    for row in rows {
        let values: Vec<f32> = row.iter().map(|&value| value as f32).collect();
        matrix.push(&indices, &values);
    }
    let labels: Vec<u32> = sharp.iter().map(|&sharp| u32::from(sharp)).collect();
    let examples = Examples::new(&matrix, &labels, 2);
    let problem = examples
        .problem(Scheme::Multinomial)
        .with_costs(costs.to_vec());
    let (fitted, end) = problem.fit(options, None, &mut |_| {});
    (fitted.weights().to_vec(), fitted.bias()[0], end.converged)
}

/// The same objective, w'w/2 + C Σ loss, divided by C. If the search fails, the weights are zero
/// and the flag is false.
fn by_linfa(
    rows: &[Vec<f64>],
    sharp: &[bool],
    options: &linear::SolverOptions,
) -> (Vec<f64>, f64, bool) {
    let width = rows.first().map_or(0, Vec::len);
    let values: Vec<f64> = rows.iter().flatten().copied().collect();
    let x = Array2::from_shape_vec((rows.len(), width), values).expect("rows of one width");
    let data = Dataset::new(x, Array1::from(sharp.to_vec()));
    let model = LogisticRegression::default()
        .alpha(1.0 / options.regularization)
        .gradient_tolerance(options.tolerance)
        .max_iterations(options.max_iterations as u64)
        .fit(&data);
    match model {
        Ok(model) => {
            let (weights, bias) = (model.params().to_vec(), model.intercept());
            // Which of the two classes it treats as positive is up to linfa.
            let sign = if model.labels().pos.class { 1.0 } else { -1.0 };
            let weights = weights.iter().map(|weight| sign * weight).collect();
            (weights, sign * bias, true)
        }
        Err(_) => (vec![0.0; width], 0.0, false),
    }
}

fn mean_and_deviation(values: impl ExactSizeIterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.clone().sum::<f64>() / count;
    let variance = values
        .map(|value| (value - mean) * (value - mean))
        .sum::<f64>()
        / count;
    match variance.sqrt() {
        deviation if deviation > 0.0 => (mean, deviation),
        _ => (mean, 1.0), // a constant becomes 0 and gets no weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// linfa-logistic as the oracle: two solvers, one minimum.
    #[test]
    fn newton_and_linfa_find_the_same_line() {
        let number = |i: u32, step: u32| f64::from(i * step % 97) / 97.0;
        let rows: Vec<[f64; FEATURES]> = (0..200)
            .map(|i| std::array::from_fn(|f| 5.0 + number(i, 3 * f as u32 + 7) * (f + 1) as f64))
            .collect();
        let sharp: Vec<bool> = (0..200)
            .map(|i| rows[i][3] / 4.0 - rows[i][9] / 10.0 + number(i as u32, 31) > 1.25)
            .collect();
        let rows: Vec<&[f64; FEATURES]> = rows.iter().collect();
        for regularization in [0.1, 1.0, 10.0] {
            let options = linear::SolverOptions {
                regularization,
                tolerance: 1e-8,
                max_iterations: 500,
            };
            let line = |solver| fit(solver, &rows, &sharp, &[1.0; 200], 1..FEATURES, &options);
            let (ours, theirs) = (line(Solver::Newton), line(Solver::Linfa));
            assert!(ours.converged && theirs.converged);
            for row in &rows {
                let at = |line: &Line| {
                    let terms = line
                        .weights
                        .iter()
                        .zip(*row)
                        .map(|(weight, value)| weight * value);
                    line.bias + terms.sum::<f64>()
                };
                let apart = (at(&ours) - at(&theirs)).abs();
                assert!(
                    apart < 1e-3,
                    "C {regularization}: {} and {}",
                    at(&ours),
                    at(&theirs)
                );
            }
        }
    }
}
