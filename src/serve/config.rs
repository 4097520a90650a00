//! Settings of a server. One table of keys serves flags, environment and `easylife.toml`: each key is given by any
//! of them, the flag before the environment before the file.

mod file;
mod keys;
#[cfg(test)]
mod tests;
mod units;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use server::{Limits, Listen};

use self::keys::key;
pub use self::keys::{KEYS, Key};
use self::units::{spell_size, spell_time};
use super::lines::Rotation;
use super::{DEFAULT_ADDRESS, DRAIN_DELAY};
use crate::exit;
pub use crate::settings::{FILE, Setting, ValueSource};

/// A key as somebody gave it.
#[derive(Clone, Debug)]
pub struct Given {
    /// The key, as in the file.
    pub key: &'static str,
    /// One text, or several where the key takes a list.
    pub values: Vec<String>,
    /// Who gave it.
    pub source: ValueSource,
}

/// An address to listen on: `[TASK=]IP:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The task that this listener is for; `None`: all.
    pub task: Option<String>,
    /// The address.
    pub address: SocketAddr,
}

impl Address {
    /// As the server takes it.
    pub fn listen(&self) -> Listen {
        Listen {
            address: self.address,
            scope: self.task.clone(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.task {
            Some(task) => write!(f, "{task}={}", self.address),
            None => write!(f, "{}", self.address),
        }
    }
}

impl std::str::FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (task, address) = match text.split_once('=') {
            Some((task, address)) => (Some(task.to_owned()), address),
            None => (None, text),
        };
        let address = socket_address(address)?;
        Ok(Self { task, address })
    }
}

/// `IP:PORT`, `localhost:PORT`, or a port alone on loopback.
fn socket_address(text: &str) -> Result<SocketAddr, String> {
    let loopback = |port: &str| {
        Some(SocketAddr::new(
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            port.parse().ok()?,
        ))
    };
    let local = text
        .strip_prefix("localhost:")
        .or(Some(text))
        .and_then(loopback);
    text.parse().ok().or(local).ok_or_else(|| {
        format!("`{text}` is not an address; expected IP:PORT, such as 127.0.0.1:8080, or 0.0.0.0:8080 for all interfaces")
    })
}

/// The settings of a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Tasks to serve; empty: those with a model.
    pub tasks: Setting<Vec<String>>,
    /// Model files, each of a task or of an arm of it.
    pub models: Setting<Vec<(String, PathBuf)>>,
    /// The folder of the registry that names are looked up in.
    pub registry: Setting<Option<PathBuf>>,
    /// Whether models must be signed.
    pub require_signature: Setting<bool>,
    /// The public keys that are trusted.
    pub trusted_keys: Setting<Vec<PathBuf>>,
    /// Arms, and how many percent of the users they answer.
    pub weights: Setting<Vec<(String, f64)>>,
    /// Arms that get copies of requests.
    pub shadows: Setting<Vec<String>>,
    /// Where it listens.
    pub listen: Setting<Vec<Address>>,
    /// Where admin routes are answered.
    pub admin_listen: Setting<Option<SocketAddr>>,
    /// I/O threads.
    pub threads: Setting<usize>,
    /// From SIGTERM to the end of new connections.
    pub drain_delay: Setting<Duration>,
    /// From then to the end of what runs.
    pub drain_limit: Setting<Duration>,
    /// Between two looks at the model files; `None`: never.
    pub reload_interval: Setting<Option<Duration>>,
    /// Where the access log goes; `-`: stderr.
    pub access_log: Setting<Option<PathBuf>>,
    /// Where answered requests are recorded.
    pub request_log: Setting<Option<PathBuf>>,
    /// How many percent of them.
    pub request_log_share: Setting<f64>,
    /// Whether with what clients sent.
    pub request_log_content: Setting<bool>,
    /// From how many bytes on the file is moved away.
    pub request_log_size: Setting<usize>,
    /// How many that were moved away are kept.
    pub request_log_keep: Setting<usize>,
    /// Where it stands who asked what, in a chain.
    pub audit_log: Setting<Option<PathBuf>>,
    /// What signs it.
    pub audit_key: Setting<Option<PathBuf>>,
    /// Who may ask.
    pub tokens: Setting<Option<PathBuf>>,
    /// Whether tokens may go over plain HTTP beyond loopback.
    pub allow_plain_tokens: Setting<bool>,
    /// The server's certificate.
    pub tls_cert: Setting<Option<PathBuf>>,
    /// Its key.
    pub tls_key: Setting<Option<PathBuf>>,
    /// Authorities of clients' certificates.
    pub tls_client_ca: Setting<Option<PathBuf>>,
    /// Limits, by key.
    limits: Vec<(&'static str, Setting<Amount>)>,
}

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Amount {
    Count(usize),
    Bytes(usize),
    Time(Duration),
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Bytes(bytes) => write!(f, "{}", spell_size(*bytes)),
            Self::Time(time) => write!(f, "{}", spell_time(*time)),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let limits = Limits::default();
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let (count, bytes, time) = (Amount::Count, Amount::Bytes, Amount::Time);
        let limits = vec![
            ("max-connections", count(limits.connections).into()),
            ("max-head", bytes(limits.head_bytes).into()),
            ("max-body", bytes(limits.body_bytes).into()),
            ("max-unpacked", bytes(limits.unpacked_bytes).into()),
            ("max-bytes-in-flight", bytes(limits.bytes_in_flight).into()),
            ("max-rows", count(limits.rows).into()),
            ("max-rows-in-flight", count(limits.rows_in_flight).into()),
            ("pool-threads", count(cores).into()),
            ("pool-waiting", count(limits.pool_waiting).into()),
            ("first-byte-timeout", time(limits.first_byte).into()),
            ("head-timeout", time(limits.head).into()),
            ("body-timeout", time(limits.body).into()),
            ("request-timeout", time(limits.request).into()),
            ("idle-timeout", time(limits.idle).into()),
            ("write-timeout", time(limits.write).into()),
        ];
        let address = DEFAULT_ADDRESS;
        Self {
            tasks: Vec::new().into(),
            models: Vec::new().into(),
            registry: None.into(),
            require_signature: false.into(),
            trusted_keys: Vec::new().into(),
            weights: Vec::new().into(),
            shadows: Vec::new().into(),
            listen: vec![Address {
                task: None,
                address,
            }]
            .into(),
            admin_listen: None.into(),
            threads: cores.into(),
            drain_delay: DRAIN_DELAY.into(),
            drain_limit: Duration::from_secs(60).into(),
            reload_interval: Some(Duration::from_secs(2)).into(),
            access_log: None.into(),
            request_log: None.into(),
            request_log_share: 100.0.into(),
            request_log_content: false.into(),
            request_log_size: (100 << 20).into(),
            request_log_keep: 5.into(),
            audit_log: None.into(),
            audit_key: None.into(),
            tokens: None.into(),
            allow_plain_tokens: false.into(),
            tls_cert: None.into(),
            tls_key: None.into(),
            tls_client_ca: None.into(),
            limits,
        }
    }
}

