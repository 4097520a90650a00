//! Model, split and metrics belong together: figures of another split or of a former model are refused.
//!
//! Prepared again with another seed and evaluated without training, a model had seen most of its test part:
//! the accuracy was .875 on labels drawn at random, and the gate was met.

mod support;

use support::Workdir;

/// Each task with a small sample, and parameters that split it in another way.
const TASKS: [(&str, &[&str], &str); 5] = [
    ("nlp", &["nlp.sample.rows=400"], "seed=7"),
    (
        "cv",
        &["cv.sample.scenes=24", "cv.sample.incoming=1"],
        "seed=7",
    ),
    (
        "recsys",
        &["recsys.sample.users=60", "recsys.sample.items=50"],
        "recsys.split.test=0.4",
    ),
    (
        "ts",
        &["ts.sample.series=2", "ts.sample.days=200"],
        "ts.split.test=14",
    ),
    (
        "tabular",
        &["tabular.sample.rows=300"],
        "tabular.split.test=0.4",
    ),
];

fn sets<'a>(values: &[&'a str]) -> Vec<&'a str> {
    values.iter().flat_map(|value| ["-S", value]).collect()
}

#[test]
fn figures_are_of_the_model_and_the_split_at_hand() {
    for (task, sample, other) in TASKS {
        let dir = Workdir::project();
        let sample = sets(sample);
        let ok = |verb: &str, more: &[&str]| {
            dir.ok(&[&[verb, task][..], &sample[..], &sets(more)[..]].concat())
        };
        for verb in ["sample", "prepare", "train", "evaluate"] {
            ok(verb, &[]);
        }
        let metrics = format!("metrics/{task}.json");
        let gate = dir.run(&["gate", task]);
        assert!([0, 3].contains(&gate.code), "{gate:?}");
        let before = dir.read(&metrics);

        // Another split: evaluate refuses, and nothing is written.
        ok("prepare", &[other]);
        let evaluate = [&["evaluate", task][..], &sample[..], &sets(&[other])[..]].concat();
        let message = dir.fails(2, &evaluate);
        assert!(
            message.contains("was trained on another split")
                && message.contains(&format!("easylife train {task}")),
            "{message}"
        );
        assert_eq!(dir.read(&metrics), before);

        // Another model: gate refuses the metrics of the former one, until it is evaluated.
        ok("train", &[other]);
        let message = dir.fails(2, &["gate", task]);
        assert!(
            message.contains("is about another model") && message.contains("easylife evaluate"),
            "{message}"
        );
        ok("evaluate", &[other]);
        let gate = dir.run(&["gate", task]);
        assert!([0, 3].contains(&gate.code), "{gate:?}");
    }
}

/// All of it trained on, then a test part cut out of the same rows.
#[test]
fn a_test_part_that_was_made_after_training_is_refused() {
    let dir = Workdir::project();
    let small = ["-S", "nlp.sample.rows=400"];
    for verb in ["sample", "prepare", "train"] {
        dir.ok(&[&[verb, "nlp", "-S", "nlp.split.test=0"][..], &small].concat());
    }
    dir.ok(&[&["prepare", "nlp"][..], &small].concat());
    let message = dir.fails(2, &[&["evaluate", "nlp"][..], &small].concat());
    assert!(
        message.contains("was trained on another split"),
        "{message}"
    );
}

#[test]
fn metrics_alone_can_be_held_against_the_gate() {
    let dir = Workdir::project();
    dir.write("metrics/nlp.json", r#"{"accuracy": 0.9}"#);
    dir.ok(&["gate", "nlp"]);
    // Of an earlier version, beside a model: nothing says that they are its.
    dir.write("models/nlp.safetensors", "a model");
    let message = dir.fails(2, &["gate", "nlp"]);
    assert!(message.contains("is about another model"), "{message}");
}

#[test]
fn predict_says_which_model_it_uses() {
    let dir = Workdir::trained();
    let predict = [
        "predict",
        "nlp",
        "-i",
        "data/raw/nlp/incoming.csv",
        "-o",
        "out.csv",
    ];
    assert!(!dir.run(&predict).stderr.contains("sha256"));
    let ran = dir.run(&[&predict[..], &["-v"]].concat());
    assert!(
        ran.stderr
            .contains("models/nlp.safetensors: trained on 480 rows (sha256 "),
        "{ran:?}"
    );
}
