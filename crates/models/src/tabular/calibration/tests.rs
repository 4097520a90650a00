//! Calibrations against scikit-learn and scipy, their laws, and their files.

use super::*;
use crate::kernels::math::ln;
use crate::state::State;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

fn rows<'a>(margins: &'a [f64], labels: &'a [u32]) -> Labelled<'a> {
    Labelled {
        margins,
        labels,
        weights: None,
    }
}

/// Forty rows of two classes that overlap.
fn forty() -> (Vec<f64>, Vec<u32>) {
    let margin = |k: u32| f64::from(k * 37 % 101) / 101.0 * 6.0 - 3.0;
    let label = |k: u32| u32::from(margin(k) * 1.5 + f64::from(k * 53 % 17) / 4.0 - 2.5 > 0.0);
    (0..40).map(|k| (margin(k), label(k))).unzip()
}

/// Thirty rows of three classes, every third with an arbitrary label.
fn thirty() -> (Vec<f64>, Vec<u32>) {
    let margins: Vec<f64> = (0..30_u32)
        .flat_map(|k| [7, 13, 19].map(|step| f64::from(k * step % 23) / 4.0 - 2.0))
        .collect();
    let label = |k: usize| match k % 3 {
        0 => k / 3 % 3,
        _ => crate::metrics::classification::most_probable(&margins[3 * k..3 * k + 3]),
    };
    let labels = (0..30).map(|k| label(k) as u32).collect();
    (margins, labels)
}

/// Many rows: margins in -4 to 4, and labels drawn with the probability of `truth`.
fn drawn(count: usize, truth: impl Fn(f64) -> f64) -> (Vec<f64>, Vec<u32>, Vec<u32>) {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut uniform = || f64::from(random.next_u32()) / 4_294_967_296.0;
    let (mut margins, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let margin = 8.0 * uniform() - 4.0;
        margins.push(margin);
        labels.push(u32::from(uniform() < truth(margin)));
    }
    let folds = (0..count).map(|row| (row % 5) as u32).collect();
    (margins, labels, folds)
}

/// scipy 1.17.1: `minimize(method="BFGS", gtol=1e-10)` of Platt's loss, which is what scikit-learn
/// 1.9.1's `_SigmoidCalibration` stops close to (1.61928167, -0.90129633 without weights).
#[test]
fn platt_is_that_of_scipy() {
    let (margins, labels) = forty();
    let check = |rows, expected: [f64; 2]| {
        let found = Calibration::fit(Method::Platt, rows).unwrap();
        let Calibration::Platt { slope, offset } = found else {
            panic!("{found:?}")
        };
        assert!((slope - expected[0]).abs() < 1e-7, "{slope}");
        assert!((offset - expected[1]).abs() < 1e-7, "{offset}");
    };
    let plain = rows(&margins, &labels);
    check(plain, [1.619_281_729_458_236, -0.901_296_466_119_349_9]);
    let weights: Vec<f64> = (0..40).map(|k| f64::from(1 + k % 3)).collect();
    let weighted = Labelled {
        weights: Some(&weights),
        ..plain
    };
    check(weighted, [2.196_020_657_562_024, -1.214_997_174_630_447_4]);
}

/// scipy 1.17.1: `brentq` of the penalized loss's slope. Without the penalty, scikit-learn 1.9.1's
/// `_TemperatureScaling` finds 1.3202124; a thousand times the rows come close to it.
#[test]
fn the_temperature_is_that_of_scipy() {
    let (margins, labels) = thirty();
    let check = |rows, expected: f64, tolerance: f64| {
        let found = Calibration::fit(Method::Temperature, rows).unwrap();
        let Calibration::Temperature { factor } = found else {
            panic!("{found:?}")
        };
        assert!((factor - expected).abs() < tolerance, "{factor}");
    };
    let plain = rows(&margins, &labels);
    check(plain, 1.280_918_263_531_666_7, 1e-10);
    let weights: Vec<f64> = (0..30).map(|k| f64::from(1 + k % 2)).collect();
    let thousand = [1000.0; 30];
    for (weights, expected, tolerance) in [
        (&weights[..], 1.308_136_329_023_224, 1e-10),
        (&thousand[..], 1.320_212_362_600_395_2, 1e-4),
    ] {
        let weights = Some(weights);
        check(Labelled { weights, ..plain }, expected, tolerance);
    }
    let (margins, labels) = forty();
    check(rows(&margins, &labels), 1.890_242_195_471_577_1, 1e-10);
}

