//! Signatures of model files: was this file made by who holds the key, and is it unchanged?
//!
//! The format is OpenSSF Model Signing (OMS) 1.0 with a key, without certificates and without a
//! network: what `model_signing sign key` of the Python package model-signing 1.x writes and
//! `model_signing verify key` checks. From the outside in, it is
//!
//! - a sigstore bundle, version 0.3, as JSON (`bundle`);
//! - in it a DSSE envelope with one ECDSA signature (P-256, SHA-256) over a payload and its type;
//! - as payload an in-toto statement, version 1, which names each file of the model and its SHA-256
//!   (`statement`).
//!
//! A model here is one file. model-signing calls the only file of a model that is not a folder `.`,
//! so a signed file may be renamed. Nonces are deterministic (RFC 6979): the same file and key give
//! the same signature, byte for byte.
//!
//! A verifier accepts any valid signature, though, and whoever has one can make a second one of it
//! without the key (ECDSA accepts `s` and `n - s`): a bundle's own digest identifies nothing.
//!
//! The bytes that were verified must be the bytes that are used. So nothing here verifies a path:
//! [`verify_bytes`] takes the bytes of the model, and [`Verified::reader`] passes on what it hashes.
//!
//! # Examples
//! ```
//! use easylife_registry::signing::{self, PrivateKey};
//!
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("nlp.safetensors");
//! std::fs::write(&path, "weights")?;
//!
//! let key = PrivateKey::generate()?;
//! let bundle = signing::sign(&path, &key)?;
//! let trusted = [key.public_key().clone()];
//! let name = "nlp.safetensors";
//! let verified = signing::verify_bytes(bundle.as_bytes(), name, b"weights", &trusted)?;
//! assert_eq!(verified.key_id(), trusted[0].id());
//! assert!(signing::verify_bytes(bundle.as_bytes(), name, b"weighty", &trusted).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bundle;
mod error;
mod keys;
mod reader;
mod statement;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use error::{KeyError, SignatureError, WrongSignature};
pub use keys::{PrivateKey, PublicKey};
pub use reader::VerifyingReader;

use bundle::Envelope;

/// The largest bundle that is read, in bytes. One file needs about two thousand.
pub const MAX_BUNDLE: usize = 1 << 20;

/// What a valid signature says. The model itself has then not been read:
/// [`check`](Verified::check), [`read`](Verified::read) or [`reader`](Verified::reader) do that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    name: String,
    digest: String,
    key_id: String,
}

impl Verified {
    /// SHA-256 of the model that was signed, in lower-case hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The [`PublicKey::id`] of the trusted key that verified the signature.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Checks that `model` is what was signed.
    ///
    /// # Errors
    /// [`SignatureError::Digest`] if its digest differs.
    pub fn check(&self, model: &[u8]) -> Result<(), SignatureError> {
        self.compare(&files::digest::bytes(model))
    }

    /// Reads a model completely and returns it only if it is what was signed.
    ///
    /// # Errors
    /// If it cannot be read, has more than `limit` bytes, or differs.
    pub fn read(&self, model: impl Read, limit: u64) -> Result<Vec<u8>, SignatureError> {
        let unreadable = |source| SignatureError::Model {
            name: self.name.clone(),
            source,
        };
        let mut bytes = Vec::new();
        let read = model
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if read as u64 > limit {
            return Err(SignatureError::LargeModel {
                name: self.name.clone(),
                limit,
            });
        }
        self.check(&bytes)?;
        Ok(bytes)
    }

    /// A reader that passes a model on while hashing it, and in place of its end returns an error
    /// if what was read is not what was signed.
    pub fn reader<R: Read>(self, model: R) -> VerifyingReader<R> {
        VerifyingReader::new(self, model)
    }

    fn compare(&self, found: &str) -> Result<(), SignatureError> {
        if found == self.digest {
            return Ok(());
        }
        Err(SignatureError::Digest {
            name: self.name.clone(),
            signed: self.digest.clone(),
            found: found.to_owned(),
        })
    }
}

