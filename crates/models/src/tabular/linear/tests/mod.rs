//! Compares fits with scikit-learn, and checks degenerate tables.

use super::*;
use crate::kernels::math::ln;
use crate::state::State;
use crate::trees::{Column, FitError};

mod files;
mod laws;

const ROWS: u32 = 24;

/// Two columns of numbers and one of categories, from formulas that are easy to repeat elsewhere.
struct Table {
    x: Vec<f64>,
    z: Vec<f32>,
    c: Vec<u32>,
}

impl Table {
    fn new() -> Table {
        Table {
            x: (0..ROWS)
                .map(|i| f64::from((7 * i + 3) % 11) / 2.0)
                .collect(),
            z: (0..ROWS).map(|i| ((5 * i * i + 2) % 13) as f32).collect(),
            c: (0..ROWS).map(|i| i % 3).collect(),
        }
    }

    fn columns(&self) -> [Column<'_>; 3] {
        [
            Column::F64(&self.x),
            Column::F32(&self.z),
            Column::Categories(&self.c),
        ]
    }
}

fn all(rows: usize) -> Vec<u32> {
    (0..rows as u32).collect()
}

fn prepare(columns: &[Column], rows: &[u32]) -> Prepared {
    let options = DesignOptions {
        min_rows: 1,
        clip: f64::INFINITY,
    };
    let design = Design::fit(columns, rows, &options).unwrap();
    design.prepare(columns).unwrap()
}

fn exact(family: Family, lambda: f64) -> Options {
    Options {
        lambda,
        tolerance: 1e-11,
        ..Options::of(family)
    }
}

fn targets(formula: impl Fn(u32) -> u32) -> Vec<f64> {
    (0..ROWS).map(|i| f64::from(formula(i))).collect()
}

fn weights() -> Vec<f64> {
    (0..ROWS).map(|i| 1.0 + f64::from(i % 4) / 2.0).collect()
}

/// Fits the table with weights and λ = 2.
fn reference(family: Family, targets: &[f64]) -> Linear {
    let table = Table::new();
    let prepared = prepare(&table.columns(), &all(24));
    let options = exact(family, 2.0);
    let fitted = options.fit(&prepared, targets, Some(&weights()), &all(24));
    fitted.unwrap()
}

fn assert_close(got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(expected) {
        assert!(
            (got - expected).abs() <= tolerance * expected.abs().max(1.0),
            "got {got}, expected {expected}"
        );
    }
}

// Expected values: scikit-learn 1.6.1 on the same features (standardized numbers, three 0/1
// columns), sample_weight = weights(). The fourth coefficient of the categories is that of unseen ones.

#[test]
fn logistic_as_scikit_learn() {
    // LogisticRegression(C=0.5, solver="newton-cholesky", tol=1e-13)
    let fitted = reference(Family::Logistic, &targets(|i| (i * i + i / 3) % 2));
    assert_close(fitted.intercepts(), &[-0.9783424702], 1e-8);
    let expected = [
        0.4795906434,
        -0.6687697865,
        -0.8768395462,
        1.6488501181,
        -0.7720105719,
        0.0,
    ];
    assert_close(fitted.coefficients(), &expected, 1e-8);
}

#[test]
fn squared_as_scikit_learn() {
    // Ridge(alpha=2, solver="cholesky")
    let fitted = reference(Family::Squared, &targets(|i| (3 * i * i + i) % 17));
    assert_close(fitted.intercepts(), &[7.734260976428335], 1e-8);
    let expected = [
        -1.0283632972,
        -0.4260061585,
        0.3840093836,
        -0.8409335786,
        0.456924195,
        0.0,
    ];
    assert_close(fitted.coefficients(), &expected, 1e-8);
}

