//! Settings of a server. One table of keys serves flags, environment and `easylife.toml`: each key is given by any
//! of them, the flag before the environment before the file.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use server::{Limits, Listen};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{DEFAULT_ADDRESS, DRAIN_DELAY};
use crate::exit;
use crate::params::near_miss;

/// The file, in the project's folder.
pub const FILE: &str = "easylife.toml";
/// The least that the head of a request may have: less is too little for what browsers send.
const SMALLEST_HEAD: usize = 8 << 10;
/// Limits that are no limits: above them the counters and clocks of the server would end.
const LARGEST_COUNT: usize = 1_000_000_000;
const LONGEST_TIME: Duration = Duration::from_secs(365 * 24 * 3600);
/// Its table for `serve`.
const TABLE: &str = "serve";

/// Where a value comes from; later ones go before earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValueSource {
    /// Nobody said anything.
    Default,
    /// A line of a file.
    File(String),
    /// A variable.
    Environment(String),
    /// A flag.
    Flag,
}

impl fmt::Display for ValueSource {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(place) => f.write_str(place),
            Self::Environment(name) => f.write_str(name),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// A value, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub source: ValueSource,
}

impl<T> From<T> for Setting<T> {
    fn from(value: T) -> Self {
        let source = ValueSource::Default;
        Self { value, source }
    }
}

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
    /// Model files, each of a task.
    pub models: Setting<Vec<(String, PathBuf)>>,
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

