//! Responses: what a handler wants to say, and that as HTTP.

use std::borrow::Cow;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::json;

use crate::arms::ARM;
use crate::body::gzip;
use crate::dialect::Page;
use crate::fault::{Fault, FaultKind};
use crate::oip::EncodedResponse;

/// The header that says how many bytes of a body are JSON.
pub(crate) const JSON_LENGTH: HeaderName =
    HeaderName::from_static("inference-header-content-length");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Seconds until a shed client should try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// What a handler answers.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content: Content,
    pub(crate) body: Bytes,
    pub(crate) json_length: Option<usize>,
    pub(crate) is_gzip: bool,
    pub(crate) allow: Option<&'static str>,
    pub(crate) has_retry_after: bool,
    /// The arm that answered, where the model has any.
    pub(crate) arm: Option<HeaderValue>,
}

/// Types of bodies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    Json,
    Binary,
    /// Prometheus' text.
    Metrics,
    /// What a dialect says it is.
    Other(&'static str),
}

impl Reply {
    fn new(status: u16, content: Content, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content,
            body: body.into(),
            json_length: None,
            is_gzip: false,
            allow: None,
            has_retry_after: false,
            arm: None,
        }
    }

    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self::new(200, Content::Json, value.to_string())
    }

    pub(crate) fn fixed(status: u16, text: &'static str) -> Self {
        Self::new(status, Content::Json, Bytes::from_static(text.as_bytes()))
    }

    /// With its body compressed.
    pub(crate) fn packed(self) -> Result<Self, Fault> {
        let packed = gzip(&self.body);
        let body = packed
            .map_err(|_| Fault::new(FaultKind::Internal, "the response could not be compressed"))?;
        Ok(Self {
            body: body.into(),
            is_gzip: true,
            ..self
        })
    }

    /// A page of a dialect.
    pub(crate) fn page(page: Page) -> Self {
        let body = match page.body {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        Self::new(page.status, Content::Other(page.content_type), body)
    }

    pub(crate) fn metrics(text: String) -> Self {
        Self::new(200, Content::Metrics, text)
    }

    /// The answer to a request of the protocol.
    pub(crate) fn written(written: EncodedResponse) -> Self {
        let content = match written.json_length {
            Some(_) => Content::Binary,
            None => Content::Json,
        };
        Self {
            json_length: written.json_length,
            ..Self::new(200, content, written.body)
        }
    }

    /// A fault in the protocol's form.
    pub(crate) fn fault(fault: &Fault, request_id: &str) -> Self {
        let reason = match fault.kind {
            FaultKind::Internal => format!("{} (request {request_id})", fault.reason),
            _ => fault.reason.clone(),
        };
        Self {
            has_retry_after: fault.status() == 503,
            ..Self::new(
                fault.status(),
                Content::Json,
                json!({"error": reason}).to_string(),
            )
        }
    }

    /// As HTTP.
    pub(crate) fn response(self, request_id: HeaderValue, closes: bool) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(match self.content {
                Content::Json => "application/json",
                Content::Binary => "application/octet-stream",
                Content::Metrics => "text/plain; version=0.0.4",
                Content::Other(name) => name,
            }),
        );
        headers.insert(REQUEST_ID, request_id);
        // What a client sent is nowhere taken for a page.
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        if let Some(arm) = self.arm {
            headers.insert(HeaderName::from_static(ARM), arm);
        }
        if let Some(length) = self.json_length {
            headers.insert(JSON_LENGTH, HeaderValue::from(length));
        }
        if self.is_gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if self.status == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.has_retry_after {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if closes {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Whether a client takes gzip.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|item| {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        let quality = parameters.trim().strip_prefix("q=").map(str::trim);
        let is_refused = quality.is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q == 0.0));
        matches!(coding.trim(), "gzip" | "*") && !is_refused
    })
}

/// A response without hyper, for requests that never became one; the connection is closed after it.
pub(crate) fn rejection(status: u16) -> Vec<u8> {
    let (phrase, reason) = match status {
        408 => ("Request Timeout", "the head of the request took too long"),
        414 => ("URI Too Long", "the target of the request is too long"),
        431 => (
            "Request Header Fields Too Large",
            "the head of the request is too large",
        ),
        503 => (
            "Service Unavailable",
            "too many connections; try again later",
        ),
        _ => ("Bad Request", "the request is not valid HTTP/1.1"),
    };
    let body = json!({"error": reason}).to_string();
    let retry = if status == 503 {
        "retry-after: 1\r\n"
    } else {
        ""
    };
    format!(
        "HTTP/1.1 {status} {phrase}\r\ncontent-type: application/json\r\n{retry}connection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_unless_refused() {
        for (text, expected) in [
            ("gzip", true),
            ("deflate, gzip;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("br", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(text));
            assert_eq!(takes_gzip(&headers), expected, "{text}");
        }
    }
}
