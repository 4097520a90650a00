//! `schema/TASK.yaml`: the rules as written. Unknown keys are refused with their line and the nearest known key, and
//! so are rules that no data can keep.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;

use anyhow::{Context, Result};
use regex::bytes::Regex;
use serde::Deserialize;

use crate::params::{self, Document, VERSION, near_miss};
use crate::report::validate::Level;
use tables::profile::{Class, understand};

/// All rules of a task.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schema {
    /// The version that it was written for, `major.minor`.
    pub easylife: String,
    /// The number of rows.
    pub rows: Option<Span>,
    /// Columns that are not named below.
    pub other_columns: Option<Rule<Others>>,
    /// Columns whose combined values are unique.
    pub unique: Vec<Rule<Vec<String>>>,
    pub columns: Columns,
    /// Rules of the task, by name.
    pub task: BTreeMap<String, Span>,
    /// The file they were read from; `None` for built-in rules.
    #[serde(skip)]
    pub file: Option<Document>,
}

/// Whether columns without a rule are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Others {
    Allowed,
    Refused,
}

/// Rules of one column.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnRules {
    pub r#type: Option<Rule<TypeName>>,
    /// The share of empty values.
    pub nulls: Option<Span>,
    /// The range of numbers or dates.
    pub range: Option<Span>,
    /// The number of letters.
    pub length: Option<Span>,
    pub allowed: Option<Rule<Vec<Scalar>>>,
    /// A regular expression that the whole value must match.
    pub pattern: Option<Rule<Pattern>>,
    pub unique: Option<Rule<bool>>,
    pub order: Option<Rule<Order>>,
    pub references: Option<Reference>,
    /// The number of distinct values.
    pub distinct: Option<Span>,
    /// Days from the newest value to `validate.today`.
    pub age: Option<Span>,
    /// Whether the column is optional.
    pub optional: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TypeName {
    Integer,
    Float,
    Boolean,
    Date,
    Datetime,
    Text,
}

impl TypeName {
    pub fn class(self) -> Class {
        match self {
            TypeName::Integer => Class::Integer,
            TypeName::Float => Class::Float,
            TypeName::Boolean => Class::Boolean,
            TypeName::Date => Class::Date,
            TypeName::Datetime => Class::Datetime,
            TypeName::Text => Class::Text,
        }
    }
}

/// The order of a row's value and the previous one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Not below the previous one.
    Rising,
    /// Not above the previous one.
    Falling,
}

/// Every value is in a column of another file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Relative to the project.
    pub file: String,
    pub column: String,
    #[serde(default = "error")]
    pub level: Level,
}

pub(crate) fn error() -> Level {
    Level::Error
}

/// A value, or `{is: ..., level: warning}`.
#[derive(Clone, Debug)]
pub struct Rule<T> {
    pub is: T,
    pub level: Level,
}

impl<T> Rule<T> {
    pub fn error(is: T) -> Rule<T> {
        Rule {
            is,
            level: Level::Error,
        }
    }
}

/// A minimum, a maximum or both; and the level.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Span {
    pub min: Option<Scalar>,
    pub max: Option<Scalar>,
    pub level: Option<Level>,
}

/// A number or a text, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar(pub String);

/// A regular expression, anchored on both sides.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub text: String,
    pub regex: Regex,
}

/// Rules by column, in the file's order.
#[derive(Clone, Debug, Default)]
pub struct Columns(pub Vec<(String, ColumnRules)>);

impl Span {
    pub fn at_most(max: &str, level: Level) -> Span {
        Span {
            min: None,
            max: Some(Scalar(max.to_owned())),
            level: Some(level),
        }
    }

    pub fn between(min: &str, max: Option<&str>, level: Level) -> Span {
        Span {
            min: Some(Scalar(min.to_owned())),
            max: max.map(|max| Scalar(max.to_owned())),
            level: Some(level),
        }
    }

    /// A bound as a number; for a date or time the seconds since 1970.
    fn number(bound: &Option<Scalar>) -> Option<f64> {
        let Scalar(text) = bound.as_ref()?;
        let value = understand(text.as_bytes());
        (value.class.is_number() || value.class.is_time()).then_some(value.number)
    }

