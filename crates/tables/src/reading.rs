//! How to read delimited text that does not follow RFC 4180: another delimiter, another quote or
//! none, quotes escaped by a backslash.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{Decimal, Encoding, Format};

/// How to read text files; the default is RFC 4180, with a header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The delimiter of CSV files; a comma if absent. TSV files use tabs.
    pub delimiter: Option<Delimiter>,
    /// The quote around a text that contains delimiters or line ends.
    pub quote: Quote,
    /// How a quote inside a quoted text is written.
    pub escape: Escape,
    /// The decimal mark of numbers in texts, for any format; if absent, numbers are read as
    /// programs write them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<Decimal>,
    /// Whether the first line of CSV files names the columns; otherwise their names are `1`, `2`,
    /// ...
    pub header: bool,
    /// The encoding of text files; if absent, UTF-8 or a detected one.
    pub encoding: Option<Encoding>,
}

impl Default for Reading {
    fn default() -> Self {
        Reading {
            delimiter: None,
            quote: Quote::default(),
            escape: Escape::default(),
            header: true,
            encoding: None,
            decimal: None,
        }
    }
}

/// A character that separates cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Delimiter(u8);

impl Delimiter {
    pub(super) fn of_byte(byte: u8) -> Self {
        Delimiter(byte)
    }
}

/// What was recognised in text files without the caller's word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recognised {
    /// The encoding, where it is not UTF-8.
    pub encoding: Option<Encoding>,
    /// The delimiter, where it is not a comma.
    pub delimiter: Option<Delimiter>,
}

impl Recognised {
    /// What was recognised here, otherwise what `other` says.
    #[must_use]
    pub fn or(self, other: Recognised) -> Recognised {
        Recognised {
            encoding: self.encoding.or(other.encoding),
            delimiter: self.delimiter.or(other.delimiter),
        }
    }
}

/// The quote character, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quote(Option<u8>);

/// How a quote inside a quoted text is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Escape {
    /// Written twice.
    #[default]
    Doubled,
    /// Preceded by a backslash, which also escapes itself; before anything else it is an ordinary
    /// character.
    Backslash,
}

/// An invalid value, and the valid ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not {expected}", super::shown(found))]
pub struct InvalidReading {
    found: String,
    expected: &'static str,
}

impl InvalidReading {
    pub(super) fn new(found: &str, expected: &'static str) -> Self {
        InvalidReading {
            found: found.to_owned(),
            expected,
        }
    }
}

/// The special bytes of a table: the delimiter, the quote, and the escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Syntax {
    pub delimiter: u8,
    pub quote: Option<u8>,
    pub escape: Escape,
    /// Whether the first line names the columns.
    pub header: bool,
    /// Whether the delimiter is certain, by the caller or the format, rather than the usual one.
    pub is_given: bool,
}

impl Syntax {
    /// Whether quotes are as in RFC 4180.
    pub fn is_plain(self) -> bool {
        self.quote == Some(b'"') && self.escape == Escape::Doubled
    }
}

impl Reading {
    /// Checks that no character has two meanings.
    ///
    /// # Errors
    /// The ambiguous character.
    pub fn check(self) -> Result<Reading, InvalidReading> {
        match self.delimiter {
            Some(delimiter) if self.quote.0 == Some(delimiter.0) => Err(InvalidReading {
                found: delimiter.to_string(),
                expected: "usable as a quote, since it is also the delimiter",
            }),
            _ => Ok(self),
        }
    }

    pub(super) fn syntax(self, format: Format) -> Syntax {
        let delimiter = match (format, self.delimiter) {
            (Format::Tsv, _) => b'\t',
            (_, Some(delimiter)) => delimiter.0,
            (_, None) => b',',
        };
        Syntax {
            delimiter,
            quote: self.quote.0,
            escape: self.escape,
            header: self.header,
            is_given: format == Format::Tsv || self.delimiter.is_some(),
        }
    }
}

impl Default for Quote {
    fn default() -> Self {
        Quote(Some(b'"'))
    }
}

/// The single byte of `text`, if it can be a delimiter or a quote.
fn single(text: &str) -> Option<u8> {
    match text.as_bytes() {
        &[byte] if byte == b'\t' || (byte.is_ascii_punctuation() && byte != b'\\') => Some(byte),
        _ => None,
    }
}

