//! Finds where two files start to differ, in terms of their format.

use std::fs;
use std::io::{BufReader, Read};
use std::path::Path;

use serde_json::Value;

use crate::error::{Context as _, Result};
use crate::program::Difference;

/// Larger files are compared by bytes only.
const PARSED: u64 = 256 << 20;
/// Longer values are truncated in messages.
const SHOWN: usize = 60;

/// Describes the first difference between the recorded file and the current one.
///
/// # Errors
/// If a file cannot be read, or the files are identical.
pub fn first(was: &Path, is: &Path, formats: &[(&str, Difference)]) -> Result<String> {
    let offset = first_byte(was, is)?.context("the files are identical")?;
    let size = |path: &Path| fs::metadata(path).map_or(u64::MAX, |meta| meta.len());
    if size(was).max(size(is)) > PARSED {
        return Ok(format!("differs from byte {offset}"));
    }
    let (was, now) = (read(was)?, read(is)?);
    let ending = is.extension().map(|e| e.to_string_lossy().to_lowercase());
    let described = match ending.as_deref() {
        Some("json") => json(&was, &now),
        Some("csv") => table(&was, &now, b','),
        Some("tsv") => table(&was, &now, b'\t'),
        Some(ending) => formats
            .iter()
            .find(|(known, _)| *known == ending)
            .and_then(|(_, difference)| difference(&was, &now)),
        None => None,
    };
    Ok(described.unwrap_or_else(|| text_or_bytes(&was, &now, offset)))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Offset of the first byte that differs, counting the end of the shorter file as a difference.
fn first_byte(a: &Path, b: &Path) -> Result<Option<u64>> {
    let open = |path: &Path| {
        let file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()));
        file.map(|file| BufReader::with_capacity(1 << 16, file).bytes())
    };
    let (mut a, mut b) = (open(a)?, open(b)?);
    for offset in 0.. {
        match (a.next().transpose()?, b.next().transpose()?) {
            (None, None) => return Ok(None),
            (a, b) if a != b => return Ok(Some(offset)),
            _ => {}
        }
    }
    Ok(None)
}

fn text_or_bytes(was: &[u8], is: &[u8], offset: u64) -> String {
    let at = usize::try_from(offset).unwrap_or(0);
    let before = &was[..at.min(was.len())];
    let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
    let of = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).ok()?;
        Some(truncate(text.lines().nth(line - 1).unwrap_or("(the end)")))
    };
    match (of(was), of(is)) {
        (Some(a), Some(b)) if a != b => format!("line {line}: was `{a}`, is `{b}`"),
        _ => format!("differs from byte {offset} (line {line})"),
    }
}

fn truncate(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn json(was: &[u8], is: &[u8]) -> Option<String> {
    let (was, is) = (
        serde_json::from_slice(was).ok()?,
        serde_json::from_slice(is).ok()?,
    );
    json_at("$", &was, &is)
}

fn json_at(path: &str, was: &Value, is: &Value) -> Option<String> {
    match (was, is) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                let path = format!("{path}.{key}");
                match b.get(key) {
                    None => return Some(format!("{path}: was removed")),
                    Some(other) => {
                        if let Some(found) = json_at(&path, value, other) {
                            return Some(found);
                        }
                    }
                }
            }
            let new = b.keys().find(|key| !a.contains_key(*key))?;
            Some(format!("{path}.{new}: was added"))
        }
        (Value::Array(a), Value::Array(b)) => {
            let pairs = a.iter().zip(b).enumerate();
            pairs
                .filter_map(|(i, (a, b))| json_at(&format!("{path}[{i}]"), a, b))
                .next()
                .or_else(|| {
                    let (a, b) = (a.len(), b.len());
                    (a != b).then(|| format!("{path}: had {a} entries, has {b}"))
                })
        }
        (a, b) => {
            // Numbers are compared as written: 1.0 and 1 are different bytes.
            let (a, b) = (a.to_string(), b.to_string());
            (a != b).then(|| format!("{path}: was {}, is {}", truncate(&a), truncate(&b)))
        }
    }
}

fn table(was: &[u8], is: &[u8], delimiter: u8) -> Option<String> {
    let reader = |bytes| {
        csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(bytes)
    };
    let (mut was, mut is) = (reader(was), reader(is));
    let (mut was, mut is) = (was.byte_records(), is.byte_records());
    let mut header: Option<csv::ByteRecord> = None;
    for row in 1.. {
        let (a, b) = match (was.next(), is.next()) {
            (None, None) => return None,
            (Some(_), None) => return Some(format!("row {row} is missing")),
            (None, Some(_)) => return Some(format!("row {row} was added")),
            (Some(a), Some(b)) => (a.ok()?, b.ok()?),
        };
        let width = a.len().max(b.len());
        let differs = (0..width).find(|&i| a.get(i) != b.get(i));
        if let Some(column) = differs {
            let name = header.as_ref().and_then(|header| header.get(column));
            let name = name.map_or_else(
                || format!("{}", column + 1),
                |name| format!("`{}`", String::from_utf8_lossy(name)),
            );
            let shown = |record: &csv::ByteRecord| match record.get(column) {
                Some(cell) => format!("`{}`", truncate(&String::from_utf8_lossy(cell))),
                None => "missing".to_owned(),
            };
            return Some(format!(
                "row {row}, column {name}: was {}, is {}",
                shown(&a),
                shown(&b)
            ));
        }
        if header.is_none() {
            header = Some(a);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(name: &str, was: &str, is: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join(name));
        fs::write(&a, was).unwrap();
        fs::write(&b, is).unwrap();
        first(&a, &b, &[]).unwrap()
    }

    #[test]
    fn a_difference_is_shown_where_it_starts() {
        let (a, b) = (
            r#"{"x":1,"y":{"z":[1,2.5]}}"#,
            r#"{"x":1,"y":{"z":[1,2.25]}}"#,
        );
        assert_eq!(described("m.json", a, b), "$.y.z[1]: was 2.5, is 2.25");
        assert_eq!(
            described("m.json", "{\"a\":1}", "{\"a\":1.0}"),
            "$.a: was 1, is 1.0"
        );
        assert_eq!(
            described("t.csv", "id,p\n1,0.5\n2,0.25\n", "id,p\n1,0.5\n2,0.75\n"),
            "row 3, column `p`: was `0.25`, is `0.75`"
        );
        assert_eq!(described("t.csv", "a\n1\n", "a\n1\n2\n"), "row 3 was added");
        assert_eq!(
            described("t.txt", "a\nb\n", "a\nc\n"),
            "line 2: was `b`, is `c`"
        );
        assert_eq!(
            described("t.txt", "a\nb", "a\nb\n"),
            "differs from byte 3 (line 2)"
        );
        assert_eq!(
            described("m.json", "{\"a\":1}", "{\"a\": 1}"),
            "line 1: was `{\"a\":1}`, is `{\"a\": 1}`",
            "equal values in different bytes"
        );
    }
}
