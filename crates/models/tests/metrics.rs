//! Laws of the metrics, whatever the answers.

use easylife_models::metrics::bootstrap::{intervals, mean_interval};
use easylife_models::metrics::calibration::{calibration, expected_calibration_error};
use easylife_models::metrics::classification::{confidence, majority, measure, most_wrong};
use easylife_models::metrics::forecast::{Evaluation, overall, scale};
use easylife_models::metrics::precision_recall::{average_precision, pr_curve};
use easylife_models::metrics::ranking::{Ranked, mean};
use easylife_models::metrics::roc::{roc_auc, roc_curve};
use proptest::prelude::*;

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs())
}

fn classes(count: usize) -> Vec<String> {
    (0..count).map(|class| format!("c{class}")).collect()
}

/// Labels of three classes, and their probabilities row by row.
fn answers() -> impl Strategy<Value = (Vec<u32>, Vec<f64>)> {
    prop::collection::vec((0..3_u32, prop::array::uniform3(0..9_u8)), 1..50).prop_map(|rows| {
        let shares = |parts: &[u8; 3]| {
            let total: u32 = parts.iter().map(|&part| u32::from(part) + 1).sum();
            parts.map(|part| f64::from(u32::from(part) + 1) / f64::from(total))
        };
        let probabilities = rows.iter().flat_map(|(_, parts)| shares(parts)).collect();
        (rows.iter().map(|row| row.0).collect(), probabilities)
    })
}

/// Scores of rows, many of them equal, with both classes among them.
fn scored() -> impl Strategy<Value = (Vec<bool>, Vec<f64>)> {
    prop::collection::vec((any::<bool>(), 0..12_u8), 0..60).prop_map(|mut rows| {
        rows.extend([(true, 3), (false, 5)]);
        rows.iter()
            .map(|&(yes, score)| (yes, f64::from(score) / 11.0))
            .unzip()
    })
}

/// A list with hits at some places, and as many relevant items or more.
fn lists() -> impl Strategy<Value = Ranked> {
    (prop::collection::btree_set(0..30_usize, 0..12), 0..5_usize).prop_map(|(hits, missed)| {
        let relevant = (hits.len() + missed).max(1);
        Ranked {
            hits: hits.into_iter().collect(),
            relevant,
        }
    })
}

