//! Names of objects.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::StoreError;

/// The name of an object: parts of `a-z 0-9 . _ -` with `/` between them, none of which begins with
/// a dot. It is thus a relative path that never leaves its folder, the same on every file system,
/// and a valid key of an object store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(String);

impl Key {
    /// Greatest length of a key, in bytes.
    const LENGTH: usize = 240;

    /// Checks a name.
    ///
    /// # Errors
    /// [`StoreError::Key`] if no object may have it.
    ///
    /// # Examples
    /// ```
    /// use easylife_registry::store::Key;
    ///
    /// assert!(Key::new("runs/2026-11/019adc.json").is_ok());
    /// assert!(Key::new("models/../../etc/passwd").is_err());
    /// ```
    pub fn new(key: impl Into<String>) -> Result<Self, StoreError> {
        let key = key.into();
        let reason = if key.len() > Self::LENGTH {
            Some("it is too long")
        } else {
            key.split('/').find_map(flaw_of)
        };
        match reason {
            Some(reason) => Err(StoreError::Key { key, reason }),
            None => Ok(Self(key)),
        }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part of the key.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

fn flaw_of(part: &str) -> Option<&'static str> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if part.is_empty() {
        Some("a part of it is empty")
    } else if part.starts_with('.') {
        Some("a part of it begins with a dot")
    } else if !part.chars().all(allowed) {
        Some("only a-z, 0-9, `.`, `_`, `-` and `/` may be in it")
    } else {
        None
    }
}

impl TryFrom<String> for Key {
    type Error = StoreError;

    fn try_from(key: String) -> Result<Self, StoreError> {
        Self::new(key)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
