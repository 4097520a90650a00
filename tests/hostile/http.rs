//! What is wrong around a body: methods, content types, lengths, compression and heads, on routes of every form.

use serde_json::json;

use super::{
    BROKEN_HTTP, Case, DEADLINE, FORM, JSON, LARGE_BODY, bomb, case, csv, get, gzip, post,
};

const CUT_BODY: &str = "the body is broken or ended before its announced length";
const LARGE_UNPACKED: &str = "the unpacked body is larger than 67108864 bytes";
const BROKEN_GZIP: &str = "the compressed body is broken or cut short";
const CODINGS: &str = "the content encoding is not supported; expected gzip, deflate or identity";
const TYPES_OF_TABLES: &str = "the content type is not supported; expected text/csv, application/json or \
    application/x-ndjson, or for photos image/*, application/octet-stream or multipart/form-data";

/// Methods and content types that the other routes do not take.
pub fn methods_and_types() -> Vec<Case> {
    let mut cases = Vec::new();
    for (method, target, allow) in [
        ("GET", "/predict", "POST"),
        ("BREW", "/predict", "POST"),
        ("OPTIONS", "/explain", "POST"),
        ("DELETE", "/predict_image", "POST"),
        ("DELETE", "/forecast", "GET, HEAD, POST"),
        ("POST", "/recommend", "GET, HEAD"),
        ("POST", "/similar", "GET, HEAD"),
        ("GET", "/recommendations", "POST"),
    ] {
        let reason = format!("method not allowed; this route accepts {allow}");
        let name = format!("{method} {target}");
        cases.push(
            case(name, method, target)
                .detail(405, &reason)
                .allows(allow),
        );
    }
    cases.extend([
        get("a table by GET", "/v1/nlp")
            .error(405, "method not allowed; this route accepts POST")
            .allows("POST"),
        csv("an unknown task", "/v1/s3cr3t-payload", "a")
            .error(404, "unknown model `s3cr3t-payload`"),
        csv("a path for a task", "/v1/%2e%2e%2fmodels%2fs3cr3t", "a")
            .error(404, "unknown model `../models/s3cr3t`"),
        csv("NUL in a task", "/v1/nlp%00", "a").error(404, "unknown model `nlp\0`"),
    ]);
    for (content_type, target) in [
        ("text/plain", "/v1/nlp"),
        ("", "/v1/nlp"),
        ("application/xml", "/v1/recsys"),
        ("application/octet-stream", "/v1/nlp"),
        ("image/png", "/v1/nlp"),
        (FORM, "/v1/ts"),
        ("application/x-www-form-urlencoded", "/v1/cv"),
    ] {
        let name = format!("{content_type:?} to {target}");
        let body = "text\ns3cr3t-payload\n";
        cases.push(post(name, target, content_type, body).error(415, TYPES_OF_TABLES));
    }
    cases
}

