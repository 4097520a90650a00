//! Saves models, and reads files that lie.

use super::*;
use crate::trees::{Link, MISSING_CATEGORY};

/// A model with every kind of column.
fn every_kind() -> (Table, Linear) {
    let mut table = Table::new();
    table.x[3] = f64::NAN;
    table.c[5] = MISSING_CATEGORY;
    let prepared = prepare(&table.columns(), &all(24));
    let y = targets(|i| (i * i + i / 3) % 3);
    let options = Options::of(Family::Softmax { classes: 3 });
    let fitted = options.fit(&prepared, &y, None, &all(24)).unwrap();
    (table, fitted)
}

#[test]
fn a_saved_model_comes_back() {
    let (_, fitted) = every_kind();
    assert_eq!(fitted.link(), Link::Softmax);
    let state = saved(&fitted);
    assert_eq!(Linear::from_state(&state, "linear").unwrap(), fitted);
    assert!(Linear::from_state(&state, "other").is_err());
}

#[test]
fn files_that_lie_are_refused() {
    let (_, fitted) = every_kind();
    let message = |change: &dyn Fn(&mut State)| {
        let mut state = saved(&fitted);
        change(&mut state);
        Linear::from_state(&state, "linear")
            .unwrap_err()
            .to_string()
    };
    let bytes = |field: &str, values: Vec<u8>| {
        message(&|state| {
            state.insert_u8(&format!("linear.{field}"), &[values.len()], values.clone())
        })
    };
    let codes = |field: &str, values: Vec<u32>| {
        message(&|state| {
            state.insert_u32(&format!("linear.{field}"), &[values.len()], values.clone())
        })
    };
    let numbers = |first: [f64; 5]| {
        let values = [first, [0.0; 5]].concat();
        message(&|state| state.insert_f64("linear.numbers", &[2, 5], values.clone()))
    };
    let floats = |field: &str, shape: &[usize], value: f64| {
        let values = vec![value; shape.iter().product()];
        message(&|state| state.insert_f64(&format!("linear.{field}"), shape, values.clone()))
    };
    assert_eq!(
        bytes("link", vec![9]),
        "tensor `linear.link`: not a known link"
    );
    let flaw = "tensor `linear.intercepts`: not one intercept per output of the link";
    assert_eq!(bytes("link", vec![0]), flaw);
    assert_eq!(
        bytes("kinds", vec![1, 0, 3]),
        "tensor `linear.kinds`: not 0, 1 or 2"
    );
    assert!(bytes("kinds", vec![2, 0, 2]).contains("has shape"));
    assert!(bytes("kinds", vec![0, 0, 2]).contains("`linear.coefficients` has shape"));
    let flaw = "tensor `linear.level_starts`: not the starts of columns' levels";
    assert_eq!(codes("level_starts", vec![0, 3]), flaw);
    assert_eq!(codes("level_starts", vec![1, 4]), flaw);
    assert!(codes("levels", vec![0, 2, 1, 3]).contains("not ascending"));
    assert!(floats("shares", &[5], -0.1).contains("not from 0 to 1"));
    assert!(floats("shares", &[4], 0.1).contains("has shape"));
    assert!(floats("intercepts", &[3], 1e300).contains("beyond 1e200"));
    assert!(floats("intercepts", &[3], f64::NAN).contains("not finite"));
    assert!(floats("coefficients", &[3, 8], 0.1).contains("has shape"));
    assert!(numbers([1.0, 0.0, 0.5, 1.0, 0.0]).contains("outside its bounds"));
    assert!(numbers([0.0, 1.0, 0.5, -1.0, 0.0]).contains("negative or too large"));
    assert!(numbers([0.0, 1e300, 0.5, 1.0, 0.0]).contains("negative or too large"));
    assert!(numbers([0.0, 1.0, 0.5, 1.0, 2.0]).contains("a share"));
}