/// A key of the settings.
pub struct Key {
    /// In the file, and as a flag behind `--`.
    pub name: &'static str,
    /// What a value is called in `--help`.
    pub value: &'static str,
    /// What it does.
    pub help: &'static str,
    /// Whether it may be given several times.
    pub many: bool,
    /// The flag of one letter.
    pub short: Option<char>,
    /// Where it stands in the file: a table for models, a list or a value.
    set: fn(&mut Settings, &'static str, &[String], ValueSource) -> Result<(), String>,
    /// How a value is shown.
    show: fn(&Settings, &'static str) -> (String, ValueSource),
}

impl Key {
    /// The variable.
    pub fn variable(&self) -> String {
        format!(
            "EASYLIFE_SERVE_{}",
            self.name.replace('-', "_").to_uppercase()
        )
    }
}

macro_rules! key {
    ($name:literal, $value:literal, $field:ident, $parse:expr, $show:expr, $help:literal) => {
        Key {
            name: $name,
            value: $value,
            help: $help,
            many: false,
            short: None,
            set: |settings, _, values, source| {
                settings.$field = Setting {
                    value: $parse(one(values)?)?,
                    source,
                };
                Ok(())
            },
            show: |settings, _| {
                (
                    $show(&settings.$field.value),
                    settings.$field.source.clone(),
                )
            },
        }
    };
}

macro_rules! limit {
    ($name:literal, $value:literal, $help:literal) => {
        Key {
            name: $name,
            value: $value,
            help: $help,
            many: false,
            short: None,
            set: set_limit,
            show: show_limit,
        }
    };
}

/// Every key, in the order of `--help`.
pub const KEYS: &[Key] = &[
    Key {
        name: "model",
        value: "TASK=MODEL",
        help: "Model file of a task [default: the project's models/TASK.safetensors]",
        many: true,
        short: Some('m'),
        set: |settings, _, values, source| {
            let value = values
                .iter()
                .map(|text| model(text))
                .collect::<Result<_, _>>()?;
            settings.models = Setting { value, source };
            Ok(())
        },
        show: |settings, _| {
            let shown = |(task, path): &(String, PathBuf)| format!("{task}={}", path.display());
            let models = &settings.models;
            (list(models.value.iter().map(shown)), models.source.clone())
        },
    },
    Key {
        name: "listen",
        value: "[TASK=]ADDR",
        help: "Address to listen on, IP:PORT; with TASK= for that task alone [default: 127.0.0.1:8080]",
        many: true,
        short: None,
        set: |settings, _, values, source| {
            let value = values
                .iter()
                .map(|text| text.parse())
                .collect::<Result<_, _>>()?;
            settings.listen = Setting { value, source };
            Ok(())
        },
        show: |settings, _| {
            let listen = &settings.listen;
            (
                list(listen.value.iter().map(Address::to_string)),
                listen.source.clone(),
            )
        },
    },
    key!(
        "admin-listen",
        "ADDR",
        admin_listen,
        |text: &str| socket_address(text).map(Some),
        |value: &Option<SocketAddr>| value
            .map_or_else(|| "-".to_owned(), |address| address.to_string()),
        "Load and unload models by requests to this address alone [default: to any address of loopback]"
    ),
    key!(
        "io-threads",
        "N",
        threads,
        count,
        usize::to_string,
        "Threads that read requests and answer small ones [default: one per core]"
    ),
    key!(
        "drain-delay",
        "TIME",
        drain_delay,
        time,
        spell,
        "Go on serving for so long after SIGTERM, not ready any more, so that load balancers see it [default: 5s]"
    ),
    key!(
        "drain-limit",
        "TIME",
        drain_limit,
        time,
        spell,
        "End requests that still run so long after that [default: 60s]"
    ),
    key!(
        "reload-interval",
        "TIME",
        reload_interval,
        |text: &str| Ok::<_, String>(Some(time(text)?).filter(|time| !time.is_zero())),
        |value: &Option<Duration>| value.map_or_else(|| "0".to_owned(), spell_time),
        "Look at the files of models, tokens and certificates so often, and read those that changed; 0: never [default: 2s]"
    ),
    key!(
        "access-log",
        "FILE",
        access_log,
        |text: &str| Ok::<_, String>(Some(PathBuf::from(text))),
        |value: &Option<PathBuf>| value
            .as_ref()
            .map_or_else(String::new, |path| path.display().to_string()),
        "Write a line of JSON for each request, without content; `-`: to stderr [default: none]"
    ),
    key!(
        "tokens",
        "FILE",
        tokens,
        |text: &str| Ok::<_, String>(Some(PathBuf::from(text))),
        shown_path,
        "Ask for a bearer token of this file: names, scopes and SHA-256 of tokens [default: ask nobody]"
    ),
    key!(
        "allow-plain-tokens",
        "BOOL",
        allow_plain_tokens,
        boolean,
        bool::to_string,
        "Take tokens over plain HTTP beyond loopback, where something else encrypts [default: false]"
    ),
    key!(
        "tls-cert",
        "FILE",
        tls_cert,
        |text: &str| Ok::<_, String>(Some(PathBuf::from(text))),
        shown_path,
        "Certificate in PEM, with those between it and an authority: listen for HTTPS"
    ),
    key!(
        "tls-key",
        "FILE",
        tls_key,
        |text: &str| Ok::<_, String>(Some(PathBuf::from(text))),
        shown_path,
        "Its private key in PEM"
    ),
    key!(
        "tls-client-ca",
        "FILE",
        tls_client_ca,
        |text: &str| Ok::<_, String>(Some(PathBuf::from(text))),
        shown_path,
        "Authorities in PEM, of which clients must have a certificate"
    ),
    limit!(
        "max-connections",
        "N",
        "Open connections; more get 503 [default: 10000]"
    ),
    limit!(
        "max-head",
        "BYTES",
        "Bytes of a request's head; 431 above [default: 16KiB]"
    ),
    limit!(
        "max-body",
        "BYTES",
        "Bytes of a body; 413 above [default: 32MiB]"
    ),
    limit!(
        "max-unpacked",
        "BYTES",
        "Bytes of an unpacked body; 413 above [default: 64MiB]"
    ),
    limit!(
        "max-bytes-in-flight",
        "BYTES",
        "Bytes of all bodies in memory; 503 above [default: 512MiB]"
    ),
    limit!(
        "max-rows",
        "N",
        "Rows of a request; 413 above [default: 100000]"
    ),
    limit!(
        "max-rows-in-flight",
        "N",
        "Rows of all requests that run or wait; 503 above [default: 200000]"
    ),
    limit!(
        "pool-threads",
        "N",
        "Threads for photos and large requests [default: one per core]"
    ),
    limit!(
        "pool-waiting",
        "N",
        "Requests that may wait for them; 503 above [default: 16]"
    ),
    limit!(
        "first-byte-timeout",
        "TIME",
        "To the first byte of a connection [default: 10s]"
    ),
    limit!(
        "head-timeout",
        "TIME",
        "From there to the end of the head; 408 after it [default: 10s]"
    ),
    limit!(
        "body-timeout",
        "TIME",
        "To the end of the body; 408 after it [default: 30s]"
    ),
    limit!(
        "request-timeout",
        "TIME",
        "To the answer; 504 after it [default: 60s]"
    ),
    limit!(
        "idle-timeout",
        "TIME",
        "Between two requests of a connection [default: 75s]"
    ),
    limit!(
        "write-timeout",
        "TIME",
        "Without progress of a response [default: 30s]"
    ),
];

fn shown_path(path: &Option<PathBuf>) -> String {
    path.as_ref()
        .map_or_else(String::new, |path| path.display().to_string())
}

fn boolean(text: &str) -> Result<bool, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is neither true nor false"))
}

fn one(values: &[String]) -> Result<&str, String> {
    match values {
        [value] => Ok(value),
        _ => Err("takes one value".to_owned()),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

fn model(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((task, path)) if !path.is_empty() => Ok((task.to_owned(), path.into())),
        _ => Err(format!(
            "`{text}` is not TASK=MODEL, such as nlp=models/nlp.safetensors"
        )),
    }
}

fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..=LARGEST_COUNT).contains(&count) => Ok(count),
        _ => Err(format!(
            "`{text}` is not a whole number from 1 to {LARGEST_COUNT}"
        )),
    }
}

