//! `easylife predict nlp`: formats, streams, order, rejects, resume, lock.

mod support;
use support::Workdir;

fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader
        .records()
        .map(|r| r.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

fn input(rows: usize) -> String {
    let mut text = String::from("id,text,note\n");
    for i in 0..rows {
        let note = ["\"a, \"\"b\"\"\"", "plain"][i % 2];
        let word = ["great", "terrible", "never dull", "not good"][i % 4];
        text += &format!("{i},the film was {word} number {i},{note}\n");
    }
    text
}

#[test]
fn order_and_columns_are_kept() {
    let dir = Workdir::trained();
    dir.write("in.csv", input(10_000));
    dir.ok(&["predict", "nlp", "-i", "in.csv", "-o", "deep/er/out.csv"]);
    let text = dir.read("deep/er/out.csv");
    assert!(text.starts_with("id,text,note,prediction,probability\n"));
    let rows = rows(&text);
    assert_eq!(rows.len(), 10_000);
    for (i, row) in rows.iter().enumerate() {
        assert_eq!(row[0], i.to_string());
        assert_eq!(row[2], ["a, \"b\"", "plain"][i % 2]);
        let probability: f64 = row[4].parse().unwrap();
        assert!((0.5..=1.0).contains(&probability), "{row:?}");
    }
    assert_eq!(
        dir.names("deep/er"),
        ["out.csv"],
        "nothing is left beside the output"
    );
}

#[test]
fn all_formats_in_and_out_agree() {
    let dir = Workdir::trained();
    dir.write("in.csv", input(500));
    dir.ok(&["predict", "nlp", "-i", "in.csv", "-o", "expected.csv"]);
    let expected = dir.read("expected.csv");
    let formats = [
        "csv",
        "tsv",
        "jsonl",
        "parquet",
        "csv.gz",
        "tsv.zst",
        "jsonl.gz",
        "jsonl.zst",
    ];
    for format in formats {
        // There and back: the columns that predict added are renamed so that it can add them again.
        let there = format!("there.{format}");
        dir.ok(&["predict", "nlp", "-i", "in.csv", "-o", &there]);
        let message = dir.fails(4, &["predict", "nlp", "-i", &there, "-o", "again.csv"]);
        assert!(
            message.contains("already has a column `prediction`"),
            "{format}: {message}"
        );
        let prepared = format!("nlp.data.source={there}");
        dir.ok(&[
            "prepare",
            "nlp",
            "-S",
            &prepared,
            "-S",
            "nlp.data.label=note",
            "-S",
            "nlp.split.test=0",
        ]);
        assert_eq!(
            dir.read("data/processed/nlp/train.csv"),
            expected,
            "{format}"
        );
    }
}

#[test]
fn json_lines_keep_their_types() {
    let dir = Workdir::trained();
    let line = r#"{"n":1.0,"big":12345678901234567890,"flag":true,"none":null,"deep":{"a":[1, 2]},"text":"a good film"}"#;
    let ran = dir.pipe(
        &["predict", "nlp", "-i", "-", "-o", "-", "--format", "jsonl"],
        line,
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stdout.starts_with(line.trim_end_matches('}')),
        "{}",
        ran.stdout
    );
    let answer: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer["prediction"], "positive");
    assert!(answer["probability"].is_f64());
}

#[test]
fn stdin_to_stdout_says_nothing_else() {
    let dir = Workdir::trained();
    let ran = dir.pipe(&["predict", "nlp", "-o", "-"], "text\nan awful film\n");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(
        ran.stdout
            .starts_with("text,prediction,probability\nan awful film,negative,0.")
    );
}

#[test]
fn parquet_through_stdin_and_stdout() {
    let dir = Workdir::trained();
    dir.write("in.csv", input(300));
    let binary = env!("CARGO_BIN_EXE_easylife");
    let script = format!(
        "'{binary}' predict nlp -i - -o - --format parquet < <('{binary}' predict nlp -i in.csv -o mid.parquet -q >/dev/null; cat /dev/null)"
    );
    // An empty stream is no Parquet: an error, not an empty success.
    let output = dir.command(&[]).get_current_dir().map(|f| {
        std::process::Command::new("bash")
            .args(["-c", &script])
            .current_dir(f)
            .output()
            .unwrap()
    });
    assert_eq!(output.unwrap().status.code(), Some(4));
    assert!(dir.exists("mid.parquet"));
}

