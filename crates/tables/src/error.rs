//! What can be wrong with data that are read, and where. The words are here; which exit code an
//! error becomes, and whether reading goes on, is for the verbs.

use std::fmt;
use std::io;

use super::{Encoding, shown};

/// What is wrong, where. Displayed as `data/reviews.csv:17: column 2 (label): ...; hint`.
#[derive(Debug)]
pub struct ReadError {
    /// Where.
    pub place: Place,
    /// Boxed: an error is rare, and every row read has room for one.
    pub kind: Box<ReadErrorKind>,
}

/// A place in the data: a file, and where they are known a line (or row) and a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// As it is shown.
    pub file: String,
    /// 1-based.
    pub line: Option<u64>,
    /// What `line` counts.
    pub unit: Unit,
    /// Where in the record.
    pub column: Option<Within>,
}

/// A place in a record. Displayed as `column 2 (label)`, ``column `label` `` or `byte 17 (label)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Within {
    /// A column by its number, from 0, and its name where it is known.
    Column(usize, Option<String>),
    /// A column by its name.
    Named(String),
    /// A byte of the line, from 1, and the key whose value it is in, where that is known.
    Byte(usize, Option<String>),
}

impl Within {
    /// The name of the column, where it is known.
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

/// What records of a file are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Lines of a text file.
    Line,
    /// Rows of a Parquet file.
    Row,
}

