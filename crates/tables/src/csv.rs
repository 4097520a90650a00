//! Reads CSV and TSV with exact positions: lines, unclosed quotes, ragged rows, text after a
//! closing quote.
//!
//! A record that is complete in the buffer is read cell by cell; any other goes through an
//! automaton, byte by byte. Both have the same meaning: strict RFC 4180, or what [`super::Reading`]
//! specifies.

use std::collections::HashMap;

use memchr::memchr_iter;

use super::input::Input;
use super::reading::Syntax;
use super::{
    Column, Delimiter, MAX_RECORD, Place, ReadError, ReadErrorKind, Recognised, Row, Source,
};

mod first_line;
mod record;
mod sniff;

use self::record::{Automaton, Cells};

/// More columns than any table has: the file has no line ends, or is not a table.
const MAX_COLUMNS: usize = 100_000;
const TOO_LONG: &str = "is a quote or a line end missing?";
/// Common column separators.
pub(super) const DELIMITERS: [u8; 4] = *b",;\t|";

pub(super) struct Csv {
    input: Input,
    syntax: Syntax,
    columns: Vec<Column>,
    /// Text of the current record, cell after cell, and the ends of its cells.
    text: Vec<u8>,
    ends: Vec<usize>,
    cells: usize,
    /// Line of the next byte, from 1.
    line: u64,
    /// Line on which the current record starts.
    start: u64,
    /// Whether the last byte was a carriage return that ended a line; a following line feed does
    /// not end another.
    returned: bool,
    /// Whether the header line ends in a lone carriage return, as lines inside quoted texts then
    /// do.
    returns: bool,
    /// Whether the first line was read, is a row, and has not been returned yet.
    pending: bool,
    /// The detected delimiter.
    recognised: Option<Delimiter>,
}

/// Opens a table with a header line; an empty one has no columns.
pub(super) fn open(input: Input, syntax: Syntax) -> Result<Csv, ReadError> {
    let input = match syntax.is_given {
        true => input,
        false => input.with_two_lines()?,
    };
    let mut csv = Csv::resume(input, syntax, Vec::new(), 1);
    if !syntax.is_given
        && let Some(found) = sniff::delimiter(csv.input.fill()?, syntax.quote)
    {
        csv.syntax.delimiter = found;
        csv.recognised = Some(Delimiter::of_byte(found));
    }
    if !csv.record()? {
        return Ok(csv);
    }
    if let Some(delimiter) = csv.declared_delimiter() {
        csv.recognised = None; // the file says it itself
        csv.syntax.delimiter = delimiter;
        if !csv.record()? {
            return Ok(csv);
        }
    }
    let columns = match syntax.header {
        true => csv.header(),
        false => Ok(csv.numbered()),
    };
    let first_line = (csv.cells == 1).then(|| csv.first_cell());
    csv.end_line()?;
    if let Some(first_line) = first_line {
        csv.check_delimiter(&first_line)?;
    }
    csv.pending = !syntax.header;
    csv.columns = columns.map_err(|error| match first_line::names_of_data(&csv) {
        Some(cells) => {
            Place::line(&csv.input.name, csv.start).error(ReadErrorKind::FirstLineIsData(cells))
        }
        None => error,
    })?;
    Ok(csv)
}

impl Csv {
    /// Continues in the middle of a table, at the start of a record on `line`.
    pub fn resume(input: Input, syntax: Syntax, columns: Vec<Column>, line: u64) -> Csv {
        Csv {
            input,
            syntax,
            columns,
            text: vec![0; 1 << 12],
            ends: vec![0; 64],
            cells: 0,
            line,
            start: line,
            returned: false,
            returns: false,
            pending: false,
            recognised: None,
        }
    }

    /// Numbered columns, as many as the last record has cells.
    fn numbered(&self) -> Vec<Column> {
        (1..=self.cells)
            .map(|number| Column::new(number.to_string()))
            .collect()
    }

    fn first_cell(&self) -> Vec<u8> {
        self.text[..self.ends[0]].to_vec()
    }

    /// The bytes after the last record, the columns, and the line on which those bytes start.
    pub fn into_rest(self) -> (Input, Vec<Column>, u64) {
        (self.input, self.columns, self.line)
    }

    /// Whether lines end in line feeds and quotes are as in RFC 4180.
    pub fn is_plain(&self) -> bool {
        self.syntax.is_plain() && !self.returns
    }

    pub fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// The line after the last record.
    pub fn line(&self) -> u64 {
        self.line
    }

    fn here(&self) -> Place {
        Place::line(&self.input.name, self.start)
    }

