//! What the answers of a server mean, and what its failures are called.

use std::time::Instant;

use serde::de::DeserializeOwned;
use ureq::Timeout;
use ureq::http::StatusCode;

use super::address::Away;
use super::client::Client;
use super::error::Error;
use super::text::printable;
use super::wire::Refusal;

/// An answer that was read.
pub(super) struct Answer {
    pub status: StatusCode,
    /// The header `Retry-After`: seconds or a date.
    pub retry_after: Option<String>,
    pub text: Vec<u8>,
}

impl Client {
    /// Reads an answer. Only an object is one: serde would read `[]` as an object in which
    /// everything is left out, and "nothing was found" must not be read out of a broken answer.
    pub fn object<T: DeserializeOwned>(&self, endpoint: &str, answer: &Answer) -> Result<T, Error> {
        let text = answer.text.as_slice();
        let other = |reason: &str| self.not_mlflow(endpoint, answer.status, reason);
        match serde_json::from_slice(text) {
            Ok(_) if text.trim_ascii_start().first() != Some(&b'{') => Err(other(OTHER_JSON)),
            Ok(answer) => Ok(answer),
            Err(error) if error.is_eof() && text.trim_ascii_start().first() == Some(&b'{') => {
                Err(Error::BrokenOff {
                    origin: self.origin.to_string(),
                    endpoint: place(endpoint),
                    reason: "its JSON is cut off".to_owned(),
                })
            }
            Err(error) => Err(other(&kind_of(text, &error))),
        }
    }

    /// What a status other than 200 means.
    pub fn refusal(&self, endpoint: &str, answer: &Answer) -> Error {
        let (status, text) = (answer.status, answer.text.as_slice());
        let refusal = serde_json::from_slice::<Refusal>(text);
        let (endpoint, code) = (place(endpoint), status.as_u16());
        match (code, refusal) {
            (401 | 403 | 407, _) => Error::Unauthorized {
                endpoint,
                status: code,
            },
            (429 | 500.., refusal) => Error::Unavailable {
                endpoint,
                status: code,
                said: match refusal {
                    Ok(said) => format!(": {}", self.clean(&said.message)),
                    Err(error) => format!(" and {}", kind_of(text, &error)),
                } + &wait(answer.retry_after.as_deref()),
            },
            (_, Ok(said)) if said.error_code == "ENDPOINT_NOT_FOUND" => {
                self.not_mlflow(&endpoint, status, "no such endpoint; it may be too old")
            }
            (_, Ok(said)) => Error::Rejected {
                endpoint,
                status: code,
                code: self.clean(&said.error_code),
                message: self.clean(&said.message),
            },
            (_, Err(error)) => self.not_mlflow(&endpoint, status, &kind_of(text, &error)),
        }
    }

    pub fn not_mlflow(&self, endpoint: &str, status: StatusCode, reason: &str) -> Error {
        Error::NotMlflow {
            origin: self.origin.to_string(),
            endpoint: place(endpoint),
            status: status.as_u16(),
            reason: reason.to_owned(),
        }
    }

    pub fn redirected(&self, endpoint: &str, away: &Away) -> Error {
        let to = match away {
            Away::To(origin) => format!("to {}", self.clean(&origin.to_string())),
            Away::Unreadable => "to an address that cannot be read".to_owned(),
        };
        self.redirected_to(endpoint, to)
    }

    pub fn redirected_to(&self, endpoint: &str, to: String) -> Error {
        let origin = self.origin.to_string();
        Error::Redirected {
            origin,
            endpoint: place(endpoint),
            to,
        }
    }

    pub fn failure(&self, endpoint: &str, error: ureq::Error, length: u64) -> Error {
        let origin = self.origin.to_string();
        let endpoint = place(endpoint);
        let unreachable = |reason: &str| Error::Unreachable {
            origin: self.origin.to_string(),
            reason: reason.to_owned(),
        };
        match error {
            ureq::Error::Timeout(_) if self.until.is_some_and(|until| until <= Instant::now()) => {
                Error::OutOfTime
            }
            ureq::Error::Timeout(Timeout::Connect) => unreachable(&format!(
                "no answer within {} s",
                self.connect.as_secs_f64()
            )),
            ureq::Error::Timeout(Timeout::Resolve) => {
                let seconds = self.connect.as_secs_f64();
                unreachable(&format!("its name was not found in {seconds} s"))
            }
            ureq::Error::Timeout(_) => {
                let seconds = self.limit(length).as_secs_f64();
                Error::Silent {
                    origin,
                    endpoint,
                    seconds,
                }
            }
            ureq::Error::HostNotFound => unreachable("its name is not known"),
            ureq::Error::ConnectionFailed => unreachable("the connection failed"),
            ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl => {
                unreachable("the proxy of HTTP_PROXY or HTTPS_PROXY refuses")
            }
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                unreachable("connection refused")
            }
            ureq::Error::Io(error) => match error.downcast::<ureq::Error>() {
                Ok(error) => self.failure(&endpoint, error, length),
                Err(error) => Error::BrokenOff {
                    origin,
                    endpoint,
                    reason: self.clean(&error.to_string()),
                },
            },
            ureq::Error::Tls(reason) => unreachable(reason),
            ureq::Error::Rustls(error) => unreachable(&self.clean(&error.to_string())),
            error => Error::BrokenOff {
                origin,
                endpoint,
                reason: self.clean(&error.to_string()),
            },
        }
    }

    /// A text from outside, cut, without control characters and without our credentials.
    pub fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret, "***");
        }
        printable(&text, 300)
    }
}

/// How long a server asks to wait, for a message. Nobody waits here: the next sync may.
fn wait(retry_after: Option<&str>) -> String {
    match retry_after {
        None | Some("") => String::new(),
        Some(after) if after.parse::<u64>().is_ok() => format!("; it asks to wait {after} s"),
        Some(after) => format!("; it asks to wait until {after}"),
    }
}

/// An endpoint without its query, for messages.
fn place(endpoint: &str) -> String {
    let path = endpoint.split('?').next().unwrap_or_default();
    path.trim_start_matches("/api/2.0/mlflow/")
        .trim_start_matches("/api/2.0/")
        .to_owned()
}

const OTHER_JSON: &str = "JSON of another form";

/// What a body is that is not the JSON that was expected. It is not repeated: nobody knows what it
/// holds.
fn kind_of(text: &[u8], error: &serde_json::Error) -> String {
    let start = text.trim_ascii_start();
    match start.first() {
        None => "an empty answer".to_owned(),
        Some(b'<') => "an HTML page".to_owned(),
        Some(b'{' | b'[') if error.is_eof() => "JSON that is cut off".to_owned(),
        Some(b'{' | b'[') => OTHER_JSON.to_owned(),
        Some(_) => "no JSON".to_owned(),
    }
}
