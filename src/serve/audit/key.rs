//! The keys that sign the head of an audit log: Ed25519, as `openssl genpkey -algorithm ed25519` makes them.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use sha2::{Digest, Sha256};

use super::chain::{Head, Hex, parse_hex};
use crate::exit;

/// What stands before the 32 bytes of an Ed25519 key in a `SubjectPublicKeyInfo` (RFC 8410, section 4).
const SPKI_PREFIX: &[u8] = &[
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Where a signature stands. It counts there alone: one that is copied out of a log makes no head file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Log,
    HeadFile,
}

impl Part {
    /// What is signed.
    fn message(self, head: &Head) -> String {
        let place = match self {
            Self::Log => "log",
            Self::HeadFile => "head",
        };
        format!("easylife audit {place}\n{}\n{}\n", head.n, Hex(&head.hash))
    }
}

/// A private key.
pub struct Signer {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl Signer {
    /// Reads a key in PKCS #8, PEM.
    ///
    /// # Errors
    /// A file that has no such key (exit 2).
    pub fn read(path: &Path) -> Result<Self> {
        let der: PrivatePkcs8KeyDer<'_> = read(path, "genpkey -algorithm ed25519")?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())
            .map_err(|error| unfit(path, error, "genpkey -algorithm ed25519"))?;
        let mut bytes = [0; 32];
        bytes.copy_from_slice(pair.public_key().as_ref());
        let public = PublicKey::new(bytes);
        Ok(Self { pair, public })
    }

    /// The other half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature of a head, in hexadecimal digits.
    pub fn sign(&self, part: Part, head: &Head) -> String {
        let signature = self.pair.sign(part.message(head).as_bytes());
        Hex(signature.as_ref()).to_string()
    }
}

/// A public key.
#[derive(Clone)]
pub struct PublicKey {
    bytes: [u8; 32],
    /// 16 digits of the SHA-256 of the key, by which a log names it.
    pub id: String,
}

impl PublicKey {
    fn new(bytes: [u8; 32]) -> Self {
        let id = Hex(&Sha256::digest(bytes)[..8]).to_string();
        Self { bytes, id }
    }

    /// Reads a key as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// A file that has no such key (exit 2).
    pub fn read(path: &Path) -> Result<Self> {
        let der: SubjectPublicKeyInfoDer<'_> = read(path, "pkey -pubout")?;
        let bytes = der.as_ref().strip_prefix(SPKI_PREFIX);
        let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let unfit = || unfit(path, "another kind of key", "pkey -pubout");
        bytes.map(Self::new).ok_or_else(unfit)
    }

    /// Whether it has signed a head.
    pub fn verifies(&self, part: Part, head: &Head, signature: &str) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, self.bytes);
        parse_hex::<64>(signature.as_bytes()).is_some_and(|signature| {
            let message = part.message(head);
            key.verify(message.as_bytes(), &signature).is_ok()
        })
    }
}

fn read<T: PemObject>(path: &Path, command: &str) -> Result<T> {
    let text = std::fs::read(path);
    let text = text.map_err(|error| exit::usage(format!("{}: {error}", path.display())))?;
    // What the reader says may quote the file.
    T::from_pem_slice(&text).map_err(|_| unfit(path, "no such key in PEM", command))
}

/// No message has anything of a key.
fn unfit(path: &Path, reason: impl fmt::Display, command: &str) -> anyhow::Error {
    exit::usage(format!(
        "{}: {reason}; expected an Ed25519 key from `openssl {command}`",
        path.display()
    ))
}
