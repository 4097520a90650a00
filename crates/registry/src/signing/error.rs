//! What can be wrong with keys and signatures.
//!
//! Text out of a bundle stands in messages escaped and shortened, since whoever made the bundle
//! chose it.

use std::io;
use std::path::PathBuf;

/// A key that cannot be read, made or written. No message holds anything of a private key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read.
    #[error("cannot read the key {}: {source}", path.display())]
    Read {
        /// The file of the key.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the key {}: {source}", path.display())]
    Write {
        /// The file of the key.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is a file already; a private key is never overwritten.
    #[error("{} exists and is not overwritten; choose another name for the new key", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others may read or change the private key.
    #[error(
        "the private key {0} is open to other users (mode {mode:03o}); run `chmod 600 {0}`",
        path.display()
    )]
    Open {
        /// The file of the key.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The private key is protected by a passphrase.
    #[error(
        "the private key {0} is protected by a passphrase, which is not supported; make a copy \
         without one: `umask 077; openssl pkey -in {0} -out COPY.pem`",
        path.display()
    )]
    Encrypted {
        /// The file of the key.
        path: PathBuf,
    },
    /// The file holds no key of the expected kind.
    #[error("{} holds {found}, not a {expected}", path.display())]
    OtherKind {
        /// The file.
        path: PathBuf,
        /// What it holds, in words.
        found: String,
        /// What is expected, in words.
        expected: &'static str,
    },
    /// The key is damaged or of another algorithm.
    #[error(
        "cannot use the key {}: {reason}; only ECDSA keys on the curve P-256 (prime256v1) are \
         supported",
        path.display()
    )]
    Invalid {
        /// The file of the key.
        path: PathBuf,
        /// What the decoder says.
        reason: String,
    },
    /// A key cannot be made or encoded.
    #[error("cannot make a key: {reason}")]
    Make {
        /// Why, for example no random numbers from the operating system.
        reason: String,
    },
}

/// A signature that does not fit the message and the key, or is not a signature at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not fit the message and the key")]
pub struct WrongSignature;

/// Why a model is not accepted, or cannot be signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The model cannot be read.
    #[error("cannot read the model {name}: {source}")]
    Model {
        /// The model.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The model has more bytes than the caller allows.
    #[error("the model {name} is larger than {limit} bytes")]
    LargeModel {
        /// The model.
        name: String,
        /// The largest allowed number of bytes.
        limit: u64,
    },
    /// The bundle cannot be read.
    #[error("cannot read {}, the signature of {name}: {source}", path.display())]
    Bundle {
        /// The model.
        name: String,
        /// The file of the bundle.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The bundle is too large.
    #[error(
        "the signature of {name} is larger than {limit} bytes; that of one file is a few thousand"
    )]
    LargeBundle {
        /// The model.
        name: String,
        /// The largest allowed number of bytes.
        limit: usize,
    },
    /// The bytes are not a sigstore bundle.
    #[error("the signature of {name} is not a sigstore bundle: {reason}")]
    NotABundle {
        /// The model.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer or older version of one of the formats.
    #[error(
        "the signature of {name} has another version: its {what} is {found}, supported is \
         {expected}; sign again, or update this program"
    )]
    OtherVersion {
        /// The model.
        name: String,
        /// Which of the formats.
        what: &'static str,
        /// Its version, quoted.
        found: String,
        /// The one that is supported.
        expected: &'static str,
    },
    /// Made with a certificate, not with a key.
    #[error(
        "the signature of {name} was made with a certificate; only signatures made with a key \
         are supported (`model_signing sign key`)"
    )]
    Certificate {
        /// The model.
        name: String,
    },
    /// A signature of something else than a model.
    #[error("the signature of {name} does not sign a model but {found}")]
    NotAModel {
        /// The model.
        name: String,
        /// The type of what is signed, quoted.
        found: String,
    },
    /// No key to verify with was given.
    #[error("no trusted key to verify the signature of {name} with")]
    NoTrustedKey {
        /// The model.
        name: String,
    },
    /// None of the trusted keys made the signature.
    #[error(
        "the signature of {name} was not made with a trusted key: {}trusted are {}",
        describe_signer(signer), trusted.join(", ")
    )]
    OtherKey {
        /// The model.
        name: String,
        /// The key that the bundle names (SHA-256 of its PEM text), quoted.
        signer: Option<String>,
        /// The trusted keys (SHA-256 of their PEM text).
        trusted: Vec<String>,
    },
    /// The signature names a trusted key, but does not fit its payload.
    #[error(
        "the signature of {name} is not valid: it was changed after it was made, or was not made \
         with the key that it names"
    )]
    Forged {
        /// The model.
        name: String,
    },
    /// Validly signed, but not a statement about a model.
    #[error("the signature of {name} holds no usable statement: {reason}")]
    Statement {
        /// The model.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Signs the files of a folder.
    #[error(
        "the signature of {name} is for a folder with {count} files; a model here is one file, \
         signed by itself"
    )]
    SeveralFiles {
        /// The model.
        name: String,
        /// How many files.
        count: usize,
    },
    /// Signs a folder, in which the one file has another name.
    #[error("the signature of {name} is for the file {signed} in a folder")]
    OtherFile {
        /// The model.
        name: String,
        /// The name of the signed file, quoted.
        signed: String,
    },
    /// The digest is not made in the supported way.
    #[error(
        "the signature of {name} uses {found}; only {expected:?} is supported, the default of \
         model_signing"
    )]
    Method {
        /// The model.
        name: String,
        /// The serialization or hash, quoted.
        found: String,
        /// The one that is supported.
        expected: &'static str,
    },
    /// The model is not what was signed.
    #[error("{name} is not the model that was signed: its SHA-256 is {found}, signed is {signed}")]
    Digest {
        /// The model.
        name: String,
        /// The signed SHA-256.
        signed: String,
        /// The SHA-256 of the model.
        found: String,
    },
    /// The caller's digest is not one.
    #[error("cannot sign {name}: {found} is not a SHA-256 in hexadecimal")]
    NotADigest {
        /// The model.
        name: String,
        /// What was given, quoted.
        found: String,
    },
}

fn describe_signer(signer: &Option<String>) -> String {
    match signer {
        Some(signer) => format!("it names the key {signer}, "),
        None => String::new(),
    }
}

/// The number of characters of somebody else's text in a message.
const SHOWN: usize = 100;

/// Somebody else's text for a message: without control characters, and not long.
pub(super) fn escape(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

/// As [`escape`], in quotation marks.
pub(super) fn quote(text: &str) -> String {
    format!("\"{}\"", escape(text))
}
