//! `tabular` from its sample to answers, and every bad table that people have.

mod support;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use easylife::task;
use easylife::tasks::tabular::Tabular;
use easylife::tasks::tabular::scoring::Scorer;
use scoring::Score;
use scoring::tabular::{Cell, Prediction, Request};
use serde_json::Value;
use support::{Ran, Workdir, assert_same_for_any_threads};

const HOUSES: &str = "tabular.data.source=data/raw/tabular/houses.csv";
/// Settings under which nothing is searched for: fast, whatever the build.
const TREES: &str =
    "tabular.model={kind: trees, folds: 2, trees: {rounds: 40, leaves: 8, rate: 0.15}}";
const LINEAR: &str = "tabular.model={kind: linear, folds: 2, linear: {lambda: 1}}";

const NONE: &[&str] = &[];

/// Arguments with `-S` before each setting.
fn with<'a>(verb: &[&'a str], sets: &[&'a str]) -> Vec<&'a str> {
    let sets = sets.iter().flat_map(|set| ["-S", *set]);
    verb.iter().copied().chain(sets).collect()
}

/// A project with the small sample, prepared, trained and evaluated with these settings.
fn sampled(sets: &[&str]) -> Workdir {
    let dir = Workdir::project();
    let sizes = ["tabular.sample={rows: 800, incoming: 60, houses: 600}"];
    let sets = [&sizes[..], sets].concat();
    for verb in ["sample", "prepare", "train", "evaluate"] {
        dir.ok(&with(&[verb, "tabular"], &sets));
    }
    dir
}

/// A project whose source is `text`, with its target `y`.
fn project(text: &str) -> Workdir {
    let dir = Workdir::project();
    dir.write("mine.csv", text);
    dir
}

/// Runs a verb on `mine.csv`.
fn run(dir: &Workdir, verb: &str, sets: &[&str]) -> Ran {
    let own = ["tabular.data.source=mine.csv", "tabular.data.target=y"];
    dir.run(&with(&[verb, "tabular"], &[&own[..], sets].concat()))
}

/// Runs a verb on `mine.csv`; must end with 0.
fn ok(dir: &Workdir, verb: &str, sets: &[&str]) -> Ran {
    let ran = run(dir, verb, sets);
    assert_eq!(ran.code, 0, "{verb} {sets:?}: {ran:?}");
    ran
}

/// Runs a verb on `mine.csv`; must end with `code`; its error.
fn fails(dir: &Workdir, code: i32, verb: &str, sets: &[&str]) -> String {
    let ran = run(dir, verb, sets);
    assert_eq!(ran.code, code, "{verb} {sets:?}: {ran:?}");
    let error = ran.stderr.lines().find(|line| line.starts_with("error:"));
    error.unwrap_or_else(|| panic!("{ran:?}")).to_owned()
}

/// Prepares and trains `mine.csv`; one of both must end with `code`; its error.
fn refused(dir: &Workdir, code: i32, sets: &[&str]) -> String {
    let verb = match run(dir, "prepare", sets).code {
        0 => "train",
        _ => "prepare",
    };
    fails(dir, code, verb, sets)
}

/// A table that can be learned: `y` is `yes` for a large `a`, and for words `q` a little earlier.
fn learnable(rows: usize) -> String {
    let mut text = String::from("a,b,f,t,y\n");
    for i in 0..rows {
        let a = (i * 7) % 23;
        let b = ["p", "q", "r"][(i / 3) % 3];
        let flag = ["true", "false", ""][i % 3];
        let noise = (i * 31 % 17) as f64 / 4.0;
        let bonus = if b == "q" { 3.0 } else { 0.0 };
        let y = ["no", "yes"][usize::from(a as f64 + noise + bonus > 13.0)];
        let (month, day) = (i % 12 + 1, i % 28 + 1);
        writeln!(text, "{a},{b},{flag},2024-{month:02}-{day:02},{y}").unwrap();
    }
    text
}

/// A project with a model of [`learnable`].
fn learned(sets: &[&str]) -> Workdir {
    let dir = project(&learnable(300));
    for verb in ["prepare", "train"] {
        ok(&dir, verb, sets);
    }
    dir
}

/// The cells of a CSV file by column name, a map a row.
fn rows(text: &str) -> Vec<HashMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.deserialize();
    rows.collect::<Result<_, _>>().unwrap()
}

fn part(dir: &Workdir, name: &str) -> Vec<HashMap<String, String>> {
    rows(&dir.read(&format!("data/processed/tabular/{name}.csv")))
}

