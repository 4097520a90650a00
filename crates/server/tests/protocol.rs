//! The Open Inference Protocol as its clients speak it: JSON, binary data, metadata, repository.

mod support;

use easylife_server::oip::binary;
use easylife_server::{Data, Limits, Strings};
use serde_json::json;
use support::{Client, INFER, Running, options, post, texts};

#[test]
fn a_text_is_answered_in_json() {
    let server = Running::start(Limits::default());
    let response = server.post(INFER, &texts(&["good", "größer"]));
    assert_eq!(response.status, 200);
    assert_eq!(
        response.text(),
        r#"{"model_name":"length","model_version":"1","outputs":[{"name":"length","datatype":"INT64","shape":[2],"data":[4,8]},{"name":"version","datatype":"BYTES","shape":[2],"data":["1","1"]}]}"#
    );
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("x-request-id").unwrap().len(), 16);
}

#[test]
fn one_connection_answers_many_requests() {
    let server = Running::start(Limits::default());
    let mut client = server.client();
    for length in 1..200 {
        let response = client.post(INFER, &texts(&[&"a".repeat(length)]));
        assert_eq!(response.json()["outputs"][0]["data"][0], length);
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Running::start(Limits::default());
    let mut client = server.client();
    let both = [
        post(INFER, "", texts(&["a"]).as_bytes()),
        post(INFER, "", texts(&["bb"]).as_bytes()),
    ];
    client.send(&both.concat());
    for expected in [1, 2] {
        let response = client.response().unwrap();
        assert_eq!(response.json()["outputs"][0]["data"][0], expected);
    }
}

#[test]
fn ids_versions_and_chosen_outputs() {
    let server = Running::start(Limits::default());
    let body = json!({
        "id": "mine",
        "parameters": {"custom": 1},
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": [1, 1], "data": [["a"]]}],
        "outputs": [{"name": "length"}],
    });
    let path = "/v2/models/length/versions/1/infer";
    let mut client = server.client();
    client.send(&post(
        path,
        "X-Request-Id: r-1\r\n",
        body.to_string().as_bytes(),
    ));
    let response = client.response().unwrap();
    assert_eq!(response.json()["id"], "mine");
    assert_eq!(response.json()["outputs"].as_array().unwrap().len(), 1);
    assert_eq!(response.header("x-request-id"), Some("r-1"));
}

#[test]
fn ids_that_could_forge_a_log_are_replaced() {
    let server = Running::start(Limits::default());
    let long = "a".repeat(200);
    for id in ["a b", "a\tb", "\u{e9}", "<x>", "", &long] {
        let mut client = server.client();
        client.send(
            format!("GET /health HTTP/1.1\r\nHost: t\r\nX-Request-Id: {id}\r\n\r\n").as_bytes(),
        );
        let response = client.response().unwrap();
        assert_ne!(response.header("x-request-id"), Some(id));
    }
}

/// As tritonclient sends it by default: everything binary.
#[test]
fn binary_data_both_ways() {
    let server = Running::start(Limits::default());
    let mut raw = Vec::new();
    let strings: Strings = [&b"good"[..], b"\xff\x00"].into_iter().collect();
    binary::encode(&Data::Bytes(strings), &mut raw);
    let head = json!({
        "inputs": [{
            "name": "text", "datatype": "BYTES", "shape": [2],
            "parameters": {"binary_data_size": raw.len()},
        }],
        "parameters": {"binary_data_output": true},
    })
    .to_string();
    let body = [head.as_bytes(), &raw].concat();
    let headers = format!("Inference-Header-Content-Length: {}\r\n", head.len());
    let mut client = server.client();
    client.send(&post(INFER, &headers, &body));
    let response = client.response().unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(
        response.header("content-type"),
        Some("application/octet-stream")
    );
    let length = response
        .header("inference-header-content-length")
        .unwrap()
        .parse()
        .unwrap();
    let (head, raw) = response.body.split_at(length);
    let head: serde_json::Value = serde_json::from_slice(head).unwrap();
    assert_eq!(head["outputs"][0]["parameters"]["binary_data_size"], 16);
    assert_eq!(head["outputs"][1]["parameters"]["binary_data_size"], 10);
    assert_eq!(
        raw,
        b"\x04\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x01\0\0\x001\x01\0\0\x001"
    );
}

#[test]
fn an_output_may_be_binary_alone() {
    let server = Running::start(Limits::default());
    let body = json!({
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["abc"]}],
        "outputs": [
            {"name": "version", "parameters": {"binary_data": false}},
            {"name": "length", "parameters": {"binary_data": true}},
        ],
    });
    let response = server.post(INFER, &body.to_string());
    let length: usize = response
        .header("inference-header-content-length")
        .unwrap()
        .parse()
        .unwrap();
    let head: serde_json::Value = serde_json::from_slice(&response.body[..length]).unwrap();
    assert_eq!(head["outputs"][0]["data"], json!(["1"]));
    assert_eq!(response.body[length..], 3i64.to_le_bytes());
}

