//! Ensembles as models of XGBoost. Whether XGBoost understands them was checked with its versions
//! 3.2.0 and 2.1.4: the file beside this one, and 24 fitted ensembles.

use proptest::prelude::*;
use serde_json::Value;

use super::super::xgboost::ExportError;
use super::*;

/// A number column and one of three categories, the second of which is rare: a tree that tests both, one
/// that only separates missing numbers, and one with a set that excludes rare categories.
fn by_hand() -> Parts {
    Parts {
        link: Link::Logistic,
        start: vec![0.5],
        kinds: vec![0, 1],
        cut_starts: vec![0, 2, 2],
        cuts: vec![1.5, f64::MAX],
        category_starts: vec![0, 0, 3],
        category_bins: vec![1, 0, 2],
        tree_starts: vec![0, 5, 8, 11],
        lefts: vec![1, 0, 3, 0, 0, 1, 0, 0, 1, 0, 0],
        columns: vec![0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0],
        tests: vec![0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0],
        missing_left: vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        // Bins 0 and 1; bin 1 and missing values.
        sets: vec![3, 0, 0, 0, 2, 0, 0, 1 << 63],
        values: vec![
            0.0, -0.25, 0.0, 0.5, -1.0, 0.0, 0.125, 0.75, 0.0, 0.25, -0.5,
        ],
        rows: vec![10, 4, 6, 2, 4, 10, 7, 3, 10, 3, 7],
        hessians: vec![2.5, 1.0, 1.5, 0.5, 1.0, 2.5, 1.75, 0.75, 2.5, 0.75, 1.75],
        gains: vec![4.0, 0.0, 2.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.5, 0.0, 0.0],
    }
}

fn names() -> Vec<String> {
    vec!["size".to_owned(), "kind".to_owned()]
}

/// The JSON of an ensemble without names.
fn exported(parts: Parts) -> Result<Value, ExportError> {
    let model = Ensemble::from_parts(parts).unwrap().to_xgboost(&[])?;
    Ok(serde_json::from_str(&serde_json::to_string(&model).unwrap()).unwrap())
}

fn trees_of(model: &Value) -> &Vec<Value> {
    let trees = &model["learner"]["gradient_booster"]["model"]["trees"];
    trees.as_array().unwrap()
}

#[test]
fn the_model_is_the_one_that_xgboost_was_seen_to_read() {
    let trees = Ensemble::from_parts(by_hand()).unwrap();
    let model = serde_json::to_string(&trees.to_xgboost(&names()).unwrap()).unwrap();
    let model: Value = serde_json::from_str(&model).unwrap();
    let expected: Value = serde_json::from_str(include_str!("exported.json")).unwrap();
    assert_eq!(model, expected);
    // XGBoost 3.2.0 gives the file these margins for the same rows.
    let size = [1.0, 2.0, 2.0, f64::NAN, 1.500_000_1, 1.5, 0.0];
    let kind = [2, 2, 0, MISSING_CATEGORY, MISSING_CATEGORY, 9, 1];
    let margins = trees.margins(&[Column::F64(&size), Column::Categories(&kind)]);
    let expected = [-0.125, -0.875, 1.375, 1.25, -0.125, -0.125, -0.125];
    assert_eq!(margins.unwrap(), expected);
}

#[test]
fn thresholds_are_the_least_singles_above_the_cut() {
    let threshold = |cut: f64| {
        let mut parts = by_hand();
        parts.cuts[0] = cut;
        let model = exported(parts).unwrap();
        let tree = &trees_of(&model)[1];
        let threshold = tree["split_conditions"][0].as_f64().unwrap() as f32;
        (threshold, tree["split_conditions"][1] == -0.25)
    };
    let next = 1.0_f32.next_up();
    assert_eq!(threshold(1.0), (next, true));
    // Between two singles, and just below one.
    assert_eq!(threshold(1.000_000_01), (next, true));
    assert_eq!(threshold(1.0 - 1e-12), (1.0, true));
    assert_eq!(threshold(0.0), (f32::from_bits(1), true));
    assert_eq!(
        threshold(-1e200),
        (f32::MIN, true),
        "only -infinity is below"
    );
    // No single is above the cut: nothing is less than the threshold, and children are exchanged.
    assert_eq!(threshold(1e200), (f32::MIN, false));
    assert_eq!(threshold(f64::from(f32::MAX)), (f32::MIN, false));
}

proptest! {
    #[test]
    fn singles_take_the_same_side(cut in proptest::num::f64::NORMAL, value in proptest::num::f32::NORMAL) {
        let near = cut as f32;
        let mut parts = by_hand();
        parts.cuts[0] = cut.clamp(-1e300, 1e300);
        let cut = parts.cuts[0];
        let model = exported(parts).unwrap();
        let tree = &trees_of(&model)[1];
        let threshold = tree["split_conditions"][0].as_f64().unwrap() as f32;
        for value in [value, near, near.next_up(), near.next_down()] {
            if value.is_finite() {
                let side = usize::from(value >= threshold) + 1;
                let is_left = tree["split_conditions"][side] == -0.25;
                prop_assert_eq!(is_left, f64::from(value) <= cut);
            }
        }
    }
}

