//! Coverage, nesting, bins, and files of prediction intervals.

use super::*;
use crate::kernels::normal::normal_quantile;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const LEVELS: [f64; 3] = [0.5, 0.8, 0.95];

/// Rows whose spread grows with the prediction, and whose errors are skewed.
struct Draw(ChaCha8Rng);

impl Draw {
    fn new(seed: u64) -> Draw {
        Draw(ChaCha8Rng::seed_from_u64(seed))
    }

    fn uniform(&mut self) -> f64 {
        (f64::from(self.0.next_u32()) + 0.5) / 4_294_967_296.0
    }

    fn row(&mut self) -> (f64, f64) {
        let predicted = 10.0 * self.uniform();
        let z = normal_quantile(self.uniform());
        (predicted, predicted + (0.2 + predicted) * (z + 0.3 * z * z))
    }

    fn rows(&mut self, count: usize) -> (Vec<f64>, Vec<f64>) {
        (0..count).map(|_| self.row()).unzip()
    }
}

/// Shares of new rows below and above the intervals of a level, over `fits` fits to `count` rows.
fn misses(count: usize, fits: usize, news: usize, level: f64) -> [f64; 2] {
    let mut draw = Draw::new(count as u64);
    let mut missed = [0.0; 2];
    for _ in 0..fits {
        let (predicted, actual) = draw.rows(count);
        let conformal = Conformal::fit(&predicted, &actual, &LEVELS).unwrap();
        for _ in 0..news {
            let (predicted, actual) = draw.row();
            let [low, high] = conformal.interval(predicted, level).unwrap();
            missed[0] += f64::from(u8::from(actual < low));
            missed[1] += f64::from(u8::from(actual > high));
        }
    }
    missed.map(|missed| missed / (fits * news) as f64)
}

/// New rows are missed with probability k / (n + 1) on either side, exactly for continuous errors.
/// One new row per fit makes the draws independent, so the share is binomial: four standard errors.
#[test]
fn few_rows_keep_their_promise() {
    let fits = 20_000;
    for (count, level, expected) in [
        (20, 0.5, 5.0 / 21.0),
        (20, 0.8, 2.0 / 21.0),
        (20, 0.95, 1.0 / 21.0), // too few for 0.025: the least and the greatest residual
        (100, 0.8, 10.0 / 101.0),
        (100, 0.95, 2.0 / 101.0),
    ] {
        let error = (expected * (1.0_f64 - expected) / f64::from(fits)).sqrt();
        for missed in misses(count, fits as usize / (count / 20), 1, level) {
            let error = error * ((count / 20) as f64).sqrt();
            let is_near = (missed - expected).abs() < 4.0 * error;
            assert!(is_near, "{count} {level}: {missed} {expected}");
        }
    }
}

/// With n rows, coverage given them varies with a standard deviation of about
/// sqrt(level (1 - level) / n), and that of its mean over fits is smaller.
#[test]
fn many_rows_keep_their_promise() {
    for (count, fits) in [(1000, 100), (10_000, 20)] {
        for level in LEVELS {
            let tail = 0.5 * (1.0 - level);
            let news = 1000;
            let variance = tail * (1.0 - tail);
            let per_fit = variance / count as f64 + variance / f64::from(news);
            let error = (per_fit / fits as f64).sqrt();
            for missed in misses(count, fits, news as usize, level) {
                // At most 1 / (rows of a bin + 1) less than the tail, by rounding k down.
                let rows = count as f64 / BINS as f64;
                assert!(missed < tail + 4.0 * error, "{count} {level}: {missed}");
                let least = tail - 1.0 / (rows + 1.0) - 4.0 * error;
                assert!(missed > least, "{count} {level}: {missed}");
            }
        }
    }
}

#[test]
fn each_level_of_the_prediction_is_covered() {
    let mut draw = Draw::new(5);
    let (predicted, actual) = draw.rows(10_000);
    let conformal = Conformal::fit(&predicted, &actual, &LEVELS).unwrap();
    assert_eq!(conformal.bins(), BINS);
    let (mut inside, mut all) = ([0.0; 5], [0.0; 5]);
    for _ in 0..20_000 {
        let (predicted, actual) = draw.row();
        let [low, high] = conformal.interval(predicted, 0.8).unwrap();
        let part = (predicted / 2.0) as usize;
        all[part] += 1.0;
        inside[part] += f64::from(u8::from(low <= actual && actual <= high));
    }
    for (inside, all) in inside.iter().zip(all) {
        // 2000 calibration rows and 4000 new ones: standard error 0.011.
        assert!((inside / all - 0.8).abs() < 0.045, "{inside} of {all}");
    }
    let width = |predicted| {
        let [low, high] = conformal.interval(predicted, 0.8).unwrap();
        high - low
    };
    assert!(width(9.5) > 4.0 * width(0.5));
}