#[test]
fn curves_for_two_classes_are_not_for_three() {
    let (margins, labels) = thirty();
    for method in [Method::Platt, Method::Isotonic] {
        assert_eq!(Calibration::fit(method, rows(&margins, &labels)), None);
    }
}

#[test]
fn isotonic_steps_by_hand() {
    // Steps: 0 at -2, one half at the middle of -1 and 0, 1 at the middle of 1 and 3.
    let margins = [1.0, -2.0, 0.0, -1.0, 3.0];
    let found = Calibration::fit(Method::Isotonic, rows(&margins, &[1, 0, 0, 1, 1])).unwrap();
    let expected = Calibration::Isotonic {
        xs: vec![-2.0, -0.5, 2.0],
        ys: vec![1.0 / 7.0, 0.5, 1.0 - 1.0 / 7.0],
    };
    assert_eq!(found, expected);
}

#[test]
fn classes_together_or_alone_apply() {
    let apply = |calibration: &Calibration, mut margins: Vec<f64>| {
        calibration.apply(&mut margins);
        margins
    };
    assert_eq!(apply(&Calibration::None, vec![0.0]), [0.5]);
    let platt = Calibration::Platt {
        slope: 2.0,
        offset: -ln(3.0),
    };
    assert!((apply(&platt, vec![0.0])[0] - 0.25).abs() < 1e-15);
    let factor = Calibration::Temperature { factor: 2.0 };
    let two = apply(&factor, vec![0.5 * ln(3.0), 0.0]);
    assert!((two[0] - 0.75).abs() < 1e-15 && (two[1] - 0.25).abs() < 1e-15);
    assert!(apply(&platt, vec![f64::NAN])[0].is_nan());
    assert_eq!(apply(&platt, vec![1.0, 1.0]), [0.5, 0.5]);
    assert!(apply(&platt, vec![]).is_empty());
    let mut rows = [0.0, 0.0, ln(3.0), 0.0];
    Calibration::None.apply_rows(&mut rows, 2);
    assert_eq!(rows[..2], [0.5, 0.5]);
    assert!((rows[2] - 0.75).abs() < 1e-15);
}

#[test]
fn honest_margins_are_left_alone() {
    let (margins, labels, folds) = drawn(4000, sigmoid);
    let choice = Calibration::choose(rows(&margins, &labels), &folds, &Method::ALL);
    assert_eq!(choice.calibration, Calibration::None, "{choice:?}");
    assert_eq!(choice.trials.len(), 4);
}

#[test]
fn a_shift_takes_platt_and_a_staircase_isotonic() {
    let (margins, labels, folds) = drawn(8000, |margin| sigmoid(0.6 * margin - 1.0));
    let choice = Calibration::choose(rows(&margins, &labels), &folds, &Method::ALL);
    let Calibration::Platt { slope, offset } = choice.calibration else {
        panic!("{choice:?}")
    };
    // Standard errors 0.013 and 0.03.
    assert!((slope - 0.6).abs() < 0.05 && (offset + 1.0).abs() < 0.1);
    let truth = |margin: f64| if margin < 0.0 { 0.3 } else { 0.7 };
    let (margins, labels, folds) = drawn(8000, truth);
    let choice = Calibration::choose(rows(&margins, &labels), &folds, &Method::ALL);
    assert_eq!(choice.calibration.method(), Method::Isotonic, "{choice:?}");
    let mut probability = [2.0];
    choice.calibration.apply(&mut probability);
    assert!((probability[0] - 0.7).abs() < 0.05, "{probability:?}");
}

#[test]
fn candidates_that_were_not_asked_for_are_not_taken() {
    let (margins, labels, folds) = drawn(4000, |margin| sigmoid(0.5 * margin - 1.0));
    let choice = Calibration::choose(rows(&margins, &labels), &folds, &[Method::Isotonic]);
    let methods: Vec<Method> = choice.trials.iter().map(|trial| trial.method).collect();
    assert_eq!(methods, [Method::None, Method::Isotonic]);
    assert!(choice.trials[1].difference < choice.trials[0].difference);
}

