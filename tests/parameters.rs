//! The blocks of `params.yaml`, task by task: what is refused, under which key, and why; and what is the
//! default of everything.

use easylife::params::Invalid;
use easylife::task::Task;
use easylife::tasks::{cv::Cv, nlp::Nlp, recsys::Recsys, ts::Ts};

/// The block of `T` from YAML, checked.
fn check<T: Task>(text: &str) -> Result<T::Params, String> {
    let block: T::Block = yaml::from_str(text).map_err(|error| error.to_string())?;
    T::check(&block).map_err(|Invalid { key, reason }| format!("{key}: {reason}"))
}

/// Each block is refused with a message that starts so.
fn refused<T: Task>(cases: &[(&str, &str)]) {
    for (text, message) in cases {
        match check::<T>(text) {
            Ok(_) => panic!("{} accepts {text}", T::NAME),
            Err(found) => assert!(found.starts_with(message), "{text}: {found}"),
        }
    }
}

fn accepted<T: Task>(texts: &[&str]) {
    for text in texts {
        if let Err(message) = check::<T>(text) {
            panic!("{} refuses {text}: {message}", T::NAME);
        }
    }
}

#[test]
fn the_default_of_everything_is_accepted() {
    accepted::<Nlp>(&["{}"]);
    accepted::<Cv>(&["{}"]);
    accepted::<Recsys>(&["{}"]);
    accepted::<Ts>(&["{}"]);
}

/// What every task has.
fn common<T: Task>() {
    let name = T::NAME;
    let full = |message: &str| format!("{name}.{message}");
    for (text, message) in [
        (
            "data: {source: ''}",
            "data.source: the path is empty; give a file or a folder",
        ),
        (
            "predict: {output: ''}",
            "predict.output: the path is empty; give a path, or null",
        ),
        (
            "gate: {m: {}}",
            "gate.m: no bound is given; set `min`, `max` or both",
        ),
        (
            "gate: {m: {min: 2, max: 1}}",
            "gate.m: min 2 is above max 1",
        ),
    ] {
        refused::<T>(&[(text, &full(message))]);
    }
    refused::<T>(&[
        ("nothing: 1", "unknown key `nothing`; expected one of "),
        ("gate: {m: {mim: 1}}", "gate.m: unknown key `mim`"),
        ("predict: x", "predict: "),
    ]);
    accepted::<T>(&["gate: {m: {min: 1, max: 1}}", "predict: {input: null}"]);
}

#[test]
fn blocks_of_all_tasks_refuse_the_same() {
    common::<Nlp>();
    common::<Cv>();
    common::<Recsys>();
    common::<Ts>();
}

#[test]
fn texts() {
    refused::<Nlp>(&[
        (
            "sample: {rows: 1}",
            "nlp.sample.rows: 1 rows are too few; at least 2",
        ),
        ("split: {test: 1}", "nlp.split.test: 1 is not a share"),
        ("split: {test: -0.1}", "nlp.split.test: -0.1 is not a share"),
        (
            "data: {text: a, label: a}",
            "nlp.data.label: `a` is already the text column",
        ),
        ("model: {C: 0}", "nlp.model.C: 0 is not a number above 0"),
        (
            "model: {C: .inf}",
            "nlp.model.C: inf is not a number above 0",
        ),
        (
            "model: {tolerance: 1}",
            "nlp.model.tolerance: 1 is not a number between 0 and 1",
        ),
        (
            "model: {max_iterations: 0}",
            "nlp.model.max_iterations: 0 is too few",
        ),
        (
            "model: {folds: 1}",
            "nlp.model.folds: 1 is not a number from 2 to 100",
        ),
        (
            "model: {folds: 101}",
            "nlp.model.folds: 101 is not a number from 2 to 100",
        ),
        (
            "model: {keep: 0}",
            "nlp.model.keep: 0 is too few; at least 1, or null for all",
        ),
        (
            "model: {bits: 16}",
            "nlp.model.bits: 16 is neither 8 nor 32",
        ),
        ("model: {class_weight: {spam: 0}}", "nlp.model.class_weight"),
        ("model: {scheme: ovr}", "model.scheme: "),
        (
            "features: {min_df: 0}",
            "nlp.features.min_df: 0 is too few; at least 1",
        ),
        (
            "features: {max_df: 1.5}",
            "nlp.features.max_df: 1.5 is not a share above 0 and up to 1",
        ),
        (
            "features: {max_features: 0}",
            "nlp.features.max_features: 0 is too few",
        ),
        (
            "features: {ngrams: [0, 1]}",
            "nlp.features.ngrams: [0, 1] is not a range within 1 to",
        ),
        (
            "features: {ngrams: [2, 1]}",
            "nlp.features.ngrams: [2, 1] is not a range",
        ),
        (
            "features: {characters: [3, 99]}",
            "nlp.features.characters: [3, 99] is not a range",
        ),
    ]);
    accepted::<Nlp>(&[
        "model: {C: auto, class_weight: {spam: 2.0}, keep: 1, bits: 8}",
        "model: {class_weight: balanced, scheme: one_vs_rest}",
        "features: {ngrams: [1, 3], characters: null, stop_words: english, max_features: null}",
        "split: {test: 0}",
    ]);
}