#[test]
fn a_level_that_few_rows_cannot_promise_is_flagged() {
    let predicted = [0.0; 38];
    let actual: Vec<f64> = (0..38).map(f64::from).collect();
    let conformal = Conformal::fit(&predicted, &actual, &[0.95, 0.9]).unwrap();
    assert_eq!(conformal.is_promised(0.9), Some(true));
    assert_eq!(conformal.is_promised(0.95), Some(false));
    assert_eq!(conformal.interval(0.0, 0.95), Some([0.0, 37.0]));
    let more: Vec<f64> = (0..39).map(f64::from).collect();
    let conformal = Conformal::fit(&[0.0; 39], &more, &[0.95]).unwrap();
    assert_eq!(conformal.is_promised(0.95), Some(true));
}

/// (1 - level) / 2 is not exact, and must not lose the row that a person counts.
#[test]
fn places_are_those_counted_by_hand() {
    let places = [
        (19, 0.9, 1),
        (18, 0.9, 0),
        (39, 0.95, 1),
        (99, 0.8, 10),
        (199, 0.99, 1),
        (1, 0.5, 0),
        (3, 0.5, 1),
        (999, 0.9, 50),
    ];
    for (rows, level, expected) in places {
        assert_eq!(place(rows, level), expected, "{rows} {level}");
    }
}

#[test]
fn bins_hold_enough_rows_and_equal_predictions() {
    let bins = |predicted: &[f64], level| {
        let actual = vec![0.0; predicted.len()];
        Conformal::fit(predicted, &actual, &[level]).unwrap().rows
    };
    let different = |rows: u32| (0..rows).map(f64::from).collect::<Vec<f64>>();
    assert_eq!(bins(&different(199), 0.8), [199]);
    assert_eq!(bins(&different(250), 0.8), [125, 125]);
    assert_eq!(bins(&different(5000), 0.8), [500; 10]);
    // 99 %: two of 400 rows are beyond each end.
    assert_eq!(bins(&different(1200), 0.99), [400, 400, 400]);
    assert_eq!(bins(&[7.0; 5000], 0.8), [5000]);
    let mut tied = different(1000);
    tied[..850].fill(-1.0);
    assert_eq!(bins(&tied, 0.8), [850, 150]);
    tied[..950].fill(-1.0);
    assert_eq!(bins(&tied, 0.8), [1000]);
}

#[test]
fn borders_separate_neighbouring_numbers() {
    let next = f64::from_bits(1.0_f64.to_bits() + 1);
    let mut predicted = vec![1.0; 100];
    predicted.extend([next; 100]);
    let actual: Vec<f64> = predicted.iter().map(|p| p + f64::from(*p > 1.0)).collect();
    let conformal = Conformal::fit(&predicted, &actual, &[0.8]).unwrap();
    assert_eq!(conformal.bins(), 2);
    assert_eq!(conformal.interval(1.0, 0.8), Some([1.0, 1.0]));
    assert_eq!(
        conformal.interval(next, 0.8),
        Some([next + 1.0, next + 1.0])
    );
}

#[test]
fn degenerate_rows() {
    assert_eq!(Conformal::fit(&[], &[], &LEVELS), None);
    assert_eq!(Conformal::fit(&[1.0], &[1.0], &[]), None);
    assert_eq!(Conformal::fit(&[1.0], &[1.0], &[0.0, 1.0, f64::NAN]), None);
    assert_eq!(
        Conformal::fit(&[f64::NAN, 1.0], &[1.0, f64::INFINITY], &LEVELS),
        None
    );
    assert_eq!(Conformal::fit(&[-1e308], &[1e308], &LEVELS), None);
    let one = Conformal::fit(&[1.0], &[3.0], &LEVELS).unwrap();
    assert_eq!(one.interval(5.0, 0.8), Some([7.0, 7.0]));
    assert_eq!(
        (one.is_promised(0.5), one.is_promised(0.6)),
        (Some(false), None)
    );
    assert_eq!(one.interval(5.0, 0.6), None);
    let ends = one.with_least(0.0).interval(f64::NAN, 0.8).unwrap();
    assert!(ends[0].is_nan() && ends[1].is_nan());
    let constant = Conformal::fit(&[4.0; 500], &[4.0; 500], &LEVELS).unwrap();
    assert_eq!(constant.interval(9.0, 0.95), Some([9.0, 9.0]));
    let (lower, upper) = constant.intervals(&[1.0, 2.0], 0.5).unwrap();
    assert_eq!((lower, upper), (vec![1.0, 2.0], vec![1.0, 2.0]));
}

