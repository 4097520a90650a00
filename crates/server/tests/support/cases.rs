//! Requests that must be refused, with the exact status and error of each.

use easylife_server::Limits;
use serde_json::json;

use super::{INFER, Running, texts};

/// A request, the status, and the text of the error.
pub struct Case {
    pub request: Vec<u8>,
    pub status: u16,
    pub error: String,
}

pub fn case(request: impl Into<Vec<u8>>, status: u16, error: &str) -> Case {
    Case {
        request: request.into(),
        status,
        error: error.to_owned(),
    }
}

pub fn limits() -> Limits {
    Limits {
        body_bytes: 20_000,
        rows: 100,
        ..Limits::default()
    }
}

pub fn check(cases: Vec<Case>) {
    let server = Running::start(limits());
    for case in cases {
        let shown =
            String::from_utf8_lossy(&case.request[..case.request.len().min(300)]).into_owned();
        let mut client = server.client();
        client.send(&case.request);
        let response = client
            .response()
            .unwrap_or_else(|| panic!("no answer to {shown}"));
        assert_eq!(response.json(), json!({"error": case.error}), "{shown}");
        assert_eq!(response.status, case.status, "{shown}");
        assert_eq!(
            response.header("content-type"),
            Some("application/json"),
            "{shown}"
        );
        let next = server.post(INFER, &texts(&["still here"]));
        assert_eq!(next.json()["outputs"][0]["data"][0], 10, "after {shown}");
    }
}