#[test]
fn all_classes_add_a_column_each() {
    let dir = Workdir::trained();
    let ran = dir.pipe(
        &["predict", "nlp", "-o", "-", "--all-classes"],
        "text\na great film\n",
    );
    let rows = rows(&ran.stdout);
    assert!(
        ran.stdout
            .starts_with("text,prediction,probability,negative,positive\n")
    );
    let (negative, positive): (f64, f64) =
        (rows[0][3].parse().unwrap(), rows[0][4].parse().unwrap());
    assert!((negative + positive - 1.0).abs() < 1e-12);
}

#[test]
fn a_text_without_a_known_word_gets_the_prior() {
    let dir = Workdir::project();
    dir.write(
        "in.csv",
        "text,label\ngood thing,pos\nfine thing,pos\nnice one,pos\nbad thing,neg\n",
    );
    let sets = ["-S", "nlp.data.source=in.csv", "-S", "nlp.split.test=0"];
    for verb in ["prepare", "train"] {
        dir.ok(&[&[verb, "nlp"][..], &sets].concat());
    }
    for text in ["zzz qqq", "\"\"", "!?"] {
        let ran = dir.pipe(
            &["predict", "nlp", "-o", "-"],
            format!("text,k\n{text},1\n"),
        );
        let rows = rows(&ran.stdout);
        assert_eq!(rows[0][2..], ["pos", "0.75"], "{text}: {ran:?}");
    }
    assert!(dir.ok(&["explain", "nlp", "zzz"]).contains("no known word"));
}

#[test]
fn bad_rows_fail_and_leave_nothing() {
    let dir = Workdir::trained();
    dir.write("out.csv", "earlier\n");
    dir.write("in.csv", "id,text\n1,fine\n2\n");
    let message = dir.fails(4, &["predict", "nlp", "-i", "in.csv", "-o", "out.csv"]);
    assert!(message.contains("in.csv:3"), "{message}");
    assert_eq!(dir.read("out.csv"), "earlier\n");
    let left: Vec<String> = dir
        .names(".")
        .into_iter()
        .filter(|n| n.contains("out.csv"))
        .collect();
    assert_eq!(left, ["out.csv"]);
}

#[test]
fn skipped_rows_are_listed_in_order() {
    let dir = Workdir::trained();
    let mut text = String::new();
    for i in 0..5000 {
        text += &match i % 1000 {
            7 => "{\"id\": 1\n".to_owned(),
            8 => "{\"id\": 2}\n".to_owned(),
            _ => format!("{{\"id\": {i}, \"text\": \"fine {i}\"}}\n"),
        };
    }
    dir.write("in.jsonl", text);
    let ran = dir.run(&[
        "predict",
        "nlp",
        "-i",
        "in.jsonl",
        "-o",
        "out.jsonl",
        "--on-error",
        "skip",
    ]);
    assert_eq!(ran.code, 7, "{ran:?}");
    assert_eq!(dir.read("out.jsonl").lines().count(), 4990);
    let rejects = rows(&dir.read("out.jsonl.rejects.csv"));
    let lines: Vec<&str> = rejects.iter().map(|r| r[0].as_str()).collect();
    assert_eq!(lines[..4], ["8", "9", "1008", "1009"]);
    assert!(rejects[1][2].contains("missing"), "{rejects:?}");
    // A clean run afterwards takes the list away again.
    dir.write("in.jsonl", "{\"text\": \"fine\"}\n");
    dir.ok(&[
        "predict",
        "nlp",
        "-i",
        "in.jsonl",
        "-o",
        "out.jsonl",
        "--on-error",
        "skip",
    ]);
    assert!(!dir.exists("out.jsonl.rejects.csv"));
}