#[test]
fn poisson_as_scikit_learn() {
    // PoissonRegressor(alpha=2 / weights.sum(), solver="newton-cholesky", tol=1e-13)
    let fitted = reference(Family::Poisson, &targets(|i| (3 * i * i + i) % 7));
    assert_close(fitted.intercepts(), &[0.6232159133379225], 1e-8);
    let expected = [
        -0.0763853476,
        0.2220823975,
        0.0021666475,
        0.3194909465,
        -0.321657594,
        0.0,
    ];
    assert_close(fitted.coefficients(), &expected, 1e-8);
}

#[test]
fn softmax_as_scikit_learn() {
    // LogisticRegression(C=0.5, solver="newton-cg", tol=1e-12), intercepts centred; rows are classes.
    let family = Family::Softmax { classes: 3 };
    let fitted = reference(family, &targets(|i| (i * i + i / 3) % 3));
    let intercepts = [-0.2755580418, 0.1822902631, 0.0932677787];
    assert_close(fitted.intercepts(), &intercepts, 1e-6);
    let expected = [
        [
            -0.0622141282,
            -0.1778790434,
            0.1863199945,
            -0.0555528163,
            -0.1307671782,
            0.0,
        ],
        [
            -0.152094815,
            0.3178706914,
            -0.1355248962,
            0.249574185,
            -0.1140492888,
            0.0,
        ],
        [
            0.2143089433,
            -0.139991648,
            -0.0507950983,
            -0.1940213687,
            0.244816467,
            0.0,
        ],
    ];
    for (class, expected) in expected.iter().enumerate() {
        let of_class = fitted.coefficients().iter().skip(class).step_by(3);
        let of_class: Vec<f64> = of_class.copied().collect();
        assert_close(&of_class, expected, 1e-6);
    }
}

#[test]
fn two_classes_of_a_softmax_are_logistic() {
    let y = targets(|i| (i * i + i / 3) % 2);
    let logistic = reference(Family::Logistic, &y);
    let table = Table::new();
    let prepared = prepare(&table.columns(), &all(24));
    let options = exact(Family::Softmax { classes: 2 }, 4.0);
    let softmax = options
        .fit(&prepared, &y, Some(&weights()), &all(24))
        .unwrap();
    let margins = softmax.margins(&table.columns()).unwrap();
    let differences: Vec<f64> = margins.chunks(2).map(|pair| pair[1] - pair[0]).collect();
    assert_close(
        &differences,
        &logistic.margins(&table.columns()).unwrap(),
        1e-9,
    );
}

#[test]
fn a_class_without_rows_is_almost_impossible() {
    for (classes, seen) in [(3, 1), (3, 2), (5, 3)] {
        let y = targets(|i| i % seen);
        let fitted = reference(Family::Softmax { classes }, &y);
        let table = Table::new();
        for margins in fitted
            .margins(&table.columns())
            .unwrap()
            .chunks_mut(classes)
        {
            fitted.link().apply(margins);
            let absent: f64 = margins[seen as usize..].iter().sum();
            assert!(absent < 1e-6, "{margins:?}");
        }
    }
}

#[test]
fn wide_designs_get_the_same_result() {
    let table = Table::new();
    let prepared = prepare(&table.columns(), &all(24));
    for (family, y) in [
        (Family::Logistic, targets(|i| (i * i + i / 3) % 2)),
        (Family::Poisson, targets(|i| (3 * i * i + i) % 7)),
    ] {
        let options = Options {
            tolerance: 1e-8,
            ..exact(family, 2.0)
        };
        let sample = super::loss::Sample {
            family,
            rows: all(24),
            targets: y,
            weights: vec![1.0; 24],
        };
        let wide = wide::path(&prepared, &sample, &options, &[20.0, 2.0]);
        let mut newton = newton::Newton::new(&prepared, &sample, &options);
        assert_close(&wide[0], &newton.run(20.0), 1e-6);
        assert_close(&wide[1], &newton.run(2.0), 1e-6);
    }
}

