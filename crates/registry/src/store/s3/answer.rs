//! What the answers of a server mean, and what its failures are called.

use std::io;

use ureq::http::Response;
use ureq::{Body, Timeout};

use super::client::Client;
use super::error::Error;

/// The longest refusal that is read, in bytes. S3's have some hundred.
const REFUSAL: u64 = 1 << 16;

/// An answer of the server that is not an error.
pub(super) enum Answer {
    /// Done; the body is to be read.
    Done(Response<Body>),
    /// There is no such object.
    Absent,
    /// The condition of the request is not met: the name is taken.
    Taken,
}

/// The `Error` of S3's answers.
#[derive(Debug, Default, PartialEq, Eq)]
struct Refusal {
    code: String,
    message: String,
    region: String,
}

impl Refusal {
    /// None if the text is no `Error` element. Unknown elements are left out: they repeat parts of
    /// the request.
    fn of(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (_, inner) = text.split_once("<Error")?;
        let element = |name: &str| {
            let (_, rest) = inner.split_once(&format!("<{name}>"))?;
            let (value, _) = rest.split_once(&format!("</{name}>"))?;
            Some(value.to_owned())
        };
        Some(Self {
            code: element("Code")?,
            message: element("Message").unwrap_or_default(),
            region: element("Region").unwrap_or_default(),
        })
    }
}

impl Client {
    /// Sorts an answer. `is_head` is for those that never have a body.
    pub fn sort(&self, response: Response<Body>, is_head: bool) -> Result<Answer, Error> {
        let status = response.status().as_u16();
        match status {
            200 | 204 | 206 => return Ok(Answer::Done(response)),
            404 if is_head => return Ok(Answer::Absent),
            412 => return Ok(Answer::Taken),
            _ => {}
        }
        let region = response.headers().get("x-amz-bucket-region");
        let region = region
            .and_then(|region| region.to_str().ok())
            .map(str::to_owned);
        let body = response
            .into_body()
            .into_with_config()
            .limit(REFUSAL)
            .read_to_vec();
        let text = match body {
            Err(ureq::Error::BodyExceedsLimit(_)) => b"<".to_vec(),
            body => body.map_err(|error| self.failure(error))?,
        };
        let refusal = Refusal::of(&text);
        if refusal
            .as_ref()
            .is_some_and(|refusal| refusal.code == "NoSuchKey")
        {
            return Ok(Answer::Absent);
        }
        Err(self.refusal(status, &text, refusal, region))
    }

    fn refusal(
        &self,
        status: u16,
        text: &[u8],
        refusal: Option<Refusal>,
        region: Option<String>,
    ) -> Error {
        let (server, bucket) = (self.server.clone(), self.bucket_address());
        let is_s3 = refusal.is_some();
        let refusal = refusal.unwrap_or_default();
        let said = self.describe(status, &refusal);
        let elsewhere = (300..400).contains(&status)
            || [
                "AuthorizationHeaderMalformed",
                "AuthorizationQueryParametersError",
            ]
            .contains(&refusal.code.as_str());
        let region = region.unwrap_or(refusal.region);
        if elsewhere && !region.is_empty() && region != self.bucket.region() {
            let region = format!("the region {}", self.clean(&region));
            return Error::OtherRegion { bucket, region };
        }
        match (status, refusal.code.as_str()) {
            (_, "PermanentRedirect") => {
                let region = "another region than AWS_REGION".to_owned();
                Error::OtherRegion { bucket, region }
            }
            (_, "RequestTimeTooSkewed") => Error::Clock { server, said },
            (403, "AccessDenied") if refusal.message.contains("expired") => {
                Error::Clock { server, said }
            }
            (
                _,
                "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken",
            ) => Error::Credentials { server, said },
            (401 | 403, _) => Error::Denied { bucket, said },
            (404, "NoSuchBucket") => Error::NoBucket { bucket, server },
            (_, code) if code.contains("StorageFull") || code.contains("QuotaExceeded") => {
                Error::Full { server, said }
            }
            (507, _) => Error::Full { server, said },
            (409, _) => Error::Conflict { server, said },
            // BadDigest: bytes were damaged on the way.
            (429 | 500.., _) | (_, "RequestTimeout" | "BadDigest" | "SlowDown") => {
                Error::Unavailable { server, said }
            }
            (300..=399, _) => Error::Redirected { server, status },
            _ if is_s3 => Error::Rejected { server, said },
            _ => self.not_s3(status, kind_of(text)),
        }
    }