    fn header(&self) -> Result<Vec<Column>, ReadError> {
        let mut row = Row::new();
        self.cells_into(&mut row, &[])?;
        let mut seen = HashMap::new();
        (0..row.len())
            .map(|index| {
                let name = row.text(index);
                let at = |kind| self.here().column(index, None).error(kind);
                if name.trim().is_empty() {
                    return Err(at(ReadErrorKind::HeaderEmpty));
                }
                if let Some(first) = seen.insert(name.to_owned(), index) {
                    return Err(at(ReadErrorKind::HeaderDuplicate { first: first + 1 }));
                }
                Ok(Column::new(name))
            })
            .collect()
    }

    /// The delimiter declared by Excel's first line `sep=;`.
    fn declared_delimiter(&self) -> Option<u8> {
        let text = &self.text[..*self.ends[..self.cells].last()?];
        let (word, delimiter) = text.split_at_checked(4)?;
        if self.start != 1 || !word.eq_ignore_ascii_case(b"sep=") {
            return None;
        }
        match (self.cells, delimiter) {
            (1, &[delimiter]) if delimiter.is_ascii() && delimiter != b'"' => Some(delimiter),
            // The delimiter is the expected one.
            (2, []) => Some(self.syntax.delimiter),
            _ => None,
        }
    }

    /// Skips the second half of a line end.
    fn end_line(&mut self) -> Result<(), ReadError> {
        if std::mem::take(&mut self.returned) {
            match self.input.fill()?.first() {
                Some(b'\n') => self.input.consume(1),
                _ => self.returns = true,
            }
        }
        Ok(())
    }

    /// Refuses a first line of one cell that contains other delimiters, if the next line does as
    /// well.
    fn check_delimiter(&mut self, first_line: &[u8]) -> Result<(), ReadError> {
        let line = self.input.fill()?.split(|byte| b"\r\n".contains(byte));
        let line = line.into_iter().find(|line| !line.is_empty());
        let count = |text: &[u8], byte: u8| memchr_iter(byte, text).count();
        let found = DELIMITERS.into_iter().find(|&byte| {
            let in_header = count(first_line, byte);
            byte != self.syntax.delimiter
                && in_header > 0
                && line.is_none_or(|line| count(line, byte) >= in_header)
        });
        match found {
            None => Ok(()),
            Some(found) => Err(self.here().error(ReadErrorKind::OtherDelimiter {
                found,
                expected: self.syntax.delimiter,
            })),
        }
    }

    /// Reads the next record into `text` and `ends`; false at the end.
    fn record(&mut self) -> Result<bool, ReadError> {
        if !self.skip_blank_lines()? {
            return Ok(false);
        }
        self.start = self.line;
        if self.syntax.is_plain() && self.record_at_once()? {
            return Ok(true);
        }
        self.record_by_bytes()?;
        Ok(true)
    }

    fn record_by_bytes(&mut self) -> Result<(), ReadError> {
        self.text.clear();
        self.ends.clear();
        let mut automaton = Automaton::new(self.syntax, self.start, self.returns);
        loop {
            let buffer = self.input.fill()?;
            if buffer.is_empty() {
                break; // as a line end would
            }
            let read = automaton.follow(buffer, &mut self.text, &mut self.ends);
            self.input.consume(read);
            if self.text.len() > MAX_RECORD {
                let (limit, hint) = (MAX_RECORD, TOO_LONG);
                let kind = ReadErrorKind::RecordTooLong { limit, hint };
                return Err(self.here().error(kind));
            }
            if self.ends.len() > MAX_COLUMNS {
                let kind = ReadErrorKind::TooManyColumns { limit: MAX_COLUMNS };
                return Err(self.here().error(kind));
            }
            if automaton.ended {
                break;
            }
        }
        automaton.finish(&mut self.text);
        self.ends.push(self.text.len());
        self.cells = self.ends.len();
        self.ends.resize(self.cells.max(64), 0);
        self.line = automaton.line;
        self.returned = automaton.returned;
        if automaton.is_open() {
            let opened = (automaton.cell, automaton.opened);
            return Err(self.at_quote(opened, ReadErrorKind::UnclosedQuote));
        }
        match automaton.text_after {
            Some(opened) => Err(self.at_quote(opened, ReadErrorKind::TextAfterQuote)),
            None => Ok(()),
        }
    }

    /// Reads a record that is complete in the buffer, as nearly all are, cell by cell instead of
    /// byte by byte; returns false without effect for any other.
    fn record_at_once(&mut self) -> Result<bool, ReadError> {
        let buffer = self.input.fill()?;
        if self.text.len() < buffer.len() {
            self.text.resize(buffer.len(), 0);
        }
        let mut cells = Cells {
            delimiter: self.syntax.delimiter,
            text: &mut self.text,
            len: 0,
            ends: &mut self.ends,
            count: 0,
        };
        let Some(read) = cells.read(buffer) else {
            return Ok(false);
        };
        self.cells = cells.count;
        let (inside, end) = buffer[..read].split_at(read - 1);
        self.line += 1 + match self.returns {
            true => lines(inside),
            false => memchr_iter(b'\n', inside).count() as u64,
        };
        self.returned = end == b"\r";
        self.input.consume(read);
        Ok(true)
    }