#[test]
fn more_levels_than_a_gram_matrix_holds_can_be_fitted() {
    // Two rows per level, of the level's parity: the intercept is 1/2, and with λ = 2 half of the
    // rest is left.
    let codes: Vec<u32> = (0..2400).map(|i| i / 2).collect();
    let y: Vec<f64> = codes.iter().map(|code| f64::from(code % 2)).collect();
    let columns = [Column::Categories(&codes)];
    let prepared = prepare(&columns, &all(2400));
    assert_eq!(prepared.design().width(), 1201);
    let options = Options {
        tolerance: 1e-7,
        ..exact(Family::Squared, 2.0)
    };
    let fitted = options.fit(&prepared, &y, None, &all(2400)).unwrap();
    let margins = fitted.margins(&columns).unwrap();
    assert_close(&margins[..4], &[0.25, 0.25, 0.75, 0.75], 1e-5);
}

#[test]
fn a_path_ends_where_single_fits_do() {
    let table = Table::new();
    let prepared = prepare(&table.columns(), &all(24));
    for (family, y) in [
        (Family::Logistic, targets(|i| (i * i + i / 3) % 2)),
        (Family::Poisson, targets(|i| (3 * i * i + i) % 7)),
        (Family::Squared, targets(|i| (3 * i * i + i) % 17)),
        (Family::Softmax { classes: 3 }, targets(|i| i * i % 5 % 3)),
    ] {
        let options = Options {
            tolerance: 1e-8,
            ..exact(family, 1.0)
        };
        let path = options
            .fit_path(&prepared, &y, None, &all(24), &LAMBDAS)
            .unwrap();
        for (fitted, &lambda) in path.iter().zip(&LAMBDAS) {
            let options = Options { lambda, ..options };
            let single = options.fit(&prepared, &y, None, &all(24)).unwrap();
            assert_close(fitted.coefficients(), single.coefficients(), 1e-5);
        }
    }
}

#[test]
fn a_weight_of_two_is_a_row_twice() {
    let (x, y) = ([0.0, 1.0, 2.0, 4.0], [1.0, 0.0, 3.0, 4.0]);
    let columns = [Column::F64(&x)];
    let design = Design::fit(&columns, &all(4), &DesignOptions::default()).unwrap();
    let twice_x = [0.0, 1.0, 2.0, 4.0, 4.0];
    let twice_y = [1.0, 0.0, 3.0, 4.0, 4.0];
    let twice = design.prepare(&[Column::F64(&twice_x)]).unwrap();
    let once = design.prepare(&columns).unwrap();
    for family in [Family::Squared, Family::Poisson] {
        let options = exact(family, 0.5);
        let a = options
            .fit(&once, &y, Some(&[1.0, 1.0, 1.0, 2.0]), &all(4))
            .unwrap();
        let b = options.fit(&twice, &twice_y, None, &all(5)).unwrap();
        assert_close(a.coefficients(), b.coefficients(), 1e-8);
        // Rows of weight 0 may have any target, and the order of rows does not matter.
        let weights = [1.0, 1.0, 0.0, 1.0];
        let y = [1.0, 0.0, f64::NAN, 4.0];
        let without = options
            .fit(&once, &y, Some(&weights), &[3, 2, 1, 0, 1])
            .unwrap();
        assert_eq!(without, options.fit(&once, &y, None, &[0, 1, 3]).unwrap());
    }
}

#[test]
fn collinear_and_constant_columns_share_or_get_nothing() {
    let x: Vec<f64> = (0..20).map(f64::from).collect();
    let columns = [Column::F64(&x), Column::F64(&x), Column::F64(&[3.0; 20])];
    let prepared = prepare(&columns, &all(20));
    // The variance of 0 to 19 is (20² - 1) / 12; two equal features share 20 sd / (20 + λ/2).
    let deviation = (399.0_f64 / 12.0).sqrt();
    for lambda in [1e-6, 1.0] {
        let options = exact(Family::Squared, lambda);
        let fitted = options.fit(&prepared, &x, None, &all(20)).unwrap();
        let share = 20.0 * deviation / (40.0 + lambda);
        assert_close(fitted.coefficients(), &[share, share, 0.0], 1e-6);
    }
}

