//! Reads a table in blocks, for verbs that look at every cell of files larger than memory: one
//! thread finds the ends of cells and records (`marks`) and splits the file there, any number of
//! threads parse the pieces ([`Piece::parse`]).
//!
//! The ends of the pieces depend only on the file. Bad records do not stop the reading: they are
//! returned with their block, with the same positions as from [`super::Source`].

mod block;
mod marks;
mod parse;

use std::io::Read;
use std::path::{Path, PathBuf};

pub use block::{Block, Spot, WORD, combined, hash};

use self::block::{Memory, Rows};
use super::input::Input;
use super::reading::Syntax;
use super::source::{open_as_with, open_file, with_decimal};
use super::{
    Column, Compression, Decimal, Format, Place, ReadError, ReadErrorKind, Reading, Row, Source,
    Unit, csv, folder,
};

/// Approximate size of a piece in bytes of text.
const PIECE: usize = 1 << 19;
/// Maximum number of rows in a piece that is read row by row.
const ROWS: usize = 1 << 13;

/// The properties shared by all pieces of a table.
#[derive(Clone, Debug)]
pub struct Head {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The display names of the files, in order.
    pub files: Vec<String>,
    /// What the line numbers of each file count.
    pub units: Vec<Unit>,
    /// The decimal mark of numbers, if specified.
    pub decimal: Option<Decimal>,
}

impl Head {
    /// The index of a column.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The position of a row, as `FILE:LINE` or `FILE: row ROW`; only the file if there is no line.
    pub fn shown(&self, spot: Spot) -> String {
        let place = Place {
            line: Some(spot.line()).filter(|&line| line > 0),
            unit: self.unit(spot),
            ..Place::file(self.file(spot))
        };
        place.to_string()
    }

    /// What the line number of a position counts.
    pub fn unit(&self, spot: Spot) -> Unit {
        self.units.get(spot.file()).copied().unwrap_or(Unit::Line)
    }

    /// The file of a row.
    pub fn file(&self, spot: Spot) -> &str {
        &self.files[spot.file()]
    }
}

/// A file, or a folder of files with the same columns, read piece by piece.
pub struct Blocks {
    head: Head,
    paths: Vec<PathBuf>,
    /// Number of the current file.
    file: usize,
    reader: Reader,
    reading: Reading,
}

enum Reader {
    Csv(Csv),
    Rows(Box<dyn Source>),
    /// Rows in memory.
    Ready(std::vec::IntoIter<Block>),
    End,
}

/// A CSV file after its header, with line feeds as line ends and quotes as in RFC 4180.
struct Csv {
    input: Input,
    syntax: Syntax,
    /// Line of the next piece.
    line: u64,
    /// Bytes read after the last piece.
    carry: Vec<u8>,
    /// Memory of processed blocks, for reuse.
    spare: Vec<Memory>,
}

/// Maximum memory of a block that is kept, in bytes.
const KEPT: usize = 8 * PIECE;

/// An unparsed piece of a table.
pub struct Piece {
    file: usize,
    what: What,
}

enum What {
    Text(Text),
    Block(Block),
}

/// Complete records of a CSV file.
struct Text {
    /// Their text, and the marks in it.
    memory: Memory,
    syntax: Syntax,
    /// Whether it was converted from another encoding.
    is_converted: bool,
    /// The line it starts on, and the number of lines that end in it.
    line: u64,
    lines: usize,
}

impl Blocks {
    /// Opens a file, or all data files of a folder in the order of their names.
    ///
    /// # Errors
    /// If a file cannot be opened, its header cannot be read, or the folder has no data files.
    pub fn open(path: &Path) -> Result<Blocks, ReadError> {
        Blocks::open_with(path, Reading::default())
    }

    /// Like [`Blocks::open`], with CSV files read as specified by `reading`.
    ///
    /// # Errors
    /// Those of [`Blocks::open`].
    pub fn open_with(path: &Path, reading: Reading) -> Result<Blocks, ReadError> {
        let paths = match path.is_dir() {
            true => folder::files(path)?,
            false => vec![path.to_owned()],
        };
        let (mut reader, mut columns, _) = open_one(&paths[0], reading)?;
        let mut file = 0;
        // An empty file is a part without rows.
        while columns.is_empty() && file + 1 < paths.len() {
            file += 1;
            (reader, columns, _) = open_one(&paths[file], reading)?;
        }
        let is_parquet =
            |path: &PathBuf| matches!(Format::of_path(path), Some((Format::Parquet, _)));
        let head = Head {
            columns,
            files: paths.iter().map(|path| files::names::spell(path)).collect(),
            units: paths
                .iter()
                .map(|path| match is_parquet(path) {
                    true => Unit::Row,
                    false => Unit::Line,
                })
                .collect(),
            decimal: reading.decimal,
        };
        Ok(Blocks {
            head,
            paths,
            file,
            reader,
            reading,
        })
    }

    /// Opens a stream, like [`super::open_as`].
    ///
    /// # Errors
    /// If the header cannot be read.
    pub fn open_as(
        input: Box<dyn Read>,
        name: &str,
        format: Format,
        compression: Compression,
    ) -> Result<Blocks, ReadError> {
        Blocks::open_as_with(input, name, format, compression, Reading::default())
    }

