//! Requests of the Open Inference Protocol: tensors that do not fit the models, names, routes and the repository.

use serde_json::json;

use super::{
    CSV, Case, DEADLINE, FILE, FORM, HORIZON, HUGE_PHOTO, JSON, LENGTH_OF_LIST, NOT_AN_IMAGE,
    UNKNOWN_SERIES, case, get, multipart, png, post,
};

/// The model of series has `apples-1`, `bread-1` and `candles-1`, each up to the day before this.
const NEXT_DAY: &str = "2023-07-21";
const TYPES: &str =
    "the content type is not supported; expected application/json or application/octet-stream";

fn infer(name: impl Into<String>, task: &str, body: impl Into<Vec<u8>>) -> Case {
    post(name, format!("/v2/models/{task}/infer"), JSON, body)
}

/// A request to the classifier of texts with this shape and these data.
fn texts(name: &str, shape: &str, data: &str) -> Case {
    let input = format!(r#"{{"name":"text","datatype":"BYTES","shape":{shape},"data":{data}}}"#);
    infer(name, "nlp", format!(r#"{{"inputs":[{input}]}}"#))
}

pub fn tensors() -> Vec<Case> {
    let one = r#"["s3cr3t-payload"]"#;
    let nested = format!("{}\"a\"{}", "[".repeat(500), "]".repeat(500));
    let many = format!("[{}\"s3cr3t-payload\"]", "\"a\",".repeat(100_000));
    let twice = r#"{"name":"text","datatype":"BYTES","shape":[1],"data":["a"]}"#;
    vec![
        texts("a shape of more texts than there are", "[2]", one)
            .error(400, "input `text`: `data` holds 1 values; the shape says 2"),
        texts("10^9 texts announced", "[1000000000]", one)
            .error(400, "input `text`: `data` holds 1 values; the shape says 1000000000"),
        texts("a shape beyond counting", "[9223372036854775808,4]", one)
            .error(400, "input `text`: shape [9223372036854775808, 4] is too large"),
        texts("nine dimensions", "[1,1,1,1,1,1,1,1,1]", one)
            .error(400, "input `text`: 9 dimensions; at most 8 are allowed"),
        texts("a negative shape", "[-1]", one).error(
            400,
            "the body is not an inference request: invalid value: integer `-1`, expected u64 at line 1 column 56",
        ),
        texts("an empty batch", "[0]", "[]")
            .error(400, "input `text`: at least one row is required"),
        texts("one row too many", "[100001]", &many)
            .error(413, "the request has 100001 rows; at most 100000 are allowed"),
        texts("a number for a text", "[1]", "[5]")
            .error(400, "input `text`: found a whole number; expected strings (BYTES)"),
        texts("null for a text", "[1]", "[null]")
            .error(400, "input `text`: found null; expected strings (BYTES)"),
        texts("a text for a list", "[1]", "\"s3cr3t-payload\"")
            .error(400, "input `text`: `data` must be a list"),
        texts("half of a surrogate pair", "[1]", r#"["\ud800"]"#)
            .error(400, "input `text`: unexpected end of hex escape"),
        texts("lists in lists in lists", "[1]", &nested)
            .error(400, "input `text`: recursion limit exceeded"),
        infer(
            "another datatype",
            "nlp",
            r#"{"inputs":[{"name":"text","datatype":"FP64","shape":[1],"data":[1.5]}]}"#,
        )
        .error(400, "input `text`: datatype is `FP64`; expected BYTES"),
        infer(
            "an unknown input",
            "nlp",
            r#"{"inputs":[{"name":"s3cr3t-payload","datatype":"BYTES","shape":[1],"data":["a"]}]}"#,
        )
        .error(400, "unknown input `s3cr3t-payload`; expected one of `text`"),
        infer("an input twice", "nlp", format!(r#"{{"inputs":[{twice},{twice}]}}"#))
            .error(400, "input `text` is given twice"),
        infer("no input", "nlp", r#"{"inputs":[]}"#).error(400, "input `text` is missing"),
        infer(
            "an unknown output",
            "nlp",
            format!(r#"{{"inputs":[{twice}],"outputs":[{{"name":"s3cr3t-payload"}}]}}"#),
        )
        .error(
            400,
            "unknown output `s3cr3t-payload`; expected one of `prediction`, `probability`, `class`, \
             `probabilities`, `ngram`, `contribution`",
        ),
        infer(
            "no n-grams",
            "nlp",
            format!(r#"{{"inputs":[{twice}],"outputs":[{{"name":"ngram"}}],"parameters":{{"top_k":0}}}}"#),
        )
        .error(400, "parameter `top_k` must be a whole number from 1 to 1000"),
        infer(
            "a deadline that has passed",
            "nlp",
            format!(r#"{{"inputs":[{twice}],"parameters":{{"timeout":0}}}}"#),
        )
        .error(504, DEADLINE),
        infer("no body", "nlp", "").error(
            400,
            "the body is not an inference request: EOF while parsing a value at line 1 column 0",
        ),
        infer("JSON that ends early", "nlp", r#"{"inputs":[{"name":"s3cr3t-payload"#).error(
            400,
            "the body is not an inference request: EOF while parsing a string at line 1 column 34",
        ),
        infer("an array", "nlp", r#"["s3cr3t-payload"]"#)
            .error(400, "the body is not an inference request: expected an object"),
        infer("JSON that is not UTF-8", "nlp", b"{\"inputs\":[],\"id\":\"s3cr3t-payload\xff\"}").error(
            400,
            "the body is not an inference request: invalid unicode code point at line 1 column 34",
        ),
    ]
}

/// The JSON of a request to the classifier of texts, for one text of so many bytes with its length.
fn sized(bytes: usize) -> String {
    format!(
        r#"{{"inputs":[{{"name":"text","datatype":"BYTES","shape":[1],"parameters":{{"binary_data_size":{bytes}}}}}]}}"#
    )
}

/// A request whose JSON is followed by `raw`, and which says that its JSON has `length` bytes.
fn framed(name: &str, task: &str, json: &str, raw: &[u8], length: &str) -> Case {
    let body = [json.as_bytes(), raw].concat();
    post(
        name,
        format!("/v2/models/{task}/infer"),
        "application/octet-stream",
        body,
    )
    .header(format!("Inference-Header-Content-Length: {length}"))
}

fn binary(name: &str, task: &str, json: &str, raw: &[u8]) -> Case {
    framed(name, task, json, raw, &json.len().to_string())
}

pub fn binary_tensors() -> Vec<Case> {
    let (five, a) = (sized(5), b"\x01\0\0\0a");
    let numbers = r#"{"inputs":[{"name":"y","datatype":"FP64","shape":[1000000000],"parameters":{"binary_data_size":8}}]}"#;
    let both = five.replace("\"parameters\"", "\"data\":[\"a\"],\"parameters\"");
    vec![
        framed("JSON longer than the body", "nlp", &five, a, "100000").error(
            400,
            "Inference-Header-Content-Length is 100000, but the body has 100 bytes",
        ),
        framed("a length inside the JSON", "nlp", &five, a, "20").error(
            400,
            "the body is not an inference request: EOF while parsing a string at line 1 column 20",
        ),
        framed("a length inside the data", "nlp", &five, a, "96").error(
            400,
            "the body is not an inference request: trailing characters at line 1 column 96",
        ),
        framed("a length that is none", "nlp", &five, a, "s3cr3t-payload").error(
            400,
            "the header inference-header-content-length must be a whole number",
        ),
        binary("more data than there are", "nlp", &sized(500), a).error(
            400,
            "input `text`: binary_data_size is 500, but 5 bytes are left",
        ),
        binary(
            "data that are left over",
            "nlp",
            &five,
            b"\x01\0\0\0as3cr3t",
        )
        .error(400, "6 bytes are left after the last input"),
        binary(
            "a text longer than its data",
            "nlp",
            &five,
            b"\xff\xff\xff\xffa",
        )
        .error(
            400,
            "input `text`: element 0 of BYTES has a length of 4294967295, but 1 bytes are left",
        ),
        binary("two texts for one", "nlp", &sized(8), &[0; 8]).error(
            400,
            "input `text`: the binary data hold 2 elements of BYTES; the shape says 1",
        ),
        binary("a text that is not UTF-8", "nlp", &five, b"\x01\0\0\0\xff")
            .error(400, "input `text`: value 1 is not UTF-8"),
        binary("data twice", "nlp", &both, a).error(
            400,
            "input `text`: both `data` and `binary_data_size` are given",
        ),
        binary("10^9 numbers announced", "ts", numbers, &[0; 8]).error(
            400,
            "input `y`: 8 bytes of binary data cannot hold 1000000000 values of FP64",
        ),
    ]
}

/// A request to the forecaster with one value, written as `data`.
fn value(name: &str, datatype: &str, data: &str) -> Case {
    let input = format!(r#"{{"name":"y","datatype":"{datatype}","shape":[1],"data":[{data}]}}"#);
    infer(name, "ts", format!(r#"{{"inputs":[{input}]}}"#))
}

/// A request to the forecaster with a newer observation of `apples-1`.
fn observed(name: &str, time: &str, value: &str) -> Case {
    let body = format!(
        r#"{{"inputs":[{{"name":"unique_id","datatype":"BYTES","shape":[1],"data":["apples-1"]}},
            {{"name":"ds","datatype":"BYTES","shape":[1],"data":["{time}"]}},
            {{"name":"y","datatype":"FP64","shape":[1],"data":[{value}]}}]}}"#
    );
    infer(name, "ts", body)
}

/// A request to the forecaster with parameters.
fn parameters(name: &str, parameters: &str) -> Case {
    let body = format!(r#"{{"inputs":[],"parameters":{parameters}}}"#);
    infer(format!("{name}: {parameters}"), "ts", body)
}

pub fn tensors_of_series() -> Vec<Case> {
    let broken = "the body is not an inference request: expected value at line 1 column 62";
    let many = format!(r#"{{"levels":{:?}}}"#, (1..22).collect::<Vec<_>>());
    let mut cases = vec![
        value("NaN", "FP64", "NaN").error(400, broken),
        value("NaN as a text", "FP64", "\"NaN\"")
            .error(400, "input `y`: found a string; expected numbers (FP64)"),
        value("a number beyond all numbers", "FP64", "1e400")
            .error(400, "input `y`: number out of range"),
        value("texts for values", "BYTES", "\"1\"")
            .error(400, "input `y`: datatype is `BYTES`; expected FP64"),
        value("a value without its time", "FP64", "1").error(
            400,
            "input `ds` is missing beside `y`; observations have both",
        ),
        observed("a value before training", "1990-01-01", "1").error(
            400,
            "series `apples-1`: 1990-01-01 is before the first value that the model was trained on; retrain the \
             model, or remove the row",
        ),
        observed("a value in eight thousand years", "9999-12-31", "1").error(
            400,
            "series `apples-1`: 9999-12-31 is too far ahead of the series (daily)",
        ),
        observed("a time that is none", "s3cr3t-payload", "1")
            .error_begins(400, "series `apples-1`: `s3cr3t-payload` is not a time"),
        observed("a value too large to go on from", NEXT_DAY, "1e308")
            .error(400, "series `apples-1`: its forecast is not finite"),
        parameters("levels", r#"{"levels":[100]}"#).error(
            400,
            "parameter `levels`: 100 is not between 0 and 100 per cent",
        ),
        parameters("levels", &many).error(400, "parameter `levels` may have 20 values at most"),
        parameters("levels", r#"{"levels":["s3cr3t-payload"]}"#)
            .error(400, "parameter `levels` must be a list of numbers"),
        parameters("unknown", r#"{"s3cr3t-payload":3}"#).error(
            400,
            "unknown parameter `s3cr3t-payload`; expected one of `horizon`, `levels`",
        ),
        infer(
            "an unknown series",
            "ts",
            r#"{"inputs":[{"name":"unique_id","datatype":"BYTES","shape":[1],"data":["s3cr3t-payload"]}]}"#,
        )
        .error(404, UNKNOWN_SERIES),
    ];
    for horizon in ["0", "-1", "1000000000", "\"x\"", "2.5"] {
        let given = format!(r#"{{"horizon":{horizon}}}"#);
        cases.push(parameters("steps", &given).error(400, HORIZON));
    }
    cases
}

/// A request to the recommender for a user, with parameters.
fn user(name: &str, parameters: &str) -> Case {
    let body = format!(
        r#"{{"inputs":[{{"name":"user_id","datatype":"BYTES","shape":[1],"data":["s3cr3t-payload"]}}],
            "parameters":{parameters}}}"#
    );
    infer(format!("{name}: {parameters}"), "recsys", body)
}

pub fn tensors_of_users_and_photos() -> Vec<Case> {
    let id = |name: &str| {
        format!(r#"{{"name":"{name}","datatype":"BYTES","shape":[1],"data":["s3cr3t-payload"]}}"#)
    };
    let inputs = |inputs: &[String]| format!(r#"{{"inputs":[{}]}}"#, inputs.join(","));
    let many = json!({"inputs": [{"name": "user_id", "datatype": "BYTES", "shape": [20_000],
        "data": (0..20_000).map(|user| user.to_string()).collect::<Vec<_>>()}]});
    let photo_of = |bytes: usize| {
        format!(
            r#"{{"inputs":[{{"name":"photo","datatype":"BYTES","shape":[1],"parameters":{{"binary_data_size":{bytes}}}}}]}}"#
        )
    };
    let huge = png(60_000, 60_000, b"");
    let huge = [&(huge.len() as u32).to_le_bytes()[..], &huge].concat();
    let mut cases = vec![
        user("items", r#"{"allow":"s3cr3t-payload"}"#)
            .error(400, "parameter `allow` must be a list of ids"),
        user("items", r#"{"deny":[1.5]}"#).error(400, "parameter `deny` must be a list of ids"),
        infer("neither users nor items", "recsys", r#"{"inputs":[]}"#)
            .error(400, "input `user_id` or `similar_to` is missing"),
        infer(
            "users and items",
            "recsys",
            inputs(&[id("user_id"), id("similar_to")]),
        )
        .error(
            400,
            "inputs `user_id` and `similar_to` are given; ask for one of them",
        ),
        infer("an unknown item", "recsys", inputs(&[id("similar_to")]))
            .error(404, "item `s3cr3t-payload` is unknown to the model"),
        infer("more lists than rows allow", "recsys", many.to_string()).error(
            413,
            "the request has 180000 rows; at most 100000 are allowed",
        ),
        infer("a text for a photo", "cv", inputs(&[id("photo")])).error(400, NOT_AN_IMAGE),
        binary("a photo of no bytes", "cv", &photo_of(4), &[0; 4])
            .error(400, "the photo: the file is empty"),
        binary(
            "3.6 gigapixels announced",
            "cv",
            &photo_of(huge.len()),
            &huge,
        )
        .error(400, HUGE_PHOTO),
    ];
    for k in ["0", "-1", "1000000000", "\"x\"", "1.5"] {
        cases.push(user("list", &format!(r#"{{"k":{k}}}"#)).error(400, LENGTH_OF_LIST));
    }
    cases
}

pub fn models_and_routes() -> Vec<Case> {
    vec![
        infer("an unknown model", "s3cr3t-payload", "{}")
            .error(404, "unknown model `s3cr3t-payload`"),
        post(
            "an unknown version",
            "/v2/models/nlp/versions/7/infer",
            JSON,
            "{}",
        )
        .error(404, "model `nlp` has no version `7`"),
        get(
            "a path for a model",
            "/v2/models/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        )
        .error(404, "unknown model `../../etc/passwd`"),
        get("a path in the path", "/v2/models/../../etc/passwd").error(404, "not found"),
        get("NUL in a name", "/v2/models/nlp%00").error(404, "unknown model `nlp\0`"),
        get("a name that is not UTF-8", "/v2/models/%ff").error(404, "not found"),
        get("shared memory", "/v2/systemsharedmemory/status").error(404, "not found"),
        get("a task that is unknown", "/s3cr3t-payload").error(404, "not found"),
        get("tensors by GET", "/v2/models/nlp/infer")
            .error(405, "method not allowed; this route accepts POST")
            .allows("POST"),
        case("a model deleted", "DELETE", "/v2/models/nlp")
            .error(405, "method not allowed; this route accepts GET, HEAD")
            .allows("GET, HEAD"),
        post(
            "tensors as a table",
            "/v2/models/nlp/infer",
            CSV,
            "text\ns3cr3t-payload\n",
        )
        .error(415, TYPES),
        post(
            "tensors as a form",
            "/v2/models/cv/infer",
            FORM,
            multipart(&[(FILE, b"a")]),
        )
        .error(415, TYPES),
    ]
}

pub fn repository() -> Vec<Case> {
    let load = |name: &str, body: &str| post(name, "/v2/repository/models/nlp/load", JSON, body);
    vec![
        post(
            "a path to load",
            "/v2/repository/models/..%2f..%2fs3cr3t-payload/load",
            JSON,
            "{}",
        )
        .error(404, "unknown model `../../s3cr3t-payload`"),
        load(
            "a configuration",
            r#"{"parameters":{"config":"s3cr3t-payload"}}"#,
        )
        .error(400, "parameter `config` is not supported"),
        load(
            "a file",
            r#"{"parameters":{"file:1/model.bin":"s3cr3t-payload"}}"#,
        )
        .error(400, "parameter `file:1/model.bin` is not supported"),
        load("an array", "[]").error(400, "the body must be a JSON object"),
        post(
            "a page of another site",
            "/v2/repository/models/nlp/unload",
            JSON,
            "{}",
        )
        .header("Origin: http://s3cr3t-payload")
        .error(403, "requests of web pages may not load or unload models"),
        post(
            "ready or not",
            "/v2/repository/index",
            JSON,
            r#"{"ready":"yes"}"#,
        )
        .error(400, "`ready` must be true or false"),
    ]
}