/// The facts of a [`ReadError`].
#[derive(Debug, thiserror::Error)]
pub enum ReadErrorKind {
    /// The file system or the stream says so.
    #[error("cannot be read: {0}")]
    Io(io::Error),
    /// A name without a known ending.
    #[error(
        "its name does not tell its format; name it .csv, .tsv, .jsonl or .ndjson (each also with \
         .gz or .zst), or .parquet"
    )]
    UnknownFormat,
    /// A folder without data files.
    #[error("the folder and those in it hold no data files (.csv, .tsv, .jsonl or .parquet)")]
    NoFiles,
    /// Files of a folder that are not one table.
    #[error(
        "its columns ({}) are not those of {first} ({}); the files of a folder must have the same columns",
        names(found),
        names(expected)
    )]
    ColumnsDiffer {
        /// The folder's first file.
        first: String,
        /// Columns of this one.
        found: Vec<String>,
        /// Columns of the first.
        expected: Vec<String>,
    },
    /// No bytes.
    #[error("is empty; {expected} is expected")]
    Empty {
        /// What should be there.
        expected: &'static str,
    },
    /// UTF-32, by its byte-order mark; its name for `iconv`.
    #[error("is {0} text; convert it: `iconv -f {0} -t UTF-8 IN > OUT`")]
    WideText(&'static str),
    /// A byte-order mark of another encoding than was said.
    #[error(
        "starts with the byte-order mark of {found}, but {said} is asked for; leave out TASK.data.encoding \
         (--encoding), which the mark makes needless"
    )]
    OtherMark {
        /// That of the mark.
        found: Encoding,
        /// What was asked for.
        said: Encoding,
    },
    /// Bytes that mean nothing in the encoding that they are read as.
    #[error(
        "bytes that mean nothing in the encoding that the file is read as, behind byte {} of the text in UTF-8; \
         say what it is with TASK.data.encoding (--encoding)",
        byte - 1
    )]
    NotInEncoding {
        /// Where in the text as UTF-8, from 1.
        byte: usize,
    },
    /// A first line that is a row of data.
    #[error(
        "the first line looks like data, not like names of columns ({}); if the file has no header line, set \
         TASK.data.header: false in params.yaml, or give --no-header, and name columns by their numbers: 1, 2, ...",
        names(.0)
    )]
    FirstLineIsData(Vec<String>),
    /// Content that is not what the name says.
    #[error("holds {found}, not {expected}; {hint}")]
    OtherContent {
        /// What it looks like.
        found: &'static str,
        /// What the name says.
        expected: String,
        /// What to do.
        hint: &'static str,
    },
    /// gzip or Zstandard cannot be unpacked; why.
    #[error("the compressed data cannot be read: {0}; compress the file again or fetch it anew")]
    Compressed(String),
    /// A column without a name.
    #[error("the header name is empty; give every column a name")]
    HeaderEmpty,
    /// Two columns of one name.
    #[error("the header name is that of column {first} too; give every column its own name")]
    HeaderDuplicate {
        /// Number of the first of them, from 1.
        first: usize,
    },
    /// The header line as a row.
    #[error("the header line once more; remove it")]
    HeaderAgain,
    /// One column where the header and the first row hold another delimiter.
    #[error(
        "columns are separated by {}, {} is expected; {}",
        delimiter(*found), delimiter(*expected), other_delimiter(*found, *expected)
    )]
    OtherDelimiter {
        /// What seems to separate the columns.
        found: u8,
        /// What was to separate them.
        expected: u8,
    },
    /// A header that is hardly one.
    #[error("the header has more than {limit} columns; is this a table with a header line?")]
    TooManyColumns {
        /// Most columns of a table.
        limit: usize,
    },
    /// Cells are missing.
    #[error("the row ends before this column: it has {found} of {expected}")]
    RowTooShort {
        /// Cells of the row.
        found: usize,
        /// Columns of the table.
        expected: usize,
    },
    /// More cells than columns.
    #[error(
        "the row has {found} columns, the header {expected}; a text that holds the delimiter must \
         be quoted"
    )]
    RowTooLong {
        /// Cells of the row.
        found: usize,
        /// Columns of the table.
        expected: usize,
    },
    /// A NUL byte in a text.
    #[error("a NUL byte in the text; the file is damaged or no text: remove the byte")]
    Nul,
    /// Bytes that are no UTF-8.
    #[error(
        "invalid UTF-8: byte {byte} of the text is 0x{value:02X}; if the whole file is in another encoding, say which \
         with TASK.data.encoding (--encoding): windows-1251, iso-8859-2, shift_jis, ..."
    )]
    Utf8 {
        /// Where in the text, from 1.
        byte: usize,
        /// The byte there.
        value: u8,
    },
    /// A quoted text without an end.
    #[error(
        "a quote opened here is never closed; close it, and double every quote inside a quoted text"
    )]
    UnclosedQuote,
    /// A quoted cell goes on behind the quote that closes it: a stray quote, or one that is not doubled.
    #[error(
        "text follows the quote that closes this cell, which was opened here; double every quote inside \
         a quoted text, and quote a text that starts with a quote; where quotes are only characters, or \
         escaped by a backslash, say so with TASK.data.quote or escape (--quote, --escape)"
    )]
    TextAfterQuote,
    /// A record longer than [`MAX_RECORD`](super::MAX_RECORD).
    #[error("a record longer than {} MiB; {hint}", limit >> 20)]
    RecordTooLong {
        /// Most bytes of a record.
        limit: usize,
        /// What may be the reason.
        hint: &'static str,
    },
    /// Not JSON; why.
    #[error("not JSON: {0}")]
    Json(String),
    /// JSON, but no object.
    #[error("not a JSON object; {hint}")]
    NotObject {
        /// What to do.
        hint: &'static str,
    },
    /// A first object without keys.
    #[error("the object has no keys, so no columns; put keys into the first line")]
    NoKeys,
    /// A key twice in an object.
    #[error("key `{}` comes twice in one object; remove one", shown(.0))]
    DuplicateKey(String),
    /// A key that the first object does not have.
    #[error(
        "key `{}` is not in the first line, which names the columns; add it there (null will do) \
         or remove it here",
        shown(.0)
    )]
    UnknownKey(String),
    /// Not readable as Parquet; why.
    #[error("not a readable Parquet file ({0}); write it again or convert it to CSV")]
    Parquet(String),
    /// A column type that no row can hold, and what to do.
    #[error("Parquet type {0} is not supported; {1}")]
    ParquetType(String, &'static str),
    /// A date or time beyond the calendar.
    #[error(
        "{0} {1} since 1970 is outside the years -9999 to 9999; empty the cell or leave the column out"
    )]
    DateRange(i64, &'static str),
    /// A time of day that no day has.
    #[error("{0} {1} since midnight is no time of day; empty the cell or leave the column out")]
    TimeOfDay(i64, &'static str),
    /// A column that is asked for and not there.
    #[error(
        "there is no column `{}`; there {}{}",
        shown(name),
        listed(columns),
        nearest(suggestion, *delimiter)
    )]
    MissingColumn {
        /// The one asked for.
        name: String,
        /// Those there are.
        columns: Vec<String>,
        /// The one that may be meant.
        suggestion: Option<String>,
        /// What would make it a column if it were the delimiter.
        delimiter: Option<char>,
    },
    /// A text that is absent, not empty.
    #[error("the text is missing; fill it in or remove the row")]
    MissingText,
    /// A label that is empty or absent.
    #[error("the label is empty; fill it in or remove the row")]
    EmptyLabel,
    /// Why a label cannot be used, in the words of what parsed it.
    #[error("{0}")]
    Label(String),
    /// A feature of a prepared photo that is not a number.
    #[error("`{0}` is not a number; run `easylife prepare cv` again")]
    NotNumber(String),
    /// A row that its series cannot take.
    #[error("series `{id}`: {reason}")]
    Series {
        /// The series.
        id: String,
        /// Why.
        reason: String,
    },
    /// A time that no series can take.
    #[error("{0}")]
    SeriesTime(String),
    /// A text, a label or an id that is an object or a list.
    #[error(
        "the {what} is {}; a text, a number or a boolean is expected",
        cut(found)
    )]
    Nested {
        /// What is expected there.
        what: &'static str,
        /// The JSON that was found.
        found: String,
    },
    /// A user or item without an id.
    #[error("the id is empty; fill it in or remove the row")]
    EmptyId,
    /// A rating that is not a number.
    #[error("`{0}` is not a rating; a number is expected, or nothing")]
    Rating(String),
    /// A number with marks that were not said; what to do.
    #[error("{0}")]
    Marked(String),
    /// Times of two kinds in one column.
    #[error(
        "`{text}` is {found}, but {first} came before it: the two cannot be put in order; write all times in \
         one way"
    )]
    MixedTimes {
        /// The time.
        text: String,
        /// Its kind.
        found: &'static str,
        /// The kind of the first one.
        first: &'static str,
    },
    /// A time that cannot be read.
    #[error(
        "`{0}` is not a time; a number, a date (2024-02-29), a time of it, or nothing is expected"
    )]
    Time(String),
}

