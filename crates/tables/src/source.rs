//! Reads rows from one input of any format.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::input::Input;
use super::{
    Column, Compression, Decimal, Encoding, Format, Place, ReadError, ReadErrorKind, Reading, Row,
    Unit,
};
use super::{csv, encoding, folder, jsonl, parquet};

/// Reads rows from one input, in order.
pub trait Source {
    /// The columns, known from the start.
    fn columns(&self) -> &[Column];

    /// Reads the next row into `row`; false at the end. After an error that
    /// [`ReadError::is_record`], the next call goes on with the next record.
    ///
    /// # Errors
    /// What is wrong with the record, or with the whole source; see [`ReadError::is_record`].
    fn read(&mut self, row: &mut Row) -> Result<bool, ReadError>;

    /// The file that the last row came from, as it is shown.
    fn file(&self) -> &str;

    /// What [`Row::line`] counts.
    fn unit(&self) -> Unit {
        Unit::Line
    }

    /// What marks the decimals of numbers in its texts, where that was said.
    fn decimal(&self) -> Option<Decimal> {
        None
    }

    /// The encoding that was recognised so far, where text that is not UTF-8 is converted without the caller's
    /// word.
    fn recognised(&self) -> Option<Encoding> {
        None
    }

    /// Whether the line that names the columns looks like a row of data. Known before the first row is read.
    fn first_line_is_data(&self) -> bool {
        false
    }

    /// The number of the column `name`.
    ///
    /// # Errors
    /// Names the file, the columns there are and the nearest of them.
    fn column(&self, name: &str) -> Result<usize, ReadError> {
        find_column(self.columns(), name).map_err(|kind| {
            let kind = match kind {
                ReadErrorKind::MissingColumn { columns, .. } if self.first_line_is_data() => {
                    ReadErrorKind::FirstLineIsData(columns)
                }
                kind => kind,
            };
            Place::file(self.file()).error(kind)
        })
    }

    /// Where a cell of the row read last stands.
    fn place(&self, row: &Row, column: usize) -> Place {
        Place {
            file: self.file().to_owned(),
            line: Some(row.line()),
            unit: self.unit(),
            column: None,
        }
        .column(column, self.columns().get(column).map(|c| c.name.as_str()))
    }
}

/// Opens a file by its name, or all data files of a folder in the order of their names, as RFC 4180 says
/// where they are CSV. A file without any bytes is a table without columns and rows.
///
/// # Errors
/// Where the file cannot be opened, its name says no format, or its head cannot be read.
pub fn open(path: &Path) -> Result<Box<dyn Source>, ReadError> {
    open_with(path, Reading::default())
}

/// The same where CSV files are to be read as `reading` says.
///
/// # Errors
/// Those of [`open`].
pub fn open_with(path: &Path, reading: Reading) -> Result<Box<dyn Source>, ReadError> {
    let source = match path.is_dir() {
        true => folder::open(path, reading),
        false => open_file(path, reading),
    }?;
    Ok(with_decimal(source, reading.decimal))
}

/// Which encoding a file, or files of a folder, are read as because it was recognised; `None` where all are UTF-8
/// or `reading` says the encoding. What is wrong with a file is for its reader to say.
pub fn describe_encoding(path: &Path, reading: Reading) -> Option<String> {
    if reading.encoding.is_some() {
        return None;
    }
    let paths = match path.is_dir() {
        true => folder::files(path).ok()?,
        false => vec![path.to_owned()],
    };
    let found: Vec<(&PathBuf, Encoding)> = paths
        .iter()
        .filter_map(|path| Some((path, encoding_of(path)?)))
        .collect();
    let ((first, encoding), others) = (found.first()?, found.len() - 1);
    let more = match others {
        0 => String::new(),
        others => format!(" (and {others} more files of the folder as it is found there)"),
    };
    let name = files::names::spell(first);
    Some(format!("{name} is read as {encoding}{more}"))
}

