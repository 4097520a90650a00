//! Records in memory: the text of their cells as found, so that nothing is lost between formats.
//! Parsing numbers or dates is up to the callers.

use std::fmt::{Debug, Write};

use serde::Serialize;

use super::clock::DateFormat;

/// The kind of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No value; the text is empty.
    Null,
    /// Text that is or could be quoted.
    Text,
    /// A number as spelled in its source (`1e3`, `NaN`).
    Number,
    /// `true` or `false`.
    Bool,
    /// A nested value as raw JSON.
    Json,
}

/// A column: its name, and its type if the source has one (Parquet).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// The name in the header, the first object or the Parquet schema.
    pub name: String,
    /// `None` for CSV and JSON lines, whose cells do not determine a column's type.
    pub data_type: Option<DataType>,
    /// Its type in the source, if values are converted: a decimal or a list becomes text in a cell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign: Option<String>,
}

impl Column {
    /// A column without a known type.
    pub fn new(name: impl Into<String>) -> Column {
        Column {
            name: name.into(),
            data_type: None,
            foreign: None,
        }
    }

    /// A column with a type.
    pub fn typed(name: impl Into<String>, data_type: DataType) -> Column {
        Column {
            name: name.into(),
            data_type: Some(data_type),
            foreign: None,
        }
    }

    /// The format of its times: that which was said, unless its type says that they are dates (Parquet).
    pub fn date_format<'f>(&self, said: Option<&'f DateFormat>) -> Option<&'f DateFormat> {
        let is_dated = matches!(
            self.data_type,
            Some(DataType::Date | DataType::Datetime { .. })
        );
        said.filter(|format| !is_dated || format.pattern().is_none())
    }
}

/// The type of a column, as in Parquet files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum DataType {
    /// UTF-8 text.
    Text,
    /// `true` or `false`.
    Bool,
    /// Signed 8-bit integer.
    Int8,
    /// Signed 16-bit integer.
    Int16,
    /// Signed 32-bit integer.
    Int32,
    /// Signed 64-bit integer.
    Integer,
    /// Unsigned 8-bit integer.
    UInt8,
    /// Unsigned 16-bit integer.
    UInt16,
    /// Unsigned 32-bit integer.
    UInt32,
    /// Unsigned 64-bit integer.
    UInt64,
    /// 32-bit floating point.
    Float32,
    /// 64-bit floating point.
    Float,
    /// `2024-02-29`
    Date,
    /// `2024-02-29T12:00:00.5`, with a trailing `Z` if it is an instant in UTC.
    Datetime {
        /// Resolution.
        unit: TimeUnit,
        /// Whether it is an instant instead of a wall clock time.
        utc: bool,
    },
}

/// Resolution of a [`DataType::Datetime`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum TimeUnit {
    /// Thousandths of a second.
    Milliseconds,
    /// Millionths of a second.
    Microseconds,
    /// Billionths of a second.
    Nanoseconds,
}

/// One record: a text buffer with the end and kind of each cell. Reused between reads, so that a
/// row needs no allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    text: String,
    ends: Vec<usize>,
    kinds: Vec<Kind>,
    line: u64,
}

impl Row {
    pub(super) const EMPTY: Row = Row {
        text: String::new(),
        ends: Vec::new(),
        kinds: Vec::new(),
        line: 0,
    };

    /// A row without cells.
    pub fn new() -> Row {
        Row::default()
    }

