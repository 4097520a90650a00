//! Every parameter that a verb reads is in the `params` of its stage in dvc.yaml, so that a change of it
//! runs the stage again.
//!
//! Each stage is run as it is, then with every parameter changed that dvc.yaml does not list for it. Its
//! outputs must be the same bytes; where they are not, each key by itself tells which one is missing.

mod support;

use std::collections::BTreeMap;

use support::Workdir;
use yaml::{Data, Node};

const TASKS: [&str; 5] = ["nlp", "cv", "recsys", "ts", "tabular"];

/// Data that are small enough to run every stage of a task twice within seconds.
const SMALL: [&str; 12] = [
    "nlp.sample.rows=240",
    "nlp.sample.incoming=20",
    "cv.sample.scenes=8",
    "cv.sample.incoming=3",
    "recsys.sample.users=60",
    "recsys.sample.items=40",
    "recsys.sample.incoming=5",
    "ts.sample.series=2",
    "ts.sample.days=150",
    "tabular.sample.rows=300",
    "tabular.sample.incoming=20",
    "tabular.sample.houses=20",
];

/// Stages: their name in dvc.yaml, the arguments of the verb, what it writes (`TASK` is the task).
const STAGES: [(&str, &[&str], &[&str]); 8] = [
    (
        "sample",
        &["sample", "TASK", "--as-source"],
        &["data/raw/TASK"],
    ),
    ("validate", &["validate", "TASK"], &["reports/validate"]),
    ("prepare", &["prepare", "TASK"], &["data/processed/TASK"]),
    (
        "validate-prepared",
        &["validate", "TASK", "--prepared"],
        &["reports/validate"],
    ),
    ("train", &["train", "TASK"], &["models"]),
    (
        "evaluate",
        &["evaluate", "TASK"],
        &["metrics", "plots", "reports"],
    ),
    ("gate", &["gate", "TASK"], &[]),
    ("predict", &["predict", "TASK"], &["data/scored"]),
];

