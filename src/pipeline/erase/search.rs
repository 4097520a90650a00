//! Where an id stands in a file of any kind: tables, model files, JSON, logs, other text.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde_json::Value;

use super::id::{Count, Id};
use tables::{Compression, Format, Reading, Row};

/// Bytes that are searched at once, and those of the ones before that are searched again with them.
const CHUNK: usize = 1 << 20;
const OVERLAP: usize = 4096;
/// The largest file that is read as one value of JSON, in bytes.
const LARGEST_JSON: u64 = 256 << 20;
/// The longest line that is read as JSON, in bytes.
const LONGEST_LINE: u64 = 64 << 20;

/// How an id stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Rows of a table are of it.
    Rows(u64),
    /// A table of strings of a model file has it.
    Model(String),
    /// A model of the task that is not the one trained now, and does not say who its rows were of.
    OtherModel,
    /// Lines or values of JSON have it.
    Lines(u64),
    /// A text has it, for certain or possibly.
    Text(Count),
}

impl Found {
    /// Whether it is the id for certain.
    pub fn is_certain(&self) -> bool {
        !matches!(self, Found::Text(Count { certain: 0, .. }))
    }
}

/// Searches a file; `None` if the id is not in it.
///
/// # Errors
/// A file that cannot be read.
pub fn search(path: &Path, reading: Reading, id: &Id) -> io::Result<Option<Found>> {
    let mut start = [0; 512];
    let length = read_start(path, &mut start)?;
    let start = &start[..length];
    if start
        .get(8..)
        .is_some_and(|rest| rest.starts_with(b"{\"__metadata__\""))
    {
        let bytes = fs::read(path)?;
        if let Ok(found) = in_model(&bytes, id) {
            return Ok(found);
        }
    }
    let known = Format::of_path(path).or_else(|| guess(start));
    if let Some((format, compression)) = known
        && let Some(rows @ 1..) = rows(path, format, compression, reading, id)
    {
        return Ok(Some(Found::Rows(rows)));
    }
    if let Some(lines @ 1..) = lines_of_json(path, id)? {
        return Ok(Some(Found::Lines(lines)));
    }
    let count = count(path, id)?;
    Ok((count != Count::default()).then_some(Found::Text(count)))
}

/// Whether a model knows the id.
fn in_model(bytes: &[u8], id: &Id) -> Result<Option<Found>, artifact::ArtifactError> {
    if let Some(table) = artifact::find_string(bytes, "", |string| id.is(string))? {
        return Ok(Some(Found::Model(table)));
    }
    Ok(knows(bytes, id).then_some(Found::OtherModel))
}

/// Whether a model may have been trained on rows of the id, though it has no list of ids.
fn knows(bytes: &[u8], id: &Id) -> bool {
    let is_other = || fs::read(id.model()).map_or(true, |now| now != bytes);
    let is_of_task = || {
        let described = artifact::describe_bytes(bytes, "");
        described.is_ok_and(|described| described.header.task == id.task())
    };
    !id.is_listed() && is_of_task() && is_other()
}

/// Whether the bytes of a model file know the id.
pub fn model_knows(bytes: &[u8], id: &Id) -> bool {
    // What cannot be read may.
    in_model(bytes, id).map_or(true, |found| found.is_some())
}

fn read_start(path: &Path, start: &mut [u8]) -> io::Result<usize> {
    let mut file = File::open(path)?;
    let mut length = 0;
    while length < start.len() {
        match file.read(&mut start[length..])? {
            0 => break,
            read => length += read,
        }
    }
    Ok(length)
}

