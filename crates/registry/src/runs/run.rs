//! What a run is.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use p256::elliptic_curve::Generate;
use serde::{Deserialize, Serialize};

use crate::lineage::{Git, Metric, Named, number};

/// One run of `train` or `evaluate`: what went in, what came out, what it took.
///
/// Like [`lineage`](crate::lineage), a run holds names, digests and numbers, never data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Its id, from [`new_id`]: ids of later runs sort behind those of earlier ones.
    pub id: String,
    /// What was run: `train` or `evaluate`.
    pub verb: String,
    /// The task, such as `nlp`.
    pub task: String,
    /// When it began.
    pub started: Timestamp,
    /// How long it took, in seconds, by a clock that does not jump.
    #[serde(with = "number")]
    pub seconds: f64,
    /// CPU time of the process, in seconds.
    #[serde(with = "number::optional")]
    pub cpu_seconds: Option<f64>,
    /// Greatest resident memory of the process, in bytes.
    pub peak_memory: Option<u64>,
    /// Version of the program.
    pub version: String,
    /// The commit of the project; `None` outside of git.
    pub git: Option<Git>,
    /// The parameters that the task read, by dotted name.
    pub params: BTreeMap<String, Value>,
    /// The results.
    pub metrics: Vec<Metric>,
    /// The bytes that went in and came out.
    pub digests: Digests,
    /// Paths of what it wrote beside the model: the report page, plots, metrics.
    pub files: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
}

impl Run {
    /// A run of a verb on a task that begins at `started`, with a new id and everything else empty:
    /// what it did and how it ended is filled in when it ends.
    ///
    /// # Errors
    /// Those of [`new_id`].
    pub fn new(verb: &str, task: &str, version: &str, started: Timestamp) -> std::io::Result<Self> {
        Ok(Self {
            id: new_id(started)?,
            verb: verb.to_owned(),
            task: task.to_owned(),
            started,
            seconds: 0.0,
            cpu_seconds: None,
            peak_memory: None,
            version: version.to_owned(),
            git: None,
            params: BTreeMap::new(),
            metrics: Vec::new(),
            digests: Digests::default(),
            files: Vec::new(),
            outcome: Outcome::Finished,
        })
    }
}

/// SHA-256 of what went in and came out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digests {
    /// The data files.
    pub data: Vec<Named>,
    /// The model file.
    pub model: Option<Named>,
    /// `params.yaml`.
    pub params: Option<String>,
    /// `dvc.lock`.
    pub lock: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Outcome {
    /// It did what it was asked.
    Finished,
    /// It stopped with an error.
    Failed {
        /// The error, in one line.
        message: String,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("finished"),
            Self::Failed { message } => write!(f, "failed: {message}"),
        }
    }
}

/// The value of a parameter.
///
/// In JSON a number that is infinite or not a number is an object, `{"float":"NaN"}`, so that it
/// is not taken for text; see [`Metric`] for the words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number above the range of [`Value::Int`], such as a seed.
    Big(u64),
    /// A number with a fraction.
    Float(#[serde(with = "number::tagged")] f64),
    /// Text; also lists, as JSON.
    Text(String),
}

impl fmt::Display for Value {
    /// As in YAML, but text without quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Big(value) => value.fmt(f),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or(Self::Big(number), Self::Int)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Hexadecimal digits of the time in an id.
const TIME_DIGITS: usize = 12;

/// Length of an id.
const ID_DIGITS: usize = TIME_DIGITS + 16;

/// A new id for a run that begins at `started`: milliseconds since the epoch and 64 random bits,
/// both in hexadecimal. Ids stay distinct when the clock jumps back.
///
/// # Errors
/// If the system has no random numbers.
pub fn new_id(started: Timestamp) -> std::io::Result<String> {
    let millis = started.as_millisecond().max(0);
    let random = u64::try_generate().map_err(std::io::Error::other)?;
    Ok(format!("{millis:0TIME_DIGITS$x}{random:016x}"))
}

/// The time in an id; `None` if it is no id.
pub(super) fn time_of(id: &str) -> Option<Timestamp> {
    let digits = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    if id.len() != ID_DIGITS || !id.as_bytes().iter().all(digits) {
        return None;
    }
    let millis = i64::from_str_radix(&id[..TIME_DIGITS], 16).ok()?;
    Timestamp::from_millisecond(millis).ok()
}
