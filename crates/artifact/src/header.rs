//! The description of a model in its file, as typed structs: a value that does not fit is refused
//! on reading, never guessed later.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Describes a model. `D` holds what its task adds: training settings and results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header<D> {
    /// The task's name; a file of another task is refused.
    pub task: String,
    /// Where the model comes from.
    pub provenance: Provenance,
    /// The model's input and output columns.
    pub signature: Signature,
    /// What the task adds.
    pub details: D,
}

/// Where a model comes from. It has no path and no time, so the same model trained in another
/// folder has the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The version of the program that wrote the file.
    pub version: String,
    /// The seed of every random choice made in training.
    pub seed: u64,
    /// The training split.
    pub training: DataDigest,
}

/// What a model was trained on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataDigest {
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Number of rows the model was fitted to.
    pub rows: u64,
}

/// The columns that a model reads and writes, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Columns of an input row, named as in the training data.
    pub inputs: Vec<Field>,
    /// Columns of an answer.
    pub outputs: Vec<Field>,
    /// Names of the classes in the model's order; empty if it has no classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
}

/// A column of a [`Signature`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The column's name.
    pub name: String,
    /// The type of its cells.
    #[serde(rename = "type")]
    pub data_type: FieldType,
    /// Whether the column may be absent, or its cells empty.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// The type of the cells of a [`Field`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// Text, including ids.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// A date, a time, or a whole number that counts steps.
    Time,
    /// A photo: its path in a table, its bytes in memory.
    Image,
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            FieldType::Text => "text",
            FieldType::Integer => "integer",
            FieldType::Float => "float",
            FieldType::Time => "time",
            FieldType::Image => "image",
        })
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let DataDigest { sha256, rows } = &self.training;
        write!(
            f,
            "trained on {rows} rows (sha256 {sha256}), seed {}, by version {}",
            self.seed, self.version
        )
    }
}

impl Field {
    /// A required column.
    pub fn new(name: impl Into<String>, data_type: FieldType) -> Self {
        Self {
            name: name.into(),
            data_type,
            optional: false,
        }
    }

    /// An optional column.
    pub fn optional(name: impl Into<String>, data_type: FieldType) -> Self {
        Self {
            optional: true,
            ..Self::new(name, data_type)
        }
    }
}

/// The metadata entry, with the keys in the order they are written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry<D> {
    format: u32,
    pub task: String,
    provenance: Provenance,
    signature: Signature,
    details: D,
    pub sha256: String,
    pub header_sha256: String,
}

/// The keys that decide whether the others can be interpreted, and the digests. Every format has
/// them.
#[derive(Deserialize)]
pub(crate) struct Preamble {
    #[serde(default)]
    pub format: u64,
    /// In format 1 the version was a separate top-level key.
    version: Option<String>,
    provenance: Option<Version>,
}

#[derive(Deserialize)]
struct Version {
    version: Option<String>,
}

impl Preamble {
    /// The version of the program that wrote the file, if the file states it.
    pub fn version(self) -> Option<String> {
        self.provenance
            .and_then(|provenance| provenance.version)
            .or(self.version)
    }
}

impl<D: Clone> Entry<D> {
    pub fn new(format: u32, header: &Header<D>, sha256: String, header_sha256: String) -> Self {
        let header = header.clone();
        Self {
            format,
            task: header.task,
            provenance: header.provenance,
            signature: header.signature,
            details: header.details,
            sha256,
            header_sha256,
        }
    }
}

impl Entry<Box<RawValue>> {
    /// Returns the header, with the task's part read as `D`.
    ///
    /// # Errors
    /// If the task's part does not match `D`.
    pub fn header<D: DeserializeOwned>(&self) -> serde_json::Result<Header<D>> {
        Ok(Header {
            task: self.task.clone(),
            provenance: self.provenance.clone(),
            signature: self.signature.clone(),
            details: serde_json::from_str(self.details.get())?,
        })
    }
}

/// The requirements on what a task adds to a header.
pub trait Details: Clone + Serialize + DeserializeOwned {}

impl<D: Clone + Serialize + DeserializeOwned> Details for D {}
