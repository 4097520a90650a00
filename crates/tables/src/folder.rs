//! Reads all data files of a folder and its subfolders as one table, in the order of their paths.

use std::collections::HashSet;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};
use std::vec::IntoIter;

use super::source::open_file;
use super::{
    Column, DataType, Format, Place, ReadError, ReadErrorKind, Reading, Recognised, Row, Source,
    Unit, shown,
};

struct Folder {
    current: Box<dyn Source>,
    first: String,
    columns: Vec<Column>,
    rest: IntoIter<PathBuf>,
    reading: Reading,
    /// What was recognised in earlier files.
    recognised: Recognised,
}

/// The content of a folder at any depth; paths start with the folder's.
#[derive(Default)]
struct Listing {
    files: Vec<PathBuf>,
    /// Data files that are hidden, or in a hidden folder.
    hidden: Vec<PathBuf>,
    /// Files without a table's extension.
    others: Vec<PathBuf>,
    /// Folders named like `year=2023`.
    partitions: Vec<String>,
    /// Folders that were entered, since a link may lead back to one.
    entered: HashSet<PathBuf>,
}

/// As in Spark, names that begin with a dot or an underscore are not data, except `_column=value`.
fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || (name.starts_with('_') && !name.contains('='))
}

impl Listing {
    fn of(path: &Path) -> Result<Listing, ReadError> {
        let mut listing = Listing::default();
        listing.enter(path, false)?;
        // Beside other tables, JSON is about them.
        if !listing.files.iter().all(|file| Format::is_json_name(file)) {
            let is_json = |file: &mut PathBuf| Format::is_json_name(file);
            listing.others.extend(listing.files.extract_if(.., is_json));
        }
        listing.files.sort();
        listing.hidden.sort();
        listing.others.sort();
        listing.partitions.sort();
        listing.partitions.dedup();
        Ok(listing)
    }

    fn enter(&mut self, folder: &Path, hidden: bool) -> Result<(), ReadError> {
        let failed =
            |error| Place::file(files::names::spell(folder)).error(ReadErrorKind::Io(error));
        if !self.entered.insert(folder.canonicalize().map_err(failed)?) {
            return Ok(());
        }
        let entries = std::fs::read_dir(folder).and_then(Iterator::collect);
        let mut entries: Vec<DirEntry> = entries.map_err(failed)?;
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let hidden = hidden || is_hidden(&name);
            if path.is_dir() {
                if !hidden && name.contains('=') {
                    self.partitions.push(name.into_owned());
                }
                self.enter(&path, hidden)?;
                continue;
            }
            match (Format::of_path(&path), hidden) {
                (Some(_), false) => self.files.push(path),
                (Some(_), true) => self.hidden.push(path),
                (None, false) => self.others.push(path),
                (None, true) => {}
            }
        }
        Ok(())
    }
}

/// The data files of a folder, sorted by path; at least one.
///
/// # Errors
/// A folder that cannot be read, or without data files.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let place = || Place::file(files::names::spell(path));
    let listing = Listing::of(path)?;
    match listing.files.is_empty() {
        true => Err(place().error(ReadErrorKind::NoFiles)),
        false => Ok(listing.files),
    }
}

/// Whether data files are in a folder or below it.
pub fn holds_tables(folder: &Path) -> bool {
    files(folder).is_ok()
}

/// Describes how a folder is read as one table: that files are in subfolders, that some are left
/// out, that folders named `year=2023` are not columns. `None` if there is nothing to report, or it
/// is not a folder.
pub fn describe_folder(path: &Path) -> Option<String> {
    if !path.is_dir() {
        return None;
    }
    let listing = Listing::of(path).ok()?;
    let below = |file: &&PathBuf| file.parent() != Some(path);
    let below = listing.files.iter().filter(below).count();
    let mut said = Vec::new();
    if below > 0 {
        let files = listing.files.len();
        said.push(format!(
            "{files} files are read, {below} of them in subfolders"
        ));
    }
    for (left_out, why) in [
        (&listing.hidden, "hidden"),
        (&listing.others, "not named like tables"),
    ] {
        if let Some(first) = left_out.first()
            && !listing.files.is_empty()
        {
            let first = first.strip_prefix(path).unwrap_or(first).display();
            let first = shown(&first.to_string());
            said.push(match left_out.len() {
                1 => format!("left out: {first}, which is {why}"),
                count => format!("left out: {count} files that are {why}, such as {first}"),
            });
        }
    }
    if let [first, ..] = &listing.partitions[..] {
        said.push(format!(
            "names of folders as `{}` are not read as columns",
            shown(first)
        ));
    }
    (!said.is_empty()).then(|| said.join("; "))
}

