//! ECDSA keys on the curve P-256, in the PEM files of openssl.
//!
//! Messages are signed together with their type, in the encoding of DSSE ("PAE"), so that a
//! signature for one purpose is worth nothing for another.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use base64ct::{Base64, Encoding};
use files::leftovers::Leftover;
use p256::SecretKey;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{DerSignature, SigningKey, VerifyingKey};
use p256::elliptic_curve::Generate;
use p256::elliptic_curve::zeroize::Zeroizing;
use p256::pkcs8::{DecodePublicKey, EncodePrivateKey, EncodePublicKey, LineEnding};

use super::{KeyError, WrongSignature};

/// The largest key file that is read, in bytes.
const MAX_FILE: usize = 1 << 16;

/// A key that signs. It is never printed, and is overwritten in memory when dropped.
pub struct PrivateKey {
    key: SigningKey,
    public: PublicKey,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(of public key {})", self.public.id)
    }
}

impl PrivateKey {
    /// A new key, from random numbers of the operating system.
    ///
    /// # Errors
    /// If there are none.
    pub fn generate() -> Result<Self, KeyError> {
        let key = SigningKey::try_generate().map_err(|error| KeyError::Make {
            reason: format!("no random numbers: {error}"),
        })?;
        Self::new(key)
    }

    fn new(key: SigningKey) -> Result<Self, KeyError> {
        let public = PublicKey::new(*key.verifying_key())?;
        Ok(Self { key, public })
    }

    /// Reads a key from a PEM file, as PKCS#8 (`PRIVATE KEY`) or SEC1 (`EC PRIVATE KEY`).
    ///
    /// # Errors
    /// If the file cannot be read, is open to other users (on Unix), has a passphrase, or is not
    /// a P-256 key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let bytes = read_file(path, check_mode)?;
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
            return Err(KeyError::Encrypted {
                path: path.to_owned(),
            });
        }
        let block = pem_block(text, "PRIVATE KEY")
            .or_else(|| pem_block(text, "EC PRIVATE KEY"))
            .ok_or_else(|| other_kind(path, text, "private key (`PRIVATE KEY` in PEM)"))?;
        let key = SecretKey::from_pem(block).map_err(|error| invalid(path, error))?;
        Self::new(key.into())
    }

    /// Writes the key to a new file, as PKCS#8 in PEM, readable by its owner only. The file appears
    /// complete or not at all, and an existing one is never overwritten. A kill with SIGKILL may leave
    /// a hidden sibling `.easylife-key-*`, as private as the key.
    ///
    /// # Errors
    /// If there is a file already, or it cannot be written.
    pub fn write_new(&self, path: &Path) -> Result<(), KeyError> {
        let pem = SecretKey::from(self.key.as_nonzero_scalar())
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(encoding)?;
        create_private(path, pem.as_bytes()).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => KeyError::Exists {
                path: path.to_owned(),
            },
            _ => KeyError::Write {
                path: path.to_owned(),
                source,
            },
        })
    }

    /// The key that verifies what this one signs.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs any message of type `kind` (a media type, for example), as DSSE does: the signature is
    /// over `DSSEv1`, the type, the message and their lengths. Returns it in DER and base64; the
    /// same message and key give the same (RFC 6979).
    ///
    /// # Examples
    /// ```
    /// use easylife_registry::signing::PrivateKey;
    ///
    /// let key = PrivateKey::generate()?;
    /// let signature = key.sign_bytes("text/plain", b"all is well");
    /// let trusted = key.public_key();
    /// assert!(trusted.verify_bytes("text/plain", b"all is well", &signature).is_ok());
    /// assert!(trusted.verify_bytes("text/html", b"all is well", &signature).is_err());
    /// # Ok::<(), easylife_registry::signing::KeyError>(())
    /// ```
    pub fn sign_bytes(&self, kind: &str, message: &[u8]) -> String {
        let signature = self.sign_raw(&encode_message(kind, message));
        Base64::encode_string(signature.as_bytes())
    }

    pub(super) fn sign_raw(&self, message: &[u8]) -> DerSignature {
        self.key.sign(message)
    }

    #[cfg(test)]
    pub(crate) fn from_scalar(scalar: &[u8]) -> Self {
        Self::new(SigningKey::from_slice(scalar).unwrap()).unwrap()
    }
}

/// A key that verifies signatures. Displayed, it is its [`id`](PublicKey::id).
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    id: String,
    hint: String,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

