//! Each exit code, as documented in docs/exit-codes.md. (6, not reproducible, is `verify`'s.)

mod support;
use support::{Workdir, easy_texts};

#[test]
fn done_is_0() {
    Workdir::empty().ok(&["--version"]);
}

#[test]
fn failed_is_1() {
    let dir = Workdir::project();
    let message = dir.fails(1, &["train", "nlp"]);
    assert_eq!(
        message,
        "error: data/processed/nlp/train.csv does not exist; create it with `easylife prepare nlp`"
    );
    let message = dir.fails(1, &["prepare", "nlp"]);
    assert!(message.contains("data/raw/nlp/reviews.csv"), "{message}");
}

#[test]
fn usage_is_2() {
    let dir = Workdir::empty();
    assert_eq!(dir.run(&["frobnicate"]).code, 2);
    assert_eq!(dir.run(&["train", "vision"]).code, 2);
    let message = dir.fails(2, &["train", "nlp"]);
    assert!(message.contains("easylife init"), "{message}");
}

#[test]
fn parameters_are_2() {
    let dir = Workdir::project();
    let message = dir.fails(2, &["train", "nlp", "-S", "nlp.model.c=1"]);
    assert!(message.contains("did you mean `C`?"), "{message}");
    let message = dir.fails(2, &["train", "nlp", "-S", "nlp.model.C=-1"]);
    assert!(
        message.contains("-S nlp.model.C=-1: nlp.model.C: -1 is not a number above 0"),
        "{message}"
    );
    dir.write("params.yaml", "easylife: \"0.1\"\nnlp:\n  modle: {}\n");
    let message = dir.fails(2, &["train", "nlp"]);
    assert!(
        message.contains("params.yaml:3:3: unknown key `modle`"),
        "{message}"
    );
    assert!(message.contains("did you mean `model`?"), "{message}");
}

#[test]
fn a_gate_not_met_is_3() {
    let dir = Workdir::trained();
    dir.ok(&["evaluate", "nlp"]);
    dir.ok(&["gate", "nlp", "-S", "nlp.gate={accuracy: {min: 0.5}}"]);
    let ran = dir.run(&["gate", "nlp", "-S", "nlp.gate={accuracy: {min: 1.0}}"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stdout.contains("NOT MET accuracy = 0."), "{ran:?}");
}

#[test]
fn bad_data_are_4() {
    let dir = Workdir::with_source("bad.csv", "text,label\na,x\nb\n");
    let message = dir.fails(4, &["prepare", "nlp"]);
    assert!(message.contains("bad.csv:3"), "{message}");
}

#[test]
fn a_held_lock_is_5() {
    let dir = Workdir::trained();
    let args = ["predict", "nlp", "-i", "-", "-o", "out.csv"];
    let mut holder = dir
        .command(&args)
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let started = std::time::Instant::now();
    while !dir.exists(".out.csv.lock") {
        assert!(started.elapsed().as_secs() < 20, "the lock never appeared");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let second = dir.pipe(&args, "text\nfine\n");
    assert_eq!(second.code, 5, "{second:?}");
    assert!(second.stderr.contains("--wait"), "{second:?}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(dir.pipe(&args, "text\nfine\n").code, 0);
}

#[test]
fn skipped_rows_are_7() {
    let dir = Workdir::trained();
    dir.write("in.csv", "id,text\n1,good\n2\n3,bad\n");
    let ran = dir.run(&[
        "predict",
        "nlp",
        "-i",
        "in.csv",
        "-o",
        "out.csv",
        "--on-error",
        "skip",
    ]);
    assert_eq!(ran.code, 7, "{ran:?}");
    assert_eq!(dir.read("out.csv").lines().count(), 3);
    let rejects = dir.read("out.csv.rejects.csv");
    assert_eq!(rejects.lines().count(), 2, "{rejects}");
    assert!(
        rejects.lines().nth(1).unwrap().starts_with("3,"),
        "{rejects}"
    );
}

#[test]
fn errors_are_json_on_stderr_with_json() {
    let dir = Workdir::empty();
    let ran = dir.run(&["train", "nlp", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(error["exit"], 2);
    assert!(error["error"].as_str().unwrap().contains("params.yaml"));
}

#[test]
fn one_class_is_bad_data() {
    let dir = Workdir::with_source("one.csv", "text,label\na,x\nb,x\n");
    let message = dir.fails(4, &["prepare", "nlp"]);
    assert!(message.contains("at least two classes"), "{message}");
    let dir = Workdir::with_source("two.csv", easy_texts(20));
    dir.ok(&["prepare", "nlp"]);
}
