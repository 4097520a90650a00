//! Writes rows in text formats. Parquet files are created at the end, by `spool`.
//!
//! Formatting rows and writing bytes are separate, so that threads can format rows in parallel
//! while one of them writes the bytes in order.

use std::io::{self, Write};
use std::sync::Arc;

use memchr::{memchr, memchr_iter, memchr3};

use super::output::Output;
use super::{Column, Compression, Format, Kind, Row};

/// How rows are formatted in a text format.
#[derive(Debug)]
pub enum Spelling {
    /// CSV or TSV as in RFC 4180, with LF, quoting only if necessary.
    Delimited(u8),
    /// One object per line; the escaped `"name":` of each column.
    Jsonl {
        /// The keys.
        keys: Vec<Vec<u8>>,
        /// Whether NaN and the like are written as text instead of null: for rows of a spool, which
        /// become Parquet.
        spool: bool,
    },
}

impl Spelling {
    /// # Errors
    /// For Parquet, which cannot be appended to: see [`super::jsonl_to_parquet`].
    fn new(format: Format, columns: &[Column], spool: bool) -> io::Result<Self> {
        let key = |column: &Column| -> io::Result<Vec<u8>> {
            let mut key = serde_json::to_vec(&column.name)?;
            key.push(b':');
            Ok(key)
        };
        match format {
            Format::Csv => Ok(Spelling::Delimited(b',')),
            Format::Tsv => Ok(Spelling::Delimited(b'\t')),
            Format::Jsonl => columns
                .iter()
                .map(key)
                .collect::<io::Result<_>>()
                .map(|keys| Spelling::Jsonl { keys, spool }),
            Format::Parquet => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "Parquet is written from JSON lines",
            )),
        }
    }

    /// Appends a row and its line end.
    pub fn row(&self, row: &Row, out: &mut Vec<u8>) {
        match self {
            Spelling::Delimited(delimiter) => {
                delimited(*delimiter, row.cells().map(|(_, text)| text), out);
            }
            Spelling::Jsonl { keys, spool } => object(keys, *spool, row, out),
        }
    }

    /// Appends the header line, if the format has one.
    fn header(&self, columns: &[Column], out: &mut Vec<u8>) {
        if let Spelling::Delimited(delimiter) = self {
            let names = columns.iter().map(|column| column.name.as_str());
            delimited(*delimiter, names, out);
        }
    }
}

fn delimited<'a>(delimiter: u8, cells: impl Iterator<Item = &'a str>, out: &mut Vec<u8>) {
    let start = out.len();
    let mut count = 0;
    for text in cells {
        if count > 0 {
            out.push(delimiter);
        }
        count += 1;
        cell(delimiter, text, out);
    }
    if count == 1 && out.len() == start {
        out.extend_from_slice(b"\"\""); // else the line were blank, and no row
    }
    out.push(b'\n');
}

fn cell(delimiter: u8, text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let plain = memchr3(b'"', b'\n', delimiter, bytes).is_none();
    if plain && memchr(b'\r', bytes).is_none() {
        return out.extend_from_slice(bytes);
    }
    out.push(b'"');
    let mut from = 0;
    for quote in memchr_iter(b'"', bytes) {
        out.extend_from_slice(&bytes[from..=quote]);
        from = quote; // once more
    }
    out.extend_from_slice(&bytes[from..]);
    out.push(b'"');
}

/// Keys in the order of the columns.
fn object(keys: &[Vec<u8>], spool: bool, row: &Row, out: &mut Vec<u8>) {
    let mut before = b'{';
    for ((kind, text), key) in row.cells().zip(keys) {
        out.push(before);
        before = b',';
        out.extend_from_slice(key);
        match kind {
            Kind::Text => serde_json::to_writer(&mut *out, text).expect("a Vec takes everything"),
            Kind::Number if spool && !is_json_number(text) => {
                serde_json::to_writer(&mut *out, text).expect("a Vec takes everything");
            }
            // JSON cannot represent infinity, and null would mean that the value is unknown.
            Kind::Number if text.ends_with("inf") => {
                serde_json::to_writer(&mut *out, text).expect("a Vec takes everything");
            }
            // Nor NaN, whose value is unknown.
            Kind::Number if !is_json_number(text) => out.extend_from_slice(b"null"),
            Kind::Null => out.extend_from_slice(b"null"),
            _ => out.extend_from_slice(text.as_bytes()),
        }
    }
    out.extend_from_slice(b"}\n");
}

/// Writes rows to one output.
pub struct Sink {
    out: Output<Box<dyn Write>>,
    spelling: Arc<Spelling>,
    /// The line being built.
    line: Vec<u8>,
}

