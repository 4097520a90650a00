//! Parses a piece of CSV. Ordinary pieces take a fast path; a piece with anything unusual in it (a
//! bad record, a repeated header line, a lone carriage return, text after a closing quote) goes
//! through the row-wise reader, so that both have the same meaning and the same error messages.

use memchr::{memchr, memchr_iter};

use super::super::input::Input;
use super::super::{Row, Source, csv};
use super::block::{Block, Cell, Memory, NOWHERE, Rows, WORD};
use super::{Head, Text};

/// The rows of a piece; columns that are not wanted may be left out.
pub(super) fn block(mut text: Text, file: usize, head: &Head, wanted: &[bool]) -> Block {
    let like = text.memory.marks.like;
    let utf8 = like.ascii || std::str::from_utf8(&text.memory.text).is_ok();
    if like.odd || !utf8 {
        return by_rows(text, file, head);
    }
    let ends = text.memory.marks.ends().len();
    let ended = text.memory.text.last() == Some(&b'\n');
    let plain = Plain {
        header: head.columns.first().map_or("", |column| &column.name),
        returns: like.returns,
        // Otherwise each line end is a record's; the last one may be missing.
        broken: text.lines > ends - usize::from(!ended),
        width: wanted.len(),
        starts: Block::starts(wanted, ends),
    };
    let block = plain.block(&mut text.memory, text.line, file);
    block.unwrap_or_else(|| by_rows(text, file, head))
}

/// The fast path: UTF-8 without NUL bytes, carriage returns only before line feeds, and nothing
/// after the closing quotes of cells.
struct Plain<'a> {
    /// The name of the first column: a row that starts with it may be a repeated header line.
    header: &'a str,
    returns: bool,
    /// Whether quoted cells may contain line ends.
    broken: bool,
    /// Number of cells per row.
    width: usize,
    /// Start of each column's cells.
    starts: Vec<usize>,
}

impl Plain<'_> {
    /// Takes the memory of a text that starts on `line`. Returns `None` and leaves it unchanged if
    /// a row has more or fewer cells.
    fn block(self, memory: &mut Memory, line: u64, file: usize) -> Option<Block> {
        let end = memory.text.len();
        memory.text.resize(end + WORD, 0);
        let mut unescaped = Vec::new();
        if self.rows(memory, line, &mut unescaped).is_none() {
            memory.text.truncate(end);
            return None;
        }
        let mut memory = std::mem::take(memory);
        memory.text.extend_from_slice(&unescaped);
        let ascii = memory.marks.like.ascii;
        Some(Block::new(file, memory, self.starts, ascii))
    }

    /// Finds the cells of a text, which is followed by a word of zeros, from its marks. `None` if a
    /// row has more or fewer cells.
    fn rows(&self, memory: &mut Memory, line: u64, unescaped: &mut Vec<u8>) -> Option<()> {
        let Memory {
            text,
            marks,
            cells,
            lines,
        } = memory;
        let (bytes, marks, ends) = (&text[..], marks.places(), marks.ends());
        let wanted = self.starts.iter().enumerate();
        let wanted: Vec<(usize, usize)> = wanted
            .map(|(column, &start)| (column, start))
            .filter(|&(_, start)| start != NOWHERE)
            .collect();
        cells.resize(wanted.len() * ends.len(), Cell::default());
        lines.clear();
        let (mut at, mut first, mut line) = (0, 0, line);
        for &end in ends {
            let of_row = &marks[first..=end as usize];
            let (start, stop) = (at, of_row[of_row.len() - 1] as usize);
            let content = &bytes[start..stop];
            (at, first) = (stop + 1, end as usize + 1);
            let row = lines.len();
            if !is_blank(content) {
                if of_row.len() != self.width
                    || self.may_be_header(&bytes[start..of_row[0] as usize])
                {
                    return None;
                }
                lines.push(line);
                for &(column, place) in &wanted {
                    let from = match column {
                        0 => start,
                        _ => of_row[column - 1] as usize + 1,
                    };
                    let to = self.without_return(bytes, from, of_row[column] as usize);
                    cells[place + row] = match bytes[from] {
                        b'"' => quoted(bytes, from + 1, to - 1, unescaped),
                        _ => Cell::new(from, to),
                    };
                }
            }
            line += 1 + match self.broken {
                true => memchr_iter(b'\n', content).count() as u64,
                false => 0,
            };
        }
        Some(())
    }

    /// Whether a raw first cell may be the first column's name; quotes inside it would be doubled.
    #[inline]
    fn may_be_header(&self, cell: &[u8]) -> bool {
        // It may be surrounded by a byte-order mark, two quotes, white space and a carriage return.
        let name = self.header.as_bytes().trim_ascii();
        if name.contains(&b'"') {
            return cell.contains(&b'"');
        }
        if cell.len() < name.len() {
            return false;
        }
        let cell = cell.strip_prefix(b"\xef\xbb\xbf").unwrap_or(cell);
        let cell = cell.trim_ascii();
        let bare = cell
            .strip_prefix(b"\"")
            .and_then(|cell| cell.strip_suffix(b"\""));
        bare.unwrap_or(cell).trim_ascii().eq_ignore_ascii_case(name)
    }

    /// The end of a cell without the carriage return before its line feed, the only one possible
    /// here.
    #[inline]
    fn without_return(&self, bytes: &[u8], from: usize, to: usize) -> usize {
        to - usize::from(self.returns && to > from && bytes[to - 1] == b'\r')
    }
}

/// Whether a line is empty.
fn is_blank(line: &[u8]) -> bool {
    matches!(line, [] | [b'\r'])
}

/// The cell between two quotes. If quotes inside it are doubled, the unescaped text is stored after
/// all others.
#[inline(never)]
fn quoted(bytes: &[u8], from: usize, to: usize, unescaped: &mut Vec<u8>) -> Cell {
    let mut rest = &bytes[from..to];
    let Some(mut quote) = memchr(b'"', rest) else {
        return Cell::new(from, to);
    };
    let start = bytes.len() + unescaped.len();
    loop {
        unescaped.extend_from_slice(&rest[..=quote]);
        rest = &rest[quote + 2..];
        match memchr(b'"', rest) {
            Some(next) => quote = next,
            None => break,
        }
    }
    unescaped.extend_from_slice(rest);
    Cell::new(start, bytes.len() + unescaped.len())
}

fn by_rows(text: Text, file: usize, head: &Head) -> Block {
    let Text {
        memory,
        syntax,
        is_converted,
        line,
        ..
    } = text;
    let mut rows = Rows::new(file, head.columns.len());
    let input = Input::middle(memory.text, &head.files[file], is_converted);
    let mut csv = csv::Csv::resume(input, syntax, head.columns.clone(), line);
    let mut row = Row::new();
    loop {
        match csv.read(&mut row) {
            Ok(true) => rows.push(&row, &csv),
            Ok(false) => return rows.finish(),
            Err(error) => {
                let ended = !error.is_record();
                rows.push_bad(error);
                if ended {
                    return rows.finish(); // the cutter has seen an end of every record: not reached
                }
            }
        }
    }
}