fn column(rows: &[HashMap<String, String>], name: &str) -> BTreeSet<String> {
    rows.iter().map(|row| row[name].clone()).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

/// The only answer to a row, as JSON.
fn asked(dir: &Workdir, row: &str) -> Value {
    let said = dir.ok(&["predict", "tabular", "--json", row]);
    let mut said: Value = serde_json::from_str(&said).unwrap();
    said["answers"][0].take()
}

fn explained(dir: &Workdir, row: &str, top: &str) -> Value {
    let said = dir.ok(&["explain", "tabular", "--json", "--top", top, row]);
    serde_json::from_str(&said).unwrap()
}

/// A file to score, and what came of it.
fn predicted(dir: &Workdir, text: &str, more: &[&str]) -> (Ran, Option<String>) {
    dir.write("new.csv", text);
    let _ = std::fs::remove_file(dir.path("out.csv"));
    let predict = ["predict", "tabular", "-i", "new.csv", "-o", "out.csv"];
    let ran = dir.run(&[&predict[..], more].concat());
    let out = dir.exists("out.csv").then(|| dir.read("out.csv"));
    (ran, out)
}

// The whole pipeline.

#[test]
fn classes_are_learned_from_the_sample() {
    let dir = sampled(&[]);
    let metrics = dir.json("metrics/tabular.json");
    let baseline = &metrics["baseline"];
    assert!(number(&metrics["roc_auc"]) > 0.75, "{metrics}");
    assert!(
        number(&metrics["log_loss"]) < 0.9 * number(&baseline["log_loss"]),
        "{metrics}"
    );
    assert!(number(&metrics["ece"]) < 0.15, "{metrics}");
    dir.ok(&["gate", "tabular"]);
    assert!(dir.read("reports/tabular.html").contains("<svg"));
    let input = "data/raw/tabular/incoming.csv";
    dir.ok(&[
        "predict",
        "tabular",
        "-i",
        input,
        "--all-classes",
        "-o",
        "out.csv",
    ]);
    let scored = rows(&dir.read("out.csv"));
    assert_eq!(scored.len(), 60);
    for row in &scored {
        let [no, yes] =
            ["probability_no", "probability_yes"].map(|name| row[name].parse::<f64>().unwrap());
        assert!((no + yes - 1.0).abs() < 1e-9, "{row:?}");
        let best = if yes > no { "yes" } else { "no" };
        assert_eq!(row["prediction"], best);
        assert_eq!(row["probability"], no.max(yes).to_string());
    }
    let seen = dir.ok(&["inspect", "tabular"]);
    assert!(
        seen.contains("customer_id: id: a different value in every row"),
        "{seen}"
    );
}

#[test]
fn numbers_are_learned_from_the_sample() {
    let dir = sampled(&[HOUSES, "tabular.data.target=price", TREES]);
    let metrics = dir.json("metrics/tabular.json");
    assert!(number(&metrics["r2"]) > 0.6, "{metrics}");
    assert!(number(&metrics["coverage_95"]) > 0.85, "{metrics}");
    dir.ok(&[
        "predict",
        "tabular",
        "-i",
        "data/raw/tabular/houses.csv",
        "-o",
        "out.csv",
    ]);
    for row in rows(&dir.read("out.csv")) {
        let names = ["lo-95", "lo-80", "prediction", "hi-80", "hi-95"];
        let values = names.map(|name| row[name].parse::<f64>().unwrap());
        assert!(values.is_sorted(), "{row:?}");
    }
}

#[test]
fn counts_are_learned_from_the_sample() {
    let kind = ["tabular.data.target=rooms", "tabular.data.kind=count"];
    let dir = sampled(&[&[HOUSES, TREES][..], &kind].concat());
    let metrics = dir.json("metrics/tabular.json");
    assert!(number(&metrics["d2"]) > 0.5, "{metrics}");
    dir.ok(&[
        "predict",
        "tabular",
        "-i",
        "data/raw/tabular/houses.csv",
        "-o",
        "out.csv",
    ]);
    for row in rows(&dir.read("out.csv")) {
        for name in ["prediction", "lo-95"] {
            assert!(row[name].parse::<f64>().unwrap() >= 0.0, "{row:?}");
        }
    }
}

#[test]
fn quantiles_are_learned_from_the_sample() {
    let kind = ["tabular.data.target=price", "tabular.data.kind=quantiles"];
    let dir = sampled(&[&[HOUSES, TREES][..], &kind].concat());
    let metrics = dir.json("metrics/tabular.json");
    let baseline = number(&metrics["baseline"]["pinball"]);
    assert!(number(&metrics["pinball"]) < 0.7 * baseline, "{metrics}");
    assert!(number(&metrics["coverage"]) > 0.4, "{metrics}");
    dir.ok(&[
        "predict",
        "tabular",
        "-i",
        "data/raw/tabular/houses.csv",
        "-o",
        "out.csv",
    ]);
    for row in rows(&dir.read("out.csv")) {
        let values = ["q-10", "q-50", "q-90"].map(|name| row[name].parse::<f64>().unwrap());
        assert!(values.is_sorted(), "quantiles cross: {row:?}");
    }
}

#[test]
fn the_whole_pipeline_gives_the_same_bytes_for_any_threads() {
    let number = [HOUSES, "tabular.data.target=price", TREES];
    let quantiles = [&number[..], &["tabular.data.kind=quantiles"]].concat();
    for (kind, sets, input) in [
        ("classes", NONE, "data/raw/tabular/incoming.csv"),
        ("number", &number[..], "data/raw/tabular/houses.csv"),
        ("quantiles", &quantiles[..], "data/raw/tabular/houses.csv"),
    ] {
        assert_same_for_any_threads(kind, |threads| {
            let dir = Workdir::project();
            let sizes = "tabular.sample={rows: 500, incoming: 60, houses: 400}";
            let sets = [&[sizes][..], sets].concat();
            for verb in ["sample", "prepare", "train", "evaluate"] {
                dir.ok(&with(&[verb, "tabular", "--threads", threads], &sets));
            }
            for out in ["out.csv", "out.jsonl", "out.parquet"] {
                let predict = ["predict", "tabular", "--threads", threads, "--explain", "2"];
                dir.ok(&[&predict[..], &["-i", input, "-o", out]].concat());
            }
            let folder = dir.path("").display().to_string();
            let mut files: Vec<_> = ["data", "models", "metrics", "plots", "reports"]
                .iter()
                .flat_map(|folder| dir.tree(folder))
                .collect();
            for (name, bytes) in &files {
                let text = String::from_utf8_lossy(bytes);
                assert!(!text.contains(folder.trim_end_matches('/')), "{name}");
            }
            for name in ["out.csv", "out.jsonl", "out.parquet"] {
                files.push((name.to_owned(), dir.bytes(name)));
            }
            files
        });
    }
}

#[test]
fn every_format_gives_the_same_model() {
    let text = learnable(200);
    let dir = Workdir::project();
    dir.write("in.csv", &text);
    dir.write("in.tsv", text.replace(',', "\t"));
    dir.write("semicolons.csv", text.replace(',', ";"));
    let mut lines = String::new();
    for row in rows(&text) {
        let cell = |name: &str| match row[name].as_str() {
            "" => "null".to_owned(),
            value => value.to_owned(),
        };
        let (a, b, f, t, y) = (&row["a"], &row["b"], cell("f"), &row["t"], &row["y"]);
        let line = format!(r#"{{"a":{a},"b":"{b}","f":{f},"t":"{t}","y":"{y}"}}"#);
        lines += &(line + "\n");
    }
    dir.write("in.jsonl", lines);
    let zip = |text: &str| zstd::encode_all(text.as_bytes(), 1).unwrap();
    dir.write("in.csv.zst", zip(&text));
    let digest = |source: &str| {
        let source = format!("tabular.data.source={source}");
        for verb in ["prepare", "train"] {
            dir.ok(&with(
                &[verb, "tabular"],
                &[source.as_str(), "tabular.data.target=y", LINEAR],
            ));
        }
        let part = dir.bytes("data/processed/tabular/train.csv");
        (part, dir.bytes("models/tabular.safetensors"))
    };
    let first = digest("in.csv");
    for source in ["in.tsv", "semicolons.csv", "in.jsonl", "in.csv.zst"] {
        assert!(digest(source) == first, "{source} gives another model");
    }
}

// Explanations and answers from memory.

#[test]
fn contributions_add_up_to_the_margin_and_the_margin_to_the_answer() {
    let raw =
        "tabular.model={calibrate: false, intervals: [], folds: 2, trees: {rounds: 40, leaves: 8}}";
    let number_of = ["tabular.data.target=price", HOUSES];
    let count_of = [
        "tabular.data.target=rooms",
        HOUSES,
        "tabular.data.kind=count",
    ];
    for (kind, sets) in [
        ("classes", NONE),
        ("number", &number_of[..]),
        ("count", &count_of[..]),
    ] {
        for member in ["trees", "linear", "average"] {
            let member = format!("tabular.model.kind={member}");
            let dir = sampled(&[&[raw, member.as_str()][..], sets].concat());
            let source = match kind {
                "classes" => "data/raw/tabular/incoming.csv",
                _ => "data/raw/tabular/houses.csv",
            };
            let args = [
                "predict", "tabular", "-i", source, "-o", "-", "--format", "jsonl",
            ];
            for line in dir.ok(&args).lines().take(5) {
                let why = explained(&dir, line, "3");
                let reasons = why["reasons"].as_array().unwrap();
                assert!(reasons.len() <= 3);
                let shown: f64 = reasons.iter().map(|r| number(&r["contribution"])).sum();
                let sum = number(&why["base"]) + shown + number(&why["others"]["contribution"]);
                let answer = asked(&dir, line);
                let expected = match kind {
                    "classes" => {
                        assert_eq!(why["prediction"], answer["prediction"]);
                        let p = number(&answer["probability"]);
                        libm::log(p / (1.0 - p))
                    }
                    "count" => libm::log(number(&answer["prediction"])),
                    _ => number(&answer["prediction"]),
                };
                let scale = expected.abs().max(1.0);
                assert!((number(&why["margin"]) - sum).abs() < 1e-9 * scale, "{why}");
                assert!(
                    (sum - expected).abs() < 1e-9 * scale,
                    "{kind} {member}: {why} {answer}"
                );
            }
        }
    }
}

/// `explain` read rows without `data.missing` and answered without `model.cost`.
#[test]
fn explain_answers_what_predict_answers() {
    let costs = "tabular.model.cost={yes: {no: 50}, no: {yes: 1}}";
    let dir = learned(&[LINEAR, costs, "tabular.data.missing=['?']"]);
    for row in ["b=p", "a=3,b=q", "a=?,b=p", "a=20,f=?"] {
        let (answer, why) = (asked(&dir, row), explained(&dir, row, "9"));
        for name in ["prediction", "probability"] {
            assert_eq!(answer[name], why[name], "{row}: {answer} {why}");
        }
    }
}

#[test]
fn rows_from_memory_have_the_bits_of_the_batch() {
    let dir = sampled(&[]);
    let input = "data/raw/tabular/incoming.csv";
    dir.ok(&[
        "predict",
        "tabular",
        "-i",
        input,
        "-o",
        "out.csv",
        "--all-classes",
        "--explain",
        "2",
    ]);
    let path = dir.path("models/tabular.safetensors");
    let loaded = task::load_model::<Tabular>(None, Some(&path)).unwrap();
    let details = &loaded.header.details;
    let scorer = Scorer::new(loaded.model, &details.missing, &details.model.cost).unwrap();
    let scorer = scorer.explaining(2);
    let batch = rows(&dir.read("out.csv"));
    let request = |row: &HashMap<String, String>| -> Vec<String> {
        let names = scorer.columns().iter();
        names.map(|(name, _)| row[name].clone()).collect()
    };
    let cells: Vec<Vec<String>> = batch.iter().map(request).collect();
    let mut requests: Vec<Request<'_>> = Vec::new();
    for row in &cells {
        let cells = row.iter().map(|text| match text.is_empty() {
            true => Cell::Missing,
            false => Cell::Text(text.as_str()),
        });
        requests.push(Request {
            cells: cells.collect(),
        });
    }
    let together = scorer.score(&requests, &mut ());
    assert_eq!(together.len(), 60);
    for ((row, answer), request) in batch.iter().zip(&together).zip(&requests) {
        let answer = answer.as_ref().unwrap();
        let Prediction::Class {
            label,
            probability,
            probabilities,
            ..
        } = &answer.prediction
        else {
            panic!("{answer:?}");
        };
        assert_eq!(row["prediction"], *label);
        assert_eq!(row["probability"], probability.to_string());
        assert_eq!(row["probability_yes"], probabilities[1].to_string());
        for (place, reason) in answer.reasons.iter().enumerate() {
            let said = &row[&format!("reason_{}", place + 1)];
            assert!(said.starts_with(&format!("{} = ", reason.column)), "{said}");
        }
        let alone = scorer.score(std::slice::from_ref(request), &mut ());
        assert_eq!(alone[0].as_ref().unwrap(), answer, "by itself");
    }
    // A row that cannot be used does not change the others.
    let age = scorer.columns().iter().position(|(name, _)| name == "age");
    let mut bad = requests[0].clone();
    bad.cells[age.unwrap()] = Cell::Text("old");
    let mixed = scorer.score(&[bad, requests[1].clone()], &mut ());
    let refusal = mixed[0].as_ref().unwrap_err();
    assert_eq!(refusal.reason, "column `age`: `old` is not a number");
    assert_eq!(mixed[1], together[1]);
}

#[test]
fn asked_rows_are_answered_with_the_bits_of_the_batch() {
    let dir = learned(&[LINEAR]);
    let (_, out) = predicted(&dir, "a,b,f,t\n12,q,true,2024-03-01\n12,q,,\n,,,\n", &[]);
    let batch = rows(&out.unwrap());
    for (row, asked_as) in batch.iter().zip([
        "a=12,b=q,f=true,t=2024-03-01",
        r#"{"a": 12, "b": "q", "f": null}"#,
        "a=",
    ]) {
        let answer = asked(&dir, asked_as);
        assert_eq!(answer["prediction"], row["prediction"].as_str());
        assert_eq!(answer["probability"].to_string(), row["probability"]);
    }
    let said = dir.ok(&["predict", "tabular", "a=12,b=q"]);
    assert!(said.starts_with("prediction "), "{said}");
    assert!(said.contains("not given, so missing: f, t"), "{said}");
    for (row, words) in [
        ("hello", "is not a column and its value"),
        (
            "aa=3",
            "none of the model's columns is given; it predicts from a, b, f, t",
        ),
        ("{", "not valid JSON"),
        (
            r#"{"a": [1]}"#,
            "column `a`: expected a value, not a list or an object",
        ),
        ("a=x", "column `a`: `x` is not a number"),
        ("t=soon", "column `t`: `soon` is not a date or time"),
        ("f=maybe", "column `f`: `maybe` is neither true nor false"),
    ] {
        let error = dir.fails(4, &["predict", "tabular", row]);
        assert!(error.contains(words), "{row}: {error}");
        let error = dir.fails(4, &["explain", "tabular", row]);
        assert!(error.contains(words), "{row}: {error}");
    }
}

// Bad tables.

/// A table of `n` rows by the number of the row.
fn table(header: &str, n: usize, row: impl Fn(usize) -> String) -> String {
    let rows: Vec<String> = (0..n).map(row).collect();
    format!("{header}\n{}\n", rows.join("\n"))
}

#[test]
fn tables_that_cannot_be_learned_from_are_refused_with_their_place() {
    let few = |i: usize| i % 7;
    for (text, sets, words) in [
        (String::new(), NONE, "mine.csv: is empty"),
        ("a,y\n".to_owned(), &[], "mine.csv holds no rows"),
        (
            table("a,y", 50, |i| format!("{},x", few(i))),
            &[],
            "every row has the value `x` in the target `y`",
        ),
        (
            table("a,y", 50, |i| format!("{},2.5", few(i))),
            &[],
            "the target `y` is 2.5 in every row",
        ),
        (
            table("a,y", 50, |i| {
                format!("{},{}", few(i), if i == 3 { "" } else { ["x", "z"][i % 2] })
            }),
            &[],
            "mine.csv:5: column 2 (y): the label is empty",
        ),
        (
            table("a,y", 2000, |i| format!("{},c{i}", few(i))),
            &[],
            "the target `y` has 2000 different values, more than the 1000 classes",
        ),
        (
            table("y", 50, |i| ["x", "z"][i % 2].to_owned()),
            &[],
            "the table has only the target `y`",
        ),
        (
            table("a,a,y", 50, |i| {
                format!("1,{},{}", few(i), ["x", "z"][i % 2])
            }),
            &[],
            "mine.csv:1: column 2: the header name is also that of column 1",
        ),
        (
            "a,y\n1,x\n2\n3,z,4\n".to_owned(),
            &[],
            "2 bad rows, the first: mine.csv:3: column 2 (y)",
        ),
        (
            table("a,y", 50, |i| format!("{},{}", few(i), ["x", "z"][i % 2])),
            &["tabular.data.kind=number"],
            "mine.csv:2: column 2 (y): `x` is not a number",
        ),
        (
            table("a,y", 50, |i| format!("{},{}", few(i), i as f64 - 3.5)),
            &["tabular.data.kind=count"],
            "a count is never negative; set tabular.data.kind to number",
        ),
        (
            table("a,y", 50, |i| format!("{},{}", few(i), ["x", "z"][i % 2])),
            &["tabular.data.group=who"],
            "there is no column `who`",
        ),
        (
            table("a,y", 50, |i| format!("{},{}", few(i), ["x", "z"][i % 2])),
            &["tabular.data.time=when"],
            "there is no column `when`",
        ),
    ] {
        let dir = project(&text);
        let error = fails(&dir, 4, "prepare", sets);
        assert!(error.contains(words), "{error}");
        assert!(!dir.exists("data/processed/tabular/train.csv"));
    }
}

#[test]
fn validate_finds_what_prepare_refuses() {
    for (text, words) in [
        (
            table("a,y", 50, |i| format!("{},x", i % 7)),
            "1 distinct labels (x)",
        ),
        (
            table("a,y", 50, |i| {
                format!("{},{}", i % 7, if i == 3 { "" } else { ["x", "z"][i % 2] })
            }),
            "y: 1 value (2.00 %) is missing [nulls]; first mine.csv:5",
        ),
    ] {
        let dir = project(&text);
        let ran = run(&dir, "validate", &[]);
        assert!(ran.code == 4 && ran.stdout.contains(words), "{ran:?}");
    }
}

/// `NA` in a target was a class for `validate` and `prepare`, and a missing value for `train`.
#[test]
fn words_for_nothing_in_a_target_are_refused_at_once() {
    for (values, sets) in [
        (["0", "1"], NONE),
        (["0.5", "1.5"], &[]),
        (["0.5", "1.5"], &["tabular.data.kind=number"]),
    ] {
        let cell = |i: usize| if i == 3 { "NA" } else { values[i % 2] };
        let dir = project(&table("a,y", 50, |i| format!("{},{}", i % 7, cell(i))));
        assert_eq!(run(&dir, "validate", sets).code, 4);
        let error = fails(&dir, 4, "prepare", sets);
        assert!(error.contains("mine.csv:5"), "{error}");
    }
}

/// It was found by `train`, in a file that nobody wrote.
#[test]
fn an_infinite_target_is_refused_in_the_source() {
    let cell = |i: usize| {
        if i == 3 {
            "inf".to_owned()
        } else {
            format!("{i}.5")
        }
    };
    let dir = project(&table("a,y", 50, |i| format!("{},{}", i % 7, cell(i))));
    let error = fails(&dir, 4, "prepare", &[]);
    assert!(error.contains("mine.csv:5"), "{error}");
}

/// Integers beyond 2^53 were rounded until they were the same.
#[test]
fn long_whole_numbers_are_told_apart() {
    let ids = ["9007199254740992", "9007199254740993"];
    let text = table("k,x,y", 200, |i| {
        format!("{},{},{}", ids[i / 2 % 2], i % 9, ["no", "yes"][i / 2 % 2])
    });
    let dir = project(&text);
    for verb in ["prepare", "train"] {
        ok(&dir, verb, &[LINEAR, "tabular.data.columns={k: category}"]);
    }
    let answers = ids.map(|id| asked(&dir, &format!("k={id},x=3"))["prediction"].clone());
    assert_eq!(answers, ["no", "yes"]);
    let dir = project(&table("x,y", 100, |i| format!("{},{}", i % 9, ids[i % 2])));
    let ran = ok(&dir, "prepare", &["tabular.data.kind=classes"]);
    assert!(ran.stdout.contains("classes (2)"), "{ran:?}");
}

/// A column of numbers that are all different and one `-` was dropped as an id, without a warning.
#[test]
fn numbers_with_a_sign_for_nothing_are_no_id() {
    let cell = |i: usize| {
        if i == 7 {
            "-".to_owned()
        } else {
            format!("{}.25", 100 + i)
        }
    };
    let text = table("income,x,y", 300, |i| {
        format!(
            "{},{},{}",
            cell(i),
            i % 7,
            ["no", "yes"][usize::from(i >= 150)]
        )
    });
    let dir = project(&text);
    ok(&dir, "prepare", &["tabular.split.test=0"]);
    let ran = ok(&dir, "train", &["tabular.split.test=0", LINEAR]);
    assert!(!ran.stderr.contains("`income` is not used"), "{ran:?}");
    assert!(ran.stderr.contains("set `missing: ['-']`"), "{ran:?}");
    let said = ["tabular.split.test=0", LINEAR, "tabular.data.missing=['-']"];
    ok(&dir, "prepare", &said);
    ok(&dir, "train", &said);
    assert!(dir.ok(&["inspect", "tabular"]).contains("income (number)"));
}

#[test]
fn small_and_strange_tables_are_no_failure() {
    for (name, text) in [
        ("two rows", "a,b,y\n1,5,x\n2,3,z\n".to_owned()),
        ("three rows", "a,b,y\n1,5,x\n2,3,z\n2,3,x\n".to_owned()),
        (
            "five numbers",
            table("a,y", 5, |i| format!("{},{}", i % 3, i as f64 * 1.5 + 0.25)),
        ),
        (
            "no values, constants, infinities, denormal and huge numbers",
            table("e,k,h,d,y", 120, |i| {
                let h = ["inf", "-inf", "1e999", "1e308", "3", ""][i % 6];
                let d = ["5e-324", "1e-310", "0"][i % 3];
                format!(",c,{h},{d},{}.5", i % 11)
            }),
        ),
        (
            "names and cells of every kind",
            table(
                "\"my col\",\"say \"\"hi\"\"\",\u{e9}\u{2603},row,y",
                120,
                |i| {
                    format!(
                        "{},\"a, {}\",{},0{},{}",
                        i % 9,
                        i % 3,
                        i % 5,
                        i % 7,
                        ["x", "z"][i / 3 % 2]
                    )
                },
            ),
        ),
        (
            "a category that is a number in half of the rows",
            table("c,y", 200, |i| {
                let c = if i % 2 == 0 {
                    (i % 9).to_string()
                } else {
                    ["a", "b"][i / 2 % 2].into()
                };
                format!("{c},{}", ["x", "z"][i / 5 % 2])
            }),
        ),
        (
            "every category once",
            table("c,x,y", 15, |i| {
                format!("k{i},{},{}", i % 4, ["x", "z"][i % 2])
            }),
        ),
        (
            "a rare class",
            table("x,y", 101, |i| {
                format!("{},{}", i % 9, if i == 50 { "b" } else { "a" })
            }),
        ),
    ] {
        for model in [TREES, LINEAR] {
            let dir = project(&text);
            for verb in ["prepare", "train"] {
                ok(&dir, verb, &[model, "tabular.split.test=0"]);
            }
            let out = dir.run(&[
                "predict",
                "tabular",
                "-i",
                "mine.csv",
                "-o",
                "out.csv",
                "--explain",
                "3",
            ]);
            assert_eq!(out.code, 0, "{name}: {out:?}");
            for row in rows(&dir.read("out.csv")) {
                assert!(
                    !row["prediction"].is_empty() && row["prediction"] != "NaN",
                    "{name}: {row:?}"
                );
            }
        }
    }
}

/// Evaluation shuffled every column of a wide table, each time with a copy of all.
#[test]
fn wide_tables_are_no_failure() {
    let names: Vec<String> = (0..3000).map(|j| format!("c{j}")).collect();
    let text = table(&format!("{},y", names.join(",")), 60, |i| {
        let cells: Vec<String> = (0..3000)
            .map(|j| ((i * j * 7 + j) % 101).to_string())
            .collect();
        format!("{},{}", cells.join(","), ["x", "z"][i / 2 % 2])
    });
    let dir = project(&text);
    let started = std::time::Instant::now();
    for verb in ["prepare", "train", "evaluate"] {
        ok(&dir, verb, &[LINEAR]);
    }
    assert!(started.elapsed().as_secs() < 6, "{:?}", started.elapsed());
}

// Weights, groups, time, leaks, overrides.

#[test]
fn weights_count_and_wrong_ones_are_refused() {
    // Every row twice, with opposite answers: the weight decides.
    let text = |first: &str, second: &str| {
        table("a,w,y", 200, |i| {
            let a = i / 2 % 20;
            let says = [["no", "yes"], ["yes", "no"]][i % 2][usize::from(a >= 10)];
            format!("{a},{},{says}", [first, second][i % 2])
        })
    };
    let sets = ["tabular.data.weight=w", "tabular.split.test=0", LINEAR];
    for (first, second, expected) in [("1", "0", ["no", "yes"]), ("0", "1", ["yes", "no"])] {
        let dir = project(&text(first, second));
        for verb in ["prepare", "train"] {
            ok(&dir, verb, &sets);
        }
        let answers = ["a=1", "a=18"].map(|row| asked(&dir, row)["prediction"].clone());
        assert_eq!(answers, expected);
        assert!(!dir.ok(&["inspect", "tabular"]).contains("w (number)"));
    }
    for (first, second, words) in [
        ("0", "0", "no row with a positive weight"),
        ("1", "-1", "is not a weight of 0 or more"),
        ("1", "", "is not a weight of 0 or more"),
        ("1", "inf", "is not a weight of 0 or more"),
        ("1", "much", "`much` is not a weight of 0 or more"),
    ] {
        let dir = project(&text(first, second));
        let error = refused(&dir, 4, &sets);
        assert!(error.contains(words), "{error}");
    }
    let error = fails(
        &project(&text("1", "1")),
        2,
        "prepare",
        &["tabular.data.weight=y"],
    );
    assert!(error.contains("`y` is already the target"), "{error}");
}

/// A weight that is wrong passed if its row happened to be tested.
#[test]
fn a_wrong_weight_is_found_wherever_it_lands() {
    for place in [3, 40, 77, 120, 160] {
        let text = table("a,w,y", 200, |i| {
            let weight = if i == place { "-1" } else { "1" };
            format!("{},{weight},{}", i % 23, ["no", "yes"][i % 23 / 12])
        });
        let error = fails(&project(&text), 4, "prepare", &["tabular.data.weight=w"]);
        assert!(
            error.contains(&format!("mine.csv:{}", place + 2)),
            "{error}"
        );
    }
}

fn grouped() -> String {
    table("a,g,t,y", 300, |i| {
        let (a, month, day) = (i % 23, i % 12 + 1, i % 28 + 1);
        format!(
            "{a},g{},2024-{month:02}-{day:02},{}",
            i * 7 % 40,
            ["no", "yes"][a / 12]
        )
    })
}

#[test]
fn groups_are_in_one_part() {
    let dir = project(&grouped());
    ok(&dir, "prepare", &["tabular.data.group=g"]);
    let (train, test) = (part(&dir, "train"), part(&dir, "test"));
    assert!(column(&train, "g").is_disjoint(&column(&test, "g")));
    assert!(
        train.len() + test.len() == 300 && test.len() > 30,
        "{}",
        test.len()
    );
    ok(&dir, "train", &["tabular.data.group=g", LINEAR]);
    let seen = dir.ok(&["inspect", "tabular"]);
    assert!(seen.contains("g: group of the rows"), "{seen}");
}

#[test]
fn the_latest_rows_are_tested() {
    let dir = project(&grouped());
    ok(&dir, "prepare", &["tabular.data.time=t"]);
    let (train, test) = (
        column(&part(&dir, "train"), "t"),
        column(&part(&dir, "test"), "t"),
    );
    assert!(train.last() < test.first(), "dates sort as texts");
    assert!(part(&dir, "test").len() > 30);
    ok(&dir, "train", &["tabular.data.time=t", LINEAR]);
    ok(&dir, "evaluate", &["tabular.data.time=t", LINEAR]);
}

/// With a time, groups were forgotten.
#[test]
fn groups_are_in_one_part_of_a_split_by_time_too() {
    let dir = project(&grouped());
    ok(
        &dir,
        "prepare",
        &["tabular.data.time=t", "tabular.data.group=g"],
    );
    let (train, test) = (part(&dir, "train"), part(&dir, "test"));
    assert!(column(&train, "g").is_disjoint(&column(&test, "g")));
}

/// `31/12/2024` gave an empty test part and a warning; a single bad cell was found by `train`.
#[test]
fn times_that_cannot_be_read_are_refused_by_prepare() {
    let dir = project(&grouped().replace(",2024-03-11,", ",soon,"));
    let error = fails(&dir, 4, "prepare", &["tabular.data.time=t"]);
    assert!(error.contains("(t)") && error.contains("`soon`"), "{error}");
}

#[test]
fn a_planted_leak_is_found_and_may_be_allowed() {
    let dir = Workdir::project();
    let sets = ["tabular.sample={rows: 600, incoming: 20, houses: 20, leak: true}"];
    dir.ok(&with(&["sample", "tabular"], &sets));
    let ran = dir.run(&["validate", "tabular"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stdout
            .contains("`retention_offer` alone gives the target away"),
        "{ran:?}"
    );
    assert!(
        ran.stdout
            .contains("set tabular.data.columns.retention_offer to ignore"),
        "{ran:?}"
    );
    dir.ok(&with(
        &["validate", "tabular"],
        &["tabular.data.columns={retention_offer: ignore}"],
    ));
    let rules = "easylife: \"0.1\"\ntask:\n  giveaway: {max: 0.99, level: warning}\n";
    dir.write("schema/tabular.yaml", rules);
    let ran = dir.run(&["validate", "tabular"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("warning  retention_offer"), "{ran:?}");
}

/// Words were judged by the other half of the rows, every second one: classes that alternate gave each away.
#[test]
fn an_innocent_category_beside_alternating_classes_is_no_leak() {
    let text = table("c,x,y", 200, |i| {
        format!(
            "{},{}.{},{}",
            ["p", "q", "r", "s"][i / 50],
            i * 37 % 101,
            i,
            ["no", "yes"][i % 2]
        )
    });
    let ran = run(&project(&text), "validate", &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn columns_are_what_the_parameters_say() {
    for (columns, seen) in [
        ("{a: category}", "a (category)"),
        ("{a: text}", "a (text)"),
        ("{b: text}", "b (text)"),
        ("{t: category}", "t (category)"),
        ("{b: ignore}", "b: by tabular.data.columns"),
    ] {
        let dir = learned(&[LINEAR, &format!("tabular.data.columns={columns}")]);
        let said = dir.ok(&["inspect", "tabular"]);
        assert!(said.contains(seen), "{columns}: {said}");
    }
    let dir = learned(&[LINEAR]);
    for (code, columns, words) in [
        (
            4,
            "{b: number}",
            "train.csv:2, column `b`: `p` is not a number (",
        ),
        (4, "{b: time}", "column `b`: `p` is not a date or time ("),
        (
            4,
            "{b: boolean}",
            "column `b`: `p` is neither true nor false (",
        ),
        (4, "{t: number}", "is not a number ("),
        (
            4,
            "{a: ignore, b: ignore, f: ignore, t: ignore}",
            "no columns to predict from",
        ),
        (
            2,
            "{nope: number}",
            "the table has no such column; it has: a, b, f, t, y",
        ),
        (
            2,
            "{y: number}",
            "the column is the target, the weight or the group",
        ),
        (2, "{a: integer}", "unknown variant `integer`"),
    ] {
        let error = refused(&dir, code, &[&format!("tabular.data.columns={columns}")]);
        assert!(error.contains(words), "{columns}: {error}");
    }
}

/// Any number was taken for true or false.
#[test]
fn numbers_that_are_not_0_or_1_are_no_booleans() {
    let dir = learned(&[LINEAR]);
    let (ran, _) = predicted(&dir, "a,b,f,t\n1,p,7,2024-01-01\n", &[]);
    assert!(
        ran.code == 4 && ran.stderr.contains("new.csv:2: column `f`: `7`"),
        "{ran:?}"
    );
    let error = refused(&dir, 4, &["tabular.data.columns={a: boolean}"]);
    assert!(error.contains("is neither true nor false"), "{error}");
}

/// `2024` and `20240101` were seconds since 1970.
#[test]
fn numbers_are_no_dates_where_dates_were_learned() {
    let dir = learned(&[LINEAR]);
    for cell in ["2024", "20240101"] {
        let (ran, _) = predicted(&dir, &format!("a,b,f,t\n1,p,true,{cell}\n"), &[]);
        assert!(
            ran.code == 4 && ran.stderr.contains("column `t`"),
            "{cell}: {ran:?}"
        );
    }
}

#[test]
fn settings_of_columns_and_classes_that_do_not_exist_are_refused() {
    let dir = learned(&[LINEAR]);
    for (set, words) in [
        (
            "tabular.model.cost={maybe: {no: 5}}",
            "tabular.model.cost.maybe: no such class; the target has: no, yes",
        ),
        (
            "tabular.model.cost={yes: {maybe: 5}}",
            "tabular.model.cost.yes.maybe: no such class",
        ),
        (
            "tabular.model.cost={yes: {no: -5}}",
            "-5 is not a cost of 0 or more",
        ),
        (
            "tabular.model.trees.monotone={nope: 1}",
            "tabular.model.trees.monotone.nope: no such column",
        ),
        (
            "tabular.model.trees.monotone={b: 1}",
            "the column is a category; only numbers have a direction",
        ),
        (
            "tabular.model.trees.monotone={a: 3}",
            "3 is not 1 (rising), -1 (falling) or 0",
        ),
        (
            "tabular.model.trees.interactions=[[a, nope]]",
            "no column `nope` is predicted from",
        ),
        ("tabular.data.kind=silly", "unknown variant `silly`"),
        (
            "tabular.data.quantiles=[0.9, 0.1]",
            "expected levels between 0 and 1, ascending",
        ),
        ("tabular.model.folds=1", "1 is not a number from 2 to 100"),
    ] {
        let error = refused(&dir, 2, &[set]);
        assert!(error.contains(words), "{set}: {error}");
    }
    let quantiles = ["tabular.data.kind=quantiles", "tabular.model.kind=linear"];
    let dir = project(&table("a,y", 60, |i| format!("{},{i}.5", i % 7)));
    let error = refused(&dir, 2, &quantiles);
    assert!(
        error.contains("there is no linear model of quantiles; set it to trees or auto"),
        "{error}"
    );
}

#[test]
fn costs_move_the_answer_and_constraints_hold() {
    let dir = learned(&[LINEAR, "tabular.model.cost={yes: {no: 50}, no: {yes: 1}}"]);
    let unsure = asked(&dir, "a=8,b=p");
    assert_eq!(unsure["prediction"], "yes", "{unsure}");
    let dir = learned(&[TREES, "tabular.model.trees.monotone={a: 1}"]);
    let of_yes = |a: usize| {
        let answer = asked(&dir, &format!("a={a},b=q"));
        let p = number(&answer["probability"]);
        if answer["prediction"] == "yes" {
            p
        } else {
            1.0 - p
        }
    };
    let rising: Vec<f64> = (0..23).step_by(2).map(of_yes).collect();
    assert!(rising.is_sorted(), "{rising:?}");
}

/// A model of a column `prediction` could be trained and never used.
#[test]
fn columns_that_predict_adds_are_no_inputs() {
    let text = learnable(200).replacen("a,b,f,t,y", "a,prediction,f,t,y", 1);
    let dir = project(&text);
    ok(&dir, "prepare", &[]);
    let ran = run(&dir, "train", &[LINEAR]);
    let said = ran.code != 0 && ran.stderr.contains("`prediction`");
    assert!(
        said || !dir
            .ok(&["inspect", "tabular"])
            .contains("prediction (category)"),
        "{ran:?}"
    );
}

// Prediction.

#[test]
fn columns_may_be_in_any_order_beside_others() {
    let dir = learned(&[LINEAR]);
    let (_, plain) = predicted(&dir, "a,b,f,t\n12,q,true,2024-03-01\n", &[]);
    let plain = rows(&plain.unwrap()).remove(0);
    let (_, other) = predicted(&dir, "t,id,f,b,a,y\n2024-03-01,7,true,q,12,no\n", &[]);
    let other = other.unwrap();
    assert!(
        other.starts_with("t,id,f,b,a,y,prediction,probability\n"),
        "{other}"
    );
    let other = rows(&other).remove(0);
    for name in ["prediction", "probability"] {
        assert_eq!(plain[name], other[name]);
    }
    // Missing, unseen and infinite cells are answered.
    let (ran, out) = predicted(
        &dir,
        "a,b,f,t\n,,,\nNA,zzz,,NA\ninf,p,true,2024-03-01\n",
        &[],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    for row in rows(&out.unwrap()) {
        let p: f64 = row["probability"].parse().unwrap();
        assert!((0.5..=1.0).contains(&p), "{row:?}");
    }
}

#[test]
fn what_cannot_be_scored_is_refused_with_its_place() {
    let dir = learned(&[LINEAR]);
    for (text, words) in [
        (
            "a,b,f\n1,p,true\n",
            "new.csv: there is no column `t`; there are: a, b, f",
        ),
        (
            "a,a,b,f,t\n1,1,p,true,2024-01-01\n",
            "new.csv:1: column 2: the header name is also that of column 1",
        ),
        (
            "a,b,f,t\n1,p,true,2024-01-01\nx,p,true,2024-01-01\n",
            "new.csv:3: column `a`: `x` is not a number",
        ),
        (
            "a,b,f,t\n1,p,maybe,2024-01-01\n",
            "new.csv:2: column `f`: `maybe` is neither true nor false",
        ),
        (
            "a,b,f,t\n1,p,true,01/02/2024\n",
            "new.csv:2: column `t`: `01/02/2024` is not a date or time",
        ),
        (
            "a,b,f,t,prediction\n1,p,true,2024-01-01,no\n",
            "already has a column `prediction`",
        ),
        ("a,b,f,t\n1,p\n", "new.csv:2: "),
    ] {
        let (ran, out) = predicted(&dir, text, &[]);
        assert_eq!((ran.code, out), (4, None), "{text:?}: {ran:?}");
        assert!(ran.stderr.contains(words), "{ran:?}");
    }
    for (text, require) in [("", 4), ("a,b,f,t\n", 4)] {
        let (ran, out) = predicted(&dir, text, &[]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(out.unwrap(), "a,b,f,t,prediction,probability\n");
        let (ran, _) = predicted(&dir, text, &["--require-input"]);
        assert_eq!(ran.code, require, "{ran:?}");
    }
    for more in [&["--horizon", "3"][..], &["--explain", "0"]] {
        assert_eq!(
            predicted(&dir, "a,b,f,t\n1,p,true,2024-01-01\n", more)
                .0
                .code,
            2
        );
    }
}

#[test]
fn bad_rows_are_skipped_on_request() {
    let dir = learned(&[LINEAR]);
    let text = "a,b,f,t\n1,p,true,2024-01-01\nx,p,true,2024-01-01\n2,p,,\n3,p,so,so\n";
    let (ran, out) = predicted(&dir, text, &["--on-error", "skip"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    let out = rows(&out.unwrap());
    assert_eq!(
        column(&out, "a"),
        BTreeSet::from(["1".to_owned(), "2".to_owned()])
    );
    let rejects = rows(&dir.read("out.csv.rejects.csv"));
    let found: Vec<(&str, &str)> = rejects
        .iter()
        .map(|row| (row["line"].as_str(), row["reason"].as_str()))
        .collect();
    assert_eq!(found[0], ("3", "column `a`: `x` is not a number"));
    assert_eq!(found[1].0, "5");
    // What was answered is what it is without the bad rows.
    let (_, clean) = predicted(&dir, "a,b,f,t\n1,p,true,2024-01-01\n2,p,,\n", &[]);
    assert_eq!(rows(&clean.unwrap()), out);
}

#[test]
fn streams_and_formats_hold_the_same_answers() {
    let dir = learned(&[LINEAR]);
    let text = "a,b,f,t\n12,q,true,2024-03-01\n3,p,,\n";
    let (_, file) = predicted(&dir, text, &["--explain", "2"]);
    let args = ["predict", "tabular", "-i", "-", "-o", "-", "--explain", "2"];
    let piped = dir.pipe(&[&args[..], &["--format", "csv"]].concat(), text);
    assert_eq!((piped.code, piped.stdout), (0, file.clone().unwrap()));
    dir.write("new.csv", text);
    for out in ["out.parquet", "out.jsonl", "out.tsv"] {
        dir.ok(&[
            "predict",
            "tabular",
            "-i",
            "new.csv",
            "-o",
            out,
            "--explain",
            "2",
        ]);
    }
    let line: Value = serde_json::from_str(dir.read("out.jsonl").lines().next().unwrap()).unwrap();
    let row = rows(&file.unwrap()).remove(0);
    assert_eq!(line["prediction"], row["prediction"].as_str());
    assert_eq!(line["probability"].to_string(), row["probability"]);
    assert!(row["reason_2"].starts_with("a = 12 ("), "{row:?}");
    assert_eq!(dir.read("out.tsv").lines().count(), 3);
    assert_eq!(dir.bytes("out.parquet")[..4], *b"PAR1");
}

#[test]
fn a_test_file_of_its_own_is_measured_as_it_is() {
    let dir = project(&learnable(200));
    let sets = ["tabular.data.test=test.csv", LINEAR];
    dir.write(
        "test.csv",
        "t,y,b,a,f\n2024-01-01,no,p,1,\n2024-01-02,yes,q,22,true\n2024-01-02,often,zz,3,\n",
    );
    for verb in ["prepare", "train"] {
        ok(&dir, verb, &sets);
    }
    let ran = ok(&dir, "evaluate", &sets);
    assert!(
        ran.stderr
            .contains("unknown to the model count as wrong: often"),
        "{ran:?}"
    );
    let metrics = dir.json("metrics/tabular.json");
    assert_eq!(
        (&metrics["rows"], &metrics["unseen"]),
        (&3.into(), &1.into())
    );
    assert!(
        (number(&metrics["accuracy"]) - 2.0 / 3.0).abs() < 1e-9,
        "{metrics}"
    );
    // A column less.
    dir.write(
        "test.csv",
        "t,y,a,f\n2024-01-01,no,1,\n2024-01-02,yes,22,true\n",
    );
    ok(&dir, "prepare", &sets);
    let error = fails(&dir, 4, "evaluate", &sets);
    assert!(error.contains("no column `b`"), "{error}");
}

#[test]
fn without_a_test_part_evaluate_says_what_to_do() {
    let sets = [LINEAR, "tabular.split.test=0"];
    let error = fails(&learned(&sets), 2, "evaluate", &sets);
    assert!(error.contains("set tabular.split.test above 0"), "{error}");
}

#[test]
fn init_writes_a_project_that_runs() {
    let dir = Workdir::empty();
    let text = learnable(150).replacen(",y\n", ",bought\n", 1);
    dir.write("my data.csv", text.replace(',', ";"));
    let init = [
        "init",
        "new",
        "--task",
        "tabular",
        "--source",
        "my data.csv",
    ];
    let error = dir.fails(2, &init);
    assert!(
        error.contains("name it with --target NAME; there are: a, b, f, t, bought"),
        "{error}"
    );
    let error = dir.fails(2, &[&init[..], &["--target", "nope"]].concat());
    assert!(
        error.contains("there is no column `nope` for --target"),
        "{error}"
    );
    dir.ok(&[&init[..], &["--target", "bought"]].concat());
    let said = dir.ok(&["repro", "--project", "new"]);
    assert!(said.contains("ran 6"), "{said}");
    let said = dir.ok(&["repro", "--project", "new"]);
    assert!(said.contains("up to date"), "{said}");
}