impl ReadError {
    /// True when only this record is bad and [`super::Source::read`] can go on with the next
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

    /// True when the file could not be opened or read at all (exit 1), rather than holding bad
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
    /// A whole file.
    pub fn file(file: impl Into<String>) -> Place {
        Place {
            file: file.into(),
            line: None,
            unit: Unit::Line,
            column: None,
        }
    }

    /// A line of a text file.
    pub fn line(file: impl Into<String>, line: u64) -> Place {
        Place {
            line: Some(line),
            ..Place::file(file)
        }
    }

    /// The same place, at a column of a known number (0-based here, 1-based in words) and name.
    pub fn column(mut self, index: usize, name: Option<&str>) -> Place {
        self.column = Some(Within::Column(index, name.map(str::to_owned)));
        self
    }

    /// The error of `kind` at this place.
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

/// A delimiter in words.
fn delimiter(byte: u8) -> String {
    match byte {
        b',' => "a comma".to_owned(),
        b'\t' => "a tab".to_owned(),
        byte => format!("`{}`", char::from(byte)),
    }
}

/// What to do with a table of another delimiter.
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

/// A value for a message; a long one is cut.
fn cut(value: &str) -> String {
    const SHOWN: usize = 60;
    match value.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value.to_owned(),
    }
}

/// Column names for a message; a very wide table is cut.
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
    fn wide_tables_are_cut_in_messages() {
        let kind = ReadErrorKind::MissingColumn {
            name: "text".to_string(),
            columns: (0..22).map(|i| i.to_string()).collect(),
            suggestion: None,
            delimiter: None,
        };
        assert!(kind.to_string().ends_with(", 19 and 2 more"), "{kind}");
    }

    #[test]
    fn kinds_of_failure_are_told_apart() {
        let of = |kind| Place::file("a").error(kind);
        assert!(of(ReadErrorKind::Io(io::Error::other("x"))).is_io());
        assert!(of(ReadErrorKind::EmptyLabel).is_record());
        let fatal = of(ReadErrorKind::UnclosedQuote);
        assert!(!fatal.is_record() && !fatal.is_io());
    }
}
