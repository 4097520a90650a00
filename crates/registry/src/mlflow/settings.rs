//! Which server, and with which credentials: the environment variables of MLflow's own client.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::address::{self, Origin};
use super::client::Client;

/// Why the environment names no server that can be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// `MLFLOW_TRACKING_URI` is not set.
    #[error("MLFLOW_TRACKING_URI is not set: there is no MLflow server to send to")]
    NotSet,
    /// It names a folder or a database.
    #[error(
        "MLFLOW_TRACKING_URI is {what}, not a server; runs are sent only to http:// and https://. \
         Start one with `mlflow server --backend-store-uri ...`"
    )]
    NotAServer {
        /// What it is.
        what: String,
    },
    /// The address cannot be read. It is not repeated: it may hold a password.
    #[error("MLFLOW_TRACKING_URI is not an address: {reason}")]
    Address {
        /// What is wrong.
        reason: &'static str,
    },
    /// A user name without a password, or the reverse.
    #[error("{set} is set, but {missing} is not")]
    Half {
        /// The variable that is set.
        set: &'static str,
        /// The one that is missing.
        missing: &'static str,
    },
    /// A value that no header can hold. It is not repeated.
    #[error("{name} has a line break or another character that no header can hold")]
    Characters {
        /// The variable.
        name: &'static str,
    },
    /// `MLFLOW_TRACKING_INSECURE_TLS`.
    #[error(
        "MLFLOW_TRACKING_INSECURE_TLS is refused: credentials would go to anyone. Name the \
         certificate of the server's authority in MLFLOW_TRACKING_SERVER_CERT_PATH"
    )]
    Insecure,
    /// A way to log in that is not supported.
    #[error("{name} is set, but this way to log in is not supported")]
    Unsupported {
        /// The variable.
        name: &'static str,
    },
    /// `MLFLOW_HTTP_REQUEST_TIMEOUT` is not a number of seconds.
    #[error("MLFLOW_HTTP_REQUEST_TIMEOUT is `{value}`; expected seconds, from 0.05 to 3600")]
    Timeout {
        /// Its value.
        value: String,
    },
    /// The certificate file cannot be read or holds none.
    #[error("cannot use MLFLOW_TRACKING_SERVER_CERT_PATH, {}: {reason}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// `MLFLOW_EXPERIMENT_NAME` cannot be an experiment's name.
    #[error("MLFLOW_EXPERIMENT_NAME is empty or longer than 500 characters")]
    Experiment,
}

/// Credentials. They have no `Debug`.
#[derive(Clone)]
pub(super) enum Credentials {
    Basic { user: String, password: String },
    Bearer { token: String },
}

/// Where the server is and who asks, from the environment.
#[derive(Clone)]
pub struct Settings {
    pub(super) origin: Origin,
    /// Path of the server below its origin, without a slash at its end.
    pub(super) prefix: String,
    pub(super) credentials: Option<Credentials>,
    pub(super) certificates: Option<PathBuf>,
    pub(super) request: Duration,
    /// The most time to look up a name in, and to connect in with TLS.
    pub(super) connect: Duration,
    experiment: Option<String>,
}

/// Shows no credentials.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("origin", &self.origin.to_string())
            .field("prefix", &self.prefix)
            .field("credentials", &self.credentials.as_ref().map(|_| "***"))
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

/// The time for one request where `MLFLOW_HTTP_REQUEST_TIMEOUT` says nothing.
const REQUEST: Duration = Duration::from_secs(10);

/// A server that is there answers sooner, also on another continent.
const CONNECT: Duration = Duration::from_secs(2);

/// Ways to log in that MLflow's client knows and this one does not.
const UNSUPPORTED: [&str; 3] = [
    "MLFLOW_TRACKING_AWS_SIGV4",
    "MLFLOW_TRACKING_AUTH",
    "MLFLOW_TRACKING_CLIENT_CERT_PATH",
];

