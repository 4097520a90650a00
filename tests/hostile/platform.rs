//! Requests on the routes of the Python platform, whose wrong fields are listed as FastAPI with pydantic 2 does it.

use serde_json::{Value, json};

use super::{BROKEN_QUERY, Case, JSON, LARGE_BODY, UNKNOWN_SERIES, get, missing, post, wrong};

/// A number that must be at least 1.
fn too_small(place: &[&str], input: Value) -> Value {
    let message = "Input should be greater than or equal to 1";
    let mut detail = wrong("greater_than_equal", place, message, input);
    detail["ctx"] = json!({"ge": 1});
    detail
}

fn above(most: i64, place: &[&str], input: Value) -> Value {
    let message = format!("Input should be less than or equal to {most}");
    let mut detail = wrong("less_than_equal", place, &message, input);
    detail["ctx"] = json!({"le": most});
    detail
}

fn no_number(place: &[&str], input: Value) -> Value {
    let message = "Input should be a valid integer, unable to parse string as an integer";
    wrong("int_parsing", place, message, input)
}

fn no_text(place: &[&str], input: Value) -> Value {
    wrong(
        "string_type",
        place,
        "Input should be a valid string",
        input,
    )
}

/// JSON that is broken behind so many bytes.
fn broken_json(place: usize, reason: &str) -> Value {
    json!({
        "type": "json_invalid",
        "loc": ["body", place],
        "msg": "JSON decode error",
        "input": {},
        "ctx": {"error": reason},
    })
}

