//! Takes rows out of a table on disk: every other byte of a text format stays as it is, and a Parquet file is written
//! again with the same columns.
//!
//! Where a row begins and ends is known from the lines on which the reader finds it, so that quotes, line ends and
//! blank lines need no second parser. What was written is read again before it takes the place of the file: unless
//! exactly the rows that should stay are in it, the file is left alone.

use std::fs::{self, File};
use std::hash::Hasher;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use files::atomic;
use flate2::bufread::MultiGzDecoder;
use tempfile::NamedTempFile;
use xxhash_rust::xxh3::Xxh3;

use super::output::Output;
use super::{Compression, Format, ReadError, ReadErrorKind, Reading, Row, Source};
use super::{create_spool, jsonl_to_parquet, open_as_with, open_with};

const BUFFER: usize = 1 << 17;

/// What became of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Rows that were taken out; with none the file was not touched.
    pub rows: u64,
    /// Rows that stay.
    pub kept: u64,
    /// Records that cannot be read, which stay as they are.
    pub unread: u64,
}

/// Why rows cannot be taken out of a table, which is then as it was.
#[derive(Debug, thiserror::Error)]
pub enum RemovalError {
    /// The table cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It cannot be written again.
    #[error("cannot be written again: {0}")]
    Write(#[from] io::Error),
    /// Its rows are not lines of their own, or would not be the same when they are read again.
    #[error("{0}; convert it to CSV in UTF-8, or take the rows out by hand")]
    Form(&'static str),
}

/// The lines of rows that are taken out: from the first, counted from 1, to the one before the second.
type Lines = Vec<(u64, u64)>;

/// The rows that stay, as far as they have to be the same before and after.
#[derive(Default)]
struct Kept {
    digest: Xxh3,
    rows: u64,
    unread: u64,
}

impl Kept {
    fn row(&mut self, row: &Row) {
        self.rows += 1;
        for (kind, text) in row.cells() {
            self.digest.write_u8(kind as u8);
            self.digest.write_u64(text.len() as u64);
            self.digest.write(text.as_bytes());
        }
    }

    fn is_same(&self, other: &Kept) -> bool {
        let of = |kept: &Kept| (kept.digest.digest(), kept.rows, kept.unread);
        of(self) == of(other)
    }
}

/// Takes the rows for which `is_out` is true out of the table at `path`.
///
/// # Errors
/// A table that cannot be read or written, or whose form does not allow it: UTF-16, an array of JSON, types of
/// Parquet that would not be the same again. The file is then as it was.
///
/// # Examples
/// ```
/// use easylife_tables::{Reading, remove_rows};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("a.csv");
/// std::fs::write(&path, "user;note\r\nann;\"two\r\nlines\"\r\nbob; kept as is \r\n")?;
/// let removed = remove_rows(&path, Reading::default(), &mut |row| row.text(0) == "ann")?;
/// assert_eq!((removed.rows, removed.kept), (1, 1));
/// assert_eq!(std::fs::read_to_string(&path)?, "user;note\r\nbob; kept as is \r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn remove_rows(
    path: &Path,
    reading: Reading,
    is_out: &mut dyn FnMut(&Row) -> bool,
) -> Result<Removed, RemovalError> {
    let (format, compression) =
        Format::of_path(path).ok_or(RemovalError::Form("its name has no known file extension"))?;
    let mut source = open_with(path, reading)?;
    let columns = source.columns().to_vec();
    let (kept, lines) = scan(source.as_mut(), is_out)?;
    let recognised = source.recognised().encoding.or(reading.encoding);
    let removed = Removed {
        rows: lines.len() as u64,
        kept: kept.rows,
        unread: kept.unread,
    };
    if lines.is_empty() {
        return Ok(removed);
    }
    let scratch = NamedTempFile::new_in(folder_of(path)?)?;
    if format == Format::Parquet {
        let mut source = open_with(path, reading)?;
        rewrite(source.as_mut(), is_out, scratch.path())?;
    } else {
        if recognised.is_some_and(|encoding| !encoding.is_ascii_compatible()) {
            return Err(RemovalError::Form("is UTF-16, whose lines are not cut"));
        }
        if format == Format::Jsonl && is_array(path)? {
            return Err(RemovalError::Form(
                "is an array of JSON, whose rows are not lines",
            ));
        }
        copy_lines(path, &lines, &scratch)?;
    }
    let again = Box::new(File::open(scratch.path())?);
    let name = files::names::spell(path);
    let mut again = open_as_with(again, &name, format, compression, reading)?;
    let (found, out) = scan(again.as_mut(), is_out)?;
    let is_same = match format {
        // Its columns are the keys of the first line, which may be another one now: a line that lacked one may have it.
        Format::Jsonl => found.rows + found.unread == kept.rows + kept.unread,
        _ => again.columns() == columns && found.is_same(&kept),
    };
    if !is_same || !out.is_empty() {
        return Err(RemovalError::Form(
            "its rows cannot be taken out so that the others stay the same",
        ));
    }
    put(path, File::open(scratch.path())?)?;
    Ok(removed)
}

/// Reads a table: which rows stay, and the lines of those that do not.
fn scan(
    source: &mut dyn Source,
    is_out: &mut dyn FnMut(&Row) -> bool,
) -> Result<(Kept, Lines), ReadError> {
    let (mut kept, mut lines, mut open) = (Kept::default(), Lines::new(), None);
    let mut row = Row::new();
    loop {
        match source.read(&mut row) {
            Ok(false) => break,
            Ok(true) => {
                lines.extend(open.take().map(|start| (start, row.line())));
                match is_out(&row) {
                    true => open = Some(row.line()),
                    false => kept.row(&row),
                }
            }
            Err(error) if error.is_record() => {
                // It stays, with whatever it holds.
                let line = error.place.line;
                let end = |start| line.map(|line| (start, line));
                lines.extend(open.take().and_then(end));
                kept.unread += u64::from(!matches!(*error.kind, ReadErrorKind::HeaderAgain));
            }
            Err(error) => return Err(error),
        }
    }
    lines.extend(open.map(|start| (start, u64::MAX)));
    Ok((kept, lines))
}

/// Writes a Parquet file with the rows that stay.
fn rewrite(
    source: &mut dyn Source,
    is_out: &mut dyn FnMut(&Row) -> bool,
    out: &Path,
) -> Result<(), RemovalError> {
    let columns = source.columns().to_vec();
    let spool = NamedTempFile::new_in(out.parent().unwrap_or(Path::new(".")))?;
    let mut sink = create_spool(spool.reopen()?, &columns)?;
    let mut row = Row::new();
    while source.read(&mut row)? {
        if !is_out(&row) {
            sink.write(&row)?;
        }
    }
    sink.finish()?;
    Ok(jsonl_to_parquet(spool.path(), out, &columns)?)
}

/// Whether JSON is one array rather than lines.
fn is_array(path: &Path) -> io::Result<bool> {
    let mut text = BufReader::new(decompressed(path)?);
    let start = text.fill_buf()?;
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    Ok(start.trim_ascii_start().starts_with(b"["))
}

/// The bytes of a file, decompressed if its first bytes are those of gzip or Zstandard.
///
/// # Errors
/// A file that cannot be opened.
pub fn decompressed(path: &Path) -> io::Result<Box<dyn Read>> {
    Ok(open_decompressed(path)?.0)
}

fn open_decompressed(path: &Path) -> io::Result<(Box<dyn Read>, Compression)> {
    let mut file = BufReader::with_capacity(BUFFER, File::open(path)?);
    let start = file.fill_buf()?;
    Ok(match start {
        [0x1f, 0x8b, ..] => (Box::new(MultiGzDecoder::new(file)), Compression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => (
            Box::new(zstd::Decoder::with_buffer(file)?),
            Compression::Zstd,
        ),
        _ => (Box::new(file), Compression::None),
    })
}

/// Takes the lines for which `is_out` is true out of a text file, compressed or not; returns how many. The line comes
/// with its end.
///
/// # Errors
/// A file that cannot be read or written, which is then as it was.
pub fn remove_lines(path: &Path, is_out: &mut dyn FnMut(&[u8]) -> bool) -> io::Result<u64> {
    let (bytes, compression) = open_decompressed(path)?;
    let mut from = BufReader::with_capacity(BUFFER, bytes);
    let scratch = tempfile::tempfile_in(folder_of(path)?)?;
    let mut out = Output::new(scratch.try_clone()?, compression);
    let (mut removed, mut line) = (0, Vec::new());
    loop {
        line.clear();
        if from.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        match is_out(&line) {
            true => removed += 1,
            false => out.write_all(&line)?,
        }
    }
    out.checkpoint()?;
    if removed > 0 {
        put(path, scratch)?;
    }
    Ok(removed)
}

/// The folder in which a file is, behind links: with room for another one like it.
fn folder_of(path: &Path) -> io::Result<PathBuf> {
    let place = atomic::destination(path)?;
    let folder = place
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    Ok(folder.unwrap_or(Path::new(".")).to_owned())
}

/// Replaces the content of a file, whose access rights stay.
fn put(path: &Path, mut from: File) -> io::Result<()> {
    from.seek(SeekFrom::Start(0))?;
    let rights = fs::metadata(path)?.permissions();
    atomic::write(path, |out| io::copy(&mut from, out).map(|_| ()))?;
    fs::set_permissions(path, rights)
}

/// Copies a text file without some lines, compressed as it was.
fn copy_lines(path: &Path, lines: &Lines, scratch: &NamedTempFile) -> io::Result<()> {
    let (bytes, compression) = open_decompressed(path)?;
    let mut from = BufReader::with_capacity(BUFFER, bytes);
    let mut out = Output::new(scratch.reopen()?, compression);
    let end = line_end(from.fill_buf()?);
    let mut lines = lines.iter().copied().peekable();
    let (mut number, mut line) = (1, Vec::new());
    loop {
        line.clear();
        if from.read_until(end, &mut line)? == 0 {
            break;
        }
        while lines.next_if(|&(_, after)| after <= number).is_some() {}
        if lines.peek().is_none_or(|&(first, _)| number < first) {
            out.write_all(&line)?;
        }
        number += 1;
    }
    out.checkpoint()
}

/// The last byte of the lines: a carriage return if the first line ends in one that no line feed follows.
fn line_end(start: &[u8]) -> u8 {
    let mut ends = start.iter().enumerate();
    match ends.find(|(_, byte)| b"\r\n".contains(byte)) {
        Some((at, b'\r')) if start.get(at + 1) != Some(&b'\n') => b'\r',
        _ => b'\n',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, DataType};

    /// A file with this name and content, and what becomes of it without the rows of `ann`.
    fn without_ann(name: &str, content: &[u8]) -> (Result<Removed, RemovalError>, Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        let removed = remove_rows(&path, Reading::default(), &mut |row| row.text(0) == "ann");
        // Nothing else is left in the folder.
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        (removed, fs::read(&path).unwrap())
    }

    #[test]
    fn all_other_bytes_stay() {
        for (name, before, after) in [
            (
                "a.csv",
                "u,n\nann,1\nbob,\"x\ny\"\nann,\"2\n3\"\nbob , 4",
                "u,n\nbob,\"x\ny\"\nbob , 4",
            ),
            ("a.csv", "u,n\r\nbob,1\r\nann,2", "u,n\r\nbob,1\r\n"),
            (
                "a.csv",
                "\u{feff}u,n\nann,1\nbob,2\n",
                "\u{feff}u,n\nbob,2\n",
            ),
            ("a.csv", "u,n\rann,1\rbob,2\r", "u,n\rbob,2\r"),
            ("a.tsv", "u\tn\nann\t1\n", "u\tn\n"),
            (
                "a.jsonl",
                "{\"u\":\"ann\"}\n\n{\"u\": \"bob\", \"n\":1.0}\n",
                "{\"u\": \"bob\", \"n\":1.0}\n",
            ),
        ] {
            let (removed, is) = without_ann(name, before.as_bytes());
            assert!(removed.unwrap().rows > 0, "{before}");
            assert_eq!(String::from_utf8(is).unwrap(), after, "{before}");
        }
        let (removed, is) = without_ann("a.csv", b"u,n\nbob,1\n");
        assert_eq!((removed.unwrap().rows, &*is), (0, &b"u,n\nbob,1\n"[..]));
    }

    #[test]
    fn compressed_tables_stay_compressed() {
        let text = b"u,n\nann,1\nbob,2\n";
        for (name, compression) in [
            ("a.csv.gz", Compression::Gzip),
            ("a.csv.zst", Compression::Zstd),
        ] {
            let packed = match compression {
                Compression::Gzip => {
                    let level = flate2::Compression::default();
                    let mut packed = flate2::write::GzEncoder::new(Vec::new(), level);
                    packed.write_all(text).unwrap();
                    packed.finish().unwrap()
                }
                _ => zstd::encode_all(&text[..], 0).unwrap(),
            };
            let (removed, is) = without_ann(name, &packed);
            assert_eq!(removed.unwrap().kept, 1);
            let again = Box::new(io::Cursor::new(is));
            let mut again = crate::open_as(again, name, Format::Csv, compression).unwrap();
            let mut row = Row::new();
            assert!(again.read(&mut row).unwrap() && row.text(0) == "bob");
            assert!(!again.read(&mut row).unwrap());
        }
    }

    #[test]
    fn parquet_keeps_its_types() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, path) = (dir.path().join("s"), dir.path().join("a.parquet"));
        let rows = "{\"u\":\"ann\",\"n\":1}\n{\"u\":\"bob\",\"n\":2}\n";
        fs::write(&spool, rows).unwrap();
        let columns = [Column::new("u"), Column::typed("n", DataType::UInt64)];
        jsonl_to_parquet(&spool, &path, &columns).unwrap();
        let before = crate::open(&path).unwrap().columns().to_vec();
        let removed = remove_rows(&path, Reading::default(), &mut |row| row.text(0) == "ann");
        assert_eq!(
            removed.unwrap(),
            Removed {
                rows: 1,
                kept: 1,
                unread: 0
            }
        );
        let mut again = crate::open(&path).unwrap();
        assert_eq!(again.columns(), before);
        let mut row = Row::new();
        assert!(again.read(&mut row).unwrap() && row.text(1) == "2");
    }