    /// Only this reader knows on which line a record starts.
    fn skip_blank_lines(&mut self) -> Result<bool, ReadError> {
        loop {
            let buffer = self.input.fill()?;
            let Some(&byte) = buffer.first() else {
                return Ok(false);
            };
            match byte {
                b'\n' if self.returned => self.returned = false,
                b'\n' => self.line += 1,
                b'\r' => {
                    self.line += 1;
                    self.returned = true;
                }
                _ => {
                    self.returned = false;
                    return Ok(true);
                }
            }
            self.input.consume(1);
        }
    }

    /// An error in a quoted cell, at its opening quote.
    fn at_quote(&self, (cell, line): (usize, u64), kind: ReadErrorKind) -> ReadError {
        let name = self.columns.get(cell).map(|c| c.name.as_str());
        Place::line(&self.input.name, line)
            .column(cell, name)
            .error(kind)
    }

    /// Whether a row is a repeated header line, as in files concatenated with `cat`, where a
    /// byte-order mark may precede it. Differences in white space and case are ignored.
    fn repeats_header(&self, row: &Row) -> bool {
        let same = |text: &str, column: &Column| {
            let (text, name) = (text.trim_ascii(), column.name.trim_ascii());
            text.eq_ignore_ascii_case(name)
        };
        let mut cells = row.cells().map(|(_, text)| text).zip(&self.columns);
        let first = cells.next().is_some_and(|(text, column)| {
            // After a mark a quote does not open a cell.
            let unquoted = |text: &str| {
                let inner = text.strip_prefix('"')?.strip_suffix('"')?;
                Some(inner.replace("\"\"", "\""))
            };
            let behind_mark = text.strip_prefix('\u{feff}');
            same(text, column)
                || behind_mark.is_some_and(|text| {
                    same(text, column) || unquoted(text).is_some_and(|text| same(&text, column))
                })
        });
        first && cells.all(|(text, column)| same(text, column))
    }

    /// Converts the last record to cells of `row`, with one check of its encoding.
    fn cells_into(&self, row: &mut Row, columns: &[Column]) -> Result<(), ReadError> {
        let ends = &self.ends[..self.cells];
        let text = &self.text[..ends.last().copied().unwrap_or_default()];
        row.clear();
        row.set_line(self.start);
        match std::str::from_utf8(text) {
            // A character split by a delimiter is whole again in `text`, so the ends are checked
            // too.
            Ok(text) if ends.iter().all(|&end| text.is_char_boundary(end)) => {
                row.push_texts(text, ends);
                Ok(())
            }
            _ => Err(self.not_utf8(text, ends, columns)),
        }
    }

    fn not_utf8(&self, text: &[u8], ends: &[usize], columns: &[Column]) -> ReadError {
        let mut start = 0;
        for (index, &end) in ends.iter().enumerate() {
            let cell = &text[start..end];
            if let Err(error) = std::str::from_utf8(cell) {
                let byte = error.valid_up_to();
                let name = columns.get(index).map(|column| column.name.as_str());
                let value = cell[byte];
                let kind = self.input.not_utf8(byte + 1, value);
                return self.here().column(index, name).error(kind);
            }
            start = end;
        }
        self.here().error(ReadErrorKind::Utf8 { byte: 1, value: 0 }) // not reached: some cell is bad
    }

    fn check_width(&self) -> Result<(), ReadError> {
        let (found, expected) = (self.cells, self.columns.len());
        let name = |index: usize| self.columns.get(index).map(|c| c.name.as_str());
        match found.cmp(&expected) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Less => Err(self
                .here()
                .column(found, name(found))
                .error(ReadErrorKind::RowTooShort { found, expected })),
            std::cmp::Ordering::Greater => Err(self
                .here()
                .column(expected, None)
                .error(ReadErrorKind::RowTooLong { found, expected })),
        }
    }
}

impl Source for Csv {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        if !std::mem::take(&mut self.pending) && !self.record()? {
            return Ok(false);
        }
        self.check_width()?;
        self.cells_into(row, &self.columns)?;
        match self.syntax.header && self.repeats_header(row) {
            true => Err(self.here().error(ReadErrorKind::HeaderAgain)),
            false => Ok(true),
        }
    }

    fn file(&self) -> &str {
        &self.input.name
    }

    fn recognised(&self) -> Recognised {
        Recognised {
            encoding: self.input.recognised(),
            delimiter: self.recognised,
        }
    }

    fn first_line_is_data(&self) -> bool {
        first_line::names_of_data(self).is_some()
    }
}

/// Number of line ends in a text: a line feed, a carriage return, or both.
fn lines(text: &[u8]) -> u64 {
    let returns = memchr_iter(b'\r', text).filter(|&at| text.get(at + 1) != Some(&b'\n'));
    (memchr_iter(b'\n', text).count() + returns.count()) as u64
}

#[cfg(test)]
mod tests;
