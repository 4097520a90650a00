//! Tests of the whole model: fit, score, explain, save.

use proptest::prelude::*;

use super::*;
use crate::nlp::features::vectorizer::{Row, Vectorizer};
use crate::state::{State, StateError, Stateful};

const SENTENCES: [&str; 3] = [
    "The plot is not good, not good at all.",
    "A good film: a warm, funny film!",
    "I like the cast but the plot is thin.",
];

fn all_features() -> Features {
    Features {
        ngrams: (1, 2),
        min_df: 1,
        max_df: 1.0,
        max_features: 1000,
        sublinear: false,
        ..Features::default()
    }
}

fn options(features: Features) -> ClassifierOptions {
    ClassifierOptions {
        features,
        regularization: 10.0,
        tolerance: 1e-6,
        choices: Choices::default(),
        calibrate: false,
        ..ClassifierOptions::default()
    }
}

fn names(classes: usize) -> Vec<String> {
    (0..classes).map(|class| format!("class {class}")).collect()
}

/// Texts of a tiny grammar; the classes share words.
fn texts(count: usize, classes: usize) -> (Vec<String>, Vec<u32>) {
    let word = |i: usize| {
        [
            "film", "plot", "good", "bad", "not", "warm", "dull", "cast", "very",
        ][i % 9]
    };
    let text = |i: usize| {
        let class = i % classes;
        let own = format!("topic{class}");
        [
            word(i * 5),
            word(i * 3 + class),
            word(i / 2),
            &own,
            word(i * 7 + 2 * class),
        ][..3 + i % 3]
            .join(" ")
    };
    (
        (0..count).map(text).collect(),
        (0..count).map(|i| (i % classes) as u32).collect(),
    )
}

fn fitted(classes: usize) -> Model {
    let (texts, labels) = texts(60, classes);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    options(all_features())
        .fit(texts.clone(), &labels, names(classes), &|_| ())
        .unwrap()
        .0
}

fn vectorizer(features: &Features) -> Vectorizer {
    let corpus = features.read(&SENTENCES, &|_| ());
    Vectorizer::fit(features, &corpus, Precision::Single).vectorizer
}

fn row(vectorizer: &Vectorizer, text: &str) -> Vec<(String, f64)> {
    let mut row = Row::default();
    vectorizer.vectorize(text, &mut row);
    let named = |(&i, &v): (&u32, &f32)| (vectorizer.name(i as usize), f64::from(v));
    row.bag
        .indices()
        .iter()
        .zip(&row.values)
        .map(named)
        .collect()
}

fn assert_values(row: &[(String, f64)], expected: &[(&str, f64)]) {
    for (ngram, value) in expected {
        let got = row
            .iter()
            .find(|(name, _)| name == ngram)
            .map_or(0.0, |(_, value)| *value);
        assert!(
            (got - value).abs() < 1e-7,
            "{ngram}: got {got}, expected {value}"
        );
    }
}

/// scikit-learn 1.5.2: TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+", sublinear_tf=...).
#[test]
fn tfidf_as_scikit_learn() {
    let plain = vectorizer(&all_features());
    assert_eq!(plain.vocabulary.len(), 35);
    let first = row(&plain, SENTENCES[0]);
    assert_eq!(first.len(), 14);
    let good = 0.347_080_367_8;
    assert_values(
        &first,
        &[
            ("good", good),
            ("not good", 0.456_368_973_9),
            ("the", 0.173_540_183_9),
        ],
    );
    let second = row(&plain, SENTENCES[1]);
    assert_values(
        &second,
        &[("a", 0.491_200_381_9), ("film a", 0.245_600_191)],
    );
    let sublinear = Features {
        sublinear: true,
        ..all_features()
    };
    let third = row(&vectorizer(&sublinear), SENTENCES[2]);
    assert_eq!(third.len(), 16);
    assert_values(
        &third,
        &[("the", 0.332_791_908_6), ("the plot", 0.196_552_262_2)],
    );
}