/// The format of a table without a name that says it, such as those in a cache.
fn guess(start: &[u8]) -> Option<(Format, Compression)> {
    Some(match start {
        [b'P', b'A', b'R', b'1', ..] => (Format::Parquet, Compression::None),
        [0x1f, 0x8b, ..] => (Format::Csv, Compression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => (Format::Csv, Compression::Zstd),
        _ if start.contains(&0) => return None,
        _ => match start.trim_ascii_start() {
            [b'{' | b'[', ..] => (Format::Jsonl, Compression::None),
            [] => return None,
            _ => (Format::Csv, Compression::None),
        },
    })
}

/// The number of rows of the id; `None` for what is no table with a column of ids.
fn rows(
    path: &Path,
    format: Format,
    compression: Compression,
    reading: Reading,
    id: &Id,
) -> Option<u64> {
    let file = Box::new(File::open(path).ok()?);
    let mut source = tables::open_as_with(file, "", format, compression, reading).ok()?;
    let cells = id.cells(source.columns())?;
    let (mut row, mut rows) = (Row::new(), 0);
    loop {
        match source.read(&mut row) {
            Ok(true) => rows += u64::from(id.has(&cells, &row)),
            Ok(false) => return Some(rows),
            Err(error) if error.is_record() => {}
            Err(_) => return Some(rows),
        }
    }
}

/// The number of lines, or 1 for a file that is one value, in which the id is; `None` for what is not JSON.
fn lines_of_json(path: &Path, id: &Id) -> io::Result<Option<u64>> {
    let mut from = BufReader::new(tables::decompressed(path)?);
    let start = from.fill_buf().unwrap_or_default().trim_ascii_start();
    if !matches!(start, [b'{' | b'[', ..]) {
        return Ok(None);
    }
    let (mut line, mut found) = (Vec::new(), 0);
    let mut number = 0;
    loop {
        line.clear();
        // What is damaged is searched as a text.
        let Ok(length) = from
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
        else {
            return Ok(None);
        };
        if length == 0 {
            return Ok(Some(found));
        }
        number += 1;
        match holds(&line, id) {
            Some(holds) => found += u64::from(holds),
            None if line.trim_ascii().is_empty() => {}
            None if number == 1 => break,
            None => found += u64::from(id.count(&line).certain > 0),
        }
    }
    if fs::metadata(path)?.len() > LARGEST_JSON {
        return Ok(None);
    }
    let mut whole = Vec::new();
    let read = tables::decompressed(path)?
        .take(LARGEST_JSON)
        .read_to_end(&mut whole);
    let holds = read.ok().and_then(|_| holds(&whole, id));
    Ok(holds.map(u64::from))
}

/// Whether the id is in a value of JSON; `None` for what is none.
fn holds(text: &[u8], id: &Id) -> Option<bool> {
    let value: Value = serde_json::from_slice(text).ok()?;
    Some(id.is_in(&value))
}

/// Whether a line of a log has the id.
pub fn line_holds(line: &[u8], id: &Id) -> bool {
    holds(line, id).unwrap_or_else(|| id.count(line).certain > 0)
}

/// Whether a file is a log: lines, each of which is an object of JSON. The last one may be torn.
pub fn is_log(path: &Path) -> bool {
    let Ok(bytes) = tables::decompressed(path) else {
        return false;
    };
    let mut first = Vec::new();
    let read = BufReader::new(bytes)
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut first);
    read.is_ok()
        && first.ends_with(b"\n")
        && matches!(serde_json::from_slice(&first), Ok(Value::Object(_)))
}

/// How often the id is in the bytes of a file, decompressed if need be.
fn count(path: &Path, id: &Id) -> io::Result<Count> {
    let mut from = tables::decompressed(path)?;
    let (mut all, mut window) = (Count::default(), Vec::new());
    loop {
        let kept = window.len().min(OVERLAP);
        window.drain(..window.len() - kept);
        let before = id.count(&window);
        let read = from.by_ref().take(CHUNK as u64).read_to_end(&mut window);
        // A damaged end of a compressed file holds nothing that could be read.
        if read.is_err() && window.len() == kept || matches!(read, Ok(0)) {
            return Ok(all);
        }
        let found = id.count(&window);
        all.certain += found.certain.saturating_sub(before.certain);
        all.possible += found.possible.saturating_sub(before.possible);
        if read.is_err() {
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Subject;

    fn find(name: &str, content: &[u8], of: &str) -> Option<Found> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        let subject = Subject {
            columns: vec!["user".to_owned()],
            key: "recsys.data.user",
            written: Some("user_id"),
        };
        let id = Id::new(of, &subject, "recsys", path.with_extension("model")).unwrap();
        search(&path, Reading::default(), &id).unwrap()
    }

    #[test]
    fn files_of_all_kinds_are_searched() {
        let table = b"user,item\n17,3\n4,17\n17,5\n";
        let packed = {
            use std::io::Write;
            let level = flate2::Compression::default();
            let mut out = flate2::write::GzEncoder::new(Vec::new(), level);
            out.write_all(table).unwrap();
            out.finish().unwrap()
        };
        assert_eq!(find("a.csv", table, "17"), Some(Found::Rows(2)));
        assert_eq!(find("a.csv.gz", &packed, "17"), Some(Found::Rows(2)));
        // As in a cache, without a name.
        assert_eq!(find("c4ca4238", table, "17"), Some(Found::Rows(2)));
        assert_eq!(find("c4ca4238", &packed, "17"), Some(Found::Rows(2)));
        assert_eq!(find("a.csv", table, "3"), None);
        let log = b"{\"content\":{\"user_id\":17}}\n{\"content\":{\"user_id\":4}}\n{\"conte";
        assert_eq!(find("requests.log.1", log, "17"), Some(Found::Lines(1)));
        let page = b"<td>17</td>";
        let possible = Count {
            certain: 0,
            possible: 1,
        };
        assert_eq!(find("a.html", page, "17"), Some(Found::Text(possible)));
        let json = b"{\n \"rows\": 17,\n \"first\": {\"user_id\": 17}\n}\n";
        assert_eq!(find("a.json", json, "17"), Some(Found::Lines(1)));
    }

    #[test]
    fn a_word_at_the_edge_of_a_chunk_is_found_once() {
        for shift in 0..8 {
            let mut text = vec![b' '; CHUNK - 4 + shift];
            text.extend_from_slice(b"ann-17 ");
            text.extend(vec![b' '; CHUNK]);
            let certain = Count {
                certain: 1,
                possible: 0,
            };
            assert_eq!(find("a.txt", &text, "ann-17"), Some(Found::Text(certain)));
        }
    }
}