#[test]
fn rows_that_determine_nothing() {
    let fit =
        |method, margins: &[f64], labels: &[u32]| Calibration::fit(method, rows(margins, labels));
    for method in [Method::Temperature, Method::Platt, Method::Isotonic] {
        assert_eq!(fit(method, &[], &[]), None);
        assert_eq!(fit(method, &[f64::NAN, f64::INFINITY], &[0, 1]), None);
        // Reversed margins are not turned around.
        assert_eq!(fit(method, &[2.0, 1.0, -1.0, -2.0], &[0, 0, 1, 1]), None);
        assert_eq!(fit(method, &[0.0; 4], &[0, 0, 1, 1]), None);
    }
    assert_eq!(fit(Method::Isotonic, &[1.0, 2.0], &[1, 1]), None);
    let choice = Calibration::choose(rows(&[1.0, 2.0], &[1, 1]), &[0, 1], &Method::ALL);
    assert_eq!(choice.calibration, Calibration::None);
    // One fold has no others to train on.
    let (margins, labels) = forty();
    let choice = Calibration::choose(rows(&margins, &labels), &[0; 40], &Method::ALL);
    assert_eq!(
        (choice.calibration, choice.trials.len()),
        (Calibration::None, 0)
    );
    let none = Calibration::choose(rows(&[], &[]), &[], &Method::ALL);
    assert_eq!(none.calibration, Calibration::None);
}

#[test]
fn perfect_and_huge_margins_stay_finite() {
    let probability = |method, margins: [f64; 4]| {
        let found = Calibration::fit(method, rows(&margins, &[1, 1, 0, 0]))?;
        let mut probability = [margins[0]];
        found.apply(&mut probability);
        Some(probability[0])
    };
    for method in Method::ALL {
        let found = probability(method, [1.0, 2.0, -1.0, -2.0]).unwrap();
        assert!(found > 0.6 && found < 0.95, "{method:?}: {found}");
    }
    let huge = [1e300, 2e300, -1e300, -2e300];
    for method in [Method::Platt, Method::Isotonic] {
        let found = probability(method, huge).unwrap();
        assert!(found > 0.6 && found < 0.95, "{method:?}: {found}");
    }
    // Any factor gives certainty.
    assert_eq!(probability(Method::Temperature, huge), None);
}

#[test]
fn rows_that_cannot_count_are_left_out() {
    let (mut margins, mut labels) = forty();
    let expected = Calibration::fit(Method::Platt, rows(&margins, &labels));
    margins.extend([f64::NAN, 1.0, 1.0, 2.0]);
    labels.extend([1, 7, 0, 0]);
    let mut weights = vec![1.0; 44];
    (weights[42], weights[43]) = (f64::NAN, -1.0);
    let more = Labelled {
        weights: Some(&weights),
        ..rows(&margins, &labels)
    };
    assert_eq!(Calibration::fit(Method::Platt, more), expected);
}

#[test]
fn threads_change_no_bit() {
    let (margins, labels, folds) = drawn(20_000, |margin| sigmoid(0.6 * margin - 1.0));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap()
            .install(|| Calibration::choose(rows(&margins, &labels), &folds, &Method::ALL))
    };
    assert_eq!(run(1), run(8));
}

fn all_kinds() -> [Calibration; 4] {
    let (margins, labels) = forty();
    Method::ALL.map(|method| Calibration::fit(method, rows(&margins, &labels)).unwrap())
}

#[test]
fn files_hold_every_calibration() {
    for calibration in all_kinds() {
        let mut state = State::default();
        calibration.add_to(&mut state, "calibration");
        let read = Calibration::from_state(&state, "calibration");
        assert_eq!(read, Ok(calibration));
    }
}