#[test]
fn photos() {
    refused::<Cv>(&[
        (
            "sample: {scenes: 0}",
            "cv.sample.scenes: 0 is too few; at least 1",
        ),
        ("split: {test: 1.0}", "cv.split.test: 1 is not a share"),
        (
            "model: {C: []}",
            "cv.model.C: expected a list of numbers above 0",
        ),
        (
            "model: {C: [1, -1]}",
            "cv.model.C: expected a list of numbers above 0",
        ),
        (
            "model: {folds: 1}",
            "cv.model.folds: 1 is too few; at least 2",
        ),
        (
            "model: {trees: 0}",
            "cv.model.trees: 0 is not a number from 1 to 1000",
        ),
        (
            "model: {trees: 1001}",
            "cv.model.trees: 1001 is not a number from 1 to 1000",
        ),
        (
            "model: {solver: linfa}",
            "cv.model.solver: linfa cannot weight classes",
        ),
        ("model: {kind: cnn}", "model.kind: "),
        ("data: {classes: {ok: fine}}", "data.classes"),
    ]);
    accepted::<Cv>(&[
        "model: {solver: linfa, balanced: false}",
        "model: {kind: forest, trees: 1}",
        "data: {classes: {blurry: blurred, ok: sharp}}",
    ]);
}

#[test]
fn interactions() {
    refused::<Recsys>(&[
        (
            "sample: {users: 19}",
            "recsys.sample: 19 users and 400 items are too few",
        ),
        ("split: {test: 1}", "recsys.split.test: 1 is not a share"),
        (
            "eval: {relevant: .nan}",
            "recsys.eval.relevant: NaN is not a finite rating",
        ),
        (
            "model: {budget: -1}",
            "recsys.model.budget: -1 is not a number from 0",
        ),
        (
            "model: {memory: 0}",
            "recsys.model.memory: 0 is not a number of GiB above 0",
        ),
        (
            "model: {half_life: -1}",
            "recsys.model.half_life: -1 is not a share of 0 or more",
        ),
        (
            "model: {disliked: 0}",
            "recsys.model.disliked: 0 is not a weight above 0 and up to 1",
        ),
        (
            "model: {disliked: 2}",
            "recsys.model.disliked: 2 is not a weight above 0 and up to 1",
        ),
        (
            "model: {als: {factors: 0}}",
            "recsys.model.als.factors: 0 is not a number from 1 to 2048",
        ),
        (
            "model: {als: {iterations: 0}}",
            "recsys.model.als.iterations: 0 is not a number from 1",
        ),
        (
            "model: {als: {exponent: 3}}",
            "recsys.model.als.exponent: 3 is not a number from 0 to 2",
        ),
        (
            "model: {als: {unobserved: 0}}",
            "recsys.model.als.unobserved: ",
        ),
        (
            "model: {ease: {regularization: 0}}",
            "recsys.model.ease.regularization: ",
        ),
        (
            "model: {knn: {neighbours: 0}}",
            "recsys.model.knn.neighbours: 0 is too few",
        ),
        (
            "model: {graph: {factors: 4096}}",
            "recsys.model.graph.factors: 4096 is more than 2048",
        ),
        ("model: {als: none}", "model.als: "),
        ("split: {by: item}", "split.by: "),
    ]);
    accepted::<Recsys>(&[
        "model: {kind: ease, ease: {regularization: 300}, als: auto}",
        "model: {half_life: 0, disliked: 1, memory: 0.5}",
        "split: {by: time, test: 0}",
    ]);
}

#[test]
fn series() {
    refused::<Ts>(&[
        (
            "sample: {series: 0}",
            "ts.sample.series: 0 is too few; at least 1",
        ),
        (
            "sample: {days: 59}",
            "ts.sample.days: 59 days are too few; at least 60",
        ),
        (
            "horizon: 0",
            "ts.horizon: 0 is not a number of steps from 1 to",
        ),
        (
            "eval: {origins: 0}",
            "ts.eval.origins: 0 is not a number from 1 to 1000",
        ),
        (
            "season: 0",
            "ts.season: a season must be a number of steps from 1 to 100000",
        ),
        (
            "season: [7, 100001]",
            "ts.season: a season must be a number of steps",
        ),
        (
            "frequency: hourly",
            "ts.frequency: unknown frequency `hourly`",
        ),
        (
            "model: {kind: prophet}",
            "ts.model.kind: unknown model kind `prophet`; expected one of",
        ),
        ("model: {nonnegative: perhaps}", "model.nonnegative: "),
        ("data: {gaps: fill}", "data.gaps: "),
    ]);
    accepted::<Ts>(&[
        "season: [168, 24, 1]",
        "frequency: W-SUN",
        "data: {id: null, gaps: zero, duplicates: sum, bad_series: skip}",
        "data: {id: [store, item]}",
        "model: {kind: theta, nonnegative: false}",
    ]);
}