fn saved() -> State {
    let (predicted, actual) = Draw::new(3).rows(300);
    let mut state = State::default();
    let conformal = Conformal::fit(&predicted, &actual, &LEVELS).unwrap();
    conformal.with_least(0.0).add_to(&mut state, "intervals");
    state
}

#[test]
fn files_hold_the_intervals() {
    let (predicted, actual) = Draw::new(3).rows(300);
    let fitted = Conformal::fit(&predicted, &actual, &LEVELS).unwrap();
    assert_eq!(fitted.bins(), 3);
    for conformal in [fitted.clone(), fitted.with_least(0.0)] {
        let mut state = State::default();
        conformal.add_to(&mut state, "intervals");
        assert_eq!(Conformal::from_state(&state, "intervals"), Ok(conformal));
    }
}

#[test]
fn hostile_files_are_refused() {
    let numbers = |field: &str, shape: &[usize], values: Vec<f64>| {
        let mut state = saved();
        state.insert_f64(&format!("intervals.{field}"), shape, values);
        let read = Conformal::from_state(&state, "intervals");
        read.unwrap_err().to_string()
    };
    for (field, shape, values, said) in [
        ("levels", vec![0], vec![], "expected [0, 3]"),
        ("levels", vec![3], vec![0.5, 0.8, 1.0], "between 0 and 1"),
        ("levels", vec![3], vec![0.5, 0.5, 0.9], "not ascending"),
        ("levels", vec![3], vec![0.5, f64::NAN, 0.9], "not finite"),
        ("borders", vec![2], vec![2.0, 2.0], "not ascending"),
        ("borders", vec![3], vec![1.0, 2.0, 3.0], "shape"),
        ("lower", vec![3, 3], vec![1e9; 9], "above the upper end"),
        ("lower", vec![9], vec![0.0; 9], "shape"),
        (
            "upper",
            vec![3, 3],
            [vec![1e9; 3], vec![1e8; 6]].concat(),
            "not nested",
        ),
        ("least", vec![2], vec![0.0, 1.0], "more than one"),
    ] {
        let error = numbers(field, &shape, values);
        assert!(error.contains(said), "{field}: {error} / {said}");
    }
    for (rows, said) in [(vec![], "no bins"), (vec![1, 0, 1], "an empty bin")] {
        let mut state = saved();
        state.insert_u32("intervals.rows", &[rows.len()], rows);
        let error = Conformal::from_state(&state, "intervals").unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
    let error = Conformal::from_state(&State::default(), "intervals").unwrap_err();
    assert_eq!(error.to_string(), "tensor `intervals.rows` is missing");
}

proptest! {
    #[test]
    fn ends_are_ordered_and_levels_nested(
        rows in prop::collection::vec((-20i32..20, -1e3f64..1e3), 1..600),
        levels in prop::collection::vec(0.01f64..0.999, 1..5),
        new in -25f64..25.0,
    ) {
        let (predicted, actual): (Vec<f64>, Vec<f64>) =
            rows.iter().map(|row| (f64::from(row.0), row.1)).unzip();
        let fitted = Conformal::fit(&predicted, &actual, &levels).unwrap();
        let turned = |values: &[f64]| values.iter().rev().copied().collect::<Vec<f64>>();
        let other = Conformal::fit(&turned(&predicted), &turned(&actual), &levels).unwrap();
        prop_assert_eq!(&fitted, &other);
        prop_assert!(fitted.rows.len() == 1 || fitted.rows.iter().all(|&rows| rows >= 100));
        prop_assert_eq!(fitted.rows.iter().sum::<u32>() as usize, rows.len());
        for conformal in [fitted.clone(), fitted.with_least(0.0)] {
            let intervals = conformal.levels().iter().map(|&level| conformal.interval(new, level).unwrap());
            let intervals: Vec<[f64; 2]> = intervals.collect();
            prop_assert!(intervals.iter().all(|[low, high]| low <= high));
            prop_assert!(intervals.windows(2).all(|w| w[1][0] <= w[0][0] && w[0][1] <= w[1][1]));
            prop_assert_eq!(conformal.fault(), None);
        }
    }

    /// The rows that an interval was fitted to are inside it at least as often as new ones.
    #[test]
    fn fitted_rows_are_covered(values in prop::collection::vec(-1e3f64..1e3, 1..300), level in 0.1f64..0.99) {
        let predicted = vec![0.0; values.len()];
        let conformal = Conformal::fit(&predicted, &values, &[level]).unwrap();
        let [low, high] = conformal.interval(0.0, level).unwrap();
        let inside = values.iter().filter(|value| low <= **value && **value <= high).count();
        let promised = (level * (values.len() + 1) as f64 - 1e-6).min(values.len() as f64);
        prop_assert!(inside as f64 >= promised - 1e-6, "{inside} of {}", values.len());
    }
}
