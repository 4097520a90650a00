//! A piece of CSV into cells. What nearly every piece is like is read fast; a piece with anything
//! else in it (a bad record, a lone carriage return, text behind a closing quote) goes through the
//! row-wise reader, so that both have one meaning and the same words for what is wrong.

use memchr::{memchr, memchr_iter};

use super::super::input::Input;
use super::super::{Row, Source, csv};
use super::Head;
use super::block::{Block, Cell, Rows, WORD, hash, hash_at};
use super::marks::Marks;

/// The rows of a piece that starts on `line`; columns that are not wanted may be left out.
pub(super) fn block(
    bytes: Vec<u8>,
    delimiter: u8,
    [file, line]: [u64; 2],
    head: &Head,
    wanted: &[bool],
) -> Block {
    let file = file as usize;
    let plain = match kind(&bytes) {
        Kind::Other => return by_rows(bytes, delimiter, line, file, head),
        kind => Plain {
            delimiter,
            carriages: kind == Kind::Carriages,
            wanted,
        },
    };
    plain
        .block(bytes, line, file)
        .unwrap_or_else(|bytes| by_rows(bytes, delimiter, line, file, head))
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

fn kind(bytes: &[u8]) -> Kind {
    if memchr(0, bytes).is_some() || std::str::from_utf8(bytes).is_err() {
        return Kind::Other;
    }
    let mut carriages = memchr_iter(b'\r', bytes).peekable();
    if carriages.peek().is_none() {
        return Kind::Plain;
    }
    let lone = |at: usize| bytes.get(at + 1).is_some_and(|&next| next != b'\n');
    match carriages.any(lone) {
        true => Kind::Other,
        false => Kind::Carriages,
    }
}

/// How a piece is read that is nothing special.
struct Plain<'a> {
    delimiter: u8,
    carriages: bool,
    wanted: &'a [bool],
}

impl Plain<'_> {
    /// Gives the bytes back where a row has more or fewer cells, or text follows a closing quote.
    fn block(&self, mut bytes: Vec<u8>, line: u64, file: usize) -> Result<Block, Vec<u8>> {
        let end = bytes.len();
        // Line ends inside of quotes are counted too; a row has a delimiter or line end for each cell.
        let lines = memchr_iter(b'\n', &bytes).count() + 1;
        let most = lines.min(end / self.wanted.len() + 1);
        let mut block = Block::with_rows(file, self.wanted, most);
        block.ascii = bytes.is_ascii();
        bytes.resize(end + WORD, 0);
        let mut unescaped = Vec::new();
        match self.rows(&bytes, line, &mut block, &mut unescaped) {
            Some(()) => {
                block.text = bytes;
                block.text.extend_from_slice(&unescaped);
                Ok(block)
            }
            None => {
                bytes.truncate(end);
                Err(bytes)
            }
        }
    }

    /// Finds the cells of `bytes`, which a word of zeros follows.
    fn rows(
        &self,
        bytes: &[u8],
        mut line: u64,
        block: &mut Block,
        unescaped: &mut Vec<u8>,
    ) -> Option<()> {
        let end = bytes.len() - WORD;
        let mut marks = Marks::new(&bytes[..end], [self.delimiter, b'\n']);
        let mut at = 0;
        while at < end {
            if let Some(blank) = blank(&bytes[at..end]) {
                (at, line) = (at + blank, line + 1);
                marks.skip_to(at);
                continue;
            }
            let row = block.lines.len();
            block.lines.push(line);
            for (column, &wanted) in self.wanted.iter().enumerate() {
                let stop = match bytes[at] {
                    b'"' => {
                        let (cell, close) = quoted(&bytes[..end], at, unescaped)?;
                        line += memchr_iter(b'\n', &bytes[at..close]).count() as u64;
                        marks.skip_to(close);
                        if wanted {
                            let text = match (cell.start as usize).checked_sub(bytes.len()) {
                                Some(start) => &unescaped[start..],
                                None => &bytes[cell.start as usize..][..cell.length as usize],
                            };
                            block.set(row, column, cell, hash(text));
                        }
                        self.stop(bytes, &mut marks, close)?
                    }
                    _ => {
                        let stop = marks.next();
                        if wanted {
                            let length = stop - at - usize::from(self.returns(&bytes[at..stop]));
                            let cell = Cell {
                                start: at as u32,
                                length: length as u32,
                            };
                            block.set(row, column, cell, hash_at(bytes, at, length));
                        }
                        stop
                    }
                };
                let ends = column + 1 == self.wanted.len();
                if (bytes[stop] == self.delimiter) == ends {
                    return None;
                }
                at = stop + 1;
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

    /// The delimiter or line end behind a closing quote; `None` where text follows it.
    fn stop(&self, bytes: &[u8], marks: &mut Marks, after: usize) -> Option<usize> {
        let stop = marks.next();
        (stop == after || (self.carriages && stop == after + 1 && bytes[after] == b'\r'))
            .then_some(stop)
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

fn by_rows(bytes: Vec<u8>, delimiter: u8, line: u64, file: usize, head: &Head) -> Block {
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
