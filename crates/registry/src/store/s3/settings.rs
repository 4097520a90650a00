//! Which bucket, on which server and with which credentials: an `s3://` address and the environment
//! variables of AWS's own tools.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusty_s3::{Bucket, Credentials, UrlStyle};
use ureq::tls::{PemItem, RootCerts, parse_pem};
use url::Url;

/// Why an address and the environment name no store.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Not `s3://BUCKET/PREFIX`. The text is not repeated: it may hold a password.
    #[error("the address of the store is not s3://BUCKET/PREFIX: {reason}")]
    Address {
        /// What is wrong.
        reason: &'static str,
    },
    /// A variable without which no request can be signed.
    #[error(
        "{name} is not set; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (`aws configure \
         export-credentials --format env` prints those of a profile)"
    )]
    NotSet {
        /// The variable.
        name: &'static str,
    },
    /// A value with a space, a line break or another character that it cannot have. It is not
    /// repeated.
    #[error("{name} has a space, a line break or another character that it cannot have")]
    Characters {
        /// The variable.
        name: &'static str,
    },
    /// The address of the server cannot be used. It is not repeated: it may hold a password.
    #[error("{name} is not an address of a server: {reason}")]
    Endpoint {
        /// The variable.
        name: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// The certificate file cannot be read or holds none.
    #[error("cannot use AWS_CA_BUNDLE, {}: {reason}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// A bucket, a prefix in it and who asks. Its `Debug` shows no credentials.
#[derive(Clone)]
pub struct Settings {
    pub(super) bucket: Bucket,
    pub(super) credentials: Credentials,
    /// What all names in the bucket begin with: empty, or with `/` at its end.
    pub(super) root: String,
    /// The address, for messages.
    pub(super) place: String,
    pub(super) certificates: RootCerts,
    /// The longest wait for a connection.
    pub(super) connect: Duration,
    /// The longest wait for the next bytes of an answer, or for the server to take some.
    pub(super) silence: Duration,
    /// Waits between two attempts.
    pub(super) pause: Arc<dyn Fn(Duration) + Send + Sync>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("place", &self.place)
            .field("server", &self.bucket.base_url().as_str())
            .finish_non_exhaustive()
    }
}

/// A server that is there accepts sooner, also on another continent.
const CONNECT: Duration = Duration::from_secs(5);

/// S3 answers within a second or so; servers on spinning disks take longer.
const SILENCE: Duration = Duration::from_secs(30);

/// The region where none is named: AWS's first one, and what other servers take for their own.
const REGION: &str = "us-east-1";

/// Greatest length of a prefix in bytes; with a [`Key`](crate::store::Key) it is within S3's 1,024.
const PREFIX: usize = 512;

impl Settings {
    /// Reads an address `s3://BUCKET` or `s3://BUCKET/PREFIX` and the variables that `lookup` knows:
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` | the credentials |
    /// | `AWS_SESSION_TOKEN` | belongs to them if they are temporary |
    /// | `AWS_REGION`, else `AWS_DEFAULT_REGION` | region of the bucket, `us-east-1` by default |
    /// | `AWS_ENDPOINT_URL_S3`, else `AWS_ENDPOINT_URL` | another server than AWS; the bucket is then part of the path |
    /// | `AWS_CA_BUNDLE` | PEM file of the authorities to trust instead of Mozilla's |
    ///
    /// A variable that is empty counts as not set. Profiles and the roles of machines are not read.
    /// Proxies are taken from `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, except for loopback
    /// addresses.
    ///
    /// # Errors
    /// See [`SettingsError`].
    pub fn read(
        address: &str,
        lookup: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let get = |name| Ok(lookup(name).filter(|value| !value.is_empty())).and_then(checked(name));
        let need = |name| get(name)?.ok_or(SettingsError::NotSet { name });
        let (name, prefix) = split(address).map_err(|reason| SettingsError::Address { reason })?;
        let key = need("AWS_ACCESS_KEY_ID")?;
        let secret = need("AWS_SECRET_ACCESS_KEY")?;
        let credentials = match get("AWS_SESSION_TOKEN")? {
            Some(token) => Credentials::new_with_token(key, secret, token),
            None => Credentials::new(key, secret),
        };
        let region = match get("AWS_REGION")? {
            Some(region) => Some(region),
            None => get("AWS_DEFAULT_REGION")?,
        };
        let region = region.unwrap_or_else(|| REGION.to_owned());
        let (variable, endpoint) = match get("AWS_ENDPOINT_URL_S3")? {
            Some(endpoint) => ("AWS_ENDPOINT_URL_S3", Some(endpoint)),
            None => ("AWS_ENDPOINT_URL", get("AWS_ENDPOINT_URL")?),
        };
        let bucket = match endpoint {
            Some(endpoint) => {
                other_server(&endpoint, name, region).map_err(|reason| SettingsError::Endpoint {
                    name: variable,
                    reason,
                })?
            }
            None => at_aws(name, region)?,
        };
        let certificates = match lookup("AWS_CA_BUNDLE").filter(|path| !path.is_empty()) {
            Some(path) => certificates(Path::new(&path))?,
            None => RootCerts::WebPki,
        };
        let (slash, end) = if prefix.is_empty() {
            ("", "")
        } else {
            ("/", "/")
        };
        Ok(Self {
            place: format!("s3://{name}{slash}{prefix}"),
            root: format!("{prefix}{end}"),
            bucket,
            credentials,
            certificates,
            connect: CONNECT,
            silence: SILENCE,
            pause: Arc::new(std::thread::sleep),
        })
    }

