//! The bytes of objects on their way: checked before the last of them are sent, and asked for
//! again from where an answer broke off.

use std::io::{self, Read};

use sha2::{Digest, Sha256};
use ureq::BodyReader;
use ureq::http::{HeaderMap, StatusCode, header};

use super::answer::Answer;
use super::client::{ATTEMPTS, Client};
use super::error::Error;
use crate::digest;
use crate::store::Content;

/// Bytes that are read at once.
const BLOCK: usize = 1 << 16;

/// Why content was not sent to its end, other than by the server.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is not what was announced.
    Changed,
    /// Its source cannot be read.
    Source(io::Error),
}

/// Content that is sent: its last block is given away only if all of it matches the digest. A
/// server never sees the end of anything else, so it stores nothing.
pub(super) struct Checked<'c> {
    sha256: &'c str,
    length: u64,
    source: Box<dyn Read + 'c>,
    hasher: Sha256,
    /// Bytes read from the source.
    bytes: u64,
    /// What may be sent, and how much of it was.
    block: Vec<u8>,
    sent: usize,
    /// What comes after it.
    next: Vec<u8>,
    /// Why it ended with an error.
    pub fault: Option<Fault>,
}

impl<'c> Checked<'c> {
    pub fn new(content: &'c Content<'_>) -> Result<Self, Fault> {
        let mut checked = Self {
            sha256: &content.sha256,
            length: content.bytes,
            source: content.open().map_err(Fault::Source)?,
            hasher: Sha256::new(),
            bytes: 0,
            block: Vec::new(),
            sent: 0,
            next: Vec::new(),
            fault: None,
        };
        checked.next = checked.read_block()?;
        Ok(checked)
    }

    fn read_block(&mut self) -> Result<Vec<u8>, Fault> {
        let mut block = Vec::with_capacity(BLOCK);
        let read = (&mut self.source)
            .take(BLOCK as u64)
            .read_to_end(&mut block);
        read.map_err(Fault::Source)?;
        self.hasher.update(&block);
        self.bytes += block.len() as u64;
        match self.bytes > self.length {
            true => Err(Fault::Changed),
            false => Ok(block),
        }
    }

    fn advance(&mut self) -> Result<(), Fault> {
        let next = match self.next.is_empty() {
            true => Vec::new(),
            false => self.read_block()?,
        };
        if next.is_empty() && !self.matches() {
            return Err(Fault::Changed);
        }
        self.block = std::mem::replace(&mut self.next, next);
        self.sent = 0;
        Ok(())
    }

    fn matches(&self) -> bool {
        let sha256 = digest::hex(&self.hasher.clone().finalize());
        self.bytes == self.length && sha256 == self.sha256
    }
}

impl Read for Checked<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.sent == self.block.len()
            && let Err(fault) = self.advance()
        {
            self.fault = Some(fault);
            return Err(io::Error::other("the content to be stored is not right"));
        }
        let read = (&self.block[self.sent..]).read(out)?;
        self.sent += read;
        Ok(read)
    }
}

/// All of a small content, checked.
pub(super) fn read_checked(content: &Content<'_>) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let source = content.open().map_err(Fault::Source)?;
    let checked = digest::copy_checked(source, &mut bytes, &content.sha256, content.bytes);
    match checked.map_err(Fault::Source)? {
        true => Ok(bytes),
        false => Err(Fault::Changed),
    }
}

/// An object that is read. Where the connection breaks, the rest of the same object is asked for.
pub(super) struct Download {
    client: Client,
    key: String,
    /// That of the object whose bytes were read.
    etag: String,
    body: BodyReader<'static>,
    at: u64,
    pub bytes: u64,
    /// SHA-256 that was stored with it, if there is one.
    pub sha256: Option<String>,
    /// Attempts without a byte since.
    vain: u32,
}

impl Download {
    /// None if the object is absent.
    pub fn open(client: &Client, key: &str) -> Result<Option<Self>, Error> {
        let response = match client.get(key, 0, None)? {
            Answer::Done(response) => response,
            Answer::Absent => return Ok(None),
            Answer::Taken => return Err(client.no_condition()),
        };
        let (parts, body) = response.into_parts();
        if parts.status != StatusCode::OK {
            return Err(client.not_s3(parts.status.as_u16(), "a part that was not asked for"));
        }
        let length = text(&parts.headers, header::CONTENT_LENGTH.as_str());
        let no_length = || client.not_s3(parts.status.as_u16(), "no Content-Length");
        let bytes = length
            .and_then(|length| length.parse().ok())
            .ok_or_else(no_length)?;
        Ok(Some(Self {
            client: client.clone(),
            key: key.to_owned(),
            etag: text(&parts.headers, header::ETAG.as_str()).unwrap_or_default(),
            body: body.into_with_config().limit(u64::MAX).reader(),
            at: 0,
            bytes,
            sha256: text(&parts.headers, super::client::SHA256),
            vain: 0,
        }))
    }

    fn read_once(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        let read = self.body.read(out);
        match read.map_err(|error| self.client.failure(ureq::Error::from(error)))? {
            0 if self.at < self.bytes && !out.is_empty() => Err(Error::BrokenOff {
                server: self.client.server.clone(),
                reason: format!("after {} of {} bytes", self.at, self.bytes),
            }),
            read => Ok(read),
        }
    }

    /// Asks for what is left.
    fn resume(&mut self) -> Result<(), Error> {
        let begun = (self.at > 0).then_some(self.etag.as_str());
        let Answer::Done(response) = self.client.get(&self.key, self.at, begun)? else {
            return Err(Error::Replaced);
        };
        let (parts, body) = response.into_parts();
        let range = text(&parts.headers, header::CONTENT_RANGE.as_str());
        let expected = format!("bytes {}-", self.at);
        let continues = range.is_some_and(|range| range.starts_with(&expected));
        if text(&parts.headers, header::ETAG.as_str()).as_ref() != Some(&self.etag) {
            return Err(Error::Replaced);
        }
        if self.at > 0 && !continues {
            let status = parts.status.as_u16();
            return Err(self.client.not_s3(status, "another part of the object"));
        }
        self.body = body.into_with_config().limit(u64::MAX).reader();
        Ok(())
    }
}

impl Read for Download {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut read = self.read_once(out);
        while let Err(error) = &read {
            if !error.may_pass() || self.vain + 1 >= ATTEMPTS {
                break;
            }
            self.client.pause(self.vain);
            self.vain += 1;
            read = self.resume().and_then(|()| self.read_once(out));
        }
        let read = read?;
        self.at += read as u64;
        self.vain = 0;
        Ok(read)
    }
}

/// A header as text.
pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}