    /// Removes all cells and the line, keeping the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.kinds.clear();
        self.line = 0;
    }

    /// Appends a cell.
    pub fn push(&mut self, kind: Kind, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
        self.kinds.push(kind);
    }

    /// Appends a number as [`Debug`] formats it: a float in the shortest form that reads back the
    /// same.
    ///
    /// # Examples
    /// ```
    /// use easylife_tables::Row;
    ///
    /// let mut row = Row::new();
    /// row.push_number(0.1 + 0.2);
    /// row.push_number(3_u64);
    /// row.push_number(-0.0);
    /// let texts: Vec<&str> = row.cells().map(|(_, text)| text).collect();
    /// assert_eq!(texts, ["0.30000000000000004", "3", "0.0"]);
    /// ```
    pub fn push_number(&mut self, value: impl Debug) {
        let start = self.text.len();
        let _ = write!(self.text, "{value:?}"); // a String takes everything
        if &self.text[start..] == "-0.0" {
            self.text.remove(start);
        }
        self.ends.push(self.text.len());
        self.kinds.push(Kind::Number);
    }

    /// Appends a cell that `spell` writes to the end of the text it is given.
    ///
    /// # Errors
    /// Those of `spell`; the row then has no more cells than before.
    pub(super) fn push_spelled<E>(
        &mut self,
        spell: impl FnOnce(&mut String) -> Result<Kind, E>,
    ) -> Result<(), E> {
        let start = self.text.len();
        let kind = spell(&mut self.text).inspect_err(|_| self.text.truncate(start))?;
        self.ends.push(self.text.len());
        self.kinds.push(kind);
        Ok(())
    }

    /// Appends text cells that are concatenated in `text`; `ends` are their ends.
    pub(super) fn push_texts(&mut self, text: &str, ends: &[usize]) {
        let start = self.text.len();
        self.text.push_str(text);
        self.ends.extend(ends.iter().map(|end| start + end));
        self.kinds.resize(self.ends.len(), Kind::Text);
    }

    /// A copy with another text in cell `i`.
    ///
    /// The changed cell is a text, whatever it was; the line stays.
    ///
    /// # Examples
    /// ```
    /// use easylife_tables::{Kind, Row};
    ///
    /// let mut row = Row::new();
    /// row.push(Kind::Text, "a");
    /// row.push(Kind::Number, "1");
    /// let other = row.with(1, "b");
    /// assert_eq!((other.text(0), other.text(1)), ("a", "b"));
    /// assert_eq!((row.text(1), other.kind(1)), ("1", Kind::Text));
    /// ```
    pub fn with(&self, i: usize, text: &str) -> Row {
        let mut row = Row::new();
        row.set_line(self.line);
        for (at, (kind, old)) in self.cells().enumerate() {
            match at == i {
                true => row.push(Kind::Text, text),
                false => row.push(kind, old),
            }
        }
        row
    }

    /// Keeps the first `len` cells.
    pub fn truncate(&mut self, len: usize) {
        if len < self.ends.len() {
            self.text.truncate(self.start(len));
            self.ends.truncate(len);
            self.kinds.truncate(len);
        }
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has no cells.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Text of cell `i`.
    ///
    /// # Panics
    /// If there is no such cell.
    #[inline]
    pub fn text(&self, i: usize) -> &str {
        &self.text[self.start(i)..self.ends[i]]
    }

    /// Kind of cell `i`.
    ///
    /// # Panics
    /// If there is no such cell.
    pub fn kind(&self, i: usize) -> Kind {
        self.kinds[i]
    }

    /// Whether cell `i` has no value: a null, or NaN, which Parquet files use for it.
    pub fn is_missing(&self, i: usize) -> bool {
        match self.kinds[i] {
            Kind::Null => true,
            Kind::Number => self.text(i) == "NaN",
            _ => false,
        }
    }

    /// The line on which the record starts in its file, from 1 (in CSV the header line counts as
    /// well); for Parquet the row, from 1.
    ///
    /// The first line of a record that covers several; see [`super::Unit`] for what it counts.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Sets [`Row::line`].
    pub fn set_line(&mut self, line: u64) {
        self.line = line;
    }

    /// All cells in order.
    pub fn cells(&self) -> impl Iterator<Item = (Kind, &str)> {
        let mut start = 0;
        self.kinds.iter().zip(&self.ends).map(move |(&kind, &end)| {
            let text = &self.text[start..end];
            start = end;
            (kind, text)
        })
    }

    /// Size of the text of all cells in bytes.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    #[inline]
    fn start(&self, i: usize) -> usize {
        if i == 0 { 0 } else { self.ends[i - 1] }
    }
}

/// Many records, without their lines, in a few shared buffers, so that no row needs an allocation.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    text: String,
    /// The end in `text` and the kind of each cell.
    ends: Vec<usize>,
    kinds: Vec<Kind>,
    /// The end of each row in `ends`.
    rows: Vec<usize>,
}