proptest! {
    #[test]
    fn figures_of_a_classifier_fit_together((actual, probabilities) in answers()) {
        let measured = measure(&classes(3), &actual, &probabilities);
        let rows = actual.len() as u64;
        let counted: u64 = measured.confusion.iter().flatten().sum();
        prop_assert_eq!((measured.rows, measured.unseen, counted), (rows, 0, rows));
        let right: u64 = (0..3).map(|class| measured.confusion[class][class]).sum();
        prop_assert!(near(measured.accuracy, right as f64 / rows as f64));
        let supports: Vec<u64> = measured.classes.iter().map(|class| class.support).collect();
        let lines: Vec<u64> = measured.confusion.iter().map(|line| line.iter().sum()).collect();
        prop_assert_eq!(supports, lines);
        for class in &measured.classes {
            let (p, r) = (class.precision, class.recall);
            let f1 = if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 };
            prop_assert!(near(class.f1, f1), "{:?}", class);
        }
        prop_assert!(measured.log_loss >= 0.0 && (0.0..=1.0).contains(&measured.f1_macro));
    }

    #[test]
    fn the_names_of_classes_do_not_matter((actual, probabilities) in answers()) {
        // The classes in another order: 0, 1, 2 become 2, 0, 1.
        let turned: Vec<u32> = actual.iter().map(|&class| (class + 2) % 3).collect();
        let rows = probabilities.chunks(3).flat_map(|row| [row[1], row[2], row[0]]);
        let rows: Vec<f64> = rows.collect();
        let (a, b) = (measure(&classes(3), &actual, &probabilities), measure(&classes(3), &turned, &rows));
        prop_assert!(near(a.log_loss, b.log_loss));
        for (a, b) in [(a.roc_auc, b.roc_auc), (a.pr_auc, b.pr_auc)] {
            prop_assert!(near(a.unwrap_or(0.0), b.unwrap_or(0.0)), "{:?} {:?}", a, b);
        }
    }

    #[test]
    fn a_label_that_the_model_does_not_know_is_wrong((actual, probabilities) in answers()) {
        let known = measure(&classes(3), &actual, &probabilities);
        let (mut more, mut rows) = (actual.clone(), probabilities.clone());
        more.push(3);
        rows.extend([1.0, 0.0, 0.0]);
        let with = measure(&classes(4), &more, &rows);
        prop_assert_eq!((with.rows, with.unseen), (known.rows + 1, 1));
        prop_assert!(near(with.accuracy * with.rows as f64, known.accuracy * known.rows as f64));
        prop_assert!(with.log_loss >= known.log_loss);
        prop_assert_eq!(with.roc_auc, known.roc_auc);
    }

    #[test]
    fn answers_are_counted_once_by_their_confidence((actual, probabilities) in answers(), bins in 1..12_usize) {
        let counted = confidence(&actual, &probabilities, bins);
        let all: u64 = counted.right.iter().chain(&counted.wrong).sum();
        prop_assert_eq!(all, actual.len() as u64);
        let found = calibration(&actual, &probabilities, bins);
        for (bin, (right, wrong)) in found.iter().zip(counted.right.iter().zip(&counted.wrong)) {
            prop_assert_eq!(bin.rows, right + wrong);
            prop_assert!(near(bin.accuracy * bin.rows as f64, *right as f64));
        }
        let error = expected_calibration_error(&found);
        prop_assert!((0.0..=1.0).contains(&error));
        let wrong: u64 = counted.wrong.iter().sum();
        let shown = most_wrong(&actual, &probabilities, 5);
        prop_assert!(shown.len() <= 5 && shown.len() as u64 <= wrong);
    }

    #[test]
    fn the_curve_encloses_its_area((positive, scores) in scored()) {
        let area = roc_auc(&positive, &scores).unwrap();
        let curve = roc_curve(&positive, &scores, usize::MAX);
        let below: f64 = curve
            .windows(2)
            .map(|pair| (pair[1].fpr - pair[0].fpr) * (pair[0].tpr + pair[1].tpr) / 2.0)
            .sum();
        prop_assert!(near(area, below), "{} {}", area, below);
        let few = roc_curve(&positive, &scores, 3);
        prop_assert!(few.len() <= 3);
        let ends = |curve: &[easylife_models::metrics::roc::RocPoint]| {
            let (first, last) = (curve[0], curve[curve.len() - 1]);
            (first.fpr, first.tpr, last.fpr, last.tpr)
        };
        prop_assert_eq!(ends(&few), (0.0, 0.0, 1.0, 1.0));
    }

    #[test]
    fn only_the_order_of_scores_matters((positive, scores) in scored()) {
        let area = roc_auc(&positive, &scores).unwrap();
        let stretched: Vec<f64> = scores.iter().map(|score| score * score * 100.0 - 7.0).collect();
        prop_assert_eq!(roc_auc(&positive, &stretched), Some(area));
        let precision = average_precision(&positive, &scores).unwrap();
        prop_assert_eq!(average_precision(&positive, &stretched), Some(precision));
        // The other way round, the area is that above the curve.
        let turned: Vec<f64> = scores.iter().map(|score| -score).collect();
        prop_assert!(near(roc_auc(&positive, &turned).unwrap(), 1.0 - area));
        prop_assert!(precision > 0.0 && precision <= 1.0);
        prop_assert!(!pr_curve(&positive, &scores, 50).is_empty());
    }

    #[test]
    fn figures_of_lists_are_shares_and_grow_with_the_list(list in lists()) {
        for k in 1..30 {
            for figure in [list.recall(k), list.precision(k), list.ndcg(k), list.average_precision(k), list.hit(k)] {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&figure), "{} at {}", figure, k);
            }
            prop_assert!(list.recall(k) <= list.recall(k + 1));
            prop_assert!(list.hit(k) <= list.hit(k + 1));
            let hits = list.hits.iter().filter(|&&place| place < k).count() as f64;
            prop_assert!(near(list.precision(k) * k as f64, hits));
        }
        let perfect = Ranked { hits: (0..list.relevant).collect(), relevant: list.relevant };
        prop_assert!(near(perfect.ndcg(30), 1.0) && near(perfect.average_precision(30), 1.0));
        prop_assert!(list.ndcg(30) <= perfect.ndcg(30) + 1e-12);
        prop_assert!(near(mean(&[list.clone(), perfect], |list| list.recall(30)), (list.recall(30) + 1.0) / 2.0));
    }

    /// Sales in hundreds are forecast as well as sales in pieces.
    #[test]
    fn scaled_figures_of_forecasts_do_not_depend_on_units(
        train in prop::collection::vec(1..100_u8, 8..40),
        ahead in prop::collection::vec((1..100_u8, 1..100_u8, 0..20_u8), 1..12),
        period in 1..5_usize,
        power in -60..60_i32,
    ) {
        let score = |unit: f64| {
            let of = |value: u8| f64::from(value) * unit;
            let train: Vec<f64> = train.iter().map(|&value| of(value)).collect();
            let actual: Vec<f64> = ahead.iter().map(|step| of(step.0)).collect();
            let mean: Vec<f64> = ahead.iter().map(|step| of(step.1)).collect();
            let lower: Vec<f64> = ahead.iter().map(|step| of(step.1) - of(step.2)).collect();
            let upper: Vec<f64> = ahead.iter().map(|step| of(step.1) + of(step.2)).collect();
            let parts = (&train, &actual, &mean, &lower, &upper);
            Evaluation { train: parts.0, actual: parts.1, mean: parts.2, lower: parts.3, upper: parts.4, period }.score()
        };
        let unit = 2.0_f64.powi(power);
        let (Some(one), Some(other)) = (score(1.0), score(unit)) else {
            prop_assert_eq!(score(1.0), score(unit), "the series never changes");
            return Ok(());
        };
        for (a, b) in [
            (one.smape, other.smape),
            (one.mase, other.mase),
            (one.coverage, other.coverage),
            (one.msis, other.msis),
            (one.mape.unwrap(), other.mape.unwrap()),
            (one.mae * unit, other.mae),
            (one.rmse * unit, other.rmse),
        ] {
            prop_assert!((a - b).abs() <= 1e-9 * a.abs(), "{} {}", a, b);
        }
        prop_assert!((0.0..=200.0).contains(&one.smape) && (0.0..=1.0).contains(&one.coverage));
        prop_assert!(one.mae <= one.rmse * (1.0 + 1e-12));
        // Means over series.
        let both = overall(&[one, one]).unwrap();
        prop_assert!(near(both.mase, one.mase) && both.series == 2);
    }

    #[test]
    fn intervals_hold_their_figure((actual, probabilities) in answers(), seed in any::<u64>()) {
        let found = intervals(3, &actual, &probabilities, seed).unwrap();
        for interval in [found.accuracy, found.f1_macro, found.log_loss] {
            prop_assert!(interval.low <= interval.high);
        }
        prop_assert_eq!(intervals(3, &actual, &probabilities, seed), Some(found), "the seed decides");
    }
}