    #[test]
    fn a_form_that_cannot_be_cut_is_left_alone() {
        let wide: Vec<u8> = "\u{feff}u,n\nann,1\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for (name, content) in [
            ("a.csv", &*wide),
            ("a.json", b"[{\"u\":\"ann\"},{\"u\":\"bob\"}]"),
            ("a.json", b" [{\"u\":\"ann\"}]\n"),
            ("a.csv", b"u,n\nann,\"1\n"),
        ] {
            let (removed, is) = without_ann(name, content);
            assert!(removed.is_err(), "{name}");
            assert_eq!(is, content);
        }
    }

    #[test]
    fn lines_go_from_any_text() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("requests.log.1");
        fs::write(&path, zstd::encode_all(&b"ann 1\nbob\nann"[..], 0).unwrap()).unwrap();
        let mut is_out = |line: &[u8]| line.starts_with(b"ann");
        assert_eq!(remove_lines(&path, &mut is_out).unwrap(), 2);
        let mut text = String::new();
        decompressed(&path)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "bob\n");
        assert_eq!(remove_lines(&path, &mut is_out).unwrap(), 0);
    }

    #[test]
    fn records_that_cannot_be_read_stay() {
        let (removed, is) = without_ann("a.csv", b"u,n\nann,1\nann\nbob,2\n");
        assert_eq!(
            removed.unwrap(),
            Removed {
                rows: 1,
                kept: 1,
                unread: 1
            }
        );
        assert_eq!(is, b"u,n\nann\nbob,2\n");
    }
}
