//! The request log of `easylife serve`, and `easylife replay`: which answers another model changes.
#![cfg(all(unix, feature = "serve"))]

#[path = "support/server.rs"]
mod server;
mod support;

use std::io::Write;

use serde_json::{Value, json};
use server::{Server, form};
use support::{Workdir, assert_same_for_any_threads};

const WITH_CONTENT: [&str; 4] = [
    "--request-log",
    "requests.log",
    "--request-log-content",
    "true",
];

/// A project whose server has answered requests of all tasks and dialects, and been ended.
fn recorded(log: &[&str]) -> Workdir {
    let dir = Workdir::trained();
    for task in ["ts", "recsys"] {
        for verb in ["sample", "prepare", "train"] {
            dir.ok(&[verb, task]);
        }
    }
    dir.ok(&[
        "sample",
        "cv",
        "-Scv.sample.scenes=4",
        "-Scv.sample.incoming=4",
    ]);
    let server = Server::start(&dir, log);
    for text in ["works great", "broke at once", "", "naïve café \"x\"\n"] {
        let request = json!({"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": [text]}]});
        assert_eq!(server.ask("/v2/models/nlp/infer", &request).status, 200);
    }
    let rows = "text\nworks great\nnot good at all\n";
    assert_eq!(
        server.post("/v1/nlp?all_classes", "text/csv", rows).status,
        200
    );
    assert_eq!(
        server
            .ask("/predict", &json!({"text": "works great"}))
            .status,
        200
    );
    assert_eq!(
        server
            .ask("/explain", &json!({"text": "works great"}))
            .status,
        200
    );
    assert_eq!(server.ask("/forecast", &json!({"horizon": 3})).status, 200);
    assert_eq!(
        server
            .ask("/recommendations", &json!({"user_id": "u0001"}))
            .status,
        200
    );
    let photo = dir.bytes(&first_photo(&dir));
    let (kind, body) = form(&[("file", "a.jpg", &photo)]);
    assert_eq!(server.post("/predict_image", kind, body).status, 200);
    // What is refused has no answer.
    assert_eq!(server.ask("/predict", &json!({"text": ""})).status, 422);
    server.signal("-TERM");
    assert_eq!(server.end(), Some(0));
    dir
}

fn first_photo(dir: &Workdir) -> String {
    let photos = dir.tree("data/raw/cv");
    let jpeg = photos
        .iter()
        .map(|(name, _)| name)
        .find(|name| name.ends_with(".jpg"));
    jpeg.expect("the sample has photos").clone()
}

fn replay(dir: &Workdir, args: &[&str]) -> Value {
    let said = dir.ok(&[&["replay", "--json"], args].concat());
    serde_json::from_str(&said).unwrap()
}

