//! Errors in data that are read, with their positions and messages. The verbs decide which exit
//! code an error becomes, and whether reading continues.

use std::fmt;
use std::io;

use super::{Encoding, shown};

/// An error with its position. Displayed as `data/reviews.csv:17: column 2 (label): ...; hint`.
#[derive(Debug)]
pub struct ReadError {
    /// The position.
    pub place: Place,
    /// Boxed: errors are rare, and every row read reserves space for one.
    pub kind: Box<ReadErrorKind>,
}

/// A position in the data: a file and, if known, a line (or row) and a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's display name.
    pub file: String,
    /// The line or row, from 1.
    pub line: Option<u64>,
    /// What `line` counts.
    pub unit: Unit,
    /// The position within the record.
    pub column: Option<Within>,
}

/// A position within a record. Displayed as `column 2 (label)`, ``column `label` `` or `byte 17
/// (label)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Within {
    /// A column by its index, from 0, and its name if known.
    Column(usize, Option<String>),
    /// A column by its name.
    Named(String),
    /// A byte of the line, from 1, and the key whose value contains it, if known.
    Byte(usize, Option<String>),
}

impl Within {
    /// The name of the column, if known.
    pub fn name(&self) -> Option<&str> {
        match self {
            Within::Named(name) => Some(name),
            Within::Column(_, name) | Within::Byte(_, name) => name.as_deref(),
        }
    }
}

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Within::Column(index, _) => write!(f, "column {}", index + 1)?,
            Within::Named(name) => return write!(f, "column `{}`", shown(name)),
            Within::Byte(at, _) => write!(f, "byte {at}")?,
        }
        match self.name() {
            Some(name) => write!(f, " ({})", shown(name)),
            None => Ok(()),
        }
    }
}

/// The unit in which records of a file are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Lines of a text file.
    Line,
    /// Rows of a Parquet file.
    Row,
}

