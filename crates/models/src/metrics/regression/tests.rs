//! Metrics of numbers, counts and quantiles against scikit-learn, and their laws.

use super::*;
use proptest::prelude::*;

const ACTUAL: [f64; 6] = [3.0, 0.0, 7.0, 2.0, 5.0, 1.0];
const PREDICTED: [f64; 6] = [2.5, 0.5, 6.0, 3.0, 5.0, 2.0];
const WEIGHTS: [f64; 6] = [1.0, 2.0, 1.0, 0.5, 3.0, 1.0];

fn rows<'a>(actual: &'a [f64], predicted: &'a [f64]) -> Evaluation<'a> {
    Evaluation {
        actual,
        predicted,
        weights: None,
    }
}

fn weighted() -> Evaluation<'static> {
    Evaluation {
        weights: Some(&WEIGHTS),
        ..rows(&ACTUAL, &PREDICTED)
    }
}

fn assert_near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-14, "{found} {expected}");
    }
}

/// scikit-learn 1.9.1: root_mean_squared_error, mean_absolute_error, median_absolute_error,
/// r2_score.
#[test]
fn numbers_are_those_of_scikit_learn() {
    let figures = |score: Regression| {
        let median = score.median_absolute_error;
        [score.rmse, score.mae, median, score.r2.unwrap()]
    };
    let plain = rows(&ACTUAL, &PREDICTED).score().unwrap();
    let known = [
        0.763_762_615_825_973_4,
        0.666_666_666_666_666_6,
        0.75,
        0.897_058_823_529_411_8,
    ];
    assert_near(&figures(plain), &known);
    assert_eq!((plain.rows, plain.mape), (6, None));
    let known = [
        0.618_346_942_400_842_3,
        0.470_588_235_294_117_64,
        0.5,
        0.935_304_449_648_712,
    ];
    assert_near(&figures(weighted().score().unwrap()), &known);
    // mean_absolute_percentage_error of the values plus 1, in percent
    let plus = |values: &[f64]| values.iter().map(|v| v + 1.0).collect::<Vec<f64>>();
    let (actual, predicted) = (plus(&ACTUAL), plus(&PREDICTED));
    let score = rows(&actual, &predicted).score().unwrap();
    assert_near(&[score.mape.unwrap()], &[26.388_888_888_888_89]);
}

/// scikit-learn 1.9.1: mean_poisson_deviance, d2_tweedie_score(power=1), mean_pinball_loss.
#[test]
fn counts_and_quantiles_are_those_of_scikit_learn() {
    let figures = |rows: Evaluation| {
        let counts = rows.counts().unwrap();
        let pinball = rows.pinball(0.9).unwrap();
        [counts.poisson_deviance, counts.d2.unwrap(), pinball]
    };
    let known = [
        0.373_980_677_465_466_2,
        0.829_379_831_443_783_7,
        0.266_666_666_666_666_66,
    ];
    assert_near(&figures(rows(&ACTUAL, &PREDICTED)), &known);
    let known = [
        0.359_389_915_412_838_4,
        0.855_168_735_766_278_9,
        0.188_235_294_117_647_06,
    ];
    assert_near(&figures(weighted()), &known);
}

#[test]
fn shares_below_and_inside() {
    assert_eq!(rows(&ACTUAL, &PREDICTED).share_below(), Some(4.0 / 6.0));
    assert_eq!(weighted().share_below(), Some(6.5 / 8.5));
    let found = coverage(&[1.0, 5.0], &[2.0, 4.0], &[3.0, 6.0], Some(&[3.0, 1.0])).unwrap();
    assert_eq!((found.below, found.inside, found.above), (0.75, 0.25, 0.0));
    assert_eq!((found.mean_width, found.rows), (1.25, 2));
}

#[test]
fn degenerate_rows() {
    assert_eq!(rows(&[], &[]).score(), None);
    assert_eq!(rows(&[], &[]).counts(), None);
    assert_eq!(rows(&[], &[]).pinball(0.5), None);
    assert_eq!(coverage(&[], &[], &[], None), None);
    let one = rows(&[0.1], &[0.2]).score().unwrap();
    assert_eq!((one.r2, one.rows), (None, 1));
    // A mean of equal values is not exactly their value, which must not give an R² of -10^30.
    assert_eq!(rows(&[0.1; 7], &[0.2; 7]).score().unwrap().r2, None);
    let perfect = rows(&[1.0, 2.0], &[1.0, 2.0]).score().unwrap();
    assert_eq!((perfect.rmse, perfect.r2), (0.0, Some(1.0)));
}

