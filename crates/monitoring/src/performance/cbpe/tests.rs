//! Estimates beside what turned out, on made-up rows whose probabilities are known.

use super::*;
use crate::performance::audit::{self, Verdict};
use crate::performance::figures::Metric;
use crate::performance::truth::Joined;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Rows with labels drawn by known probabilities, and scores that are these, bent.
struct Made {
    scores: Scores,
    predictions: Vec<u32>,
    targets: Vec<u32>,
}

impl Made {
    fn window(&self) -> Window<'_> {
        Window {
            scores: &self.scores,
            predictions: &self.predictions,
        }
    }

    fn labelled(&self) -> Labelled<'_> {
        Labelled {
            window: self.window(),
            targets: &self.targets,
        }
    }
}

struct Random(ChaCha8Rng);

impl Random {
    fn new(seed: u64, stream: u64) -> Random {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(stream);
        Random(random)
    }

    fn uniform(&mut self) -> f64 {
        (f64::from(self.0.next_u32()) + 0.5) / 4_294_967_296.0
    }

    fn normal(&mut self) -> f64 {
        models::kernels::normal::normal_quantile(self.uniform())
    }
}

/// Log-odds are normal, `shift` from zero; scores are the softmax of `bend` times these.
fn made(rows: usize, classes: usize, bend: f64, shift: f64, random: &mut Random) -> Made {
    let softmax = |odds: &[f64]| {
        let all: Vec<f64> = odds.iter().map(|&odds| libm::exp(odds)).collect();
        let sum: f64 = all.iter().sum();
        all.into_iter().map(|p| p / sum).collect::<Vec<f64>>()
    };
    let (mut values, mut predictions, mut targets) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rows {
        let odds: Vec<f64> = (0..classes)
            .map(|class| 1.6 * random.normal() + if class == 0 { shift } else { 0.0 })
            .collect();
        let bent: Vec<f64> = odds.iter().map(|odds| bend * odds).collect();
        let (p, scores) = (softmax(&odds), softmax(&bent));
        let at = random.uniform();
        let mut sum = 0.0;
        let target = p.iter().position(|p| {
            sum += p;
            at < sum
        });
        targets.push(target.unwrap_or(classes - 1) as u32);
        predictions.push(models::metrics::classification::most_probable(&scores) as u32);
        values.extend(scores);
    }
    Made {
        scores: Scores::new(classes, values).unwrap(),
        predictions,
        targets,
    }
}

/// Share of estimates whose interval holds what turned out, by metric; and the mean difference of
/// estimated and realised accuracy.
fn coverage(
    trials: u64,
    (reference, window): (usize, usize),
    classes: usize,
    bend: f64,
    shift: f64,
) -> (Vec<(Metric, f64)>, f64) {
    let mut inside: Vec<(Metric, f64, f64)> = Vec::new();
    let mut bias = 0.0;
    for trial in 0..trials {
        let mut random = Random::new(1 + classes as u64, trial);
        let reference = made(reference, classes, bend, 0.0, &mut random);
        let later = made(window, classes, bend, shift, &mut random);
        let cbpe = Cbpe::fit(&reference.labelled(), trial).unwrap();
        let estimated = cbpe.estimate(&later.window(), 0.95).unwrap();
        let realised = realised::measure(&later.labelled(), 0.95).unwrap();
        for figure in &estimated.figures {
            let Some(actual) = realised.get(figure.metric, figure.class) else {
                continue;
            };
            if figure.metric == Metric::Accuracy {
                bias += (figure.value - actual.value) / trials as f64;
            }
            let is_inside = (figure.low..=figure.high).contains(&actual.value);
            let entry = inside.iter().position(|entry| entry.0 == figure.metric);
            let entry = entry.unwrap_or_else(|| {
                inside.push((figure.metric, 0.0, 0.0));
                inside.len() - 1
            });
            inside[entry].1 += f64::from(u8::from(is_inside));
            inside[entry].2 += 1.0;
        }
    }
    let shares = inside
        .into_iter()
        .map(|(metric, hits, all)| (metric, hits / all));
    (shares.collect(), bias)
}

#[test]
fn intervals_hold_what_they_promise() {
    for (classes, bend) in [(2, 2.0), (3, 1.0)] {
        let (shares, bias) = coverage(60, (2000, 300), classes, bend, 0.5);
        assert!(bias.abs() < 0.015, "{classes} classes: {bias}");
        for (metric, share) in shares {
            assert!(share >= 0.85, "{classes} classes, {metric:?}: {share}"); // 95 % less 3.5 errors
        }
    }
}

#[test]
fn estimates_follow_a_change_of_rows_and_are_blind_to_a_change_of_labels() {
    let mut random = Random::new(11, 0);
    let reference = made(10_000, 2, 1.5, 0.0, &mut random);
    let cbpe = Cbpe::fit(&reference.labelled(), 42).unwrap();
    let before = cbpe.reference().value(Metric::Accuracy, None).unwrap();
    let easier = made(5000, 2, 1.5, 2.0, &mut random);
    let estimated = cbpe.estimate(&easier.window(), 0.95).unwrap();
    let accuracy = estimated.get(Metric::Accuracy, None).unwrap();
    let realised = realised::measure(&easier.labelled(), 0.95).unwrap();
    let realised = realised.get(Metric::Accuracy, None).unwrap().value;
    assert!(realised > before + 0.02 && (accuracy.value - realised).abs() < 0.015);
    // A tenth of the labels become the other class: only labels tell.
    let mut drifted = made(5000, 2, 1.5, 0.0, &mut random);
    { drifted.targets.iter_mut().step_by(10) }.for_each(|target| *target = 1 - *target);
    let (rows, truth) = ((0..5000).collect(), drifted.targets.clone());
    let labels = Joined {
        rows,
        truth,
        repeated: 0,
    };
    let audit = audit::classes(&cbpe, &drifted.window(), &labels, 0.95).unwrap();
    let accuracy = audit.get(Metric::Accuracy).unwrap();
    assert!((accuracy.estimated - before).abs() < 0.02, "{accuracy:?}");
    assert_eq!(accuracy.verdict, Verdict::TooOptimistic);
    let loss = audit.get(Metric::LogLoss).unwrap();
    assert_eq!(loss.verdict, Verdict::TooOptimistic);
}