    /// Like [`Blocks::open_as`], with CSV read as specified by `reading`.
    ///
    /// # Errors
    /// Those of [`Blocks::open_as`].
    pub fn open_as_with(
        input: Box<dyn Read>,
        name: &str,
        format: Format,
        compression: Compression,
        reading: Reading,
    ) -> Result<Blocks, ReadError> {
        let (reader, columns, unit) = match format {
            Format::Csv | Format::Tsv => text(input, name, format, compression, reading)?,
            _ => by_rows(open_as_with(input, name, format, compression, reading)?),
        };
        let head = Head {
            columns,
            files: vec![name.to_owned()],
            units: vec![unit],
            decimal: reading.decimal,
        };
        Ok(Blocks {
            head,
            paths: Vec::new(),
            file: 0,
            reader,
            reading,
        })
    }

    /// Blocks of rows in memory, each with the number of its file in `files`.
    pub fn of_rows(columns: Vec<Column>, files: Vec<String>, rows: &[(usize, Row)]) -> Blocks {
        let mut blocks = Vec::new();
        for chunk in rows
            .chunk_by(|a, b| a.0 == b.0)
            .flat_map(|of_file| of_file.chunks(ROWS))
        {
            let mut rows = Rows::new(chunk[0].0, columns.len());
            chunk.iter().for_each(|(_, row)| rows.push_good(row));
            blocks.push(rows.finish());
        }
        Blocks {
            head: Head {
                columns,
                units: vec![Unit::Line; files.len()],
                files,
                decimal: None,
            },
            paths: Vec::new(),
            file: 0,
            reader: Reader::Ready(blocks.into_iter()),
            reading: Reading::default(),
        }
    }

    /// The properties shared by all pieces.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Changes the display names of the files.
    pub fn rename(&mut self, name: impl Fn(&Path) -> String) {
        self.head.files = self.paths.iter().map(|path| name(path)).collect();
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// If reading cannot continue: an unclosed quote, an endless record, or a damaged file.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, ReadError> {
        loop {
            let file = self.file;
            let what = match &mut self.reader {
                Reader::Csv(csv) => match csv.piece(&self.head, file)? {
                    NextPiece::Piece(text) => Some(What::Text(text)),
                    NextPiece::End => None,
                    NextPiece::NoLineFeeds => {
                        self.by_rows_from_here();
                        continue;
                    }
                },
                Reader::Rows(source) => rows(source.as_mut(), file)?.map(What::Block),
                Reader::Ready(blocks) => blocks.next().map(What::Block),
                Reader::End => return Ok(None),
            };
            if let Some(what) = what {
                return Ok(Some(Piece { file, what }));
            }
            self.file += 1;
            // A stream has no path, so there is no next file.
            self.reader = match self.paths.get(self.file) {
                Some(path) => self.open_next(path)?,
                None => Reader::End,
            };
        }
    }

    /// Takes back a processed block to reuse its memory.
    pub fn reuse(&mut self, block: Block) {
        if let Reader::Csv(csv) = &mut self.reader {
            let memory = block.into_memory();
            csv.spare.extend((memory.bytes() <= KEPT).then_some(memory));
        }
    }

    /// Continues with the row-wise reader.
    fn by_rows_from_here(&mut self) {
        if let Reader::Csv(csv) = std::mem::replace(&mut self.reader, Reader::End) {
            let input = csv.input.with_prefix(csv.carry);
            let columns = self.head.columns.clone();
            let rows = csv::Csv::resume(input, csv.syntax, columns, csv.line);
            self.reader = Reader::Rows(Box::new(rows));
        }
    }

    fn open_next(&self, path: &Path) -> Result<Reader, ReadError> {
        let (reader, columns, _) = open_one(path, self.reading)?;
        let names = &self.head.files;
        folder::same_columns(&names[self.file], &columns, &names[0], &self.head.columns)?;
        Ok(reader)
    }
}

fn open_one(path: &Path, reading: Reading) -> Result<(Reader, Vec<Column>, Unit), ReadError> {
    let name = files::names::spell(path);
    match Format::of_path(path) {
        Some((format @ (Format::Csv | Format::Tsv), compression)) => {
            let file = std::fs::File::open(path)
                .map_err(|error| Place::file(&name).error(ReadErrorKind::Io(error)))?;
            text(Box::new(file), &name, format, compression, reading)
        }
        _ => Ok(by_rows(with_decimal(
            open_file(path, reading)?,
            reading.decimal,
        ))),
    }
}

fn text(
    input: Box<dyn Read>,
    name: &str,
    format: Format,
    compression: Compression,
    reading: Reading,
) -> Result<(Reader, Vec<Column>, Unit), ReadError> {
    let input = Input::new(input, name, format, compression, reading)?;
    let csv = csv::open(input, reading.syntax(format))?;
    if !csv.is_plain() || !csv.syntax().header {
        return Ok(by_rows(with_decimal(Box::new(csv), reading.decimal)));
    }
    let syntax = csv.syntax();
    let (input, columns, line) = csv.into_rest();
    let csv = Csv {
        input,
        syntax,
        line,
        carry: Vec::new(),
        spare: Vec::new(),
    };
    Ok((Reader::Csv(csv), columns, Unit::Line))
}