impl PublicKey {
    fn new(key: VerifyingKey) -> Result<Self, KeyError> {
        let der = key.to_public_key_der().map_err(encoding)?;
        let pem = key.to_public_key_pem(LineEnding::LF).map_err(encoding)?;
        Ok(Self {
            key,
            id: files::digest::bytes(der.as_bytes()),
            hint: files::digest::bytes(pem.as_bytes()),
        })
    }

    /// Reads a key from a PEM file (`PUBLIC KEY`), as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// If the file cannot be read or is not a public P-256 key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let bytes = read_file(path, |_, _| Ok(()))?;
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        let block = pem_block(text, "PUBLIC KEY")
            .ok_or_else(|| other_kind(path, text, "public key (`PUBLIC KEY` in PEM)"))?;
        let key = VerifyingKey::from_public_key_pem(block).map_err(|error| invalid(path, error))?;
        Self::new(key)
    }

    /// Writes the key as PEM, as openssl does. An existing file is replaced.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), KeyError> {
        let pem = self
            .key
            .to_public_key_pem(LineEnding::LF)
            .map_err(encoding)?;
        files::atomic::write(path, |out| out.write_all(pem.as_bytes())).map_err(|source| {
            KeyError::Write {
                path: path.to_owned(),
                source,
            }
        })
    }

    /// SHA-256 of the key in DER (SubjectPublicKeyInfo), in hexadecimal, as other tools name a key:
    /// `openssl pkey -pubin -in KEY -outform DER | sha256sum`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// SHA-256 of the key in PEM, in hexadecimal: how model-signing names the key in a bundle, and
    /// what `sha256sum` prints of the file that openssl writes.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// Verifies a signature of [`PrivateKey::sign_bytes`].
    ///
    /// # Errors
    /// If it is not one of this key for this message of this type.
    pub fn verify_bytes(
        &self,
        kind: &str,
        message: &[u8],
        signature: &str,
    ) -> Result<(), WrongSignature> {
        let der = Base64::decode_vec(signature).map_err(|_| WrongSignature)?;
        let signature = DerSignature::from_bytes(&der).map_err(|_| WrongSignature)?;
        self.key
            .verify(&encode_message(kind, message), &signature)
            .map_err(|_| WrongSignature)
    }
}

/// The pre-authentication encoding of DSSE 1.0: `DSSEv1`, then lengths in bytes and the texts.
fn encode_message(kind: &str, message: &[u8]) -> Vec<u8> {
    let mut encoded = format!("DSSEv1 {} {kind} {} ", kind.len(), message.len()).into_bytes();
    encoded.extend_from_slice(message);
    encoded
}

/// Reads a small file once; `check` sees the file that is read.
fn read_file(
    path: &Path,
    check: impl FnOnce(&Path, &File) -> Result<(), KeyError>,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let unreadable = |source| KeyError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    check(path, &file)?;
    // Large enough from the start: a buffer that grows leaves copies of the key in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE + 64));
    file.take(MAX_FILE as u64)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes)
}

#[cfg(unix)]
fn check_mode(path: &Path, file: &File) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata().map_err(|source| KeyError::Read {
        path: path.to_owned(),
        source,
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(KeyError::Open {
        path: path.to_owned(),
        mode,
    })
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &File) -> Result<(), KeyError> {
    Ok(())
}

/// Creates a file that only its owner may read, from its first byte on; never over another one.
fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".easylife-key-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o600));
    }
    let mut file = builder.tempfile_in(folder)?;
    let _listed = Leftover::new(file.path());
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The part of a PEM text between the lines of `label`, with them. openssl may write other parts
/// before, such as `EC PARAMETERS`.
fn pem_block<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let start = text.find(&format!("-----BEGIN {label}-----"))?;
    let block = &text[start..];
    let last = format!("-----END {label}-----");
    let end = block.find(&last)? + last.len();
    Some(&block[..end])
}

fn other_kind(path: &Path, text: &str, expected: &'static str) -> KeyError {
    let label = text.lines().find_map(|line| {
        let label = line.trim_end().strip_prefix("-----BEGIN ")?;
        label.strip_suffix("-----")
    });
    KeyError::OtherKind {
        path: path.to_owned(),
        found: match label {
            Some(label) => format!("{} in PEM", super::error::quote(label)),
            None => "no key in PEM".to_owned(),
        },
        expected,
    }
}

fn invalid(path: &Path, error: impl fmt::Display) -> KeyError {
    KeyError::Invalid {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

fn encoding(error: impl fmt::Display) -> KeyError {
    KeyError::Make {
        reason: error.to_string(),
    }
}
