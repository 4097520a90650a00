//! Hostile and mistaken requests below the body: routes, methods, types, lengths, and what is not HTTP.

mod support;

use support::cases::{case, check, limits};
use support::{Client, INFER, Running, post, texts};

#[test]
fn routes_methods_and_types() {
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: t\r\n\r\n");
    let body = texts(&["a"]);
    let typed = |headers: &str| post(INFER, headers, body.as_bytes());
    let kind =
        "the content type is not supported; expected application/json or application/octet-stream";
    let coding = "the content encoding is not supported; expected gzip, deflate or identity";
    check(vec![
        case(get("/"), 404, "not found"),
        case(get("/v2/models/../../etc/passwd"), 404, "not found"),
        case(get("/v2/models/none"), 404, "unknown model `none`"),
        case(
            get("/v2/models/length/versions/7"),
            404,
            "model `length` has no version `7`",
        ),
        case(
            post("/v2/models/none/infer", "", body.as_bytes()),
            404,
            "unknown model `none`",
        ),
        case(
            post("/v2/models/length/versions/7/infer", "", body.as_bytes()),
            404,
            "model `length` has no version `7`",
        ),
        case(
            post("/v2/repository/models/none/load", "", b""),
            404,
            "unknown model `none`",
        ),
        case(
            post(
                "/v2/repository/models/length/load",
                "",
                br#"{"parameters":{"config":"{}"}}"#,
            ),
            400,
            "parameter `config` is not supported",
        ),
        case(
            post(
                "/v2/repository/models/length/load",
                "",
                br#"{"parameters":{"file:1/model.bin":"x"}}"#,
            ),
            400,
            "parameter `file:1/model.bin` is not supported",
        ),
        case(
            post("/v2/repository/index", "", &[b' '; 66_000]),
            413,
            "the body is larger than 20000 bytes",
        ),
        case(
            post("/v2/repository/index", "", b"[]"),
            400,
            "the body must be a JSON object",
        ),
        case(
            get(INFER),
            405,
            "method not allowed; this route accepts POST",
        ),
        case(
            post("/v2/health/live", "", b""),
            405,
            "method not allowed; this route accepts GET, HEAD",
        ),
        case(
            "BREW /v2 HTTP/1.1\r\nHost: t\r\n\r\n",
            405,
            "method not allowed; this route accepts GET, HEAD",
        ),
        case(typed("Content-Type: text/plain\r\n"), 415, kind),
        case(
            typed("Content-Type: application/x-www-form-urlencoded\r\n"),
            415,
            kind,
        ),
        case(
            typed("Content-Type: application/json\r\nContent-Encoding: br\r\n"),
            415,
            coding,
        ),
        case(
            typed("Content-Encoding: gzip\r\n"),
            400,
            "the compressed body is broken or cut short",
        ),
        case(
            typed("X-Request-Timeout-Ms: soon\r\n"),
            400,
            "the header x-request-timeout-ms must be a whole number",
        ),
        case(
            typed("X-Request-Timeout-Ms: 0\r\n"),
            504,
            "the deadline of the request has passed",
        ),
        case(
            post(INFER, "", &[b'a'; 20_001]),
            413,
            "the body is larger than 20000 bytes",
        ),
    ]);
}

