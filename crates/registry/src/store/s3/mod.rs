//! A store in a bucket of Amazon S3, or of a server that speaks its protocol (MinIO, Ceph, R2).
//!
//! An object is put in one request, so nobody sees a part of it, and [`Store::create`] is a put with
//! `If-None-Match: *`, of which a server accepts one. A server that ignores this condition would let
//! two writers overwrite each other's entries, so each client makes sure before its first put: the
//! object `.probe` of the store can be created once only.
//!
//! **Requests that fail** are sent again a few times. Where nobody knows whether a put arrived, the
//! object is compared with a random name of this put in its metadata: the writer whose object it is
//! gets true, even if it had to ask twice.
//!
//! **Digests.** The SHA-256 goes with each put: in `x-amz-checksum-sha256`, which the server
//! compares with what arrived, and in the metadata, which [`Store::read`] compares; what differs is
//! read again. The same wrong bytes twice are damaged in the store, and left to those who know their
//! digest, as in a folder. Big content is hashed while it is sent, and the last block is held
//! back until the digest is right.
//!
//! **Credentials** come from the environment ([`Settings::read`]), sign requests for one host for a
//! quarter of an hour, and appear in no message. No redirect is followed.
//!
//! **Limits.** An object has 5 GiB at most. One that is replaced or removed while it is read stays
//! readable as long as the connection holds; what is left of it cannot be asked for again. Where a bucket keeps versions, a removed object stays
//! there as an old version: erasing a model for good needs a lifecycle rule, or a bucket without
//! versions. Of two that remove an object at once, both may be told that it was there.

mod answer;
mod body;
mod client;
mod error;
mod settings;
#[cfg(test)]
mod tests;

use std::io::{self, Read};
use std::path::Path;

use base64ct::{Base64, Encoding};
use p256::elliptic_curve::Generate;

use self::body::{Checked, Download, Fault, read_checked, text};
use self::client::{ATTEMPTS, Client, Headers, Payload, SHA256, Transient, WRITER};
use super::{
    Content, FORMAT, Flaw, Key, Kind, MARKER, Marker, Object, Problem, Store, StoreError,
    check_marker,
};

pub use error::Error;
pub use settings::{Settings, SettingsError};

/// The object that shows whether the server honours conditions. No [`Key`] begins with a dot.
const PROBE: &str = ".probe";

/// Content up to this length is read and checked before anything is sent.
const IN_MEMORY: u64 = 1 << 20;

/// The longest object that one request can put: 5 GiB.
const LARGEST: u64 = 5 << 30;

/// A store in a bucket. Its `Debug` shows no credentials.
#[derive(Debug, Clone)]
pub struct S3 {
    /// Its address, for messages.
    place: String,
    /// What all names begin with: empty, or with `/` at its end.
    root: String,
    client: Client,
}

impl S3 {
    /// Opens the store at `s3://BUCKET/PREFIX`, with the server and the credentials of the
    /// environment (see [`Settings::read`]). Writes nothing.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is none, [`StoreError::Newer`] if a newer version wrote it;
    /// if the settings are wrong or the server fails.
    pub fn open(address: &str) -> Result<Self, StoreError> {
        Self::open_with(&Settings::from_env(address)?)
    }

    /// Opens the backup at this address, for [`Backup::open`](crate::backup::Backup::open).
    ///
    /// # Errors
    /// Those of [`S3::open`], and [`StoreError::IsLive`] if this is not a backup.
    pub fn open_backup(address: &str) -> Result<Self, StoreError> {
        Self::open_as(&Settings::from_env(address)?, Kind::Backup)
    }

    /// Opens the store at this address, and creates it if nothing has a name that begins with the
    /// prefix. Several processes may do so at once.
    ///
    /// # Errors
    /// [`StoreError::Occupied`] if there is something else; [`Error::Unconditional`] in
    /// [`StoreError::Io`] if the server cannot keep writers apart; those of [`S3::open`] and of
    /// writing.
    pub fn create(address: &str) -> Result<Self, StoreError> {
        Self::create_with(&Settings::from_env(address)?)
    }

    /// Opens or creates the target of a [`backup::write`](crate::backup::write). Runs and registry
    /// refuse such a store.
    ///
    /// # Errors
    /// Those of [`S3::create`], and [`StoreError::IsLive`] if it is a store for use.
    pub fn create_backup(address: &str) -> Result<Self, StoreError> {
        Self::create_as(&Settings::from_env(address)?, Kind::Backup)
    }

    /// [`S3::open`] with other settings than those of the environment.
    ///
    /// # Errors
    /// Those of [`S3::open`].
    pub fn open_with(settings: &Settings) -> Result<Self, StoreError> {
        Self::open_as(settings, Kind::Live)
    }

    /// [`S3::create`] with other settings than those of the environment.
    ///
    /// # Errors
    /// Those of [`S3::create`].
    pub fn create_with(settings: &Settings) -> Result<Self, StoreError> {
        Self::create_as(settings, Kind::Live)
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.place
    }