/// Lengths of bodies that lie.
pub fn lengths() -> Vec<Case> {
    let text = r#"{"text": "s3cr3t-payload"}"#;
    let predict = |name: &str, body: &str| post(name, "/predict", JSON, body);
    let said = |name: &str, lines: &[&str]| {
        let case = predict(name, text);
        lines.iter().fold(case, |case, line| case.header(*line))
    };
    let chunked = "Transfer-Encoding: chunked";
    // 33 MiB.
    let large = "s3cr3t--".repeat(33 << 17);
    let large = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    vec![
        said(
            "a body shorter than its length, then the end",
            &["Content-Length: 100"],
        )
        .hanging_up()
        .detail(400, CUT_BODY),
        said(
            "a body shorter than its length, then nothing",
            &["Content-Length: 100"],
        )
        .detail(408, "the body took too long"),
        said(
            "a petabyte announced",
            &["Content-Length: 1000000000000000"],
        )
        .detail(413, LARGE_BODY),
        said("two lengths", &["Content-Length: 26", "Content-Length: 3"]).error(400, BROKEN_HTTP),
        said(
            "the same length twice",
            &["Content-Length: 26", "Content-Length: 26"],
        )
        .error(400, BROKEN_HTTP),
        said("a length before chunks", &["Content-Length: 26", chunked]).error(400, BROKEN_HTTP),
        said("a length behind chunks", &[chunked, "Content-Length: 26"]).error(400, BROKEN_HTTP),
        said("chunks twice", &[chunked, chunked]).error(400, BROKEN_HTTP),
        said("another transfer", &["Transfer-Encoding: xchunked"]).error(400, BROKEN_HTTP),
        said("a negative length", &["Content-Length: -1"]).error(400, BROKEN_HTTP),
        said(
            "a length beyond counting",
            &["Content-Length: 99999999999999999999"],
        )
        .error(400, BROKEN_HTTP),
        predict("a chunk cut short", &format!("40\r\n{text}"))
            .header(chunked)
            .hanging_up()
            .detail(400, CUT_BODY),
        predict("chunks without an end", &format!("1a\r\n{text}\r\n"))
            .header(chunked)
            .hanging_up()
            .detail(400, CUT_BODY),
        predict("a chunk of no size", "s3cr3t\r\n")
            .header(chunked)
            .detail(400, CUT_BODY),
        predict("chunks of too many bytes", &large)
            .header(chunked)
            .detail(413, LARGE_BODY),
    ]
}

pub fn heads() -> Vec<Case> {
    let predict = |name: &str| post(name, "/predict", JSON, r#"{"text": "s3cr3t-payload"}"#);
    let large = "the head of the request is too large";
    let number = "the header x-request-timeout-ms must be a whole number";
    vec![
        get("NUL in the target", "/predict\0").error(400, BROKEN_HTTP),
        get("a blank in the target", "/forecast s3cr3t-payload").error(400, BROKEN_HTTP),
        get("a target of 20 kB", format!("/{}", "s3cr3t".repeat(3334))).error(431, large),
        predict("NUL in a header")
            .header("X-Note: s3cr3t\0")
            .error(400, BROKEN_HTTP),
        predict("a folded header")
            .header("X-Note: a\r\n s3cr3t")
            .error(400, BROKEN_HTTP),
        predict("a header of 20 kB")
            .header(format!("X-Note: {}", "s3cr3t".repeat(3334)))
            .error(431, large),
        predict("two hosts")
            .header("Host: s3cr3t-payload")
            .detail(400, "the request must have one Host header"),
        predict("a deadline that is none")
            .header("X-Request-Timeout-Ms: s3cr3t-payload")
            .detail(400, number),
        predict("a deadline that has passed")
            .header("X-Request-Timeout-Ms: 0")
            .detail(504, DEADLINE),
        get("an id that would break the log", "/health")
            .header("X-Request-Id: s3cr3t\",\"x\":\"")
            .answers(200, json!({"status": "ok"})),
    ]
}

/// Compressed bodies, each on a route of every form.
pub fn packed_bodies() -> Vec<Case> {
    let good = gzip(br#"{"text": "s3cr3t-payload"}"#);
    let cut = good[..good.len() - 9].to_vec();
    let bodies: [(&str, &str, Vec<u8>, u16, &str); 5] = [
        (
            "not gzip",
            "gzip",
            b"s3cr3t-payload".to_vec(),
            400,
            BROKEN_GZIP,
        ),
        ("gzip cut short", "gzip", cut, 400, BROKEN_GZIP),
        ("a gzip bomb", "gzip", bomb(), 413, LARGE_UNPACKED),
        ("brotli", "br", good.clone(), 415, CODINGS),
        ("gzip twice", "gzip, gzip", good, 415, CODINGS),
    ];
    let mut cases = Vec::new();
    for (name, coding, body, status, reason) in bodies {
        let on = |target: &str| {
            post(format!("{name} to {target}"), target, JSON, body.clone())
                .header(format!("Content-Encoding: {coding}"))
        };
        cases.push(on("/v2/models/nlp/infer").error(status, reason));
        cases.push(on("/predict").detail(status, reason));
        cases.push(on("/v1/nlp").error(status, reason));
    }
    cases
}
