//! Reads JSON lines, one object per line, and an array of objects. Numbers and nested values keep their spelling.

mod array;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use memchr::memchr;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use self::array::{Array, Next};
use super::input::Input;
use super::{
    Column, Kind, MAX_RECORD, Place, ReadError, ReadErrorKind, Recognised, Row, Source, Unit,
    Within,
};

struct Jsonl {
    input: Input,
    columns: Vec<Column>,
    line: Vec<u8>,
    /// Number of the line, or the element of the array, in `line`, from 1.
    number: u64,
    /// Where the reader is, if the text is an array.
    array: Option<Array>,
    /// Whether the first line was read for its keys and has not been returned yet.
    pending: bool,
}

/// Opens JSON lines or an array; the first object's keys are the columns. An empty input has no columns.
pub(super) fn open(mut input: Input) -> Result<Box<dyn Source>, ReadError> {
    let is_array = array::open(&mut input)?;
    let mut jsonl = Jsonl {
        input,
        array: is_array.then_some(Array::Start),
        columns: Vec::new(),
        line: Vec::new(),
        number: 0,
        pending: false,
    };
    if !jsonl.next_line()? {
        return Ok(Box::new(jsonl));
    }
    jsonl.pending = true;
    let entries = jsonl.entries().map_err(|problem| jsonl.error(problem))?;
    if entries.is_empty() {
        return Err(jsonl.error(Problem::Kind(ReadErrorKind::NoKeys)));
    }
    jsonl.columns = entries
        .iter()
        .map(|(key, _)| Column::new(key.as_ref()))
        .collect();
    Ok(Box::new(jsonl))
}

/// An error in a line.
enum Problem {
    Kind(ReadErrorKind),
    /// At a byte of the line, from 1, in the value of a key if known.
    Json {
        error: serde_json::Error,
        byte: usize,
        key: Option<String>,
    },
}

impl Problem {
    /// For text that starts `before` bytes after the start of the line.
    fn json(error: serde_json::Error, before: usize, key: Option<String>) -> Problem {
        Problem::Json {
            byte: before + error.column(),
            error,
            key,
        }
    }
}

/// The cause in plain words and the next step, for common mistakes of other programs.
fn cause(line: &[u8], byte: usize, error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text
        .rfind(" at line ")
        .map_or(text.as_str(), |end| &text[..end]);
    if text.contains("surrogate") || text.contains("hex escape") {
        let before = &line[..byte.min(line.len())];
        let half = |at: &usize| matches!(line.get(at + 2), Some(b'd' | b'D'));
        let half = memchr::memmem::rfind_iter(before, b"\\u").find(half);
        if let Some(half) = half.and_then(|at| line.get(at..at + 6)) {
            return format!(
                "`{}` is half of a surrogate pair: the text was split inside a character; write both \
                 halves, or remove it",
                String::from_utf8_lossy(half)
            );
        }
    }
    let at = byte.saturating_sub(1);
    let word = |at: usize| {
        const WORDS: [(&str, &str); 9] = [
            ("NaN", "null"),
            ("nan", "null"),
            ("-Infinity", "null, or a number"),
            ("Infinity", "null, or a number"),
            ("-inf", "null, or a number"),
            ("inf", "null, or a number"),
            ("None", "null"),
            ("True", "true"),
            ("False", "false"),
        ];
        let rest = line.get(at..)?;
        WORDS
            .iter()
            .find(|(word, _)| rest.starts_with(word.as_bytes()))
    };
    // The parser stops inside a word that starts like a known one, and after a sign.
    let before = at.saturating_sub(2);
    match (before..=at).find_map(word) {
        Some((word, instead)) => format!("JSON has no `{word}`; write {instead}"),
        None if line.get(at) == Some(&b'\'') => {
            "texts and keys are in double quotes, not in single ones".to_owned()
        }
        None if error.is_eof() => {
            format!("{text}; write each object on one line, for example with `jq -c . IN > OUT`")
        }
        None if text.contains("trailing characters") => {
            format!("{text}; each line must be one object with nothing after it")
        }
        None => text.to_owned(),
    }
}

