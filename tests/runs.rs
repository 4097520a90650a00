//! `easylife runs`: what `train` and `evaluate` record of themselves, and that it changes nothing else.

mod support;

use std::process::Command;

use serde_json::Value;
use support::Workdir;

/// A project that was trained and evaluated.
fn evaluated() -> Workdir {
    let dir = Workdir::trained();
    dir.ok(&["evaluate", "nlp"]);
    dir
}

fn runs(dir: &Workdir, args: &[&str]) -> Vec<Value> {
    let listed: Value =
        serde_json::from_str(&dir.ok(&[&["runs", "--json"], args].concat())).unwrap();
    listed["runs"].as_array().unwrap().clone()
}

/// The records of a project, as files.
fn records(dir: &Workdir) -> Vec<String> {
    let files = dir.tree(".easylife").into_iter();
    let names = files.map(|(name, _)| name);
    names.filter(|name| name.contains("/runs/")).collect()
}

#[test]
fn training_and_evaluation_are_recorded_with_what_went_in_and_came_out() {
    let dir = evaluated();
    let runs = runs(&dir, &[]);
    let [evaluated, trained] = &runs[..] else {
        panic!("{runs:?}");
    };
    assert_eq!(
        (&trained["verb"], &evaluated["verb"]),
        (&"train".into(), &"evaluate".into())
    );
    let model = files::digest::file(&dir.path("models/nlp.safetensors")).unwrap();
    let part = files::digest::file(&dir.path("data/processed/nlp/train.csv")).unwrap();
    for run in [trained, evaluated] {
        assert_eq!(run["task"], "nlp");
        assert_eq!(run["digests"]["model"]["sha256"], model.as_str());
        assert_eq!(run["outcome"], "finished");
        assert_eq!(run["version"], env!("CARGO_PKG_VERSION"));
        assert!(run["seconds"].as_f64().unwrap() > 0.0);
        assert!(run["peak_memory"].as_u64().unwrap() > 1 << 20);
    }
    assert_eq!(trained["digests"]["data"][0]["sha256"], part.as_str());
    let params = files::digest::file(&dir.path("params.yaml")).unwrap();
    assert_eq!(trained["digests"]["params"], params.as_str());
    let metrics = dir.json("metrics/nlp.json");
    let accuracy = evaluated["metrics"].as_array().unwrap().iter();
    let accuracy = accuracy
        .clone()
        .find(|metric| metric["name"] == "accuracy")
        .unwrap();
    assert_eq!(accuracy["value"], metrics["accuracy"]);
    assert_eq!(accuracy["low"], metrics["intervals"]["accuracy"]["low"]);
    // As text: a line each, the newest first, and everything of one.
    let table = dir.ok(&["runs"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("run ") && lines.len() == 3, "{table}");
    assert!(lines[1].contains("evaluate  nlp   accuracy "), "{table}");
    let shown = dir.ok(&["runs", "show", "latest"]);
    assert!(
        shown.contains(&model) && shown.contains("nlp.split.test"),
        "{shown}"
    );
    assert!(shown.contains("trained by"), "{shown}");
    let id = trained["id"].as_str().unwrap();
    assert!(
        dir.ok(&["runs", "show", &id[..14]])
            .contains("evaluated by")
    );
    assert!(dir.ok(&["runs", "check"]).contains("2 runs, all whole"));
}

#[test]
fn parameters_of_the_call_are_recorded_and_runs_compared_and_exported() {
    let dir = evaluated();
    let set = ["-S", "nlp.model.calibrate=false"];
    dir.ok(&[&["train", "nlp"], &set[..]].concat());
    dir.ok(&[&["evaluate", "nlp"], &set[..]].concat());
    let ids: Vec<String> = { runs(&dir, &["--verb", "evaluate"]).into_iter() }
        .map(|run| run["id"].as_str().unwrap().to_owned())
        .collect();
    let compared = dir.ok(&["runs", "compare", &ids[1]]);
    assert!(compared.contains("nlp.model.calibrate"), "{compared}");
    assert!(compared.contains("accuracy"), "{compared}");
    assert!(compared.contains("models/nlp.safetensors"), "{compared}");
    let found = runs(&dir, &["--where", "nlp.model.calibrate=false"]);
    assert_eq!(found.len(), 2);
    assert!(runs(&dir, &["--where", "accuracy>1"]).is_empty());
    let sorted = dir.ok(&[
        "runs",
        "--sort",
        "log_loss",
        "--columns",
        "log_loss,seconds",
    ]);
    assert!(
        sorted.lines().next().unwrap().contains("log_loss"),
        "{sorted}"
    );
    assert_eq!(sorted.lines().count(), 4, "{sorted}");

    let csv = dir.ok(&["runs", "export"]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let columns: Vec<String> = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    for name in [
        "id",
        "metric.accuracy",
        "metric.accuracy.low",
        "param.nlp.model.calibrate",
    ] {
        assert!(
            columns.iter().any(|column| column == name),
            "{name}: {columns:?}"
        );
    }
    assert_eq!(reader.records().count(), 4);
    dir.ok(&["runs", "export", "-o", "runs.csv"]);
    assert_eq!(dir.read("runs.csv"), csv);
}

#[test]
fn records_change_no_output_and_git_and_verify_do_not_see_them() {
    let dir = Workdir::project();
    let git = |args: &[&str]| {
        let user = ["-c", "user.name=a", "-c", "user.email=a@b.c"];
        let output = Command::new("git")
            .current_dir(dir.path(""))
            .args(user)
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "one"]);
    dir.ok(&["repro", "train@nlp", "-q"]);
    let recorded = records(&dir);
    assert_eq!(recorded.len(), 1, "{recorded:?}");
    let run = &runs(&dir, &[])[0];
    assert_eq!(run["git"]["commit"], git(&["rev-parse", "HEAD"]).trim());
    assert_eq!(run["git"]["clean"], true);
    assert_eq!(run["git"]["branch"], "main");
    assert!(!git(&["status", "--porcelain"]).contains(".easylife"));
    dir.ok(&["verify", "train@nlp", "-q"]);
    assert_eq!(records(&dir), recorded);
    // The same call without a record gives the same bytes.
    let with = dir.bytes("models/nlp.safetensors");
    dir.write("params.yaml", dir.read("params.yaml") + "\n");
    dir.ok(&["train", "nlp", "--runs-keep", "0"]);
    assert_eq!(dir.bytes("models/nlp.safetensors"), with);
    assert_eq!(records(&dir), recorded);
    dir.ok(&["train", "nlp"]);
    assert_eq!(runs(&dir, &[])[0]["git"]["clean"], false);
}

#[test]
fn how_many_are_kept_is_said_by_file_variable_or_flag() {
    let dir = Workdir::trained();
    assert_eq!(records(&dir).len(), 1);
    dir.write(
        "easylife.toml",
        "[serve]\nlisten = \"127.0.0.1:0\"\n\n[runs]\nkeep = 2\n",
    );
    for _ in 0..3 {
        dir.ok(&["train", "nlp"]);
    }
    assert_eq!(records(&dir).len(), 2);
    let mut command = dir.command(&["train", "nlp"]);
    assert!(
        command
            .env("EASYLIFE_RUNS_KEEP", "0")
            .output()
            .unwrap()
            .status
            .success()
    );
    dir.ok(&["train", "nlp", "--runs-keep", "3"]);
    assert_eq!(records(&dir).len(), 3);
    dir.write("easylife.toml", "[runs]\nkep = 0\n");
    let said = dir.fails(2, &["train", "nlp"]);
    assert!(
        said.contains("easylife.toml:2: runs.kep: unknown key; did you mean `keep`?"),
        "{said}"
    );
}

#[test]
fn a_run_that_fails_is_recorded_without_what_it_said() {
    let dir = Workdir::trained();
    dir.write(
        "data/processed/nlp/train.csv",
        "text,label,id\nsecret words,,x\n",
    );
    let ran = dir.run(&["train", "nlp"]);
    assert_ne!(ran.code, 0);
    let run = &runs(&dir, &["--where", "outcome=failed"])[0];
    assert!(run["outcome"]["failed"]["message"].is_string(), "{run}");
    for (name, bytes) in dir.tree(".easylife") {
        assert!(
            !String::from_utf8_lossy(&bytes).contains("secret"),
            "{name}"
        );
    }
    assert!(
        dir.ok(&["runs", "show", "latest"])
            .starts_with("train nlp, failed")
    );
}

#[test]
fn damaged_records_are_said_and_the_others_read() {
    let dir = evaluated();
    let path = dir.path(&records(&dir)[0]);
    let text = std::fs::read(&path).unwrap();
    std::fs::write(&path, &text[..text.len() / 2]).unwrap();
    let table = dir.ok(&["runs"]);
    assert!(
        table.contains("not read: ") && table.lines().count() == 3,
        "{table}"
    );
    let ran = dir.run(&["runs", "check"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.stdout.contains("problem: "), "{ran:?}");
    // A record that says something else than what was written.
    let edited = String::from_utf8(text.clone())
        .unwrap()
        .replace("\"nlp\"", "\"npl\"");
    std::fs::write(&path, edited).unwrap();
    assert_eq!(dir.run(&["runs", "check"]).code, 4);
    std::fs::write(&path, text).unwrap();
    dir.ok(&["runs", "check"]);
}

#[test]
fn a_run_that_cannot_be_recorded_warns_and_has_its_outputs() {
    let dir = Workdir::trained();
    std::fs::remove_dir_all(dir.path(".easylife")).unwrap();
    dir.write(".easylife", "in the way");
    let ran = dir.run(&["train", "nlp"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("is not recorded: "), "{ran:?}");
    assert!(dir.ok(&["runs"]).contains("no runs yet"));
    let said = dir.fails(2, &["runs", "show", "latest"]);
    assert!(said.contains("no runs yet"), "{said}");
}

#[test]
fn many_processes_record_at_once() {
    let dir = Workdir::trained();
    let children: Vec<_> = (0..8)
        .map(|_| dir.command(&["evaluate", "nlp", "-q"]).spawn().unwrap())
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(runs(&dir, &["--verb", "evaluate"]).len(), 8);
    assert!(dir.ok(&["runs", "check"]).contains("9 runs, all whole"));
}

#[test]
fn unknown_runs_and_conditions_say_what_to_do() {
    let dir = evaluated();
    let said = dir.fails(2, &["runs", "show", "zzz"]);
    assert!(said.contains("no run begins with `zzz`"), "{said}");
    let said = dir.fails(2, &["runs", "show", "0"]);
    assert!(said.contains("several runs begin with `0`"), "{said}");
    let ran = dir.run(&["runs", "--where", "accuracy"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("is not a condition"), "{ran:?}");
}