/// Another valid value of a key whose value is no number, true or false. A rule on keys that hold the same
/// value in every task comes first.
fn other_value(key: &str, value: &Node) -> String {
    let (_, name) = key.split_once('.').unwrap_or(("", key));
    match (&value.data, key, name) {
        (Data::Bool(value), ..) => (!value).to_string(),
        (_, _, "split.test") if key.starts_with("ts.") => "20".to_owned(),
        (_, _, "split.test") => "0.35".to_owned(),
        (_, "nlp.model.bits", _) => "8".to_owned(),
        (_, "tabular.model.trees.bins", _) => "100".to_owned(),
        (_, "tabular.model.trees.depth", _) => "5".to_owned(),
        (Data::Int(value), ..) => (value + 1).to_string(),
        (Data::Float(value), ..) => (value / 2.0).to_string(),
        (_, "validate.profile", _) => "needed".to_owned(),
        (_, "validate.today", _) => "2020-01-01".to_owned(),
        (_, _, "data.source" | "predict.input") => "elsewhere.csv".to_owned(),
        (_, _, "predict.output") => "data/scored/elsewhere.csv".to_owned(),
        (_, "tabular.data.kind", _) => "classes".to_owned(),
        (_, "tabular.data.missing", _) => "[x]".to_owned(),
        (_, "tabular.data.quantiles", _) => "[0.5]".to_owned(),
        (_, "ts.data.gaps", _) => "zero".to_owned(),
        (_, "ts.data.duplicates", _) => "sum".to_owned(),
        (_, "ts.data.bad_series", _) => "skip".to_owned(),
        (_, _, "data.delimiter") => "tab".to_owned(),
        (_, "cv.data.scene_pattern", _) => "(x+)".to_owned(),
        (_, _, "data.decimal") => ".".to_owned(),
        (_, "ts.data.layout", _) => "long".to_owned(),
        (_, _, "data.date_format") => "number".to_owned(),
        (_, "cv.data.classes.blurry", _) => "sharp".to_owned(),
        (_, "cv.data.classes.ok", _) => "blurred".to_owned(),
        (Data::Str(_), _, name) if name.starts_with("data.") => format!("another_{}", &name[5..]),
        (_, "nlp.features.ngrams", _) => "[1, 1]".to_owned(),
        (_, "nlp.features.negation", _) => "true".to_owned(),
        (_, "nlp.features.characters", _) => "null".to_owned(),
        (_, "nlp.features.stop_words", _) => "english".to_owned(),
        (_, "nlp.model.weighting", _) => "plain".to_owned(),
        (_, "nlp.model.C", _) => "2".to_owned(),
        (_, "nlp.model.scheme", _) => "one_vs_rest".to_owned(),
        (_, "nlp.model.class_weight", _) => "balanced".to_owned(),
        (_, "nlp.model.keep", _) => "50".to_owned(),
        (_, "nlp.eval.slices", _) => "[label]".to_owned(),
        (_, "cv.model.kind", _) => "laplacian".to_owned(),
        (_, "cv.model.solver", _) => "linfa".to_owned(),
        (_, "cv.model.C", _) => "[1.0]".to_owned(),
        (_, "recsys.split.by", _) => "time".to_owned(),
        (_, "recsys.model.kind", _) => "popular".to_owned(),
        (_, "recsys.model.half_life", _) => "0.5".to_owned(),
        (_, "recsys.model.disliked", _) => "0.5".to_owned(),
        (_, "recsys.model.als", _) => {
            "{factors: 8, iterations: 2, unobserved: 0.1, regularization: 0.01, exponent: 1.0}"
                .to_owned()
        }
        (_, "recsys.model.ease", _) => "{regularization: 300}".to_owned(),
        (_, "recsys.model.knn", _) => "{neighbours: 20, similarity: cosine}".to_owned(),
        (_, "recsys.model.graph", _) => {
            "{user: 0.6, taken: 0.6, scored: 0.35, factors: 8, low_pass: 0.2}".to_owned()
        }
        (_, "tabular.model.kind", _) => "linear".to_owned(),
        (_, "tabular.model.intervals", _) => "[0.5]".to_owned(),
        (_, "tabular.model.trees.rounds", _) => "9".to_owned(),
        (_, "tabular.model.trees.leaves", _) => "5".to_owned(),
        (_, "tabular.model.trees.min_rows", _) => "7".to_owned(),
        (_, "tabular.model.trees.interactions", _) => "[[age]]".to_owned(),
        (_, "tabular.model.linear.lambda", _) => "2".to_owned(),
        (_, "tabular.eval.slices", _) => "[plan]".to_owned(),
        (_, "ts.season", _) => "7".to_owned(),
        (_, "ts.horizon", _) => "9".to_owned(),
        (_, "ts.frequency", _) => "D".to_owned(),
        (_, "ts.model.kind", _) => "mean".to_owned(),
        (_, "ts.model.nonnegative", _) => "false".to_owned(),
        (_, key, _) => panic!("{key}: say here what another value of it would be"),
    }
}

/// A line `# key: value` of params.yaml without the mark.
fn uncommented(line: &str) -> String {
    let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
    let key = rest
        .strip_prefix("# ")
        .and_then(|rest| rest.split_once(": "));
    match key {
        Some((key, _)) if key.chars().all(|c| c.is_ascii_lowercase() || c == '_') => {
            format!("{indent}{}", &rest[2..])
        }
        _ => line.to_owned(),
    }
}

/// The keys of all values in a mapping that are no mappings.
fn leaves(node: &Node, prefix: &str, found: &mut BTreeMap<String, String>) {
    for (name, value) in node.as_map().unwrap() {
        let key = format!("{prefix}{}", name.as_str().unwrap());
        match value.as_map() {
            Some(_) => leaves(value, &format!("{key}."), found),
            None if key == "easylife" => {} // the version: every stage lists it
            None => {
                let other = other_value(&key, value);
                found.insert(key, other);
            }
        }
    }
}

