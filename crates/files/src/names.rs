//! File names as text, for tables and messages.
//!
//! File names are bytes. In a name that is not UTF-8 (from an old camera's archive, for example)
//! each invalid byte is written as `\xE9` and each backslash as two; [`find`] maps the text back to
//! the file.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Returns a path as text, unchanged if it is UTF-8.
///
/// # Examples
/// ```
/// # #[cfg(unix)] {
/// use std::ffi::OsStr;
/// use std::os::unix::ffi::OsStrExt;
/// use std::path::Path;
///
/// let name = Path::new(OsStr::from_bytes(b"caf\xe9.jpg"));
/// assert_eq!(easylife_files::names::spell(name), "caf\\xE9.jpg");
/// # }
/// ```
pub fn spell(path: &Path) -> String {
    if let Some(text) = path.to_str() {
        return text.to_owned();
    }
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text += &chunk.valid().replace('\\', "\\\\");
        for byte in chunk.invalid() {
            text += &format!("\\x{byte:02X}");
        }
    }
    text
}

/// Returns the path below `folder` that a text refers to: the file with exactly that name, or, if
/// there is none, the one that [`spell`] writes that way.
pub fn find(folder: &Path, text: &str) -> PathBuf {
    let plain = folder.join(text);
    match unspelled(text) {
        Some(name) if plain.symlink_metadata().is_err() => folder.join(name),
        _ => plain,
    }
}

#[cfg(unix)]
fn unspelled(text: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    if !text.contains("\\x") {
        return None;
    }
    let mut name = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            name.push(byte);
        } else if let Some(after) = after.strip_prefix(b"\\") {
            name.push(b'\\');
            rest = after;
        } else {
            let digits = after.strip_prefix(b"x")?.get(..2)?;
            name.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = &after[3..];
        }
    }
    Some(PathBuf::from(OsStr::from_bytes(&name)))
}

#[cfg(not(unix))]
fn unspelled(_: &str) -> Option<PathBuf> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn a_name_that_is_not_utf8_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            &b"caf\xe9.jpg"[..],
            b"a\\x41\xff\xfe",
            "café.jpg".as_bytes(),
            b"a\\x41",
        ] {
            let path = dir.path().join(OsStr::from_bytes(name));
            fs::write(&path, "x").unwrap();
            let text = spell(Path::new(OsStr::from_bytes(name)));
            assert_eq!(find(dir.path(), &text), path, "{text}");
        }
        assert_eq!(
            spell(Path::new(OsStr::from_bytes(b"caf\xe9\\"))),
            "caf\\xE9\\\\"
        );
        // No such file: the text is taken literally.
        assert_eq!(find(dir.path(), "b\\x"), dir.path().join("b\\x"));
    }
}
