//! Compares fits with linfa-logistic 0.8.1, a dense L-BFGS solver by other authors.
//!
//! Its loss is Σ loss + alpha w'w/2 with a free intercept, so alpha = 1/C states our problem.

use linfa::Dataset;
use linfa::traits::Fit;
use linfa_logistic::{LogisticRegression, MultiLogisticRegression};
use ndarray::{Array1, Array2};
use proptest::prelude::*;

use super::*;
use crate::sparse::Matrix;

const COLUMNS: usize = 5;

/// Rows with zeros, of values -2 to 2 in steps of a quarter, so that both sides read the same
/// numbers.
fn rows() -> impl Strategy<Value = Vec<[i8; COLUMNS]>> {
    prop::collection::vec(prop::array::uniform5(-8..=8_i8), 12..40)
}

fn sparse(rows: &[[i8; COLUMNS]]) -> Matrix {
    let mut matrix = Matrix::new(COLUMNS);
    for row in rows {
        let entries = (0..).zip(row).filter(|(_, value)| **value != 0);
        let (indices, values): (Vec<u32>, Vec<f32>) = entries
            .map(|(i, &value)| (i, f32::from(value) / 4.0))
            .unzip();
        matrix.push(&indices, &values);
    }
    matrix
}

fn dense(rows: &[[i8; COLUMNS]]) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), COLUMNS), |(i, j)| f64::from(rows[i][j]) / 4.0)
}

/// Labels such that every class has rows and none can be predicted from the values alone.
fn labels(rows: usize, classes: usize) -> Vec<usize> {
    (0..rows).map(|i| (i * i / 3 + i) % classes).collect()
}

fn ours(rows: &[[i8; COLUMNS]], labels: &[usize], classes: usize, c: f64) -> Coefficients {
    let labels: Vec<u32> = labels.iter().map(|&label| label as u32).collect();
    let options = SolverOptions {
        regularization: c,
        tolerance: 1e-8,
        max_iterations: 200,
    };
    let matrix = sparse(rows);
    let examples = Examples::new(&matrix, &labels, classes);
    let problem = examples.problem(Scheme::Multinomial);
    problem.fit(&options, None, &mut |_| ()).0
}

fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() < 2e-3 * (1.0 + theirs.abs())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn two_classes_as_linfa(rows in rows(), c in prop::sample::select(vec![0.1, 1.0, 10.0])) {
        let labels = labels(rows.len(), 2);
        let data = Dataset::new(dense(&rows), Array1::from(labels.clone()));
        let options = LogisticRegression::default().alpha(1.0 / c).max_iterations(5000);
        let theirs = options.gradient_tolerance(1e-7).fit(&data).unwrap();
        let ours = ours(&rows, &labels, 2, c);
        // Which class is positive is up to linfa.
        let sign = if theirs.labels().pos.class == 1 { 1.0 } else { -1.0 };
        for (own, other) in ours.weights().iter().zip(theirs.params()) {
            prop_assert!(close(*own, sign * other), "{own} {other}");
        }
        prop_assert!(close(ours.bias()[0], sign * theirs.intercept()));
    }

    /// A softmax has one redundant bias, so only differences between classes are compared.
    #[test]
    fn three_classes_as_linfa(rows in rows(), c in prop::sample::select(vec![0.1, 1.0])) {
        let labels = labels(rows.len(), 3);
        let data = Dataset::new(dense(&rows), Array1::from(labels.clone()));
        let options = MultiLogisticRegression::default().alpha(1.0 / c).max_iterations(5000);
        let theirs = options.gradient_tolerance(1e-7).fit(&data).unwrap();
        let ours = ours(&rows, &labels, 3, c);
        for (feature, own) in ours.weights().chunks(3).enumerate() {
            for (class, own) in own.iter().enumerate() {
                let other = theirs.params()[[feature, class]];
                prop_assert!(close(*own, other), "{own} {other}");
            }
        }
        let (own, other) = (ours.bias(), theirs.intercept());
        prop_assert!(close(own[1] - own[0], other[1] - other[0]));
        prop_assert!(close(own[2] - own[0], other[2] - other[0]));
    }
}
