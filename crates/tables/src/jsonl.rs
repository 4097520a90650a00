//! JSON lines: one object a line. Numbers and nested values keep their spelling.

use std::borrow::Cow;
use std::fmt;

use memchr::memchr;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::input::Input;
use super::{Column, Kind, MAX_RECORD, Place, ReadError, ReadErrorKind, Row, Source};

struct Jsonl {
    input: Input,
    columns: Vec<Column>,
    line: Vec<u8>,
    /// Number of the line in `line`, from 1.
    number: u64,
    /// The first line has been read for its keys and is still to be given.
    pending: bool,
}

/// Opens JSON lines; the first object's keys are the columns.
pub(super) fn open(input: Input) -> Result<Box<dyn Source>, ReadError> {
    let mut jsonl = Jsonl {
        input,
        columns: Vec::new(),
        line: Vec::new(),
        number: 0,
        pending: false,
    };
    if !jsonl.next_line()? {
        return Err(Place::file(&jsonl.input.name).error(ReadErrorKind::Empty {
            expected: "one JSON object a line",
        }));
    }
    jsonl.pending = true;
    let entries = entries(&jsonl.line).map_err(|kind| jsonl.error(kind))?;
    if entries.is_empty() {
        return Err(jsonl.error(Problem::Kind(ReadErrorKind::NoKeys)));
    }
    jsonl.columns = entries
        .iter()
        .map(|(key, _)| Column::new(key.as_ref()))
        .collect();
    Ok(Box::new(jsonl))
}

/// What is wrong with a line, and at which byte where that is known.
enum Problem {
    Kind(ReadErrorKind),
    Json(serde_json::Error),
}

impl Jsonl {
    /// Reads the next line that is not blank.
    fn next_line(&mut self) -> Result<bool, ReadError> {
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

    /// False when nothing is left.
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
                return Err(Place::line(&self.input.name, self.number).error(kind));
            }
            if whole {
                return Ok(true);
            }
        }
    }

    fn error(&self, problem: Problem) -> ReadError {
        let mut place = Place::line(&self.input.name, self.number);
        match problem {
            Problem::Kind(kind) => place.error(kind),
            Problem::Json(error) => {
                place.column = Some(format!("byte {}", error.column()));
                let text = error.to_string();
                let text = text
                    .rfind(" at line ")
                    .map_or(text.as_str(), |end| &text[..end]);
                place.error(ReadErrorKind::Json(text.to_owned()))
            }
        }
    }

    fn cells(&self, row: &mut Row) -> Result<(), Problem> {
        let entries = entries(&self.line)?;
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
        for value in values {
            push(row, value.map(RawValue::get))?;
        }
        Ok(())
    }
}

fn push(row: &mut Row, value: Option<&str>) -> Result<(), Problem> {
    match value.map(|text| (text.as_bytes().first(), text)) {
        None | Some((Some(b'n') | None, _)) => row.push(Kind::Null, ""),
        Some((Some(b'"'), text)) => {
            let text: Unescaped = serde_json::from_str(text).map_err(Problem::Json)?;
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

/// Keys and raw values of the object on a line, in its order.
fn entries(line: &[u8]) -> Result<Entries<'_>, Problem> {
    if !line.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::Kind(ReadErrorKind::NotObject {
            hint: "each line holds one object, {\"text\": ..., \"label\": ...}",
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
    let entries = json.deserialize_map(Object).map_err(Problem::Json)?;
    json.end().map_err(Problem::Json)?;
    Ok(entries)
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Entries::new();
        while let Some(key) = map.next_key::<Unescaped>()? {
            if entries.iter().any(|(known, _)| *known == key.0) {
                return Err(A::Error::custom(format!("key `{}` comes twice", key.0)));
            }
            entries.push((key.0, map.next_value()?));
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
}

#[cfg(test)]
mod tests {
    use super::super::{Compression, Format, open_as};
    use super::*;

    fn all(text: &str) -> Result<Vec<Vec<(Kind, String)>>, String> {
        let input = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
        let mut source = open_as(input, "f.jsonl", Format::Jsonl, Compression::None)
            .map_err(|e| e.to_string())?;
        let (mut rows, mut row) = (Vec::new(), Row::new());
        while source.read(&mut row).map_err(|e| e.to_string())? {
            rows.push(
                row.cells()
                    .map(|(kind, text)| (kind, text.to_owned()))
                    .collect(),
            );
        }
        Ok(rows)
    }

    #[test]
    fn spellings_are_kept_and_order_is_the_first_lines() {
        let rows =
            all("{\"a\":1.0,\"b\":\"x\\ny\"}\n\n{\"b\":{\"c\":[1, 2]},\"a\":null}\n{\"b\":true}")
                .unwrap();
        assert_eq!(
            rows[0],
            [(Kind::Number, "1.0".into()), (Kind::Text, "x\ny".into())]
        );
        assert_eq!(
            rows[1],
            [
                (Kind::Null, "".into()),
                (Kind::Json, "{\"c\":[1, 2]}".into())
            ]
        );
        assert_eq!(
            rows[2],
            [(Kind::Null, "".into()), (Kind::Bool, "true".into())]
        );
    }

    #[test]
    fn what_is_wrong_is_placed() {
        let error = |text: &str| all(text).expect_err("must be refused");
        assert!(error("").contains("is empty"));
        assert!(error("{\"a\":1}\n[1]\n").starts_with("f.jsonl:2: not a JSON object"));
        let message = error("{\"a\":1}\n{\"a\":1 2}\n");
        assert!(
            message.starts_with("f.jsonl:2: byte 8: not JSON"),
            "{message}"
        );
        assert!(error("{\"a\":1}\n{\"b\":2}\n").contains("key `b` is not in the first line"));
        assert!(error("{\"a\":1,\"a\":2}\n").contains("key `a` comes twice"));
        assert!(error("{}\n").contains("no keys"));
    }
}
