//! A source whose next rows can be inspected before they are read.

use std::collections::VecDeque;

use super::{Column, Decimal, ReadError, Recognised, Row, Source, Unit};

/// A source with some rows held for inspection.
pub struct Peeked {
    inner: Box<dyn Source>,
    held: VecDeque<Held>,
    /// Files of the held rows, and what their line numbers count.
    files: Vec<(String, Unit)>,
    /// The file of the last row, if it was held.
    file: Option<usize>,
    ended: bool,
}

/// A row or its error, and the number of its file.
struct Held {
    read: Result<Row, ReadError>,
    file: usize,
}

impl Peeked {
    /// Wraps a source; no row is held yet.
    pub fn new(inner: Box<dyn Source>) -> Self {
        Self {
            inner,
            held: VecDeque::new(),
            files: Vec::new(),
            file: None,
            ended: false,
        }
    }

    /// The row `ahead` rows after the next one; a row that cannot be read has no cells. `None`
    /// after the end.
    ///
    /// Rows in between are read and held in memory until [`Source::read`] returns them, so that nothing is
    /// lost; an error is returned by `read` when its turn comes.
    ///
    /// # Examples
    /// ```
    /// use easylife_tables::{Peeked, Row, Source, from_values};
    ///
    /// let values = ["a", "b"].map(str::to_owned).to_vec();
    /// let mut source = Peeked::new(from_values("memory", "text", values));
    /// assert_eq!(source.peek(1).unwrap().text(0), "b");
    /// assert!(source.peek(2).is_none());
    /// let mut row = Row::new();
    /// assert!(source.read(&mut row)?);
    /// assert_eq!(row.text(0), "a");
    /// # Ok::<(), easylife_tables::ReadError>(())
    /// ```
    pub fn peek(&mut self, ahead: usize) -> Option<&Row> {
        const BAD: &Row = &Row::EMPTY;
        while self.held.len() <= ahead && !self.ended {
            let mut row = Row::new();
            let read = match self.inner.read(&mut row) {
                Ok(true) => Ok(row),
                Ok(false) => {
                    self.ended = true;
                    break;
                }
                Err(error) => {
                    self.ended = !error.is_record();
                    Err(error)
                }
            };
            if self
                .files
                .last()
                .is_none_or(|(file, _)| file != self.inner.file())
            {
                self.files
                    .push((self.inner.file().to_owned(), self.inner.unit()));
            }
            let file = self.files.len() - 1;
            self.held.push_back(Held { read, file });
        }
        let held = self.held.get(ahead)?;
        Some(held.read.as_ref().unwrap_or(BAD))
    }

    /// The held rows, which can be inspected again.
    pub fn held(&self) -> impl Iterator<Item = &Row> {
        self.held.iter().filter_map(|held| held.read.as_ref().ok())
    }
}

impl Source for Peeked {
    fn columns(&self) -> &[Column] {
        self.inner.columns()
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        let Some(held) = self.held.pop_front() else {
            if self.ended {
                return Ok(false);
            }
            self.file = None;
            return self.inner.read(row);
        };
        self.file = Some(held.file);
        *row = held.read?;
        Ok(true)
    }

    fn file(&self) -> &str {
        match self.file {
            Some(file) => &self.files[file].0,
            None => self.inner.file(),
        }
    }

    fn unit(&self) -> Unit {
        match self.file {
            Some(file) => self.files[file].1,
            None => self.inner.unit(),
        }
    }

    fn recognised(&self) -> Recognised {
        self.inner.recognised()
    }

    fn first_line_is_data(&self) -> bool {
        self.inner.first_line_is_data()
    }

    fn decimal(&self) -> Option<Decimal> {
        self.inner.decimal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_were_looked_at_are_read_as_they_would_have_been() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [("a.csv", "x,y\n1,2\n3\n"), ("b.csv", "x,y\n5,6\n7,8\n")] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let read = |ahead: Option<usize>| {
            let mut source = Peeked::new(crate::open(dir.path()).unwrap());
            if let Some(ahead) = ahead {
                let there = source.peek(ahead).is_some();
                assert_eq!(there, ahead < 4);
            }
            let mut seen = Vec::new();
            let mut row = Row::new();
            loop {
                seen.push(match source.read(&mut row) {
                    Ok(false) => return seen,
                    Ok(true) => {
                        format!("{}:{} {}", source.file(), row.line(), row.text(1))
                    }
                    Err(error) => error.to_string(),
                });
            }
        };
        let plain = read(None);
        assert_eq!(plain.len(), 4);
        for ahead in [0, 1, 2, 3, 9] {
            assert_eq!(read(Some(ahead)), plain, "{ahead}");
        }
    }
}