/// Signs the model file `path`, which is read once. Returns the bundle, as it is to be written
/// beside the model: one line of JSON without a line break, the same for the same file and key.
///
/// # Errors
/// If the file cannot be read.
pub fn sign(path: &Path, key: &PrivateKey) -> Result<String, SignatureError> {
    let digest = files::digest::file(path).map_err(|source| SignatureError::Model {
        name: files::names::spell(path),
        source,
    })?;
    let name = path.file_name().map(Path::new).unwrap_or(path);
    sign_digest(&files::names::spell(name), &digest, key)
}

/// Signs a model of which the digest is known, as [`sign`] does. `name` is the model's file name
/// (it informs, a verifier does not compare it), `digest` its SHA-256 in hexadecimal.
///
/// # Errors
/// If `digest` is not 64 hexadecimal digits.
pub fn sign_digest(name: &str, digest: &str, key: &PrivateKey) -> Result<String, SignatureError> {
    let payload = statement::write(name, digest)?;
    let signature = key.sign_bytes(statement::PAYLOAD_TYPE, payload.as_bytes());
    Ok(bundle::write(&payload, &signature, key.public_key().hint()))
}

/// Verifies the signature in a bundle with the one of `keys` that made it. The name of the model's
/// file (a path will do) serves for messages; where a folder with one file was signed, it must be
/// the name of that file.
///
/// # Errors
/// If this is not a bundle of the kind and version that is supported, no trusted key made it, its
/// payload was changed, or it does not sign exactly one file.
pub fn verify(bundle: &[u8], name: &str, keys: &[PublicKey]) -> Result<Verified, SignatureError> {
    let envelope = bundle::read(bundle, name)?;
    let key = signer(&envelope, name, keys)?;
    let digest = statement::read(&envelope.payload, name)?;
    Ok(Verified {
        name: name.to_owned(),
        digest,
        key_id: key.id().to_owned(),
    })
}

/// Verifies a model, read completely, and its signature, as [`verify`] does.
///
/// # Errors
/// Those of [`verify`], and [`SignatureError::Digest`] if the model is not what was signed.
pub fn verify_bytes(
    bundle: &[u8],
    name: &str,
    model: &[u8],
    keys: &[PublicKey],
) -> Result<Verified, SignatureError> {
    let verified = verify(bundle, name, keys)?;
    verified.check(model)?;
    Ok(verified)
}

/// Reads the file of a bundle, which is small. The model's `name` serves for messages.
///
/// # Errors
/// If it cannot be read, or has more than [`MAX_BUNDLE`] bytes.
pub fn read_bundle(path: &Path, name: &str) -> Result<Vec<u8>, SignatureError> {
    let unreadable = |source| SignatureError::Bundle {
        name: name.to_owned(),
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_BUNDLE as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    bundle::check_size(&bytes, name)?;
    Ok(bytes)
}

/// Finds the trusted key that made the signature. A bundle of model-signing before 1.1 does not say
/// which key that is, so each is tried.
fn signer<'k>(
    envelope: &Envelope,
    name: &str,
    keys: &'k [PublicKey],
) -> Result<&'k PublicKey, SignatureError> {
    let verifies = |key: &&PublicKey| {
        key.verify_bytes(
            statement::PAYLOAD_TYPE,
            &envelope.payload,
            &envelope.signature,
        )
        .is_ok()
    };
    if keys.is_empty() {
        return Err(SignatureError::NoTrustedKey {
            name: name.to_owned(),
        });
    }
    let other_key = || SignatureError::OtherKey {
        name: name.to_owned(),
        signer: envelope.hint.as_deref().map(error::quote),
        trusted: keys.iter().map(|key| key.hint().to_owned()).collect(),
    };
    let Some(hint) = &envelope.hint else {
        return keys.iter().find(verifies).ok_or_else(other_key);
    };
    let key = keys.iter().find(|key| key.hint() == *hint);
    let key = key.ok_or_else(other_key)?;
    if !verifies(&key) {
        return Err(SignatureError::Forged {
            name: name.to_owned(),
        });
    }
    Ok(key)
}