/// `5s`, `250ms`, `2m`, or seconds.
fn time(text: &str) -> Result<Duration, String> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let unit = units
        .iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)));
    let (number, seconds) = unit.unwrap_or((text, 1.0));
    let number: Option<f64> = number.trim().parse().ok();
    number
        .and_then(|number| Duration::try_from_secs_f64(number * seconds).ok())
        .filter(|time| *time <= LONGEST_TIME)
        .ok_or_else(|| format!("`{text}` is not a time, such as 5s, 250ms or 2m"))
}

/// `64KiB`, `10MB`, or bytes.
fn size(text: &str) -> Result<usize, String> {
    const UNITS: [(&str, usize); 7] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("B", 1),
    ];
    let unit = UNITS
        .iter()
        .find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, *bytes)));
    let (number, bytes) = unit.unwrap_or((text, 1));
    let number: Option<usize> = number.trim().parse().ok();
    match number.and_then(|number| number.checked_mul(bytes)) {
        Some(size) if size > 0 => Ok(size),
        _ => Err(format!(
            "`{text}` is not a size, such as 64KiB, 32MiB or 10MB"
        )),
    }
}

fn spell(time: &Duration) -> String {
    spell_time(*time)
}

fn spell_time(time: Duration) -> String {
    match time.subsec_nanos() {
        0 => format!("{}s", time.as_secs()),
        _ => format!("{}ms", time.as_secs_f64() * 1e3),
    }
}

fn spell_size(bytes: usize) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let unit = units
        .iter()
        .find(|(_, bits)| bytes > 0 && bytes.is_multiple_of(1 << bits));
    unit.map_or_else(
        || bytes.to_string(),
        |(unit, bits)| format!("{}{unit}", bytes >> bits),
    )
}

fn set_limit(
    settings: &mut Settings,
    name: &'static str,
    values: &[String],
    source: ValueSource,
) -> Result<(), String> {
    let text = one(values)?;
    let (_, limit) = settings
        .limits
        .iter_mut()
        .find(|(known, _)| *known == name)
        .ok_or("is no limit")?;
    limit.value = match limit.value {
        Amount::Count(_) => Amount::Count(count(text)?),
        Amount::Bytes(_) => Amount::Bytes(size(text)?),
        Amount::Time(_) => Amount::Time(time(text)?),
    };
    match limit.value {
        Amount::Bytes(bytes) if name == "max-head" && bytes < SMALLEST_HEAD => {
            return Err(format!("at least {} are needed", spell_size(SMALLEST_HEAD)));
        }
        Amount::Time(time) if time.is_zero() => return Err("must be above 0".to_owned()),
        _ => {}
    }
    limit.source = source;
    Ok(())
}

