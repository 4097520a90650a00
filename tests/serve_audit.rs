//! The audit log of `easylife serve`, and `easylife audit`, which finds what was done to it.
#![cfg(all(unix, feature = "serve"))]

#[path = "support/server.rs"]
mod server;
mod support;

use std::process::Command;

use serde_json::{Value, json};
use server::Server;
use support::Workdir;

const LOG: &str = "audit.log";
const SIGNED: [&str; 4] = ["--audit-log", LOG, "--audit-key", "private.pem"];

fn openssl(dir: &Workdir, args: &[&str]) {
    let done = Command::new("openssl")
        .args(args)
        .current_dir(dir.path(""))
        .output();
    let done = done.expect("openssl is installed");
    assert!(done.status.success(), "{done:?}");
}

/// A project with a pair of keys.
fn with_keys() -> Workdir {
    let dir = Workdir::trained();
    openssl(
        &dir,
        &["genpkey", "-algorithm", "ed25519", "-out", "private.pem"],
    );
    openssl(
        &dir,
        &[
            "pkey",
            "-in",
            "private.pem",
            "-pubout",
            "-out",
            "public.pem",
        ],
    );
    dir
}

fn ask(server: &Server, text: &str) {
    assert_eq!(server.ask("/predict", &json!({"text": text})).status, 200);
}

fn end(server: Server) {
    server.signal("-TERM");
    assert_eq!(server.end(), Some(0));
}

fn audit(dir: &Workdir, logs: &[&str]) -> Value {
    let said = dir.ok(&[&["audit", "--json", "--key", "public.pem"], logs].concat());
    serde_json::from_str(&said).unwrap()
}

#[test]
fn who_asked_what_is_recorded_and_the_chain_goes_on() {
    let dir = with_keys();
    let args = [&["nlp"][..], &SIGNED].concat();
    let server = Server::start(&dir, &args);
    for text in ["s3cr3t works great", "broke at once"] {
        ask(&server, text);
    }
    server.get("/v2/health/ready");
    server.ask("/v2/repository/models/nlp/load", &json!({}));
    end(server);
    let log = dir.read(LOG);
    let records: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let requests: Vec<&Value> = records
        .iter()
        .filter(|record| record["kind"] == "request")
        .collect();
    let routes: Vec<&str> = requests
        .iter()
        .map(|record| record["route"].as_str().unwrap())
        .collect();
    assert_eq!(
        routes,
        ["/predict", "/predict", "/v2/repository/models/{model}/load"]
    );
    assert_eq!(
        (&requests[0]["model"], &requests[0]["status"]),
        (&json!("nlp"), &json!(200))
    );
    assert_eq!(requests[0]["digest"].as_str().unwrap().len(), 64);
    assert!(!log.contains("s3cr3t"), "{log}");
    let found = audit(&dir, &[LOG]);
    assert_eq!(
        (&found["signed"], &found["crashes"]),
        (&json!("valid"), &json!(0)),
        "{found}"
    );
    // The next server goes on, moves to another file at SIGHUP, and is killed.
    let server = Server::start(&dir, &args);
    ask(&server, "works great");
    std::fs::rename(dir.path(LOG), dir.path("audit.log.1")).unwrap();
    server.signal("-HUP");
    let mut server = server;
    server.wait_for("another file", |_| dir.exists(LOG));
    ask(&server, "works great");
    server.signal("-KILL");
    drop(server);
    let found = audit(&dir, &["audit.log.1", LOG]);
    assert_eq!(found["problem"], Value::Null, "{found}");
    // The verifier of the documentation finds the same.
    let docs = include_str!("../docs/serving.md");
    let script = docs
        .split("```python\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    dir.write("verify.py", script);
    let python = |args: &[&str]| {
        Command::new("python3")
            .args(args)
            .current_dir(dir.path(""))
            .status()
            .unwrap()
    };
    assert!(python(&["verify.py", "audit.log.1", LOG]).success());
    assert!(!python(&["verify.py", LOG, "audit.log.1"]).success());
    // One that starts after a kill says so.
    end(Server::start(&dir, &args));
    assert_eq!(audit(&dir, &["audit.log.1", LOG])["crashes"], 1);
}

#[test]
fn what_was_done_to_a_log_is_found() {
    let dir = with_keys();
    let server = Server::start(&dir, &[&["nlp"][..], &SIGNED].concat());
    for _ in 0..5 {
        ask(&server, "works great");
    }
    end(server);
    let log = dir.read(LOG);
    let lines: Vec<&str> = log.lines().collect();
    let joined = |lines: &[&str]| {
        lines
            .iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    let edited = log.replacen("\"status\":200", "\"status\":403", 1);
    let cut = joined(&[&lines[..4], &lines[5..]].concat());
    let mut moved = lines.clone();
    moved.swap(3, 4);
    for (what, text) in [
        ("edited", edited),
        ("cut", cut),
        ("moved", joined(&moved)),
        ("tail", joined(&lines[..lines.len() - 2])),
        ("empty", String::new()),
    ] {
        dir.write(LOG, text);
        let said = dir.run(&["audit", LOG, "--key", "public.pem"]);
        assert_eq!(said.code, 4, "{what}: {said:?}");
        assert!(said.stdout.contains("audit.log"), "{what}: {said:?}");
        // Nobody goes on from there.
        let refused = dir.run(&[&["serve", "nlp", "--check"][..], &SIGNED].concat());
        assert!(what == "empty" || refused.code == 4, "{what}: {refused:?}");
    }
    dir.write(LOG, log);
    audit(&dir, &[LOG]);
    // Another key has signed nothing of it.
    openssl(
        &dir,
        &["genpkey", "-algorithm", "ed25519", "-out", "other.pem"],
    );
    openssl(
        &dir,
        &["pkey", "-in", "other.pem", "-pubout", "-out", "other.pub"],
    );
    assert_eq!(dir.run(&["audit", LOG, "--key", "other.pub"]).code, 4);
}

#[test]
fn keys_that_are_none_are_refused() {
    let dir = with_keys();
    let said = dir.fails(
        2,
        &["serve", "nlp", "--check", "--audit-key", "private.pem"],
    );
    assert!(said.contains("no `audit-log`"), "{said}");
    for (key, reason) in [
        ("params.yaml", "expected an Ed25519 key"),
        ("absent.pem", "absent.pem"),
    ] {
        let args = [
            "serve",
            "nlp",
            "--check",
            "--audit-log",
            LOG,
            "--audit-key",
            key,
        ];
        let said = dir.fails(2, &args);
        assert!(said.contains(reason), "{said}");
    }
}