/// The schema of the texts that `T` accepts: these words, and single characters.
fn accepted<T: FromStr>(words: &[&str], examples: &[&str]) -> Schema {
    let is_read = |text: &str| text.parse::<T>().is_ok();
    let characters = (0..128_u8).map(char::from);
    let characters = characters.filter(|c| is_read(c.encode_utf8(&mut [0; 4])));
    let escaped = |c: char| match c {
        '\t' => "\\t".to_owned(),
        '[' | ']' | '^' | '-' | '\\' => format!("\\{c}"),
        c => c.to_string(),
    };
    let class: String = characters.map(escaped).collect();
    let words: Vec<String> = words
        .iter()
        .filter(|word| is_read(word))
        .map(|word| word.replace('\\', "\\\\"))
        .collect();
    let pattern = format!("^(?:[{class}]|{})$", words.join("|"));
    json_schema!({"type": "string", "pattern": pattern, "examples": examples})
}

impl JsonSchema for Delimiter {
    fn schema_name() -> Cow<'static, str> {
        "Delimiter".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        accepted::<Self>(&DELIMITER_WORDS, &[";", "|", TAB])
    }
}

impl JsonSchema for Quote {
    fn schema_name() -> Cow<'static, str> {
        "Quote".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        accepted::<Self>(&QUOTE_WORDS, &["'", QUOTE_WORDS[0]])
    }
}

/// The visible name of a tab.
const TAB: &str = "tab";
const DELIMITER_WORDS: [&str; 2] = [TAB, "\\t"];
const QUOTE_WORDS: [&str; 2] = ["none", "off"];

impl FromStr for Delimiter {
    type Err = InvalidReading;

    fn from_str(text: &str) -> Result<Self, InvalidReading> {
        let byte = match text {
            word if DELIMITER_WORDS.contains(&word) => Some(b'\t'),
            "\"" => None,
            _ => single(text),
        };
        byte.map(Delimiter).ok_or_else(|| InvalidReading {
            found: text.to_owned(),
            expected: "a delimiter: one character as `;` or `|`, or `tab`",
        })
    }
}

impl FromStr for Quote {
    type Err = InvalidReading;

    fn from_str(text: &str) -> Result<Self, InvalidReading> {
        match (text, single(text)) {
            (word, _) if QUOTE_WORDS.contains(&word) => Ok(Quote(None)),
            (_, Some(byte)) if byte != b'\t' => Ok(Quote(Some(byte))),
            _ => Err(InvalidReading {
                found: text.to_owned(),
                expected: "a quote: one character as `'`, or `none`",
            }),
        }
    }
}

impl FromStr for Escape {
    type Err = InvalidReading;

    fn from_str(text: &str) -> Result<Self, InvalidReading> {
        match text {
            "doubled" => Ok(Escape::Doubled),
            "backslash" => Ok(Escape::Backslash),
            _ => Err(InvalidReading {
                found: text.to_owned(),
                expected: "a way to escape quotes: `doubled` or `backslash`",
            }),
        }
    }
}

/// As params.yaml has it; the alternate form is for sentences.
impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, f.alternate()) {
            (b'\t', false) => f.write_str("tab"),
            (b'\t', true) => f.write_str("tabs"),
            (byte, false) => write!(f, "{}", char::from(byte)),
            (byte, true) => write!(f, "`{}`", char::from(byte)),
        }
    }
}

impl fmt::Display for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("none"),
            Some(byte) => write!(f, "{}", char::from(byte)),
        }
    }
}

impl TryFrom<String> for Delimiter {
    type Error = InvalidReading;

    fn try_from(text: String) -> Result<Self, InvalidReading> {
        text.parse()
    }
}

impl TryFrom<String> for Quote {
    type Error = InvalidReading;

    fn try_from(text: String) -> Result<Self, InvalidReading> {
        text.parse()
    }
}

impl From<Delimiter> for String {
    fn from(delimiter: Delimiter) -> String {
        delimiter.to_string()
    }
}

impl From<Quote> for String {
    fn from(quote: Quote) -> String {
        quote.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_character_or_a_word() {
        for text in [";", "|", "tab", "^"] {
            assert_eq!(text.parse::<Delimiter>().unwrap().to_string(), text);
        }
        for text in ["", ";;", "\"", "\n", "a", "ä", "\\"] {
            assert!(text.parse::<Delimiter>().is_err(), "{text:?}");
        }
        for text in ["'", "none", "\"", "|"] {
            assert_eq!(text.parse::<Quote>().unwrap().to_string(), text);
        }
        for text in ["", "''", "x", "\\", "tab", "\t"] {
            assert!(text.parse::<Quote>().is_err(), "{text:?}");
        }
        assert_eq!("off".parse::<Quote>().unwrap(), Quote(None));
        let error = "triple".parse::<Escape>().unwrap_err().to_string();
        assert!(error.contains("`doubled` or `backslash`"), "{error}");
    }

    #[test]
    fn no_character_has_two_meanings() {
        let reading = Reading {
            delimiter: "'".parse().ok(),
            quote: "'".parse().unwrap(),
            ..Reading::default()
        };
        assert!(reading.check().is_err());
        assert!(Reading::default().check().is_ok());
    }
}
