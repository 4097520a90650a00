//! What can be wrong with a model file.

use std::io;
use std::path::{Path, PathBuf};

/// A model file that cannot be written, read or trusted.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    // Not named `source`: it is part of the message, and a chain would say it again.
    #[error("{}: {error}{}", path.display(), hint(error))]
    Io { path: PathBuf, error: io::Error },
    #[error("{} {damage}", path.display())]
    Damaged { path: PathBuf, damage: Damage },
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "; make it with `easylife train`, or name another with -m",
        _ => "",
    }
}

/// What is wrong, to be read behind the file's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("is not a file")]
    NotAFile,
    #[error("has {length} bytes, more than the {} GiB that are read", super::LARGEST_FILE >> 30)]
    TooLarge { length: u64 },
    #[error("is too short for a model file; train it again")]
    TooShort,
    #[error(
        "is no model file, or cut short: its header would take {length} bytes, the file has {file}"
    )]
    HeaderLength { length: u64, file: usize },
    #[error("is damaged or no model file ({0}); train it again")]
    Safetensors(String),
    #[error("is damaged: its tensors take {expected} bytes, {found} are there; train it again")]
    Length { expected: usize, found: usize },
    #[error("was not written by easylife: the metadata entry `easylife` is missing")]
    NoEntry,
    #[error("is damaged: the metadata entry `easylife` cannot be read ({0}); train it again")]
    Entry(String),
    #[error(
        "has model format {found}, written by easylife {}; this is {} with format {}: train it again, or \
         use the version that wrote it",
        version.as_deref().unwrap_or("(unknown version)"), env!("CARGO_PKG_VERSION"), super::FORMAT
    )]
    Format { found: u64, version: Option<String> },
    #[error("is damaged: the {0} do not match their checksum; train it again")]
    Digest(&'static str),
    #[error(
        "holds {} {found} model; train one with `easylife train {wanted}`",
        article(found)
    )]
    OtherTask { wanted: String, found: String },
    #[error(
        "is not written: the model's `{name}` holds a value that is not finite, at index {index}; look for \
         values in the data that are far too large, and train it again"
    )]
    NotFinite { name: String, index: usize },
    #[error("is damaged: tensor `{name}`: {reason}; train it again")]
    Tensor { name: String, reason: String },
}

impl Damage {
    pub(super) fn in_file(self, path: &Path) -> ArtifactError {
        ArtifactError::Damaged {
            path: path.to_owned(),
            damage: self,
        }
    }
}

/// "an nlp model" is read letter by letter, hence the n.
fn article(task: &str) -> &'static str {
    match task.as_bytes().first() {
        Some(b'a' | b'e' | b'i' | b'o' | b'n') => "an",
        _ => "a",
    }
}
