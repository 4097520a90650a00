//! Requests to one server: credentials, timeouts and redirects.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use ureq::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, AsSendBody, Body};

use super::address::{self, Origin};
use super::answer::Answer;
use super::error::Error;
use super::login;
use super::settings::{Settings, SettingsError};
use super::wire::Nothing;

/// Redirects within the server that are followed for one request.
const REDIRECTS: usize = 3;

/// The longest answer that is read, in bytes. 20,000 metrics have about 2 MB.
const ANSWER: u64 = 64 << 20;

/// Bytes a second that a file must go or come with, beside the time for one request.
const FILE_SPEED: u64 = 1 << 20;

/// How long a connection is kept without a request. Shorter than the five seconds of MLflow's
/// server (uvicorn), which then closes it.
const IDLE: Duration = Duration::from_secs(3);

/// What goes with a request.
#[derive(Clone, Copy)]
pub(super) enum Payload<'a> {
    None,
    Json(&'a [u8]),
    /// An open file and its length.
    File(&'a File, u64),
}

/// One server. Its `Debug` shows no credentials. Clones share their connections.
#[derive(Clone)]
pub(super) struct Client {
    agent: Agent,
    pub(super) origin: Origin,
    prefix: String,
    authorization: Option<HeaderValue>,
    /// Texts that no message may repeat.
    pub(super) secrets: Vec<String>,
    request: Duration,
    pub(super) connect: Duration,
    /// When all requests must be over.
    pub(super) until: Option<Instant>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({}{})", self.origin, self.prefix)
    }
}

