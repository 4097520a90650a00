//! SHA-256 in hexadecimal, of what is already hashed or is hashed while it is copied.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `text` is a SHA-256 as [`hex`] writes it.
pub(crate) fn is_sha256(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 64 && text.bytes().all(digit)
}

/// Copies a stream to its end. Returns the SHA-256 and the number of the bytes that were written:
/// what is hashed is what is passed on.
///
/// # Errors
/// If it cannot be read or written.
pub(crate) fn copy(mut reader: impl Read, out: &mut dyn Write) -> io::Result<(String, u64)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                hasher.update(&buffer[..read]);
                out.write_all(&buffer[..read])?;
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((hex(&hasher.finalize()), bytes))
}

/// [`copy`], of a stream that should have a certain length and digest; returns whether it has. Never
/// reads more than one byte beyond that length.
///
/// # Errors
/// If it cannot be read or written.
pub(crate) fn copy_checked(
    reader: impl Read,
    out: &mut dyn Write,
    sha256: &str,
    bytes: u64,
) -> io::Result<bool> {
    let copied = copy(reader.take(bytes.saturating_add(1)), out)?;
    Ok(copied == (sha256.to_owned(), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_abc_as_fips_180_gives_it() {
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let mut copied = Vec::new();
        let (digest, bytes) = copy(&b"abc"[..], &mut copied).unwrap();
        assert_eq!(
            (digest.as_str(), bytes, &copied[..]),
            (sha256, 3, &b"abc"[..])
        );
        assert!(is_sha256(sha256));
        for text in [
            &sha256[1..],
            &sha256.to_uppercase(),
            &sha256.replace('7', "g"),
        ] {
            assert!(!is_sha256(text), "{text}");
        }
        for (content, bytes, whole) in [("abc", 3, true), ("abc", 2, false), ("abcd", 3, false)] {
            let checked = copy_checked(content.as_bytes(), &mut io::sink(), sha256, bytes);
            assert_eq!(checked.unwrap(), whole, "{content} {bytes}");
        }
    }
}
