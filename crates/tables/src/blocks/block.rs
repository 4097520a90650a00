//! A block: some rows of a table in one buffer, stored by column.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use super::super::{Decimal, Kind, ReadError, ReadErrorKind, Row, Source};
use super::marks::Marks;

/// The position of a row: the number of its file in 24 bits, its line (or row) in 40; line 0 means
/// the whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot(pub u64);

impl Spot {
    const LINE: u64 = (1 << 40) - 1;

    /// Line `line` of file number `file`.
    pub fn new(file: usize, line: u64) -> Spot {
        Spot((file as u64) << 40 | line.min(Self::LINE))
    }

    /// The number of its file.
    pub fn file(self) -> usize {
        (self.0 >> 40) as usize
    }

    /// The line or row, from 1; 0 for the whole file.
    pub fn line(self) -> u64 {
        self.0 & Self::LINE
    }
}

/// Texts of up to this many bytes are stored as one word, and their hashes never collide with each
/// other.
pub const WORD: usize = 8;

/// The hash of a cell's text: the same on every machine, and a bijection for texts of up to
/// [`WORD`] bytes without NUL.
pub fn hash(text: &[u8]) -> u64 {
    match text.len() <= WORD {
        true => mix(word_of(text)),
        false => xxh3_64(text),
    }
}

/// Combines two hashes, in order.
pub fn combined(first: u64, second: u64) -> u64 {
    mix(first.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ second)
}

/// The finalizer of MurmurHash3 (Appleby): a bijection in which every output bit depends on every
/// input bit.
#[inline]
fn mix(mut word: u64) -> u64 {
    word = (word ^ word >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    word = (word ^ word >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ word >> 33
}

/// [`hash`] of `length` bytes from `start`.
#[inline]
fn hash_at(text: &[u8], start: usize, length: usize) -> u64 {
    match length <= WORD {
        true => mix(word_at(text, start, length)),
        false => xxh3_64(&text[start..][..length]),
    }
}

/// The first bytes of a text of `length` bytes from `start` as a word, padded with zeros.
#[inline]
fn word_at(text: &[u8], start: usize, length: usize) -> u64 {
    let rest = &text[start..];
    let word = match rest.first_chunk::<WORD>() {
        Some(word) => u64::from_le_bytes(*word),
        None => word_of(rest),
    };
    // Two shifts, since a shift by 64 has no effect.
    let unwanted = 4 * WORD.saturating_sub(length) as u32;
    word & (u64::MAX >> unwanted >> unwanted)
}

/// Up to [`WORD`] bytes as a word, padded with zeros.
fn word_of(text: &[u8]) -> u64 {
    let mut word = [0; WORD];
    word[..text.len()].copy_from_slice(text);
    u64::from_le_bytes(word)
}

/// The position of a cell's text in the buffer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell {
    pub start: u32,
    pub length: u32,
}

impl Cell {
    #[inline]
    pub fn new(from: usize, to: usize) -> Cell {
        Cell {
            start: from as u32,
            length: (to - from) as u32,
        }
    }
}

/// Marks a column that was left out.
pub(super) const NOWHERE: usize = usize::MAX;

/// The memory of a block.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub text: Vec<u8>,
    pub marks: Marks,
    /// The cells, column by column.
    pub cells: Vec<Cell>,
    pub lines: Vec<u64>,
}

impl Memory {
    pub fn bytes(&self) -> usize {
        let cells = size_of::<Cell>() * self.cells.capacity() + 8 * self.lines.capacity();
        self.text.capacity() + self.marks.memory() + cells
    }
}

/// Rows of one file, all of the same width, and records that could not be read.
#[derive(Debug)]
pub struct Block {
    file: usize,
    memory: Memory,
    /// Start of each column's cells.
    columns: Vec<usize>,
    /// Whether the whole text is ASCII.
    ascii: bool,
    bad: Vec<ReadError>,
}