    pub fn bounds(&self) -> RangeInclusive<f64> {
        let min = Span::number(&self.min).unwrap_or(f64::NEG_INFINITY);
        min..=Span::number(&self.max).unwrap_or(f64::INFINITY)
    }

    pub fn holds(&self, value: f64) -> bool {
        self.bounds().contains(&value)
    }

    pub fn level(&self) -> Level {
        self.level.unwrap_or(Level::Error)
    }
}

/// In words: `at least 1`, `at most 5`, `1 to 5`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match (&self.min, &self.max) {
            (Some(Scalar(min)), Some(Scalar(max))) => write!(f, "{min} to {max}"),
            (Some(Scalar(min)), None) => write!(f, "at least {min}"),
            (None, Some(Scalar(max))) => write!(f, "at most {max}"),
            (None, None) => f.write_str("anything"),
        }
    }
}

impl Schema {
    /// Reads the rules of a task; `known` are the names of the task's rules.
    pub fn read(path: &Path, known: &[&str]) -> Result<Schema> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Schema::parse(path, &text, known)?)
    }

    pub fn parse(path: &Path, text: &str, known: &[&str]) -> Result<Schema, params::Error> {
        let document = Document::parse(path, text)?;
        let mut schema: Schema = document.read()?;
        schema.file = Some(document);
        schema.check(known)?;
        Ok(schema)
    }

    /// An error about `keys`, with their place in the file, or about the built-in rules without a file.
    pub fn refuse(&self, keys: &[&str], complaint: &str) -> params::Error {
        match &self.file {
            Some(document) => document.refuse(keys, complaint),
            None => params::Error::Refused {
                place: "built-in rules".to_owned(),
                reason: format!("{}: {complaint}", keys.join(".")),
            },
        }
    }

    fn check(&self, known: &[&str]) -> Result<(), params::Error> {
        if self.easylife != VERSION {
            let complaint =
                format!("add the version that the file was written for: easylife: \"{VERSION}\"");
            return Err(self.refuse(&["easylife"], &complaint));
        }
        self.check_span(&["rows"], self.rows.as_ref())?;
        for (name, rules) in &self.columns.0 {
            for (key, span) in rules.spans() {
                self.check_span(&["columns", name, key], span)?;
            }
            if let Some(allowed) = &rules.allowed
                && allowed.is.is_empty()
            {
                return Err(
                    self.refuse(&["columns", name, "allowed"], "the list of values is empty")
                );
            }
        }
        for (name, span) in &self.task {
            if !known.contains(&name.as_str()) {
                let nearest = near_miss(name, known);
                let complaint = format!(
                    "unknown rule; {nearest}expected one of {}",
                    known.join(", ")
                );
                return Err(self.refuse(&["task", name], &complaint));
            }
            self.check_span(&["task", name], Some(span))?;
        }
        Ok(())
    }

    /// Checks that bounds are numbers or dates, and the lower one is not above the upper one.
    fn check_span(&self, keys: &[&str], span: Option<&Span>) -> Result<(), params::Error> {
        let Some(span) = span else { return Ok(()) };
        for (bound, name) in [(&span.min, "min"), (&span.max, "max")] {
            if let Some(Scalar(text)) = bound
                && Span::number(bound).is_none()
            {
                let complaint = format!("`{text}` is neither a number nor a date");
                return Err(self.refuse(&[keys, &[name]].concat(), &complaint));
            }
        }
        if span.min.is_none() && span.max.is_none() {
            return Err(self.refuse(keys, "no bound is given; set min, max or both"));
        }
        match !span.bounds().is_empty() {
            true => Ok(()),
            false => Err(self.refuse(keys, &format!("no value is {span}: min is above max"))),
        }
    }
}