impl Settings {
    /// Reads the variables that `lookup` knows:
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `MLFLOW_TRACKING_URI` | `http://` or `https://`; a user name and password in it count as the next two |
    /// | `MLFLOW_TRACKING_USERNAME`, `MLFLOW_TRACKING_PASSWORD` | basic authentication |
    /// | `MLFLOW_TRACKING_TOKEN` | bearer token; used where there is no user name |
    /// | `MLFLOW_TRACKING_SERVER_CERT_PATH` | PEM file of the authorities to trust instead of Mozilla's |
    /// | `MLFLOW_TRACKING_INSECURE_TLS` | refused if it is true |
    /// | `MLFLOW_HTTP_REQUEST_TIMEOUT` | seconds for one request, 10 by default; connecting has 2 of them at most |
    /// | `MLFLOW_EXPERIMENT_NAME` | see [`Self::experiment`] |
    ///
    /// A variable that is empty counts as not set. Proxies are taken from `HTTP_PROXY`,
    /// `HTTPS_PROXY` and `NO_PROXY`, except for loopback addresses.
    ///
    /// # Errors
    /// See [`SettingsError`].
    pub fn read(lookup: impl Fn(&'static str) -> Option<String>) -> Result<Self, SettingsError> {
        let get = |name| lookup(name).filter(|value| !value.is_empty());
        let uri = get("MLFLOW_TRACKING_URI").ok_or(SettingsError::NotSet)?;
        let address = server_address(uri.trim())?;
        let is_on = |name| {
            get(name).is_some_and(|value| !["0", "false"].contains(&value.to_lowercase().as_str()))
        };
        if is_on("MLFLOW_TRACKING_INSECURE_TLS") {
            return Err(SettingsError::Insecure);
        }
        if let Some(name) = UNSUPPORTED.into_iter().find(|name| is_on(name)) {
            return Err(SettingsError::Unsupported { name });
        }
        Ok(Self {
            credentials: credentials(&get, address.user)?,
            prefix: address.path.trim_end_matches('/').to_owned(),
            origin: address.origin,
            certificates: get("MLFLOW_TRACKING_SERVER_CERT_PATH").map(PathBuf::from),
            request: get("MLFLOW_HTTP_REQUEST_TIMEOUT").map_or(Ok(REQUEST), seconds)?,
            connect: CONNECT,
            experiment: get("MLFLOW_EXPERIMENT_NAME").map(experiment).transpose()?,
        })
    }

    /// The experiment that runs belong to instead of their own, if the environment names one. It is
    /// for whoever makes a record: a record in the spool keeps the name it has.
    pub fn experiment(&self) -> Option<&str> {
        self.experiment.as_deref()
    }
}

fn server_address(uri: &str) -> Result<address::Address<'_>, SettingsError> {
    let scheme = uri.split(':').next().unwrap_or_default().to_lowercase();
    if scheme != "http" && scheme != "https" {
        let what = match uri.contains(':') {
            true => format!("a `{}:` address", super::text::printable(&scheme, 20)),
            false => "a folder".to_owned(),
        };
        return Err(SettingsError::NotAServer { what });
    }
    let address = address::parse(uri).map_err(|reason| SettingsError::Address { reason })?;
    let clean = address.path.bytes().all(|byte| byte.is_ascii_graphic());
    if address.path.contains('?') || !clean {
        let reason = "its path has a query, a space or characters that must be escaped";
        return Err(SettingsError::Address { reason });
    }
    Ok(address)
}

fn credentials(
    get: &impl Fn(&'static str) -> Option<String>,
    in_address: Option<&str>,
) -> Result<Option<Credentials>, SettingsError> {
    const NAMES: [&str; 3] = [
        "MLFLOW_TRACKING_USERNAME",
        "MLFLOW_TRACKING_PASSWORD",
        "MLFLOW_TRACKING_TOKEN",
    ];
    let [user, password, token] = NAMES.map(get);
    for (name, value) in NAMES.into_iter().zip([&user, &password, &token]) {
        if value
            .as_ref()
            .is_some_and(|value| value.chars().any(char::is_control))
        {
            return Err(SettingsError::Characters { name });
        }
    }
    let half = |set, missing| Err(SettingsError::Half { set, missing });
    match (user, password, in_address, token) {
        (Some(user), Some(password), ..) => Ok(Some(Credentials::Basic { user, password })),
        (Some(_), None, ..) => half(NAMES[0], NAMES[1]),
        (None, Some(_), ..) => half(NAMES[1], NAMES[0]),
        (None, None, Some(text), _) => {
            let (user, password) = text.split_once(':').unwrap_or((text, ""));
            let decoded = (decode(user), decode(password));
            let (Some(user), Some(password)) = decoded else {
                return Err(SettingsError::Characters {
                    name: "MLFLOW_TRACKING_URI",
                });
            };
            Ok(Some(Credentials::Basic { user, password }))
        }
        (None, None, None, Some(token)) if token.is_ascii() => {
            Ok(Some(Credentials::Bearer { token }))
        }
        (None, None, None, Some(_)) => Err(SettingsError::Characters { name: NAMES[2] }),
        (None, None, None, None) => Ok(None),
    }
}

/// Undoes the escapes of an address.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(byte);
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

fn seconds(value: String) -> Result<Duration, SettingsError> {
    match value.trim().parse::<f64>() {
        Ok(seconds) if (0.05..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(SettingsError::Timeout {
            value: super::text::printable(&value, 40),
        }),
    }
}

fn experiment(name: String) -> Result<String, SettingsError> {
    match name.trim().is_empty() || name.chars().count() > 500 {
        true => Err(SettingsError::Experiment),
        false => Ok(name),
    }
}

/// An MLflow server. `Debug` shows no credentials.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    pub(super) client: Client,
}

impl Server {
    /// The server that the environment names; see [`Settings::read`]. Nothing is sent yet.
    ///
    /// # Errors
    /// See [`SettingsError`].
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::new(Settings::read(|name| std::env::var(name).ok())?)
    }

    /// The server of these settings.
    ///
    /// # Errors
    /// If the certificate file cannot be read.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let client = Client::new(&settings)?;
        Ok(Self { settings, client })
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Scheme, host and port, for messages.
    pub fn origin(&self) -> String {
        self.settings.origin.to_string()
    }
}
