//! What can be wrong with data that are read, and where. The words are here; which exit code an
//! error becomes, and whether reading goes on, is for the verbs.

use std::fmt;
use std::io;

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
    /// In words: `column 2 (label)`, `byte 17`.
    pub column: Option<String>,
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
    #[error("the folder holds no data files (.csv, .tsv, .jsonl or .parquet)")]
    NoFiles,
    /// Files of a folder that are not one table.
    #[error(
        "its columns ({}) are not those of {first} ({}); the files of a folder must have the same columns",
        found.join(", "), expected.join(", ")
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
    /// A byte order mark of UTF-16.
    #[error("is UTF-16 text; convert it: `iconv -f UTF-16 -t UTF-8 IN > OUT`")]
    Utf16,
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
    #[error("the compressed data are broken or cut short ({0})")]
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
    #[error("invalid UTF-8: byte {byte} of the text is 0x{value:02X}; convert the file to UTF-8")]
    Utf8 {
        /// Where in the text, from 0.
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
         a quoted text, and quote a text that starts with a quote"
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
    #[error("key `{0}` comes twice in one object; remove one")]
    DuplicateKey(String),
    /// A key that the first object does not have.
    #[error(
        "key `{0}` is not in the first line, which names the columns; add it there (null will do) \
         or remove it here"
    )]
    UnknownKey(String),
    /// Not readable as Parquet; why.
    #[error("not a readable Parquet file ({0}); write it again or convert it to CSV")]
    Parquet(String),
    /// A column type that no row can hold, and what to do.
    #[error("Parquet type {0} is not supported; {1}")]
    ParquetType(String, &'static str),
    /// A date or time beyond the calendar.
    #[error("value {0} is outside the years -9999 to 9999")]
    DateRange(i64),
    /// A column that is asked for and not there.
    #[error(
        "there is no column `{name}`; there {}{}",
        listed(columns),
        nearest(suggestion)
    )]
    MissingColumn {
        /// The one asked for.
        name: String,
        /// Those there are.
        columns: Vec<String>,
        /// The one that may be meant.
        suggestion: Option<String>,
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
    /// A label that is an object or a list.
    #[error("the label is {0}; a text, a number or a boolean is expected")]
    NestedLabel(String),
    /// A user or item without an id.
    #[error("the id is empty; fill it in or remove the row")]
    EmptyId,
    /// A rating that is not a number.
    #[error("`{0}` is not a rating; a number is expected, or nothing")]
    Rating(String),
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
                | Utf8 { .. }
                | Nul
                | Json(_)
                | NotObject { .. }
                | DuplicateKey(_)
                | UnknownKey(_)
                | DateRange(_)
                | MissingText
                | EmptyLabel
                | NestedLabel(_)
                | Label(_)
                | EmptyId
                | Rating(_)
                | Time(_)
                | Series { .. }
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
        self.column = Some(match name {
            Some(name) => format!("column {} ({name})", index + 1),
            None => format!("column {}", index + 1),
        });
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

/// Column names for a message; a very wide table is cut.
fn listed(columns: &[String]) -> String {
    const SHOWN: usize = 20;
    if columns.is_empty() {
        return "are none".to_string();
    }
    let mut text = format!("are: {}", columns[..columns.len().min(SHOWN)].join(", "));
    if columns.len() > SHOWN {
        text.push_str(&format!(" and {} more", columns.len() - SHOWN));
    }
    text
}

fn nearest(suggestion: &Option<String>) -> String {
    match suggestion {
        Some(name) => format!("; did you mean `{name}`?"),
        None => String::new(),
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
