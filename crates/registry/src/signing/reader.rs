//! A reader that hashes what it passes on, for a model that is used while it is read.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::{SignatureError, Verified};
use crate::digest::hex;

/// Passes a model on and compares its digest with the signed one at its end: the read that would
/// return 0 returns an error of kind `InvalidData` (with a [`SignatureError`] inside) if they
/// differ, and so does every later one.
///
/// Nothing that was read is verified before the end was reached. A consumer that stops earlier must
/// call [`finish`](VerifyingReader::finish) before it uses anything.
#[derive(Debug)]
pub struct VerifyingReader<R> {
    verified: Verified,
    inner: R,
    hasher: Sha256,
    /// The digest of the whole model, once its end was reached.
    found: Option<String>,
}

impl<R: Read> VerifyingReader<R> {
    pub(super) fn new(verified: Verified, inner: R) -> Self {
        Self {
            verified,
            inner,
            hasher: Sha256::new(),
            found: None,
        }
    }

    /// Reads what is left of the model and compares its digest.
    ///
    /// # Errors
    /// If it cannot be read or differs.
    pub fn finish(mut self) -> Result<Verified, SignatureError> {
        let mut buffer = vec![0; 1 << 16];
        while self.found.is_none() {
            match self.pull(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    let name = self.verified.name;
                    return Err(SignatureError::Model { name, source });
                }
                Ok(_) => {}
            }
        }
        self.compare()?;
        Ok(self.verified)
    }

    /// Reads and hashes once. `buffer` is not empty, so 0 bytes are the end.
    fn pull(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        if read == 0 {
            self.found = Some(hex(&self.hasher.finalize_reset()));
        }
        Ok(read)
    }

    fn compare(&self) -> Result<(), SignatureError> {
        match &self.found {
            Some(found) => self.verified.compare(found),
            None => Ok(()),
        }
    }
}

impl<R: Read> Read for VerifyingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !buffer.is_empty() && self.found.is_none() {
            let read = self.pull(buffer)?;
            if read > 0 {
                return Ok(read);
            }
        }
        self.compare()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(0)
    }
}