fn by_rows(source: Box<dyn Source>) -> (Reader, Vec<Column>, Unit) {
    let (columns, unit) = (source.columns().to_vec(), source.unit());
    (Reader::Rows(source), columns, unit)
}

/// The result of cutting the next piece off a CSV file.
enum NextPiece {
    Piece(Text),
    End,
    /// There is no line feed where a record must have ended; the bytes read are kept.
    NoLineFeeds,
}

impl Csv {
    fn piece(&mut self, head: &Head, file: usize) -> Result<NextPiece, ReadError> {
        let mut memory = self.spare.pop().unwrap_or_default();
        let Memory { text, marks, .. } = &mut memory;
        marks.clear();
        let mut filled = self.carry.len();
        text.resize(text.len().max(filled), 0);
        text[..filled].copy_from_slice(&self.carry);
        self.carry.clear();
        let end = loop {
            let at_end = !self.fill(text, &mut filled)?;
            marks.scan(&text[..filled], self.syntax.delimiter, at_end);
            match marks.boundary() {
                _ if at_end && !marks.quoted() => break filled,
                Some(boundary) if !at_end => break boundary,
                None if !at_end && filled <= super::MAX_RECORD => {}
                None if !at_end && !marks.quoted() && marks.like.returns => {
                    text.truncate(filled);
                    self.carry = memory.text;
                    return Ok(NextPiece::NoLineFeeds);
                }
                _ => {
                    text.truncate(filled);
                    return Err(self.refused(memory.text, head, file));
                }
            }
        };
        if end == 0 {
            return Ok(NextPiece::End);
        }
        self.carry.extend_from_slice(&text[end..filled]);
        text.truncate(end);
        let line = self.line;
        let lines = match marks.like.odd && marks.like.returns {
            // Some lines end in a lone carriage return, which only the row-wise reader handles.
            true => self.lines(text.clone(), head),
            // Line ends after the last record are in quotes.
            false => marks.like.lines - memchr::memchr_iter(b'\n', &self.carry).count(),
        };
        self.line += lines as u64;
        Ok(NextPiece::Piece(Text {
            memory,
            syntax: self.syntax,
            is_converted: self.input.is_converted(),
            line,
            lines,
        }))
    }

    /// Number of lines of complete records.
    fn lines(&self, text: Vec<u8>, head: &Head) -> usize {
        let input = Input::middle(text, "", false);
        let mut csv = csv::Csv::resume(input, self.syntax, head.columns.clone(), 0);
        let mut row = Row::new();
        while !matches!(csv.read(&mut row), Ok(false)) {}
        csv.line() as usize
    }

    /// Reads up to the next multiple of a piece into `text`, of which `filled` bytes are valid and
    /// the rest may be left from before; false at the end of the input.
    fn fill(&mut self, text: &mut Vec<u8>, filled: &mut usize) -> Result<bool, ReadError> {
        let target = (*filled / PIECE + 1) * PIECE;
        text.resize(text.len().max(target), 0);
        while *filled < target {
            match self.input.read(&mut text[*filled..target])? {
                0 => return Ok(false),
                read => *filled += read,
            }
        }
        Ok(true)
    }

    /// The row-wise reader's error for a piece that has no end.
    fn refused(&self, bytes: Vec<u8>, head: &Head, file: usize) -> ReadError {
        let name = &head.files[file];
        let input = Input::middle(bytes, name, self.input.is_converted());
        let mut csv = csv::Csv::resume(input, self.syntax, head.columns.clone(), self.line);
        let mut row = Row::new();
        loop {
            match csv.read(&mut row) {
                Err(error) if !error.is_record() => return error,
                Ok(false) => {
                    let kind = ReadErrorKind::UnclosedQuote;
                    return Place::line(name, self.line).error(kind);
                }
                _ => {}
            }
        }
    }
}

/// The next rows of a source that is read row by row.
fn rows(source: &mut dyn Source, file: usize) -> Result<Option<Block>, ReadError> {
    let mut rows = Rows::new(file, source.columns().len());
    let mut row = Row::new();
    while rows.bytes() < PIECE && rows.rows() < ROWS {
        match source.read(&mut row) {
            Ok(true) => rows.push(&row, source),
            Ok(false) if rows.is_empty() => return Ok(None),
            Ok(false) => break,
            Err(error) if error.is_record() => rows.push_bad(error),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(rows.finish()))
}

impl Piece {
    /// Parses all cells.
    pub fn parse(self, head: &Head) -> Block {
        self.parse_some(head, &vec![true; head.columns.len()])
    }

    /// Parses the cells of the wanted columns.
    pub fn parse_some(self, head: &Head, wanted: &[bool]) -> Block {
        match self.what {
            What::Block(block) => block,
            What::Text(text) => parse::block(text, self.file, head, wanted),
        }
    }
}

#[cfg(test)]
mod tests;
