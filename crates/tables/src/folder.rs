//! All data files of a folder as one table, in the order of their names.

use std::path::{Path, PathBuf};
use std::vec::IntoIter;

use super::source::open_file;
use super::{Column, Format, Place, ReadError, ReadErrorKind, Row, Source, Unit};

struct Folder {
    current: Box<dyn Source>,
    first: String,
    columns: Vec<Column>,
    rest: IntoIter<PathBuf>,
}

/// The data files of a folder, by their names; at least one.
pub(super) fn files(path: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let place = || Place::file(path.display().to_string());
    let io = |error| place().error(ReadErrorKind::Io(error));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let entry = entry.map_err(io)?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && Format::of_path(&entry.path()).is_some() {
            files.push(entry.path());
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(place().error(ReadErrorKind::NoFiles)),
        false => Ok(files),
    }
}

pub(super) fn open(path: &Path) -> Result<Box<dyn Source>, ReadError> {
    let mut rest = files(path)?.into_iter();
    let first = rest.next().expect("a folder's files are at least one");
    let current = open_file(&first)?;
    Ok(Box::new(Folder {
        columns: current.columns().to_vec(),
        current,
        first: first.display().to_string(),
        rest,
    }))
}

impl Source for Folder {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        loop {
            if self.current.read(row)? {
                return Ok(true);
            }
            let Some(path) = self.rest.next() else {
                return Ok(false);
            };
            self.current = open_file(&path)?;
            self.check_columns()?;
        }
    }

    fn file(&self) -> &str {
        self.current.file()
    }

    fn unit(&self) -> Unit {
        self.current.unit()
    }
}

impl Folder {
    fn check_columns(&self) -> Result<(), ReadError> {
        let found = self.current.columns();
        same_columns(self.current.file(), found, &self.first, &self.columns)
    }
}

/// Refuses a file whose columns are not those of the first.
pub(super) fn same_columns(
    file: &str,
    found: &[Column],
    first: &str,
    expected: &[Column],
) -> Result<(), ReadError> {
    let names = |columns: &[Column]| -> Vec<String> {
        columns.iter().map(|column| column.name.clone()).collect()
    };
    let (found, expected) = (names(found), names(expected));
    if found == expected {
        return Ok(());
    }
    let kind = ReadErrorKind::ColumnsDiffer {
        first: first.to_owned(),
        found,
        expected,
    };
    Err(Place::file(file).error(kind))
}
