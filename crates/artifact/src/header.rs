//! What a model file says about its model, as typed structs: a value that does not fit is refused when
//! the file is read, never guessed later.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What a model file says about its model. `D` is what its task adds: settings and results of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header<D> {
    /// The task's name; a file of another task is refused.
    pub task: String,
    /// Where the model comes from.
    pub provenance: Provenance,
    /// What it takes and gives.
    pub signature: Signature,
    /// What the task adds.
    pub details: D,
}

/// Where a model comes from. No path, no time: the same model from another folder has the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The version of the program that wrote it.
    pub version: String,
    /// The seed of every random choice of the training.
    pub seed: u64,
    /// The training split.
    pub training: DataDigest,
}

/// What a model was trained on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataDigest {
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// Rows that the model was fitted to.
    pub rows: u64,
}

/// The columns that a model reads and writes, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Columns of an input row, named as in the data that it was trained on.
    pub inputs: Vec<Field>,
    /// Columns of an answer.
    pub outputs: Vec<Field>,
    /// Names of the classes in the model's order; empty where it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
}

/// A column of a [`Signature`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What its cells hold.
    #[serde(rename = "type")]
    pub data_type: FieldType,
    /// Whether it may be absent, or its cells empty.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// What the cells of a [`Field`] hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// Text, ids among it.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// A date, a time, or a whole number that counts steps.
    Time,
    /// A photo: the path of its file in a table, its bytes in memory.
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
    /// A column that must be there.
    pub fn new(name: impl Into<String>, data_type: FieldType) -> Self {
        Self {
            name: name.into(),
            data_type,
            optional: false,
        }
    }

    /// A column that may be absent.
    pub fn optional(name: impl Into<String>, data_type: FieldType) -> Self {
        Self {
            optional: true,
            ..Self::new(name, data_type)
        }
    }
}

/// The metadata entry, keys in the order in which they are written.
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

/// The keys that say whether the others can be understood, and the digests. Of files of any format.
#[derive(Deserialize)]
pub(crate) struct Preamble {
    #[serde(default)]
    pub format: u64,
    /// In format 1 the version was a key of its own.
    version: Option<String>,
    provenance: Option<Version>,
}

#[derive(Deserialize)]
struct Version {
    version: Option<String>,
}

impl Preamble {
    /// The version of the program that wrote the file, where it says one.
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
    /// The header, with what the task adds read as `D`.
    ///
    /// # Errors
    /// Where it is not what `D` says.
    pub fn header<D: DeserializeOwned>(&self) -> serde_json::Result<Header<D>> {
        Ok(Header {
            task: self.task.clone(),
            provenance: self.provenance.clone(),
            signature: self.signature.clone(),
            details: serde_json::from_str(self.details.get())?,
        })
    }
}

/// What a task can add to a header.
pub trait Details: Clone + Serialize + DeserializeOwned {}

impl<D: Clone + Serialize + DeserializeOwned> Details for D {}