    pub fn not_s3(&self, status: u16, reason: &str) -> Error {
        Error::NotS3 {
            server: self.server.clone(),
            status,
            reason: reason.to_owned(),
        }
    }

    fn describe(&self, status: u16, refusal: &Refusal) -> String {
        match refusal.code.is_empty() {
            true => format!("status {status}"),
            false => self.clean(&format!(
                "status {status}, {}: {}",
                refusal.code, refusal.message
            )),
        }
    }

    pub fn failure(&self, error: ureq::Error) -> Error {
        let server = self.server.clone();
        let unreachable = |reason: &str| Error::Unreachable {
            server: self.server.clone(),
            reason: reason.to_owned(),
        };
        match error {
            ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => unreachable(&format!(
                "no answer within {} s",
                self.connect.as_secs_f64()
            )),
            ureq::Error::Timeout(_) => Error::Silent {
                server,
                seconds: self.silence.as_secs_f64(),
            },
            ureq::Error::HostNotFound => unreachable("its name is not known"),
            ureq::Error::ConnectionFailed => unreachable("the connection failed"),
            ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl => {
                unreachable("the proxy of HTTP_PROXY or HTTPS_PROXY refuses")
            }
            ureq::Error::Tls(reason) => Error::Tls {
                server,
                reason: reason.to_owned(),
            },
            ureq::Error::Rustls(error) => Error::Tls {
                server,
                reason: self.clean(&error.to_string()),
            },
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                unreachable("connection refused")
            }
            // What rustls says comes as this: a certificate that is not trusted, for example.
            ureq::Error::Io(error)
                if error.kind() == io::ErrorKind::InvalidData && server.starts_with("https:") =>
            {
                Error::Tls {
                    server,
                    reason: self.clean(&error.to_string()),
                }
            }
            ureq::Error::Io(error) => match error.downcast::<ureq::Error>() {
                Ok(error) => self.failure(error),
                Err(error) => self.broken_off(&error.to_string()),
            },
            // It would show the signed address.
            ureq::Error::BadUri(_) => self.broken_off("the address of the request is not valid"),
            error => self.broken_off(&error.to_string()),
        }
    }

    fn broken_off(&self, reason: &str) -> Error {
        Error::BrokenOff {
            server: self.server.clone(),
            reason: self.clean(reason),
        }
    }

    /// A text from outside, cut, without control characters and without our credentials.
    pub fn clean(&self, text: &str) -> String {
        const LONGEST: usize = 300;
        let mut text = text.to_owned();
        let credentials = &self.credentials;
        let secrets = [
            Some(credentials.secret()),
            credentials.token(),
            Some(credentials.key()),
        ];
        for secret in secrets
            .into_iter()
            .flatten()
            .filter(|secret| !secret.is_empty())
        {
            text = text.replace(secret, "***");
        }
        let printable = |letter: char| if letter.is_control() { ' ' } else { letter };
        text.chars().take(LONGEST).map(printable).collect()
    }
}

/// What a body is that is not the XML that was expected. It is not repeated: nobody knows what it
/// holds.
pub(super) fn kind_of(text: &[u8]) -> &'static str {
    let start = text.trim_ascii_start();
    let begins = |word: &[u8]| {
        start
            .get(..word.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(word))
    };
    if start.is_empty() {
        "an empty answer"
    } else if begins(b"<!doctype html") || begins(b"<html") {
        "an HTML page"
    } else if begins(b"<") {
        "XML of another form"
    } else {
        "something that is not XML"
    }
}
