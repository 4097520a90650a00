//! The two ways to read a record of CSV: at once, if it is complete in the buffer and simple, and byte by byte. Both
//! have the same meaning.

use memchr::{memchr, memchr3};

use crate::reading::{Escape, Syntax};

/// Reads a record byte by byte, tracking its quotes. Text after a closing quote is refused:
/// otherwise a stray quote would silently swallow all rows up to the next one.
pub(super) struct Automaton {
    syntax: Syntax,
    /// Whether a lone carriage return ends a line inside a quoted text.
    returns: bool,
    state: State,
    /// Number of completed cells.
    pub(super) cell: usize,
    pub(super) line: u64,
    /// Line of the quote that opened the cell.
    pub(super) opened: u64,
    /// Index and opening line of the first cell with text after its closing quote.
    pub(super) text_after: Option<(usize, u64)>,
    /// Whether the record has ended, and whether it did so with a carriage return.
    pub(super) ended: bool,
    pub(super) returned: bool,
}

/// The state within a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Bare,
    Quoted,
    /// After a carriage return in a quoted cell.
    QuotedReturn,
    /// After a backslash in a quoted cell.
    Escaped,
    /// After a quote in a quoted cell: it closes the cell unless another one follows.
    Closed,
}

impl Automaton {
    pub(super) fn new(syntax: Syntax, line: u64, returns: bool) -> Self {
        Self {
            syntax,
            returns,
            state: State::Start,
            cell: 0,
            line,
            opened: line,
            text_after: None,
            ended: false,
            returned: false,
        }
    }

    /// Processes `bytes` and returns how many of them belong to the record.
    pub(super) fn follow(
        &mut self,
        bytes: &[u8],
        text: &mut Vec<u8>,
        ends: &mut Vec<usize>,
    ) -> usize {
        for (at, &byte) in bytes.iter().enumerate() {
            self.step(byte, text, ends);
            if self.ended {
                return at + 1;
            }
        }
        bytes.len()
    }

    fn step(&mut self, byte: u8, text: &mut Vec<u8>, ends: &mut Vec<usize>) {
        let quote = self.syntax.quote == Some(byte);
        match self.state {
            State::Start if quote => {
                self.opened = self.line;
                self.state = State::Quoted;
            }
            State::Start | State::Bare => self.outside(byte, text, ends),
            State::Closed if quote && self.syntax.escape == Escape::Doubled => {
                text.push(byte);
                self.state = State::Quoted;
            }
            State::Closed => {
                let ends_cell = byte == self.syntax.delimiter || b"\r\n".contains(&byte);
                if !ends_cell {
                    self.text_after.get_or_insert((self.cell, self.opened));
                }
                self.state = State::Bare;
                self.outside(byte, text, ends);
            }
            State::Escaped => {
                if !quote && byte != b'\\' {
                    text.push(b'\\');
                }
                self.state = State::Quoted;
                match quote || byte == b'\\' {
                    true => text.push(byte),
                    false => self.inside(byte, text),
                }
            }
            State::Quoted | State::QuotedReturn if quote => self.state = State::Closed,
            State::Quoted | State::QuotedReturn => self.inside(byte, text),
        }
    }

    /// Processes a byte of a bare cell, or the end of a cell.
    fn outside(&mut self, byte: u8, text: &mut Vec<u8>, ends: &mut Vec<usize>) {
        match byte {
            b'\n' | b'\r' => {
                self.line += 1;
                self.ended = true;
                self.returned = byte == b'\r';
            }
            _ if byte == self.syntax.delimiter => {
                ends.push(text.len());
                self.cell += 1;
                self.state = State::Start;
            }
            _ => {
                text.push(byte);
                self.state = State::Bare;
            }
        }
    }

    /// Processes a byte of a quoted text that is not its quote.
    fn inside(&mut self, byte: u8, text: &mut Vec<u8>) {
        let after_return = self.state == State::QuotedReturn;
        self.state = State::Quoted;
        match byte {
            b'\\' if self.syntax.escape == Escape::Backslash => {
                self.state = State::Escaped;
                return;
            }
            b'\n' => self.line += u64::from(!after_return),
            b'\r' if self.returns => {
                self.line += 1;
                self.state = State::QuotedReturn;
            }
            _ => {}
        }
        text.push(byte);
    }

    /// Handles pending input at the end.
    pub(super) fn finish(&mut self, text: &mut Vec<u8>) {
        if self.state == State::Escaped {
            text.push(b'\\');
        }
    }

    /// Whether the record ends inside a quoted text.
    pub(super) fn is_open(&self) -> bool {
        matches!(
            self.state,
            State::Quoted | State::QuotedReturn | State::Escaped
        ) && !self.ended
    }
}

/// The cells of a record while it is read at once.
pub(super) struct Cells<'a> {
    pub(super) delimiter: u8,
    /// Buffer for the text.
    pub(super) text: &'a mut [u8],
    pub(super) len: usize,
    pub(super) ends: &'a mut [usize],
    pub(super) count: usize,
}

impl Cells<'_> {
    /// Reads the record at the start of `buffer` and returns its length; `None` if it does not end
    /// there, has quotes other than around a cell, or has more cells than there is room for.
    pub(super) fn read(&mut self, buffer: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            at = match buffer.get(at)? {
                b'"' => self.quoted(buffer, at + 1)?,
                _ => self.bare(buffer, at)?,
            };
            *self.ends.get_mut(self.count)? = self.len;
            self.count += 1;
            let end = *buffer.get(at)?;
            at += 1;
            match end {
                _ if end == self.delimiter => {}
                b'\n' | b'\r' => return Some(at),
                _ => return None, // text after a closing quote
            }
        }
    }

    /// Reads a bare cell and returns its end.
    fn bare(&mut self, buffer: &[u8], from: usize) -> Option<usize> {
        let end = from + memchr3(self.delimiter, b'\n', b'\r', &buffer[from..])?;
        self.add(&buffer[from..end]);
        Some(end)
    }

    /// Reads a cell after its opening quote and returns the position after the closing one.
    fn quoted(&mut self, buffer: &[u8], mut from: usize) -> Option<usize> {
        loop {
            let quote = from + memchr(b'"', &buffer[from..])?;
            if *buffer.get(quote + 1)? != b'"' {
                self.add(&buffer[from..quote]);
                return Some(quote + 1);
            }
            self.add(&buffer[from..=quote]); // two quotes are one
            from = quote + 2;
        }
    }

    fn add(&mut self, text: &[u8]) {
        self.text[self.len..self.len + text.len()].copy_from_slice(text);
        self.len += text.len();
    }
}