impl Client {
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let roots = match &settings.certificates {
            Some(path) => login::certificates(path)?,
            None => RootCerts::WebPki,
        };
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .timeout_resolve(Some(settings.connect))
            .timeout_connect(Some(settings.connect))
            .max_idle_age(IDLE)
            .user_agent(concat!("easylife/", env!("CARGO_PKG_VERSION")));
        if settings.origin.is_loopback() {
            config = config.proxy(None);
        }
        let credentials = settings.credentials.as_ref();
        let authorization = credentials.map(login::authorization);
        Ok(Self {
            agent: config.build().into(),
            origin: settings.origin.clone(),
            prefix: settings.prefix.clone(),
            secrets: credentials.map_or_else(Vec::new, login::secrets),
            authorization: authorization.transpose()?,
            request: settings.request,
            connect: settings.connect,
            until: None,
        })
    }

    /// The same server, for requests that are over at `until`; None for no such time.
    pub fn until(&self, until: Option<Instant>) -> Self {
        Self {
            until,
            ..self.clone()
        }
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Asks and reads an answer of the form `T`.
    pub fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        endpoint: &str,
        payload: Payload<'_>,
    ) -> Result<T, Error> {
        let response = self.send(method, endpoint, payload, 0)?;
        let answer = self.answer(endpoint, response)?;
        match answer.status {
            StatusCode::OK => self.object(endpoint, &answer),
            _ => Err(self.refusal(endpoint, &answer)),
        }
    }

    /// Stores a file. The answer may be empty, as that of a proxy in front of the artifacts is.
    pub fn store_file(&self, endpoint: &str, file: &File, length: u64) -> Result<(), Error> {
        let response = self.send(Method::PUT, endpoint, Payload::File(file, length), 0)?;
        let answer = self.answer(endpoint, response)?;
        match answer.status {
            StatusCode::OK if answer.text.is_empty() => Ok(()),
            StatusCode::OK => self.object(endpoint, &answer).map(|_: Nothing| ()),
            _ => Err(self.refusal(endpoint, &answer)),
        }
    }

    /// Reads a file of the server; `length` is what it should have. No more than one byte beyond it
    /// is read.
    pub fn read_file(
        &self,
        endpoint: &str,
        length: u64,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Error> {
        let response = self.send(Method::GET, endpoint, Payload::None, length)?;
        if response.status() != StatusCode::OK {
            let answer = self.answer(endpoint, response)?;
            return Err(self.refusal(endpoint, &answer));
        }
        let body = response.into_body().into_with_config().limit(u64::MAX);
        // One byte more than there should be is enough to tell.
        let mut body = body.reader().take(length.saturating_add(1));
        let mut buffer = vec![0; 1 << 16];
        loop {
            match body.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => take(&buffer[..read]),
                Err(error) => return Err(self.failure(endpoint, ureq::Error::from(error), length)),
            }
        }
    }

    /// Sends a request, following redirects that stay at the origin. `coming` is the length of the
    /// file that is expected.
    fn send(
        &self,
        method: Method,
        endpoint: &str,
        payload: Payload<'_>,
        coming: u64,
    ) -> Result<Response<Body>, Error> {
        let mut path = format!("{}{endpoint}", self.prefix);
        for _ in 0..=REDIRECTS {
            let response = self.send_once(&method, endpoint, &path, payload, coming)?;
            let status = response.status().as_u16();
            if !matches!(status, 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            let location = response.headers().get(header::LOCATION);
            let location = location
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default();
            let next = address::redirect(&self.origin, &path, location);
            path = next.map_err(|away| self.redirected(endpoint, &away))?;
            if method != Method::GET && status < 307 {
                let to = format!("with status {status}, which would turn the request into a GET");
                return Err(self.redirected_to(endpoint, to));
            }
        }
        Err(self.redirected_to(endpoint, "in a loop".to_owned()))
    }

    fn send_once(
        &self,
        method: &Method,
        endpoint: &str,
        path: &str,
        payload: Payload<'_>,
        coming: u64,
    ) -> Result<Response<Body>, Error> {
        let url = format!("{}{path}", self.origin);
        let mut request = Request::builder().method(method).uri(url);
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let length = match payload {
            Payload::File(_, length) => length + coming,
            _ => coming,
        };
        let fail = |error| self.failure(endpoint, error, length);
        let limit = Some(self.time_left(length)?);
        let sent = match payload {
            Payload::None => request
                .body(())
                .map(|request| self.exchange(request, limit)),
            Payload::Json(text) => {
                let request = request.header(header::CONTENT_TYPE, "application/json");
                request
                    .body(text)
                    .map(|request| self.exchange(request, limit))
            }
            Payload::File(mut file, length) => {
                file.rewind().map_err(|error| fail(error.into()))?;
                let request = request
                    .header(header::CONTENT_TYPE, "application/octet-stream")
                    .header(header::CONTENT_LENGTH, length);
                request
                    .body(file)
                    .map(|request| self.exchange(request, limit))
            }
        };
        sent.map_err(|error| fail(error.into()))?.map_err(fail)
    }

    fn exchange(
        &self,
        request: Request<impl AsSendBody>,
        limit: Option<Duration>,
    ) -> Result<Response<Body>, ureq::Error> {
        let request = self.agent.configure_request(request);
        self.agent.run(request.timeout_global(limit).build())
    }

    /// The time for a request with a file of this length.
    pub(super) fn limit(&self, length: u64) -> Duration {
        self.request + Duration::from_secs(length / FILE_SPEED)
    }

    /// The time for a request that begins now.
    fn time_left(&self, length: u64) -> Result<Duration, Error> {
        let limit = self.limit(length);
        let Some(until) = self.until else {
            return Ok(limit);
        };
        let left = until.saturating_duration_since(Instant::now());
        match left.is_zero() {
            true => Err(Error::OutOfTime),
            false => Ok(limit.min(left)),
        }
    }

    fn answer(&self, endpoint: &str, response: Response<Body>) -> Result<Answer, Error> {
        let status = response.status();
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok());
        let retry_after = retry_after.map(|value| self.clean(value));
        let text = response
            .into_body()
            .into_with_config()
            .limit(ANSWER)
            .read_to_vec();
        match text {
            Ok(text) => Ok(Answer {
                status,
                retry_after,
                text,
            }),
            Err(ureq::Error::BodyExceedsLimit(_)) => {
                Err(self.not_mlflow(endpoint, status, "more than 64 MB"))
            }
            Err(error) => Err(self.failure(endpoint, error, 0)),
        }
    }
}
