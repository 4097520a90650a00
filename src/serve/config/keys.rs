//! The table of keys, from which come flags, variables, the keys of the file, and what `--check` shows.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::units::{boolean, count, size, spell, spell_size, spell_time, time};
use crate::memory::Registered;

use super::{Address, Amount, Setting, Settings, ValueSource, socket_address};

/// The least that the head of a request may have: less is too little for what browsers send.
const SMALLEST_HEAD: usize = 8 << 10;

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
    pub(super) set: fn(&mut Settings, &'static str, &[String], ValueSource) -> Result<(), String>,
    /// How a value is shown.
    pub(super) show: fn(&Settings, &'static str) -> (String, ValueSource),
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

macro_rules! many {
    ($name:literal, $short:expr, $value:literal, $field:ident, $parse:expr, $show:expr, $help:literal) => {
        Key {
            name: $name,
            value: $value,
            help: $help,
            many: true,
            short: $short,
            set: |settings, _, values, source| {
                let value = values.iter().map(|text| $parse(text));
                settings.$field = Setting {
                    value: value.collect::<Result<_, String>>()?,
                    source,
                };
                Ok(())
            },
            show: |settings, _| {
                let shown = settings.$field.value.iter().map($show);
                (list(shown), settings.$field.source.clone())
            },
        }
    };
}

macro_rules! file {
    ($name:literal, $field:ident, $help:literal) => {
        key!(
            $name,
            "FILE",
            $field,
            |text: &str| Ok::<_, String>(Some(PathBuf::from(text))),
            shown_path,
            $help
        )
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
    many!(
        "model",
        Some('m'),
        "TASK[@ARM]=MODEL",
        models,
        model,
        |(task, path): &(String, PathBuf)| format!("{task}={}", path.display()),
        "Model of a task, a file or a name of the registry (nlp@champion) [default: the project's models/TASK.safetensors]; nlp@next=MODEL adds an arm `next` beside it"
    ),
    file!(
        "registry",
        registry,
        "Folder of the registry, or s3://BUCKET/PREFIX [default: registry.store, otherwise the project's own]"
    ),
    key!(
        "require-signature",
        "BOOL",
        require_signature,
        boolean,
        bool::to_string,
        "Serve only models that a trusted key signed: MODEL.sig, or the history of the registry [default: false]"
    ),
    many!(
        "trusted-key",
        None,
        "FILE",
        trusted_keys,
        |text: &String| Ok(PathBuf::from(text)),
        |path: &PathBuf| path.display().to_string(),
        "Public key in PEM that is trusted [default: registry.trusted-keys]"
    ),
    many!(
        "weight",
        None,
        "TASK@ARM=PERCENT",
        weights,
        weight,
        |(arm, weight): &(String, f64)| format!("{arm}={weight}"),
        "Let an arm answer so many percent of the task's users [default: 0, those that ask for it by X-Arm]"
    ),
    many!(
        "shadow",
        None,
        "TASK@ARM",
        shadows,
        |text: &String| Ok(text.clone()),
        String::clone,
        "Give an arm copies of all requests, and count how its answers differ; clients never see or wait for them"
    ),
    many!(
        "listen",
        None,
        "[TASK=]ADDR",
        listen,
        |text: &String| text.parse(),
        Address::to_string,
        "Address to listen on, IP:PORT; with TASK= for that task alone [default: 127.0.0.1:8080]"
    ),
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
    file!(
        "access-log",
        access_log,
        "Write a line of JSON for each request, without content; `-`: to stderr [default: none]"
    ),
    file!(
        "request-log",
        request_log,
        "Record answered requests in this file, as lines of JSON for `easylife replay` [default: none]"
    ),
    key!(
        "request-log-share",
        "PERCENT",
        request_log_share,
        percent,
        |share: &f64| format!("{share}"),
        "Record so many percent of them, chosen by a hash of their id [default: 100]"
    ),
    key!(
        "request-log-content",
        "BOOL",
        request_log_content,
        boolean,
        bool::to_string,
        "Record what clients sent, too, which a replay needs; otherwise classes and numbers of the answers only [default: false]"
    ),
    key!(
        "request-log-size",
        "BYTES",
        request_log_size,
        size,
        |bytes: &usize| spell_size(*bytes),
        "Move the file away from this size on [default: 100MiB]"
    ),
    key!(
        "request-log-keep",
        "N",
        request_log_keep,
        count_or_none,
        usize::to_string,
        "Keep so many that were moved away: FILE.1, the newest, to FILE.N [default: 5]"
    ),
    file!(
        "audit-log",
        audit_log,
        "Write who asked which model when, and how that ended, so that no change of the file goes unseen [default: none]"
    ),
    file!(
        "audit-key",
        audit_key,
        "Ed25519 key in PEM (openssl genpkey -algorithm ed25519) that signs the audit log [default: not signed]"
    ),
    file!(
        "tokens",
        tokens,
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
    file!(
        "tls-cert",
        tls_cert,
        "Certificate in PEM, with those between it and an authority: listen for HTTPS"
    ),
    file!("tls-key", tls_key, "Its private key in PEM"),
    file!(
        "tls-client-ca",
        tls_client_ca,
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
    // A name of the registry alone is that of its task.
    let name = text.split_once('@').filter(|_| Registered::is_name(text));
    if let Some((task, _)) = name {
        return Ok((task.to_owned(), text.into()));
    }
    match text.split_once('=') {
        Some((task, path)) if !path.is_empty() => Ok((task.to_owned(), path.into())),
        _ => Err(format!(
            "`{text}` is not TASK=MODEL, such as nlp=models/nlp.safetensors or nlp=nlp@champion"
        )),
    }
}

fn weight(text: &str) -> Result<(String, f64), String> {
    let parts = text.split_once('=');
    let weight = parts.and_then(|(arm, number)| Some((arm.to_owned(), percent(number).ok()?)));
    weight.ok_or_else(|| {
        format!("`{text}` is not TASK@ARM=PERCENT, such as nlp@next=10, with 0 to 100 percent")
    })
}

fn percent(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.trim_end_matches('%').trim().parse().ok();
    let fits = number.filter(|number| (0.0..=100.0).contains(number));
    fits.ok_or_else(|| format!("`{text}` is not a number from 0 to 100, such as 1 or 0.5"))
}

/// A count that may be 0.
fn count_or_none(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not a number; expected 0, 1, 2, ..."))
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

/// The key of this name, which is one of the table's.
pub(super) fn key(name: &str) -> &'static Key {
    let known = KEYS.iter().find(|key| key.name == name);
    known.expect("flags are made of the keys")
}