/// Creates a sink for a text format, from the start with a header (`header`) or continuing after a
/// checkpoint.
///
/// # Errors
/// For Parquet, which cannot be appended to: see [`super::jsonl_to_parquet`].
///
/// # Examples
/// ```
/// use easylife_tables::{Column, Compression, Format, Kind, Row, create};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("out.jsonl");
/// let columns = ["id", "score"].map(Column::new);
/// let file = std::fs::File::create(&path)?;
/// let mut sink = create(file, Format::Jsonl, Compression::None, &columns, true)?;
/// let mut row = Row::new();
/// row.push(Kind::Text, "a");
/// row.push_number(0.5);
/// sink.write(&row)?;
/// sink.finish()?;
/// assert_eq!(std::fs::read_to_string(path)?, "{\"id\":\"a\",\"score\":0.5}\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn create(
    out: impl Write + 'static,
    format: Format,
    compression: Compression,
    columns: &[Column],
    header: bool,
) -> io::Result<Sink> {
    sink(
        out,
        Spelling::new(format, columns, false)?,
        compression,
        columns,
        header,
    )
}

/// Creates a sink for the rows that [`super::jsonl_to_parquet`] converts to a Parquet file.
///
/// # Errors
/// If a column's name cannot be written.
pub fn create_spool(out: impl Write + 'static, columns: &[Column]) -> io::Result<Sink> {
    let spelling = Spelling::new(Format::Jsonl, columns, true)?;
    sink(out, spelling, Compression::None, columns, false)
}

fn sink(
    out: impl Write + 'static,
    spelling: Spelling,
    compression: Compression,
    columns: &[Column],
    header: bool,
) -> io::Result<Sink> {
    let mut sink = Sink {
        out: Output::new(Box::new(out), compression),
        line: Vec::new(),
        spelling: Arc::new(spelling),
    };
    if header {
        sink.spelling.header(columns, &mut sink.line);
        sink.out.write_all(&sink.line)?;
    }
    Ok(sink)
}

impl Sink {
    /// Writes a row, which must have a cell for each column.
    ///
    /// # Errors
    /// Those of the underlying stream.
    pub fn write(&mut self, row: &Row) -> io::Result<()> {
        self.line.clear();
        self.spelling.row(row, &mut self.line);
        self.out.write_all(&self.line)
    }

    /// The formatting to use with [`Sink::write_spelled`].
    pub fn spelling(&self) -> Arc<Spelling> {
        self.spelling.clone()
    }

    /// Writes formatted rows.
    ///
    /// # Errors
    /// Those of the underlying stream.
    pub fn write_spelled(&mut self, rows: &[u8]) -> io::Result<()> {
        self.out.write_all(rows)
    }

    /// Flushes everything written so far, so that further output can be appended later.
    ///
    /// # Errors
    /// Those of the underlying stream.
    pub fn checkpoint(&mut self) -> io::Result<()> {
        self.out.checkpoint()
    }

    /// Ends the output.
    ///
    /// # Errors
    /// Those of the underlying stream.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.checkpoint()
    }
}

/// Numbers come from JSON or from our own floats and integers, so only `NaN` and `inf` are not
/// JSON.
fn is_json_number(text: &str) -> bool {
    text.ends_with(|last: char| last.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::sync::{Arc, Mutex};

    use super::super::open_as;
    use super::*;

    /// A writer whose bytes can be inspected later.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn round(
        rows: &[Vec<String>],
        format: Format,
        compression: Compression,
        split: usize,
    ) -> Vec<Vec<String>> {
        let columns = [Column::new("a"), Column::new("b, \"c\"")];
        let bytes = Shared::default();
        let mut sink = create(bytes.clone(), format, compression, &columns, true).unwrap();
        let mut row = Row::new();
        for (index, cells) in rows.iter().enumerate() {
            if index == split {
                // Like a resumed run: the former sink is gone, another one appends.
                sink.checkpoint().unwrap();
                sink = create(bytes.clone(), format, compression, &columns, false).unwrap();
            }
            row.clear();
            cells.iter().for_each(|cell| row.push(Kind::Text, cell));
            sink.write(&row).unwrap();
        }
        sink.finish().unwrap();
        let bytes = bytes.0.lock().unwrap().clone();
        if rows.is_empty() && format == Format::Jsonl {
            return Vec::new();
        }
        let input = Box::new(io::Cursor::new(bytes));
        let mut source = open_as(input, "x", format, compression).unwrap();
        let mut back = Vec::new();
        while source.read(&mut row).unwrap() {
            back.push(row.cells().map(|(_, text)| text.to_owned()).collect());
        }
        back
    }

    proptest! {
        /// Except NUL, which text does not contain: many of them would be taken for UTF-16.
        #[test]
        fn every_text_comes_back(
            rows in prop::collection::vec(prop::collection::vec("[a\", \t\n\ré€]{0,6}|[^\x00\n]{0,8}", 2), 0..12),
            split in 0usize..12,
        ) {
            for format in [Format::Csv, Format::Tsv, Format::Jsonl] {
                for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
                    prop_assert_eq!(&round(&rows, format, compression, split), &rows);
                }
            }
        }
    }

    #[test]
    fn one_empty_cell_is_a_row() {
        let bytes = Shared::default();
        let columns = [Column::new("a")];
        let mut sink = create(
            bytes.clone(),
            Format::Csv,
            Compression::None,
            &columns,
            true,
        )
        .unwrap();
        let mut row = Row::new();
        row.push(Kind::Null, "");
        sink.write(&row).unwrap();
        sink.finish().unwrap();
        assert_eq!(*bytes.0.lock().unwrap(), b"a\n\"\"\n");
    }
}