/// The kinds of [`ReadError`].
#[derive(Debug, thiserror::Error)]
pub enum ReadErrorKind {
    /// The file system or the stream returned an error.
    #[error("cannot be read: {0}")]
    Io(io::Error),
    /// A name without a known extension.
    #[error(
        "its name has no known file extension; name it .csv, .tsv, .jsonl or .ndjson (each also with \
         .gz or .zst), .json or .parquet"
    )]
    UnknownFormat,
    /// A file of a spreadsheet program.
    #[error("is a spreadsheet, which is not read; save it as CSV, for example with `{command}`")]
    Spreadsheet {
        /// The command that converts its first sheet.
        command: String,
    },
    /// A folder without data files.
    #[error(
        "the folder and those in it hold no data files (.csv, .tsv, .jsonl, .json or .parquet)"
    )]
    NoFiles,
    /// Files of a folder with different columns.
    #[error(
        "its columns ({}) differ from those of {first} ({}); the files of a folder must have the same columns",
        names(found),
        names(expected)
    )]
    ColumnsDiffer {
        /// The folder's first file.
        first: String,
        /// Columns of this file.
        found: Vec<String>,
        /// Columns of the first file.
        expected: Vec<String>,
    },
    /// The input has no bytes.
    #[error("is empty; expected {expected}")]
    Empty {
        /// What was expected.
        expected: &'static str,
    },
    /// UTF-32, detected by its byte-order mark; its name for `iconv`.
    #[error("is {0} text; convert it: `iconv -f {0} -t UTF-8 IN > OUT`")]
    WideText(&'static str),
    /// A byte-order mark of a different encoding than specified.
    #[error(
        "starts with the byte-order mark of {found}, but TASK.data.encoding (--encoding) is {said}; \
         leave it out, since the mark gives the encoding"
    )]
    OtherMark {
        /// The mark's encoding.
        found: Encoding,
        /// The specified encoding.
        said: Encoding,
    },
    /// Bytes that are invalid in the encoding used to read them.
    #[error(
        "bytes that are invalid in the encoding used to read the file, after byte {} of the text in UTF-8; \
         set the right one with TASK.data.encoding (--encoding)",
        byte - 1
    )]
    NotInEncoding {
        /// Position in the text as UTF-8, from 1.
        byte: usize,
    },
    /// A first line that is a row of data.
    #[error(
        "the first line looks like data, not like names of columns ({}); if the file has no header line, set \
         TASK.data.header: false in params.yaml, or give --no-header, and name columns by their numbers: 1, 2, ...",
        names(.0)
    )]
    FirstLineIsData(Vec<String>),
    /// Content that does not match the file's name.
    #[error("holds {found}, not {expected}; {hint}")]
    OtherContent {
        /// The detected content.
        found: &'static str,
        /// The content that the name implies.
        expected: String,
        /// The next step.
        hint: &'static str,
    },
    /// gzip or Zstandard data that cannot be decompressed, and why.
    #[error(
        "the compressed data cannot be read: {0}; compress the file again or download it again"
    )]
    Compressed(String),
    /// A column without a name.
    #[error("the header name is empty; give every column a name")]
    HeaderEmpty,
    /// Two columns with the same name.
    #[error("the header name is also that of column {first}; give every column its own name")]
    HeaderDuplicate {
        /// Number of the first of them, from 1.
        first: usize,
    },
    /// A repeated header line.
    #[error("the header line is repeated; remove it")]
    HeaderAgain,
    /// One column, where the header and the first row contain another delimiter.
    #[error(
        "columns are separated by {}, expected {}; {}",
        delimiter(*found), delimiter(*expected), other_delimiter(*found, *expected)
    )]
    OtherDelimiter {
        /// The apparent delimiter.
        found: u8,
        /// The expected delimiter.
        expected: u8,
    },
    /// A header with an implausible number of columns.
    #[error("the header has more than {limit} columns; is this a table with a header line?")]
    TooManyColumns {
        /// Maximum number of columns.
        limit: usize,
    },
    /// A row with too few cells.
    #[error("the row ends before this column: it has {found} of {expected}")]
    RowTooShort {
        /// Number of cells in the row.
        found: usize,
        /// Number of columns.
        expected: usize,
    },
    /// A row with too many cells.
    #[error(
        "the row has {found} columns, the header {expected}; a text that contains the delimiter must \
         be quoted"
    )]
    RowTooLong {
        /// Number of cells in the row.
        found: usize,
        /// Number of columns.
        expected: usize,
    },
    /// A NUL byte in a text.
    #[error("a NUL byte in the text; the file is damaged or not text: remove the byte")]
    Nul,
    /// Bytes that are not UTF-8.
    #[error(
        "invalid UTF-8: byte {byte} of the text is 0x{value:02X}; if the whole file is in another encoding, say which \
         with TASK.data.encoding (--encoding): windows-1251, iso-8859-2, shift_jis, ..."
    )]
    Utf8 {
        /// Position in the text, from 1.
        byte: usize,
        /// The byte at that position.
        value: u8,
    },
    /// A quoted text that is never closed.
    #[error(
        "a quote opened here is never closed; close it, and double every quote inside a quoted text"
    )]
    UnclosedQuote,
    /// Text after the closing quote of a cell: a stray quote, or one that is not doubled.
    #[error(
        "text follows the quote that closes this cell, which was opened here; double every quote inside \
         a quoted text, and quote a text that starts with a quote; where quotes are only characters, or \
         escaped by a backslash, say so with TASK.data.quote or escape (--quote, --escape)"
    )]
    TextAfterQuote,
    /// A record longer than [`MAX_RECORD`](super::MAX_RECORD).
    #[error("a record longer than {} MiB; {hint}", limit >> 20)]
    RecordTooLong {
        /// Maximum length of a record in bytes.
        limit: usize,
        /// The likely reason.
        hint: &'static str,
    },
    /// Invalid JSON, and why.
    #[error("not JSON: {0}")]
    Json(String),
    /// A JSON array whose rows are not separated as they should be, and how. What follows cannot be
    /// told apart, so it ends the reading.
    #[error("not JSON: {0}")]
    JsonArray(String),
    /// JSON that is not an object.
    #[error("not a JSON object; {hint}")]
    NotObject {
        /// The next step.
        hint: &'static str,
    },
    /// A first object without keys.
    #[error("the object has no keys, so no columns; put keys into the first line")]
    NoKeys,
    /// A duplicate key in an object.
    #[error("key `{}` is repeated in one object; remove one", shown(.0))]
    DuplicateKey(String),
    /// A key that is not in the first object.
    #[error(
        "key `{}` is not in the first line, which names the columns; add it there (null will do) \
         or remove it here",
        shown(.0)
    )]
    UnknownKey(String),
    /// An unreadable Parquet file, and why.
    #[error("not a readable Parquet file ({0}); write it again or convert it to CSV")]
    Parquet(String),
    /// An unsupported column type, and the next step.
    #[error("Parquet type {0} is not supported; {1}")]
    ParquetType(String, &'static str),
    /// A date or time outside the calendar.
    #[error(
        "{0} {1} since 1970 is outside the years -9999 to 9999; empty the cell or leave the column out"
    )]
    DateRange(i64, &'static str),
    /// A time of day outside the day.
    #[error("{0} {1} since midnight is not a time of day; empty the cell or leave the column out")]
    TimeOfDay(i64, &'static str),
    /// A requested column that does not exist.
    #[error(
        "there is no column `{}`; there {}{}",
        shown(name),
        listed(columns),
        nearest(suggestion, *delimiter)
    )]
    MissingColumn {
        /// The requested column.
        name: String,
        /// The existing columns.
        columns: Vec<String>,
        /// The most similar column.
        suggestion: Option<String>,
        /// The delimiter that would make it a column.
        delimiter: Option<char>,
    },
    /// A text that is missing, not empty.
    #[error("the text is missing; fill it in or remove the row")]
    MissingText,
    /// A cell that a task cannot use.
    #[error("{0}")]
    Unusable(String),
    /// A label that is empty or missing.
    #[error("the label is empty; fill it in or remove the row")]
    EmptyLabel,
    /// A label that cannot be used, with the parser's message.
    #[error("{0}")]
    Label(String),
    /// A feature of a prepared photo that is not a number.
    #[error("`{0}` is not a number; run `easylife prepare cv` again")]
    NotNumber(String),
    /// A row that cannot be added to its series.
    #[error("series `{id}`: {reason}")]
    Series {
        /// The series.
        id: String,
        /// The reason.
        reason: String,
    },
    /// A time that cannot be used in any series.
    #[error("{0}")]
    SeriesTime(String),
    /// A text, label or id that is an object or a list.
    #[error(
        "the {what} is {}; expected a text, a number or a boolean",
        truncate(found)
    )]
    Nested {
        /// What is expected here.
        what: &'static str,
        /// The JSON value that was found.
        found: String,
    },
    /// A user or item without an id.
    #[error("the id is empty; fill it in or remove the row")]
    EmptyId,
    /// A rating that is not a number.
    #[error("`{0}` is not a rating; expected a number or an empty cell")]
    Rating(String),
    /// A number with an unspecified decimal mark, and the next step.
    #[error("{0}")]
    Marked(String),
    /// Times of two kinds in one column.
    #[error(
        "`{text}` is {found}, but earlier rows have {first}: the two cannot be ordered; write all times in \
         the same way"
    )]
    MixedTimes {
        /// The time.
        text: String,
        /// Its kind.
        found: &'static str,
        /// The kind of the first time.
        first: &'static str,
    },
    /// An unreadable time.
    #[error("{0}")]
    Time(String),
}

