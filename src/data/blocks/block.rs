//! Some rows of a table in one buffer, by row and column.

use super::super::{ReadError, ReadErrorKind, Row, Source};

/// Where a row is: the number of its file in 24 bits, its line (or row) in 40; line 0 is the whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot(pub u64);

impl Spot {
    const LINE: u64 = (1 << 40) - 1;

    pub fn new(file: usize, line: u64) -> Spot {
        Spot((file as u64) << 40 | line.min(Self::LINE))
    }

    pub fn file(self) -> usize {
        (self.0 >> 40) as usize
    }

    pub fn line(self) -> u64 {
        self.0 & Self::LINE
    }
}

/// Where a cell's text lies in the buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub start: u32,
    pub end: u32,
}

/// Rows of one file, all of one width; and records that could not be read.
#[derive(Debug)]
pub struct Block {
    file: usize,
    width: usize,
    pub(super) text: Vec<u8>,
    /// Row by row.
    pub(super) cells: Vec<Cell>,
    pub(super) lines: Vec<u64>,
    bad: Vec<ReadError>,
}

impl Block {
    pub(super) fn new(file: usize, width: usize) -> Block {
        Block {
            file,
            width,
            text: Vec::new(),
            cells: Vec::new(),
            lines: Vec::new(),
            bad: Vec::new(),
        }
    }

    /// Adds the row that `source` gave last.
    pub(super) fn push(&mut self, row: &Row, source: &dyn Source) {
        match row.cells().position(|(_, text)| text.contains('\0')) {
            Some(cell) => self.push_bad(source.place(row, cell).error(ReadErrorKind::Nul)),
            None => self.push_row(row),
        }
    }

    /// Adds a row that is known to be good.
    pub(super) fn push_row(&mut self, row: &Row) {
        for (_, text) in row.cells() {
            let start = self.text.len() as u32;
            self.text.extend_from_slice(text.as_bytes());
            let end = self.text.len() as u32;
            self.cells.push(Cell { start, end });
        }
        self.lines.push(row.line());
    }

    pub(super) fn push_bad(&mut self, error: ReadError) {
        self.bad.push(error);
    }

    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The text of a cell; a null is the empty text.
    #[inline]
    pub fn bytes_of(&self, row: usize, column: usize) -> &[u8] {
        let cell = self.cells[row * self.width + column];
        &self.text[cell.start as usize..cell.end as usize]
    }

    /// The same as text.
    pub fn text(&self, row: usize, column: usize) -> &str {
        // Every row that is kept has been checked.
        std::str::from_utf8(self.bytes_of(row, column)).unwrap_or_default()
    }

    pub fn spot(&self, row: usize) -> Spot {
        Spot::new(self.file, self.lines[row])
    }

    /// Cells of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Records that could not be read, in their order.
    pub fn bad(&self) -> &[ReadError] {
        &self.bad
    }

    pub fn into_bad(self) -> Vec<ReadError> {
        self.bad
    }
}