#[test]
fn what_is_not_http_or_could_be_smuggled() {
    let invalid = "the request is not valid HTTP/1.1";
    let start = format!("POST {INFER} HTTP/1.1\r\nHost: t\r\n");
    let chunked = "Transfer-Encoding: chunked\r\n";
    let host = "the request must have one Host header";
    check(vec![
        case(
            format!("{start}Content-Length: 5\r\n{chunked}\r\n0\r\n\r\n"),
            400,
            invalid,
        ),
        case(
            format!("{start}{chunked}Content-Length: 5\r\n\r\n0\r\n\r\n"),
            400,
            invalid,
        ),
        case(
            format!("{start}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
            400,
            invalid,
        ),
        case(
            format!("{start}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
            400,
            invalid,
        ),
        case(
            format!("{start}Content-Length: 5, 5\r\n\r\nhello"),
            400,
            invalid,
        ),
        case(
            format!("{start}Content-Length: +5\r\n\r\nhello"),
            400,
            invalid,
        ),
        case(
            format!("{start}Content-Length: -5\r\n\r\nhello"),
            400,
            invalid,
        ),
        case(
            format!("{start}Content-Length : 5\r\n\r\nhello"),
            400,
            invalid,
        ),
        case(
            format!("{start}Transfer-Encoding: gzip\r\n\r\n"),
            400,
            invalid,
        ),
        case(
            format!("{start}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
            400,
            "the transfer encoding is not supported; expected chunked",
        ),
        case(
            format!("{start}{chunked}\r\nzz\r\n"),
            400,
            "the body is broken or ended before its announced length",
        ),
        case(
            format!("{start}{chunked}\r\nffffffffffffffffff\r\n"),
            400,
            "the body is broken or ended before its announced length",
        ),
        case(
            format!(
                "{start}{chunked}\r\n4e21\r\n{}\r\n0\r\n\r\n",
                "a".repeat(20_001)
            ),
            413,
            "the body is larger than 20000 bytes",
        ),
        case("nonsense\r\n\r\n", 400, invalid),
        case("GET /v2 HTTP/3.7\r\nHost: t\r\n\r\n", 400, invalid),
        case("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, invalid),
        case(
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
            400,
            invalid,
        ),
        case(
            "GET /v2 HTTP/1.1\r\nHost: t\r\nA\x01: b\r\n\r\n",
            400,
            invalid,
        ),
        case("GET /v2 HTTP/1.1\r\n\r\n", 400, host),
        case("GET /v2 HTTP/1.1\r\nHost: t\r\nHost: u\r\n\r\n", 400, host),
        case(
            format!(
                "GET /v2 HTTP/1.1\r\nHost: t\r\nX: {}\r\n\r\n",
                "a".repeat(17_000)
            ),
            431,
            "the head of the request is too large",
        ),
        case(
            format!(
                "GET /v2 HTTP/1.1\r\nHost: t\r\n{}\r\n",
                "a: b\r\n".repeat(150)
            ),
            431,
            "the head of the request is too large",
        ),
    ]);
}

#[test]
fn methods_that_are_not_allowed_name_those_that_are() {
    let server = Running::start(limits());
    assert_eq!(server.get(INFER).header("allow"), Some("POST"));
    let response = server.post("/v2/health/live", "");
    assert_eq!(response.header("allow"), Some("GET, HEAD"));
}

/// hyper drops the length beside the encoding, and the head is not read along: it came with the request
/// before it.
#[test]
fn a_pipelined_request_smuggles_nothing() {
    let server = Running::start(limits());
    let first = post(INFER, "", texts(&["a"]).as_bytes());
    let start = format!("POST {INFER} HTTP/1.1\r\nHost: t\r\n");
    for lengths in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
    ] {
        let mut client = server.client();
        let second = format!("{start}{lengths}\r\n0\r\n\r\n");
        client.send(&[&first, second.as_bytes()].concat());
        assert_eq!(client.response().unwrap().status, 200);
        let refused = client.response().unwrap();
        let error = r#"{"error":"a pipelined request must have a Content-Length"}"#;
        assert_eq!((refused.status, refused.text()), (400, error));
    }
    // One after the other is fine, on the same connection.
    let mut client = server.client();
    let body = texts(&["a"]);
    let chunked = format!(
        "{start}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    for _ in 0..3 {
        client.send(chunked.as_bytes());
        assert_eq!(client.response().unwrap().status, 200);
    }
}

/// A client that keeps sending what was refused still reads the refusal, not a reset.
#[test]
fn a_refusal_reaches_a_client_that_is_still_sending() {
    let server = Running::start(limits());
    for _ in 0..20 {
        let mut client = server.client();
        let length = 3_000_000;
        client.send(
            format!("POST {INFER} HTTP/1.1\r\nHost: t\r\nContent-Length: {length}\r\n\r\n")
                .as_bytes(),
        );
        client.send(&vec![b'a'; length]);
        assert_eq!(client.response().unwrap().status, 413);
    }
}

/// A small body that nobody wanted does not cost the connection.
#[test]
fn a_connection_survives_a_mistake() {
    let server = Running::start(limits());
    let mut client = server.client();
    for _ in 0..10 {
        assert_eq!(
            client.post("/v2/models/none/infer", &texts(&["a"])).status,
            404
        );
        assert_eq!(client.post(INFER, "{").status, 400);
        assert_eq!(client.post(INFER, &texts(&["a"])).status, 200);
    }
}

#[test]
fn bodies_cut_short_leave_the_server_alone() {
    let server = Running::start(limits());
    for request in [
        format!("POST {INFER} HTTP/1.1\r\nHost: t\r\nContent-Length: 500\r\n\r\n{{"),
        format!("POST {INFER} HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{{"),
        format!("POST {INFER} HTT"),
    ] {
        let mut client = Client::new(server.address);
        client.send(request.as_bytes());
        drop(client);
    }
    assert_eq!(server.post(INFER, &texts(&["a"])).status, 200);
}
