//! Keys: tokens with known prefixes, private key blocks, and values assigned to telling names.

use super::scan::is_word;
use super::{Kind, Span};

/// A token: what it begins with, the length of what follows, and which characters that has.
struct Prefix {
    text: &'static [u8],
    /// Where in `text` the scan stops.
    stop: usize,
    fewest: usize,
    most: usize,
    charset: Charset,
}

#[derive(Clone, Copy)]
enum Charset {
    /// A-Z, 0-9.
    Upper,
    /// A-Z, a-z, 0-9.
    Alphanumeric,
    /// Those, `_` and `-`.
    Url,
}

impl Charset {
    fn holds(self, byte: u8) -> bool {
        match self {
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::Url => byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-',
        }
    }
}

const fn prefix(text: &'static [u8], stop: usize, range: [usize; 2], charset: Charset) -> Prefix {
    Prefix {
        text,
        stop,
        fewest: range[0],
        most: range[1],
        charset,
    }
}

/// The issuers' documented formats.
const PREFIXES: &[Prefix] = &[
    // Amazon Web Services: long-term, temporary, and other ids.
    prefix(b"AKIA", 0, [16, 16], Charset::Upper),
    prefix(b"ASIA", 0, [16, 16], Charset::Upper),
    prefix(b"AROA", 0, [16, 17], Charset::Upper),
    prefix(b"AIDA", 0, [16, 17], Charset::Upper),
    prefix(b"AIza", 0, [35, 35], Charset::Url),
    prefix(b"ghp_", 3, [36, 251], Charset::Alphanumeric),
    prefix(b"gho_", 3, [36, 251], Charset::Alphanumeric),
    prefix(b"ghu_", 3, [36, 251], Charset::Alphanumeric),
    prefix(b"ghs_", 3, [36, 251], Charset::Alphanumeric),
    prefix(b"ghr_", 3, [36, 251], Charset::Alphanumeric),
    prefix(b"github_pat_", 6, [50, 251], Charset::Url),
    prefix(b"glpat-", 5, [20, 64], Charset::Url),
    prefix(b"npm_", 3, [36, 36], Charset::Alphanumeric),
    prefix(b"hf_", 2, [30, 40], Charset::Alphanumeric),
    prefix(b"sk_live_", 2, [16, 251], Charset::Alphanumeric),
    prefix(b"sk_test_", 2, [16, 251], Charset::Alphanumeric),
    prefix(b"rk_live_", 2, [16, 251], Charset::Alphanumeric),
    prefix(b"xoxb-", 4, [20, 251], Charset::Url),
    prefix(b"xoxp-", 4, [20, 251], Charset::Url),
    prefix(b"xoxa-", 4, [20, 251], Charset::Url),
    prefix(b"xoxs-", 4, [20, 251], Charset::Url),
    prefix(b"sk-", 2, [32, 251], Charset::Url),
];

const BLOCK_START: &[u8] = b"-----BEGIN ";
const BLOCK_TITLE: &[u8] = b"PRIVATE KEY-----";
const BLOCK_PGP: &[u8] = b"PRIVATE KEY BLOCK-----";
const BLOCK_END: &[u8] = b"-----END ";
/// Most characters between `BEGIN` and `PRIVATE`: `ENCRYPTED`, `OPENSSH`.
const BLOCK_ALGORITHM: usize = 24;

/// The token that has a character of its prefix at `at`.
pub(super) fn token(text: &[u8], at: usize) -> Option<Span> {
    match text[at] {
        b'J' => jwt(text, at),
        b'-' if text[at..].starts_with(BLOCK_START) => private_key(text, at),
        _ => PREFIXES
            .iter()
            .find_map(|prefix| prefixed(text, at, prefix)),
    }
}