/// Share of windows of the reference's population outside the thresholds, by metric of all classes.
fn false_alarms(windows: u64, (reference, rows): (usize, usize), rate: f64) -> Vec<(Metric, f64)> {
    let mut shares: Vec<(Metric, f64)> = Vec::new();
    for stream in 0..windows {
        let mut random = Random::new(13, stream);
        let known = made(reference, 2, 1.5, 0.0, &mut random);
        let known = Reference::of(&realised::measure(&known.labelled(), 0.95).unwrap());
        let window = made(rows, 2, 1.5, 0.0, &mut random);
        let realised = realised::measure(&window.labelled(), 0.95).unwrap();
        for threshold in known.thresholds(rows, rate, stream).unwrap() {
            let Some(figure) = realised.get(threshold.metric, None) else {
                continue;
            };
            if threshold.class.is_some() {
                continue;
            }
            let alarm = f64::from(u8::from(threshold.alert(figure.value).is_some()));
            match shares.iter_mut().find(|share| share.0 == threshold.metric) {
                Some(share) => share.1 += alarm / windows as f64,
                None => shares.push((threshold.metric, alarm / windows as f64)),
            }
        }
    }
    shares
}

#[test]
fn false_alarms_are_as_rare_as_asked_for() {
    for (metric, share) in false_alarms(100, (2000, 1500), 0.05) {
        assert!(share <= 0.13, "{metric:?} {share}"); // 5 % and 3.5 standard errors
    }
}

#[test]
fn a_saved_estimator_says_the_same() {
    let mut random = Random::new(12, 0);
    let reference = made(3000, 4, 1.5, 0.0, &mut random);
    let cbpe = Cbpe::fit(&reference.labelled(), 42).unwrap();
    let saved = serde_json::to_string(&cbpe).unwrap();
    assert!(saved.len() < 20_000, "{}", saved.len());
    let read: Cbpe = serde_json::from_str(&saved).unwrap();
    assert!(read == cbpe && read.is_valid());
    let lying = saved.replacen("\"shifts\":[", "\"shifts\":[0.0,", 1);
    assert!(!serde_json::from_str::<Cbpe>(&lying).unwrap().is_valid());
    assert!(serde_json::from_str::<Cbpe>(&saved.replacen("shifts", "more", 1)).is_err());
}

#[test]
fn bad_input_is_refused() {
    let mut random = Random::new(14, 0);
    let reference = made(200, 3, 1.0, 0.0, &mut random);
    let cbpe = Cbpe::fit(&reference.labelled(), 42).unwrap();
    let two = made(50, 2, 1.0, 0.0, &mut random);
    assert_eq!(
        cbpe.estimate(&two.window(), 0.95).unwrap_err().to_string(),
        "the scores are of 2 classes, those of the reference of 3"
    );
    assert!(matches!(
        cbpe.estimate(&reference.window(), 1.0),
        Err(PerformanceError::Parameter { .. })
    ));
    let one_class = Labelled {
        targets: &[1; 200],
        ..reference.labelled()
    };
    assert_eq!(
        Cbpe::fit(&one_class, 42).unwrap_err(),
        PerformanceError::OneClass { class: 1 }
    );
    let few = made(10, 3, 1.0, 0.0, &mut random);
    assert!(matches!(
        Cbpe::fit(&few.labelled(), 42),
        Err(PerformanceError::TooFewRows { rows: 10, .. })
    ));
    let none = Scores::new(3, Vec::new()).unwrap();
    let none = Window {
        scores: &none,
        predictions: &[],
    };
    assert!(cbpe.estimate(&none, 0.95).is_err());
    // One row is enough, if for a vague answer.
    let one = reference.scores.select(&[0]);
    let one = Window {
        scores: &one,
        predictions: &reference.predictions[..1],
    };
    let found = cbpe.estimate(&one, 0.95).unwrap();
    let accuracy = found.get(Metric::Accuracy, None).unwrap();
    assert!(accuracy.high - accuracy.low > 0.5 && found.get(Metric::RocAuc, None).is_none());
}

#[test]
fn a_class_that_the_reference_lacks_is_expected_to_stay_rare() {
    let mut random = Random::new(15, 0);
    let mut reference = made(500, 3, 1.0, 0.0, &mut random);
    { reference.targets.iter_mut().filter(|target| **target == 2) }.for_each(|target| *target = 0);
    let cbpe = Cbpe::fit(&reference.labelled(), 42).unwrap();
    let estimated = cbpe.estimate(&reference.window(), 0.95).unwrap();
    let expected: f64 = estimated.confusion[2].iter().sum();
    assert!(expected < 10.0, "{expected} of 500");
}