pub(super) fn open(path: &Path, reading: Reading) -> Result<Box<dyn Source>, ReadError> {
    let files = files(path)?;
    let types = types(&files)?;
    let mut rest = files.into_iter();
    let first = rest.next().expect("a folder's files are at least one");
    let mut folder = Folder {
        current: open_file(&first, reading)?,
        first: files::names::spell(&first),
        columns: Vec::new(),
        rest,
        reading,
        recognised: Recognised::default(),
    };
    // An empty file is a part without rows.
    while folder.current.columns().is_empty() {
        let Some(path) = folder.rest.next() else {
            break;
        };
        folder.current = open_file(&path, reading)?;
        folder.first = files::names::spell(&path);
    }
    folder.columns = folder.current.columns().to_vec();
    if let Some(types) = types {
        for column in &mut folder.columns {
            let known = types.iter().find(|known| known.name == column.name);
            column.data_type = known.and_then(|known| known.data_type);
        }
    }
    Ok(Box::new(folder))
}

/// Columns of many files, some of them Parquet: typed if all files agree on the type, since no
/// other type can represent all values. `None` if no file has types.
fn types(files: &[PathBuf]) -> Result<Option<Vec<Column>>, ReadError> {
    let is_parquet = |path: &&PathBuf| matches!(Format::of_path(path), Some((Format::Parquet, _)));
    let typed: Vec<&PathBuf> = files.iter().filter(is_parquet).collect();
    if files.len() < 2 || typed.is_empty() {
        return Ok(None);
    }
    let mut columns: Vec<Column> = Vec::new();
    for (number, path) in typed.iter().enumerate() {
        let source = open_file(path, Reading::default())?;
        if number == 0 {
            columns = source.columns().to_vec();
        }
        for column in &mut columns {
            let same_name = |other: &&Column| other.name == column.name;
            let other = source.columns().iter().find(same_name);
            let mixed = typed.len() < files.len();
            if mixed || other != Some(column) {
                // Text keeps a decimal's digits, which a number might not.
                let foreign = other.and_then(|other| other.foreign.as_ref());
                let foreign = column.foreign.as_ref().or(foreign);
                column.data_type = foreign.map(|_| DataType::Text);
            }
        }
    }
    Ok(Some(columns))
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
            self.recognised = self.recognised();
            self.current = open_file(&path, self.reading)?;
            self.check_columns()?;
        }
    }

    fn file(&self) -> &str {
        self.current.file()
    }

    fn unit(&self) -> Unit {
        self.current.unit()
    }

    fn recognised(&self) -> Recognised {
        self.recognised.or(self.current.recognised())
    }

    fn first_line_is_data(&self) -> bool {
        self.current.first_line_is_data()
    }
}

impl Folder {
    fn check_columns(&self) -> Result<(), ReadError> {
        let found = self.current.columns();
        same_columns(self.current.file(), found, &self.first, &self.columns)
    }
}

/// Refuses a file whose columns differ from the first's; one without columns has no rows either.
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
    if found == expected || found.is_empty() {
        return Ok(());
    }
    let kind = ReadErrorKind::ColumnsDiffer {
        first: first.to_owned(),
        found,
        expected,
    };
    Err(Place::file(file).error(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn files_at_any_depth_are_read_and_hidden_ones_are_not() {
        let dir = folder(&[
            ("b.csv", "a\n3\n"),
            ("a/x.csv", "a\n1\n"),
            ("a/deep/y.csv", "a\n2\n"),
            ("empty.csv", ""),
            ("year=2024/z.csv", "a\n4\n"),
            (".git/objects.csv", "x\n"),
            (".ipynb_checkpoints/b-checkpoint.csv", "a\n9\n"),
            ("_temporary/0/part.csv", "a\n9\n"),
            ("_SUCCESS", ""),
            (".b.csv.crc", "crc"),
            ("notes.txt", "x"),
        ]);
        let mut source = super::super::open(dir.path()).unwrap();
        let (mut row, mut read) = (Row::new(), Vec::new());
        while source.read(&mut row).unwrap() {
            read.push(row.text(0).to_owned());
        }
        assert_eq!(read, ["2", "1", "3", "4"]);
        let said = describe_folder(dir.path()).unwrap();
        assert_eq!(
            said,
            "5 files are read, 3 of them in subfolders; left out: 3 files that are hidden, such as \
             .git/objects.csv; left out: notes.txt, which is not named like tables; names \
             of folders as `year=2024` are not read as columns"
        );
    }

    #[test]
    fn a_folder_without_subfolders_needs_no_description() {
        let dir = folder(&[("b.csv", "a\n3\n"), ("_SUCCESS", "")]);
        assert_eq!(describe_folder(dir.path()), None);
        assert_eq!(describe_folder(&dir.path().join("b.csv")), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_back_ends_somewhere() {
        let dir = folder(&[("a/b.csv", "a\n3\n")]);
        std::os::unix::fs::symlink(dir.path(), dir.path().join("a/back")).unwrap();
        assert_eq!(files(dir.path()).unwrap().len(), 1);
    }
}