    /// [`Settings::read`] with the variables of this process.
    ///
    /// # Errors
    /// See [`SettingsError`].
    pub fn from_env(address: &str) -> Result<Self, SettingsError> {
        Self::read(address, |name| std::env::var(name).ok())
    }
}

/// No variable but a path may have spaces or anything beyond ASCII.
fn checked(name: &'static str) -> impl Fn(Option<String>) -> Result<Option<String>, SettingsError> {
    move |value| match &value {
        Some(text) if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err(SettingsError::Characters { name })
        }
        _ => Ok(value),
    }
}

/// Bucket and prefix of an address, the prefix without `/` at its ends.
fn split(address: &str) -> Result<(&str, &str), &'static str> {
    let rest = address
        .strip_prefix("s3://")
        .ok_or("it does not begin with s3://")?;
    let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    let ends = [name.bytes().next(), name.bytes().next_back()];
    let bounded = ends
        .iter()
        .all(|end| end.is_some_and(|end| end.is_ascii_alphanumeric()));
    if !(3..=63).contains(&name.len()) || !name.bytes().all(allowed) || !bounded {
        return Err("the name of a bucket has 3 to 63 of a-z, 0-9, `.` and `-`");
    }
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    let part = |part: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-=".contains(&byte);
        !part.is_empty() && part != "." && part != ".." && part.bytes().all(allowed)
    };
    if prefix.len() > PREFIX {
        return Err("its prefix is too long");
    }
    if !prefix.is_empty() && !prefix.split('/').all(part) {
        return Err(
            "parts of a prefix have letters, digits and `._-=` only, and are not `.` or `..`",
        );
    }
    Ok((name, prefix))
}

/// A bucket at AWS. The certificates there are for names without a dot only.
fn at_aws(name: &str, region: String) -> Result<Bucket, SettingsError> {
    let refuse = |reason| {
        move |_| SettingsError::Endpoint {
            name: "AWS_REGION",
            reason,
        }
    };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let reason = "it is not the name of a region";
    if !region.bytes().all(plain) {
        return Err(refuse(reason)(()));
    }
    let china = if region.starts_with("cn-") { ".cn" } else { "" };
    let url = Url::parse(&format!("https://s3.{region}.amazonaws.com{china}"));
    let url = url.map_err(|_| refuse(reason)(()))?;
    let style = match name.contains('.') {
        true => UrlStyle::Path,
        false => UrlStyle::VirtualHost,
    };
    Bucket::new(url, style, name.to_owned(), region).map_err(|_| refuse(reason)(()))
}

fn other_server(endpoint: &str, name: &str, region: String) -> Result<Bucket, &'static str> {
    let url =
        Url::parse(endpoint).map_err(|_| "it has no scheme, host and port that can be read")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a user name or password; credentials belong into the other variables");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it has a query or fragment");
    }
    Bucket::new(url, UrlStyle::Path, name.to_owned(), region)
        .map_err(|_| "it is neither http:// nor https:// with a host")
}

/// Reads a PEM file.
fn certificates(path: &Path) -> Result<RootCerts, SettingsError> {
    let refuse = |reason: String| SettingsError::Certificate {
        path: path.to_owned(),
        reason,
    };
    let pem = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(refuse("it is not PEM".to_owned())),
        }
    }
    match found.is_empty() {
        true => Err(refuse("it has no certificate".to_owned())),
        false => Ok(RootCerts::from(found)),
    }
}