    fn new(settings: &Settings) -> Self {
        Self {
            place: settings.place.clone(),
            root: settings.root.clone(),
            client: Client::new(settings),
        }
    }

    fn open_as(settings: &Settings, kind: Kind) -> Result<Self, StoreError> {
        let store = Self::new(settings);
        let place = || store.place.clone();
        let marker = store.read(&Key::new(MARKER)?)?;
        let marker = marker.ok_or_else(|| StoreError::Missing { place: place() })?;
        check_marker(Path::new(&store.place), &marker, kind)?;
        Ok(store)
    }

    fn create_as(settings: &Settings, kind: Kind) -> Result<Self, StoreError> {
        match Self::open_as(settings, kind) {
            Err(StoreError::Missing { .. }) => {}
            opened => return opened,
        }
        let store = Self::new(settings);
        let place = || store.place.clone();
        let page = store.client.retry(|_| store.client.list(&store.root, None));
        let page = page.map_err(|error| StoreError::read(place(), error.into()))?;
        let is_other = |name: Option<&str>| !matches!(name, Some("" | PROBE | MARKER));
        let mut names = page
            .contents
            .iter()
            .map(|object| object.key.strip_prefix(&store.root));
        if names.any(is_other) {
            // Another process may have created the store meanwhile, and written to it.
            return match Self::open_as(settings, kind) {
                Err(StoreError::Missing { .. }) => Err(StoreError::Occupied { place: place() }),
                opened => opened,
            };
        }
        let format = FORMAT;
        let marker = serde_json::to_vec(&Marker { format, kind });
        let marker = marker.map_err(|error| StoreError::write(place(), error.into()))?;
        store.create(&Key::new(MARKER)?, &marker)?;
        Self::open_as(settings, kind)
    }

    /// The name of an object in the bucket.
    fn name(&self, key: &Key) -> String {
        format!("{}{key}", self.root)
    }

    /// Names below the root that begin with `prefix`, without the root.
    fn names(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let whole = format!("{}{prefix}", self.root);
        let (mut names, mut token) = (Vec::new(), None::<String>);
        loop {
            let page = self
                .client
                .retry(|_| self.client.list(&whole, token.as_deref()))?;
            for object in page.contents {
                match object.key.strip_prefix(&self.root) {
                    Some(name) if object.key.starts_with(&whole) => names.push(name.to_owned()),
                    _ => return Err(self.client.not_s3(200, "names that were not asked for")),
                }
            }
            match page.next_continuation_token {
                None => return Ok(names),
                next if next == token => {
                    return Err(self.client.not_s3(200, "a listing without an end"));
                }
                next => token = next,
            }
        }
    }

    /// Puts an object whose name is free. `writer` marks this put.
    fn put_new(&self, name: &str, content: &Content<'_>, writer: &str) -> Result<bool, Failure> {
        if content.bytes > LARGEST {
            let bytes = content.bytes;
            return Err(Error::TooLarge { bytes }.into());
        }
        let mut headers = headers_of(&content.sha256).ok_or(Fault::Changed)?;
        headers.push(("if-none-match", "*".to_owned()));
        headers.push((WRITER, writer.to_owned()));
        self.client
            .prove_conditional(&format!("{}{PROBE}", self.root))?;
        let small = match content.bytes <= IN_MEMORY {
            true => Some(read_checked(content)?),
            false => None,
        };
        self.client.retry(|attempt| {
            let is_ours = |writer_there: &str| attempt > 0 && writer_there == writer;
            let put = match &small {
                Some(bytes) => self.client.put(name, &headers, Payload::Bytes(bytes))?,
                // Nobody sends gigabytes for a name that is taken.
                None => match self.writer_of(name)? {
                    Some(there) => return Ok(is_ours(&there)),
                    None => self.put_streamed(name, &headers, content)?,
                },
            };
            if put || attempt == 0 {
                return Ok(put);
            }
            // It may be the one of an earlier attempt whose answer was lost.
            Ok(is_ours(&self.writer_of(name)?.unwrap_or_default()))
        })
    }

    fn put_streamed(
        &self,
        name: &str,
        headers: &Headers,
        content: &Content<'_>,
    ) -> Result<bool, Failure> {
        let mut checked = Checked::new(content)?;
        let put = self
            .client
            .put(name, headers, Payload::Stream(&mut checked, content.bytes));
        match checked.fault.take() {
            Some(fault) => Err(fault.into()),
            None => Ok(put?),
        }
    }

    /// Which put made the object; empty if the store did not, None if it is absent.
    fn writer_of(&self, name: &str) -> Result<Option<String>, Error> {
        let there = self.client.head(name)?;
        Ok(there.map(|headers| text(&headers, WRITER).unwrap_or_default()))
    }