impl Jsonl {
    /// Reads the next line that is not blank.
    fn next_line(&mut self) -> Result<bool, ReadError> {
        if let Some(array) = &mut self.array {
            self.number += 1;
            let next = array.next(&mut self.input, &mut self.line)?;
            return match next {
                Next::Element => Ok(true),
                Next::End => Ok(false),
                Next::Wrong(kind) => Err(self.place().error(kind)),
            };
        }
        loop {
            self.line.clear();
            self.number += 1;
            if !self.fill_line()? {
                return Ok(false);
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    /// Returns false at the end.
    fn fill_line(&mut self) -> Result<bool, ReadError> {
        loop {
            let buffer = self.input.fill()?;
            if buffer.is_empty() {
                return Ok(!self.line.is_empty());
            }
            let (end, whole) = match memchr(b'\n', buffer) {
                Some(at) => (at + 1, true),
                None => (buffer.len(), false),
            };
            self.line.extend_from_slice(&buffer[..end]);
            self.input.consume(end);
            if self.line.len() > MAX_RECORD {
                let kind = ReadErrorKind::RecordTooLong {
                    limit: MAX_RECORD,
                    hint: "is a line end missing?",
                };
                return Err(self.place().error(kind));
            }
            if whole {
                return Ok(true);
            }
        }
    }

    fn place(&self) -> Place {
        Place {
            unit: self.unit(),
            ..Place::line(&self.input.name, self.number)
        }
    }

    fn error(&self, problem: Problem) -> ReadError {
        let mut place = self.place();
        match problem {
            Problem::Kind(kind) => place.error(kind),
            Problem::Json { error, byte, key } => {
                place.column = Some(Within::Byte(byte, key));
                place.error(ReadErrorKind::Json(cause(&self.line, byte, &error)))
            }
        }
    }

    fn entries(&self) -> Result<Entries<'_>, Problem> {
        entries(&self.line).map_err(|problem| match problem {
            Problem::Kind(ReadErrorKind::Utf8 { byte, value }) => {
                Problem::Kind(self.input.not_utf8(byte, value))
            }
            problem => problem,
        })
    }

    fn cells(&self, row: &mut Row) -> Result<(), Problem> {
        let entries = self.entries()?;
        let mut values: Vec<Option<&RawValue>> = vec![None; self.columns.len()];
        for (index, (key, value)) in entries.iter().enumerate() {
            // Most lines have the keys of the first one, in its order.
            let column = match self.columns.get(index) {
                Some(column) if column.name == *key => index,
                _ => self
                    .columns
                    .iter()
                    .position(|column| column.name == *key)
                    .ok_or_else(|| Problem::Kind(ReadErrorKind::UnknownKey(key.to_string())))?,
            };
            if values[column].replace(value).is_some() {
                return Err(Problem::Kind(ReadErrorKind::DuplicateKey(key.to_string())));
            }
        }
        for (value, column) in values.into_iter().zip(&self.columns) {
            push(row, value.map(RawValue::get)).map_err(|(error, text)| {
                // The value is a slice of the line.
                let before = text.as_ptr() as usize - self.line.as_ptr() as usize;
                Problem::json(error, before, Some(column.name.clone()))
            })?;
        }
        Ok(())
    }
}

/// Appends a value, or returns it with its error.
fn push<'a>(row: &mut Row, value: Option<&'a str>) -> Result<(), (serde_json::Error, &'a str)> {
    match value.map(|text| (text.as_bytes().first(), text)) {
        None | Some((Some(b'n') | None, _)) => row.push(Kind::Null, ""),
        Some((Some(b'"'), text)) => {
            let text: Unescaped = serde_json::from_str(text).map_err(|error| (error, text))?;
            row.push(Kind::Text, &text.0);
        }
        Some((Some(b't' | b'f'), text)) => row.push(Kind::Bool, text),
        Some((Some(b'{' | b'['), text)) => row.push(Kind::Json, text),
        Some((_, text)) => row.push(Kind::Number, text),
    }
    Ok(())
}

#[derive(serde::Deserialize)]
struct Unescaped<'a>(#[serde(borrow)] Cow<'a, str>);

type Entries<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// Keys and raw values of the object on a line, in order.
fn entries(line: &[u8]) -> Result<Entries<'_>, Problem> {
    if !line.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::Kind(ReadErrorKind::NotObject {
            hint: "each line must be one object, {\"text\": ..., \"label\": ...}",
        }));
    }
    if let Err(error) = std::str::from_utf8(line) {
        let byte = error.valid_up_to();
        return Err(Problem::Kind(ReadErrorKind::Utf8 {
            byte: byte + 1,
            value: line[byte],
        }));
    }
    let mut json = serde_json::Deserializer::from_slice(line);
    let seen = Seen::default();
    let entries = match json.deserialize_map(Object(&seen)) {
        Ok(entries) => entries,
        Err(error) => {
            let key = seen.key.take();
            return Err(match (seen.twice.get(), key) {
                (true, Some(key)) => Problem::Kind(ReadErrorKind::DuplicateKey(key)),
                (_, key) => Problem::json(error, 0, key),
            });
        }
    };
    json.end().map_err(|error| Problem::json(error, 0, None))?;
    Ok(entries)
}

/// What an error of the parser does not include.
#[derive(Default)]
struct Seen {
    /// The key whose value is being read.
    key: RefCell<Option<String>>,
    /// Whether the key is a duplicate.
    twice: std::cell::Cell<bool>,
}

struct Object<'a>(&'a Seen);

/// Among so many keys a repeated one is looked for one by one.
const FEW_KEYS: usize = 64;

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Entries::new();
        let mut known = HashSet::new();
        while let Some(key) = map.next_key::<Unescaped>()? {
            let twice = match entries.len() {
                0..FEW_KEYS => entries.iter().any(|(known, _)| *known == key.0),
                _ => {
                    if known.is_empty() {
                        known.extend(entries.iter().map(|(known, _)| known.to_string()));
                    }
                    !known.insert(key.0.to_string())
                }
            };
            let value = match twice {
                false => map.next_value(),
                true => Err(A::Error::custom("a key is repeated")),
            };
            let value = value.inspect_err(|_| {
                self.0.twice.set(twice);
                self.0.key.replace(Some(key.0.to_string()));
            })?;
            entries.push((key.0, value));
        }
        Ok(entries)
    }
}

impl Source for Jsonl {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        if !std::mem::take(&mut self.pending) && !self.next_line()? {
            return Ok(false);
        }
        row.clear();
        row.set_line(self.number);
        self.cells(row).map_err(|problem| self.error(problem))?;
        Ok(true)
    }

    fn file(&self) -> &str {
        &self.input.name
    }

    fn unit(&self) -> Unit {
        match self.array {
            Some(_) => Unit::Row,
            None => Unit::Line,
        }
    }

    fn recognised(&self) -> Recognised {
        Recognised {
            encoding: self.input.recognised(),
            ..Recognised::default()
        }
    }
}