impl ColumnRules {
    fn spans(&self) -> [(&'static str, Option<&Span>); 5] {
        [
            ("nulls", self.nulls.as_ref()),
            ("range", self.range.as_ref()),
            ("length", self.length.as_ref()),
            ("distinct", self.distinct.as_ref()),
            ("age", self.age.as_ref()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(rest: &str) -> Result<Schema, String> {
        let text = format!("easylife: \"{VERSION}\"\n{rest}");
        Schema::parse(
            Path::new("schema/nlp.yaml"),
            &text,
            &["duplicates", "conflicts"],
        )
        .map_err(|error| error.to_string())
    }

    fn refused(rest: &str) -> String {
        parse(rest).expect_err("must be refused")
    }

    #[test]
    fn rules_are_written_bare_or_with_a_level() {
        let schema = parse(
            "rows: {min: 10}\nother_columns: refused\nunique: [[a, b]]\ncolumns:\n  a:\n    type: integer\n    \
             range: {min: 0, max: 1e3, level: warning}\n  b:\n    pattern: {is: 'x+', level: warning}\n    \
             allowed: [x, 1, 2.5, true]\n  2024:\ntask:\n  duplicates: {max: 0.1}\n",
        )
        .unwrap();
        let [(_, a), (_, b), (year, _)] = &schema.columns.0[..] else {
            panic!("{schema:?}");
        };
        assert_eq!(a.r#type.as_ref().unwrap().level, Level::Error);
        assert_eq!(a.range.as_ref().unwrap().bounds(), 0.0..=1000.0);
        assert_eq!(b.pattern.as_ref().unwrap().level, Level::Warning);
        assert!(b.pattern.as_ref().unwrap().is.regex.is_match(b"xx"));
        assert!(!b.pattern.as_ref().unwrap().is.regex.is_match(b"xxy"));
        let allowed: Vec<&str> = b
            .allowed
            .as_ref()
            .unwrap()
            .is
            .iter()
            .map(|s| &*s.0)
            .collect();
        assert_eq!(allowed, ["x", "1", "2.5", "true"]);
        assert_eq!(year, "2024");
        assert_eq!(schema.unique[0].is, ["a", "b"]);
    }

    #[test]
    fn unknown_keys_are_refused_with_line_and_suggestion() {
        let message = refused("columns:\n  a:\n    rnage: {min: 1}\n");
        assert!(
            message.starts_with("schema/nlp.yaml:4:5: unknown key `rnage`"),
            "{message}"
        );
        assert!(message.contains("did you mean `range`?"), "{message}");
        let message = refused("task:\n  duplicate: {max: 1}\n");
        assert!(message.starts_with("schema/nlp.yaml:3:14"), "{message}");
        assert!(message.contains("did you mean `duplicates`?"), "{message}");
        let message = refused("columns:\n  a:\n    type: {is: text, levle: warning}\n");
        assert!(message.contains("did you mean `level`?"), "{message}");
    }

    #[test]
    fn rules_that_cannot_hold_are_refused_with_their_line() {
        for (text, place, says) in [
            (
                "columns:\n  a:\n    range: {min: 5, max: 1}\n",
                "4:12",
                "min is above max",
            ),
            (
                "columns:\n  a:\n    range: {level: warning}\n",
                "4:12",
                "no bound is given",
            ),
            (
                "columns:\n  a:\n    range: {min: low}\n",
                "4:18",
                "neither a number nor a date",
            ),
            (
                "columns:\n  a:\n    allowed: []\n",
                "4:14",
                "the list of values is empty",
            ),
            (
                "columns:\n  a:\n    pattern: '('\n",
                "4",
                "not a regular expression",
            ),
            ("columns:\n  a:\n    type: number\n", "4", "expected one of"),
            ("rows: {min: 10, max: 2}\n", "2:7", "min is above max"),
            ("columns:\n  a:\n  a:\n", "4:3", "given twice"),
        ] {
            let message = refused(text);
            assert!(
                message.starts_with(&format!("schema/nlp.yaml:{place}")),
                "{text}: {message}"
            );
            assert!(message.contains(says), "{text}: {message}");
        }
        let other = Schema::parse(Path::new("s.yaml"), "easylife: \"9.9\"\n", &[]);
        assert!(other.unwrap_err().to_string().starts_with("s.yaml:1:11"));
    }
}
