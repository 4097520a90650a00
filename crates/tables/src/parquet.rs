//! Reads Parquet files as rows, one slice of rows at a time, decoded by polars. `types` decides how
//! a column is decoded, `cells` how its values are written.

mod cells;
mod types;

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polars::io::mmap::ReaderBytes;
use polars_arrow::array::{Array, PrimitiveArray};
use polars_arrow::datatypes::{ArrowDataType as Arrow, Field, TimeUnit as ArrowUnit};
use polars_buffer::Buffer;
use polars_parquet::read::schema::{SchemaInferenceOptions, parquet_to_arrow_schema_with_options};
use polars_parquet::read::{
    BasicDecompressor, FileMetadata, Filter, PageReader, RowGroupMetadata, column_iter_to_arrays,
    infer_schema, read_metadata,
};

use files::foreign;
use files::leftovers::Leftover;

pub(crate) use self::cells::epoch;
use self::types::{Special, Type};
use super::{Column, Place, ReadError, ReadErrorKind, Row, Source, Unit, Within};

/// Approximate uncompressed size of a slice in bytes.
const SLICE_BYTES: usize = 16 << 20;
const SLICE_ROWS: usize = 1 << 16;

/// A copy of a stream on disk, since a Parquet file has its index at the end.
struct Spool {
    path: tempfile::TempPath,
    _listed: Leftover,
}

struct Parquet {
    path: PathBuf,
    name: String,
    /// Removed with the source, if the input was a stream.
    _spool: Option<Spool>,
    metadata: Arc<FileMetadata>,
    columns: Vec<Column>,
    types: Vec<Type>,
    slice_rows: usize,
    /// Number of rows returned so far.
    given: usize,
    slice: Slice,
}

/// Some decoded rows of one row group.
#[derive(Default)]
struct Slice {
    /// The arrays of each column, in order.
    columns: Vec<Vec<Box<dyn Array>>>,
    /// Index of the first row, and the end.
    start: usize,
    end: usize,
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
    let mut file = reopen(&path, name)?;
    check_content(&mut file, name)?;
    let broken = |error: polars::error::PolarsError| unreadable(name, None, &error);
    let metadata = guarded(name, None, || read_metadata(&mut file))?.map_err(broken)?;
    let types = guarded(name, None, || types_of(&metadata))?;
    refuse_twice(&types, name)?;
    let groups = metadata.row_groups.iter();
    let bytes: usize = groups.map(RowGroupMetadata::total_byte_size).sum();
    let slice_rows = (SLICE_BYTES * metadata.num_rows)
        .checked_div(bytes.max(1))
        .unwrap_or(SLICE_ROWS)
        .clamp(1, SLICE_ROWS);
    let column = |of: &Type| Column {
        name: of.name.clone(),
        data_type: of.data_type,
        foreign: of.foreign.clone(),
    };
    Ok(Box::new(Parquet {
        path,
        name: name.to_owned(),
        _spool: spool,
        metadata: Arc::new(metadata),
        columns: types.iter().map(column).collect(),
        types,
        slice_rows,
        given: 0,
        slice: Slice::default(),
    }))
}