#[test]
fn separable_classes_have_finite_coefficients() {
    let x: Vec<f64> = (0..20).map(f64::from).collect();
    let y: Vec<f64> = x.iter().map(|&x| f64::from(u8::from(x > 9.5))).collect();
    let prepared = prepare(&[Column::F64(&x)], &all(20));
    for lambda in [1e-9, 1e-3, 1.0] {
        let fitted = exact(Family::Logistic, lambda)
            .fit(&prepared, &y, None, &all(20))
            .unwrap();
        let margins = fitted.margins(&[Column::F64(&x)]).unwrap();
        assert!(margins.iter().all(|margin| margin.is_finite()));
        assert!(margins[9] < 0.0 && margins[10] > 0.0, "{margins:?}");
    }
}

#[test]
fn targets_that_are_all_alike_give_an_intercept() {
    let table = Table::new();
    let zeros = [0.0; 24];
    let least = ln(1e-9);
    for (family, y, expected) in [
        (Family::Poisson, zeros, least),
        (Family::Poisson, [3.0; 24], ln(3.0)),
        (Family::Logistic, zeros, least),
        (Family::Logistic, [1.0; 24], -least),
        (Family::Squared, [1e12; 24], 1e12),
    ] {
        let margins = reference(family, &y).margins(&table.columns()).unwrap();
        assert_close(&margins, &[expected; 24], 1e-8);
    }
}

#[test]
fn huge_targets_scale_the_model() {
    let y = targets(|i| (3 * i * i + i) % 17);
    let small = reference(Family::Squared, &y);
    for factor in [1e12, 1e140, 1e-140] {
        let scaled: Vec<f64> = y.iter().map(|y| y * factor).collect();
        let large = reference(Family::Squared, &scaled);
        let back: Vec<f64> = large.coefficients().iter().map(|c| c / factor).collect();
        assert_close(&back, small.coefficients(), 1e-9);
    }
}

#[test]
fn counts_over_many_magnitudes_converge() {
    let x: Vec<f64> = (0..60).map(f64::from).collect();
    let y: Vec<f64> = x
        .iter()
        .map(|&x| crate::kernels::math::exp(x / 2.0).floor())
        .collect();
    let columns = [Column::F64(&x)];
    let prepared = prepare(&columns, &all(60));
    let fitted = Options::of(Family::Poisson)
        .fit(&prepared, &y, None, &all(60))
        .unwrap();
    let margins = fitted.margins(&columns).unwrap();
    assert!((margins[59] - 29.5).abs() < 0.01, "{}", margins[59]);
    assert!((margins[40] - 20.0).abs() < 0.1, "{}", margins[40]);
}

#[test]
fn one_row_and_no_columns_are_enough() {
    let table = Table::new();
    let prepared = prepare(&table.columns(), &[5]);
    let y = targets(|i| i);
    let fitted = Options::of(Family::Squared)
        .fit(&prepared, &y, None, &[5])
        .unwrap();
    assert_eq!(fitted.margins(&table.columns()).unwrap(), [5.0; 24]);
    let nothing = Design::fit(&[], &all(4), &DesignOptions::default()).unwrap();
    let prepared = nothing.prepare(&[]).unwrap();
    let y = [0.0, 1.0, 1.0, 1.0];
    let fitted = exact(Family::Logistic, 1.0)
        .fit(&prepared, &y, None, &all(4))
        .unwrap();
    assert_close(&fitted.base(), &[ln(3.0)], 1e-9);
    assert!(fitted.margins(&[]).unwrap().is_empty());
    let family = Family::Softmax { classes: 3 };
    let y = [0.0, 1.0, 2.0, 2.0];
    let fitted = exact(family, 1.0)
        .fit(&prepared, &y, None, &all(4))
        .unwrap();
    let base = fitted.base();
    assert_close(
        &[base[2] - base[0], base[1] - base[0]],
        &[ln(2.0), 0.0],
        1e-6,
    );
}

