//! Rows into text formats. Parquet is made at the end, by `spool`.

use std::io::{self, Write};

use memchr::{memchr, memchr_iter, memchr3};

use super::output::Output;
use super::{Column, Compression, Format, Kind, Row};

/// Rows into one output.
pub trait Sink {
    fn write(&mut self, row: &Row) -> io::Result<()>;

    /// Everything written so far is out, and what follows can be appended to it later.
    fn checkpoint(&mut self) -> io::Result<()>;

    /// Ends the output.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// A sink for a text format, from the start with its header (`header`) or behind what a former one
/// wrote up to a checkpoint.
///
/// # Errors
/// For Parquet, which cannot be appended to: see [`super::jsonl_to_parquet`].
pub fn create(
    out: impl Write + 'static,
    format: Format,
    compression: Compression,
    columns: &[Column],
    header: bool,
) -> io::Result<Box<dyn Sink>> {
    let out = Output::new(out, compression);
    match format {
        Format::Csv => delimited(out, b',', columns, header),
        Format::Tsv => delimited(out, b'\t', columns, header),
        Format::Jsonl => Ok(Box::new(Jsonl::new(out, columns)?)),
        Format::Parquet => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "Parquet is written from JSON lines",
        )),
    }
}

/// CSV or TSV as RFC 4180 says, with LF, quoting only where it must.
struct Delimited<W: Write> {
    out: Output<W>,
    delimiter: u8,
    /// The line being put together.
    line: Vec<u8>,
}

fn delimited(
    out: Output<impl Write + 'static>,
    delimiter: u8,
    columns: &[Column],
    header: bool,
) -> io::Result<Box<dyn Sink>> {
    let mut sink = Delimited {
        out,
        delimiter,
        line: Vec::new(),
    };
    if header {
        sink.line(columns.iter().map(|column| column.name.as_str()))?;
    }
    Ok(Box::new(sink))
}

impl<W: Write> Delimited<W> {
    fn line<'a>(&mut self, cells: impl Iterator<Item = &'a str>) -> io::Result<()> {
        self.line.clear();
        let mut count = 0;
        for cell in cells {
            if count > 0 {
                self.line.push(self.delimiter);
            }
            count += 1;
            self.cell(cell);
        }
        if count == 1 && self.line.is_empty() {
            self.line.extend_from_slice(b"\"\""); // else the line were blank, and no row
        }
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    fn cell(&mut self, cell: &str) {
        let bytes = cell.as_bytes();
        let plain = memchr3(b'"', b'\n', self.delimiter, bytes).is_none();
        if plain && memchr(b'\r', bytes).is_none() {
            return self.line.extend_from_slice(bytes);
        }
        self.line.push(b'"');
        let mut from = 0;
        for quote in memchr_iter(b'"', bytes) {
            self.line.extend_from_slice(&bytes[from..=quote]);
            from = quote; // once more
        }
        self.line.extend_from_slice(&bytes[from..]);
        self.line.push(b'"');
    }
}

impl<W: Write> Sink for Delimited<W> {
    fn write(&mut self, row: &Row) -> io::Result<()> {
        self.line(row.cells().map(|(_, text)| text))
    }

    fn checkpoint(&mut self) -> io::Result<()> {
        self.out.checkpoint()
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.checkpoint()
    }
}

/// One object a line, keys in the order of the columns.
struct Jsonl<W: Write> {
    out: Output<W>,
    /// `"name":` of each column, escaped once.
    keys: Vec<Vec<u8>>,
    line: Vec<u8>,
}

impl<W: Write> Jsonl<W> {
    fn new(out: Output<W>, columns: &[Column]) -> io::Result<Self> {
        let key = |column: &Column| -> io::Result<Vec<u8>> {
            let mut key = serde_json::to_vec(&column.name)?;
            key.push(b':');
            Ok(key)
        };
        Ok(Self {
            out,
            keys: columns.iter().map(key).collect::<io::Result<_>>()?,
            line: Vec::new(),
        })
    }
}

impl<W: Write> Sink for Jsonl<W> {
    fn write(&mut self, row: &Row) -> io::Result<()> {
        self.line.clear();
        for ((kind, text), key) in row.cells().zip(&self.keys) {
            self.line
                .push(if self.line.is_empty() { b'{' } else { b',' });
            self.line.extend_from_slice(key);
            match kind {
                Kind::Text => serde_json::to_writer(&mut self.line, text)?,
                // JSON has no word for what is not a number.
                Kind::Number if !is_json_number(text) => self.line.extend_from_slice(b"null"),
                Kind::Null => self.line.extend_from_slice(b"null"),
                _ => self.line.extend_from_slice(text.as_bytes()),
            }
        }
        self.line.extend_from_slice(b"}\n");
        self.out.write_all(&self.line)
    }

    fn checkpoint(&mut self) -> io::Result<()> {
        self.out.checkpoint()
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.checkpoint()
    }
}

/// Numbers come from JSON or from floats and integers of ours, so only `NaN` and `inf` are none.
fn is_json_number(text: &str) -> bool {
    text.ends_with(|last: char| last.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::sync::{Arc, Mutex};

    use super::super::open_as;
    use super::*;

    /// A writer whose bytes can be looked at later.
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
        cut: usize,
    ) -> Vec<Vec<String>> {
        let columns = [Column::new("a"), Column::new("b, \"c\"")];
        let bytes = Shared::default();
        let mut sink = create(bytes.clone(), format, compression, &columns, true).unwrap();
        let mut row = Row::new();
        for (index, cells) in rows.iter().enumerate() {
            if index == cut {
                // As a resumed run: the former sink is gone, another one appends.
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
        #[test]
        fn every_text_comes_back(
            rows in prop::collection::vec(prop::collection::vec("[a\", \t\n\ré€]{0,6}|.{0,8}", 2), 0..12),
            cut in 0usize..12,
        ) {
            for format in [Format::Csv, Format::Tsv, Format::Jsonl] {
                for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
                    prop_assert_eq!(&round(&rows, format, compression, cut), &rows);
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