#[test]
fn the_model_that_answered_changes_nothing_and_another_one_does() {
    let dir = recorded(&WITH_CONTENT);
    for (task, requests, rows) in [("nlp", 7, 8), ("cv", 1, 1), ("ts", 1, 3), ("recsys", 1, 5)] {
        let found = replay(&dir, &["requests.log", "-m", task]);
        assert_eq!(found["requests"]["replayed"], requests, "{task}: {found}");
        assert_eq!(found["requests"]["changed"], 0, "{task}: {found}");
        assert_eq!(
            found["rows"],
            json!({"same": rows, "close": 0, "changed": 0}),
            "{task}"
        );
        assert_eq!(found["requests"]["of_other_models"], 10 - requests);
        assert_eq!(found["recorded"][0]["version"], found["model"]["version"]);
    }
    dir.write("models/nlp.safetensors", dir.another_model());
    let args = [
        "requests.log",
        "-m",
        "nlp",
        "--changes",
        "changes.jsonl",
        "-o",
        "page.html",
    ];
    let found = replay(&dir, &args);
    assert!(found["requests"]["changed"].as_u64() > Some(4), "{found}");
    let changes: Vec<Value> = dir
        .read("changes.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let rows = &found["rows"];
    assert_eq!(
        changes.len() as u64,
        rows["close"].as_u64().unwrap() + rows["changed"].as_u64().unwrap()
    );
    assert_eq!(changes[0]["line"], 1);
    assert_ne!(changes[0]["before"], changes[0]["after"]);
    let page = dir.read("page.html");
    assert!(page.contains("Replay of nlp") && page.contains("requests.log:1, row 1"));
    assert_same_for_any_threads("replay", |threads| {
        dir.ok(&[&["replay", "--threads", threads], &args[..]].concat());
        (dir.bytes("changes.jsonl"), dir.bytes("page.html"))
    });
}

#[test]
fn without_content_nothing_of_a_request_is_recorded() {
    let dir = recorded(&["--request-log", "requests.log"]);
    let log = dir.read("requests.log");
    assert_eq!(log.lines().count(), 10, "{log}");
    for word in ["works", "great", "caf", "u0001", "ngram\":\"", "text"] {
        assert!(!log.contains(word), "{word}: {log}");
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(dir.path("requests.log"))
            .unwrap()
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let said = dir.fails(1, &["replay", "requests.log", "-m", "nlp"]);
    assert!(
        said.contains("7 requests of nlp, all without what clients sent"),
        "{said}"
    );
    assert!(said.contains("--request-log-content true"), "{said}");
}

#[test]
fn a_share_of_none_records_nothing_and_full_files_are_moved_away() {
    let none = recorded(&[&WITH_CONTENT[..], &["--request-log-share", "0"]].concat());
    assert_eq!(none.read("requests.log"), "");
    let dir = Workdir::trained();
    let args = [
        &WITH_CONTENT[..],
        &[
            "nlp",
            "--request-log-size",
            "300",
            "--request-log-keep",
            "2",
        ],
    ]
    .concat();
    let mut server = Server::start(&dir, &args);
    server.wait_for("rotation", |server| {
        server.ask("/predict", &json!({"text": "works great"}));
        dir.exists("requests.log.2")
    });
    server.signal("-TERM");
    assert_eq!(server.end(), Some(0));
    assert!(!dir.exists("requests.log.3"));
    let found = replay(
        &dir,
        &[
            "requests.log.2",
            "requests.log.1",
            "requests.log",
            "-m",
            "nlp",
        ],
    );
    assert_eq!(found["requests"]["changed"], 0);
}

#[test]
fn logs_that_cannot_be_replayed_say_why() {
    let dir = recorded(&WITH_CONTENT);
    let log = dir.read("requests.log");
    // A server may be writing: the last line has no end.
    dir.write("torn.log", &log[..log.len() - 5]);
    let found = replay(&dir, &["torn.log", "-m", "nlp"]);
    assert_eq!(found["requests"]["torn"], 1);
    dir.write("broken.log", format!("{log}{{\"id\":1}}\n{log}"));
    let said = dir.fails(1, &["replay", "broken.log", "-m", "nlp"]);
    assert!(
        said.contains("broken.log:11: no line of a request log"),
        "{said}"
    );
    for (text, reason) in [
        ("", "the log has no requests"),
        ("{\"lost_lines\":3}\n", "no requests"),
    ] {
        dir.write("empty.log", text);
        let said = dir.fails(1, &["replay", "empty.log", "-m", "nlp"]);
        assert!(said.contains(reason), "{said}");
    }
    let of_texts: String = log
        .lines()
        .take(4)
        .map(|line| format!("{line}\n"))
        .collect();
    dir.write("texts.log", of_texts);
    let said = dir.fails(1, &["replay", "texts.log", "-m", "ts"]);
    assert!(said.contains("none of ts"), "{said}");
    let said = dir.fails(
        2,
        &["replay", "requests.log", "-m", "nlp", "-o", "page.pdf"],
    );
    assert!(said.contains("use .html or .json"), "{said}");
    dir.fails(1, &["replay", "absent.log", "-m", "nlp"]);
    // A failed replay leaves no half list of changes.
    dir.fails(
        1,
        &[
            "replay",
            "broken.log",
            "-m",
            "nlp",
            "--changes",
            "half.jsonl",
        ],
    );
    assert!(!dir.exists("half.jsonl"));
}

#[test]
fn packed_logs_and_stdin_are_read() {
    let dir = recorded(&WITH_CONTENT);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&dir.bytes("requests.log")).unwrap();
    dir.write("requests.log.1.gz", packed.finish().unwrap());
    let found = replay(&dir, &["requests.log.1.gz", "-m", "nlp"]);
    assert_eq!(found["rows"]["same"], 8);
    let piped = dir.pipe(
        &["replay", "-", "-m", "nlp", "--json"],
        dir.bytes("requests.log"),
    );
    let found: Value = serde_json::from_str(&piped.stdout).unwrap();
    assert_eq!(found["rows"]["same"], 8);
}
