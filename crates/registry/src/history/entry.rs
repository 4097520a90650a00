//! Entries and the head of the history as bytes: encoding, digests, signatures.
//!
//! Each has one spelling only, which is compared on reading: nothing can be changed that neither a
//! digest nor a signature covers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::event::Event;
use super::seal::{Purpose, Seal};
use crate::signing::{PrivateKey, PublicKey};
use crate::store::{Flaw, Key, StoreError};

/// The format of entries and heads that this version writes.
const FORMAT: u32 = 1;

/// Folder of the entries.
pub(super) const PREFIX: &str = "history/";

/// Name of the head.
pub(super) const HEAD: &str = "head.json";

/// The digest that the first entry has in place of that of the entry before it.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One entry of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number, from 1.
    pub number: u64,
    /// When it was made: the clock, but never before the time of the previous entry.
    pub time: Timestamp,
    /// The clock of its writer.
    pub clock: Timestamp,
    /// Who made it: an operator or a job, never a user of the product.
    pub who: String,
    /// SHA-256 of the bytes of the previous entry; zeros for the first.
    pub previous: String,
    /// What happened.
    pub event: Event,
}

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Signed {
    /// The entry.
    pub entry: Entry,
    /// Its signature; `None` in a history without keys.
    pub seal: Option<Seal>,
    /// SHA-256 of its bytes.
    pub hash: String,
}

/// The end of the history: how many entries there are, and the digest of the last.
///
/// Keep one in another place, and [`check`](super::check) tells whether the history still contains
/// what it contained then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Format of the head.
    format: u32,
    /// Number of entries.
    pub count: u64,
    /// SHA-256 of the bytes of the last.
    pub hash: String,
    /// Its signature; `None` in a history without keys.
    pub seal: Option<Seal>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    format: u32,
    #[serde(borrow)]
    entry: &'a RawValue,
    seal: Option<Seal>,
}

/// The format that bytes state, whatever else a later version put beside it.
#[derive(Deserialize)]
struct AnyFormat {
    format: u32,
}

/// The name of entry `number`.
pub(super) fn key_of(number: u64) -> Result<Key, StoreError> {
    Key::new(format!("{PREFIX}{number:08}.json"))
}

/// The number of the entry with this name.
pub(super) fn number_of(key: &Key) -> Option<u64> {
    let number = key.name().strip_suffix(".json")?.parse().ok()?;
    (key_of(number).ok()? == *key).then_some(number)
}

fn head_message(count: u64, hash: &str) -> Vec<u8> {
    format!("{count}\n{hash}\n").into_bytes()
}

fn line<T: Serialize>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Refuses another format, and any spelling but the one that this version writes.
fn parse<'a, T: Deserialize<'a> + Serialize>(bytes: &'a [u8]) -> Result<T, Flaw> {
    let unreadable = |error: serde_json::Error| Flaw::Unreadable {
        reason: error.to_string(),
    };
    let AnyFormat { format } = serde_json::from_slice(bytes).map_err(unreadable)?;
    match format {
        FORMAT => {}
        format if format > FORMAT => return Err(Flaw::Newer { format }),
        _ => {
            let reason = format!("unknown format {format}");
            return Err(Flaw::Unreadable { reason });
        }
    }
    let value: T = serde_json::from_slice(bytes).map_err(unreadable)?;
    match line(&value).map_err(unreadable)? == bytes {
        true => Ok(value),
        false => Err(Flaw::Digest),
    }
}

impl Signed {
    /// Signs an entry, if there is a key, and returns it with its bytes.
    pub(super) fn encode(
        entry: Entry,
        signer: Option<&PrivateKey>,
    ) -> serde_json::Result<(Self, Vec<u8>)> {
        let raw = serde_json::value::to_raw_value(&entry)?;
        let seal = signer.map(|key| Seal::new(Purpose::Entry, raw.get().as_bytes(), key));
        let bytes = line(&Envelope {
            format: FORMAT,
            entry: &raw,
            seal: seal.clone(),
        })?;
        let hash = files::digest::bytes(&bytes);
        Ok((Self { entry, seal, hash }, bytes))
    }

    /// Reads the bytes of an entry. Says nothing about its signature or its place.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Flaw> {
        let envelope: Envelope = parse(bytes)?;
        let unreadable = |error: serde_json::Error| Flaw::Unreadable {
            reason: error.to_string(),
        };
        let entry: Entry = serde_json::from_str(envelope.entry.get()).map_err(unreadable)?;
        let spelled = serde_json::to_string(&entry).map_err(unreadable)?;
        if spelled != envelope.entry.get() {
            return Err(Flaw::Digest);
        }
        Ok(Self {
            entry,
            seal: envelope.seal,
            hash: files::digest::bytes(bytes),
        })
    }

    /// Checks the signature.
    pub(super) fn verify(&self, keys: &[PublicKey]) -> Result<(), Flaw> {
        let spelled = serde_json::to_string(&self.entry).map_err(|error| Flaw::Unreadable {
            reason: error.to_string(),
        })?;
        Seal::verify(self.seal.as_ref(), Purpose::Entry, spelled.as_bytes(), keys)
    }
}

impl Head {
    /// The head of a history that ends with `last`.
    pub(super) fn of(last: &Signed, signer: Option<&PrivateKey>) -> Self {
        let count = last.entry.number;
        let seal =
            signer.map(|key| Seal::new(Purpose::Head, &head_message(count, &last.hash), key));
        Self {
            format: FORMAT,
            count,
            hash: last.hash.clone(),
            seal,
        }
    }

    /// The bytes of the head, to be kept in another place.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn encode(&self) -> serde_json::Result<Vec<u8>> {
        line(self)
    }

    /// Reads a head, for example one that was kept in another place.
    ///
    /// # Errors
    /// If the bytes are not those of a head that this version can read.
    pub fn decode(bytes: &[u8]) -> Result<Self, Flaw> {
        parse(bytes)
    }

    pub(super) fn verify(&self, keys: &[PublicKey]) -> Result<(), Flaw> {
        let message = head_message(self.count, &self.hash);
        Seal::verify(self.seal.as_ref(), Purpose::Head, &message, keys)
    }
}