#[test]
fn rows_that_cannot_count_are_left_out() {
    let actual = [1.0, f64::NAN, 2.0, f64::INFINITY, 4.0, 9.0, 9.0];
    let predicted = [1.0, 1.0, f64::NAN, 1.0, 2.0, 0.0, 0.0];
    let weights = [1.0, 1.0, 1.0, 1.0, 1.0, -1.0, f64::NAN];
    let left = Evaluation {
        weights: Some(&weights),
        ..rows(&actual, &predicted)
    };
    assert_eq!(left.score(), rows(&[1.0, 4.0], &[1.0, 2.0]).score());
    assert_eq!(rows(&[1.0, -1.0], &[1.0, 1.0]).counts(), None);
    assert_eq!(rows(&[1.0, 1.0], &[1.0, 0.0]).counts(), None);
    assert_eq!(rows(&[0.0; 3], &[0.5; 3]).counts().unwrap().d2, None);
}

#[test]
fn squares_neither_overflow_nor_underflow() {
    let score = rows(&[3e200, 0.0], &[0.0, 4e200]).score().unwrap();
    assert!((score.rmse / 1e200 - 12.5_f64.sqrt()).abs() < 1e-14);
    assert_eq!(score.r2, None);
    let score = rows(&[3e-200, 0.0], &[0.0, 4e-200]).score().unwrap();
    assert!((score.rmse / 1e-200 - 12.5_f64.sqrt()).abs() < 1e-14);
}

#[test]
fn the_mean_explains_nothing() {
    let baseline = with_baseline(&[1.0, 2.0, 6.0], None, 3.0, |rows| rows.score().unwrap());
    assert_eq!((baseline.r2, baseline.bias), (Some(0.0), 0.0));
}

proptest! {
    #[test]
    fn a_weight_is_a_number_of_rows(
        values in prop::collection::vec((0u32..50, 1u32..50, 1usize..4), 1..40),
    ) {
        let [mut actual, mut predicted, mut weights] = [const { Vec::new() }; 3];
        let (mut repeated_actual, mut repeated_predicted) = (Vec::new(), Vec::new());
        for (a, p, weight) in values {
            actual.push(f64::from(a));
            predicted.push(f64::from(p));
            weights.push(weight as f64);
            repeated_actual.extend(vec![f64::from(a); weight]);
            repeated_predicted.extend(vec![f64::from(p); weight]);
        }
        let weighted = Evaluation { weights: Some(&weights), ..rows(&actual, &predicted) };
        let repeated = rows(&repeated_actual, &repeated_predicted);
        let (a, b) = (weighted.score().unwrap(), repeated.score().unwrap());
        prop_assert!((a.rmse - b.rmse).abs() < 1e-10 && (a.mae - b.mae).abs() < 1e-10);
        prop_assert_eq!(a.median_absolute_error, b.median_absolute_error);
        prop_assert_eq!(a.r2.is_some(), b.r2.is_some());
        let deviance = |rows: Evaluation| rows.counts().unwrap().poisson_deviance;
        prop_assert!((deviance(weighted) - deviance(repeated)).abs() < 1e-10);
    }

    #[test]
    fn the_pinball_loss_is_least_at_the_quantile(
        actual in prop::collection::vec(-20i32..20, 1..40), level in 0.05f64..0.95, other in -25i32..25,
    ) {
        let actual: Vec<f64> = actual.into_iter().map(f64::from).collect();
        let mut pairs: Vec<(f64, f64)> = actual.iter().map(|&a| (a, 1.0)).collect();
        let quantile = weighted_quantile(&mut pairs, level).unwrap();
        let loss = |constant| with_baseline(&actual, None, constant, |rows| rows.pinball(level));
        prop_assert!(loss(quantile).unwrap() <= loss(f64::from(other)).unwrap() + 1e-12);
    }
}
