//! Bodies that are hostile or mistaken: each gets its exact status and error, in the protocol's form, and
//! the server answers the next request. `hostile_http.rs` has what is wrong below the body.

mod support;

use serde_json::json;
use support::cases::{case, check};
use support::{INFER, post, texts};

/// A request to the model `length` with one input.
fn input(input: serde_json::Value) -> Vec<u8> {
    infer(&json!({"inputs": [input]}).to_string())
}

fn infer(body: &str) -> Vec<u8> {
    post(INFER, "", body.as_bytes())
}

/// A request whose binary data follow the JSON.
fn binary(input: serde_json::Value, raw: &[u8]) -> Vec<u8> {
    let head = json!({"inputs": [input]}).to_string();
    let headers = format!("Inference-Header-Content-Length: {}\r\n", head.len());
    post(INFER, &headers, &[head.as_bytes(), raw].concat())
}

#[test]
fn bodies_that_are_no_inference_request() {
    let broken = "the body is not an inference request: ";
    check(vec![
        case(
            infer(""),
            400,
            &format!("{broken}EOF while parsing a value at line 1 column 0"),
        ),
        case(
            infer("{"),
            400,
            &format!("{broken}EOF while parsing an object at line 1 column 1"),
        ),
        case(
            infer("null"),
            400,
            &format!("{broken}invalid type: null, expected struct Body at line 1 column 4"),
        ),
        case(
            infer("{}"),
            400,
            &format!("{broken}missing field `inputs` at line 1 column 2"),
        ),
        case(
            infer(r#"{"inputs":{}}"#),
            400,
            &format!("{broken}invalid type: map, expected a sequence at line 1 column 10"),
        ),
        case(infer(r#"{"inputs":[]}"#), 400, "input `text` is missing"),
        case(
            infer(r#"{"inputs":[]} x"#),
            400,
            &format!("{broken}trailing characters at line 1 column 15"),
        ),
        case(
            infer(r#"{"inputs":[],"inputs":[]}"#),
            400,
            &format!("{broken}duplicate field `inputs` at line 1 column 21"),
        ),
        case(
            post(INFER, "", b"{\"inputs\":[],\"id\":\"\xff\"}"),
            400,
            &format!("{broken}invalid unicode code point at line 1 column 20"),
        ),
        case(
            infer(&format!(
                r#"{{"inputs":[],"parameters":{{"a":{}1{}}}}}"#,
                "[".repeat(500),
                "]".repeat(500)
            )),
            400,
            &format!("{broken}recursion limit exceeded at line 1 column 157"),
        ),
        case(
            infer(r#"{"inputs":[],"parameters":{"timeout":-1}}"#),
            400,
            "input `text` is missing",
        ),
    ]);
}

#[test]
fn inputs_that_do_not_fit_the_signature() {
    let text = |shape: serde_json::Value, data: serde_json::Value| {
        input(json!({"name": "text", "datatype": "BYTES", "shape": shape, "data": data}))
    };
    let twice = json!({"name": "text", "datatype": "BYTES", "shape": [1], "data": ["a"]});
    let rows: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    check(vec![
        case(
            input(json!({"name": "image", "datatype": "BYTES", "shape": [1], "data": ["a"]})),
            400,
            "unknown input `image`; expected one of `text`",
        ),
        case(
            input(json!({"name": "text", "datatype": "FP64", "shape": [1], "data": [1.5]})),
            400,
            "input `text`: datatype is `FP64`; expected BYTES",
        ),
        case(
            input(json!({"name": "text", "datatype": "bytes", "shape": [1], "data": ["a"]})),
            400,
            "input `text`: datatype is `bytes`; expected BYTES",
        ),
        case(
            input(json!({"name": "text", "datatype": "BYTES", "shape": [1]})),
            400,
            "input `text`: neither `data` nor `binary_data_size` is given",
        ),
        case(
            infer(&json!({"inputs": [twice, twice]}).to_string()),
            400,
            "input `text` is given twice",
        ),
        case(
            text(json!([0]), json!([])),
            400,
            "input `text`: at least one row is required",
        ),
        case(
            text(json!([]), json!(["a"])),
            400,
            "input `text`: shape is []; expected [-1], where -1 is any number",
        ),
        case(
            text(json!([1, 2]), json!(["a", "b"])),
            400,
            "input `text`: shape is [1, 2]; expected [-1], where -1 is any number",
        ),
        case(
            text(json!([2]), json!(["a"])),
            400,
            "input `text`: `data` holds 1 values; the shape says 2",
        ),
        case(
            text(json!([1]), json!(["a", "b"])),
            400,
            "input `text`: more values than the shape says (1)",
        ),
        case(
            text(json!([1_000_000_000]), json!(["a"])),
            400,
            "input `text`: `data` holds 1 values; the shape says 1000000000",
        ),
        case(
            text(json!([u64::MAX, 2]), json!(["a"])),
            400,
            "input `text`: shape [18446744073709551615, 2] is too large",
        ),
        case(
            text(json!([1, 1, 1, 1, 1, 1, 1, 1, 1]), json!(["a"])),
            400,
            "input `text`: 9 dimensions; at most 8 are allowed",
        ),
        case(
            text(json!([-1]), json!(["a"])),
            400,
            "the body is not an inference request: invalid value: integer `-1`, expected u64 at line 1 column 56",
        ),
        case(
            text(json!([1]), json!([1])),
            400,
            "input `text`: found a whole number; expected strings (BYTES)",
        ),
        case(
            text(json!([1]), json!([null])),
            400,
            "input `text`: found null; expected strings (BYTES)",
        ),
        case(
            text(json!([1]), json!({"a": 1})),
            400,
            "input `text`: invalid type: map, expected strings (BYTES)",
        ),
        case(
            text(json!([1]), json!("a")),
            400,
            "input `text`: `data` must be a list",
        ),
        case(
            text(json!([101]), json!(rows)),
            413,
            "the request has 101 rows; at most 100 are allowed",
        ),
        case(
            text(json!([1]), json!(["refuse"])),
            400,
            "the text is refused",
        ),
        case(
            text(json!([1]), json!(["broken"])),
            400,
            "output `version` is not UTF-8; ask for it with `binary_data`",
        ),
    ]);
}

#[test]
fn outputs_and_parameters_that_are_not_offered() {
    let with = |name: &str, value: serde_json::Value| {
        let mut body: serde_json::Value = serde_json::from_str(&texts(&["a"])).unwrap();
        body[name] = value;
        infer(&body.to_string())
    };
    check(vec![
        case(
            with("outputs", json!([{"name": "x"}])),
            400,
            "unknown output `x`; expected one of `length`, `version`",
        ),
        case(
            with(
                "outputs",
                json!([{"name": "length", "parameters": {"classification": 3}}]),
            ),
            400,
            "`classification` and `shared_memory_region` of outputs are not supported",
        ),
        case(
            with("parameters", json!({"binary_data_output": "yes"})),
            400,
            "parameter `binary_data_output` must be true or false",
        ),
        case(
            with("parameters", json!({"timeout": -1})),
            400,
            "parameter `timeout` must be a whole number of microseconds",
        ),
        case(
            with("parameters", json!({"timeout": 0})),
            504,
            "the deadline of the request has passed",
        ),
    ]);
}

#[test]
fn binary_data_whose_lengths_lie() {
    let sized = |size: serde_json::Value| json!({"name": "text", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": size}});
    let mut both = sized(json!(5));
    both["data"] = json!(["a"]);
    let shared = json!({"name": "text", "datatype": "BYTES", "shape": [1], "parameters": {"shared_memory_region": "x"}});
    let head = |length: &str| {
        post(
            INFER,
            &format!("Inference-Header-Content-Length: {length}\r\n"),
            texts(&["a"]).as_bytes(),
        )
    };
    check(vec![
        case(
            binary(sized(json!(6)), b"\x01\0\0\0a"),
            400,
            "input `text`: binary_data_size is 6, but 5 bytes are left",
        ),
        case(
            binary(sized(json!(4)), b"\0\0\0\0a"),
            400,
            "1 bytes are left after the last input",
        ),
        case(
            binary(sized(json!(5)), b"\x02\0\0\0a"),
            400,
            "input `text`: element 0 of BYTES has a length of 2, but 1 bytes are left",
        ),
        case(
            binary(sized(json!(5)), b"\xff\xff\xff\xffa"),
            400,
            "input `text`: element 0 of BYTES has a length of 4294967295, but 1 bytes are left",
        ),
        case(
            binary(sized(json!(5)), b"\0\0\0\0a"),
            400,
            "input `text`: 1 bytes follow the last element of BYTES",
        ),
        case(
            binary(sized(json!(8)), b"\0\0\0\0\0\0\0\0"),
            400,
            "input `text`: the binary data hold 2 elements of BYTES; the shape says 1",
        ),
        case(
            binary(sized(json!(0)), b""),
            400,
            "input `text`: the binary data hold 0 elements of BYTES; the shape says 1",
        ),
        case(
            binary(both, b"\x01\0\0\0a"),
            400,
            "input `text`: both `data` and `binary_data_size` are given",
        ),
        case(
            binary(shared, b""),
            400,
            "input `text`: shared memory is not supported",
        ),
        case(
            head("1000"),
            400,
            "Inference-Header-Content-Length is 1000, but the body has 72 bytes",
        ),
        case(
            head("-1"),
            400,
            "the header inference-header-content-length must be a whole number",
        ),
        case(
            head("99999999999999999999999"),
            400,
            "the header inference-header-content-length must be a whole number",
        ),
    ]);
}
