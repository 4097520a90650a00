//! Reference values are cleanlab 2.9.0's on the data of [`sample`], which any language can repeat.

use proptest::prelude::*;

use super::*;

/// 60 rows of three classes: probabilities from a linear congruential generator, most of them largest
/// at the true class, and one label in ten moved to the next class.
fn sample() -> (Vec<f64>, Vec<u32>) {
    let mut state = 7_u64;
    let mut next = || {
        state = (state * 1_103_515_245 + 12_345) % (1 << 31);
        state
    };
    let (mut probabilities, mut labels) = (Vec::new(), Vec::new());
    for row in 0..60 {
        let truth = row % 3;
        let weights: Vec<u64> = (0..3)
            .map(|class| {
                let draw = next();
                let is_sure = class == truth && !(draw >> 8).is_multiple_of(4);
                1 + (draw >> 16) % 20 + if is_sure { 60 } else { 0 }
            })
            .collect();
        let sum = weights.iter().sum::<u64>() as f64;
        probabilities.extend(weights.iter().map(|&weight| weight as f64 / sum));
        let is_moved = (next() >> 16).is_multiple_of(10);
        labels.push(if is_moved { (truth + 1) % 3 } else { truth });
    }
    (probabilities, labels)
}

fn close(got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() < 1e-12, "{got} {expected}");
    }
}

#[test]
fn the_joint_is_cleanlabs() {
    let (probabilities, labels) = sample();
    let data = Labelled::new(&probabilities, &labels, 3).unwrap();
    let found = Options::default().find(&data);
    let thresholds: Vec<f64> = found.thresholds.iter().map(|t| t.unwrap()).collect();
    close(
        &thresholds,
        &[
            0.595_933_617_042_393_1,
            0.626_963_335_088_384,
            0.565_114_702_480_591_8,
        ],
    );
    let counts = |joint: &Joint| -> Vec<u64> { (0..9).map(|i| joint.get(i / 3, i % 3)).collect() };
    assert_eq!(counts(&found.joint), [15, 0, 3, 1, 12, 0, 0, 3, 13]);
    assert_eq!(counts(&found.calibrated), [17, 0, 4, 1, 16, 0, 0, 4, 18]);
    assert_eq!(found.estimated, 9);
    close(&found.calibrated.prior(), &[0.3, 1.0 / 3.0, 22.0 / 60.0]);
    close(
        &found.calibrated.noise_matrix(),
        &[
            17.0 / 18.0,
            0.0,
            4.0 / 22.0,
            1.0 / 18.0,
            0.8,
            0.0,
            0.0,
            0.2,
            18.0 / 22.0,
        ],
    );
    // cleanlab's is transposed.
    close(
        &found.calibrated.inverse_noise_matrix(),
        &[
            17.0 / 21.0,
            0.0,
            4.0 / 21.0,
            1.0 / 17.0,
            16.0 / 17.0,
            0.0,
            0.0,
            4.0 / 22.0,
            18.0 / 22.0,
        ],
    );
}

#[test]
fn the_rows_found_are_cleanlabs() {
    let (probabilities, labels) = sample();
    let data = Labelled::new(&probabilities, &labels, 3).unwrap();
    let found = |filter| {
        let score = Score::SelfConfidence;
        let mut rows: Vec<usize> = Options { filter, score }
            .find(&data)
            .rows
            .iter()
            .map(|row| row.row)
            .collect();
        rows.sort_unstable();
        rows
    };
    assert_eq!(
        found(Filter::PruneByNoiseRate),
        [4, 7, 39, 40, 42, 47, 48, 50, 56]
    );
    assert_eq!(
        found(Filter::PruneByClass),
        [4, 7, 8, 39, 40, 42, 47, 48, 56]
    );
    assert_eq!(found(Filter::Both), [4, 7, 39, 40, 42, 47, 48, 56]);
    assert_eq!(found(Filter::ConfidentLearning), [4, 7, 30, 40, 47, 48, 56]);
    let differing = [4, 7, 8, 28, 29, 30, 36, 39, 40, 42, 47, 48, 50, 56];
    assert_eq!(found(Filter::PredictedNeqGiven), differing);
}

#[test]
fn the_ranking_by_self_confidence_is_cleanlabs() {
    let (probabilities, labels) = sample();
    let data = Labelled::new(&probabilities, &labels, 3).unwrap();
    let options = Options {
        score: Score::SelfConfidence,
        ..Options::default()
    };
    let rows: Vec<usize> = options.find(&data).rows.iter().map(|row| row.row).collect();
    assert_eq!(rows, [48, 56, 39, 47, 42, 4, 40, 7, 50]);
}

