//! `easylife compare`: commits of a real git repository, projects, metrics files and model files.

mod support;
use std::process::Command;

use serde_json::Value;
use support::Workdir;

fn git(dir: &Workdir, args: &[&str]) {
    let output = Command::new("git")
        .current_dir(dir.path(""))
        .args(["-c", "user.name=T", "-c", "user.email=t@example.org"])
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
}

/// A repository with two commits: a model of words and pairs of words, and one that is hardly trained.
fn two_commits() -> Workdir {
    let dir = Workdir::project();
    let params = dir.read("params.yaml").replace("rows: 4000", "rows: 600");
    dir.write("params.yaml", &params);
    git(&dir, &["init", "-q"]);
    for verb in ["sample", "prepare", "train", "evaluate"] {
        dir.ok(&[verb, "nlp"]);
    }
    git(&dir, &["add", "-A"]);
    git(&dir, &["commit", "-q", "-m", "one"]);
    std::fs::copy(
        dir.path("models/nlp.safetensors"),
        dir.path("one.safetensors"),
    )
    .unwrap();
    std::fs::copy(dir.path("metrics/nlp.json"), dir.path("one.json")).unwrap();
    let poor = params.replace("    C: auto", "    C: 0.00001");
    assert_ne!(params, poor);
    dir.write("params.yaml", &poor);
    for verb in ["train", "evaluate"] {
        dir.ok(&[verb, "nlp"]);
    }
    git(&dir, &["add", "metrics", "plots", "params.yaml"]);
    git(&dir, &["commit", "-q", "-m", "two"]);
    dir
}

fn json(dir: &Workdir, args: &[&str]) -> Value {
    let text = dir.ok(&[&["compare", "--json"], args].concat());
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

fn metric<'a>(comparison: &'a Value, name: &str) -> &'a Value {
    let metrics = comparison["tasks"][0]["metrics"].as_array().unwrap();
    metrics
        .iter()
        .find(|metric| metric["metric"] == name)
        .unwrap()
}

#[test]
fn commits_are_compared_row_by_row() {
    let dir = two_commits();
    let compared = json(&dir, &["HEAD~1", "HEAD"]);
    let accuracy = metric(&compared, "accuracy");
    let (a, b) = (dir.json("one.json"), dir.json("metrics/nlp.json"));
    assert_eq!(
        (&accuracy["a"], &accuracy["b"]),
        (&a["accuracy"], &b["accuracy"])
    );
    assert_eq!(accuracy["evidence"]["by"], "paired_bootstrap");
    assert_eq!(compared["tasks"][0]["paired"], "120 rows");
    let loss = metric(&compared, "log_loss");
    assert_eq!(loss["evidence"]["by"], "intervals", "rows record no loss");
    let changed = compared["parameters"].as_array().unwrap();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(changed[0]["key"], "nlp.model.C");
    assert_eq!(
        (&changed[0]["a"], &changed[0]["b"]),
        (&"auto".into(), &0.00001.into())
    );

    let text = dir.ok(&["compare", "HEAD~1", "HEAD"]);
    assert!(
        text.contains("nlp (the same 120 rows on both sides)"),
        "{text}"
    );
    assert!(text.contains("nlp.model.C"), "{text}");
    assert!(text.contains("chance: 95 % within ["), "{text}");

    // The working tree is the second side unless another is named, from a folder below, too.
    assert_eq!(
        metric(&json(&dir, &["HEAD"]), "accuracy")["difference"],
        0.0
    );
    let mut below = dir.command(&["compare", "HEAD~1"]);
    let output = below.current_dir(dir.path("models")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("nlp.model.C"));

    // Digests of data are those of dvc.lock.
    let lock = |digest: &str| {
        format!(
            "schema: '2.0'\nstages:\n  prepare@nlp:\n    cmd: x\n    deps:\n    - path: mine.csv\n      md5: {digest}\n"
        )
    };
    dir.write("dvc.lock", lock("aa"));
    git(&dir, &["add", "-f", "dvc.lock"]);
    git(&dir, &["commit", "-q", "-m", "three"]);
    dir.write("dvc.lock", lock("bb"));
    let data = &json(&dir, &["HEAD"])["data"][0];
    assert_eq!(
        (&data["key"], &data["a"], &data["b"]),
        (&"mine.csv".into(), &"aa".into(), &"bb".into())
    );
}

