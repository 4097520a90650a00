//! A table in blocks, for verbs that look at every cell of files larger than memory: one thread finds
//! where cells and records end ([`marks`]) and cuts the file there, any number of threads parse the
//! pieces ([`Piece::parse`]).
//!
//! Where a piece ends follows from the file alone. Bad records do not end the reading: they come
//! with their block, placed as [`super::Source`] places them.

mod block;
mod marks;
mod parse;

use std::io::Read;
use std::path::{Path, PathBuf};

pub use block::{Block, Spot, WORD, combined, hash};

use self::block::{Memory, Rows};
use super::input::Input;
use super::source::{open_as, open_file};
use super::{
    Column, Compression, Format, Place, ReadError, ReadErrorKind, Row, Source, Unit, csv, folder,
};

/// About so many bytes of text are in a piece.
const PIECE: usize = 1 << 19;
/// Most rows of a piece whose rows come one by one.
const ROWS: usize = 1 << 13;

/// What is the same for all pieces of a table.
#[derive(Clone, Debug)]
pub struct Head {
    /// Its columns, in their order.
    pub columns: Vec<Column>,
    /// Its files as they are shown, in their order.
    pub files: Vec<String>,
    /// What lines of its places count.
    pub unit: Unit,
}

impl Head {
    /// The number of a column.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// A row's place, `FILE:LINE`; the file alone where there is no line.
    pub fn shown(&self, spot: Spot) -> String {
        match spot.line() {
            0 => self.file(spot).to_owned(),
            line => format!("{}:{line}", self.file(spot)),
        }
    }

    /// The file that a row is in.
    pub fn file(&self, spot: Spot) -> &str {
        &self.files[spot.file()]
    }
}

/// A file or a folder of files with the same columns, piece by piece.
pub struct Blocks {
    head: Head,
    paths: Vec<PathBuf>,
    /// Number of the file being read.
    file: usize,
    reader: Reader,
}

enum Reader {
    Csv(Csv),
    Rows(Box<dyn Source>),
    /// Made in memory.
    Ready(std::vec::IntoIter<Block>),
    End,
}

/// A CSV file behind its header.
struct Csv {
    input: Input,
    delimiter: u8,
    /// Line of the next piece.
    line: u64,
    /// Read behind the last piece.
    carry: Vec<u8>,
    /// Memory of blocks that were worked on.
    spare: Vec<Memory>,
}

/// Bytes that the memory of a block may have to be kept.
const KEPT: usize = 8 * PIECE;

/// A piece of a table, not parsed yet.
pub struct Piece {
    file: usize,
    what: What,
}

enum What {
    Text(Text),
    Block(Block),
}

/// Whole records of a CSV file.
struct Text {
    /// Their text, and the marks in it.
    memory: Memory,
    delimiter: u8,
    /// The line it starts on, and how many lines end in it.
    line: u64,
    lines: usize,
}

impl Blocks {
    /// Opens a file, or all data files of a folder in the order of their names.
    ///
    /// # Errors
    /// Where a file cannot be opened, its head cannot be read, or the folder holds no data files.
    pub fn open(path: &Path) -> Result<Blocks, ReadError> {
        let paths = match path.is_dir() {
            true => folder::files(path)?,
            false => vec![path.to_owned()],
        };
        let (reader, columns, unit) = open_one(&paths[0])?;
        let head = Head {
            columns,
            files: paths
                .iter()
                .map(|path| path.display().to_string())
                .collect(),
            unit,
        };
        Ok(Blocks {
            head,
            paths,
            file: 0,
            reader,
        })
    }

    /// Opens a stream, as [`super::open_as`].
    ///
    /// # Errors
    /// Where the head cannot be read.
    pub fn open_as(
        input: Box<dyn Read>,
        name: &str,
        format: Format,
        compression: Compression,
    ) -> Result<Blocks, ReadError> {
        let (reader, columns, unit) = match format {
            Format::Csv | Format::Tsv => text(input, name, format, compression)?,
            _ => by_rows(open_as(input, name, format, compression)?),
        };
        let head = Head {
            columns,
            files: vec![name.to_owned()],
            unit,
        };
        Ok(Blocks {
            head,
            paths: Vec::new(),
            file: 0,
            reader,
        })
    }

