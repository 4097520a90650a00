//! Values in memory as a table.

use std::vec::IntoIter;

use super::{Column, Kind, ReadError, Row, Source};

/// One row per value, numbered from 1. `file` is the table's name in messages.
///
/// # Examples
/// ```
/// use easylife_tables::{Row, from_values};
///
/// let mut source = from_values("the command line", "text", vec!["good".to_owned()]);
/// let mut row = Row::new();
/// assert!(source.read(&mut row)?);
/// assert_eq!((row.text(0), row.line()), ("good", 1));
/// assert!(!source.read(&mut row)?);
/// # Ok::<(), easylife_tables::ReadError>(())
/// ```
pub fn from_values(file: &str, column: &str, values: Vec<String>) -> Box<dyn Source> {
    from_columns(file, vec![(column, values)])
}

/// A table of texts in memory, column by column; its rows are numbered from 1 and end with the shortest
/// column. `file` is the table's name in messages.
pub fn from_columns(file: &str, columns: Vec<(&str, Vec<String>)>) -> Box<dyn Source> {
    let (names, cells): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    Box::new(Values {
        file: file.to_owned(),
        columns: names.into_iter().map(Column::new).collect(),
        rest: cells.into_iter().map(Vec::into_iter).collect(),
        line: 0,
    })
}

/// A table with these columns and no rows, for an empty input.
///
/// # Examples
/// ```
/// use easylife_tables::{Row, Source, without_rows};
///
/// let mut source = without_rows("empty.csv", &["text", "label"]);
/// assert_eq!(source.column("label")?, 1);
/// assert!(!source.read(&mut Row::new())?);
/// # Ok::<(), easylife_tables::ReadError>(())
/// ```
pub fn without_rows(file: &str, columns: &[&str]) -> Box<dyn Source> {
    Box::new(Values {
        file: file.to_owned(),
        columns: columns.iter().map(|&name| Column::new(name)).collect(),
        rest: Vec::new(),
        line: 0,
    })
}

struct Values {
    file: String,
    columns: Vec<Column>,
    /// What is left of each column.
    rest: Vec<IntoIter<String>>,
    line: u64,
}

impl Source for Values {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        row.clear();
        for column in &mut self.rest {
            let Some(value) = column.next() else {
                return Ok(false);
            };
            row.push(Kind::Text, &value);
        }
        self.line += 1;
        row.set_line(self.line);
        Ok(!self.rest.is_empty())
    }

    fn file(&self) -> &str {
        &self.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_a_row() {
        let values = vec!["a.jpg".to_owned(), "b.jpg".to_owned()];
        let mut source = from_values("photos", "path", values);
        assert_eq!(source.column("path").unwrap(), 0);
        let message = source.column("file").unwrap_err().to_string();
        assert!(
            message.starts_with("photos: there is no column `file`"),
            "{message}"
        );
        let mut row = Row::new();
        for (line, value) in [(1, "a.jpg"), (2, "b.jpg")] {
            assert!(source.read(&mut row).unwrap());
            assert_eq!((row.line(), row.len(), row.text(0)), (line, 1, value));
        }
        assert!(!source.read(&mut row).unwrap());
    }
}