#[test]
fn missing_numbers_have_an_effect_of_their_own() {
    let x = [f64::NAN, 1.0, f64::NAN, 1.0];
    let columns = [Column::F64(&x)];
    let prepared = prepare(&columns, &all(4));
    let y = [8.0, 0.0, 8.0, 0.0];
    let fitted = exact(Family::Squared, 1e-9)
        .fit(&prepared, &y, None, &all(4))
        .unwrap();
    assert_close(&fitted.margins(&columns).unwrap(), &y, 1e-6);
    assert_close(&fitted.base(), &[4.0], 1e-9);
    let added = fitted.contributions(&columns).unwrap();
    assert_close(&added.values, &[4.0, -4.0, 4.0, -4.0], 1e-6);
}

#[test]
fn bad_input_is_refused() {
    let table = Table::new();
    let prepared = prepare(&table.columns(), &all(24));
    let y = targets(|i| i % 2);
    let options = Options::of(Family::Logistic);
    let fit = |y: &[f64], weights: Option<&[f64]>, rows: &[u32]| {
        options.fit(&prepared, y, weights, rows).map(|_| ())
    };
    let rows = all(24);
    let length = |what, got| FitError::Length {
        what,
        got,
        rows: 24,
    };
    assert_eq!(fit(&y[1..], None, &rows), Err(length("target", 23)));
    assert_eq!(fit(&y, Some(&y[1..]), &rows), Err(length("weight", 23)));
    assert_eq!(
        fit(&y, None, &[24]),
        Err(FitError::Row { row: 24, rows: 24 })
    );
    let nothing = Err(FitError::NoRows("train on"));
    assert_eq!(fit(&y, None, &[]), nothing);
    assert_eq!(fit(&y, Some(&[0.0; 24]), &rows), nothing);
    let error = fit(&y, Some(&[-1.0; 24]), &rows).unwrap_err();
    assert_eq!(
        error,
        FitError::Weight {
            row: 0,
            value: -1.0
        }
    );
    let error = fit(&[2.0; 24], None, &rows).unwrap_err().to_string();
    assert_eq!(error, "target 2 of row 0 is not between 0 and 1");
    let error = Options {
        lambda: 0.0,
        ..options
    }
    .fit(&prepared, &y, None, &rows);
    assert_eq!(
        error.unwrap_err().to_string(),
        "option `lambda` is not positive"
    );
    let fitted = options.fit(&prepared, &y, None, &rows).unwrap();
    let columns = table.columns();
    let message = |columns: &[Column]| fitted.margins(columns).unwrap_err().to_string();
    assert_eq!(message(&columns[..2]), "expected 3 columns, got 2");
    let swapped = [columns[0], columns[2], columns[1]];
    assert_eq!(message(&swapped), "column 1 was trained as numbers");
    let short = [columns[0], Column::F32(&[1.0]), columns[2]];
    assert_eq!(
        message(&short),
        "column 1 has another number of rows than column 0"
    );
}

#[test]
fn threads_do_not_change_a_bit() {
    let x: Vec<f64> = (0..9000).map(|i| libm::sin(f64::from(i) * 0.7)).collect();
    let c: Vec<u32> = (0..9000).map(|i| i * i % 7).collect();
    let y: Vec<f64> = (0..9000).map(|i| f64::from(i * 31 % 17 % 2)).collect();
    let columns = [Column::F64(&x), Column::Categories(&c)];
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let prepared = prepare(&columns, &all(9000));
            let options = Options::of(Family::Logistic);
            options
                .fit_path(&prepared, &y, None, &all(9000), &LAMBDAS)
                .unwrap()
        })
    };
    let one = run(1);
    assert!(one == run(2) && one == run(5));
}

fn saved(fitted: &Linear) -> State {
    let mut state = State::default();
    fitted.add_to(&mut state, "linear");
    state
}