fn show_limit(settings: &Settings, name: &'static str) -> (String, ValueSource) {
    let limit = settings.limits.iter().find(|(known, _)| *known == name);
    limit.map_or_else(
        || (String::new(), ValueSource::Default),
        |(_, limit)| (limit.value.to_string(), limit.source.clone()),
    )
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
            let shown = path.display().to_string();
            let folder = path.parent().unwrap_or(Path::new(""));
            let text = std::fs::read_to_string(path)
                .map_err(|error| exit::usage(format!("cannot read {shown}: {error}")))?;
            settings.read(&shown, folder, &text)?;
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

    /// Takes the table of a file.
    fn read(&mut self, file: &str, folder: &Path, text: &str) -> Result<()> {
        let line = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
        let parsed = DeTable::parse(text).map_err(|error| {
            let place = error
                .span()
                .map_or_else(String::new, |span| format!(":{}", line(span.start)));
            exit::usage(format!("{file}{place}: {}", error.message()))
        })?;
        for (name, value) in parsed.get_ref() {
            let place = format!("{file}:{}", line(name.span().start));
            let table = match (name.get_ref().as_ref(), value.get_ref()) {
                (TABLE, DeValue::Table(table)) => table,
                (TABLE, _) => {
                    return Err(exit::usage(format!("{place}: `{TABLE}` must be a table")));
                }
                (name, _) => {
                    let near = near_miss(name, &[TABLE]);
                    return Err(exit::usage(format!(
                        "{place}: unknown table `{name}`; {near}there is `{TABLE}`"
                    )));
                }
            };
            for (name, value) in table {
                let place = format!("{file}:{}", line(name.span().start));
                self.take(&place, folder, name.get_ref(), value)
                    .map_err(|reason| exit::usage(format!("{place}: {TABLE}.{reason}")))?;
            }
        }
        Ok(())
    }

    /// Takes a key of the file.
    fn take(
        &mut self,
        place: &str,
        folder: &Path,
        name: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), String> {
        let source = ValueSource::File(place.to_owned());
        if name == "tasks" {
            let value = texts(value).map_err(|reason| format!("tasks: {reason}"))?;
            self.tasks = Setting { value, source };
            return Ok(());
        }
        // One key says it of several models, as a table; a flag says it once each.
        let (wanted, values) = match (name, value.get_ref()) {
            ("models", DeValue::Table(table)) => {
                let pair = |(task, path): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
                    let task: &std::borrow::Cow<'_, str> = task.get_ref();
                    Ok(format!("{task}={}", folder.join(text(path)?).display()))
                };
                let pairs: Result<Vec<String>, String> = table.iter().map(pair).collect();
                (
                    "model",
                    pairs.map_err(|reason| format!("models: {reason}"))?,
                )
            }
            ("models", _) => {
                return Err(
                    "models: expected a table, such as {nlp = \"nlp.safetensors\"}".to_owned(),
                );
            }
            _ => (
                name,
                texts(value).map_err(|reason| format!("{name}: {reason}"))?,
            ),
        };
        let Some(key) = KEYS
            .iter()
            .find(|key| key.name == wanted && (wanted != "model" || name == "models"))
        else {
            let mut known: Vec<&str> = KEYS
                .iter()
                .map(|key| key.name)
                .filter(|name| *name != "model")
                .collect();
            known.extend(["tasks", "models"]);
            let near = near_miss(name, &known);
            return Err(format!(
                "{name}: unknown key; {near}see `easylife serve --help`"
            ));
        };
        if !key.many && matches!(value.get_ref(), DeValue::Array(_)) {
            return Err(format!("{name}: takes one value, not a list"));
        }
        // Paths in a file start where the file is; `-` is stderr.
        let values = match key.value {
            "FILE" => values.iter().map(|value| within(folder, value)).collect(),
            _ => values,
        };
        (key.set)(self, key.name, &values, source).map_err(|reason| format!("{name}: {reason}"))
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

fn within(folder: &Path, value: &str) -> String {
    match value {
        "-" => value.to_owned(),
        _ => folder.join(value).display().to_string(),
    }
}

/// The key of this name, which is one of the table's.
fn key(name: &str) -> &'static Key {
    let known = KEYS.iter().find(|key| key.name == name);
    known.expect("flags are made of the keys")
}

/// A value of the file as text.
fn text(value: &Spanned<DeValue<'_>>) -> Result<String, String> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => Ok(number.to_string()),
        DeValue::Float(number) => Ok(number.to_string()),
        DeValue::Boolean(value) => Ok(value.to_string()),
        other => Err(format!(
            "expected a text, a number or a boolean, not a {}",
            other.type_str()
        )),
    }
}

