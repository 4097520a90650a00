//! Some rows of a table in one buffer, by column and row.

use xxhash_rust::xxh3::xxh3_64;

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

/// Texts of up to so many bytes are one word, and their hashes never collide with each other.
pub const WORD: usize = 8;

/// The hash that texts of cells go by: the same on every machine, a bijection of texts of up to
/// [`WORD`] bytes without NUL.
pub fn hash(text: &[u8]) -> u64 {
    if text.len() > WORD {
        return xxh3_64(text);
    }
    let mut word = [0; WORD];
    word[..text.len()].copy_from_slice(text);
    mix(u64::from_le_bytes(word))
}

/// One hash of two, in their order.
pub fn combined(first: u64, second: u64) -> u64 {
    mix(first.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ second)
}

/// The finalizer of MurmurHash3 (Appleby): a bijection whose every output bit hangs on every input bit.
#[inline]
fn mix(mut word: u64) -> u64 {
    word = (word ^ word >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    word = (word ^ word >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ word >> 33
}

/// [`hash`] of `length` bytes from `start` on, where at least a word more is behind them.
#[inline]
pub(super) fn hash_at(text: &[u8], start: usize, length: usize) -> u64 {
    match text[start..].first_chunk::<WORD>() {
        Some(word) if length <= WORD => {
            // By two shifts: one by 64 is none.
            let unwanted = 4 * (WORD - length) as u32;
            let word = u64::from_le_bytes(*word);
            mix(word & (u64::MAX >> unwanted >> unwanted))
        }
        _ => hash(&text[start..start + length]),
    }
}

/// Where a cell's text lies in the buffer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell {
    pub start: u32,
    pub length: u32,
}

/// Of a column that was left out.
const NOWHERE: usize = usize::MAX;

/// Rows of one file, all of one width; and records that could not be read.
#[derive(Debug)]
pub struct Block {
    file: usize,
    pub(super) text: Vec<u8>,
    /// Column by column.
    pub(super) cells: Vec<Cell>,
    /// Of the text of each cell.
    pub(super) hashes: Vec<u64>,
    /// Where the cells of each column start.
    pub(super) columns: Vec<usize>,
    /// Whether all of the text is ASCII.
    pub(super) ascii: bool,
    pub(super) lines: Vec<u64>,
    bad: Vec<ReadError>,
}

impl Block {
    /// With room for so many rows of those columns that are wanted.
    pub(super) fn with_rows(file: usize, wanted: &[bool], rows: usize) -> Block {
        let mut length = 0;
        let start = |wanted: &bool| match wanted {
            false => NOWHERE,
            true => {
                length += rows;
                length - rows
            }
        };
        let columns = wanted.iter().map(start).collect();
        Block {
            file,
            text: Vec::new(),
            cells: vec![Cell::default(); length],
            hashes: vec![0; length],
            columns,
            ascii: false,
            lines: Vec::new(),
            bad: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn set(&mut self, row: usize, column: usize, cell: Cell, hash: u64) {
        let place = self.columns[column] + row;
        self.cells[place] = cell;
        self.hashes[place] = hash;
    }

    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// The text of a cell; a null is the empty text.
    ///
    /// # Panics
    /// Where the column was not wanted.
    #[inline]
    pub fn bytes_of(&self, row: usize, column: usize) -> &[u8] {
        let Cell { start, length } = self.cells[self.columns[column] + row];
        &self.text[start as usize..][..length as usize]
    }

    /// The same as text.
    pub fn text(&self, row: usize, column: usize) -> &str {
        // Every row that is kept has been checked.
        std::str::from_utf8(self.bytes_of(row, column)).unwrap_or_default()
    }

    /// Hashes of a column's texts.
    pub fn hashes(&self, column: usize) -> &[u64] {
        &self.hashes[self.columns[column]..][..self.rows()]
    }

    /// Whether two cells of a column whose hashes are the same have the same text.
    #[inline]
    pub fn same(&self, column: usize, a: usize, b: usize) -> bool {
        let cells = &self.cells[self.columns[column]..];
        let short = |cell: Cell| cell.length as usize <= WORD;
        (short(cells[a]) && short(cells[b])) || self.bytes_of(a, column) == self.bytes_of(b, column)
    }

    /// Letters (code points) of a cell.
    #[inline]
    pub fn letters(&self, row: usize, column: usize) -> usize {
        let text = self.bytes_of(row, column);
        match self.ascii {
            true => text.len(),
            // Bytes that go on with a letter are none.
            false => text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count(),
        }
    }

    pub fn spot(&self, row: usize) -> Spot {
        Spot::new(self.file, self.lines[row])
    }

    /// Cells of a row.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Records that could not be read, in their order.
    pub fn bad(&self) -> &[ReadError] {
        &self.bad
    }

    pub fn into_bad(self) -> Vec<ReadError> {
        self.bad
    }
}

/// A block in the making, of rows that come one by one.
pub(super) struct Rows {
    block: Block,
    /// Row by row.
    cells: Vec<Cell>,
}

impl Rows {
    pub fn new(file: usize, width: usize) -> Rows {
        Rows {
            block: Block::with_rows(file, &vec![true; width], 0),
            cells: Vec::new(),
        }
    }

    /// Adds the row that `source` gave last.
    pub fn push(&mut self, row: &Row, source: &dyn Source) {
        match row.cells().position(|(_, text)| text.contains('\0')) {
            Some(cell) => self.push_bad(source.place(row, cell).error(ReadErrorKind::Nul)),
            None => self.push_good(row),
        }
    }

    /// Adds a row that is known to be good.
    pub fn push_good(&mut self, row: &Row) {
        let text = &mut self.block.text;
        for (_, cell) in row.cells() {
            let start = text.len() as u32;
            text.extend_from_slice(cell.as_bytes());
            let length = cell.len() as u32;
            self.cells.push(Cell { start, length });
        }
        self.block.lines.push(row.line());
    }

    pub fn push_bad(&mut self, error: ReadError) {
        self.block.bad.push(error);
    }

    pub fn rows(&self) -> usize {
        self.block.rows()
    }

    pub fn bytes(&self) -> usize {
        self.block.text.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows() + self.block.bad.len() == 0
    }

    pub fn finish(self) -> Block {
        let Rows { mut block, cells } = self;
        let (rows, width) = (block.rows(), block.width());
        block.columns = (0..width).map(|column| column * rows).collect();
        block.ascii = block.text.is_ascii();
        let by_column = (0..width).flat_map(|column| {
            let of_column = cells.iter().skip(column).step_by(width);
            of_column.copied()
        });
        block.cells = by_column.collect();
        let text = |cell: &Cell| &block.text[cell.start as usize..][..cell.length as usize];
        block.hashes = block.cells.iter().map(|cell| hash(text(cell))).collect();
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_cell_is_that_of_its_text() {
        let text = b"0123456789abcdef........";
        for length in 0..=16 {
            assert_eq!(hash_at(text, 0, length), hash(&text[..length]), "{length}");
        }
        assert_eq!(hash(b""), 0);
        assert_ne!(hash(b"a"), hash(b"b"));
    }
}
