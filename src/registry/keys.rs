//! Keys that sign, and whether a file is signed by one.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use crate::exit;
use crate::memory::{read_signed, refuse_key, signature_of};
use registry::signing::PrivateKey;

/// A pair of keys in two files.
#[derive(Serialize)]
pub struct NewKeys {
    private: PathBuf,
    public: PathBuf,
    /// SHA-256 of the public key in DER.
    id: String,
}

impl fmt::Display for NewKeys {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(
            f,
            "{}: signs; keep it secret, it is readable by you alone",
            self.private.display()
        )?;
        writeln!(
            f,
            "{}: verifies; give it to whoever uses models (--trusted-key)",
            self.public.display()
        )?;
        writeln!(f, "id {}", self.id)
    }
}

/// Makes a pair of keys (ECDSA on P-256): the private one in `path`, which must be new, the public one in `path.pub`.
///
/// # Errors
/// A file that exists or cannot be written.
pub fn new_keys(path: &Path) -> Result<NewKeys> {
    let mut public = path.as_os_str().to_owned();
    public.push(".pub");
    let public = PathBuf::from(public);
    if public.exists() {
        return Err(exit::usage(format!(
            "{} exists; name another file",
            public.display()
        )));
    }
    let key = PrivateKey::generate().map_err(refuse_key)?;
    key.write_new(path).map_err(refuse_key)?;
    key.public_key().write(&public).map_err(refuse_key)?;
    Ok(NewKeys {
        private: path.to_owned(),
        public,
        id: key.public_key().id().to_owned(),
    })
}

/// A file that is signed.
#[derive(Serialize)]
pub struct Verified {
    file: PathBuf,
    signature: PathBuf,
    bytes: usize,
    sha256: String,
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(
            f,
            "{}: signed by a trusted key, {} bytes, sha256 {}",
            self.file.display(),
            self.bytes,
            self.sha256
        )
    }
}

/// Verifies that one of the public keys signed a file, by the signature `FILE.sig`.
///
/// # Errors
/// A file that is not signed like that (exit 4), or a key that cannot be read.
pub fn verify(file: &Path, trusted: &[PathBuf]) -> Result<Verified> {
    let bytes = read_signed(file, trusted)?;
    Ok(Verified {
        file: file.to_owned(),
        signature: signature_of(file),
        bytes: bytes.len(),
        sha256: files::digest::bytes(&bytes),
    })
}
