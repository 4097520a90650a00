//! The file of tokens: who they belong to, what they allow, and their SHA-256. A token itself is never stored.
//!
//! ```toml
//! [shop]
//! scopes = ["predict"]
//! sha256 = "…"        # of the token: printf %s TOKEN | sha256sum
//! ```

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use serde::Deserialize;
use server::guard::{Scope, Token};

use crate::exit;
use crate::params::near_miss;

/// An entry of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    scopes: Vec<String>,
    sha256: String,
}

/// Reads a file of tokens.
///
/// # Errors
/// A file that cannot be read, that others may write, or an entry that is wrong (exit 2). No message has a digest.
pub fn read(path: &Path) -> Result<Vec<Token>> {
    let shown = path.display();
    let fail = |reason: String| exit::usage(format!("{shown}: {reason}"));
    let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let found = std::fs::metadata(path).map_err(|error| fail(error.to_string()))?;
        if found.permissions().mode() & 0o022 != 0 {
            return Err(fail(
                "others may write it; run `chmod go-w` on it".to_owned(),
            ));
        }
    }
    let entries: std::collections::BTreeMap<String, Entry> =
        toml::from_str(&text).map_err(|error| {
            let before =
                |span: std::ops::Range<usize>| &text.as_bytes()[..span.start.min(text.len())];
            let line = error
                .span()
                .map(|span| before(span).iter().filter(|byte| **byte == b'\n').count() + 1);
            let place = line.map_or_else(String::new, |line| format!("line {line}: "));
            // The reader's own words would show what stands there.
            let secret = ["invalid type", "invalid value"];
            let reason = match secret
                .iter()
                .any(|start| error.message().starts_with(start))
            {
                true => "expected [NAME] with scopes = [...] and sha256 = \"...\"",
                false => error.message(),
            };
            fail(format!("{place}{reason}"))
        })?;
    let tokens = entries
        .into_iter()
        .map(|(name, entry)| token(&name, &entry).map_err(&fail));
    tokens.collect()
}

fn token(name: &str, entry: &Entry) -> Result<Token, String> {
    let is_harmless = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || !name.chars().all(is_harmless) {
        return Err("a name may have letters, digits, `-`, `_` and `.` only".to_owned());
    }
    let known = Scope::ALL.map(Scope::name);
    let scope = |scope: &String| {
        Scope::from_name(scope).ok_or_else(|| {
            let near = near_miss(scope, &known);
            format!(
                "[{name}]: unknown scope `{scope}`; {near}expected one of {}",
                known.join(", ")
            )
        })
    };
    Ok(Token {
        name: Arc::from(name),
        sha256: digest(&entry.sha256)
            .ok_or_else(|| format!("[{name}]: sha256 must have 64 hexadecimal digits"))?,
        scopes: entry.scopes.iter().map(scope).collect::<Result<_, _>>()?,
    })
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digit = |place: usize| char::from(digits[place]).to_digit(16);
        *byte = (digit(0)? * 16 + digit(1)?) as u8;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

    /// Whatever the umask says.
    fn own(path: &Path) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    fn tokens(text: &str) -> Result<Vec<Token>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        own(file.path());
        read(file.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_of_tokens_is_read() {
        let read = tokens(&format!(
            "[shop]\nscopes = [\"predict\", \"metrics\"]\nsha256 = \"{SHA}\"\n"
        ))
        .unwrap();
        assert_eq!((&*read[0].name, read[0].sha256[0]), ("shop", 0x2b));
        assert_eq!(read[0].scopes, [Scope::Predict, Scope::Metrics]);
    }

    #[test]
    fn what_is_wrong_is_named_without_the_digest() {
        for (text, expected) in [
            (
                format!("[shop]\nscopes = [\"predcit\"]\nsha256 = \"{SHA}\"\n"),
                "did you mean `predict`?",
            ),
            (
                "[shop]\nscopes = []\nsha256 = \"2bb8\"\n".to_owned(),
                "64 hexadecimal digits",
            ),
            (
                format!("[shop]\nscope = []\nsha256 = \"{SHA}\"\n"),
                "unknown field `scope`",
            ),
            (
                format!("[\"a b\"]\nscopes = []\nsha256 = \"{SHA}\"\n"),
                "a name may have",
            ),
            ("[shop\n".to_owned(), "line 1"),
            ("shop = \"2bb8\"\n".to_owned(), "expected [NAME]"),
        ] {
            let error = tokens(&text).unwrap_err();
            assert!(
                error.contains(expected) && !error.contains("2bb8"),
                "{error}"
            );
        }
    }
}
