//! The chain of an audit log: lines of JSON, each with its number and a hash that follows from the line before it.
//!
//! The hash is the last member of a line. So a line is its *text*, from `{` up to and including the last comma, then
//! 74 bytes: `"hash":"`, 64 lowercase hexadecimal digits, `"}`. Its hash is
//!
//! ```text
//! SHA-256(the 32 bytes of the hash of the line before || text)
//! ```
//!
//! The first line of a file is a `start`, whose `previous` stands for the hash of the line before: that of the last
//! line of the file before it, or zeros where the chain begins.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::key::{Part, Signer};
use crate::exit;

/// SHA-256 in bytes.
pub type Hash = [u8; 32];

/// What is between the text of a line and its hash.
const BEFORE_HASH: &[u8] = b"\"hash\":\"";
/// What is behind the hash.
const BEHIND_HASH: &[u8] = b"\"}";

/// Where a chain has got to: number and hash of its last record. Zeros before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub n: u64,
    pub hash: Hash,
}

impl Head {
    /// Adds the next record to `out`. Each of its members ends with a comma.
    pub fn append(&mut self, members: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        self.n += 1;
        // Writing to memory does not fail.
        let _ = write!(out, r#"{{"n":{},"#, self.n);
        out.extend_from_slice(members);
        self.hash = follow(&self.hash, &out[start..]);
        out.extend_from_slice(BEFORE_HASH);
        out.extend(digits(&self.hash));
        out.extend_from_slice(BEHIND_HASH);
        out.push(b'\n');
    }
}

/// The hash of a line with this text.
pub fn follow(previous: &Hash, text: &[u8]) -> Hash {
    Sha256::new()
        .chain_update(previous)
        .chain_update(text)
        .finalize()
        .into()
}

/// The text of a line and its hash.
pub fn split(line: &[u8]) -> Option<(&[u8], Hash)> {
    let rest = line.strip_suffix(BEHIND_HASH)?;
    let (rest, hash) = rest.split_at_checked(rest.len().checked_sub(64)?)?;
    Some((rest.strip_suffix(BEFORE_HASH)?, parse_hex(hash)?))
}

/// A record as it is read. Members that verifying needs nothing of are left out.
#[derive(Deserialize)]
pub struct Record<'a> {
    pub n: u64,
    pub time: f64,
    pub kind: &'a str,
    /// Of a `start` or `end`: why.
    pub reason: Option<&'a str>,
    /// Of a `start`: the hash before it.
    pub previous: Option<&'a str>,
    /// Of a `lost`: how many.
    pub records: Option<u64>,
    /// Of a `head`: the signature of the line before it.
    pub signature: Option<&'a str>,
}

/// The file beside a log, with the head of its chain: what the log must reach.
#[derive(Debug, Deserialize, Serialize)]
pub struct HeadFile {
    pub n: u64,
    pub hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl HeadFile {
    /// Its path beside a log.
    pub fn path(log: &Path) -> PathBuf {
        let mut name = log.as_os_str().to_owned();
        name.push(".head");
        name.into()
    }

    /// Reads it, where it is there.
    ///
    /// # Errors
    /// A file that cannot be read, or that is not a head (exit 4).
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let shown = path.display();
        let text = match std::fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.with_context(|| format!("cannot read {shown}"))?,
        };
        let read: Option<Self> = serde_json::from_slice(&text).ok();
        let sound = read.filter(|read| read.head().is_some());
        let wrong = || exit::data(format!("{shown}: is not the head of an audit log"));
        sound.map(Some).ok_or_else(wrong)
    }

    /// Writes the head of a chain beside its log.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(log: &Path, head: &Head, signer: Option<&Signer>) -> std::io::Result<()> {
        let file = Self {
            n: head.n,
            hash: Hex(&head.hash).to_string(),
            key: signer.map(|signer| signer.public().id.clone()),
            signature: signer.map(|signer| signer.sign(Part::HeadFile, head)),
        };
        let mut line = serde_json::to_vec(&file)?;
        line.push(b'\n');
        files::atomic::write(&Self::path(log), |out| out.write_all(&line))
    }

    /// The head; none if its hash is not one.
    pub fn head(&self) -> Option<Head> {
        let hash = parse_hex(self.hash.as_bytes())?;
        Some(Head { n: self.n, hash })
    }
}

/// Shows bytes as lowercase hexadecimal digits.
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The digits of a hash.
fn digits(hash: &Hash) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    std::array::from_fn(|place| {
        let byte = hash[place / 2];
        let half = if place % 2 == 0 { byte >> 4 } else { byte & 15 };
        DIGITS[usize::from(half)]
    })
}

/// Bytes from lowercase digits; other spellings are refused, so that a line has one only.
pub fn parse_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected hashes from Python 3.11: `hashlib.sha256(previous + text).hexdigest()`.
    #[test]
    fn hashes_are_those_that_another_program_computes() {
        let (mut head, mut out) = (Head::default(), Vec::new());
        head.append(br#""time":1.000,"kind":"start","#, &mut out);
        head.append(br#""time":2.000,"kind":"end","#, &mut out);
        let text = String::from_utf8(out).unwrap();
        let hashes: Vec<&str> = text
            .lines()
            .map(|line| &line[line.len() - 66..line.len() - 2])
            .collect();
        assert_eq!(
            hashes,
            [
                "5c942a7469d0a399fbf0c349f8e31d2f762962e144a02827c0dc19a76539b529",
                "88d2fd088e951896314054618753a8b3b2b07b96d176987109fae79768cc313b"
            ]
        );
        for (line, hash) in text.lines().zip(hashes) {
            let (text, read) = split(line.as_bytes()).unwrap();
            assert!(text.ends_with(b","));
            assert_eq!(Hex(&read).to_string(), hash);
        }
    }

    #[test]
    fn a_hash_has_one_spelling() {
        assert_eq!(parse_hex(b"00fF"), None::<[u8; 2]>);
        assert_eq!(parse_hex(b"00f"), None::<[u8; 2]>);
        assert_eq!(parse_hex(b"00ff"), Some([0, 255]));
    }
}
