//! Reads CSV and TSV with exact positions: lines, unclosed quotes, ragged rows, text after a
//! closing quote.
//!
//! A record that is complete in the buffer is read cell by cell; any other goes through an
//! automaton, byte by byte. Both have the same meaning: strict RFC 4180, or what [`super::Reading`]
//! specifies.

use std::collections::HashMap;

use memchr::{memchr, memchr_iter, memchr3};

use super::input::Input;
use super::reading::{Escape, Syntax};
use super::{
    Column, Delimiter, MAX_RECORD, Place, ReadError, ReadErrorKind, Recognised, Row, Source,
};

mod first_line;
mod sniff;

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
    /// The delimiter that was recognised.
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

/// Reads a record byte by byte, tracking its quotes. Text after a closing quote is refused:
/// otherwise a stray quote would silently swallow all rows up to the next one.
struct Automaton {
    syntax: Syntax,
    /// Whether a lone carriage return ends a line inside a quoted text.
    returns: bool,
    state: State,
    /// Number of completed cells.
    cell: usize,
    line: u64,
    /// Line of the quote that opened the cell.
    opened: u64,
    /// Index and opening line of the first cell with text after its closing quote.
    text_after: Option<(usize, u64)>,
    /// Whether the record has ended, and whether it did so with a carriage return.
    ended: bool,
    returned: bool,
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
    fn new(syntax: Syntax, line: u64, returns: bool) -> Self {
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
    fn follow(&mut self, bytes: &[u8], text: &mut Vec<u8>, ends: &mut Vec<usize>) -> usize {
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
    fn finish(&mut self, text: &mut Vec<u8>) {
        if self.state == State::Escaped {
            text.push(b'\\');
        }
    }

    /// Whether the record ends inside a quoted text.
    fn is_open(&self) -> bool {
        matches!(
            self.state,
            State::Quoted | State::QuotedReturn | State::Escaped
        ) && !self.ended
    }
}

/// The cells of a record while it is read at once.
struct Cells<'a> {
    delimiter: u8,
    /// Buffer for the text.
    text: &'a mut [u8],
    len: usize,
    ends: &'a mut [usize],
    count: usize,
}

impl Cells<'_> {
    /// Reads the record at the start of `buffer` and returns its length; `None` if it does not end
    /// there, has quotes other than around a cell, or has more cells than there is room for.
    fn read(&mut self, buffer: &[u8]) -> Option<usize> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Compression, Format, open_as};
    use super::*;

    fn all(text: &[u8]) -> Result<Vec<(u64, Vec<String>)>, String> {
        let input = Box::new(std::io::Cursor::new(text.to_vec()));
        let mut source =
            open_as(input, "f.csv", Format::Csv, Compression::None).map_err(|e| e.to_string())?;
        let (mut rows, mut row) = (Vec::new(), Row::new());
        while source.read(&mut row).map_err(|e| e.to_string())? {
            rows.push((
                row.line(),
                row.cells().map(|(_, text)| text.to_owned()).collect(),
            ));
        }
        Ok(rows)
    }

    fn error(text: &str) -> String {
        all(text.as_bytes()).expect_err("must be refused")
    }

    #[test]
    fn without_a_header_columns_are_numbered_and_no_row_is_lost() {
        let reading = super::super::Reading {
            header: false,
            ..super::super::Reading::default()
        };
        let rows = read_as("1,2\n1,2\n3,4", reading).unwrap();
        assert_eq!(rows, [["1", "2"], ["1", "2"], ["3", "4"]]);
        let rows = read_as("sep=;\na;a\n", reading).unwrap();
        assert_eq!(rows, [["a", "a"]]);
        assert!(read_as("", reading).unwrap().is_empty());
        let rows = read_as("a;b\nc;d\n", reading).unwrap();
        assert_eq!(rows, [["a", "b"], ["c", "d"]]);
    }

    #[test]
    fn lines_are_counted_over_quotes_and_blank_lines() {
        let rows = all(b"a,b\r\n1,\"x\ny\"\r\n\r\n\n2,z\n").unwrap();
        assert_eq!(rows[0], (2, vec!["1".to_owned(), "x\ny".to_owned()]));
        assert_eq!(rows[1], (6, vec!["2".to_owned(), "z".to_owned()]));
    }

    #[test]
    fn an_unclosed_quote_is_placed_where_it_was_opened() {
        let expected = "f.csv:3: column 2 (b): a quote opened here is never closed";
        assert!(error("a,b\n1,x\n2,\"y\n3,z\n").starts_with(expected));
        // The row starts on line 2, its second cell on line 3.
        let message = error("a,b\n\"1\n2\",\"y\n3,z");
        assert!(message.starts_with("f.csv:3: column 2 (b)"), "{message}");
        assert!(error("a,\"b").starts_with("f.csv:1: column 2: a quote"));
        // A quote inside a bare cell is an ordinary character.
        assert_eq!(all(b"a,b\n1,5\" disk\n").unwrap()[0].1[1], "5\" disk");
    }

    /// Two stray quotes used to silently swallow the rows between them: 20 of 40 rows were left.
    #[test]
    fn text_behind_a_closing_quote_is_refused_where_the_quote_was_opened() {
        let message = error("a,b\n1,x\n2,\"y\n3,z\n4,\"w\n5,v\n");
        let expected = "f.csv:3: column 2 (b): text follows the quote that closes this cell";
        assert!(message.starts_with(expected), "{message}");
        assert!(error("a,b\n\"1\" ,x\n").starts_with("f.csv:2: column 1 (a): text follows"));
        assert!(error("a,\"b\"c\n").starts_with("f.csv:1: column 2: text follows"));
        // Over lines within a row, and far from its start.
        let long = format!("a,b\n\"1\n2\",\"{}\n\"x\n", "y".repeat(1 << 17));
        assert!(error(&long).starts_with("f.csv:3: column 2 (b): text follows"));
        assert_eq!(all(b"a,b\n\"1\"\"2\",\"\"\r\n").unwrap()[0].1, ["1\"2", ""]);
    }

    #[test]
    fn ragged_rows_name_the_first_missing_or_extra_column() {
        assert!(error("a,b\n1\n").starts_with("f.csv:2: column 2 (b): the row ends before"));
        assert!(error("a,b\n1,2,3\n").starts_with("f.csv:2: column 3: the row has 3 columns"));
    }

    #[test]
    fn bad_headers_and_encodings_are_placed() {
        assert_eq!(all(b"").unwrap(), []);
        assert!(
            error("a,a\n")
                .starts_with("f.csv:1: column 2: the header name is also that of column 1")
        );
        assert!(error("a,\n").starts_with("f.csv:1: column 2: the header name is empty"));
        let message = all(b"a,b\n1,x\xffy\n").unwrap_err();
        assert!(
            message.starts_with("f.csv:2: column 2 (b): invalid UTF-8: byte 2"),
            "{message}"
        );
        // Two halves of a character in two cells are not a character.
        assert!(
            all(b"a,b\n\xc3,\xa9\n")
                .unwrap_err()
                .contains("column 1 (a): invalid UTF-8")
        );
        for text in [
            &b"\xff\xfea\0,\0b\0\n\x001\0,\x002\0"[..],
            b"a\0,\0b\0\n\x001\0,\x002\0\n\0",
            b"\0a\0,\0b\0\n\x001\0,\x002\0\n",
        ] {
            let row = ["1", "2"].map(str::to_owned).to_vec();
            assert_eq!(all(text).unwrap(), [(2, row)], "{text:?}");
        }
        // Cyrillic, of which only delimiters and line ends have zeros.
        let cyrillic = b"\x42\x04\x35\x04,\0\x3c\x04\r\0\n\0\x30\x04,\0\x31\x04\n\0";
        assert_eq!(all(cyrillic).unwrap()[0].1, ["\u{430}", "\u{431}"]);
        let message = all(b"\xff\xfe\0\0a\0\0\0").unwrap_err();
        assert!(message.contains("is UTF-32LE text"), "{message}");
        // Half of a character, on its line.
        let message = all(b"\xff\xfea\0\n\0x\0\0\xd8y\0\n\0").unwrap_err();
        assert!(
            message.starts_with("f.csv:2: column 1 (a): bytes that are invalid"),
            "{message}"
        );
        assert_eq!(all(b"a,b\nx\0y\0,1\n").unwrap().len(), 1);
        assert_eq!(all(b"\xef\xbb\xbfa\n1\n").unwrap().len(), 1);
    }

    #[test]
    fn a_repeated_header_line_is_refused_with_its_line() {
        for again in ["a,b", "\"a\",\"b\"", "\u{feff}a,b", "\u{feff}\"a\",\"b\""] {
            let message = error(&format!("a,b\n1,2\n{again}\n3,4\n"));
            assert_eq!(message, "f.csv:3: the header line is repeated; remove it");
        }
        assert_eq!(all(b"a,b\na,c\nb,a\n").unwrap().len(), 2);
    }

    #[test]
    fn line_ends_are_counted_however_they_are_written() {
        // Line ends of old Macs, also in quoted texts.
        let rows = all(b"a,b\r1,\"x\ry\"\r\r2,z\r").unwrap();
        let lines: Vec<u64> = rows.iter().map(|row| row.0).collect();
        assert_eq!(lines, [2, 5]);
        assert!(error("a,b\r1,2\r3\r").starts_with("f.csv:3: column 2 (b)"));
        // Mixed line ends; a carriage return inside a quoted text does not end a line here.
        let rows = all(b"a,b\n1,\"x\ry\"\r2,z\r\n3,z\r\n\r\n4,z").unwrap();
        let lines: Vec<u64> = rows.iter().map(|row| row.0).collect();
        assert_eq!(lines, [2, 3, 4, 6]);
    }

    #[test]
    fn other_delimiters_are_named_with_the_next_step() {
        let comma = super::super::Reading {
            delimiter: ",".parse().ok(),
            ..super::super::Reading::default()
        };
        let error = |text: &str| read_as(text, comma).expect_err("must be refused");
        let message = error("a;b\n1;2\n");
        assert!(
            message.starts_with("f.csv:1: columns are separated by `;`, expected a comma; set"),
            "{message}"
        );
        assert!(error("a\tb\n").ends_with("name the file .tsv"));
        assert!(error("a|b\n1|2").contains("`|`"));
        // Where nothing was said, what is clear is taken, and what is in doubt refused.
        assert_eq!(all(b"a;b\n1;2\n").unwrap()[0].1, ["1", "2"]);
        let message = all(b"a;b|c\n1;2|3\n").unwrap_err();
        assert!(message.contains("separated by `;`"), "{message}");
        // A name may contain such a character.
        assert_eq!(all(b"a|b\n1\n").unwrap().len(), 1);
        assert_eq!(all(b"a;b,c\n1,2\n").unwrap().len(), 1);
        // Excel's first line declares it.
        let rows = all(b"sep=;\r\na;b\r\n1,5;2\r\n").unwrap();
        assert_eq!(rows, [(3, vec!["1,5".to_owned(), "2".to_owned()])]);
        assert_eq!(all(b"SEP=,\na,b\n1,2\n").unwrap()[0].0, 3);
    }

    fn read_as(text: &str, reading: super::super::Reading) -> Result<Vec<Vec<String>>, String> {
        let input = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
        let compression = Compression::None;
        let mut source =
            super::super::open_as_with(input, "f.csv", Format::Csv, compression, reading)
                .map_err(|e| e.to_string())?;
        let (mut rows, mut row) = (Vec::new(), Row::new());
        while source.read(&mut row).map_err(|e| e.to_string())? {
            rows.push(row.cells().map(|(_, text)| text.to_owned()).collect());
        }
        Ok(rows)
    }

    #[test]
    fn other_quotes_and_escapes_are_read_as_asked_for() {
        let reading = |delimiter: &str, quote: &str, escape: &str| super::super::Reading {
            delimiter: delimiter.parse().ok(),
            quote: quote.parse().unwrap(),
            escape: escape.parse().unwrap(),
            ..super::super::Reading::default()
        };
        let backslash = reading(",", "\"", "backslash");
        let rows = read_as("a,b\n\"5\\\" disk, C:\\new\\\\\",\"x\ny\"\n", backslash).unwrap();
        assert_eq!(rows, [["5\" disk, C:\\new\\", "x\ny"]]);
        let doubled = read_as("a,b\n\"5\"\" disk\",x\n", backslash).unwrap_err();
        assert!(doubled.contains("text follows the quote"), "{doubled}");
        let none = reading(",", "none", "doubled");
        assert_eq!(read_as("a,b\n\"x,5\"\n", none).unwrap(), [["\"x", "5\""]]);
        let single = reading(";", "'", "doubled");
        let rows = read_as("a;b\n'it''s; \"fine\"';2\n", single).unwrap();
        assert_eq!(rows, [["it's; \"fine\"", "2"]]);
    }

    #[test]
    fn a_record_without_end_is_refused_in_bounded_memory() {
        let endless = format!("a,b\n1,\"{}", "x".repeat(MAX_RECORD + 10));
        assert!(error(&endless).starts_with("f.csv:2: a record longer than 16 MiB"));
    }

    proptest! {
        /// Text written by another program with other characters comes back.
        #[test]
        fn every_text_comes_back_from_other_quotes_and_escapes(
            cells in prop::collection::vec("[a'\";|,\\\\\n\r]{0,6}", 2..9),
            delimiter in prop::sample::select(vec![';', '|', ',']),
            quote in prop::sample::select(vec!['\'', '"']),
            backslash in any::<bool>(),
        ) {
            let quoted = |cell: &String| {
                let text = match backslash {
                    true => cell.replace('\\', "\\\\").replace(quote, &format!("\\{quote}")),
                    false => cell.replace(quote, &format!("{quote}{quote}")),
                };
                format!("{quote}{text}{quote}")
            };
            let line = |cells: &[String]| {
                cells.iter().map(quoted).collect::<Vec<_>>().join(&delimiter.to_string()) + "\n"
            };
            let names: Vec<String> = (0..cells.len()).map(|i| format!("n{i}")).collect();
            let reading = super::super::Reading {
                delimiter: delimiter.to_string().parse().ok(),
                quote: quote.to_string().parse().unwrap(),
                escape: match backslash {
                    true => Escape::Backslash,
                    false => Escape::Doubled,
                },
                ..super::super::Reading::default()
            };
            let rows = read_as(&(line(&names) + &line(&cells)), reading).unwrap();
            prop_assert_eq!(rows, vec![cells]);
        }

        #[test]
        fn reads_what_the_csv_crate_reads(soup in "[ab\",\n\r]{0,40}") {
            let text = format!("h1,h2\n{soup}");
            // Nothing is between a cell's closing quote and its end.
            let strict = regex::Regex::new(
                r#"^((("([^"]|"")*")|([^",\n\r][^,\n\r]*))?[,\n\r])*(("([^"]|"")*")|([^",\n\r][^,\n\r]*))?$"#,
            ).unwrap();
            let mut reader = ::csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
            let expected: Vec<Vec<String>> = reader
                .records()
                .map(|record| record.unwrap().iter().map(str::to_owned).collect())
                .collect();
            match all(text.as_bytes()) {
                Ok(rows) => {
                    prop_assert!(strict.is_match(&soup));
                    let rows: Vec<Vec<String>> = rows.into_iter().map(|(_, row)| row).collect();
                    prop_assert_eq!(rows, expected);
                }
                Err(message) if message.contains("text follows") => {
                    prop_assert!(!strict.is_match(&soup), "{message}");
                }
                Err(message) if message.contains("never closed") => {
                    // One more quote then closes it: the csv crate sees the same number of rows.
                    let mut reader = ::csv::ReaderBuilder::new().flexible(true).has_headers(false)
                        .from_reader(std::io::Cursor::new(format!("{text}\"\nz\n")));
                    prop_assert_eq!(reader.records().count(), expected.len() + 2);
                }
                Err(_) => prop_assert!(expected.iter().any(|row| row.len() != 2)),
            }
        }
    }
}
