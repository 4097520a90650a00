//! Requests to one bucket: signed, sent, and sent again where that makes sense.

use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use p256::elliptic_curve::Generate;
use rusty_s3::actions::{ListObjectsV2, ListObjectsV2Response};
use rusty_s3::{Bucket, Credentials, S3Action};
use ureq::http::{HeaderMap, Method, Request, StatusCode, header};
use ureq::tls::TlsConfig;
use ureq::{Agent, SendBody};
use url::Url;

use super::answer::{Answer, kind_of};
use super::error::Error;
use super::settings::Settings;

/// How often a request is sent at most.
pub(super) const ATTEMPTS: u32 = 6;

/// The longest wait before the second attempt; it doubles with each, so it is about 6 s for all.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// How long a signed address is valid: what AWS allows clocks to differ.
const VALID: Duration = Duration::from_secs(15 * 60);

/// How long a connection is kept without a request. S3 closes them after some seconds.
const IDLE: Duration = Duration::from_secs(3);

/// The longest page of a listing that is read, in bytes. One has 1,000 names of at most 1 KiB.
const PAGE: u64 = 16 << 20;

/// What the metadata of our objects are called.
pub(super) const SHA256: &str = "x-amz-meta-sha256";
pub(super) const WRITER: &str = "x-amz-meta-writer";

/// Headers that are sent and signed.
pub(super) type Headers = Vec<(&'static str, String)>;

/// What goes with a request.
pub(super) enum Payload<'p> {
    None,
    Bytes(&'p [u8]),
    /// A stream and its length.
    Stream(&'p mut dyn Read, u64),
}

/// One bucket. Clones share their connections. Its `Debug` shows no credentials.
#[derive(Clone)]
pub(super) struct Client {
    agent: Agent,
    pub bucket: Bucket,
    pub credentials: Credentials,
    /// Scheme, host and port, for messages.
    pub server: String,
    pub connect: Duration,
    pub silence: Duration,
    pause: Arc<dyn Fn(Duration) + Send + Sync>,
    /// Whether the server was seen to refuse to overwrite an object.
    is_conditional: Arc<AtomicBool>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.bucket.base_url())
    }
}

impl Client {
    pub fn new(settings: &Settings) -> Self {
        let url = settings.bucket.base_url();
        let tls = TlsConfig::builder().root_certs(settings.certificates.clone());
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(tls.build())
            .timeout_resolve(Some(settings.connect))
            .timeout_connect(Some(settings.connect))
            .timeout_per_read(Some(settings.silence))
            .timeout_per_write(Some(settings.silence))
            .max_idle_age(IDLE)
            .user_agent(concat!("easylife/", env!("CARGO_PKG_VERSION")));
        if is_loopback(url) {
            config = config.proxy(None);
        }
        Self {
            agent: config.build().into(),
            server: url.origin().ascii_serialization(),
            bucket: settings.bucket.clone(),
            credentials: settings.credentials.clone(),
            connect: settings.connect,
            silence: settings.silence,
            pause: Arc::clone(&settings.pause),
            is_conditional: Arc::default(),
        }
    }

    /// The bucket as `s3://NAME`.
    pub fn bucket_address(&self) -> String {
        format!("s3://{}", self.bucket.name())
    }

    /// Asks for an object from byte `from` on; `etag` is that of the object that was begun.
    pub fn get(&self, key: &str, from: u64, etag: Option<&str>) -> Result<Answer, Error> {
        let mut headers = Headers::new();
        if from > 0 {
            headers.push(("range", format!("bytes={from}-")));
        }
        headers.extend(etag.map(|etag| ("if-match", etag.to_owned())));
        let action = self.bucket.get_object(Some(&self.credentials), key);
        let answer = self.exchange(Method::GET, action, &headers, Payload::None)?;
        self.of_object(answer)
    }

    /// The headers of an object; None if it is absent.
    pub fn head(&self, key: &str) -> Result<Option<HeaderMap>, Error> {
        let action = self.bucket.head_object(Some(&self.credentials), key);
        let answer = self.exchange(Method::HEAD, action, &Headers::new(), Payload::None)?;
        match self.of_object(answer)? {
            Answer::Done(response) => Ok(Some(response.into_parts().0.headers)),
            Answer::Absent => Ok(None),
            Answer::Taken => Err(self.no_condition()),
        }
    }

    /// Status 412 where no condition was sent.
    pub fn no_condition(&self) -> Error {
        self.not_s3(412, "a condition that was not set")
    }

    /// Puts an object in place of the one that is there, if any.
    pub fn replace(&self, key: &str, headers: &Headers, bytes: &[u8]) -> Result<(), Error> {
        match self.put(key, headers, Payload::Bytes(bytes))? {
            true => Ok(()),
            false => Err(self.no_condition()),
        }
    }

    /// Puts an object; returns false if a condition among `headers` is not met.
    pub fn put(&self, key: &str, headers: &Headers, payload: Payload<'_>) -> Result<bool, Error> {
        let action = self.bucket.put_object(Some(&self.credentials), key);
        let answer = self.exchange(Method::PUT, action, headers, payload)?;
        match self.of_object(answer)? {
            Answer::Done(_) => Ok(true),
            Answer::Taken => Ok(false),
            Answer::Absent => Err(self.not_s3(404, "no reason")),
        }
    }

