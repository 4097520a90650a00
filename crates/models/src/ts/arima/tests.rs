//! Compares ARIMA with exact values of statsmodels and with figures printed by R.

use serde_json::Value;

use super::likelihood::{Design, difference, solve};
use super::model::{Arima, ArimaOptions, Constant};
use super::polynomial::Orders;
use crate::ts::reference::{floats, known_answers, number, series};

fn orders(order: &Value, seasonal: &Value) -> Orders {
    let at = |value: &Value, index: usize| value[index].as_u64().unwrap_or(0) as usize;
    Orders {
        p: at(order, 0),
        d: at(order, 1),
        q: at(order, 2),
        seasonal_p: at(seasonal, 0),
        seasonal_d: at(seasonal, 1),
        seasonal_q: at(seasonal, 2),
        period: at(seasonal, 3).max(1),
    }
}

/// ln L at these coefficients and this variance.
fn log_likelihood(y: &[f64], orders: Orders, coefficients: &[f64], variance: f64) -> f64 {
    let design = Design::new(y, &orders, &[]).unwrap();
    let solution = solve(&design, &orders, coefficients).unwrap();
    let n = design.observations() as f64;
    let ln_2_pi_variance = libm::log(2.0 * std::f64::consts::PI * variance);
    -0.5 * (n * ln_2_pi_variance + solution.log_determinant + solution.squares() / variance)
}

#[test]
fn log_likelihoods_at_fixed_parameters_are_exact() {
    let known = known_answers();
    for case in known["loglike_at_fixed_params"].as_array().unwrap() {
        let orders = orders(&case["order"], &case["seasonal_order"]);
        let mut y = series(case["series"].as_str().unwrap(), false).y;
        if orders.lost() == 0 {
            // The file does not say so, but a dense covariance matrix in NumPy shows it: these two
            // are for the series minus its mean.
            let mean = y.iter().sum::<f64>() / y.len() as f64;
            y.iter_mut().for_each(|y| *y -= mean);
        }
        let (parameters, variance) = {
            let mut all = floats(&case["params"]);
            let variance = all.pop().unwrap();
            (all, variance)
        };
        let got = log_likelihood(&y, orders, &parameters, variance);
        let want = number(&case["loglik"]);
        assert!(
            ((got - want) / want).abs() < 1e-8,
            "{}: {got}, expected {want}",
            case["name"]
        );
    }
}

/// A case of the file: the model and its data.
struct Case {
    options: ArimaOptions,
    y: Vec<f64>,
    exog: Vec<Vec<f64>>,
    future: Vec<Vec<f64>>,
    /// Difference between the log-likelihood in the file and R's.
    shift: f64,
}

fn case(entry: &Value) -> Case {
    let options = &entry["options"];
    let orders = orders(&options["order"], &options["seasonal_order"]);
    let constant = match options["trend"].as_str() {
        Some(_) => Constant::Mean,
        None => Constant::None,
    };
    let log = options["log_transform"].as_bool().unwrap_or(false);
    let data = series(entry["series"].as_str().unwrap(), log);
    let diffuse = options["use_exact_diffuse"].as_bool().unwrap_or(false);
    Case {
        options: ArimaOptions::new(orders, constant),
        y: data.y,
        exog: data.exog,
        future: data.future,
        shift: match diffuse {
            true => -(orders.lost() as f64) * 0.918_938_533_204_672_7,
            false => 0.0,
        },
    }
}

/// ARMA coefficients of the file, in our order.
fn given(entry: &Value, orders: &Orders) -> Vec<f64> {
    let names: Vec<&str> = (entry["param_names"].as_array().unwrap().iter())
        .map(|name| name.as_str().unwrap())
        .collect();
    let values = floats(&entry["params"]);
    let pick = |prefix: &str, count: usize, lag: usize| -> Vec<f64> {
        (1..=count)
            .map(|i| {
                let name = format!("{prefix}{}", i * lag);
                values[names.iter().position(|n| **n == name).unwrap()]
            })
            .collect()
    };
    [
        pick("ar.L", orders.p, 1),
        pick("ma.L", orders.q, 1),
        pick("ar.S.L", orders.seasonal_p, orders.period),
        pick("ma.S.L", orders.seasonal_q, orders.period),
    ]
    .concat()
}

#[test]
fn maximised_likelihoods_reach_those_of_the_reference() {
    let known = known_answers();
    for entry in known["arima"].as_array().unwrap() {
        let case = case(entry);
        let model = case.options.fit(&case.y, &case.exog).unwrap();
        let (got, want) = (model.log_likelihood + case.shift, number(&entry["loglik"]));
        assert!(
            got >= want - 1e-5,
            "{}: {got}, expected {want}",
            entry["name"]
        );
    }
}

