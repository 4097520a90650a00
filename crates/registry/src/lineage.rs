//! Where a model comes from: the facts that runs and the history record about data, code and
//! results.
//!
//! Nothing in here may name a person. The history is append-only and its entries are chained, so
//! what stands in it cannot be taken out again when a user asks to be forgotten. File names, commits,
//! digests and counts are fine; ids of users, texts and rows are not.

use serde::{Deserialize, Serialize};

/// The commit that a program ran from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Git {
    /// The full id of the commit.
    pub commit: String,
    /// Whether the working tree held exactly that commit.
    pub clean: bool,
    /// The branch; `None` on a detached head.
    pub branch: Option<String>,
}

/// A file by name and content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Its path, relative to the project where it lies in it.
    pub path: String,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Number of rows, for tables.
    pub rows: Option<u64>,
}

/// A result, with its confidence interval if it has one.
///
/// Values may be infinite or not a number; JSON has no such numbers, so these are written as the
/// strings `"NaN"`, `"Infinity"` and `"-Infinity"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its name, such as `accuracy`.
    pub name: String,
    /// Its value.
    #[serde(with = "number")]
    pub value: f64,
    /// Lower end of the interval.
    #[serde(with = "number::optional")]
    pub low: Option<f64>,
    /// Upper end of the interval.
    #[serde(with = "number::optional")]
    pub high: Option<f64>,
}

/// What a model was made of: data, parameters, code, and the model that it continues.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// The files that it was trained on.
    pub data: Vec<Named>,
    /// SHA-256 of the parameters (`params.yaml`).
    pub params: Option<String>,
    /// The commit of the project.
    pub code: Option<Git>,
    /// The version of the program that trained it.
    pub version: Option<String>,
    /// The run that trained it.
    pub run: Option<String>,
    /// SHA-256 of the model that it continues.
    pub parent: Option<String>,
}

/// Numbers that JSON does not have, as strings.
pub(crate) mod number {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Spelled {
        Number(f64),
        Word(String),
    }

    fn spell(value: f64) -> Spelled {
        let word = match value {
            value if value.is_finite() => return Spelled::Number(value),
            value if value.is_nan() => "NaN",
            value if value > 0.0 => "Infinity",
            _ => "-Infinity",
        };
        Spelled::Word(word.to_owned())
    }

    fn read<E: Error>(spelled: Spelled) -> Result<f64, E> {
        match spelled {
            Spelled::Number(value) => Ok(value),
            Spelled::Word(word) => match word.as_str() {
                "NaN" => Ok(f64::NAN),
                "Infinity" => Ok(f64::INFINITY),
                "-Infinity" => Ok(f64::NEG_INFINITY),
                _ => Err(E::custom(format!("`{word}` is not a number"))),
            },
        }
    }

    pub fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        spell(*value).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        read(Spelled::deserialize(from)?)
    }

    /// The same as `{"float":"NaN"}`, where text may stand as well.
    pub mod tagged {
        use super::*;

        #[derive(Serialize, Deserialize)]
        #[serde(untagged)]
        enum Tagged {
            Number(f64),
            Special(Special),
        }

        #[derive(Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Special {
            #[serde(with = "super")]
            float: f64,
        }

        pub fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
            match value.is_finite() {
                true => value.serialize(to),
                false => Special { float: *value }.serialize(to),
            }
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
            Ok(match Tagged::deserialize(from)? {
                Tagged::Number(value) => value,
                Tagged::Special(special) => special.float,
            })
        }
    }

    pub mod optional {
        use super::*;

        pub fn serialize<S: Serializer>(value: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
            value.map(spell).serialize(to)
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
            Option::<Spelled>::deserialize(from)?.map(read).transpose()
        }
    }
}
