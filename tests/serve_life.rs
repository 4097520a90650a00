//! The life of `easylife serve`: settings, readiness, reload, drain, and what it writes to its log.
#![cfg(all(unix, feature = "serve"))]

#[path = "support/server.rs"]
mod server;
mod support;

use serde_json::{Value, json};
use server::{Server, request};
use support::Workdir;

/// The version of the model that answers.
fn version(server: &Server) -> String {
    let answer = server.ask(
        "/v2/models/nlp/infer",
        &json!({"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["good"]}]}),
    );
    answer.json()["model_version"].as_str().unwrap().to_owned()
}

#[test]
fn a_changed_file_is_loaded_and_a_broken_one_is_not() {
    let dir = Workdir::trained();
    let second = dir.another_model();
    let first = dir.bytes("models/nlp.safetensors");
    let mut server = Server::start(&dir, &["nlp", "--reload-interval", "20ms"]);
    let before = version(&server);
    // Moved into place, as `train` does it: a file written in pieces is loaded, too, once it is whole.
    let place = |name: &str, bytes: &[u8]| {
        dir.write(name, bytes);
        std::fs::rename(dir.path(name), dir.path("models/nlp.safetensors")).unwrap();
    };
    place("new", &second);
    server.wait_for("reload", |server| version(server) != before);
    let after = version(&server);
    place("broken", &first[..first.len() / 2]);
    server.wait_for("warning", |server| {
        server.said().contains("goes on serving")
    });
    assert_eq!(version(&server), after);
    assert_eq!(server.get("/v2/health/ready").status, 200);
    std::fs::remove_file(dir.path("models/nlp.safetensors")).unwrap();
    place("old", &first);
    server.wait_for("reload", |server| version(server) == before);
}

#[test]
fn sighup_and_load_reload_what_polling_does_not_look_at() {
    let dir = Workdir::trained();
    let second = dir.another_model();
    let first = dir.bytes("models/nlp.safetensors");
    let mut server = Server::start(&dir, &["nlp", "--reload-interval", "0"]);
    let before = version(&server);
    dir.write("models/nlp.safetensors", &second);
    server.signal("-HUP");
    server.wait_for("reload", |server| version(server) != before);
    dir.write("models/nlp.safetensors", &first);
    let loaded = server.ask("/v2/repository/models/nlp/load", &json!({}));
    assert_eq!(loaded.status, 200, "{loaded:?}");
    assert_eq!(version(&server), before);
    // A path in a request is no model.
    let path = json!({"parameters": {"config": "{}", "file:1/model": "x"}});
    assert_eq!(
        server.ask("/v2/repository/models/nlp/load", &path).status,
        400
    );
    assert_eq!(
        server
            .ask("/v2/repository/models/..%2F..%2Fx/load", &json!({}))
            .status,
        404
    );
}

#[test]
fn sigterm_drains_and_a_second_one_ends_at_once() {
    let dir = Workdir::trained();
    let mut server = Server::start(&dir, &["nlp", "--drain-delay", "1s"]);
    assert_eq!(
        server.get("/v2/health/ready").json(),
        json!({"ready": true})
    );
    server.signal("-TERM");
    server.wait_for("drain", |server| {
        server.get("/v2/health/ready").status == 503
    });
    // Load balancers need time to see it: meanwhile requests are answered.
    assert_eq!(server.get("/v2/health/live").status, 200);
    assert!(!version(&server).is_empty());
    assert_eq!(server.end(), Some(0));

    let server = Server::start(&dir, &["nlp", "--drain-delay", "1h"]);
    server.signal("-TERM");
    server.signal("-INT");
    assert_eq!(server.end(), Some(0));
}

#[test]
fn each_task_may_have_a_port_of_its_own() {
    let dir = Workdir::trained();
    let listen = ["--listen", "nlp=127.0.0.1:0", "--listen", "cv=127.0.0.1:0"];
    let server = Server::start(&dir, &listen);
    let [nlp, cv] = server.addresses[..] else {
        panic!("two listeners: {:?}", server.addresses);
    };
    let text = |address| {
        let body = json!({"text": "good"}).to_string();
        request(
            address,
            "POST",
            "/predict",
            &[("content-type", "application/json")],
            body.as_bytes(),
        )
    };
    assert_eq!(text(nlp).status, 200);
    // On the port of photos, `/predict` is about photos.
    let refused = text(cv);
    assert_eq!(
        (refused.status, &refused.json()["detail"][0]["loc"]),
        (422, &json!(["body", "file"]))
    );
    assert_eq!(request(nlp, "POST", "/v1/cv", &[], b"").status, 404);
    assert_eq!(
        request(cv, "GET", "/health", &[], b"").json(),
        json!({"status": "ok"})
    );
}

#[test]
fn the_access_log_says_who_and_when_but_not_what() {
    let dir = Workdir::trained();
    let mut server = Server::start(&dir, &["nlp", "--access-log", "access.log"]);
    let secret = "a-secret-text-that-nobody-may-log";
    server.ask("/predict", &json!({"text": secret}));
    server.ask("/v1/nlp", &json!([{"text": secret}, {"txet": secret}]));
    server.post(
        "/v1/nlp?all_classes=a-secret-text-that",
        "text/csv",
        format!("{secret}\n1\n"),
    );
    server.get(&format!("/{secret}"));
    let headers = [
        ("x-request-id", "ticket-7"),
        ("authorization", "Bearer a-secret-text-that"),
    ];
    server.send("GET", "/v2/models/a-secret-text-that", &headers, b"");
    server.wait_for("log", |_| {
        dir.exists("access.log") && dir.read("access.log").contains("ticket-7")
    });
    let log = dir.read("access.log");
    assert!(
        !log.contains("a-secret-text-that") && !server.said().contains("a-secret-text-that"),
        "{log}"
    );
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let predict = lines
        .iter()
        .find(|line| line["route"] == "/predict")
        .unwrap();
    assert_eq!(
        (&predict["status"], &predict["rows"]),
        (&json!(200), &json!(1))
    );
    assert_eq!(predict["model"], "nlp");
    assert!(
        lines
            .iter()
            .any(|line| line["route"] == "unknown" && line["status"] == 404)
    );
}

#[test]
fn check_validates_everything_and_exits() {
    let dir = Workdir::trained();
    dir.write(
        "easylife.toml",
        "[serve]\nmax-rows = 77\nlisten = [\"127.0.0.1:1\"]\n",
    );
    let shown = dir.ok(&["serve", "nlp", "--check", "--max-body", "1MiB"]);
    for expected in [
        "nlp",
        "max-rows             77",
        "easylife.toml:2",
        "1MiB",
        "flag",
        "default",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let json: Value = serde_json::from_str(&dir.ok(&["serve", "--check", "--json"])).unwrap();
    assert_eq!(json["settings"]["max-rows"]["value"], "77");
    let tasks: Vec<&str> = { json["models"].as_array().unwrap() }
        .iter()
        .map(|model| model["task"].as_str().unwrap())
        .collect();
    assert_eq!(
        tasks,
        ["nlp", "cv"],
        "what has a model: the trained one, and the built-in one"
    );

    dir.write("easylife.toml", "[serve]\nmax-rwos = 77\n");
    let error = dir.fails(2, &["serve", "nlp", "--check"]);
    assert!(
        error.contains("easylife.toml:2: serve.max-rwos: unknown key; did you mean `max-rows`?"),
        "{error}"
    );
    std::fs::remove_file(dir.path("easylife.toml")).unwrap();
    let error = dir.fails(2, &["serve", "nlp", "--check", "--max-body", "much"]);
    assert!(
        error.contains("--max-body: `much` is not a size"),
        "{error}"
    );
    let error = dir.fails(
        2,
        &["serve", "nlp", "--check", "--listen", "ts=127.0.0.1:0"],
    );
    assert!(error.contains("for a task that is not served"), "{error}");
    let error = dir.fails(1, &["serve", "ts", "--check"]);
    assert!(error.contains("ts.safetensors"), "{error}");
}

#[test]
fn without_a_project_models_are_named() {
    let dir = Workdir::trained();
    let elsewhere = Workdir::empty();
    let model = format!("nlp={}", dir.path("models/nlp.safetensors").display());
    let server = Server::start(&elsewhere, &["-m", &model]);
    assert!(!version(&server).is_empty());
    assert_eq!(server.get("/v2/models/cv").status, 404);
    let error = elsewhere.fails(2, &["serve"]);
    assert!(error.contains("-m TASK=MODEL"), "{error}");
    let error = elsewhere.fails(2, &["serve", "nlp"]);
    assert!(error.contains("no model"), "{error}");
    let error = elsewhere.fails(2, &["serve", "-m", "nlq=x"]);
    assert!(error.contains("nlq"), "{error}");
    let taken = server.addresses[0].to_string();
    let error = elsewhere.fails(1, &["serve", "-m", &model, "--listen", &taken]);
    assert!(
        error.contains(&format!("failed to listen on {taken}")),
        "{error}"
    );
    elsewhere.write("broken.safetensors", b"not a model");
    let error = elsewhere.fails(
        1,
        &[
            "serve",
            "-m",
            "nlp=broken.safetensors",
            "--listen",
            "127.0.0.1:0",
        ],
    );
    assert!(error.contains("broken.safetensors"), "{error}");
}

#[test]
fn the_interface_describes_itself() {
    let dir = Workdir::trained();
    let server = Server::start(&dir, &["nlp"]);
    let page = server.get("/docs");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(page.text().contains("openapi.json"));
    let spec = server.get("/openapi.json").json();
    assert!(spec["openapi"].as_str().unwrap().starts_with("3."));
    assert!(spec["paths"]["/predict"]["post"].is_object());
    assert_eq!(server.get("/openapi.yaml").status, 200);
}
