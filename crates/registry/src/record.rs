//! Records: one JSON value with its digest, on one line.
//!
//! `{"format":1,"sha256":"...","record":{...}}` and a line feed. The digest covers the format and
//! the bytes of the record as they stand, so any changed byte is found; this envelope is the same in
//! every later format, so that a record of a newer version is told from a damaged one.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::store::Flaw;

/// The format of records that this version writes.
pub const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    format: u32,
    sha256: String,
    #[serde(borrow)]
    record: &'a RawValue,
}

fn digest(kind: &str, format: u32, record: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("easylife {kind} {format}\n"));
    hasher.update(record);
    crate::digest::hex(&hasher.finalize())
}

/// The bytes of a record. `kind` is part of the digest, so that records of one kind are never taken
/// for those of another.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn encode<T: Serialize>(kind: &str, record: &T) -> serde_json::Result<Vec<u8>> {
    let record = serde_json::value::to_raw_value(record)?;
    let envelope = Envelope {
        format: FORMAT,
        sha256: digest(kind, FORMAT, record.get()),
        record: &record,
    };
    let mut bytes = serde_json::to_vec(&envelope)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads a record.
///
/// # Errors
/// [`Flaw::Unreadable`], [`Flaw::Digest`] or [`Flaw::Newer`].
pub fn decode<T: DeserializeOwned>(kind: &str, bytes: &[u8]) -> Result<T, Flaw> {
    let unreadable = |error: serde_json::Error| Flaw::Unreadable {
        reason: error.to_string(),
    };
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(unreadable)?;
    // One spelling only: nothing may hide between the fields, where the digest does not reach.
    let mut spelled = serde_json::to_vec(&envelope).map_err(unreadable)?;
    spelled.push(b'\n');
    let (format, record) = (envelope.format, envelope.record.get());
    if spelled != bytes || envelope.sha256 != digest(kind, format, record) {
        return Err(Flaw::Digest);
    }
    if format > FORMAT {
        return Err(Flaw::Newer { format });
    }
    serde_json::from_str(record).map_err(unreadable)
}
