//! Hostile and mistaken requests to `easylife serve` with the models of nlp, cv, recsys and ts: each gets its exact status and
//! error in the form of its own protocol, the next good requests are answered as before, and nothing of what was sent
//! is in a log. `crates/server/tests/hostile*.rs` have more of what is below the tasks, with toy models.
#![cfg(feature = "serve")]

mod hostile;
#[path = "support/server.rs"]
mod server;
mod support;

use std::net::SocketAddr;

use hostile::{
    BROKEN_FORM, BROKEN_HTTP, CSV, Case, FILE, FORM, JSON, exchange, get, multipart, photo, post,
};
use serde_json::{Value, json};
use server::Server;
use support::Workdir;

/// A project with small models of texts, series and users; that of photos is compiled in.
fn project() -> Workdir {
    let dir = Workdir::project();
    let sets = [
        "-S",
        "nlp.sample.rows=600",
        "-S",
        "ts.sample.series=3",
        "-S",
        "ts.sample.days=200",
        "-S",
        "recsys.sample.users=80",
        "-S",
        "recsys.sample.items=60",
    ];
    for task in ["nlp", "ts", "recsys"] {
        for verb in ["sample", "prepare", "train"] {
            dir.ok(&[&[verb, task][..], &sets].concat());
        }
    }
    dir
}

/// A good request of each task.
fn good() -> [Case; 4] {
    [
        post(
            "texts",
            "/predict",
            JSON,
            r#"{"text": "a good and lovely thing"}"#,
        ),
        get("series", "/forecast?horizon=3"),
        get("users", "/recommend?user_id=somebody&top_k=3"),
        post("photos", "/v1/cv", "image/png", photo()),
    ]
}

/// What the server answers to good requests; `after` says what came before.
fn answers(address: SocketAddr, after: &str) -> Vec<String> {
    let answer = |case: Case| {
        let name = &case.name;
        let responses = exchange(address, case.bytes(), false, 1)
            .unwrap_or_else(|reason| panic!("after {after}: {name}: {reason}"));
        assert_eq!(
            responses[0].status, 200,
            "after {after}: {name}: {responses:?}"
        );
        responses[0].text().to_owned()
    };
    good().into_iter().map(answer).collect()
}

#[test]
fn hostile_requests_are_refused_in_their_form_and_leave_no_trace() {
    let dir = project();
    let mut server = Server::start(
        &dir,
        &[
            "nlp",
            "cv",
            "ts",
            "recsys",
            "--access-log",
            "access.log",
            "--body-timeout",
            "3s",
        ],
    );
    let address = server.addresses[0];
    let before = answers(address, "the start");
    let mut complaints = Vec::new();
    for case in hostile::tables().flatten() {
        complaints.extend(case.complaint(address));
        if answers(address, &case.name) != before {
            complaints.push(format!("{}: changed the answers after it", case.name));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    server.wait_for("idle metrics", |server| {
        let metrics = server.get("/metrics");
        let idle = ["easylife_rows_in_flight 0", "easylife_bytes_in_flight 0"];
        let is_there = |line: &&str| metrics.text().lines().any(|found| found == *line);
        idle.iter().all(is_there)
    });
    assert_no_trace(&dir, &mut server);
}

/// Nothing of what was sent is in a log, and no log is broken by it.
fn assert_no_trace(dir: &Workdir, server: &mut Server) {
    let last = "the-last-request";
    server.send("GET", "/health", &[("x-request-id", last)], b"");
    server.wait_for("the end of the log", |_| {
        dir.exists("access.log") && dir.read("access.log").contains(last)
    });
    let (log, said) = (dir.read("access.log"), server.said());
    for line in log.lines().chain(said.lines()) {
        assert!(!line.contains("s3cr3t"), "{line}");
    }
    for line in log.lines() {
        let read = serde_json::from_str::<Value>(line);
        assert!(read.is_ok_and(|line| line.is_object()), "{line}");
    }
    assert!(!said.contains("panic"), "{said}");
}

/// Bytes behind a body that is longer than its length are the next request, and no good one.
#[test]
fn what_follows_a_short_length_is_refused() {
    let dir = Workdir::empty();
    let server = Server::start(&dir, &["cv"]);
    let body = multipart(&[(FILE, b"s3cr3t-payload")]);
    let short = body.len() - 20;
    let case = post("", "/predict_image", FORM, body).header(format!("Content-Length: {short}"));
    let responses = exchange(server.addresses[0], case.bytes(), false, 2).unwrap();
    let found: Vec<(u16, Value)> = responses
        .iter()
        .map(|response| (response.status, response.json()))
        .collect();
    let expected = [
        (400, json!({"detail": BROKEN_FORM})),
        (400, json!({"error": BROKEN_HTTP})),
    ];
    assert_eq!(found, expected);
}

/// Each route says in its own form who is not let in, and no log says with what.
#[cfg(unix)]
#[test]
fn tokens_that_are_not_valid_are_refused_in_the_form_of_the_route() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Workdir::empty();
    // SHA-256 of `first`.
    let tokens = dir.write(
        "tokens.toml",
        "[shop]\nscopes = [\"predict\"]\n\
         sha256 = \"a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e\"\n",
    );
    std::fs::set_permissions(tokens, std::fs::Permissions::from_mode(0o600)).unwrap();
    let args = [
        "cv",
        "--tokens",
        "tokens.toml",
        "--access-log",
        "access.log",
    ];
    let mut server = Server::start(&dir, &args);
    let invalid = "the token is not valid";
    let twice = "Authorization: Bearer first";
    let cases = [
        post("a text", "/predict", JSON, "{}").detail(401, invalid),
        get("a list", "/recommend?user_id=s3cr3t-payload").detail(401, invalid),
        post("a table", "/v1/s3cr3t-payload", CSV, "").error(401, invalid),
        post("tensors", "/v2/models/cv/infer", JSON, "{}").error(401, invalid),
        post("a load", "/v2/repository/models/cv/load", JSON, "{}").error(401, invalid),
        get("metrics", "/metrics").error(401, invalid),
        post("two tokens", "/v1/cv", CSV, "")
            .header(twice)
            .error(401, "a bearer token is required"),
    ];
    let complaints: Vec<String> = { cases.iter() }
        .filter_map(|case| case.complaint(server.addresses[0]))
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert_no_trace(&dir, &mut server);
}