fn prefixed(text: &[u8], at: usize, prefix: &Prefix) -> Option<Span> {
    if prefix.text[prefix.stop] != text[at] {
        return None;
    }
    let start = at.checked_sub(prefix.stop)?;
    let rest = text[start..].strip_prefix(prefix.text)?;
    if start > 0 && is_word(text[start - 1]) {
        return None;
    }
    let length = rest
        .iter()
        .take(prefix.most + 1)
        .take_while(|b| prefix.charset.holds(**b))
        .count();
    let is_token = (prefix.fewest..=prefix.most).contains(&length)
        && rest.get(length).is_none_or(|&b| !b.is_ascii_alphanumeric())
        && rest[..length]
            .iter()
            .any(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    is_token.then_some(key(start, start + prefix.text.len() + length))
}

fn key(start: usize, end: usize) -> Span {
    Span {
        kind: Kind::Key,
        start,
        end,
    }
}

/// Longest header of a JSON web token, in base 64.
const JWT_HEADER: usize = 1024;

/// A JSON web token: three parts in base 64, the first two of JSON objects (`{"` is `eyJ`).
fn jwt(text: &[u8], at: usize) -> Option<Span> {
    let start = at
        .checked_sub(2)
        .filter(|start| text[*start..].starts_with(b"eyJ"))?;
    if start > 0 && is_word(text[start - 1]) {
        return None;
    }
    let part = |from: usize, most: usize| {
        let bytes = text[from..].iter().take(most);
        bytes.take_while(|b| Charset::Url.holds(**b)).count()
    };
    // A bound, so that text full of beginnings is not read to its end from each.
    let header = start + part(start, JWT_HEADER);
    if text.get(header) != Some(&b'.') || !text[header + 1..].starts_with(b"eyJ") {
        return None;
    }
    let payload = header + 1 + part(header + 1, usize::MAX);
    let end = match text.get(payload) {
        Some(b'.') => payload + 1 + part(payload + 1, usize::MAX),
        _ => return None,
    };
    Some(key(start, end))
}

/// From `-----BEGIN ... PRIVATE KEY-----` to the end of the block, or of the text where it is cut.
fn private_key(text: &[u8], start: usize) -> Option<Span> {
    let rest = &text[start + BLOCK_START.len()..];
    let is_title = |at: &usize| {
        let rest = &rest[*at..];
        rest.starts_with(BLOCK_TITLE) || rest.starts_with(BLOCK_PGP)
    };
    let title = (0..=BLOCK_ALGORITHM.min(rest.len())).find(is_title)?;
    let body = start + BLOCK_START.len() + title;
    let Some(end) = position(&text[body..], BLOCK_END) else {
        return Some(key(start, text.len()));
    };
    let closing = body + end + BLOCK_END.len();
    let line = position(&text[closing..], b"-----").map_or(text.len(), |at| closing + at + 5);
    Some(key(start, line))
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// Ends of names (lower case, without `_` and `-`) of secrets.
const NAMES: &[&str] = &[
    "apikey",
    "secret",
    "secretkey",
    "token",
    "accesskey",
    "privatekey",
    "authkey",
    "accountkey",
    "encryptionkey",
    "signingkey",
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "authorization",
    "credential",
    "credentials",
    "bearer",
    "keyid",
    "secretaccesskey",
];
/// Longest name and value that are looked at.
const NAME: usize = 40;
const VALUE: usize = 512;
/// Shortest value of a key and of a password.
const FEWEST: usize = 16;
const FEWEST_OF_PASSWORD: usize = 8;
/// Least entropy of a key's characters, in bits a character: words have less.
const ENTROPY: f64 = 3.0;

/// The value that a name such as `api_key` is given by the `:` or `=` at `at`.
pub(super) fn assigned(text: &[u8], at: usize) -> Option<Span> {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(*b, b'_' | b'-');
    let before = &text[..at];
    // Quotes and spaces between name and sign: `"api_key" : `.
    let gap = before
        .iter()
        .rev()
        .take(3)
        .take_while(|b| matches!(b, b' ' | b'"' | b'\'' | b':'))
        .count();
    let before = &before[..before.len() - gap];
    let length = before
        .iter()
        .rev()
        .take(NAME)
        .take_while(|b| is_name(b))
        .count();
    let name = &before[before.len() - length..];
    if !is_secret(name) {
        return None;
    }
    let is_gap = |b: &u8| matches!(*b, b' ' | b'"' | b'\'' | b'=' | b'>' | b'`' | b'\t');
    let mut start = at + 1;
    start += text[start..]
        .iter()
        .take(4)
        .take_while(|b| is_gap(b))
        .count();
    for scheme in [b"Bearer ".as_slice(), b"Basic ", b"token "] {
        if text[start..].starts_with(scheme) {
            start += scheme.len();
        }
    }
    let is_password = is_password(name);
    let is_value = |b: &u8| match b {
        b'_' | b'-' | b'+' | b'/' | b'=' | b'.' | b'~' => true,
        b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*' | b'(' | b')' => is_password,
        b => b.is_ascii_alphanumeric(),
    };
    let value = text[start..]
        .iter()
        .take(VALUE + 1)
        .take_while(|b| is_value(b))
        .count();
    let value = &text[start..start + value];
    // A sentence's full stop.
    let value = value.strip_suffix(b".").unwrap_or(value);
    let fewest = if is_password {
        FEWEST_OF_PASSWORD
    } else {
        FEWEST
    };
    let is_mixed =
        value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic);
    let is_secret = (fewest..=VALUE).contains(&value.len())
        && is_mixed
        && (is_password || entropy(value) >= ENTROPY);
    is_secret.then_some(key(start, start + value.len()))
}

/// Names of passwords: shorter values, of more characters, than keys have.
fn is_password(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    [b"password".as_slice(), b"passwd", b"pwd", b"passphrase"]
        .iter()
        .any(|known| name.ends_with(known))
}

fn is_secret(name: &[u8]) -> bool {
    let mut bare = [0; NAME];
    let mut length = 0;
    for byte in name.iter().filter(|b| b.is_ascii_alphanumeric()) {
        bare[length] = byte.to_ascii_lowercase();
        length += 1;
    }
    NAMES
        .iter()
        .any(|known| bare[..length].ends_with(known.as_bytes()))
}

/// Shannon entropy of the bytes, in bits a byte.
fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    value.iter().for_each(|&byte| counts[byte as usize] += 1);
    let shares = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|&n| f64::from(n) / value.len() as f64);
    -shares.map(|share| share * libm::log2(share)).sum::<f64>()
}