#[test]
fn learns_two_classes_and_many() {
    for classes in [2, 5] {
        let model = fitted(classes);
        let mut out = vec![0.0; classes];
        for class in 0..classes {
            assert!(model.probabilities(&format!("topic{class}"), &mut Scratch::new(), &mut out));
            let best = out.iter().copied().fold(0.0, f64::max);
            assert_eq!(out[class], best);
        }
    }
}

#[test]
fn an_unknown_text_gets_the_prior() {
    let texts = ["good film", "good cast", "warm film", "dull plot"];
    let (model, fit) = options(all_features())
        .fit(texts.to_vec(), &[0, 0, 0, 1], names(2), &|_| ())
        .unwrap();
    assert!(fit.converged);
    assert_eq!((fit.rows, fit.features, fit.entries), (4, 10, 12));
    let mut out = [0.0; 2];
    for text in ["", "...", "unheard of"] {
        assert!(!model.probabilities(text, &mut Scratch::new(), &mut out));
        assert_eq!(out, [0.75, 0.25]);
    }
    let explanation = model.explain("unheard of");
    assert!(!explanation.known && explanation.terms.is_empty());
    assert_eq!(
        (explanation.class, explanation.margin),
        (0, explanation.bias)
    );
    assert!((explanation.bias - 3.0_f64.ln()).abs() < 1e-15);
}

#[test]
fn an_explanation_names_what_decided() {
    let model = fitted(2);
    let explanation = model.explain("Topic1 topic1, film");
    assert_eq!(explanation.class, 1);
    assert_eq!(explanation.terms[0].ngram, "topic1");
    assert_eq!(explanation.terms[0].count, 2);
    assert!(explanation.terms[0].contribution > 0.0);
    let other = model.explain("topic0");
    assert_eq!(other.class, 0);
    assert!(other.margin > 0.0 && other.terms[0].contribution > 0.0);
}

#[test]
fn threads_do_not_change_a_bit() {
    let (texts, labels) = texts(2000, 3);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let fit = || {
            options(all_features())
                .fit(texts.clone(), &labels, names(3), &|_| ())
                .unwrap()
        };
        let (model, fit) = pool.install(fit);
        (model.to_state(), fit)
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(8));
}

#[test]
fn each_error_is_reported() {
    let fail = |options: &ClassifierOptions, texts: &[&str], labels: &[u32], classes: usize| {
        options
            .fit(texts.to_vec(), labels, names(classes), &|_| ())
            .unwrap_err()
    };
    let good = options(all_features());
    assert_eq!(fail(&good, &[], &[], 2), FitError::NoRows);
    assert_eq!(
        fail(&good, &["a"], &[0, 1], 2),
        FitError::Lengths {
            texts: 1,
            labels: 2
        }
    );
    let label = FitError::Label {
        row: 1,
        label: 2,
        classes: 2,
    };
    assert_eq!(fail(&good, &["a", "b"], &[0, 2], 2), label);
    let class = "class 1".to_owned();
    assert_eq!(
        fail(&good, &["a", "b"], &[1, 1], 2),
        FitError::OneClass { class }
    );
    let class = "class 2".to_owned();
    assert_eq!(
        fail(&good, &["a", "b"], &[0, 1], 3),
        FitError::EmptyClass { class }
    );
    let rare = options(Features {
        min_df: 2,
        ..all_features()
    });
    let none = FitError::NoFeatures {
        rows: 2,
        min_df: 2,
        max_df: 1.0,
    };
    assert_eq!(fail(&rare, &["a", "b"], &[0, 1], 2), none);
    let wrong = options(Features {
        ngrams: (2, 1),
        ..all_features()
    });
    assert!(matches!(
        fail(&wrong, &["a", "b"], &[0, 1], 2),
        FitError::Option { name: "ngrams", .. }
    ));
    let wrong = ClassifierOptions {
        regularization: f64::NAN,
        ..good
    };
    let error = fail(&wrong, &["a", "b"], &[0, 1], 2);
    assert!(matches!(
        error,
        FitError::Option {
            name: "regularization",
            ..
        }
    ));
}

