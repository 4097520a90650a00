//! What can be wrong with a model file.

use std::io;
use std::path::{Path, PathBuf};

/// A model file that cannot be written, read or trusted.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The file cannot be written.
    #[error("{0}")]
    Write(std::io::Error),
    // Not named `source`: it is part of the message, and a chain would say it again.
    /// The file system says so.
    #[error("{}: {error}{}", path.display(), hint(error))]
    Io {
        /// The file.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },
    /// What the file holds cannot be used, or what it was to hold cannot be stored.
    #[error("{} {damage}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        damage: Damage,
    },
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
    /// A folder, a device or a pipe.
    #[error("is not a file")]
    NotAFile,
    /// Longer than any model file that is read.
    #[error("has {length} bytes, more than the {} GiB that are read", super::LARGEST_FILE >> 30)]
    TooLarge {
        /// Bytes of the file.
        length: u64,
    },
    /// Not even the length of a header.
    #[error("is too short for a model file; train it again")]
    TooShort,
    /// The header would reach beyond the end of the file.
    #[error(
        "is no model file, or cut short: its header would take {length} bytes, the file has {file}"
    )]
    HeaderLength {
        /// Bytes of the header, as the file says.
        length: u64,
        /// Bytes of the file.
        file: usize,
    },
    /// Not what safetensors reads; its words.
    #[error("is damaged or no model file ({0}); train it again")]
    Safetensors(String),
    /// Bytes are missing at the end, or follow it.
    #[error("is damaged: its tensors take {expected} bytes, {found} are there; train it again")]
    Length {
        /// Bytes of all tensors, as the header says.
        expected: usize,
        /// Bytes behind the header.
        found: usize,
    },
    /// A safetensors file of somebody else.
    #[error("was not written by easylife: the metadata entry `easylife` is missing")]
    NoEntry,
    /// The metadata entry `easylife` does not fit; why.
    #[error("is damaged: the metadata entry `easylife` cannot be read ({0}); train it again")]
    Entry(String),
    /// Another version of the layout.
    #[error(
        "has model format {found}, written by easylife {}; this is {} with format {}: train it again, or \
         use the version that wrote it",
        version.as_deref().unwrap_or("(unknown version)"), env!("CARGO_PKG_VERSION"), super::FORMAT
    )]
    Format {
        /// Version of the layout.
        found: u64,
        /// The version that wrote it, where it says so.
        version: Option<String>,
    },
    /// A byte was changed, in the header or in the tensors.
    #[error("is damaged: the {0} do not match their checksum; train it again")]
    Digest(&'static str),
    /// A model of another task.
    #[error(
        "holds {} {found} model; train one with `easylife train {wanted}`",
        article(found)
    )]
    OtherTask {
        /// The task asked for.
        wanted: String,
        /// The model's.
        found: String,
    },
    /// A model that cannot be saved.
    #[error(
        "is not written: the model's `{name}` holds a value that is not finite, at index {index}; look for \
         values in the data that are far too large, and train it again"
    )]
    NotFinite {
        /// The tensor.
        name: String,
        /// Which of its values.
        index: usize,
    },
    /// A tensor or a table of strings whose content cannot be.
    #[error("is damaged: tensor `{name}`: {reason}; train it again")]
    Tensor {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
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