#[test]
fn the_scores_are_cleanlabs() {
    let (probabilities, labels) = sample();
    let data = Labelled::new(&probabilities, &labels, 3).unwrap();
    let expected = [
        (
            Score::SelfConfidence,
            [
                0.802_469_135_802_469_1,
                0.454_545_454_545_454_53,
                0.411_764_705_882_352_9,
                0.739_583_333_333_333_3,
            ],
        ),
        (
            Score::NormalizedMargin,
            [
                0.845_679_012_345_679,
                0.545_454_545_454_545_4,
                0.5,
                0.791_666_666_666_666_7,
            ],
        ),
        (
            Score::ConfidenceWeightedEntropy,
            [
                0.753_884_755_905_544_3,
                0.541_350_164_091_589_2,
                0.519_850_674_518_395,
                0.708_736_661_495_576_7,
            ],
        ),
    ];
    for (score, expected) in expected {
        close(&quality_scores(&data, score)[..4], &expected);
    }
}

#[test]
fn concentrated_doubt_comes_first() {
    // The same probability of the given class; the rest on one class, or on two.
    let probabilities = [0.2, 0.8, 0.0, 0.2, 0.4, 0.4];
    let data = Labelled::new(&probabilities, &[0, 0], 3).unwrap();
    let scores = quality_scores(&data, Score::RelativeConfidence);
    assert!(scores[0] < scores[1], "{scores:?}");
    // .2 / (.2 + .8^.3)
    assert!((scores[0] - 0.176_172_9).abs() < 1e-6, "{scores:?}");
}

#[test]
fn a_class_that_fails_its_own_threshold_is_no_guess() {
    // Thresholds: .5 of class 0, .2 of classes 1 and 2. In the last row classes 1 and 2 reach theirs,
    // and class 0 does not, though it is the most probable.
    let thresholds = [Some(0.5), Some(0.2), Some(0.2)];
    let data = Labelled::new(&[0.4, 0.28, 0.32], &[0], 3).unwrap();
    assert_eq!(confident_guesses(&data, &thresholds), [Some(2)]);
}

#[test]
fn classes_without_rows_and_single_rows_are_kept() {
    let probabilities = [0.9_f32, 0.1, 0.0, 0.2, 0.8, 0.0, 0.1, 0.9, 0.0];
    let data = Labelled::new(&probabilities, &[0, 0, 1], 3).unwrap();
    let found = Options::default().find(&data);
    assert_eq!(found.thresholds[2], None);
    assert!(found.rows.iter().all(|row| row.row == 1), "{found:?}");
}

#[test]
fn bad_input_is_refused_with_its_row() {
    let refused = |p: &[f64], labels: &[u32], classes| {
        Labelled::new(p, labels, classes)
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    assert!(refused(&[], &[], 2).contains("no rows"));
    assert!(refused(&[1.0], &[0], 1).contains("two classes or more, got 1"));
    assert!(refused(&[1.0, 0.0, 1.0], &[0, 1], 2).contains("2 rows x 2 classes"));
    assert!(refused(&[1.0, 0.0, 0.0, 1.0], &[0, 2], 2).contains("row 1: class 2"));
    for wrong in [f64::NAN, -0.5, 1.5, f64::INFINITY] {
        let message = refused(&[0.5, 0.5, 1.0 - wrong, wrong], &[0, 1], 2);
        assert!(message.contains("row 1: probabilities"), "{message}");
    }
    assert!(refused(&[0.5, 0.4], &[0], 2).contains("sum to 1"));
}

proptest! {
    /// Scaling to the numbers of rows keeps every row's sum.
    #[test]
    fn calibrated_counts_are_those_of_the_labels(
        rows in prop::collection::vec((0_u32..4, prop::collection::vec(1_u32..100, 4)), 1..60),
    ) {
        let labels: Vec<u32> = rows.iter().map(|(label, _)| *label).collect();
        let probabilities: Vec<f64> = rows
            .iter()
            .flat_map(|(_, weights)| {
                let sum = f64::from(weights.iter().sum::<u32>());
                weights.iter().map(move |&weight| f64::from(weight) / sum)
            })
            .collect();
        let data = Labelled::new(&probabilities, &labels, 4).unwrap();
        let found = Options::default().find(&data);
        for (given, count) in data.label_counts().into_iter().enumerate() {
            let sum: u64 = (0..4).map(|truth| found.calibrated.get(given, truth)).sum();
            prop_assert_eq!(sum, count);
        }
        prop_assert!(found.rows.is_sorted_by(|a, b| a.quality <= b.quality));
        prop_assert!(found.rows.iter().all(|row| row.suggested != row.given));
    }
}
