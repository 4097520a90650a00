//! `easylife params`: the schema and the reference of params.yaml are those of the types, and the parser and
//! the schema agree on what they take.

mod support;

use std::path::Path;
use std::sync::LazyLock;

use easylife::params::{self, Set, schema};
use easylife::task::Task;
use easylife::{for_task, tasks};
use serde_json::{Value, json};
use support::Workdir;

fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}; run `make reference`"))
}

/// Compiled once: a test asks it thousands of times.
static CHECKER: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = schema::schema(&tasks::blocks());
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
});

/// A tree of YAML as the JSON that an editor checks.
fn as_json(node: &yaml::Node) -> Value {
    if let Some(entries) = node.as_map() {
        let entries = entries.iter();
        return entries
            .map(|(key, value)| (key.as_written().unwrap().to_owned(), as_json(value)))
            .collect();
    }
    if let Some(items) = node.as_list() {
        return items.iter().map(as_json).collect();
    }
    match &node.data {
        yaml::Data::Null => Value::Null,
        yaml::Data::Bool(value) => json!(value),
        yaml::Data::Int(value) => json!(i64::try_from(*value).unwrap()),
        yaml::Data::Float(value) => json!(value),
        _ => json!(node.as_str().unwrap()),
    }
}

fn faults(text: &str) -> Vec<String> {
    let file = as_json(&yaml::parse(text).unwrap());
    let faults = CHECKER.iter_errors(&file);
    faults
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect()
}

#[test]
fn what_was_made_of_the_types_is_not_stale() {
    let dir = Workdir::empty();
    let schema = dir.ok(&["params", "--schema"]);
    let page = dir.ok(&["params", "--reference"]);
    let hint = "is not what the types say; run `make reference` (or write it by `easylife params --schema` \
                and `--reference` of the binary just built)";
    assert!(schema == shipped(schema::FILE), "{} {hint}", schema::FILE);
    assert!(
        page == shipped("docs/reference.md"),
        "docs/reference.md {hint}"
    );
}

#[test]
fn the_files_that_init_writes_are_valid_and_name_the_schema() {
    let dir = Workdir::empty();
    dir.ok(&["init", "all"]);
    let few = ["-S", "cv.sample.scenes=1", "-S", "cv.sample.incoming=1"];
    dir.ok(&[&["sample", "all", "--project", "all"], &few[..]].concat());
    let mut projects = vec!["all".to_owned()];
    let sources = [
        ("nlp", "nlp/reviews.csv"),
        ("cv", "cv/photos"),
        ("recsys", "recsys/tables/interactions.csv"),
        ("ts", "ts/demand.csv"),
        ("tabular", "tabular/customers.csv"),
    ];
    assert_eq!(sources.len(), tasks::ALL.len());
    for (task, source) in sources {
        let source = format!("all/data/raw/{source}");
        dir.ok(&["init", task, "--task", task, "--source", &source]);
        projects.push(task.to_owned());
    }
    for project in projects {
        let text = dir.read(&format!("{project}/params.yaml"));
        assert_eq!(faults(&text), [""; 0], "{project}");
        let (first, _) = text.split_once('\n').unwrap();
        assert_eq!(
            first,
            format!("# yaml-language-server: $schema={}", schema::FILE)
        );
        let written = dir.read(&format!("{project}/{}", schema::FILE));
        assert!(written == schema::text(&tasks::blocks()), "{project}");
    }
}

#[test]
fn every_key_says_what_it_does() {
    let dir = Workdir::empty();
    let keys: Value = serde_json::from_str(&dir.ok(&["params", "--json"])).unwrap();
    let keys = keys["keys"].as_array().unwrap();
    assert!(keys.len() > 100, "{}", keys.len());
    for key in keys {
        let (name, text) = (&key["key"], key["description"].as_str().unwrap());
        assert!(
            text.len() > 10 && text.ends_with(['.', ')']),
            "{name}: {text:?}"
        );
        assert!(!text.contains("]("), "a link of rustdoc: {name}: {text}");
        assert!(!text.contains("[`"), "a link of rustdoc: {name}: {text}");
        assert!(!key["values"].as_str().unwrap().is_empty(), "{name}");
    }
}

#[test]
fn a_key_or_block_is_shown_alone_and_an_unknown_one_is_refused() {
    let dir = Workdir::empty();
    let shown = dir.ok(&["params", "ts.season"]);
    assert!(shown.starts_with("ts.season\n"), "{shown}");
    assert!(
        shown.contains("default: auto") && shown.contains("stages: train"),
        "{shown}"
    );
    assert!(!shown.contains("ts.horizon"), "{shown}");
    let block = dir.ok(&["params", "nlp.model"]);
    assert!(block.contains("\nnlp.model.C\n"), "{block}");
    let message = dir.fails(2, &["params", "nlp.modle"]);
    assert!(message.contains("did you mean `nlp.model`?"), "{message}");
}

