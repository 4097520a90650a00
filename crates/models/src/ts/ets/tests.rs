//! Compares ETS with optima of statsmodels.

use serde_json::Value;

use super::{Ets, EtsOptions, Kind, Part, Prior, Trend};
use crate::ts::estimation::least_squares::Stop;
use crate::ts::reference::{floats, known_answers, number, series};

fn kind(entry: &Value) -> Kind {
    let trend = match (entry["trend"].as_str(), entry["damped"].as_bool()) {
        (None, _) => Trend::None,
        (Some(_), Some(true)) => Trend::Damped,
        _ => Trend::Additive,
    };
    let season = match entry["seasonal"].as_str() {
        None => Part::None,
        Some("add") => Part::Additive,
        Some(_) => Part::Multiplicative,
    };
    Kind {
        relative: entry["error"].as_str() == Some("mul"),
        trend,
        season,
        period: entry["m"].as_u64().map_or(1, |m| m as usize),
    }
}

/// The values that an entry was fitted to. The Holt-Winters entries hold out as many as they
/// forecast (statsmodels' sum of squares of `ap_add_add` is 17837.6 over 132 months, 21564.4 over
/// all 144).
fn values(entry: &Value) -> Vec<f64> {
    let mut y = series(entry["series"].as_str().unwrap(), false).y;
    if entry.get("sse").is_some() && entry.get("loglik").is_none() {
        let held_out = if y.len() == 144 { 12 } else { 0 };
        y.truncate(y.len() - held_out);
    }
    y
}

fn fit(entry: &Value) -> (Ets, Vec<f64>) {
    let y = values(entry);
    let kind = kind(entry);
    let options = EtsOptions {
        kind: Some(kind),
        prior: Prior::FLAT,
        stop: Stop {
            decrease: 1e-13,
            steps: 400,
        },
        thorough: true,
        ..EtsOptions::new(kind.period)
    };
    (options.fit(&y).unwrap(), y)
}

#[test]
fn likelihoods_reach_those_of_statsmodels() {
    let known = known_answers();
    for entry in known["ets"].as_array().unwrap() {
        let (model, _) = fit(entry);
        let want = number(&entry["loglik"]);
        assert!(
            model.log_likelihood >= want - 1e-3,
            "{}: {}, expected {want}",
            entry["name"],
            model.log_likelihood
        );
    }
}

#[test]
fn sums_of_squares_reach_those_of_holt_winters() {
    let known = known_answers();
    for entry in known["holt_winters"].as_array().unwrap() {
        let (model, y) = fit(entry);
        let squares: f64 = (model.fitted(&y).iter().zip(&y))
            .map(|(a, b)| (a - b) * (a - b))
            .sum();
        let want = number(&entry["sse"]);
        assert!(
            squares <= want * (1.0 + 1e-3),
            "{}: {squares}, expected {want}",
            entry["name"]
        );
    }
}

#[test]
fn a_level_alone_forecasts_as_in_the_book() {
    // With α = 1 and no noise in the parameters the bounds widen as a random walk's.
    let known = known_answers();
    let entry = &known["ets"][0];
    let (model, _) = fit(entry);
    let forecast = model.forecast(12);
    let alpha = model.smoothing.alpha;
    for (h, d) in forecast.deviation.iter().enumerate() {
        let want = model.variance * (1.0 + h as f64 * alpha * alpha);
        assert!((d * d / want - 1.0).abs() < 1e-12);
    }
    for (got, want) in forecast.mean.iter().zip(floats(&entry["forecast_mean"])) {
        assert!((got / want - 1.0).abs() < 2e-3, "{got} {want}");
    }
}

#[test]
fn updating_is_the_same_as_running_over_everything() {
    let y = series("air_passengers", false).y;
    let model = EtsOptions::new(12).fit(&y[..120]).unwrap();
    let mut late = model.clone();
    late.update(&y[120..]);
    let all = model.fitted(&y);
    let mut again = model.clone();
    again.states = model.start.clone();
    again.update(&y);
    assert_eq!(late.states, again.states);
    assert_eq!(all.len(), y.len());
}
