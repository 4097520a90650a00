//! Settings of operation: `easylife.toml`, and where a value comes from. A flag goes before the environment, the
//! environment before the file. Never a parameter: no setting changes a byte of an output.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::exit;
use crate::params::near_miss;

/// The file, in the project's folder.
pub const FILE: &str = "easylife.toml";

/// The tables of the file; each belongs to the verbs that read it, which know its keys.
const TABLES: [&str; 3] = ["registry", "runs", "serve"];

/// Where a value comes from; later ones go before earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValueSource {
    /// Nobody said anything.
    Default,
    /// A line of a file.
    File(String),
    /// A variable.
    Environment(String),
    /// A flag.
    Flag,
}

impl fmt::Display for ValueSource {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(place) => f.write_str(place),
            Self::Environment(name) => f.write_str(name),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// A value, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub source: ValueSource,
}

impl<T> From<T> for Setting<T> {
    fn from(value: T) -> Self {
        let source = ValueSource::Default;
        Self { value, source }
    }
}

/// A key of a table of the file.
pub struct Entry<'t> {
    /// Its name.
    pub name: &'t str,
    /// Its value.
    pub value: &'t Spanned<DeValue<'t>>,
    /// The file and its line.
    pub place: String,
}

/// The text of the file.
///
/// # Errors
/// A file that cannot be read (exit 2).
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| exit::usage(format!("cannot read {}: {error}", path.display())))
}

/// Gives each key of a table of the file to `take`, whose refusals get the place before them.
///
/// # Errors
/// A text that is not TOML, a table that nothing reads, and what `take` refuses (exit 2).
pub fn parse(
    file: &str,
    text: &str,
    table: &str,
    mut take: impl FnMut(&Entry<'_>) -> Result<(), String>,
) -> Result<()> {
    let line = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
    let parsed = DeTable::parse(text).map_err(|error| {
        let place = error
            .span()
            .map_or_else(String::new, |span| format!(":{}", line(span.start)));
        exit::usage(format!("{file}{place}: {}", error.message()))
    })?;
    for (name, value) in parsed.get_ref() {
        let place = format!("{file}:{}", line(name.span().start));
        let name: &str = name.get_ref();
        let DeValue::Table(entries) = value.get_ref() else {
            let is_known = TABLES.contains(&name);
            return Err(exit::usage(match is_known {
                true => format!("{place}: `{name}` must be a table"),
                false => format!("{place}: `{name}` stands in no table; {}", known(name)),
            }));
        };
        if !TABLES.contains(&name) {
            return Err(exit::usage(format!(
                "{place}: unknown table `{name}`; {}",
                known(name)
            )));
        }
        for (key, value) in entries.iter().filter(|_| name == table) {
            let entry = Entry {
                name: key.get_ref(),
                value,
                place: format!("{file}:{}", line(key.span().start)),
            };
            take(&entry)
                .map_err(|reason| exit::usage(format!("{}: {table}.{reason}", entry.place)))?;
        }
    }
    Ok(())
}

fn known(name: &str) -> String {
    let near = near_miss(name, &TABLES);
    let [most @ .., last] = TABLES;
    format!("{near}there are `{}` and `{last}`", most.join("`, `"))
}

/// A value of the file as text.
///
/// # Errors
/// If it is a list or a table.
pub fn text(value: &Spanned<DeValue<'_>>) -> Result<String, String> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => Ok(number.to_string()),
        DeValue::Float(number) => Ok(number.to_string()),
        DeValue::Boolean(value) => Ok(value.to_string()),
        other => Err(format!(
            "expected a text, a number or a boolean, not a {}",
            other.type_str()
        )),
    }
}

/// A value, or a list of them.
///
/// # Errors
/// As for [`text`].
pub fn texts(value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, String> {
    match value.get_ref() {
        DeValue::Array(values) => values.iter().map(text).collect(),
        _ => Ok(vec![text(value)?]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str, table: &str) -> Result<Vec<String>, String> {
        let mut keys = Vec::new();
        let read = parse(FILE, text, table, |entry| match entry.name {
            "bad" => Err(format!("{}: no such key", entry.name)),
            name => {
                keys.push(format!("{name}={}", super::text(entry.value)?));
                Ok(())
            }
        });
        read.map(|()| keys).map_err(|error| error.to_string())
    }

    #[test]
    fn each_verb_reads_its_own_table() {
        let text = "[serve]\nlisten = 1\n\n[runs]\nkeep = 3\n";
        assert_eq!(keys(text, "runs").unwrap(), ["keep=3"]);
        assert_eq!(keys(text, "serve").unwrap(), ["listen=1"]);
        assert!(keys("", "runs").unwrap().is_empty());
    }

    #[test]
    fn what_nothing_reads_is_refused_with_its_place() {
        let error = |text: &str| keys(text, "runs").unwrap_err();
        assert_eq!(
            error("\n[run]\n"),
            "easylife.toml:2: unknown table `run`; did you mean `runs`? there are `registry`, `runs` and `serve`"
        );
        assert!(error("keep = 1\n").starts_with("easylife.toml:1: `keep` stands in no table"));
        assert_eq!(
            error("serve = 1\n"),
            "easylife.toml:1: `serve` must be a table"
        );
        assert_eq!(
            error("[runs]\nbad = 1\n"),
            "easylife.toml:2: runs.bad: no such key"
        );
        assert!(error("[runs\n").starts_with("easylife.toml:1: "));
    }
}