#[test]
fn hostile_files_are_refused() {
    let write = |method: u8, xs: &[f64], ys: &[f64]| {
        let mut state = State::default();
        state.insert_u8("c.method", &[1], vec![method]);
        state.insert_f64("c.xs", &[xs.len()], xs.to_vec());
        state.insert_f64("c.ys", &[ys.len()], ys.to_vec());
        Calibration::from_state(&state, "c").map_err(|error| error.to_string())
    };
    assert!(write(3, &[1.0, 2.0], &[0.1, 0.1]).is_ok());
    for (method, xs, ys, said) in [
        (4, vec![], vec![], "`c.method`: not known"),
        (0, vec![1.0], vec![], "shape"),
        (1, vec![0.0], vec![], "not positive"),
        (1, vec![f64::NAN], vec![], "not finite"),
        (1, vec![1.0], vec![1.0], "shape"),
        (2, vec![-1.0], vec![1.0], "not positive"),
        (2, vec![1.0], vec![f64::INFINITY], "not finite"),
        (2, vec![1.0], vec![], "shape"),
        (3, vec![], vec![], "no points"),
        (3, vec![1.0, 1.0], vec![0.1, 0.2], "not ascending"),
        (3, vec![1.0, 2.0], vec![0.2, 0.1], "falling"),
        (3, vec![1.0, 2.0], vec![0.2, 1.1], "between 0 and 1"),
        (3, vec![1.0, 2.0], vec![0.2], "shape"),
    ] {
        let error = write(method, &xs, &ys).unwrap_err();
        assert!(error.contains(said), "{error} / {said}");
    }
    let error = Calibration::from_state(&State::default(), "c").unwrap_err();
    assert_eq!(error.to_string(), "tensor `c.method` is missing");
}

/// Rows of one class had a slope that was rounding, whose probabilities fell now and then.
#[test]
fn margins_that_tell_nothing_have_no_curve() {
    let weights = [3.0, 2.0];
    let one_class = Labelled {
        weights: Some(&weights),
        ..rows(&[19.0 / 8.0, 23.0 / 8.0], &[0, 0])
    };
    assert_eq!(Calibration::fit(Method::Platt, one_class), None);
    let mirrored = rows(&[1.0, 1.0, 2.0, 2.0], &[0, 1, 0, 1]);
    assert_eq!(Calibration::fit(Method::Platt, mirrored), None);
}

proptest! {
    #[test]
    fn probabilities_keep_the_order(
        values in prop::collection::vec((-50i32..50, 0u32..2, 1u32..4), 2..60),
    ) {
        let margins: Vec<f64> = values.iter().map(|row| f64::from(row.0) / 8.0).collect();
        let labels: Vec<u32> = values.iter().map(|row| row.1).collect();
        let weights: Vec<f64> = values.iter().map(|row| f64::from(row.2)).collect();
        let labelled = Labelled { weights: Some(&weights), ..rows(&margins, &labels) };
        for method in Method::ALL {
            let Some(found) = Calibration::fit(method, labelled) else { continue };
            let mut probabilities: Vec<f64> = (-80..80).map(|step| f64::from(step) / 9.0).collect();
            found.apply_rows(&mut probabilities, 1);
            prop_assert!(probabilities.iter().all(|p| (0.0..=1.0).contains(p)), "{found:?}");
            prop_assert!(probabilities.windows(2).all(|w| w[0] <= w[1]), "{found:?}");
            if let Calibration::Isotonic { ys, .. } = &found {
                let least = 1.0 / (margins.len() as f64 + 2.0);
                prop_assert!(ys[0] >= least && ys[ys.len() - 1] <= 1.0 - least);
            }
        }
    }

    #[test]
    fn the_order_of_rows_does_not_change_isotonic_steps(
        values in prop::collection::vec((-9i32..9, 0u32..2, 0.1f64..3.0), 2..60),
    ) {
        let fit = |values: &[(i32, u32, f64)]| {
            let margins: Vec<f64> = values.iter().map(|row| f64::from(row.0)).collect();
            let labels: Vec<u32> = values.iter().map(|row| row.1).collect();
            let weights: Vec<f64> = values.iter().map(|row| row.2).collect();
            let labelled = Labelled { weights: Some(&weights), ..rows(&margins, &labels) };
            Calibration::fit(Method::Isotonic, labelled)
        };
        let mut turned = values.clone();
        turned.reverse();
        prop_assert_eq!(fit(&values), fit(&turned));
    }
}
