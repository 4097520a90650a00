//! Tests which models a series gets, and how they are combined.

use super::forecaster::{Forecaster, SeriesOptions};
use super::kind::Kind;
use super::member::Member;
use super::rolling::{self, trial_origins};
use super::trial::Trial;
use crate::ts::simple::{Rule, Simple};

/// A line, seasons of the given `periods` and a little deterministic noise.
fn series(length: usize, periods: &[usize]) -> Vec<f64> {
    let wave = |t: usize, m: usize| libm::sin(std::f64::consts::TAU * t as f64 / m as f64);
    let noise = |t: usize| libm::sin(12.9898 * t as f64 * t as f64);
    (0..length)
        .map(|t| {
            let seasons: f64 = periods.iter().map(|&m| 8.0 * wave(t, m)).sum();
            100.0 + 0.5 * t as f64 + seasons + noise(t)
        })
        .collect()
}

fn options(seasons: &[usize]) -> SeriesOptions {
    SeriesOptions {
        kind: Kind::Auto,
        seasons: seasons.to_vec(),
    }
}

fn families(model: &Forecaster) -> Vec<&'static str> {
    model.parts.iter().map(|(_, part)| part.family()).collect()
}

#[test]
fn short_seasons_are_forecast_by_four_models_and_long_ones_by_two() {
    let short = options(&[12]).fit(&series(96, &[12])).unwrap();
    assert_eq!(families(&short), ["arima", "ets", "theta", "ces"]);
    assert!(short.cycles.patterns.is_empty());
    let y = series(240, &[6, 40]);
    let long = options(&[6, 40]).fit(&y[..200]).unwrap();
    assert_eq!(families(&long), ["arima", "ets"]);
    // Without the seasons, errors would be 6.5 on average.
    let mean = long.forecast(40).mean;
    let errors: f64 = mean.iter().zip(&y[200..]).map(|(a, b)| (a - b).abs()).sum();
    assert!(errors / 40.0 < 3.0, "{errors}");
}

#[test]
fn a_forecast_is_the_weighted_mean_of_those_of_its_models() {
    let y = series(96, &[12]);
    let mut model = options(&[12]).fit(&y).unwrap();
    let trials: Vec<Trial> = trial_origins(y.len(), 12, 12, 2)
        .into_iter()
        .filter_map(|at| rolling::run(&options(&[12]), &y, at, Some(&model)))
        .collect();
    assert_eq!(trials.len(), 2);
    model.weigh(&trials);
    let weights: f64 = model.parts.iter().map(|(weight, _)| weight).sum();
    assert!((weights - 1.0).abs() < 1e-12);
    assert!(model.note.contains("2 earlier origins"), "{}", model.note);
    let whole = model.forecast(5).mean;
    let parts = model.forecasts(5);
    for (h, mean) in whole.iter().enumerate() {
        let sum = parts.iter().map(|(name, f)| model.weight(name) * f.mean[h]);
        assert!((sum.sum::<f64>() - mean).abs() < 1e-9);
    }
}

#[test]
fn fitting_again_keeps_orders_and_kinds() {
    let y = series(96, &[12]);
    let whole = options(&[12]).fit(&y).unwrap();
    let again = options(&[12]).fit_again(&y[..84], &whole).unwrap();
    assert_eq!(whole.name(), again.name());
    assert_ne!(whole.forecast(1).mean, again.forecast(1).mean);
}

/// A long season whose size changes over the cycles is removed as it was in each of them: the errors do not
/// repeat the change.
#[test]
fn errors_of_a_changing_season_do_not_repeat_it() {
    let size = |t: usize| 20.0 - 0.05 * t as f64;
    let wave = |t: usize| libm::sin(std::f64::consts::TAU * t as f64 / 30.0);
    let noise = |t: usize| libm::sin(12.9898 * t as f64 * t as f64);
    let y: Vec<f64> = (0..300)
        .map(|t| 100.0 + size(t) * wave(t) + noise(t))
        .collect();
    let model = options(&[30]).fit(&y).unwrap();
    assert!(!model.cycles.patterns.is_empty());
    // Unknown before and after: no errors there.
    let around = [&[f64::NAN; 3], &y[..], &[f64::NAN; 2]].concat();
    let fitted = model.fitted(&around);
    assert!(fitted[..3].iter().chain(&fitted[303..]).all(|f| f.is_nan()));
    let errors: Vec<f64> = y.iter().zip(&fitted[3..]).map(|(y, f)| y - f).collect();
    let power: f64 = errors.iter().map(|e| e * e).sum();
    let lagged: f64 = errors.windows(2).map(|pair| pair[0] * pair[1]).sum();
    assert!((lagged / power).abs() < 0.2, "{}", lagged / power);
    let largest = errors
        .iter()
        .fold(0.0f64, |largest, e| largest.max(e.abs()));
    assert!(largest < 3.0, "{largest}");
}

/// A monthly series of `length` values and the same with a hole of three values in every 20.
fn with_holes(length: usize) -> (Vec<f64>, Vec<f64>) {
    let whole = series(length, &[12]);
    let holes = (whole.iter().enumerate())
        .map(|(t, y)| if t % 20 < 3 && t > 24 { f64::NAN } else { *y })
        .collect();
    (whole, holes)
}

#[test]
fn many_missing_values_change_forecasts_by_little() {
    let (whole, holes) = with_holes(360);
    assert!(holes.iter().filter(|y| y.is_nan()).count() > 40);
    for kind in [Kind::Arima, Kind::Ets, Kind::Theta, Kind::Ces, Kind::Auto] {
        let options = SeriesOptions {
            kind,
            seasons: vec![12],
        };
        let forecast = |y: &[f64]| options.fit(y).unwrap().forecast(12).mean;
        let (want, got) = (forecast(&whole), forecast(&holes));
        for (want, got) in want.iter().zip(got) {
            // The season swings by 16, noise by 2.
            assert!(
                (want - got).abs() < 2.0,
                "{kind:?}: {got}, expected about {want}"
            );
        }
    }
}

#[test]
fn a_jump_to_a_hundred_times_the_level_leaves_bounds_near_the_history() {
    // Level 1, then 100: relative errors of 99.
    let y: Vec<f64> = (0..40).map(|t| if t < 30 { 1.0 } else { 100.0 }).collect();
    let forecast = options(&[]).fit(&y).unwrap().forecast(6);
    let widest = forecast.deviation.iter().copied().fold(0.0, f64::max);
    assert!(widest < 200.0, "{forecast:?}");
}

#[test]
fn a_model_far_from_its_history_is_not_sound() {
    let y = [1.0, 3.0, 2.0, 4.0, 5.0, 4.0];
    let drift = Member::Simple(Simple::fit(Rule::Drift, &y, 1).unwrap());
    assert!(drift.is_sound(&y));
    assert!(!drift.is_sound(&[1.0, 1.01]));
}