/// Means of words are often cuts: .3 is one, and as a single it lies above itself.
#[test]
fn numbers_that_are_given_with_the_model_stay_on_their_side_of_the_cuts() {
    let single = |cut: f64, value: f64| {
        let mut parts = by_hand();
        parts.cuts[0] = cut;
        let trees = Ensemble::from_parts(parts).unwrap();
        trees.single_for_xgboost(0, value)
    };
    assert_eq!(single(0.3, 0.3), 0.3_f32.next_down(), "at the cut");
    assert_eq!(
        single(0.39999999999999997, 0.4),
        0.4_f32,
        "above the cut, and so is the nearest"
    );
    // The nearest single is the cut itself.
    assert_eq!(single(0.5, 0.5 + 1e-12), 0.5_f32.next_up());
    assert_eq!(single(0.5, 0.7), 0.7_f32);
    assert!(single(0.5, f64::NAN).is_nan());
}

#[test]
fn a_set_of_missing_values_names_a_code_that_no_row_has() {
    for (set, default_left, first) in [
        ([u64::MAX, u64::MAX, u64::MAX, u64::MAX >> 1], 0, 0.25),
        ([0, 0, 0, 1 << 63], 0, -0.5),
    ] {
        let mut parts = by_hand();
        parts.sets[4..].copy_from_slice(&set);
        let model = exported(parts).unwrap();
        let tree = &trees_of(&model)[3];
        assert_eq!(tree["categories"], serde_json::json!([63]));
        assert_eq!(tree["default_left"][0], default_left, "where code 63 goes");
        assert_eq!(tree["split_conditions"][1], first, "where others go");
    }
}

/// XGBoost and shap weigh ways by `sum_hessian`, we do by rows; with Hessians contributions differed
/// by up to .25 for classes.
#[test]
fn nodes_have_their_numbers_of_rows() {
    let mut parts = by_hand();
    parts.hessians[1] = 7.25;
    let model = exported(parts).unwrap();
    let weights = |tree: usize| trees_of(&model)[tree]["sum_hessian"].clone();
    assert_eq!(weights(1), serde_json::json!([10.0, 4.0, 6.0, 2.0, 4.0]));
    assert_eq!(weights(2), serde_json::json!([10.0, 3.0, 7.0]));
}

#[test]
fn links_have_their_objectives() {
    let said = |link: Link, outputs: usize| {
        let parts = Parts {
            link,
            start: vec![0.0; outputs],
            tree_starts: vec![0],
            lefts: vec![],
            columns: vec![],
            tests: vec![],
            missing_left: vec![],
            values: vec![],
            rows: vec![],
            hessians: vec![],
            gains: vec![],
            ..by_hand()
        };
        let model = exported(parts)?;
        let learner = &model["learner"];
        let param = &learner["learner_model_param"];
        assert_eq!(trees_of(&model).len(), outputs, "the start");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let numbers = ["num_class", "num_target", "base_score"].map(|name| text(&param[name]));
        Ok((text(&learner["objective"]["name"]), numbers.join(" ")))
    };
    let pair = |a: &str, b: &str| Ok((a.to_owned(), b.to_owned()));
    assert_eq!(said(Link::Identity, 1), pair("reg:squarederror", "0 1 0E0"));
    assert_eq!(said(Link::Logistic, 1), pair("binary:logistic", "0 1 5E-1"));
    assert_eq!(said(Link::Softmax, 3), pair("multi:softprob", "3 1 0E0"));
    assert_eq!(said(Link::Log, 1), pair("count:poisson", "0 1 1E0"));
    assert_eq!(said(Link::Softmax, 1), Err(ExportError::SingleClass));
}

#[test]
fn what_cannot_be_expressed_is_named() {
    let trees = Ensemble::from_parts(by_hand()).unwrap();
    let said = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        trees.to_xgboost(&names).unwrap_err().to_string()
    };
    let text = "expected one name for each of 2 columns, got 1";
    assert_eq!(said(&["a"]), text);
    let text = "column name `a` is that of two columns; rename the column";
    assert_eq!(said(&["a", "a"]), text);
    assert!(said(&["a", "b[1]"]).contains("`b[1]` contains"));
    let mut parts = by_hand();
    parts.values[1] = 1e39;
    assert_eq!(exported(parts), Err(ExportError::Value { value: 1e39 }));
    let mut parts = by_hand();
    parts.category_bins = vec![0; 1 << 24];
    parts.category_bins.push(2);
    parts.category_starts[2] = parts.category_bins.len() as u32;
    assert_eq!(exported(parts), Err(ExportError::Categories { column: 1 }));
}
