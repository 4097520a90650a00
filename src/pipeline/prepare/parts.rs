//! Writes prepared data: parts and tables; and warns about what is left out of them.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::talk::Talk;
use tables::{Column, Compression, Format, Row};

/// Writes a part: a CSV file with a row for each record, which `fill` turns into cells.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn write_part<R>(
    path: &Path,
    columns: &[Column],
    records: impl IntoIterator<Item = R>,
    mut fill: impl FnMut(R, &mut Row),
) -> io::Result<()> {
    let file = File::create(path)?;
    let mut sink = tables::create(file, Format::Csv, Compression::None, columns, true)?;
    let mut row = Row::new();
    for record in records {
        row.clear();
        fill(record, &mut row);
        sink.write(&row)?;
    }
    sink.finish()
}

/// Writes a table of texts as CSV.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn write_table<const N: usize, T: AsRef<[u8]>>(
    path: &Path,
    columns: [&str; N],
    rows: impl IntoIterator<Item = [T; N]>,
) -> io::Result<()> {
    let mut out = csv::Writer::from_path(path)?;
    out.write_record(columns)?;
    for row in rows {
        out.write_record(row)?;
    }
    out.flush()
}

/// Warns about the first of `excluded` with their reasons, and names the `file` that lists all.
pub(crate) fn warn_excluded(
    excluded: impl ExactSizeIterator<Item = String>,
    file: &str,
    talk: &Talk,
) {
    const ROWS_SHOWN: usize = 5;
    let more = excluded.len().saturating_sub(ROWS_SHOWN);
    for reason in excluded.take(ROWS_SHOWN) {
        talk.warn(format!("left out: {reason}"));
    }
    if more > 0 {
        talk.warn(format!("and {more} more, listed in {file}"));
    }
}