#[test]
fn running_out_of_steps_is_not_an_error() {
    let (texts, labels) = texts(60, 3);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let one_step = ClassifierOptions {
        max_iterations: 1,
        ..options(all_features())
    };
    let (_, fit) = one_step
        .fit(texts.clone(), &labels, names(3), &|_| ())
        .unwrap();
    assert!(!fit.converged);
    assert_eq!(fit.iterations, 1);
}

/// What is tried follows from what was found: the other side of a choice, only if the first did not help.
#[test]
fn a_search_tries_the_side_that_helps() {
    let words = [
        "good", "fine", "warm", "dull", "bad", "plot", "cast", "scene", "not", "very",
    ];
    let mut both_sides = [0; 2];
    for seed in 0..24_u64 {
        // Labels follow one word, a pair of words, or chance.
        let pick = |row: u64, place: u64| (row * 31 + place * 17 + row * place * seed + seed) % 10;
        let text = |row: u64| {
            let words = (0..6).map(|place| words[pick(row, place) as usize]);
            words.collect::<Vec<_>>().join(" ")
        };
        let texts: Vec<String> = (0..80).map(text).collect();
        let label = |row: u64| match seed % 3 {
            0 => u32::from(pick(row, 0) < 5),
            1 => u32::from(pick(row, 1) < pick(row, 2)),
            _ => (row * row / 7 % 2) as u32,
        };
        let labels: Vec<u32> = (0..80).map(label).collect();
        let options = ClassifierOptions {
            seed,
            ..ClassifierOptions::default()
        };
        let (_, fit) = options.fit(texts, &labels, names(2), &|_| ()).unwrap();
        let better = |a: &Trial, b: &Trial| (a.accuracy, -a.log_loss) > (b.accuracy, -b.log_loss);
        let best = |trials: &[Trial]| {
            let best = |best: Trial, next: &Trial| {
                if better(next, &best) {
                    next.clone()
                } else {
                    best
                }
            };
            trials[1..].iter().fold(trials[0].clone(), best)
        };
        let (first, rest) = fit.trials.split_at(2);
        let ranges: Vec<_> = rest
            .iter()
            .filter(|trial| trial.regularization == 10.0)
            .collect();
        assert_eq!(ranges[0].ngrams, (1, 1));
        let helped = better(ranges[0], &best(first));
        assert_eq!(ranges.len(), if helped { 1 } else { 2 }, "{:?}", fit.trials);
        let costs: Vec<f64> = rest[ranges.len()..]
            .iter()
            .map(|trial| trial.regularization)
            .collect();
        let (before, after) = fit.trials.split_at(2 + ranges.len());
        let climbed = better(&after[0], &best(before));
        assert_eq!(costs, if climbed { vec![30.0] } else { vec![30.0, 3.0] });
        let chosen = best(&fit.trials);
        assert_eq!(fit.options.regularization, chosen.regularization);
        assert_eq!(fit.options.features.ngrams, chosen.ngrams);
        both_sides[0] += usize::from(!helped);
        both_sides[1] += usize::from(!climbed);
    }
    assert!(
        both_sides.iter().all(|count| (1..24).contains(count)),
        "{both_sides:?}"
    );
}

#[test]
fn progress_comes_in_order() {
    let seen = std::cell::RefCell::new(Vec::new());
    let watch = |progress| seen.borrow_mut().push(progress);
    options(all_features())
        .fit(SENTENCES.to_vec(), &[0, 1, 0], names(2), &watch)
        .unwrap();
    let seen = seen.into_inner();
    assert_eq!(seen[0], Progress::Counting { texts: 0, of: 3 });
    assert_eq!(seen[1], Progress::Vectorizing { features: 35 });
    assert!(matches!(seen[2], Progress::Solving(_)));
}