pub fn bodies_of_the_platform() -> Vec<Case> {
    let predict =
        |name: &str, body: &str| post(format!("/predict: {name}"), "/predict", JSON, body);
    let text = ["body", "text"];
    let object = "Input should be a valid dictionary or object to extract fields from";
    let control = "control character (\\u0000-\\u001F) found while parsing a string";
    let mut too_short = wrong(
        "string_too_short",
        &text,
        "String should have at least 1 character",
        json!(""),
    );
    too_short["ctx"] = json!({"min_length": 1});
    let nested = format!(r#"{{"text": {}{}}}"#, "[".repeat(500), "]".repeat(500));
    let megabytes = format!(r#"{{"text": "{}"}}"#, "s3cr3t-payload ".repeat(3_333_334));
    vec![
        predict("no body", "").details(&[missing(&["body"], Value::Null)]),
        predict("no text", "{}").details(&[missing(&text, json!({}))]),
        predict("another field", r#"{"txt": "s3cr3t-payload"}"#)
            .details(&[missing(&text, json!({"txt": "s3cr3t-payload"}))]),
        predict("an empty text", r#"{"text": ""}"#).details(&[too_short]),
        predict("a number", r#"{"text": 5}"#).details(&[no_text(&text, json!(5))]),
        predict("null", r#"{"text": null}"#).details(&[no_text(&text, Value::Null)]),
        predict("a list", r#"{"text": ["s3cr3t-payload"]}"#)
            .details(&[no_text(&text, json!(["s3cr3t-payload"]))]),
        predict("an array", r#"["s3cr3t-payload"]"#).details(&[wrong(
            "model_attributes_type",
            &["body"],
            object,
            json!(["s3cr3t-payload"]),
        )]),
        predict("an end in a text", r#"{"text": "s3cr3t-payload"#)
            .details(&[broken_json(23, "EOF while parsing a string")]),
        predict("a comma too many", r#"{"text": "s3cr3t-payload",}"#)
            .details(&[broken_json(26, "trailing comma")]),
        predict("NaN", r#"{"text": NaN}"#).details(&[broken_json(9, "expected value")]),
        predict("NUL", "{\"text\": \"a\0b\"}").details(&[broken_json(11, control)]),
        predict("half of a surrogate pair", r#"{"text": "\ud800"}"#)
            .details(&[broken_json(16, "unexpected end of hex escape")]),
        predict("lists in lists in lists", &nested)
            .details(&[broken_json(135, "recursion limit exceeded")]),
        post(
            "/predict: not UTF-8",
            "/predict",
            JSON,
            b"{\"text\": \"s3cr3t-payload \xff\"}",
        )
        .details(&[broken_json(25, "invalid unicode code point")]),
        predict("a text of 50 MB", &megabytes).detail(413, LARGE_BODY),
        post(
            "two fields",
            "/explain",
            JSON,
            r#"{"text": 5, "top_k": "x"}"#,
        )
        .details(&[
            no_text(&text, json!(5)),
            no_number(&["body", "top_k"], json!("x")),
        ]),
        post(
            "a series that is no text",
            "/forecast",
            JSON,
            r#"{"series": 5}"#,
        )
        .details(&[no_text(&["body", "series"], json!(5))]),
        post(
            "an unknown series",
            "/forecast",
            JSON,
            r#"{"series": "s3cr3t-payload"}"#,
        )
        .detail(404, UNKNOWN_SERIES),
        post("no user", "/recommendations", JSON, "{}")
            .details(&[missing(&["body", "user_id"], json!({}))]),
        post(
            "a user that is no text",
            "/recommendations",
            JSON,
            r#"{"user_id": 5}"#,
        )
        .details(&[no_text(&["body", "user_id"], json!(5))]),
        post(
            "an empty user",
            "/recommendations",
            JSON,
            r#"{"user_id": ""}"#,
        )
        .detail(400, "user ``: the id is empty"),
    ]
}

/// Numbers out of range in JSON, on every route that takes one.
pub fn counts_in_bodies() -> Vec<Case> {
    let fraction = "Input should be a valid integer, got a number with a fractional part";
    let mut cases = Vec::new();
    for (route, field, rest, most) in [
        ("/explain", "top_k", json!({"text": "s3cr3t-payload"}), 20),
        ("/forecast", "horizon", json!({}), 180),
        (
            "/recommendations",
            "top_k",
            json!({"user_id": "s3cr3t-payload"}),
            30,
        ),
    ] {
        let place = ["body", field];
        for (input, detail) in [
            (json!(0), too_small(&place, json!(0))),
            (json!(-1), too_small(&place, json!(-1))),
            (json!(most + 1), above(most, &place, json!(most + 1))),
            (
                json!(1_000_000_000),
                above(most, &place, json!(1_000_000_000)),
            ),
            (json!("x"), no_number(&place, json!("x"))),
            (
                json!(1.5),
                wrong("int_from_float", &place, fraction, json!(1.5)),
            ),
            (
                Value::Null,
                wrong(
                    "int_type",
                    &place,
                    "Input should be a valid integer",
                    Value::Null,
                ),
            ),
        ] {
            let mut body = rest.clone();
            body[field] = input;
            let name = format!("{route}: {body}");
            cases.push(post(name, route, JSON, body.to_string()).details(&[detail]));
        }
    }
    cases
}

/// The same in queries.
pub fn counts_in_queries() -> Vec<Case> {
    let mut cases = Vec::new();
    for (start, field, most) in [
        ("/forecast?horizon=", "horizon", 180),
        ("/recommend?user_id=s3cr3t-payload&top_k=", "top_k", 30),
        ("/items/s3cr3t-payload/similar?top_k=", "top_k", 30),
        ("/similar?item_id=s3cr3t-payload&top_k=", "top_k", 30),
    ] {
        let place = ["query", field];
        for (given, detail) in [
            ("0", too_small(&place, json!("0"))),
            ("-1", too_small(&place, json!("-1"))),
            ("1000000000", above(most, &place, json!("1000000000"))),
            (
                "99999999999999999999",
                above(most, &place, json!("99999999999999999999")),
            ),
            ("x", no_number(&place, json!("x"))),
            ("1e9", no_number(&place, json!("1e9"))),
            ("", no_number(&place, json!(""))),
            ("%00", no_number(&place, json!("\0"))),
        ] {
            let target = format!("{start}{given}");
            cases.push(get(target.clone(), target).details(&[detail]));
        }
    }
    cases
}

pub fn names_in_queries() -> Vec<Case> {
    let unknown = |item: &str| format!("item `{item}` is unknown to the model");
    vec![
        get(
            "a key twice, the last one wrong",
            "/forecast?horizon=3&horizon=x",
        )
        .details(&[no_number(&["query", "horizon"], json!("x"))]),
        get("an escape of no digits", "/forecast?horizon=%zz").detail(400, BROKEN_QUERY),
        get("an escape cut short", "/forecast?series=%4").detail(400, BROKEN_QUERY),
        get("a query that is not UTF-8", "/forecast?series=s3cr3t%ff").detail(400, BROKEN_QUERY),
        get(
            "an unknown series in a query",
            "/forecast?series=s3cr3t-payload",
        )
        .detail(404, UNKNOWN_SERIES),
        get("a path for a series", "/forecast?series=%2e%2e%2fs3cr3t").detail(
            404,
            "series `../s3cr3t`: it is unknown to the model; retrain the model with it",
        ),
        get("NUL in a series", "/forecast?series=a%00b").detail(
            404,
            "series `a\0b`: it is unknown to the model; retrain the model with it",
        ),
        get("no user in a query", "/recommend")
            .details(&[missing(&["query", "user_id"], Value::Null)]),
        get("no item in a query", "/similar")
            .details(&[missing(&["query", "item_id"], Value::Null)]),
        get(
            "an unknown item in a query",
            "/similar?item_id=s3cr3t-payload",
        )
        .detail(404, &unknown("s3cr3t-payload")),
        get("an unknown item in a path", "/items/s3cr3t-payload/similar")
            .detail(404, &unknown("s3cr3t-payload")),
        get(
            "a path for an item",
            "/items/%2e%2e%2f%2e%2e%2fetc%2fpasswd/similar",
        )
        .detail(404, &unknown("../../etc/passwd")),
        get("two dots for an item", "/items/../similar").detail(404, &unknown("..")),
        get("NUL for an item", "/items/%00/similar").detail(404, &unknown("\0")),
        get("an item that is not UTF-8", "/items/%ff/similar").error(404, "not found"),
        get("an item of no letters", "/items//similar").error(404, "not found"),
        get("an item of two segments", "/items/a/b/similar").error(404, "not found"),
    ]
}