#[test]
fn forecasts_and_bounds_at_the_same_parameters_are_exact() {
    let known = known_answers();
    for entry in known["arima"].as_array().unwrap() {
        let mut case = case(entry);
        let at = given(entry, &case.options.orders);
        if entry["options"]["simple_differencing"] == true {
            // The file's forecasts are for the differences.
            case.y = difference(&case.y, &case.options.orders);
            case.options.orders.d = 0;
            case.options.orders.seasonal_d = 0;
        }
        let mut model = case.options.at(&case.y, &case.exog, &at).unwrap();
        model.variance = number(&entry["sigma2"]); // the file's own, which it does not concentrate
        let want = (
            floats(&entry["forecast_mean"]),
            floats(&entry["lower95"]),
            floats(&entry["upper95"]),
        );
        let got = model.forecast(want.0.len(), &case.future);
        let z = 1.959_963_984_540_054;
        for h in 0..want.0.len() {
            let (mean, wide) = (got.mean[h], z * got.deviation[h]);
            for (got, want) in [
                (mean, want.0[h]),
                (mean - wide, want.1[h]),
                (mean + wide, want.2[h]),
            ] {
                let scale = want.abs().max(wide);
                assert!(
                    (got - want).abs() < 1e-4 * scale,
                    "{} step {h}: {got}, expected {want}",
                    entry["name"]
                );
            }
        }
    }
}

#[test]
fn figures_that_r_prints_are_met() {
    // R 4 documentation, example(arima): arima(lh, order = c(1,0,0)) and c(3,0,0), arima(USAccDeaths,
    // c(0,1,1), seasonal = c(0,1,1)); log-likelihoods -29.38, -27.09, -425.44.
    let fit = |name: &str, p: usize, airline: bool| -> Arima {
        let orders = match airline {
            true => Orders {
                d: 1,
                q: 1,
                seasonal_d: 1,
                seasonal_q: 1,
                period: 12,
                ..Orders::default()
            },
            false => Orders {
                p,
                period: 1,
                ..Orders::default()
            },
        };
        let constant = if airline {
            Constant::None
        } else {
            Constant::Mean
        };
        ArimaOptions::new(orders, constant)
            .fit(&series(name, false).y, &[])
            .unwrap()
    };
    let near = |got: f64, want: f64| assert!((got - want).abs() < 0.0051, "{got}, expected {want}");
    let lh = fit("r_lh", 1, false);
    near(lh.log_likelihood, -29.38);
    near(lh.coefficients[0], 0.5739);
    near(lh.regression[0], 2.4133);
    near(fit("r_lh", 3, false).log_likelihood, -27.09);
    near(fit("r_usaccdeaths", 0, true).log_likelihood, -425.44);
}

#[test]
fn updating_gives_the_forecasts_of_a_filter_over_everything() {
    let y = series("log air_passengers", false).y;
    let orders = Orders {
        p: 2,
        d: 1,
        q: 1,
        seasonal_d: 1,
        seasonal_q: 1,
        period: 12,
        ..Orders::default()
    };
    let options = ArimaOptions::new(orders, Constant::None);
    let at = [0.55, 0.24, -0.96, -0.55];
    let mut early = options.at(&y[..120], &[], &at).unwrap();
    early.update(&y[120..], &[]);
    let late = options.at(&y, &[], &at).unwrap();
    let (a, b) = (early.forecast(24, &[]), late.forecast(24, &[]));
    assert!(
        a.mean
            .iter()
            .zip(&b.mean)
            .all(|(a, b)| (a - b).abs() < 1e-10)
    );
    assert_eq!(early.length, late.length);
}

#[test]
fn values_after_a_gap_may_come_in_any_number_of_batches() {
    let y: Vec<f64> = (0..200)
        .map(|t| 50.0 + 3.0 * libm::sin(f64::from(t * t)))
        .collect();
    let orders = Orders {
        d: 1,
        q: 1,
        period: 1,
        ..Orders::default()
    };
    // An error in one value comes back with the other sign in all innovations that follow.
    let model = ArimaOptions::new(orders, Constant::None)
        .at(&y[..150], &[], &[0.999])
        .unwrap();
    let mut later = y[150..].to_vec();
    later[3..9].fill(f64::NAN);
    later[20] = f64::NAN;
    let mut in_the_gap = model.clone();
    in_the_gap.update(&later[..9], &[]);
    assert_eq!(in_the_gap.unknown, 2);
    let mut at_once = model.clone();
    at_once.update(&later, &[]);
    assert_eq!(at_once.unknown, 0);
    for ends in [[5, 30], [9, 21], [4, 10]] {
        let mut in_batches = model.clone();
        in_batches.update(&later[..ends[0]], &[]);
        in_batches.update(&later[ends[0]..ends[1]], &[]);
        in_batches.update(&later[ends[1]..], &[]);
        let (got, want) = (in_batches.forecast(6, &[]), at_once.forecast(6, &[]));
        assert_eq!(got, want, "{ends:?}");
    }
}
