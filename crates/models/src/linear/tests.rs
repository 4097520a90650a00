//! Compares fits with scikit-learn, with manual calculations, and with numerical derivatives.

use proptest::prelude::*;

use super::*;
use crate::kernels::math::ln;
use crate::optim::{Minimum, Objective};
use crate::sparse::Matrix;

const ROWS: usize = 12;
const COLUMNS: usize = 4;

/// Multiples of a quarter between -1 and 1, from a formula that is easy to repeat elsewhere.
fn rows() -> Matrix {
    let mut matrix = Matrix::new(COLUMNS);
    for i in 0..ROWS {
        let entry = |j: usize| (((i * 7 + j * 5 + i * j) % 9) as f32 - 4.0) / 4.0;
        matrix.push(&[0, 1, 2, 3], &[entry(0), entry(1), entry(2), entry(3)]);
    }
    matrix
}

fn labels(classes: usize) -> Vec<u32> {
    (0..ROWS)
        .map(|i| ((i * i + i / 3) % classes) as u32)
        .collect()
}

fn fit(classes: u32, c: f64, start: Option<Coefficients>) -> (Coefficients, Minimum) {
    let labels = labels(classes as usize);
    let options = SolverOptions {
        regularization: c,
        tolerance: 1e-9,
        max_iterations: 100,
    };
    let rows = rows();
    let examples = Examples::new(&rows, &labels, classes as usize);
    examples
        .problem(Scheme::Multinomial)
        .fit(&options, start, &mut |_| ())
}

fn assert_close(got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(expected) {
        assert!(
            (got - expected).abs() < tolerance,
            "got {got}, expected {expected}"
        );
    }
}

// Expected values: scikit-learn 1.5.2, LogisticRegression(C=C, solver="newton-cg", tol=1e-12),
// which its lbfgs confirms to 2e-7 (for three classes that is also their precision). Column 2 is
// constant, so the unregularized bias absorbs it.

#[test]
fn two_classes_as_scikit_learn() {
    let (model, end) = fit(2, 1.0, None);
    assert!(end.converged);
    assert_close(
        model.weights(),
        &[0.348894491, 0.033294445, 0.0, -0.028781277],
        1e-7,
    );
    assert_close(model.bias(), &[-0.696623209], 1e-7);
    let (model, _) = fit(2, 10.0, None);
    assert_close(
        model.weights(),
        &[0.628030712, 0.127159914, 0.0, -0.102493271],
        1e-7,
    );
    assert_close(model.bias(), &[-0.702364858], 1e-7);
}

#[test]
fn three_classes_as_scikit_learn() {
    let (model, end) = fit(3, 1.0, None);
    assert!(end.converged);
    let weights = [
        [-0.981107831, 0.506249888, 0.474857943],
        [0.759599582, -0.531436107, -0.228163476],
        [0.0, 0.0, 0.0],
        [0.280367808, 0.551418347, -0.831786355],
    ];
    assert_close(model.weights(), weights.as_flattened(), 1e-6);
    assert_close(
        model.bias(),
        &[-0.132255007, 0.242828813, -0.110573806],
        1e-7,
    );
    let (model, _) = fit(3, 10.0, None);
    assert_close(
        model.bias(),
        &[-0.606530951, 0.607590767, -0.001059816],
        1e-6,
    );
}

#[test]
fn a_start_elsewhere_ends_in_the_same_place() {
    let (cold, _) = fit(3, 10.0, None);
    let (warm, _) = fit(3, 10.0, Some(fit(3, 1.0, None).0));
    assert_close(&warm.values, &cold.values, 1e-7);
}

#[test]
fn the_prior_has_the_shares_as_odds() {
    let prior = |counts: &[u64], scheme| {
        let labels: Vec<u32> = (0..)
            .zip(counts)
            .flat_map(|(y, &n)| vec![y; n as usize])
            .collect();
        let mut rows = Matrix::new(2);
        labels.iter().for_each(|_| rows.push(&[], &[]));
        Examples::new(&rows, &labels, counts.len())
            .problem(scheme)
            .prior()
    };
    let two = prior(&[8, 4], Scheme::Multinomial);
    assert_eq!(two.values, [0.0, 0.0, ln(4.0) - ln(8.0)]);
    assert_eq!(two, prior(&[8, 4], Scheme::OneVsRest));
    let three = prior(&[1, 2, 4], Scheme::Multinomial);
    assert_eq!(three.weights(), [0.0; 6]);
    assert_close(three.bias(), &[-ln(2.0), 0.0, ln(2.0)], 1e-15);
    let rest = prior(&[1, 2, 4], Scheme::OneVsRest);
    assert_close(rest.bias(), &[-ln(6.0), -ln(2.5), ln(4.0 / 3.0)], 1e-15);
}

