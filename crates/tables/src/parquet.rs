//! Parquet files as rows, a slice of rows at a time, through polars.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::civil::{DateTime, date};
use jiff::{SignedDuration, Span};
use polars::prelude::{
    AnyValue, DataFrame, DataType as Polars, ParallelStrategy, ParquetReader, SerReader,
    TimeUnit as PolarsUnit,
};

use files::foreign;
use files::leftovers::Leftover;

use super::{Column, DataType, Kind, Place, ReadError, ReadErrorKind, Row, Source, TimeUnit, Unit};

/// A slice holds about this many bytes, uncompressed.
const SLICE_BYTES: usize = 16 << 20;
const SLICE_ROWS: usize = 1 << 16;

/// A stream's copy on disk: a Parquet file ends in the index of itself.
struct Spool {
    path: tempfile::TempPath,
    _listed: Leftover,
}

struct Parquet {
    path: PathBuf,
    name: String,
    /// Removed with the source, where the input was a stream.
    _spool: Option<Spool>,
    columns: Vec<Column>,
    types: Vec<DataType>,
    rows: usize,
    slice_rows: usize,
    /// Rows given so far.
    given: usize,
    slice: DataFrame,
    /// Number of the first row in `slice`.
    slice_start: usize,
    scratch: String,
}

pub(super) fn open(path: &Path, name: &str) -> Result<Box<dyn Source>, ReadError> {
    open_spooled(path.to_owned(), name, None)
}

pub(super) fn open_stream(
    mut input: Box<dyn Read>,
    name: &str,
) -> Result<Box<dyn Source>, ReadError> {
    let mut copy = || -> io::Result<Spool> {
        let mut spool = tempfile::NamedTempFile::new()?;
        let listed = Leftover::new(spool.path());
        io::copy(&mut input, &mut spool)?;
        Ok(Spool {
            path: spool.into_temp_path(),
            _listed: listed,
        })
    };
    let spool = copy().map_err(|error| Place::file(name).error(ReadErrorKind::Io(error)))?;
    open_spooled(spool.path.to_path_buf(), name, Some(spool))
}

fn open_spooled(
    path: PathBuf,
    name: &str,
    spool: Option<Spool>,
) -> Result<Box<dyn Source>, ReadError> {
    let mut reader = ParquetReader::new(reopen(&path, name)?);
    let broken = |error| unreadable(name, error);
    let metadata = guarded(name, || reader.get_metadata().cloned())?.map_err(broken)?;
    let bytes: usize = metadata
        .row_groups
        .iter()
        .map(|group| group.total_byte_size())
        .sum();
    let rows = metadata.num_rows;
    let slice_rows = (SLICE_BYTES * rows)
        .checked_div(bytes.max(1))
        .unwrap_or(SLICE_ROWS)
        .clamp(1, SLICE_ROWS);
    // An empty slice tells the types as polars will give them.
    let empty = slice(&path, name, 0, 0)?;
    let mut columns = Vec::new();
    let mut types = Vec::new();
    for column in empty.columns() {
        let data_type = carried(column.dtype()).ok_or_else(|| {
            let mut place = Place::file(name);
            place.column = Some(format!("column `{}`", column.name()));
            let hint = "keep flat columns of text, numbers, booleans, dates and times";
            place.error(ReadErrorKind::ParquetType(column.dtype().to_string(), hint))
        })?;
        columns.push(Column::typed(column.name().as_str(), data_type));
        types.push(data_type);
    }
    Ok(Box::new(Parquet {
        path,
        name: name.to_owned(),
        _spool: spool,
        columns,
        types,
        rows,
        slice_rows,
        given: 0,
        slice: empty,
        slice_start: 0,
        scratch: String::new(),
    }))
}

fn reopen(path: &Path, name: &str) -> Result<File, ReadError> {
    File::open(path).map_err(|error| Place::file(name).error(ReadErrorKind::Io(error)))
}

/// polars panics on some broken files: that is the file's fault, not a fault of the program.
fn guarded<T>(name: &str, read: impl FnOnce() -> T) -> Result<T, ReadError> {
    foreign::run(read).map_err(|_| {
        Place::file(name).error(ReadErrorKind::Parquet("its pages are broken".to_owned()))
    })
}

/// The file is opened for each slice, so that pages once mapped do not pile up in memory. A slice is
/// decoded by the thread that asks for it: how many threads work is the caller's choice, and a panic is
/// caught where it happens.
fn slice(path: &Path, name: &str, start: usize, rows: usize) -> Result<DataFrame, ReadError> {
    let reader = ParquetReader::new(reopen(path, name)?)
        .read_parallel(ParallelStrategy::None)
        .with_slice(Some((start, rows)));
    guarded(name, || reader.finish())?.map_err(|error| unreadable(name, error))
}

fn unreadable(name: &str, error: polars::error::PolarsError) -> ReadError {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().to_owned();
    Place::file(name).error(ReadErrorKind::Parquet(first))
}