    fn download(&self, key: &Key) -> Result<Option<Download>, StoreError> {
        let name = self.name(key);
        let opened = self.client.retry(|_| Download::open(&self.client, &name));
        opened.map_err(|error| StoreError::read(key.as_str(), error.into()))
    }
}

/// Whether reading ended because the object is another one by now.
fn was_replaced(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(inner, Some(Error::Replaced))
}

/// The headers that carry a digest; None if it is not one.
fn headers_of(sha256: &str) -> Option<Headers> {
    let byte = |at: usize| u8::from_str_radix(sha256.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..sha256.len()).step_by(2).map(byte).collect();
    let checksum = Base64::encode_string(&bytes.filter(|bytes| bytes.len() == 32)?);
    Some(vec![
        ("x-amz-checksum-sha256", checksum),
        (SHA256, sha256.to_owned()),
    ])
}

/// Why an object was not put.
enum Failure {
    Server(Error),
    Content(Fault),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Content(fault)
    }
}

impl Transient for Failure {
    fn may_pass(&self) -> bool {
        matches!(self, Self::Server(error) if error.may_pass())
    }
}

impl Failure {
    fn on(self, key: &Key) -> StoreError {
        let object = key.to_string();
        match self {
            Self::Server(error) => StoreError::write(object, error.into()),
            Self::Content(Fault::Source(error)) => StoreError::write(object, error),
            Self::Content(Fault::Changed) => StoreError::Changed { object },
        }
    }
}

impl Store for S3 {
    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let failed = |error| StoreError::read(key.as_str(), error);
        let mut before = None;
        for _ in 0..ATTEMPTS {
            let Some(mut object) = self.download(key)? else {
                return Ok(None);
            };
            let mut bytes = Vec::new();
            match object.read_to_end(&mut bytes) {
                Err(error) if was_replaced(&error) => continue,
                read => read.map_err(failed)?,
            };
            let digest = files::digest::bytes(&bytes);
            let is_right = object.sha256.is_none_or(|there| there == digest);
            // The same wrong bytes twice are those of the store.
            if is_right || before.as_ref() == Some(&digest) {
                return Ok(Some(bytes));
            }
            before = Some(digest);
        }
        let reason = "it is another one, or has other bytes, each time it is read; run again";
        Err(failed(io::Error::other(reason)))
    }

    fn create(&self, key: &Key, bytes: &[u8]) -> Result<bool, StoreError> {
        self.create_from(key, &Content::of_bytes(bytes))
    }

    fn create_from(&self, key: &Key, content: &Content<'_>) -> Result<bool, StoreError> {
        let drawn = || u64::try_generate().map_err(|error| io::Error::other(error.to_string()));
        let drawn = drawn().and_then(|first| Ok((first, drawn()?)));
        let (first, second) = drawn.map_err(|error| StoreError::write(key.as_str(), error))?;
        self.put_new(
            &self.name(key),
            content,
            &format!("{first:016x}{second:016x}"),
        )
        .map_err(|failure| failure.on(key))
    }

    fn replace(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        let name = self.name(key);
        let headers = headers_of(&files::digest::bytes(bytes)).unwrap_or_default();
        let put = self
            .client
            .retry(|_| self.client.replace(&name, &headers, bytes));
        put.map_err(|error| StoreError::write(key.as_str(), error.into()))
    }

    fn remove(&self, key: &Key) -> Result<bool, StoreError> {
        let name = self.name(key);
        let removed = self
            .client
            .retry(|_| self.client.head(&name))
            .and_then(|there| {
                if there.is_some() {
                    self.client.retry(|_| self.client.delete(&name))?;
                }
                Ok(there.is_some())
            });
        removed.map_err(|error| StoreError::write(key.as_str(), error.into()))
    }

    fn list(&self, prefix: &str) -> Result<Vec<Key>, StoreError> {
        let names = self.names(prefix);
        let names = names.map_err(|error| StoreError::read(&self.place, error.into()))?;
        let names = names.into_iter().filter(|name| name != MARKER);
        let mut keys: Vec<Key> = names.filter_map(|name| Key::new(name).ok()).collect();
        keys.sort();
        Ok(keys)
    }

    fn open(&self, key: &Key) -> Result<Option<Object>, StoreError> {
        let object = self.download(key)?;
        Ok(object.map(|object| Object {
            bytes: object.bytes,
            reader: Box::new(object),
        }))
    }

    /// There are no leftovers: a put that did not end leaves nothing.
    fn check(&self, _: bool) -> Result<Vec<Problem>, StoreError> {
        let names = self.names("");
        let names = names.map_err(|error| StoreError::read(&self.place, error.into()))?;
        let ours = |name: &String| name.is_empty() || name == PROBE || Key::new(name).is_ok();
        let strangers = names.into_iter().filter(|name| !ours(name));
        Ok(strangers
            .map(|name| Problem::new(name.escape_debug(), Flaw::Stranger))
            .collect())
    }
}