/// Numbers come back with their bits, whichever way they went.
#[test]
fn numbers_keep_their_bits_in_json() {
    let server = Running::start(Limits::default());
    let mut numbers: Vec<f64> = vec![
        0.1,
        -0.0,
        5e-324,
        f64::MAX,
        1.0,
        1e21,
        1.0 / 3.0,
        123456789.125,
    ];
    numbers.extend((1..500).map(|n| f64::from(n).sqrt() * 1e-5));
    let body = json!({
        "inputs": [{"name": "FP64", "datatype": "FP64", "shape": [numbers.len()], "data": numbers}]
    });
    let response = server.post("/v2/models/echo/infer", &body.to_string());
    let answer = response.json();
    let values = answer["outputs"][0]["data"].as_array().unwrap();
    let bits = |value: f64| value.to_bits();
    let back: Vec<u64> = values
        .iter()
        .map(|value| bits(value.as_f64().unwrap()))
        .collect();
    assert_eq!(back, numbers.into_iter().map(bits).collect::<Vec<_>>());
}

#[test]
fn the_server_and_its_models_describe_themselves() {
    let server = Running::start(Limits::default());
    assert_eq!(server.get("/health").text(), r#"{"status":"ok"}"#);
    assert_eq!(server.get("/v2/health/live").text(), r#"{"live":true}"#);
    assert_eq!(server.get("/v2/health/ready").text(), r#"{"ready":true}"#);
    assert_eq!(server.get("/v2").json()["name"], "easylife");
    assert_eq!(
        server.get("/v2/models/length").text(),
        r#"{"name":"length","versions":["1"],"platform":"toy_length","inputs":[{"name":"text","datatype":"BYTES","shape":[-1]}],"outputs":[{"name":"length","datatype":"INT64","shape":[-1]},{"name":"version","datatype":"BYTES","shape":[-1]}]}"#
    );
    assert_eq!(server.get("/v2/models/length/versions/1/ready").status, 200);
    assert_eq!(
        server.get("/v2/models/length/config").json()["input"][0]["data_type"],
        "TYPE_STRING"
    );
    server.post(INFER, &texts(&["a", "b"]));
    let stats = server.get("/v2/models/length/stats").json();
    assert_eq!(stats["model_stats"][0]["inference_count"], 2);
    assert_eq!(
        server.get("/v2/models/stats").json()["model_stats"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn the_head_of_an_answer_comes_without_its_body() {
    let server = Running::start(Limits::default());
    let mut client = server.client();
    client.send(
        b"HEAD /v2/health/live HTTP/1.1\r\nHost: t\r\n\r\nGET /health HTTP/1.1\r\nHost: t\r\n\r\n",
    );
    let mut head = String::new();
    while !head.ends_with(r#"{"status":"ok"}"#) {
        let mut byte = [0; 1];
        std::io::Read::read_exact(&mut client.stream, &mut byte).unwrap();
        head.push(char::from(byte[0]));
    }
    assert!(!head.contains("live\":true"));
}

#[test]
fn models_are_loaded_and_unloaded_by_name() {
    let server = Running::start(Limits::default());
    let index = server.post("/v2/repository/index", "").json();
    assert_eq!(
        index[0],
        json!({"name": "length", "version": "1", "state": "READY", "reason": ""})
    );
    assert_eq!(
        server.post("/v2/repository/models/length/load", "").status,
        200
    );
    assert_eq!(
        server.get("/v2/models/length").json()["versions"],
        json!(["2"])
    );
    let body = r#"{"parameters":{"unload_dependents":false}}"#;
    assert_eq!(
        server
            .post("/v2/repository/models/length/unload", body)
            .status,
        200
    );
    let refused = server.post(INFER, &texts(&["a"]));
    assert_eq!(
        (refused.status, refused.text()),
        (503, r#"{"error":"model `length` is not loaded"}"#)
    );
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(server.get("/v2/models/length/ready").status, 503);
    // It was taken away on purpose, so the server is ready.
    assert_eq!(server.get("/v2/health/ready").status, 200);
    let ready = server
        .post("/v2/repository/index", r#"{"ready":true}"#)
        .json();
    assert_eq!(ready.as_array().unwrap().len(), 2);
}

#[test]
fn admin_routes_move_to_their_own_listener() {
    let options = easylife_server::Options {
        admin_listen: Some(([127, 0, 0, 1], 0).into()),
        ..options()
    };
    let models = support::models();
    assert_eq!(models.load_all(), []);
    let server = Running::with(options, models);
    assert_eq!(
        server.post("/v2/repository/models/length/load", "").status,
        404
    );
    let mut admin = Client::new(server.admin.unwrap());
    assert_eq!(
        admin.post("/v2/repository/models/length/load", "").status,
        200
    );
    assert_eq!(
        server.post("/v2/repository/index", "").json()[0]["version"],
        "2"
    );
}

#[test]
fn metrics_know_routes_and_models_only() {
    let server = Running::start(Limits::default());
    server.post(INFER, &texts(&["a"]));
    for number in 0..50 {
        server.get(&format!("/nothing/{number}"));
        server.get(&format!("/v2/models/none-{number}"));
    }
    let text = server.get("/metrics");
    assert_eq!(
        text.header("content-type"),
        Some("text/plain; version=0.0.4")
    );
    let text = text.text();
    let infer =
        r#"http_requests_total{handler="/v2/models/{model}/infer",method="POST",status="2xx"} 1"#;
    assert!(text.lines().any(|line| line == infer), "{text}");
    assert!(
        text.contains(r#"http_requests_total{handler="unknown",method="GET",status="4xx"} 50"#)
    );
    assert!(text.contains(r#"easylife_rows_total{model="length",outcome="answered"} 1"#));
    assert!(!text.contains("none-1"));
    assert!(text.lines().count() < 120);
}