/// 3,000 rows, enough for several chunks and tasks.
fn large() -> (Matrix, Vec<u32>) {
    let mut matrix = Matrix::new(700);
    for i in 0..3000_u32 {
        let indices: Vec<u32> = (0..7)
            .map(|j| (i * 31 + j * 97 + i / 7) % 100 + j * 100)
            .collect();
        let values: Vec<f32> = (0..7).map(|j| ((i + j) % 11) as f32 / 11.0).collect();
        matrix.push(&indices, &values);
    }
    (matrix, (0..3000).map(|i| (i * i / 5 + i) % 3).collect())
}

#[test]
fn threads_do_not_change_a_bit() {
    let (rows, labels) = large();
    for classes in [2, 3] {
        let labels: Vec<u32> = labels.iter().map(|label| label % classes).collect();
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let examples = Examples::new(&rows, &labels, classes as usize);
            let problem = examples.problem(Scheme::Multinomial);
            let fitted = || problem.fit(&SolverOptions::default(), None, &mut |_| ());
            let (model, end) = pool.install(fitted);
            let bits: Vec<u64> = model.values.iter().map(|value| value.to_bits()).collect();
            (bits, end.iterations, end.value.to_bits())
        };
        let one = run(1);
        assert!(one.1 > 1);
        assert_eq!(one, run(2));
        assert_eq!(one, run(8));
    }
}

#[test]
fn one_against_the_rest_is_two_classes_each() {
    let labels = labels(3);
    let rows = rows();
    let options = SolverOptions {
        regularization: 2.0,
        tolerance: 1e-9,
        max_iterations: 100,
    };
    let examples = Examples::new(&rows, &labels, 3);
    let (all, _) = examples
        .problem(Scheme::OneVsRest)
        .fit(&options, None, &mut |_| ());
    for class in 0..3 {
        let own: Vec<u32> = labels.iter().map(|y| u32::from(*y == class)).collect();
        let examples = Examples::new(&rows, &own, 2);
        let (one, _) = examples
            .problem(Scheme::Multinomial)
            .fit(&options, None, &mut |_| ());
        let column: Vec<f64> = all
            .values
            .iter()
            .skip(class as usize)
            .step_by(3)
            .copied()
            .collect();
        assert_close(&column, &one.values, 1e-7);
    }
}

#[test]
fn a_cost_is_a_row_repeated() {
    let labels = labels(3);
    let options = SolverOptions {
        regularization: 2.0,
        tolerance: 1e-9,
        max_iterations: 100,
    };
    let (mut twice, mut more) = (rows(), labels.clone());
    for (row, _) in labels.iter().enumerate().filter(|(_, y)| **y == 1) {
        let own = rows();
        let (indices, values) = own.row(row);
        twice.push(indices, values);
        more.push(1);
    }
    for scheme in [Scheme::Multinomial, Scheme::OneVsRest] {
        let rows = rows();
        let costs = labels.iter().map(|y| if *y == 1 { 2.0 } else { 1.0 });
        let examples = Examples::new(&rows, &labels, 3);
        let problem = examples.problem(scheme).with_costs(costs.collect());
        let examples = Examples::new(&twice, &more, 3);
        let repeated = examples.problem(scheme);
        assert_close(&problem.prior().values, &repeated.prior().values, 1e-12);
        let fit = |problem: &Problem| problem.fit(&options, None, &mut |_| ()).0.values;
        assert_close(&fit(&problem), &fit(&repeated), 1e-7);
    }
}

#[test]
fn a_cost_of_zero_leaves_a_row_out() {
    let (rows, labels) = (rows(), labels(3));
    let kept: Vec<usize> = (0..ROWS).filter(|row| row % 4 != 1).collect();
    let costs = (0..ROWS).map(|row| f64::from(kept.contains(&row)));
    let (fewer, own) = (rows.select(&kept), kept.iter().map(|&row| labels[row]));
    let own: Vec<u32> = own.collect();
    let options = SolverOptions {
        tolerance: 1e-9,
        ..SolverOptions::default()
    };
    let examples = Examples::new(&rows, &labels, 3);
    let problem = examples
        .problem(Scheme::Multinomial)
        .with_costs(costs.collect());
    let (all, _) = problem.fit(&options, None, &mut |_| ());
    let examples = Examples::new(&fewer, &own, 3);
    let problem = examples.problem(Scheme::Multinomial);
    let (less, _) = problem.fit(&options, None, &mut |_| ());
    assert_close(&all.values, &less.values, 1e-9);
}