/// Reports content that is not Parquet, judging by its first bytes.
fn check_content(file: &mut File, name: &str) -> Result<(), ReadError> {
    let io = |error| Place::file(name).error(ReadErrorKind::Io(error));
    let mut start = Vec::new();
    file.take(64).read_to_end(&mut start).map_err(io)?;
    let (found, hint) = match &start[..] {
        [b'P', b'A', b'R', b'1', ..] => return Ok(()),
        [] => {
            let why = "it is empty, which even a file without rows is not".to_owned();
            return Err(Place::file(name).error(ReadErrorKind::Parquet(why)));
        }
        [0x1f, 0x8b, ..] => ("gzip data", "decompress it: Parquet compresses by itself"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => (
            "Zstandard data",
            "decompress it: Parquet compresses by itself",
        ),
        [b'P', b'A', b'R', b'E', ..] => ("encrypted Parquet", "write it without encryption"),
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => {
            ("an Arrow (Feather) file", "write it as Parquet")
        }
        text if text.is_ascii() => ("text", "name it by its format: .csv, .tsv or .jsonl"),
        _ => return Ok(()),
    };
    Err(Place::file(name).error(ReadErrorKind::OtherContent {
        found,
        expected: "Parquet".to_owned(),
        hint,
    }))
}

fn refuse_twice(types: &[Type], name: &str) -> Result<(), ReadError> {
    for (second, column) in types.iter().enumerate() {
        let same = |other: &Type| other.name == column.name;
        if let Some(first) = types[..second].iter().position(same) {
            let place = Place::file(name).column(second, Some(&column.name));
            return Err(place.error(ReadErrorKind::HeaderDuplicate { first: first + 1 }));
        }
    }
    Ok(())
}

fn types_of(metadata: &FileMetadata) -> Vec<Type> {
    let fields = metadata.schema().fields();
    // Microseconds cover all years; a column of such times is tried in nanoseconds first.
    let options = SchemaInferenceOptions {
        int96_coerce_to_timeunit: ArrowUnit::Microsecond,
    };
    let plain = parquet_to_arrow_schema_with_options(fields, &Some(options));
    // An unreadable Arrow schema only means one hint less.
    let hints = infer_schema(metadata).ok();
    let types = fields.iter().filter_map(|field| {
        let hint = hints.as_ref().and_then(|hints| hints.get(field.name()));
        let plain = plain.get(field.name())?;
        Some(Type::new(field, &plain.dtype, hint.map(|hint| &hint.dtype)))
    });
    types.collect()
}

fn reopen(path: &Path, name: &str) -> Result<File, ReadError> {
    File::open(path).map_err(|error| Place::file(name).error(ReadErrorKind::Io(error)))
}

/// polars panics on some damaged files: that is the file's fault, not the program's.
fn guarded<T>(name: &str, column: Option<&Type>, read: impl FnOnce() -> T) -> Result<T, ReadError> {
    foreign::run(read).map_err(|_| {
        let mut place = Place::file(name);
        place.column = column.map(|column| Within::Named(column.name.clone()));
        place.error(ReadErrorKind::Parquet("its pages are damaged".to_owned()))
    })
}

fn unreadable(name: &str, column: Option<&Type>, error: &polars::error::PolarsError) -> ReadError {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().to_owned();
    let mut place = Place::file(name);
    place.column = column.map(|column| Within::Named(column.name.clone()));
    place.error(ReadErrorKind::Parquet(first))
}

impl Parquet {
    /// The file is opened for each slice, so that mapped pages do not accumulate in memory. A slice
    /// is decoded on the calling thread: the caller chooses the number of threads, and a panic is
    /// caught where it happens.
    fn next_slice(&mut self) -> Result<(), ReadError> {
        let metadata = self.metadata.clone();
        let mut start = 0;
        let group = metadata.row_groups.iter().find(|group| {
            start += group.num_rows();
            start > self.given
        });
        let Some(group) = group else {
            let kind = ReadErrorKind::Parquet("it ends before its last row".to_owned());
            return Err(Place::file(&self.name).error(kind));
        };
        let first = start - group.num_rows();
        let from = self.given - first;
        let to = (from + self.slice_rows).min(group.num_rows());
        let mut file = reopen(&self.path, &self.name)?;
        let bytes = guarded(&self.name, None, || ReaderBytes::from(&mut file))?;
        let bytes = match bytes {
            ReaderBytes::Owned(bytes) => bytes,
            ReaderBytes::Borrowed(bytes) => Buffer::from_vec(bytes.to_vec()),
        };
        let mut columns = Vec::new();
        for column in &self.types {
            let broken = |error| unreadable(&self.name, Some(column), &error);
            let decoded = guarded(&self.name, Some(column), || {
                decode(&bytes, group, column, from..to)
            })?;
            let arrays = decoded.map_err(broken)?;
            if arrays.iter().map(|array| array.len()).sum::<usize>() != to - from {
                let kind = ReadErrorKind::Parquet("it ends before its last row".to_owned());
                return Err(Place::file(&self.name).error(kind));
            }
            columns.push(arrays);
        }
        self.slice = Slice {
            columns,
            start: self.given,
            end: first + to,
        };
        Ok(())
    }
}

/// The rows of a column of a row group.
fn decode(
    bytes: &Buffer<u8>,
    group: &RowGroupMetadata,
    column: &Type,
    rows: std::ops::Range<usize>,
) -> polars::error::PolarsResult<Vec<Box<dyn Array>>> {
    let arrays = decode_as(bytes, group, column, column.arrow.clone(), rows.clone())?;
    let far = |array: &dyn Array| {
        let values = array.as_any().downcast_ref::<PrimitiveArray<i64>>();
        values.is_some_and(|values| values.iter().flatten().any(|&value| value == i64::MAX))
    };
    match &column.arrow {
        // Values outside 64-bit nanoseconds were decoded as the maximum.
        Arrow::Timestamp(ArrowUnit::Nanosecond, zone)
            if column.special == Special::Int96
                && arrays.iter().any(|array| far(array.as_ref())) =>
        {
            let coarse = Arrow::Timestamp(ArrowUnit::Microsecond, zone.clone());
            decode_as(bytes, group, column, coarse, rows)
        }
        _ => Ok(arrays),
    }
}

fn decode_as(
    bytes: &Buffer<u8>,
    group: &RowGroupMetadata,
    column: &Type,
    arrow: Arrow,
    rows: std::ops::Range<usize>,
) -> polars::error::PolarsResult<Vec<Box<dyn Array>>> {
    let chunks = group
        .columns_under_root_iter(&column.name)
        .into_iter()
        .flatten();
    let (pages, types): (Vec<_>, Vec<_>) = chunks
        .map(|chunk| {
            let range = chunk.byte_range();
            let bytes = bytes
                .clone()
                .sliced(range.start as usize..range.end as usize);
            let pages = PageReader::new(Cursor::new(bytes), chunk, Vec::new(), usize::MAX);
            let kind = &chunk.descriptor().descriptor.primitive_type;
            (BasicDecompressor::new(pages, Vec::new()), kind)
        })
        .unzip();
    let field = Field::new(column.name.as_str().into(), arrow, true);
    let filter = Some(Filter::new_ranged(rows.start, rows.end));
    Ok(column_iter_to_arrays(pages, types, field, filter)?.0)
}

impl Source for Parquet {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        if self.given == self.metadata.num_rows {
            return Ok(false);
        }
        if self.given == self.slice.end {
            self.next_slice()?;
        }
        let index = self.given - self.slice.start;
        self.given += 1;
        row.clear();
        row.set_line(self.given as u64);
        for (number, of) in self.types.iter().enumerate() {
            let (array, index) = locate(&self.slice.columns[number], index);
            let spell = |text: &mut String| cells::spell(array, index, of.special, text);
            if let Err(kind) = row.push_spelled(spell) {
                return Err(self.place(row, number).error(kind));
            }
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

/// The array with value number `index`, and its index there.
fn locate(arrays: &[Box<dyn Array>], mut index: usize) -> (&dyn Array, usize) {
    for array in arrays {
        if index < array.len() {
            return (array.as_ref(), index);
        }
        index -= array.len();
    }
    unreachable!("a slice has as many values as rows")
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

    /// polars must not decode pages on its own threads, where a panic would not be caught.
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