impl Block {
    /// Creates a block from texts, the cells of columns that start at `columns`, and lines.
    pub(super) fn new(file: usize, memory: Memory, columns: Vec<usize>, ascii: bool) -> Block {
        Block {
            file,
            memory,
            columns,
            ascii,
            bad: Vec::new(),
        }
    }

    /// Start of each column, with room for this many rows of the wanted ones.
    pub(super) fn starts(wanted: &[bool], rows: usize) -> Vec<usize> {
        let mut length = 0;
        let start = |wanted: &bool| match wanted {
            false => NOWHERE,
            true => {
                length += rows;
                length - rows
            }
        };
        wanted.iter().map(start).collect()
    }

    pub(super) fn into_memory(self) -> Memory {
        self.memory
    }

    /// Number of readable rows.
    pub fn rows(&self) -> usize {
        self.memory.lines.len()
    }

    /// The text of a cell; a null is an empty text.
    ///
    /// # Panics
    /// If the column was not parsed.
    #[inline]
    pub fn bytes_of(&self, row: usize, column: usize) -> &[u8] {
        self.bytes_in(self.memory.cells[self.columns[column] + row])
    }

    #[inline]
    fn bytes_in(&self, cell: Cell) -> &[u8] {
        &self.memory.text[cell.start as usize..][..cell.length as usize]
    }

    fn cells(&self, column: usize) -> &[Cell] {
        &self.memory.cells[self.columns[column]..][..self.rows()]
    }

    /// All texts of a column, as from [`Block::bytes_of`].
    #[inline]
    pub fn texts(&self, column: usize) -> impl Iterator<Item = &[u8]> {
        self.cells(column).iter().map(|&cell| self.bytes_in(cell))
    }

    /// The text of a cell as a string.
    pub fn text(&self, row: usize, column: usize) -> &str {
        // Every row that is kept has been checked.
        std::str::from_utf8(self.bytes_of(row, column)).unwrap_or_default()
    }

    /// The [`hash`] of a cell's text.
    #[inline]
    pub fn hash(&self, row: usize, column: usize) -> u64 {
        self.hash_in(self.memory.cells[self.columns[column] + row])
    }

    #[inline]
    fn hash_in(&self, Cell { start, length }: Cell) -> u64 {
        hash_at(&self.memory.text, start as usize, length as usize)
    }

    /// Hashes of a column's texts in some of the rows.
    #[inline]
    pub fn hashes(&self, column: usize, rows: Range<usize>) -> impl Iterator<Item = u64> {
        let cells = self.cells(column)[rows].iter();
        cells.map(|&cell| self.hash_in(cell))
    }

    /// The first [`WORD`] bytes of a column's texts, padded with zeros, and the length of each
    /// text. Short texts are equal if their words are, and only the empty text has the word 0.
    #[inline]
    pub fn words(&self, column: usize) -> impl Iterator<Item = (u64, usize)> {
        self.cells(column).iter().map(|&Cell { start, length }| {
            let length = length as usize;
            let word = word_at(&self.memory.text, start as usize, length);
            (word, length)
        })
    }

    /// Lengths of the shortest and the longest non-empty text of a column, if there is one.
    pub fn lengths(&self, column: usize) -> Option<[usize; 2]> {
        let lengths = self.cells(column).iter().map(|cell| cell.length);
        // An empty text counts as the longest possible.
        let (shortest, longest) = lengths.fold((u32::MAX, 0), |(least, most), length| {
            (least.min(length.wrapping_sub(1)), most.max(length))
        });
        (longest > 0).then_some([shortest as usize + 1, longest as usize])
    }

    /// Whether the whole text is ASCII, so that bytes are characters.
    pub fn is_ascii(&self) -> bool {
        self.ascii
    }