impl Settings {
    /// The settings: defaults, then the file, then what flags and environment gave.
    ///
    /// # Errors
    /// A file that cannot be read, a key that is unknown, or a value that does not fit, with its place (exit 2).
    pub fn new(file: Option<&Path>, given: &[Given]) -> Result<Self> {
        let mut settings = Self::default();
        if let Some(path) = file {
            let folder = path.parent().unwrap_or(Path::new(""));
            let shown = path.display().to_string();
            settings.read(&shown, folder, &crate::settings::read(path)?)?;
        }
        for given in given {
            let key = key(given.key);
            let refuse = |reason| {
                let who = match &given.source {
                    ValueSource::Environment(name) => name.clone(),
                    _ => format!("--{}", given.key),
                };
                exit::usage(format!("{who}: {reason}"))
            };
            (key.set)(&mut settings, key.name, &given.values, given.source.clone())
                .map_err(refuse)?;
        }
        Ok(settings)
    }

    /// When the request log is moved away.
    pub(super) fn rotation(&self) -> Rotation {
        Rotation {
            bytes: self.request_log_size.value as u64,
            keep: self.request_log_keep.value,
        }
    }

    /// Keys with their values, and where those come from.
    pub fn shown(&self) -> Vec<(&'static str, String, ValueSource)> {
        let shown = |key: &Key| {
            let (value, source) = (key.show)(self, key.name);
            (key.name, value, source)
        };
        KEYS.iter().map(shown).collect()
    }

    /// The limits, as the server takes them.
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        for (name, Setting { value, .. }) in &self.limits {
            match (*name, *value) {
                ("max-connections", Amount::Count(count)) => limits.connections = count,
                ("max-head", Amount::Bytes(bytes)) => limits.head_bytes = bytes,
                ("max-body", Amount::Bytes(bytes)) => limits.body_bytes = bytes,
                ("max-unpacked", Amount::Bytes(bytes)) => limits.unpacked_bytes = bytes,
                ("max-bytes-in-flight", Amount::Bytes(bytes)) => limits.bytes_in_flight = bytes,
                ("max-rows", Amount::Count(count)) => limits.rows = count,
                ("max-rows-in-flight", Amount::Count(count)) => limits.rows_in_flight = count,
                ("pool-threads", Amount::Count(count)) => limits.pool = count,
                ("pool-waiting", Amount::Count(count)) => limits.pool_waiting = count,
                ("first-byte-timeout", Amount::Time(time)) => limits.first_byte = time,
                ("head-timeout", Amount::Time(time)) => limits.head = time,
                ("body-timeout", Amount::Time(time)) => limits.body = time,
                ("request-timeout", Amount::Time(time)) => limits.request = time,
                ("idle-timeout", Amount::Time(time)) => limits.idle = time,
                ("write-timeout", Amount::Time(time)) => limits.write = time,
                (name, amount) => unreachable!("{name}: {amount}"),
            }
        }
        limits
    }
}