#[test]
fn an_invalid_state_is_refused() {
    let good = fitted(3).to_state();
    let broken = |change: &dyn Fn(&mut State)| {
        let mut state = good.clone();
        change(&mut state);
        Model::from_state(&state).unwrap_err()
    };
    let features = good.tensors["idf"].shape[0];
    let missing = broken(&|state| drop(state.tensors.remove("weights")));
    assert!(matches!(missing, StateError::Missing { .. }));
    let short = broken(&|state| state.insert_f32("idf", &[1], vec![1.0]));
    assert!(matches!(short, StateError::Shape { .. }));
    let kind = broken(&|state| state.insert_f32("bias", &[3], vec![0.0; 3]));
    assert!(matches!(kind, StateError::DataType { .. }));
    let nan = broken(&|state| state.insert_f64("bias", &[3], vec![0.0, f64::NAN, 0.0]));
    assert!(matches!(nan, StateError::NotFinite { index: 1, .. }));
    for change in [
        &(|state: &mut State| state.insert_u32("ngrams", &[2], vec![0, 1])) as &dyn Fn(&mut State),
        &|state| state.insert_u8("lowercase", &[1], vec![2]),
        &|state| state.insert_f32("idf", &[features], vec![0.0; features]),
        &|state| state.insert_f64("prior", &[3], vec![0.0, 0.5, 0.5]),
        &|state| state.insert_u8("vocabulary.ngrams", &[2], vec![0x21, 0]),
        &|state| state.insert_strings("classes", names(1)),
    ] {
        assert!(matches!(broken(change), StateError::Invalid { .. }));
    }
}

/// Known and unknown words in any order.
fn any_text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("film"),
        Just("plot"),
        Just("good"),
        Just("not"),
        Just("dull"),
        Just("topic0"),
        Just("topic1"),
        Just("topic2"),
        Just("unheard"),
        Just("é"),
        Just("!"),
    ];
    prop::collection::vec(word, 0..30).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn rows_have_norm_one(text in any_text(), sublinear in any::<bool>()) {
        let features = Features { sublinear, ..all_features() };
        let row = row(&vectorizer(&features), &text);
        let norm: f64 = row.iter().map(|(_, value)| value * value).sum();
        prop_assert!(row.is_empty() || (norm - 1.0).abs() < 1e-6);
    }

    #[test]
    fn explanations_add_up(text in any_text(), classes in 2..5_usize) {
        let model = fitted(classes);
        let explanation = model.explain(&text);
        let p = &explanation.probabilities;
        prop_assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let parts = || explanation.terms.iter().map(|term| term.contribution);
        let size = explanation.bias.abs() + parts().map(f64::abs).sum::<f64>();
        let sum = explanation.bias + parts().sum::<f64>();
        prop_assert!((explanation.margin - sum).abs() <= 1e-12 * size);
        // Log-odds against the other class, or against the mean over classes.
        let mean = p.iter().map(|p| p.ln()).sum::<f64>() / classes as f64;
        let own = p[explanation.class].ln();
        let margin = if classes == 2 { 2.0 * (own - mean) } else { own - mean };
        prop_assert!((explanation.margin - margin).abs() < 1e-9, "{} {margin}", explanation.margin);
    }

    #[test]
    fn a_saved_model_is_the_same_model(text in any_text(), classes in 2..4_usize) {
        let model = fitted(classes);
        let state = model.to_state();
        let loaded = Model::from_state(&state).unwrap();
        prop_assert_eq!(loaded.to_state(), state);
        prop_assert_eq!(loaded.explain(&text), model.explain(&text));
    }

    #[test]
    fn scratch_holds_no_memory_of_texts(first in any_text(), second in any_text()) {
        let model = fitted(3);
        let mut scratch = Scratch::new();
        let (mut used, mut fresh) = ([0.0; 3], [0.0; 3]);
        model.probabilities(&first, &mut scratch, &mut used);
        model.probabilities(&second, &mut scratch, &mut used);
        model.probabilities(&second, &mut Scratch::new(), &mut fresh);
        prop_assert_eq!(used, fresh);
    }
}