impl ReadError {
    /// Whether only this record is bad, so that [`super::Source::read`] can continue with the next
    /// (`--on-error skip`). Errors of opening a source always end it.
    pub fn is_record(&self) -> bool {
        use ReadErrorKind::*;
        matches!(
            *self.kind,
            RowTooShort { .. }
                | RowTooLong { .. }
                | TextAfterQuote
                | HeaderAgain
                | Utf8 { .. }
                | NotInEncoding { .. }
                | Nul
                | Json(_)
                | NotObject { .. }
                | DuplicateKey(_)
                | UnknownKey(_)
                | DateRange(..)
                | TimeOfDay(..)
                | MissingText
                | EmptyLabel
                | Unusable(_)
                | Nested { .. }
                | Label(_)
                | EmptyId
                | Rating(_)
                | Marked(_)
                | Time(_)
                | MixedTimes { .. }
                | Series { .. }
                | SeriesTime(_)
        )
    }

    /// Whether the file could not be opened or read at all (exit 1), as opposed to having bad
    /// content (exit 4).
    pub fn is_io(&self) -> bool {
        matches!(*self.kind, ReadErrorKind::Io(_))
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.kind)
    }
}

impl std::error::Error for ReadError {}

impl Place {
    /// The position of a whole file.
    pub fn file(file: impl Into<String>) -> Place {
        Place {
            file: file.into(),
            line: None,
            unit: Unit::Line,
            column: None,
        }
    }

