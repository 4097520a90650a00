//! A piece of CSV into cells. What nearly every piece is like is read fast; a piece with anything
//! else in it (a bad record, a lone carriage return, text behind a closing quote) goes through the
//! row-wise reader, so that both have one meaning and the same words for what is wrong.

use memchr::{memchr, memchr_iter};

use super::super::input::Input;
use super::super::{Row, Source, csv};
use super::Head;
use super::block::{Block, Cell};
use super::marks::Marks;

pub(super) fn block(bytes: Vec<u8>, delimiter: u8, line: u64, file: usize, head: &Head) -> Block {
    let width = head.columns.len();
    match is_plain(&bytes) {
        true => fast(bytes, delimiter, line, Block::new(file, width), width)
            .unwrap_or_else(|bytes| by_rows(bytes, delimiter, line, file, head)),
        false => by_rows(bytes, delimiter, line, file, head),
    }
}

/// UTF-8 without NUL bytes and lone carriage returns.
fn is_plain(bytes: &[u8]) -> bool {
    let lone = |at: usize| bytes.get(at + 1).is_some_and(|&next| next != b'\n');
    memchr(0, bytes).is_none()
        && !memchr_iter(b'\r', bytes).any(lone)
        && std::str::from_utf8(bytes).is_ok()
}

/// Gives the bytes back where a row has not `width` cells, or text follows a closing quote.
fn fast(
    bytes: Vec<u8>,
    delimiter: u8,
    line: u64,
    mut block: Block,
    width: usize,
) -> Result<Block, Vec<u8>> {
    let mut marks = Marks::new(&bytes, [delimiter, b'\n']);
    let mut unescaped = Vec::new();
    let (mut at, mut line) = (0, line);
    block.cells.reserve(bytes.len() / 8);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'\n', ..] => {
                (at, line) = (at + 1, line + 1);
                continue;
            }
            [b'\r', b'\n', ..] => {
                (at, line) = (at + 2, line + 1);
                continue;
            }
            [b'\r'] => break,
            _ => {}
        }
        block.lines.push(line);
        for column in 1..=width {
            let (cell, end) = match bytes.get(at) {
                Some(b'"') => match quoted(&bytes, at, &mut unescaped) {
                    Some((cell, end)) => {
                        line += memchr_iter(b'\n', &bytes[at..end]).count() as u64;
                        (cell, end)
                    }
                    None => return Err(bytes),
                },
                _ => {
                    let end = marks.next(at);
                    let carriage = end > at && bytes[end - 1] == b'\r' && ends_line(&bytes, end);
                    let end = end - usize::from(carriage);
                    (
                        Cell {
                            start: at as u32,
                            end: end as u32,
                        },
                        end,
                    )
                }
            };
            block.cells.push(cell);
            at = match (bytes.get(end), column == width) {
                (Some(&byte), false) if byte == delimiter => end + 1,
                (None | Some(b'\n'), true) => end + 1,
                (Some(b'\r'), true) => end + 2,
                _ => return Err(bytes),
            };
        }
        line += 1;
    }
    block.text = bytes;
    block.text.extend_from_slice(&unescaped);
    Ok(block)
}

fn ends_line(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|&byte| byte == b'\n')
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
            end: to as u32,
        };
        return Some((cell, close + 1));
    }
    let begin = bytes.len() + unescaped.len();
    let mut rest = &bytes[from..to];
    while let Some(quote) = memchr(b'"', rest) {
        unescaped.extend_from_slice(&rest[..=quote]);
        rest = &rest[quote + 2..];
    }
    unescaped.extend_from_slice(rest);
    let cell = Cell {
        start: begin as u32,
        end: (bytes.len() + unescaped.len()) as u32,
    };
    Some((cell, close + 1))
}

fn by_rows(bytes: Vec<u8>, delimiter: u8, line: u64, file: usize, head: &Head) -> Block {
    let mut block = Block::new(file, head.columns.len());
    let input = Input::middle(bytes, &head.files[file]);
    let mut csv = csv::Csv::resume(input, delimiter, head.columns.clone(), line);
    let mut row = Row::new();
    loop {
        match csv.read(&mut row) {
            Ok(true) => block.push(&row, &csv),
            Ok(false) => return block,
            Err(error) => {
                let ended = !error.is_record();
                block.push_bad(error);
                if ended {
                    return block; // the cutter has seen an end of every record: not reached
                }
            }
        }
    }
}
