//! What can be wrong with a model file.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A model file that cannot be written, read or trusted.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The file cannot be written.
    #[error("{0}")]
    Write(std::io::Error),
    // Not named `source`: it is part of the message, and printing the chain would repeat it.
    /// The file system returned an error.
    #[error("{}: {error}{}", path.display(), hint(error))]
    Io {
        /// The file.
        path: PathBuf,
        /// The file system's error.
        error: io::Error,
    },
    /// The content cannot be used, or the model cannot be stored.
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

/// What is wrong with a model file. The message follows the file's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// A folder, a device or a pipe instead of a file.
    #[error("is not a file")]
    NotAFile,
    /// The file is larger than the limit.
    #[error("has {length} bytes, above the limit of {} GiB", super::LARGEST_FILE >> 30)]
    TooLarge {
        /// Length of the file in bytes.
        length: u64,
    },
    /// Too short to hold the length of the header.
    #[error("is too short for a model file; train it again")]
    TooShort,
    /// The header would extend past the end of the file.
    #[error(
        "is not a model file or is truncated: its header would take {length} bytes, the file has {file}"
    )]
    HeaderLength {
        /// Length of the header in bytes, as the file states it.
        length: u64,
        /// Length of the file in bytes.
        file: usize,
    },
    /// Rejected by safetensors, with its reason.
    #[error("is damaged or not a model file ({0}); train it again")]
    Safetensors(String),
    /// Bytes are missing at the end, or there are extra ones.
    #[error("is damaged: its tensors take {expected} bytes, the file has {found}; train it again")]
    Length {
        /// Size of all tensors in bytes, according to the header.
        expected: usize,
        /// Number of bytes after the header.
        found: usize,
    },
    /// A safetensors file written by another program.
    #[error("was not written by easylife: the metadata entry `easylife` is missing")]
    NoEntry,
    /// The metadata entry `easylife` is invalid, and why.
    #[error("is damaged: the metadata entry `easylife` cannot be read ({0}); train it again")]
    Entry(String),
    /// Another version of the layout.
    #[error(
        "has model format {found}, written by easylife {}; this is {} with format {}: train it again, or \
         use the version that wrote it",
        version.as_deref().unwrap_or("(unknown version)"), env!("CARGO_PKG_VERSION"), super::FORMAT
    )]
    Format {
        /// Version of the layout of the file.
        found: u64,
        /// The version of the program that wrote it, if stated.
        version: Option<String>,
    },
    /// The file is as it was written, but its description is not that of this version.
    #[error(
        "was trained by {} version of easylife ({reason}); train it again with `easylife train {task}`",
        age(reason)
    )]
    OtherVersion {
        /// The task of the file.
        task: String,
        /// What is different.
        reason: String,
    },
    /// A byte of the header or of the tensors has changed.
    #[error("is damaged: the {0} do not match their checksum; train it again")]
    Digest(&'static str),
    /// A model of another task.
    #[error(
        "holds {} {found} model; train one with `easylife train {wanted}`",
        article(found)
    )]
    OtherTask {
        /// The requested task.
        wanted: String,
        /// The task of the file.
        found: String,
    },
    /// A model that cannot be saved.
    #[error(
        "is not written: the model's `{name}` has a value that is not finite, at index {index}; look for \
         extremely large values in the data, and train it again"
    )]
    NotFinite {
        /// The tensor.
        name: String,
        /// Index of the value.
        index: usize,
    },
    /// A tensor or string table with invalid content.
    #[error("is damaged: tensor `{name}`: {reason}; train it again")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Damage {
    /// An intact file of `task` without something that this version reads, or with something that
    /// it does not know.
    pub fn other_version(task: &str, reason: impl fmt::Display) -> Damage {
        Damage::OtherVersion {
            task: task.to_owned(),
            reason: reason.to_string(),
        }
    }

    pub(super) fn in_file(self, path: &Path) -> ArtifactError {
        ArtifactError::Damaged {
            path: path.to_owned(),
            damage: self,
        }
    }
}

/// How old a version is whose description differs like this.
fn age(reason: &str) -> &'static str {
    match reason {
        _ if reason.contains("missing") => "an older",
        _ if reason.starts_with("unknown field") => "a newer",
        _ => "another",
    }
}

/// "nlp" is spelled out letter by letter, so it takes "an".
fn article(task: &str) -> &'static str {
    match task.as_bytes().first() {
        Some(b'a' | b'e' | b'i' | b'o' | b'n') => "an",
        _ => "a",
    }
}