#[test]
fn a_model_file_works_without_a_project() {
    let dir = Workdir::trained();
    let elsewhere = Workdir::empty();
    let model = dir.path("models/nlp.safetensors").display().to_string();
    let ran = elsewhere.pipe(
        &["predict", "nlp", "-o", "-", "-m", &model],
        "text\ngreat\n",
    );
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn wrong_use_is_refused_before_any_work() {
    let dir = Workdir::trained();
    dir.write("in.csv", "text\nfine\n");
    let cases: [(&[&str], &str); 4] = [
        (&["-i", "in.csv", "-o", "in.csv"], "both input and output"),
        (
            &["-i", "in.csv", "-o", "out.docx"],
            "unknown file name extension",
        ),
        (
            &["-i", "in.csv", "-o", "-", "--resume"],
            "--resume needs an output file",
        ),
        (&["-i", "in.csv", "-o", "/dev/null"], "not a file"),
    ];
    for (args, says) in cases {
        let args: Vec<&str> = ["predict", "nlp"].iter().chain(args).copied().collect();
        let message = dir.fails(2, &args);
        assert!(message.contains(says), "{message}");
    }
    assert_eq!(dir.read("in.csv"), "text\nfine\n");
}

#[test]
fn a_missing_text_column_names_those_there_are() {
    let dir = Workdir::trained();
    dir.write("in.csv", "id,txt\n1,a\n");
    let message = dir.fails(4, &["predict", "nlp", "-i", "in.csv", "-o", "out.csv"]);
    assert!(
        message.contains("`text`") && message.contains("txt"),
        "{message}"
    );
}

#[test]
fn explanations_sum_to_the_margin() {
    let dir = Workdir::trained();
    let json = dir.ok(&[
        "explain",
        "nlp",
        "The food was great but the waiter was rude",
        "--json",
    ]);
    let why: serde_json::Value = serde_json::from_str(&json).unwrap();
    let contributions: f64 = why["terms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|term| term["contribution"].as_f64().unwrap())
        .sum();
    let others = why["others"]["contribution"].as_f64().unwrap();
    let sum = contributions + others + why["bias"].as_f64().unwrap();
    let margin = why["margin"].as_f64().unwrap();
    assert!((sum - margin).abs() < 1e-9 * (1.0 + margin.abs()), "{why}");
    let lines = dir.pipe(&["explain", "nlp"], "one\ntwo\n").stdout;
    assert_eq!(
        lines.matches("margin").count() + lines.matches("no known word").count(),
        2
    );
}

#[test]
fn a_second_run_waits_where_it_is_told_to() {
    use std::io::Write;
    let dir = Workdir::trained();
    let args = ["predict", "nlp", "-o", "out.csv"];
    let mut first = dir
        .command(&args)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !dir.exists(".out.csv.lock") {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    dir.write("in.csv", "text\nsecond\n");
    let mut second = dir
        .command(&["predict", "nlp", "-i", "in.csv", "-o", "out.csv", "--wait"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(second.try_wait().unwrap().is_none(), "it did not wait");
    first
        .stdin
        .take()
        .unwrap()
        .write_all(b"text\nfirst\n")
        .unwrap();
    assert!(first.wait().unwrap().success());
    assert!(second.wait().unwrap().success());
    assert!(
        dir.read("out.csv").contains("second"),
        "the second ended last"
    );
    assert!(!dir.exists(".out.csv.lock"));
}

#[test]
fn quiet_says_nothing_where_all_is_well() {
    let dir = Workdir::trained();
    dir.write("in.csv", "text\nfine\n");
    let ran = dir.run(&["predict", "nlp", "-i", "in.csv", "-o", "out.csv", "-q"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
        (0, "", "")
    );
}

#[test]
fn a_missing_model_or_project_is_said_once() {
    // The system's words came twice: in the message and as its cause.
    let dir = Workdir::trained();
    for args in [
        &["inspect", "none.safetensors"][..],
        &[
            "predict",
            "nlp",
            "-i",
            "x.csv",
            "-o",
            "y.csv",
            "-m",
            "none.safetensors",
        ],
    ] {
        let message = dir.fails(1, args);
        assert_eq!(message.matches("No such file").count(), 1, "{message}");
    }
    let message = dir.fails(2, &["train", "nlp", "--project", "nowhere"]);
    assert_eq!(message.matches("No such file").count(), 1, "{message}");
    assert!(message.contains("easylife init"), "{message}");
}