fn carried(data_type: &Polars) -> Option<DataType> {
    Some(match data_type {
        Polars::String => DataType::Text,
        Polars::Boolean => DataType::Bool,
        Polars::Int8 => DataType::Int8,
        Polars::Int16 => DataType::Int16,
        Polars::Int32 => DataType::Int32,
        Polars::Int64 => DataType::Integer,
        Polars::UInt8 => DataType::UInt8,
        Polars::UInt16 => DataType::UInt16,
        Polars::UInt32 => DataType::UInt32,
        Polars::UInt64 => DataType::UInt64,
        Polars::Float32 => DataType::Float32,
        Polars::Float64 => DataType::Float,
        Polars::Date => DataType::Date,
        Polars::Datetime(unit, zone) => DataType::Datetime {
            unit: match unit {
                PolarsUnit::Milliseconds => TimeUnit::Milliseconds,
                PolarsUnit::Microseconds => TimeUnit::Microseconds,
                PolarsUnit::Nanoseconds => TimeUnit::Nanoseconds,
            },
            utc: zone.is_some(),
        },
        _ => return None,
    })
}

impl Source for Parquet {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        if self.given == self.rows {
            return Ok(false);
        }
        if self.given == self.slice_start + self.slice.height() {
            self.slice = slice(&self.path, &self.name, self.given, self.slice_rows)?;
            self.slice_start = self.given;
            if self.slice.height() == 0 {
                let kind = ReadErrorKind::Parquet("it ends before its last row".to_owned());
                return Err(Place::file(&self.name).error(kind));
            }
        }
        let index = self.given - self.slice_start;
        self.given += 1;
        row.clear();
        row.set_line(self.given as u64);
        for (column, data_type) in self.slice.columns().iter().zip(&self.types) {
            let value = column
                .get(index)
                .map_err(|error| unreadable(&self.name, error))?;
            push(row, &value, *data_type, &mut self.scratch);
        }
        Ok(true)
    }

    fn file(&self) -> &str {
        &self.name
    }

    fn unit(&self) -> Unit {
        Unit::Row
    }
}

/// Appends a value in a spelling that reads back the same.
fn push(row: &mut Row, value: &AnyValue, data_type: DataType, scratch: &mut String) {
    scratch.clear();
    let kind = match value {
        AnyValue::Null => Kind::Null,
        AnyValue::String(text) => return row.push(Kind::Text, text),
        AnyValue::StringOwned(text) => return row.push(Kind::Text, text),
        AnyValue::Boolean(value) => {
            return row.push(Kind::Bool, if *value { "true" } else { "false" });
        }
        AnyValue::Float64(value) => return row.push_number(*value),
        AnyValue::Float32(value) => {
            let _ = write!(scratch, "{value:?}");
            Kind::Number
        }
        AnyValue::Date(days) => spell_date(*days, scratch),
        AnyValue::Datetime(value, _, _) | AnyValue::DatetimeOwned(value, _, _) => {
            spell_time(*value, data_type, scratch)
        }
        integer => {
            let _ = write!(scratch, "{integer}");
            Kind::Number
        }
    };
    row.push(kind, scratch);
}

/// Days since 1970 as `2024-02-29`; beyond the calendar's years: nothing.
fn spell_date(days: i32, out: &mut String) -> Kind {
    match date(1970, 1, 1).checked_add(Span::new().days(days)) {
        Ok(date) => {
            let _ = write!(out, "{date}");
            Kind::Text
        }
        Err(_) => Kind::Null,
    }
}

fn spell_time(value: i64, data_type: DataType, out: &mut String) -> Kind {
    let DataType::Datetime { unit, utc } = data_type else {
        return Kind::Null;
    };
    let since = match unit {
        TimeUnit::Milliseconds => SignedDuration::from_millis(value),
        TimeUnit::Microseconds => SignedDuration::from_micros(value),
        TimeUnit::Nanoseconds => SignedDuration::from_nanos(value),
    };
    match epoch().checked_add(since) {
        Ok(time) => {
            let _ = write!(out, "{time}{}", if utc { "Z" } else { "" });
            Kind::Text
        }
        Err(_) => Kind::Null,
    }
}

pub(super) fn epoch() -> DateTime {
    date(1970, 1, 1).at(0, 0, 0, 0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn rows_of(path: &Path) -> Result<usize, ReadError> {
        let mut source = open(path, "f")?;
        let (mut row, mut rows) = (Row::new(), 0);
        while source.read(&mut row)? {
            rows += 1;
        }
        Ok(rows)
    }

    /// polars must not hand pages to threads of its own: nothing would catch a panic there quietly.
    #[test]
    fn a_panic_on_broken_pages_is_caught_on_the_thread_that_reads() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, path) = (dir.path().join("spool"), dir.path().join("f.parquet"));
        let lines =
            (0..40).map(|i| format!("{{\"a\":{i},\"b\":\"text {}\",\"c\":{i}.5}}\n", i % 7));
        std::fs::write(&spool, lines.collect::<String>()).unwrap();
        let columns = ["a", "b", "c"].map(Column::new);
        crate::jsonl_to_parquet(&spool, &path, &columns).unwrap();
        let whole = std::fs::read(&path).unwrap();

        let (caught, uncaught) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counters = (caught.clone(), uncaught.clone());
        let former = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |_| {
            let counter = if foreign::is_running() {
                &counters.0
            } else {
                &counters.1
            };
            counter.fetch_add(1, Ordering::SeqCst);
        }));
        let mut errors = 0;
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xa5;
            std::fs::write(&path, bytes).unwrap();
            errors += usize::from(rows_of(&path).is_err());
        }
        std::panic::set_hook(former);
        assert!(errors > 0);
        assert!(caught.load(Ordering::SeqCst) > 0);
        assert_eq!(uncaught.load(Ordering::SeqCst), 0);
    }
}