/// A scale on a weight has the effect of the same scale on the column.
#[test]
fn a_scale_is_one_of_the_columns() {
    let scales = [0.5, 2.0, 1.0, 3.0];
    let mut scaled = Matrix::new(COLUMNS);
    let plain = rows();
    for row in 0..ROWS {
        let (indices, values) = plain.row(row);
        let values: Vec<f32> = values
            .iter()
            .zip(scales)
            .map(|(v, s)| v * s as f32)
            .collect();
        scaled.push(indices, &values);
    }
    let (labels, options) = (
        labels(2),
        SolverOptions {
            tolerance: 1e-9,
            ..SolverOptions::default()
        },
    );
    let examples = Examples::new(&plain, &labels, 2);
    let one = examples
        .problem(Scheme::Multinomial)
        .with_scale(scales.to_vec());
    let examples = Examples::new(&scaled, &labels, 2);
    let other = examples.problem(Scheme::Multinomial);
    let fit = |problem: &Problem| problem.fit(&options, None, &mut |_| ()).0;
    let (a, b) = (fit(&one), fit(&other));
    assert_close(&a.values, &b.values, 1e-9);
    assert_close(&one.unscaled(&a).scores(&plain), &b.scores(&scaled), 1e-9);
}

type Point = (Vec<f64>, Vec<f64>, usize, bool);

fn point() -> impl Strategy<Value = Point> {
    (2..=4_usize).prop_flat_map(|classes| {
        let dimension = (COLUMNS + 1) * outputs(classes);
        let vector = || prop::collection::vec(-2.0..2.0_f64, dimension);
        (vector(), vector(), Just(classes), any::<bool>())
    })
}

/// Calls `check` with the objective of a problem with costs and scales.
fn with_objective(classes: usize, rest: bool, check: impl FnOnce(&mut dyn Objective)) {
    let (rows, labels) = (rows(), labels(classes));
    let scheme = if rest {
        Scheme::OneVsRest
    } else {
        Scheme::Multinomial
    };
    let weights = COLUMNS * outputs(classes);
    let examples = Examples::new(&rows, &labels, classes);
    let problem = examples
        .problem(scheme)
        .with_costs((0..ROWS).map(|row| (row % 3) as f64 / 2.0 + 0.5).collect())
        .with_scale((0..weights).map(|i| 0.3 + (i % 5) as f64 / 2.0).collect());
    check(problem.objective(3.0).as_mut());
}

proptest! {
    #[test]
    fn gradient_is_the_slope((w, v, classes, rest) in point()) {
        with_objective(classes, rest, |objective| {
            let mut gradient = vec![0.0; w.len()];
            objective.value(&w);
            objective.gradient(&w, &mut gradient);
            let slope: f64 = gradient.iter().zip(&v).map(|(g, v)| g * v).sum();
            let step = 1e-5;
            let at = |sign: f64| -> Vec<f64> {
                w.iter().zip(&v).map(|(w, v)| w + sign * step * v).collect()
            };
            let rise = objective.value(&at(1.0)) - objective.value(&at(-1.0));
            let difference = rise / (2.0 * step);
            let close = (slope - difference).abs() < 1e-5 * (1.0 + slope.abs());
            assert!(close, "{slope} {difference}");
        });
    }

    #[test]
    fn hessian_vector_is_the_change_of_the_gradient((w, v, classes, rest) in point()) {
        with_objective(classes, rest, |objective| {
            let step = 1e-5;
            let mut gradient_at = |sign: f64| {
                let w: Vec<f64> = w.iter().zip(&v).map(|(w, v)| w + sign * step * v).collect();
                let mut gradient = vec![0.0; w.len()];
                objective.value(&w);
                objective.gradient(&w, &mut gradient);
                gradient
            };
            let (above, below, _) = (gradient_at(1.0), gradient_at(-1.0), gradient_at(0.0));
            let v: Vec<f32> = v.iter().map(|v| *v as f32).collect();
            let mut product = vec![0.0; w.len()];
            objective.hessian_vector(&v, &mut product);
            for (&product, (above, below)) in product.iter().zip(above.iter().zip(&below)) {
                let (product, difference) = (f64::from(product), (above - below) / (2.0 * step));
                assert!((product - difference).abs() < 1e-4 * (1.0 + product.abs()));
            }
        });
    }

    #[test]
    fn diagonal_is_that_of_the_hessian((w, _, classes, rest) in point()) {
        with_objective(classes, rest, |objective| {
            let (mut diagonal, mut product) = (vec![0.0; w.len()], vec![0.0; w.len()]);
            objective.value(&w);
            objective.gradient(&w, &mut vec![0.0; w.len()]);
            objective.hessian_diagonal(&mut diagonal);
            for i in 0..w.len() {
                let mut unit = vec![0.0; w.len()];
                unit[i] = 1.0;
                objective.hessian_vector(&unit, &mut product);
                assert!((product[i] - diagonal[i]).abs() < 1e-4 * (1.0 + diagonal[i]));
            }
        });
    }
}
