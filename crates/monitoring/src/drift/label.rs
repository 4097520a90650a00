//! What a bin holds, in words.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a bin holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "holds")]
pub enum BinLabel {
    /// Numbers in an interval; without an end it is open.
    Range {
        /// Its lower end, which does not belong to it.
        above: Option<f64>,
        /// Its upper end, which does.
        up_to: Option<f64>,
    },
    /// One number.
    Value {
        /// The number.
        value: f64,
    },
    /// A number that is not among those of the reference.
    OtherValue,
    /// Numbers farther outside of the reference's range than it is wide.
    FarOutside {
        /// Numbers below this one,
        below: f64,
        /// and numbers above this one.
        above: f64,
    },
    /// Values that are not numbers.
    NotANumber,
    /// One word; of a long one the start.
    Word {
        /// The word.
        word: String,
    },
    /// Words that the reference has, or may have, and that are not listed.
    OtherWords,
    /// Words that the reference does not have.
    NewWords,
    /// Texts of some length with some share of words that are not common in the reference.
    Text {
        /// Number of characters that the length exceeds.
        longer_than: Option<f64>,
        /// Largest number of characters.
        up_to: Option<f64>,
        /// Share of unknown words that is exceeded.
        unknown_above: Option<f64>,
        /// Largest share of unknown words.
        unknown_up_to: Option<f64>,
    },
    /// Missing values.
    Missing,
}

impl fmt::Display for BinLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BinLabel::Range { above, up_to } => interval(f, *above, *up_to),
            BinLabel::Value { value } => write!(f, "{value}"),
            BinLabel::OtherValue => f.write_str("another number"),
            BinLabel::FarOutside { below, above } => {
                write!(
                    f,
                    "far outside: below {} or above {}",
                    Short(*below),
                    Short(*above)
                )
            }
            BinLabel::NotANumber => f.write_str("not a number"),
            BinLabel::Word { word } => f.write_str(word),
            BinLabel::OtherWords => f.write_str("other words"),
            BinLabel::NewWords => f.write_str("new words"),
            BinLabel::Text {
                longer_than,
                up_to,
                unknown_above,
                unknown_up_to,
            } => {
                f.write_str("characters: ")?;
                interval(f, *longer_than, *up_to)?;
                f.write_str(", share of unknown words: ")?;
                interval(f, *unknown_above, *unknown_up_to)
            }
            BinLabel::Missing => f.write_str("missing"),
        }
    }
}

fn interval(f: &mut fmt::Formatter<'_>, above: Option<f64>, up_to: Option<f64>) -> fmt::Result {
    match (above, up_to) {
        (Some(above), Some(up_to)) => write!(f, "{} to {}", Short(above), Short(up_to)),
        (Some(above), None) => write!(f, "above {}", Short(above)),
        (None, Some(up_to)) => write!(f, "up to {}", Short(up_to)),
        (None, None) => f.write_str("any"),
    }
}

/// A number for people: to six significant digits, which tell bins apart.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded: f64 = format!("{:.5e}", self.0).parse().unwrap_or(self.0);
        write!(f, "{rounded}")
    }
}

/// The start of a word, in whole characters.
#[derive(Clone, Copy, Default, PartialEq)]
pub struct Name {
    len: u8,
    bytes: [u8; Name::LONGEST],
}

impl Name {
    const LONGEST: usize = 23;

    /// The start of `word`.
    pub fn new(word: &str) -> Name {
        let start = &word[..word.floor_char_boundary(Name::LONGEST)];
        let mut bytes = [0; Name::LONGEST];
        bytes[..start.len()].copy_from_slice(start.as_bytes());
        Name {
            len: start.len() as u8,
            bytes,
        }
    }

    /// The start.
    pub fn as_str(&self) -> &str {
        // Always whole characters, as `new` alone makes names.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
        Ok(Name::new(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_whole_characters() {
        assert_eq!(Name::new("blue").as_str(), "blue");
        assert_eq!(Name::new(&"ü".repeat(20)).as_str(), "ü".repeat(11));
        assert_eq!(Name::new("").as_str(), "");
    }

    #[test]
    fn labels_read_like_sentences() {
        let range = |above, up_to| BinLabel::Range { above, up_to }.to_string();
        assert_eq!(
            range(Some(10_975.999_999_999_998), Some(1e-7)),
            "10976 to 0.0000001"
        );
        assert_eq!(range(Some(1.5), Some(2.0)), "1.5 to 2");
        assert_eq!(range(None, Some(2.0)), "up to 2");
        assert_eq!(range(None, None), "any");
    }
}