#[test]
fn files_are_compared_by_what_they_say() {
    let dir = two_commits();
    let compared = json(&dir, &["one.json", "metrics/nlp.json"]);
    // No rows beside the first file: only intervals are known.
    assert_eq!(metric(&compared, "accuracy")["evidence"]["by"], "intervals");
    assert_eq!(compared["data"][0]["key"], "model file");

    let compared = json(&dir, &["one.safetensors", "models/nlp.safetensors"]);
    let accuracy = metric(&compared, "accuracy");
    assert_eq!(accuracy["a"], dir.json("one.json")["accuracy"]);
    assert_eq!(accuracy["evidence"]["by"], "paired_bootstrap");
    let keys: Vec<&str> = { compared["parameters"].as_array().unwrap().iter() }
        .filter_map(|changed| changed["key"].as_str())
        .collect();
    assert!(keys.contains(&"model.C"), "{keys:?}");

    // A model of another split may know the rows of this one: no metrics, and why.
    dir.ok(&["prepare", "nlp", "-S", "nlp.split.test=0.5"]);
    let text = dir.ok(&[
        "compare",
        "one.safetensors",
        "models/nlp.safetensors",
        "-S",
        "nlp.split.test=0.5",
    ]);
    assert!(text.contains("no metrics are compared"), "{text}");
    assert!(text.contains("another split"), "{text}");
}

#[test]
fn series_and_users_are_paired() {
    let dir = Workdir::project();
    let small = [
        "-S",
        "recsys.sample.users=120",
        "-S",
        "ts.sample.series=6",
        "-S",
        "ts.model.kind=drift",
        "-S",
        "recsys.model.kind=popular",
    ];
    for verb in ["sample", "prepare", "train", "evaluate"] {
        for task in ["ts", "recsys"] {
            dir.ok(&[&[verb, task][..], &small].concat());
        }
    }
    git(&dir, &["init", "-q"]);
    git(&dir, &["add", "-A"]);
    git(&dir, &["commit", "-q", "-m", "one"]);
    let compared = json(&dir, &["HEAD"]);
    for (task, name, units) in [(0, "recall_at_20", "users"), (1, "mase", "series")] {
        let task = &compared["tasks"][task];
        assert!(task["paired"].as_str().unwrap().ends_with(units), "{task}");
        let metric = { task["metrics"].as_array().unwrap().iter() }
            .find(|metric| metric["metric"] == name)
            .unwrap();
        assert_eq!(metric["evidence"]["low"], 0.0, "{metric}");
        assert_eq!(metric["evidence"]["more_than_chance"], false);
    }
}

#[test]
fn what_cannot_be_compared_is_refused_with_the_next_step() {
    let dir = Workdir::trained();
    let error = dir.fails(2, &["compare", "HEAD"]);
    assert!(error.contains("not in a git repository"), "{error}");
    git(&dir, &["init", "-q"]);
    dir.write("metrics/nlp.json", r#"{"accuracy": 0.5}"#);
    dir.write("metrics/ts.json", r#"{"mase": 0.5}"#);
    dir.write("else.json", r#"{"other": 0.5}"#);
    dir.write("list.json", "[1]");
    dir.write("broken.json", "{");
    dir.write("fake.safetensors", "no model");
    for (code, args, expected) in [
        (2, ["nosuch", "HEAD"], "`git log --oneline`"),
        (
            2,
            ["metrics/nlp.json", "metrics/ts.json"],
            "two files of one task",
        ),
        (2, ["metrics/nlp.json", "else.json"], "no metric in common"),
        (
            2,
            ["metrics/nlp.json", "models/nlp.safetensors"],
            "two of the same kind",
        ),
        (
            2,
            ["metrics/nlp.json", "params.yaml"],
            "neither a metrics file",
        ),
        (2, [".", "models"], "it has no params.yaml"),
        (4, ["metrics/nlp.json", "list.json"], "not a metrics file"),
        (4, ["metrics/nlp.json", "broken.json"], "not JSON"),
        (
            1,
            ["fake.safetensors", "models/nlp.safetensors"],
            "fake.safetensors",
        ),
    ] {
        let error = dir.fails(code, &["compare", args[0], args[1]]);
        assert!(error.contains(expected), "{args:?}: {error}");
    }
    // A commit without metrics is said to have none.
    git(&dir, &["add", "params.yaml"]);
    git(&dir, &["commit", "-q", "-m", "one"]);
    let text = dir.ok(&["compare", "HEAD"]);
    assert!(text.contains("HEAD has no metrics/nlp.json; "), "{text}");
}