/// A value, or a list of them.
fn texts(value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, String> {
    match value.get_ref() {
        DeValue::Array(values) => values.iter().map(text).collect(),
        _ => Ok(vec![text(value)?]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, String> {
        let mut settings = Settings::default();
        let read = settings.read("easylife.toml", Path::new("etc"), text);
        read.map(|()| settings).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_sets_keys_and_says_where() {
        let settings = read(
            "[serve]\ntasks = [\"nlp\"]\nlisten = [\"nlp=127.0.0.1:8001\", \"9000\"]\nmodels = {nlp = \"a.safetensors\"}\n\
             drain-delay = 0.5\nmax-body = \"1MiB\"\nreload-interval = 0\n",
        )
        .unwrap();
        assert_eq!(settings.tasks.value, ["nlp"]);
        let listen: Vec<String> = settings
            .listen
            .value
            .iter()
            .map(Address::to_string)
            .collect();
        assert_eq!(listen, ["nlp=127.0.0.1:8001", "127.0.0.1:9000"]);
        assert_eq!(
            settings.models.value,
            [("nlp".to_owned(), "etc/a.safetensors".into())]
        );
        assert_eq!(settings.drain_delay.value, Duration::from_millis(500));
        assert_eq!(settings.reload_interval.value, None);
        assert_eq!(settings.limits().body_bytes, 1 << 20);
        let shown = settings.shown();
        let body = shown.iter().find(|(name, ..)| *name == "max-body").unwrap();
        let place = ValueSource::File("easylife.toml:6".to_owned());
        assert_eq!(*body, ("max-body", "1MiB".to_owned(), place));
    }

    #[test]
    fn what_is_wrong_in_a_file_is_named_with_its_line() {
        for (text, expected) in [
            (
                "[serve]\n\nmax-bdy = 3",
                "easylife.toml:3: serve.max-bdy: unknown key; did you mean `max-body`? see `easylife serve --help`",
            ),
            (
                "[sreve]\n",
                "easylife.toml:1: unknown table `sreve`; did you mean `serve`? there is `serve`",
            ),
            (
                "[serve]\nmax-body = \"much\"",
                "easylife.toml:2: serve.max-body: `much` is not a size, such as 64KiB, 32MiB or 10MB",
            ),
            (
                "[serve]\nmax-body = [1, 2]",
                "easylife.toml:2: serve.max-body: takes one value, not a list",
            ),
            (
                "[serve]\nmodel = \"nlp=x\"",
                "easylife.toml:2: serve.model: unknown key; did you mean `models`? see `easylife serve --help`",
            ),
            (
                "[serve]\nlisten = \"here\"",
                "easylife.toml:2: serve.listen: `here` is not an address; expected IP:PORT, such as 127.0.0.1:8080, or 0.0.0.0:8080 for all interfaces",
            ),
            (
                "[serve]\nio-threads = true",
                "easylife.toml:2: serve.io-threads: `true` is not a whole number from 1 to ",
            ),
            ("[serve\n", "easylife.toml:1: "),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(expected), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_flag_goes_before_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[serve]\nmax-rows = 5\nmax-head = 9000\n").unwrap();
        let given = Given {
            key: "max-rows",
            values: vec!["7".to_owned()],
            source: ValueSource::Flag,
        };
        let settings = Settings::new(Some(file.path()), &[given]).unwrap();
        assert_eq!(
            (settings.limits().rows, settings.limits().head_bytes),
            (7, 9000)
        );
    }

    #[test]
    fn every_limit_has_a_key_and_every_key_can_be_set() {
        let settings = Settings::default();
        settings.limits();
        for (name, _) in &settings.limits {
            assert!(KEYS.iter().any(|key| key.name == *name), "{name}");
        }
        for key in KEYS {
            let (value, _) = (key.show)(&settings, key.name);
            let values = match (key.name, value.as_str()) {
                ("model", _) => "nlp=a".to_owned(),
                ("admin-listen", _) => "127.0.0.1:1".to_owned(),
                ("access-log", _) => "-".to_owned(),
                (_, "") => "a.pem".to_owned(),
                (_, value) => value.to_owned(),
            };
            let mut other = Settings::default();
            (key.set)(
                &mut other,
                key.name,
                std::slice::from_ref(&values),
                ValueSource::Flag,
            )
            .unwrap();
            assert_eq!(
                (key.show)(&other, key.name),
                (values, ValueSource::Flag),
                "{}",
                key.name
            );
        }
    }

    #[test]
    fn times_and_sizes_have_units() {
        assert_eq!(time("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(time("1.5"), Ok(Duration::from_millis(1500)));
        assert!(time("-1s").is_err() && time("soon").is_err());
        assert_eq!(
            (size("10MB"), size("64KiB"), size("7")),
            (Ok(10_000_000), Ok(65_536), Ok(7))
        );
        assert!(size("0").is_err() && size("99999999999GiB").is_err());
    }
}