    /// Removes an object, if it is there.
    pub fn delete(&self, key: &str) -> Result<(), Error> {
        let action = self.bucket.delete_object(Some(&self.credentials), key);
        match self.exchange(Method::DELETE, action, &Headers::new(), Payload::None)? {
            Answer::Done(response) if response.status() != StatusCode::NO_CONTENT => Err(self
                .not_s3(
                    response.status().as_u16(),
                    "no sign that the object is removed",
                )),
            Answer::Taken => Err(self.no_condition()),
            Answer::Done(_) | Answer::Absent => Ok(()),
        }
    }

    /// One page of the names that begin with `prefix`.
    pub fn list(&self, prefix: &str, token: Option<&str>) -> Result<ListObjectsV2Response, Error> {
        let mut action = self.bucket.list_objects_v2(Some(&self.credentials));
        action.with_prefix(prefix);
        if let Some(token) = token {
            action.with_continuation_token(token);
        }
        let Answer::Done(response) =
            self.exchange(Method::GET, action, &Headers::new(), Payload::None)?
        else {
            return Err(self.not_s3(404, "no listing"));
        };
        let status = response.status().as_u16();
        let body = response
            .into_body()
            .into_with_config()
            .limit(PAGE)
            .read_to_vec();
        let text = match body {
            Err(ureq::Error::BodyExceedsLimit(_)) => {
                return Err(self.not_s3(status, "a listing of more than 16 MiB"));
            }
            body => body.map_err(|error| self.failure(error))?,
        };
        let parsed = std::str::from_utf8(&text)
            .ok()
            .map(ListObjectsV2::parse_response);
        match parsed {
            Some(Ok(page)) => Ok(page),
            _ => Err(self.not_s3(status, kind_of(&text))),
        }
    }

    /// Makes sure, once for each client, that the server does not overwrite objects that must not
    /// be. `key` is that of an object which stays: whoever comes second proves it.
    pub fn prove_conditional(&self, key: &str) -> Result<(), Error> {
        const TEXT: &[u8] = b"Shows whether this server honours If-None-Match; leave it here.\n";
        if self.is_conditional.load(Ordering::Relaxed) {
            return Ok(());
        }
        let headers = vec![("if-none-match", "*".to_owned())];
        for _ in 0..2 {
            if !self.retry(|_| self.put(key, &headers, Payload::Bytes(TEXT)))? {
                self.is_conditional.store(true, Ordering::Relaxed);
                return Ok(());
            }
        }
        let _ = self.delete(key); // the error to report is that of the server
        Err(Error::Unconditional {
            server: self.server.clone(),
        })
    }

    /// Tries again, after a growing random pause, what may succeed then. `once` gets the number of
    /// the attempt, from 0.
    pub fn retry<T, E: Transient>(
        &self,
        mut once: impl FnMut(u32) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut attempt = 0;
        loop {
            match once(attempt) {
                Err(error) if error.may_pass() && attempt + 1 < ATTEMPTS => self.pause(attempt),
                done => return done,
            }
            attempt += 1;
        }
    }

    pub fn pause(&self, attempt: u32) {
        let longest = FIRST_PAUSE * (1 << attempt.min(ATTEMPTS));
        let drawn = f64::from(u32::try_generate().unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        (self.pause)(longest.mul_f64(drawn));
    }

    fn exchange<'a>(
        &self,
        method: Method,
        mut action: impl S3Action<'a>,
        headers: &Headers,
        payload: Payload<'_>,
    ) -> Result<Answer, Error> {
        for (name, value) in headers {
            action.headers_mut().insert(*name, value.clone());
        }
        let url = action.sign(VALID);
        let is_head = method == Method::HEAD;
        let mut request = Request::builder().method(method).uri(url.as_str());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let sent = match payload {
            Payload::None => request.body(()).map(|request| self.agent.run(request)),
            Payload::Bytes(bytes) => request.body(bytes).map(|request| self.agent.run(request)),
            Payload::Stream(mut reader, length) => request
                .header(header::CONTENT_LENGTH, length)
                .body(SendBody::from_reader(&mut reader))
                .map(|request| self.agent.run(request)),
        };
        let response = sent
            .map_err(|error| self.failure(error.into()))?
            .map_err(|error| self.failure(error))?;
        self.sort(response, is_head)
    }

    /// Refuses an answer without `ETag`: S3 never leaves it out, and another server's page would be
    /// taken for the object.
    fn of_object(&self, answer: Answer) -> Result<Answer, Error> {
        match answer {
            Answer::Done(response) if !response.headers().contains_key(header::ETAG) => {
                Err(self.not_s3(response.status().as_u16(), "no ETag"))
            }
            answer => Ok(answer),
        }
    }
}

/// An error after which the same may succeed.
pub(super) trait Transient {
    fn may_pass(&self) -> bool;
}

impl Transient for Error {
    fn may_pass(&self) -> bool {
        self.may_pass()
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