/// What dvc.yaml lists as a stage's parameters.
fn listed(pipeline: &Node, stage: &str, task: &str) -> Vec<String> {
    let vars = &pipeline.get("vars").unwrap().as_list().unwrap()[0];
    let items = vars.get("tasks").unwrap().get(task).unwrap();
    let stage = pipeline.get("stages").unwrap().get(stage).unwrap();
    let params = stage.get("do").unwrap().get("params").unwrap();
    // Items are those of all tasks, or the stage's own.
    let own = stage.get("foreach").and_then(|all| all.get(task));
    let own = own.and_then(Node::as_map).into_iter().flatten();
    let names = params.as_list().unwrap().iter().map(|param| {
        let mut name = param.as_str().unwrap().replace("${key}", task);
        for (item, value) in own.clone().chain(items.as_map().unwrap()) {
            let template = format!("${{item.{}}}", item.as_str().unwrap());
            name = name.replace(&template, value.as_str().unwrap());
        }
        assert!(!name.contains("${"), "{name}");
        name
    });
    names.collect()
}

/// How a stage ended, what it said, and the files that it wrote.
type Run = (i32, String, Vec<Vec<(String, Vec<u8>)>>);

struct Task {
    name: &'static str,
    dir: Workdir,
}

impl Task {
    /// How the stage ends, what it says and what it writes, with some parameters set.
    fn run(&self, stage: &(&str, &[&str], &[&str]), sets: &[String]) -> Run {
        let fill = |text: &&str| text.replace("TASK", self.name);
        let mut args: Vec<String> = stage.1.iter().map(fill).collect();
        for set in SMALL
            .iter()
            .map(|set| (*set).to_owned())
            .chain(sets.iter().cloned())
        {
            args.extend(["-S".to_owned(), set]);
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let ran = self.dir.run(&args);
        let outputs = stage.2.iter().map(|path| {
            let path = path.replace("TASK", self.name);
            match self.dir.path(&path).is_dir() {
                true => self.dir.tree(&path),
                false => vec![(
                    path.clone(),
                    std::fs::read(self.dir.path(&path)).unwrap_or_default(),
                )],
            }
        });
        let outputs = outputs.collect();
        (ran.code, format!("{}{}", ran.stdout, ran.stderr), outputs)
    }

    fn check(&self, pipeline: &Node, others: &BTreeMap<String, String>) -> Vec<String> {
        let mut missing = Vec::new();
        for stage in &STAGES {
            let listed = listed(pipeline, stage.0, self.name);
            assert!(listed.contains(&"easylife".to_owned()), "{}", stage.0);
            let is_listed = |key: &str| {
                listed.iter().any(|name| {
                    key.strip_prefix(name.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                })
            };
            let unlisted: Vec<String> = others
                .iter()
                .filter(|(key, _)| !is_listed(key))
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            let plain = self.run(stage, &[]);
            assert!(
                [0, 3].contains(&plain.0),
                "{} {}: {}",
                self.name,
                stage.0,
                plain.1
            );
            let changed = self.run(stage, &unlisted);
            if changed == plain {
                continue;
            }
            let culprits = unlisted
                .iter()
                .filter(|set| self.run(stage, std::slice::from_ref(set)) != plain);
            let culprits: Vec<&String> = culprits.collect();
            missing.push(format!(
                "{}@{}: {culprits:?}: {}",
                stage.0, self.name, changed.1
            ));
            self.run(stage, &[]);
        }
        missing
    }
}

#[test]
fn every_parameter_that_a_stage_reads_is_listed_in_dvc_yaml() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let pipeline = yaml::parse(&text("dvc.yaml")).unwrap();
    // Keys that are shown as comments only are read, too.
    let params: Vec<String> = text("params.yaml").lines().map(uncommented).collect();
    let mut others = BTreeMap::new();
    leaves(&yaml::parse(&params.join("\n")).unwrap(), "", &mut others);
    for key in ["nlp.data.test", "recsys.data.items", "validate.today"] {
        assert!(others.contains_key(key), "{key}");
    }
    let missing: Vec<String> = std::thread::scope(|scope| {
        let runs = TASKS.map(|name| {
            let (pipeline, others) = (&pipeline, &others);
            scope.spawn(move || {
                let dir = Workdir::project();
                Task { name, dir }.check(pipeline, others)
            })
        });
        runs.into_iter()
            .flat_map(|run| run.join().unwrap())
            .collect()
    });
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