impl Rows {
    /// Appends a row.
    pub fn push(&mut self, row: &Row) {
        let start = self.text.len();
        self.text.push_str(&row.text);
        self.ends.extend(row.ends.iter().map(|end| start + end));
        self.kinds.extend_from_slice(&row.kinds);
        self.rows.push(self.ends.len());
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Text of a cell of a row.
    ///
    /// # Panics
    /// If there is no such cell.
    pub fn text(&self, row: usize, cell: usize) -> &str {
        self.cell(self.cells(row).start + cell)
    }

    /// Copies a row to `out`.
    pub fn get(&self, row: usize, out: &mut Row) {
        out.clear();
        self.cells(row)
            .for_each(|cell| out.push(self.kinds[cell], self.cell(cell)));
    }

    fn cells(&self, row: usize) -> std::ops::Range<usize> {
        let start = if row == 0 { 0 } else { self.rows[row - 1] };
        start..self.rows[row]
    }

    fn cell(&self, cell: usize) -> &str {
        let start = if cell == 0 { 0 } else { self.ends[cell - 1] };
        &self.text[start..self.ends[cell]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_a_typed_column_have_no_format() {
        let pattern: DateFormat = "%d/%m/%Y".parse().unwrap();
        let number: DateFormat = "yyyymm".parse().unwrap();
        let has = |column: Column, format| column.date_format(Some(format)) == Some(format);
        assert!(has(Column::new("ds"), &pattern));
        assert!(has(Column::typed("ds", DataType::Text), &pattern));
        assert!(has(Column::typed("ds", DataType::Integer), &number));
        assert!(!has(Column::typed("ds", DataType::Date), &pattern));
    }

    #[test]
    fn cells_come_back_in_order() {
        let mut row = Row::new();
        row.push(Kind::Text, "añ");
        row.push(Kind::Null, "");
        row.push_texts("xyz", &[1, 1, 3]);
        assert_eq!(row.len(), 5);
        assert_eq!((row.text(0), row.text(1), row.text(2)), ("añ", "", "x"));
        assert_eq!((row.text(3), row.text(4), row.bytes()), ("", "yz", 6));
        let kinds: Vec<Kind> = row.cells().map(|cell| cell.0).collect();
        assert_eq!(kinds[..2], [Kind::Text, Kind::Null]);
        let texts: Vec<&str> = row.cells().map(|cell| cell.1).collect();
        assert_eq!(texts, ["añ", "", "x", "", "yz"]);
    }

    #[test]
    fn a_cell_is_replaced() {
        let mut row = Row::new();
        row.push_texts("abc", &[1, 2, 3]);
        row.set_line(7);
        let other = row.with(1, "long");
        assert_eq!(
            (other.text(0), other.text(1), other.text(2)),
            ("a", "long", "c")
        );
        assert_eq!(other.line(), 7);
    }

    #[test]
    fn truncate_takes_cells_from_the_end() {
        let mut row = Row::new();
        row.push_texts("abc", &[1, 2, 3]);
        row.truncate(5);
        row.truncate(1);
        row.push(Kind::Number, "7");
        assert_eq!(
            row.cells().collect::<Vec<_>>(),
            [(Kind::Text, "a"), (Kind::Number, "7")]
        );
        row.clear();
        assert!(row.is_empty() && row.bytes() == 0 && row.line() == 0);
    }

    #[test]
    fn many_rows_give_back_each() {
        let mut rows = Rows::default();
        let mut row = Row::new();
        row.push_texts("abc", &[1, 1, 3]);
        rows.push(&row);
        let mut other = Row::new();
        other.push(Kind::Null, "");
        other.push(Kind::Number, "7");
        rows.push(&other);
        assert_eq!(
            (rows.len(), rows.text(0, 2), rows.text(1, 1)),
            (2, "bc", "7")
        );
        for (number, expected) in [row, other].iter().enumerate() {
            let mut found = Row::new();
            rows.get(number, &mut found);
            assert_eq!(&found, expected);
        }
    }
}