    /// Whether two cells of a column with equal hashes have the same text.
    #[inline]
    pub fn same(&self, column: usize, a: usize, b: usize) -> bool {
        let cells = &self.memory.cells[self.columns[column]..];
        let short = |cell: Cell| cell.length as usize <= WORD;
        (short(cells[a]) && short(cells[b])) || self.bytes_of(a, column) == self.bytes_of(b, column)
    }

    /// Number of characters (code points) of a cell.
    #[inline]
    pub fn letters(&self, row: usize, column: usize) -> usize {
        let text = self.bytes_of(row, column);
        match self.ascii {
            true => text.len(),
            // Continuation bytes are not counted.
            false => text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count(),
        }
    }

    /// The position of a row.
    pub fn spot(&self, row: usize) -> Spot {
        Spot::new(self.file, self.memory.lines[row])
    }

    /// Number of cells per row.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Records that could not be read, in order.
    pub fn bad(&self) -> &[ReadError] {
        &self.bad
    }

    /// Removes and returns the records that could not be read.
    pub fn take_bad(&mut self) -> Vec<ReadError> {
        std::mem::take(&mut self.bad)
    }
}

/// Builds a block row by row.
pub(super) struct Rows {
    file: usize,
    width: usize,
    /// Its cells are stored row by row.
    memory: Memory,
    bad: Vec<ReadError>,
}

/// Copies a row with numbers in the decimal notation of its texts, since a block does not store the
/// kind of a cell.
fn with_commas(row: &Row) -> Row {
    let mut out = Row::new();
    out.set_line(row.line());
    for (kind, text) in row.cells() {
        match kind {
            Kind::Number => out.push(kind, &text.replace('.', ",")),
            kind => out.push(kind, text),
        }
    }
    out
}

impl Rows {
    pub fn new(file: usize, width: usize) -> Rows {
        Rows {
            file,
            width,
            memory: Memory::default(),
            bad: Vec::new(),
        }
    }

    /// Adds the last row returned by `source`.
    pub fn push(&mut self, row: &Row, source: &dyn Source) {
        match row.cells().position(|(_, text)| text.contains('\0')) {
            Some(cell) => self.push_bad(source.place(row, cell).error(ReadErrorKind::Nul)),
            None if source.decimal() == Some(Decimal::Comma) => self.push_good(&with_commas(row)),
            None => self.push_good(row),
        }
    }

    /// Adds a row that is known to be valid.
    pub fn push_good(&mut self, row: &Row) {
        let Memory { text, cells, .. } = &mut self.memory;
        for (number, (_, cell)) in row.cells().enumerate() {
            let cell = if row.is_missing(number) { "" } else { cell };
            let start = text.len() as u32;
            text.extend_from_slice(cell.as_bytes());
            let length = cell.len() as u32;
            cells.push(Cell { start, length });
        }
        self.memory.lines.push(row.line());
    }

    pub fn push_bad(&mut self, error: ReadError) {
        self.bad.push(error);
    }

    pub fn rows(&self) -> usize {
        self.memory.lines.len()
    }

    pub fn bytes(&self) -> usize {
        self.memory.text.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows() + self.bad.len() == 0
    }

    pub fn finish(mut self) -> Block {
        let (rows, width) = (self.rows(), self.width);
        let cells = &self.memory.cells;
        let by_column = (0..width).flat_map(|column| cells.iter().skip(column).step_by(width));
        self.memory.cells = by_column.copied().collect();
        let ascii = self.memory.text.is_ascii();
        let columns = (0..width).map(|column| column * rows).collect();
        Block {
            bad: self.bad,
            ..Block::new(self.file, self.memory, columns, ascii)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_cell_is_that_of_its_text() {
        let text = b"0123456789abcdef........";
        for length in 0..=16 {
            let expected = hash(&text[..length]);
            assert_eq!(hash_at(text, 0, length), expected, "{length}");
            assert_eq!(hash_at(&text[..length], 0, length), expected, "{length}");
        }
        assert_eq!(hash(b""), 0);
        assert_ne!(hash(b"a"), hash(b"b"));
    }
}