    /// The position of a line of a text file.
    pub fn line(file: impl Into<String>, line: u64) -> Place {
        Place {
            line: Some(line),
            ..Place::file(file)
        }
    }

    /// The same position, at a column with this index (from 0; displayed from 1) and name.
    pub fn column(mut self, index: usize, name: Option<&str>) -> Place {
        self.column = Some(Within::Column(index, name.map(str::to_owned)));
        self
    }

    /// An error of `kind` at this position.
    pub fn error(self, kind: ReadErrorKind) -> ReadError {
        ReadError {
            place: self,
            kind: Box::new(kind),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        match (self.line, self.unit) {
            (Some(line), Unit::Line) => write!(f, ":{line}")?,
            (Some(row), Unit::Row) => write!(f, ": row {row}")?,
            (None, _) => {}
        }
        match &self.column {
            Some(column) => write!(f, ": {column}"),
            None => Ok(()),
        }
    }
}

/// The display name of a delimiter.
fn delimiter(byte: u8) -> String {
    match byte {
        b',' => "a comma".to_owned(),
        b'\t' => "a tab".to_owned(),
        byte => format!("`{}`", char::from(byte)),
    }
}

/// The next step for a table with another delimiter.
fn other_delimiter(found: u8, expected: u8) -> String {
    match (found, expected) {
        (b',', b'\t') => "name the file .csv".to_owned(),
        (b'\t', b',') => "name the file .tsv".to_owned(),
        _ => {
            let found = match found {
                b'\t' => "tab".to_owned(),
                byte => char::from(byte).to_string(),
            };
            format!(
                "set TASK.data.delimiter to '{found}' in params.yaml, or give --delimiter '{found}' \
                 (for a .csv file)"
            )
        }
    }
}

/// A value for a message; a long one is truncated.
fn truncate(value: &str) -> String {
    const SHOWN: usize = 60;
    match value.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value.to_owned(),
    }
}

/// Column names for a message; a long list is truncated.
fn listed(columns: &[String]) -> String {
    const SHOWN: usize = 20;
    if columns.is_empty() {
        return "are none".to_string();
    }
    let names: Vec<String> = columns.iter().take(SHOWN).map(|name| shown(name)).collect();
    let mut text = format!("are: {}", names.join(", "));
    if columns.len() > SHOWN {
        text.push_str(&format!(" and {} more", columns.len() - SHOWN));
    }
    text
}

fn names(columns: &[String]) -> String {
    let names: Vec<String> = columns.iter().map(|name| shown(name)).collect();
    names.join(", ")
}

fn nearest(suggestion: &Option<String>, delimiter: Option<char>) -> String {
    match (suggestion, delimiter) {
        (_, Some(delimiter)) => format!(
            "; are columns separated by `{}`? Then set TASK.data.delimiter in params.yaml, or give \
             --delimiter",
            delimiter.escape_default()
        ),
        (Some(name), None) => format!("; did you mean `{}`?", shown(name)),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_like_compiler_messages() {
        let place = Place::line("data/reviews.csv", 17).column(1, Some("label"));
        assert_eq!(
            place.error(ReadErrorKind::EmptyLabel).to_string(),
            "data/reviews.csv:17: column 2 (label): the label is empty; fill it in or remove the row"
        );
        let row = Place {
            unit: Unit::Row,
            ..Place::line("a.parquet", 3)
        };
        assert_eq!(
            row.column(0, None).to_string(),
            "a.parquet: row 3: column 1"
        );
    }

    #[test]
    fn wide_tables_are_truncated_in_messages() {
        let kind = ReadErrorKind::MissingColumn {
            name: "text".to_string(),
            columns: (0..22).map(|i| i.to_string()).collect(),
            suggestion: None,
            delimiter: None,
        };
        assert!(kind.to_string().ends_with(", 19 and 2 more"), "{kind}");
    }

    #[test]
    fn kinds_of_failure_are_distinguished() {
        let of = |kind| Place::file("a").error(kind);
        assert!(of(ReadErrorKind::Io(io::Error::other("x"))).is_io());
        assert!(of(ReadErrorKind::EmptyLabel).is_record());
        let fatal = of(ReadErrorKind::UnclosedQuote);
        assert!(!fatal.is_record() && !fatal.is_io());
    }
}