#[test]
fn the_majority_is_the_same_answer_for_every_row() {
    let baseline = majority(&classes(2), &[0.25, 0.75], &[1, 1, 0, 1]);
    assert_eq!(baseline.accuracy, 0.75);
    assert_eq!(baseline.confusion, [[0, 1], [0, 3]]);
    assert_eq!(baseline.roc_auc, Some(0.5));
}

#[test]
fn nothing_measured_is_nothing() {
    let empty = measure(&classes(2), &[], &[]);
    assert_eq!((empty.rows, empty.accuracy, empty.roc_auc), (0, 0.0, None));
    assert_eq!(roc_auc(&[true, true], &[0.1, 0.2]), None);
    assert!(roc_curve(&[], &[], 10).is_empty());
    assert_eq!(average_precision(&[false], &[0.5]), None);
    assert_eq!(mean(&[], |list| list.recall(5)), 0.0);
    assert_eq!(scale(&[2.0, 2.0, f64::NAN], 1), None);
    assert!(overall(&[]).is_none());
    assert_eq!(mean_interval(&[], 1), None);
}

#[test]
fn missing_values_are_left_out_of_errors() {
    let with = |actual: &[f64]| {
        let mean = vec![3.0; actual.len()];
        let (lower, upper) = (vec![2.0; actual.len()], vec![4.0; actual.len()]);
        Evaluation {
            train: &[1.0, f64::NAN, 2.0, 4.0],
            actual,
            mean: &mean,
            lower: &lower,
            upper: &upper,
            period: 1,
        }
        .score()
    };
    let (whole, gap) = (
        with(&[2.0, 4.0]).unwrap(),
        with(&[2.0, f64::NAN, 4.0]).unwrap(),
    );
    assert_eq!((gap.steps, gap.mae, gap.mase), (2, whole.mae, whole.mase));
    assert_eq!(with(&[f64::NAN]), None);
}
