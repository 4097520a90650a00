//! Estimated losses beside realised ones, on made-up rows.

use super::*;
use models::kernels::normal::normal_quantile;
use models::state::State;
use models::trees::Column;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Predictions of y = 100 + 10 x, wrong by a normal error that grows with x and with category 1.
struct Made {
    x: Vec<f64>,
    kind: Vec<u32>,
    predictions: Vec<f64>,
    actual: Vec<f64>,
}

fn made(rows: usize, shift: f64, (seed, stream): (u64, u64)) -> Made {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    let mut normal = || normal_quantile((f64::from(random.next_u32()) + 0.5) / 4_294_967_296.0);
    let mut made = Made {
        x: Vec::new(),
        kind: Vec::new(),
        predictions: Vec::new(),
        actual: Vec::new(),
    };
    for row in 0..rows {
        let x = (normal() + shift).clamp(-3.0, 4.0);
        let kind = (row % 3 == 0) as u32;
        let deviation = libm::exp(0.4 * x) * f64::from(1 + kind);
        made.x.push(x);
        made.kind.push(kind);
        made.predictions.push(100.0 + 10.0 * x);
        made.actual.push(100.0 + 10.0 * x + deviation * normal());
    }
    made
}

impl Made {
    fn frame(&self) -> Frame<'_> {
        Frame {
            columns: vec![Column::F64(&self.x), Column::Categories(&self.kind)],
            predictions: &self.predictions,
        }
    }
}

#[test]
fn a_window_of_harder_rows_has_larger_losses() {
    let reference = made(6000, 0.0, (1, 0));
    let model = ErrorModelOptions::default()
        .fit(&reference.frame(), &reference.actual)
        .unwrap();
    let window = made(3000, 1.0, (1, 1));
    let estimated = model.estimate(&window.frame(), 0.95).unwrap();
    let realised = measure(&window.predictions, &window.actual, 0.95).unwrap();
    let before = measure(&reference.predictions, &reference.actual, 0.95).unwrap();
    for loss in [Loss::Mae, Loss::Mape, Loss::Rmse, Loss::Rmsle] {
        let [found, actual, before] =
            [&estimated, &realised, &before].map(|losses| losses.get(loss).unwrap().value);
        assert!(
            (found / actual - 1.0).abs() < 0.05,
            "{loss:?} {found} {actual}"
        );
        assert!(actual > 1.2 * before, "{loss:?} {actual} {before}");
    }
}

/// Share of windows whose realised loss is inside the estimate's interval, by loss.
fn coverage(trials: u64, sizes: (usize, usize), shift: f64) -> Vec<(Loss, f64)> {
    let mut shares: Vec<(Loss, f64)> = Vec::new();
    for trial in 0..trials {
        let reference = made(sizes.0, 0.0, (2, 2 * trial));
        let window = made(sizes.1, shift, (2, 2 * trial + 1));
        let options = ErrorModelOptions::default();
        let model = options.fit(&reference.frame(), &reference.actual).unwrap();
        let estimated = model.estimate(&window.frame(), 0.95).unwrap();
        let realised = measure(&window.predictions, &window.actual, 0.95).unwrap();
        for figure in &estimated.figures {
            let value = realised.get(figure.loss).unwrap().value;
            let inside = f64::from(u8::from((figure.low..=figure.high).contains(&value)));
            match shares.iter_mut().find(|share| share.0 == figure.loss) {
                Some(share) => share.1 += inside / trials as f64,
                None => shares.push((figure.loss, inside / trials as f64)),
            }
        }
    }
    shares
}

#[test]
fn intervals_hold_what_they_promise() {
    for (loss, share) in coverage(60, (3000, 300), 0.0) {
        assert!(share >= 0.85, "{loss:?} {share}"); // 95 % less three standard errors
    }
}

#[test]
fn a_saved_model_says_the_same() {
    let reference = made(500, 0.0, (3, 0));
    let model = ErrorModelOptions::default()
        .fit(&reference.frame(), &reference.actual)
        .unwrap();
    let mut state = State::default();
    model.add_to(&mut state, "errors");
    let read = ErrorModel::from_state(&state, "errors").unwrap();
    assert_eq!(read, model);
    let names: Vec<String> = state.tensors.keys().cloned().collect();
    for name in names {
        let mut lying = state.clone();
        lying.tensors.remove(&name);
        assert!(
            ErrorModel::from_state(&lying, "errors").is_err(),
            "without {name}"
        );
    }
    let mut lying = state.clone();
    lying.insert_f64("errors.0.scale", &[1], vec![-1.0]);
    assert!(ErrorModel::from_state(&lying, "errors").is_err());
}

#[test]
fn threads_change_nothing() {
    let reference = made(2000, 0.0, (4, 0));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let fit = || ErrorModelOptions::default().fit(&reference.frame(), &reference.actual);
        pool.install(fit).unwrap()
    };
    assert_eq!(run(1), run(4));
}

#[test]
fn losses_that_are_not_defined_are_left_out() {
    let found = measure(&[1.0, -2.0], &[0.0, -3.0], 0.95).unwrap();
    assert_eq!(found.get(Loss::Mape), None);
    assert_eq!(found.get(Loss::Rmsle), None);
    assert_eq!(found.get(Loss::Mae).unwrap().value, 1.0);
}

#[test]
fn thresholds_hold_their_rate() {
    let reference = made(20_000, 0.0, (5, 0));
    let measured = measure(&reference.predictions, &reference.actual, 0.95).unwrap();
    let thresholds = LossReference::of(&measured).thresholds(500, 0.05).unwrap();
    let mae = thresholds
        .iter()
        .find(|threshold| threshold.loss == Loss::Mae)
        .unwrap();
    let alarms = (1..=200).filter(|&stream| {
        let window = made(500, 0.0, (5, stream));
        let realised = measure(&window.predictions, &window.actual, 0.95).unwrap();
        mae.alert(realised.get(Loss::Mae).unwrap().value).is_some()
    });
    let alarms = alarms.count();
    assert!((2..=20).contains(&alarms), "{alarms} of 200 at 5 %"); // 10 ± 3.3 standard errors
    assert_eq!(mae.alert(1e9), Some(Alert::Worse));
}

#[test]
fn bad_input_is_refused() {
    let made = made(100, 0.0, (6, 0));
    let options = ErrorModelOptions::default();
    let message = |result: Result<ErrorModel, PerformanceError>| result.unwrap_err().to_string();
    assert!(message(options.fit(&made.frame(), &made.actual[..50])).contains("50 rows"));
    let mut actual = made.actual.clone();
    actual[7] = f64::NAN;
    assert_eq!(
        message(options.fit(&made.frame(), &actual)),
        "actual value NaN of row 7 is not a finite number"
    );
    let model = options.fit(&made.frame(), &made.actual).unwrap();
    let none = Frame {
        columns: vec![Column::F64(&[]), Column::Categories(&[])],
        predictions: &[],
    };
    assert!(model.estimate(&none, 0.95).is_err());
    let fewer = Frame {
        columns: vec![Column::F64(&made.x)],
        predictions: &made.predictions,
    };
    assert!(model.estimate(&fewer, 0.95).is_err());
    let one = made.frame().select(&[3]).unwrap();
    assert_eq!(model.estimate(&one.frame(), 0.95).unwrap().rows, 1);
}
