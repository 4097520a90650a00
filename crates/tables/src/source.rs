//! Reads rows from one input of any format.

use std::io::Read;
use std::path::Path;

use super::input::Input;
use super::{
    Column, Compression, Decimal, Encoding, Format, Place, ReadError, ReadErrorKind, Reading,
    Recognised, Row, Unit,
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

    /// What was recognised so far without the caller's word: an encoding that is converted, a delimiter.
    fn recognised(&self) -> Recognised {
        Recognised::default()
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
    let encoding = |path: &Path| match reading.encoding {
        Some(_) => None,
        None => encoding_of(path),
    };
    let (name, encoding, more) = first_recognised(path, encoding)?;
    Some(format!("{name} is read as {encoding}{more}"))
}

/// Which delimiter a file, or files of a folder, are read with because it was recognised; `None` where it is a comma
/// or `reading` says it. What is wrong with a file is for its reader to say.
pub fn describe_delimiter(path: &Path, reading: Reading) -> Option<String> {
    let delimiter = |path: &Path| open_file(path, reading).ok()?.recognised().delimiter;
    let (name, delimiter, more) = first_recognised(path, delimiter)?;
    Some(format!(
        "the columns of {name} are separated by {delimiter:#}{more}"
    ))
}

/// The first file, here or in the folder, of which something is recognised, and how many more there are.
fn first_recognised<R>(
    path: &Path,
    recognise: impl Fn(&Path) -> Option<R>,
) -> Option<(String, R, String)> {
    let paths = match path.is_dir() {
        true => folder::files(path).ok()?,
        false => vec![path.to_owned()],
    };
    let mut found = { paths.iter() }.filter_map(|path| Some((path, recognise(path)?)));
    let (first, recognised) = found.next()?;
    let more = match found.count() {
        0 => String::new(),
        others => format!(" (and {others} more files of the folder as it is found there)"),
    };
    Some((files::names::spell(first), recognised, more))
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

    fn recognised(&self) -> Recognised {
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
    let unknown = || match Format::conversion(path) {
        Some(command) => ReadErrorKind::Spreadsheet { command },
        None => ReadErrorKind::UnknownFormat,
    };
    let (format, compression) =
        Format::of_path(path).ok_or_else(|| Place::file(&name).error(unknown()))?;
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
///
/// # Examples
/// ```
/// use easylife_tables::{Compression, Format, Row, open_as};
///
/// let text = "text,label\ngood,pos\nbad\n\"fine, really\",pos\n";
/// let input = Box::new(std::io::Cursor::new(text));
/// let mut source = open_as(input, "reviews.csv", Format::Csv, Compression::None)?;
/// let column = source.column("text")?;
/// let (mut texts, mut bad, mut row) = (Vec::new(), Vec::new(), Row::new());
/// loop {
///     match source.read(&mut row) {
///         Ok(true) => texts.push(row.text(column).to_owned()),
///         Ok(false) => break,
///         // The next call goes on behind it.
///         Err(error) if error.is_record() => bad.push(error.to_string()),
///         Err(error) => return Err(error),
///     }
/// }
/// assert_eq!(texts, ["good", "fine, really"]);
/// assert!(bad[0].starts_with("reviews.csv:3: "));
/// # Ok::<(), easylife_tables::ReadError>(())
/// ```
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
///
/// # Examples
/// ```
/// use easylife_tables::{Column, find_column};
///
/// let columns = ["text", "label"].map(Column::new);
/// assert_eq!(find_column(&columns, "label").unwrap(), 1);
/// let error = find_column(&columns, "lable").unwrap_err().to_string();
/// assert!(error.contains("`label`"), "{error}");
/// ```
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
