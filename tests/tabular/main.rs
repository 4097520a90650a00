//! `tabular` from its sample to answers, and every bad table that people have.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod bad_tables;
mod columns;
mod joins;
mod pipeline;
mod prediction;

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

/// A table of `n` rows by the number of the row.
fn table(header: &str, n: usize, row: impl Fn(usize) -> String) -> String {
    let rows: Vec<String> = (0..n).map(row).collect();
    format!("{header}\n{}\n", rows.join("\n"))
}
