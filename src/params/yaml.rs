//! Another YAML file that a person writes (`schema/TASK.yaml`), read with the same words for what is
//! wrong as `params.yaml`.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::{Error, locate, near_miss, place, reason};

/// Reads a text into a type that refuses unknown keys.
///
/// # Errors
/// With line, column and the nearest known key.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, Error> {
    serde_yaml::from_str(text).map_err(|error| Error::Refused {
        place: place(path, error.location().map(|l| (l.line(), l.column()))),
        reason: reason(&error.to_string()),
    })
}

/// A complaint about the value at `keys`, from the top.
pub fn refuse(path: &Path, text: &str, keys: &[&str], complaint: &str) -> Error {
    Error::Refused {
        place: place(path, locate::keys(text, keys)),
        reason: format!("{}: {complaint}", keys.join(".")),
    }
}

/// "did you mean `x`? " where a known word is close, otherwise nothing.
pub fn nearest(got: &str, known: &[&str]) -> String {
    near_miss(got, known)
}
