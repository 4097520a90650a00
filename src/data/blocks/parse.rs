//! A piece of CSV into cells. What nearly every piece is like is read fast; a piece with anything
//! else in it (a bad record, a lone carriage return, text behind a closing quote) goes through the
//! row-wise reader, so that both have one meaning and the same words for what is wrong.

use memchr::{memchr, memchr_iter, memchr2_iter};

use super::super::input::Input;
use super::super::{Row, Source, csv};
use super::Head;
use super::Text;
use super::block::{Block, Cell, Rows, WORD, hash, hash_at};
use super::marks::Marks;

/// The rows of a piece; columns that are not wanted may be left out.
pub(super) fn block(
    text: Text,
    file: usize,
    head: &Head,
    wanted: &[bool],
    marks: &mut Marks,
) -> Block {
    let ascii = text.bytes.is_ascii();
    let plain = match kind(&text.bytes, ascii) {
        Kind::Other => return by_rows(text, file, head),
        kind => Plain {
            delimiter: text.delimiter,
            carriages: kind == Kind::Carriages,
            ascii,
            wanted,
        },
    };
    plain
        .block(text, file, marks)
        .unwrap_or_else(|text| by_rows(text, file, head))
}

/// What a piece is like.
#[derive(PartialEq)]
enum Kind {
    /// UTF-8 without NUL bytes and carriage returns.
    Plain,
    /// With carriage returns, each before a line end.
    Carriages,
    Other,
}

fn kind(bytes: &[u8], ascii: bool) -> Kind {
    if !ascii && std::str::from_utf8(bytes).is_err() {
        return Kind::Other;
    }
    let mut special = memchr2_iter(0, b'\r', bytes).peekable();
    if special.peek().is_none() {
        return Kind::Plain;
    }
    let lone = |at: usize| bytes.get(at + 1).is_some_and(|&next| next != b'\n');
    match special.any(|at| bytes[at] == 0 || lone(at)) {
        true => Kind::Other,
        false => Kind::Carriages,
    }
}

/// How a piece is read that is nothing special.
struct Plain<'a> {
    delimiter: u8,
    carriages: bool,
    ascii: bool,
    wanted: &'a [bool],
}