/// Values of every type, as YAML.
const PROBES: [&str; 24] = [
    "null",
    "true",
    "0",
    "1",
    "-1",
    "8",
    "300",
    "0.5",
    "auto",
    "english",
    "balanced",
    "';'",
    "none",
    "tab",
    "als",
    "seasonal_naive",
    "[]",
    "[1]",
    "[1, 2]",
    "[1, 2, 3]",
    "[a, b]",
    "[[1]]",
    "{}",
    "{a: 1}",
];

/// The blocks and keys of a schema, by their names joined by dots.
fn keys(schema: &Value, prefix: &str, found: &mut Vec<String>) {
    let alternatives = schema.get("anyOf").and_then(Value::as_array);
    for one in alternatives.into_iter().flatten() {
        keys(one, prefix, found);
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, schema) in properties.into_iter().flatten() {
        let key = match prefix {
            "" => name.clone(),
            prefix => format!("{prefix}.{name}"),
        };
        keys(schema, &key, found);
        found.push(key);
    }
}

/// Whether the parameters are read, and whether they then pass the checks.
fn read(file: &Path, set: &str) -> (bool, bool) {
    let set: Set = set.parse().unwrap();
    let Ok(loaded) = params::load(file, &[set], &tasks::blocks()) else {
        return (false, false);
    };
    let passes = tasks::ALL.iter().all(|&name| {
        for_task!(name, T => {
            let block = loaded.block::<<T as Task>::Block>(T::NAME).unwrap();
            T::check(&block).is_ok()
        })
    });
    (true, passes)
}

/// A value that is read is one that the schema takes, unless a check refuses it; one that is not read is
/// refused by the schema too.
#[test]
fn parser_and_schema_agree() {
    let dir = Workdir::empty();
    let version = format!("easylife: \"{}\"\n", params::VERSION);
    let file = dir.write("params.yaml", &version);
    let mut names = Vec::new();
    keys(&schema::schema(&tasks::blocks()), "", &mut names);
    names.retain(|name| name != "easylife");
    names.extend(
        [
            "nlp.gate.accuracy.min",
            "nlp.gate.accuracy",
            "nlp.model.class_weight.spam",
        ]
        .map(str::to_owned),
    );
    names.extend(["unknown", "nlp.unknown", "ts.data.unknown"].map(str::to_owned));
    let (mut taken, mut refused, mut wrong) = (0, 0, Vec::new());
    for name in &names {
        for probe in PROBES {
            let set = format!("{name}={probe}");
            let mut value = as_json(&yaml::parse(probe).unwrap());
            for key in name.rsplit('.') {
                value = json!({ key: value });
            }
            value["easylife"] = json!(params::VERSION);
            let in_schema = CHECKER.is_valid(&value);
            let (is_read, passes) = read(&file, &set);
            // Nothing behind the key is an empty block or list for the parser, and `null` for the schema.
            let is_read = is_read || (probe == "null" && read(&file, &format!("{name}=")).0);
            let passes = passes || (probe == "null" && read(&file, &format!("{name}=")).1);
            taken += usize::from(in_schema && is_read);
            refused += usize::from(!in_schema && !is_read);
            if in_schema && !is_read {
                wrong.push(format!("the schema takes what is not read: {set}"));
            }
            if !in_schema && passes {
                wrong.push(format!("the schema refuses what is read: {set}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(taken > 500 && refused > 1000, "{taken} {refused}");
}

proptest::proptest! {
    /// The same for texts and characters, where a pattern says what is read.
    #[test]
    fn texts_are_taken_alike(text in "[ -~]{0,3}|tab|none|off|\\\\t|\t", key in proptest::sample::select(&[
        "nlp.data.delimiter", "nlp.data.quote", "nlp.data.escape", "ts.model.kind", "ts.data.id",
    ][..])) {
        let dir = Workdir::empty();
        let version = format!("easylife: \"{}\"\n", params::VERSION);
        let file = dir.write("params.yaml", version);
        let mut value = json!(text);
        for name in key.rsplit('.') {
            value = json!({ name: value });
        }
        value["easylife"] = json!(params::VERSION);
        let in_schema = CHECKER.is_valid(&value);
        let (is_read, passes) = read(&file, &format!("{key}={}", json!(text)));
        proptest::prop_assert!(!in_schema || is_read, "{key} {text:?}");
        proptest::prop_assert!(in_schema || !passes, "{key} {text:?}");
    }
}