/// That which is recognised in a file.
fn encoding_of(path: &Path) -> Option<Encoding> {
    let (format, compression) = Format::of_path(path)?;
    if format == Format::Parquet {
        return None;
    }
    let file = Box::new(std::fs::File::open(path).ok()?);
    let mut input = Input::new(file, "", format, compression, Reading::default()).ok()?;
    let (mut read, mut buffer) = (0, vec![0; 1 << 16]);
    while input.recognised().is_none() && read <= encoding::LOOK {
        let bytes = input.read(&mut buffer).ok()?;
        if bytes == 0 || !buffer[..bytes].is_ascii() {
            break;
        }
        read += bytes as u64;
    }
    input.recognised()
}

/// The same source, whose texts have this decimal mark.
pub(super) fn with_decimal(source: Box<dyn Source>, decimal: Option<Decimal>) -> Box<dyn Source> {
    match decimal {
        None => source,
        Some(decimal) => Box::new(Marked {
            inner: source,
            decimal,
        }),
    }
}

/// A source whose numbers have a decimal mark.
struct Marked {
    inner: Box<dyn Source>,
    decimal: Decimal,
}

impl Source for Marked {
    fn columns(&self) -> &[Column] {
        self.inner.columns()
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        self.inner.read(row)
    }

    fn file(&self) -> &str {
        self.inner.file()
    }

    fn unit(&self) -> Unit {
        self.inner.unit()
    }

    fn recognised(&self) -> Option<Encoding> {
        self.inner.recognised()
    }

    fn first_line_is_data(&self) -> bool {
        self.inner.first_line_is_data()
    }

    fn decimal(&self) -> Option<Decimal> {
        Some(self.decimal)
    }
}

pub(super) fn open_file(path: &Path, reading: Reading) -> Result<Box<dyn Source>, ReadError> {
    let name = files::names::spell(path);
    let (format, compression) = Format::of_path(path)
        .ok_or_else(|| Place::file(&name).error(ReadErrorKind::UnknownFormat))?;
    let io = |error| Place::file(&name).error(ReadErrorKind::Io(error));
    let file = std::fs::File::open(path).map_err(io)?;
    if format == Format::Parquet {
        return parquet::open(path, &name);
    }
    open_as_with(Box::new(file), &name, format, compression, reading)
}

/// Opens a stream. Parquet, which is read from its end, is first copied into a temporary file.
///
/// # Errors
/// Where the head cannot be read.
pub fn open_as(
    input: Box<dyn Read>,
    name: &str,
    format: Format,
    compression: Compression,
) -> Result<Box<dyn Source>, ReadError> {
    open_as_with(input, name, format, compression, Reading::default())
}

/// The same where CSV is to be read as `reading` says.
///
/// # Errors
/// Those of [`open_as`].
pub fn open_as_with(
    input: Box<dyn Read>,
    name: &str,
    format: Format,
    compression: Compression,
    reading: Reading,
) -> Result<Box<dyn Source>, ReadError> {
    if format == Format::Parquet {
        let source = parquet::open_stream(input, name)?;
        return Ok(with_decimal(source, reading.decimal));
    }
    let input = Input::new(input, name, format, compression, reading)?;
    let source = match format {
        Format::Jsonl => jsonl::open(input)?,
        _ => Box::new(csv::open(input, reading.syntax(format))?),
    };
    Ok(with_decimal(source, reading.decimal))
}

/// The number of the column `name`.
///
/// # Errors
/// Names the columns there are and the nearest of them.
pub fn find_column(columns: &[Column], name: &str) -> Result<usize, ReadErrorKind> {
    if let Some(index) = columns.iter().position(|column| column.name == name) {
        return Ok(index);
    }
    if columns.is_empty() {
        return Err(ReadErrorKind::Empty {
            expected: "a table with columns and rows",
        });
    }
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let holds = |&delimiter: &char| {
        let mut names = names.iter().flat_map(|other| other.split(delimiter));
        names.any(|part| part.trim().trim_matches('"') == name)
    };
    let suggestion = names
        .iter()
        .map(|column| {
            let (a, b) = (column.to_lowercase(), name.to_lowercase());
            (strsim::damerau_levenshtein(a.trim(), &b), column)
        })
        .filter(|(distance, _)| *distance <= 1 + name.len() / 4)
        .min()
        .map(|(_, column)| column.clone());
    Err(ReadErrorKind::MissingColumn {
        name: name.to_owned(),
        delimiter: [';', '\t', '|', ','].into_iter().find(holds),
        columns: names,
        suggestion,
    })
}
