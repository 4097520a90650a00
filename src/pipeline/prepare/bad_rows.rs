//! Bad rows of raw data: an error that names the first and counts all.

use anyhow::{Error, Result};

use tables::ReadError;

/// The bad rows found in a source.
#[derive(Default)]
pub(crate) struct BadRows {
    first: Option<ReadError>,
    count: usize,
}

impl BadRows {
    /// Adds the next bad row.
    pub fn add(&mut self, error: ReadError) {
        self.count += 1;
        self.first.get_or_insert(error);
    }

    /// Refuses the data if there is a bad row.
    ///
    /// # Errors
    /// The first bad row, and how many there are.
    pub fn refuse(self) -> Result<()> {
        match self.first {
            None => Ok(()),
            Some(first) => Err(first_of(self.count, "bad rows", first.into())),
        }
    }
}

/// The first of several errors, with their number, in `what`, if it is not the only one.
pub(crate) fn first_of(count: usize, what: &str, first: Error) -> Error {
    match count {
        1 => first,
        _ => first.context(format!("{count} {what}, the first")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tables::{Place, ReadErrorKind};

    fn refused(lines: &[u64]) -> Option<String> {
        let mut bad = BadRows::default();
        for &line in lines {
            bad.add(Place::line("sales.csv", line).error(ReadErrorKind::EmptyLabel));
        }
        bad.refuse().err().map(|error| format!("{error:#}"))
    }

    #[test]
    fn the_first_is_named_and_all_are_counted() {
        assert_eq!(refused(&[]), None);
        let one = refused(&[7]).unwrap();
        assert!(one.starts_with("sales.csv:7: the label is empty"), "{one}");
        let three = refused(&[7, 8, 9]).unwrap();
        assert_eq!(three, format!("3 bad rows, the first: {one}"));
    }
}
