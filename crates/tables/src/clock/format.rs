//! How the times of a column are written where that is said: a word for numbers that write times, or a pattern
//! of `strftime`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Axis;
use super::notation::Notation;
use super::pattern::{KEY, Pattern};
use super::text::{is_time, parse};

/// The format of a column of times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DateFormat {
    /// Whole numbers that write times; other times are read as without a format.
    Numbers(Notation),
    /// Texts in one pattern.
    Pattern(Pattern),
}

impl DateFormat {
    /// Reads a time: in the format, or, where none was said, as it looks.
    ///
    /// # Errors
    /// What is expected of a time, for a text that is none.
    pub fn read(format: Option<&DateFormat>, text: &str) -> Result<(Axis, i64), String> {
        match format {
            Some(DateFormat::Pattern(pattern)) => pattern
                .read(text)
                .map_err(|reason| refused(pattern, text.trim(), &reason)),
            _ => parse(text),
        }
    }

    /// Whether [`DateFormat::read`] reads a time.
    pub fn reads(format: Option<&DateFormat>, text: &str) -> bool {
        match format {
            Some(DateFormat::Pattern(pattern)) => pattern.read(text).is_ok(),
            _ => is_time(text),
        }
    }

    /// How whole numbers write times.
    pub fn notation(&self) -> Option<Notation> {
        match self {
            DateFormat::Numbers(notation) => Some(*notation),
            DateFormat::Pattern(_) => None,
        }
    }

    /// The pattern of texts.
    pub fn pattern(&self) -> Option<&Pattern> {
        match self {
            DateFormat::Numbers(_) => None,
            DateFormat::Pattern(pattern) => Some(pattern),
        }
    }
}

fn refused(pattern: &Pattern, text: &str, reason: &str) -> String {
    match text {
        "" => reason.to_owned(),
        text => {
            format!("`{text}` is not a time in the format \"{pattern}\" ({KEY}): {reason}")
        }
    }
}

impl FromStr for DateFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<DateFormat, String> {
        if let Some(notation) = Notation::named(text) {
            return Ok(DateFormat::Numbers(notation));
        }
        if text.contains('%') {
            return Pattern::new(text)
                .map(DateFormat::Pattern)
                .map_err(|reason| format!("`{text}` gives no dates: {reason}"));
        }
        let names: Vec<&str> = Notation::names().collect();
        Err(format!(
            "`{text}` is not a date format; {}expected a pattern of strftime in quotes, as \"%d/%m/%Y\", or \
             one of {}",
            meant(text).map_or(String::new(), |pattern| format!(
                "did you mean \"{pattern}\"? "
            )),
            names.join(", ")
        ))
    }
}

/// The pattern that `dd/mm/yyyy`, as spreadsheets write it, stands for.
fn meant(text: &str) -> Option<String> {
    let mut pattern = text.to_owned();
    for (letters, directive) in [
        ("yyyy", "%Y"),
        ("YYYY", "%Y"),
        ("HH", "%H"),
        ("hh", "%H"),
        (":mm", ":%M"),
        (":MM", ":%M"),
        ("ss", "%S"),
        ("SS", "%S"),
        ("MMM", "%b"),
        ("mmm", "%b"),
        ("MM", "%m"),
        ("mm", "%m"),
        ("dd", "%d"),
        ("DD", "%d"),
        ("yy", "%y"),
        ("YY", "%y"),
    ] {
        pattern = pattern.replace(letters, directive);
    }
    (pattern.contains('%') && Pattern::new(&pattern).is_ok()).then_some(pattern)
}

impl fmt::Display for DateFormat {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            DateFormat::Numbers(notation) => notation.name(),
            DateFormat::Pattern(pattern) => pattern.as_str(),
        })
    }
}

impl Serialize for DateFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DateFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for DateFormat {
    fn schema_name() -> Cow<'static, str> {
        "DateFormat".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let pattern = json_schema!({
            "type": "string",
            "pattern": "%",
            "description": "A pattern of strftime, in quotes.",
            "examples": ["%d/%m/%Y", "%m/%d/%Y %H:%M", "%b-%y"],
        });
        json_schema!({"anyOf": [generator.subschema_for::<Notation>(), pattern]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_a_word_or_a_pattern() {
        let format = |text: &str| text.parse::<DateFormat>();
        assert_eq!(format("epoch_ms").unwrap().to_string(), "epoch_ms");
        assert_eq!(format("%d/%m/%Y").unwrap().to_string(), "%d/%m/%Y");
        for (text, words) in [
            ("dd/mm/yyyy", "did you mean \"%d/%m/%Y\"? expected"),
            ("MM/DD/YYYY hh:mm", "did you mean \"%m/%d/%Y %H:%M\"?"),
            ("yyymm", "number, excel, yyyymm, yyyymmdd"),
            ("%d/%m", "`%d/%m` gives no dates: there is no year in it"),
        ] {
            let error = format(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn words_are_those_of_serde() {
        for name in Notation::names() {
            let format: DateFormat = name.parse().unwrap();
            let notation = format.notation().unwrap();
            assert_eq!(serde_json::to_value(notation).unwrap(), name);
            assert_eq!(serde_json::to_value(&format).unwrap(), name);
        }
    }

    #[test]
    fn a_value_that_is_not_in_the_format_is_named_with_it() {
        let format: DateFormat = "%d/%m/%Y".parse().unwrap();
        let error = DateFormat::read(Some(&format), "2024-01-31").unwrap_err();
        let begins =
            "`2024-01-31` is not a time in the format \"%d/%m/%Y\" (TASK.data.date_format): ";
        assert!(error.starts_with(begins), "{error}");
        let words: DateFormat = "yyyymm".parse().unwrap();
        assert_eq!(
            DateFormat::read(Some(&words), "2024-01-31"),
            parse("2024-01-31")
        );
    }
}