impl Plain<'_> {
    /// Gives the text back where a row has more or fewer cells, or text follows a closing quote.
    fn block(&self, mut text: Text, file: usize, marks: &mut Marks) -> Result<Block, Text> {
        let end = text.bytes.len();
        // Line ends inside of quotes are counted too; a row has a delimiter or line end for each cell.
        let most = (text.lines + 1).min(end / self.wanted.len() + 1);
        let mut block = Block::with_rows(file, self.wanted, most);
        block.ascii = self.ascii;
        text.bytes.resize(end + WORD, 0);
        let marks = marks.find(&text.bytes[..end], [self.delimiter, b'\n']);
        let mut unescaped = Vec::new();
        match self.rows(&text, marks, &mut block, &mut unescaped) {
            Some(()) => {
                block.text = text.bytes;
                block.text.extend_from_slice(&unescaped);
                Ok(block)
            }
            None => {
                text.bytes.truncate(end);
                Err(text)
            }
        }
    }

    /// Finds the cells of a text, which a word of zeros follows. `marks` are its delimiters and line
    /// ends. `None` where a row has more or fewer cells, or text follows a closing quote.
    fn rows(
        &self,
        text: &Text,
        marks: &[u32],
        block: &mut Block,
        unescaped: &mut Vec<u8>,
    ) -> Option<()> {
        let (bytes, delimiter, wanted) = (&text.bytes[..], self.delimiter, self.wanted);
        let (end, last) = (bytes.len() - WORD, wanted.len() - 1);
        // The next mark is the first one behind `at`.
        let (mut at, mut next, mut line) = (0, 0, text.line);
        while at < end {
            if let Some(blank) = blank(&bytes[at..end]) {
                (at, line, next) = (at + blank, line + 1, next + 1);
                continue;
            }
            let row = block.lines.len();
            block.lines.push(line);
            for (column, &wanted) in wanted.iter().enumerate() {
                if bytes[at] == b'"' {
                    let (cell, close) = quoted(&bytes[..end], at, unescaped)?;
                    line += memchr_iter(b'\n', &bytes[at..close]).count() as u64;
                    next += self.passed(bytes, &marks[next..], close)?;
                    if wanted {
                        block.set(row, column, cell, hash_of(cell, bytes, unescaped));
                    }
                } else if wanted {
                    let stop = *marks.get(next)? as usize;
                    let length = stop - at - usize::from(self.returns(&bytes[at..stop]));
                    let cell = Cell {
                        start: at as u32,
                        length: length as u32,
                    };
                    block.set(row, column, cell, hash_at(bytes, at, length));
                }
                let stop = *marks.get(next)? as usize;
                if (bytes[stop] == delimiter) == (column == last) {
                    return None;
                }
                (at, next) = (stop + 1, next + 1);
            }
            line += 1;
        }
        Some(())
    }

    /// Whether a bare cell ends with a carriage return, which is not part of it: no other is there.
    #[inline]
    fn returns(&self, cell: &[u8]) -> bool {
        self.carriages && cell.last() == Some(&b'\r')
    }

    /// How many marks are inside of a cell whose quote closes before `close`; `None` where anything but a
    /// carriage return is between that and the next mark.
    #[inline(never)]
    fn passed(&self, bytes: &[u8], marks: &[u32], close: usize) -> Option<usize> {
        let passed = marks.iter().position(|&mark| mark as usize >= close)?;
        let stop = marks[passed] as usize;
        let returns = self.carriages && stop == close + 1 && bytes[close] == b'\r';
        (stop == close || returns).then_some(passed)
    }
}

/// The hash of a quoted cell; what has no doubled quotes is in `bytes`, anything else was written last.
fn hash_of(cell: Cell, bytes: &[u8], unescaped: &[u8]) -> u64 {
    match (cell.start as usize).checked_sub(bytes.len()) {
        Some(start) => hash(&unescaped[start..]),
        None => hash(&bytes[cell.start as usize..][..cell.length as usize]),
    }
}

/// Bytes of a line without anything in it, where `rest` starts with one.
fn blank(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'\n', ..] | [b'\r'] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}

/// The quoted cell that starts at `start`, and the position behind its closing quote.
#[inline(never)]
fn quoted(bytes: &[u8], start: usize, unescaped: &mut Vec<u8>) -> Option<(Cell, usize)> {
    let mut from = start + 1;
    let mut doubled = false;
    let close = loop {
        let quote = from + memchr(b'"', &bytes[from..])?;
        if bytes.get(quote + 1) != Some(&b'"') {
            break quote;
        }
        doubled = true;
        from = quote + 2;
    };
    let (from, to) = (start + 1, close);
    if !doubled {
        let cell = Cell {
            start: from as u32,
            length: (to - from) as u32,
        };
        return Some((cell, close + 1));
    }
    // Behind the bytes and the word that follows them.
    let (begin, before) = (bytes.len() + WORD + unescaped.len(), unescaped.len());
    let mut rest = &bytes[from..to];
    while let Some(quote) = memchr(b'"', rest) {
        unescaped.extend_from_slice(&rest[..=quote]);
        rest = &rest[quote + 2..];
    }
    unescaped.extend_from_slice(rest);
    let cell = Cell {
        start: begin as u32,
        length: (unescaped.len() - before) as u32,
    };
    Some((cell, close + 1))
}

fn by_rows(text: Text, file: usize, head: &Head) -> Block {
    let Text {
        bytes,
        delimiter,
        line,
        ..
    } = text;
    let mut rows = Rows::new(file, head.columns.len());
    let input = Input::middle(bytes, &head.files[file]);
    let mut csv = csv::Csv::resume(input, delimiter, head.columns.clone(), line);
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