    /// Rows in memory, each with the number of its file in `files`.
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
                files,
                unit: Unit::Line,
            },
            paths: Vec::new(),
            file: 0,
            reader: Reader::Ready(blocks.into_iter()),
        }
    }

    /// What is the same for all pieces.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Shows its files under other names.
    pub fn rename(&mut self, name: impl Fn(&Path) -> String) {
        self.head.files = self.paths.iter().map(|path| name(path)).collect();
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// Where reading cannot go on: a quote never closed, a record without end, a broken file.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, ReadError> {
        loop {
            let file = self.file;
            let what = match &mut self.reader {
                Reader::Csv(csv) => csv.piece(&self.head, file)?.map(What::Text),
                Reader::Rows(source) => rows(source.as_mut(), file)?.map(What::Block),
                Reader::Ready(blocks) => blocks.next().map(What::Block),
                Reader::End => return Ok(None),
            };
            if let Some(what) = what {
                return Ok(Some(Piece { file, what }));
            }
            self.file += 1;
            // Of a stream there is no path, so no next one.
            self.reader = match self.paths.get(self.file) {
                Some(path) => self.open_next(path)?,
                None => Reader::End,
            };
        }
    }

    /// Takes back a block that was worked on, so that its memory is used again.
    pub fn reuse(&mut self, block: Block) {
        if let Reader::Csv(csv) = &mut self.reader {
            let memory = block.into_memory();
            csv.spare.extend((memory.bytes() <= KEPT).then_some(memory));
        }
    }

    fn open_next(&self, path: &Path) -> Result<Reader, ReadError> {
        let (reader, columns, _) = open_one(path)?;
        let names = &self.head.files;
        folder::same_columns(&names[self.file], &columns, &names[0], &self.head.columns)?;
        Ok(reader)
    }
}

fn open_one(path: &Path) -> Result<(Reader, Vec<Column>, Unit), ReadError> {
    let name = path.display().to_string();
    match Format::of_path(path) {
        Some((format @ (Format::Csv | Format::Tsv), compression)) => {
            let file = std::fs::File::open(path)
                .map_err(|error| Place::file(&name).error(ReadErrorKind::Io(error)))?;
            text(Box::new(file), &name, format, compression)
        }
        _ => Ok(by_rows(open_file(path)?)),
    }
}

fn text(
    input: Box<dyn Read>,
    name: &str,
    format: Format,
    compression: Compression,
) -> Result<(Reader, Vec<Column>, Unit), ReadError> {
    let delimiter = if format == Format::Tsv { b'\t' } else { b',' };
    let input = Input::new(input, name, compression)?;
    let (input, columns, line) = csv::open(input, delimiter)?.into_rest();
    let csv = Csv {
        input,
        delimiter,
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

impl Csv {
    fn piece(&mut self, head: &Head, file: usize) -> Result<Option<Text>, ReadError> {
        let mut memory = self.spare.pop().unwrap_or_default();
        let Memory { text, marks, .. } = &mut memory;
        marks.clear();
        let mut filled = self.carry.len();
        text.resize(text.len().max(filled), 0);
        text[..filled].copy_from_slice(&self.carry);
        self.carry.clear();
        let end = loop {
            let at_end = !self.fill(text, &mut filled)?;
            marks.scan(&text[..filled], self.delimiter, at_end);
            match marks.boundary() {
                _ if at_end && !marks.quoted() => break filled,
                Some(boundary) if !at_end => break boundary,
                None if !at_end && filled <= super::MAX_RECORD => {}
                _ => {
                    text.truncate(filled);
                    return Err(self.refused(memory.text, head, file));
                }
            }
        };
        if end == 0 {
            return Ok(None);
        }
        self.carry.extend_from_slice(&text[end..filled]);
        text.truncate(end);
        // Those behind the last record are in quotes.
        let behind = memchr::memchr_iter(b'\n', &self.carry).count();
        let (line, lines) = (self.line, marks.like.lines - behind);
        self.line += lines as u64;
        Ok(Some(Text {
            memory,
            delimiter: self.delimiter,
            line,
            lines,
        }))
    }

    /// Reads up to the next multiple of a piece into `text`, of which `filled` bytes are read and others may
    /// be left from before; false at the end of the input.
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

    /// What the row-wise reader complains of in a piece that has no end.
    fn refused(&self, bytes: Vec<u8>, head: &Head, file: usize) -> ReadError {
        let name = &head.files[file];
        let input = Input::middle(bytes, name);
        let mut csv = csv::Csv::resume(input, self.delimiter, head.columns.clone(), self.line);
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

/// The next rows of a source that gives them one by one.
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
    /// Its cells.
    pub fn parse(self, head: &Head) -> Block {
        self.parse_some(head, &vec![true; head.columns.len()])
    }

    /// Its cells in those columns that are wanted.
    pub fn parse_some(self, head: &Head, wanted: &[bool]) -> Block {
        match self.what {
            What::Block(block) => block,
            What::Text(text) => parse::block(text, self.file, head, wanted),
        }
    }
}

#[cfg(test)]
mod tests;
