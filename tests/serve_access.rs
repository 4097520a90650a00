//! Who may ask `easylife serve`: tokens, certificates, and what is refused at the start.
#![cfg(all(unix, feature = "serve"))]

#[path = "support/server.rs"]
mod server;
mod support;

use serde_json::json;
use server::{Response, Server};
use support::Workdir;

/// SHA-256 of the tokens `first` and `second`.
const FIRST: &str = "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e";
const SECOND: &str = "16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4";

/// Writes a file of tokens and moves it into place, as `mv` does.
fn place(dir: &Workdir, text: impl AsRef<[u8]>) {
    use std::os::unix::fs::PermissionsExt;
    let new = dir.write("new", text);
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(new, dir.path("tokens.toml")).unwrap();
}

fn tokens(sha: &str, scopes: &str) -> String {
    format!("[shop]\nscopes = [{scopes}]\nsha256 = \"{sha}\"\n")
}

fn ask(server: &Server, token: &str) -> Response {
    let authorization = format!("Bearer {token}");
    let headers = [
        ("content-type", "application/json"),
        ("authorization", &authorization),
    ];
    let body = json!({"text": "good"}).to_string();
    server.send("POST", "/predict", &headers, body.as_bytes())
}

#[test]
fn tokens_are_asked_for_and_change_without_a_restart() {
    let dir = Workdir::empty();
    place(&dir, tokens(FIRST, "\"predict\""));
    let args = [
        "cv",
        "--tokens",
        "tokens.toml",
        "--reload-interval",
        "20ms",
        "--access-log",
        "access.log",
    ];
    let mut server = Server::start(&dir, &args);
    // Probes and the description of the interface are open; all else says in its own form what is missing.
    assert_eq!(server.get("/health").status, 200);
    assert_eq!(server.get("/openapi.json").status, 200);
    let refused = server.ask("/predict", &json!({"text": "good"}));
    assert_eq!(
        (refused.status, refused.header("www-authenticate")),
        (401, Some("Bearer"))
    );
    assert_eq!(
        refused.json(),
        json!({"detail": "a bearer token is required"})
    );
    assert_eq!(server.get("/v2/models/cv").status, 401);
    // The scope of metrics is not the token's; the log says whose it was.
    let headers = [("authorization", "Bearer first")];
    assert_eq!(server.send("GET", "/metrics", &headers, b"").status, 403);
    // Past the door, there is no model of texts here.
    assert_eq!(ask(&server, "first").status, 404);
    place(&dir, tokens(SECOND, "\"predict\""));
    server.wait_for("rotation", |server| ask(server, "first").status == 401);
    assert_eq!(ask(&server, "second").status, 404);
    // A broken file changes nothing.
    place(&dir, "[shop\n");
    server.wait_for("warning", |server| {
        server.said().contains("goes on serving")
    });
    assert_eq!(ask(&server, "second").status, 404);
    server.wait_for("log", |_| {
        dir.read("access.log").contains("\"who\":\"shop\"")
    });
    assert!(!dir.read("access.log").contains("second") && !server.said().contains(SECOND));
}

#[test]
fn what_contradicts_itself_is_refused_at_the_start() {
    let dir = Workdir::empty();
    place(&dir, tokens(FIRST, "\"predict\""));
    let base = ["serve", "cv", "--check", "--tokens", "tokens.toml"];
    let open = [&base[..], &["--listen", "0.0.0.0:0"]].concat();
    let error = dir.fails(2, &open);
    assert!(error.contains("can be read on the way"), "{error}");
    dir.ok(&[&open[..], &["--allow-plain-tokens", "true"]].concat());
    dir.ok(&base);
    place(&dir, tokens(FIRST, "\"predcit\""));
    let error = dir.fails(2, &base);
    assert!(
        error.contains("did you mean `predict`?") && !error.contains(FIRST),
        "{error}"
    );
    let error = dir.fails(2, &["serve", "cv", "--check", "--tls-cert", "cert.pem"]);
    assert!(error.contains("tls-key is missing"), "{error}");
    dir.write("cert.pem", "nothing");
    dir.write("key.pem", "nothing");
    let tls = [
        "serve",
        "cv",
        "--check",
        "--tls-cert",
        "cert.pem",
        "--tls-key",
        "key.pem",
    ];
    let error = dir.fails(2, &tls);
    assert!(error.contains("TLS: "), "{error}");
}

#[test]
fn whoever_opens_a_door_is_told() {
    let dir = Workdir::empty();
    let server = Server::start(&dir, &["cv", "--listen", "0.0.0.0:0"]);
    assert!(
        server.said().contains("whoever reaches 0.0.0.0:"),
        "{}",
        server.said()
    );
    // Models are loaded and unloaded from this machine alone: this address is not loopback.
    assert_eq!(
        server
            .ask("/v2/repository/models/cv/unload", &json!({}))
            .status,
        404
    );
}
