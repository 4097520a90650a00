//! Converts JSON lines to a Parquet file, once all rows are known (see ADR 2).

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use jiff::civil::{Date, DateTime};
use polars::prelude::{
    BooleanChunked, Column as PolarsColumn, DataFrame, DataType as Polars, Float64Chunked,
    Int64Chunked, IntoColumn, IntoSeries, NewChunkedArray, ParquetCompression, ParquetWriter,
    PolarsResult, StringChunked, TimeUnit as PolarsUnit, TimeZone, UInt64Chunked,
};

use super::parquet::epoch;
use super::source::{Source, open_as};
use super::{Column, Compression, DataType, Format, Kind, Row, TimeUnit, shown};

/// Maximum number of rows, and approximate size in bytes, of a row group.
const GROUP_ROWS: usize = 1 << 16;
const GROUP_BYTES: usize = 16 << 20;

/// Writes the rows of `spool` to `out`. A column without a type gets the narrowest of boolean,
/// 64-bit integer, float and text that can represent all its values.
///
/// # Errors
/// If `spool` does not have rows as written by a [`Sink`](super::Sink), or `out` cannot be written.
pub fn jsonl_to_parquet(spool: &Path, out: &Path, columns: &[Column]) -> io::Result<()> {
    let types = types(spool, columns)?;
    let schema = group(&[], columns, &types).map_err(io::Error::other)?;
    let writer = ParquetWriter::new(BufWriter::new(File::create(out)?))
        .with_compression(ParquetCompression::Snappy)
        .set_parallel(false);
    let writer = writer.batched(schema.schema()).map_err(io::Error::other)?;
    let mut writer = writer;
    let mut before = 0;
    each_group(spool, |rows| {
        let frame = group(rows, columns, &types).map_err(io::Error::other)?;
        refuse_lost(rows, before, &frame)?;
        before += rows.len();
        writer.write_batch(&frame).map_err(io::Error::other)
    })?;
    writer.finish().map_err(io::Error::other)?;
    File::open(out)?.sync_all()
}

/// Refuses a value that its column's type cannot represent, which would become null.
fn refuse_lost(rows: &[Row], before: usize, frame: &DataFrame) -> io::Result<()> {
    for (index, column) in frame.columns().iter().enumerate() {
        let nulls = rows.iter().filter(|row| row.kind(index) == Kind::Null);
        if column.null_count() == nulls.count() {
            continue;
        }
        let is_null = column.is_null();
        let lost = (0..rows.len())
            .find(|&row| is_null.get(row) == Some(true) && rows[row].kind(index) != Kind::Null);
        if let Some(row) = lost {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "row {}: column `{}`: `{}` does not have the type {} of its column in Parquet",
                    before + row + 1,
                    shown(column.name()),
                    shown(rows[row].text(index)),
                    column.dtype()
                ),
            ));
        }
    }
    Ok(())
}

/// Passes on the rows of a spool, one row group at a time.
fn each_group(spool: &Path, mut take: impl FnMut(&[Row]) -> io::Result<()>) -> io::Result<()> {
    let Some(mut source) = reopen(spool)? else {
        return Ok(());
    };
    let mut rows = Vec::new();
    let mut bytes = 0;
    loop {
        let mut row = Row::new();
        let more = source.read(&mut row).map_err(io::Error::other)?;
        if !rows.is_empty() && (!more || rows.len() == GROUP_ROWS || bytes >= GROUP_BYTES) {
            take(&rows)?;
            rows.clear();
            bytes = 0;
        }
        if !more {
            return Ok(());
        }
        bytes += row.bytes();
        rows.push(row);
    }
}

/// Returns `None` for a spool without rows, which has no keys either.
fn reopen(spool: &Path) -> io::Result<Option<Box<dyn Source>>> {
    let file = File::open(spool)?;
    if file.metadata()?.len() == 0 {
        return Ok(None);
    }
    open_as(Box::new(file), "spool", Format::Jsonl, Compression::None)
        .map(Some)
        .map_err(io::Error::other)
}

/// The common type of a column's values.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    Nothing,
    Bool,
    /// Integers that are exact as floats.
    Integer,
    /// 64-bit integers of which some are not exact as floats.
    Wide,
    Float,
    Other,
}

fn types(spool: &Path, columns: &[Column]) -> io::Result<Vec<DataType>> {
    let mut seen = vec![Seen::Nothing; columns.len()];
    if columns.iter().any(|column| column.data_type.is_none()) {
        each_group(spool, |rows| {
            for row in rows {
                for (seen, (kind, text)) in seen.iter_mut().zip(row.cells()) {
                    *seen = widen(*seen, kind, text);
                }
            }
            Ok(())
        })?;
    }
    let found = |seen: &Seen| match seen {
        Seen::Bool => DataType::Bool,
        Seen::Integer | Seen::Wide => DataType::Integer,
        Seen::Float => DataType::Float,
        Seen::Nothing | Seen::Other => DataType::Text,
    };
    Ok(columns
        .iter()
        .zip(&seen)
        .map(|(column, seen)| column.data_type.unwrap_or_else(|| found(seen)))
        .collect())
}

fn widen(seen: Seen, kind: Kind, text: &str) -> Seen {
    let new = match kind {
        Kind::Null => return seen,
        Kind::Bool => Seen::Bool,
        Kind::Number => number(text),
        Kind::Text | Kind::Json => Seen::Other,
    };
    match (seen, new) {
        (Seen::Nothing, new) => new,
        (seen, new) if seen == new => seen,
        (Seen::Integer, Seen::Wide) | (Seen::Wide, Seen::Integer) => Seen::Wide,
        (Seen::Integer, Seen::Float) | (Seen::Float, Seen::Integer) => Seen::Float,
        _ => Seen::Other,
    }
}

/// The narrowest type that represents a number without losing a digit of an integer, which may be
/// an id.
fn number(text: &str) -> Seen {
    const EXACT: u64 = 1 << 53;
    let is_whole = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-');
    match text.parse::<i64>() {
        Ok(value) if value.unsigned_abs() <= EXACT => Seen::Integer,
        Ok(_) => Seen::Wide,
        Err(_) if is_whole => Seen::Other,
        Err(_) => Seen::Float,
    }
}

fn group(rows: &[Row], columns: &[Column], types: &[DataType]) -> PolarsResult<DataFrame> {
    let columns: Vec<PolarsColumn> = columns
        .iter()
        .zip(types)
        .enumerate()
        .map(|(index, (column, data_type))| {
            let cells = rows.iter().map(|row| match row.kind(index) {
                Kind::Null => None,
                _ => Some(row.text(index)),
            });
            series(&column.name, *data_type, cells)
        })
        .collect::<PolarsResult<_>>()?;
    DataFrame::new(rows.len(), columns)
}

fn series<'a>(
    name: &str,
    data_type: DataType,
    cells: impl Iterator<Item = Option<&'a str>>,
) -> PolarsResult<PolarsColumn> {
    let name = name.into();
    let whole = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
    let float = |text: Option<&str>| text.and_then(|text| text.parse::<f64>().ok());
    let integers = |to: Polars, cells: &mut dyn Iterator<Item = Option<&'a str>>| {
        Int64Chunked::from_iter_options("".into(), cells.map(whole))
            .into_series()
            .cast(&to)
    };
    let mut cells = cells;
    let cells = &mut cells;
    let mut series = match data_type {
        DataType::Text => StringChunked::from_iter_options("".into(), cells).into_series(),
        DataType::Bool => {
            let values = cells.map(|text| text.map(|text| text == "true"));
            BooleanChunked::from_iter_options("".into(), values).into_series()
        }
        DataType::Int8 => integers(Polars::Int8, cells)?,
        DataType::Int16 => integers(Polars::Int16, cells)?,
        DataType::Int32 => integers(Polars::Int32, cells)?,
        DataType::Integer => integers(Polars::Int64, cells)?,
        DataType::UInt8 => integers(Polars::UInt8, cells)?,
        DataType::UInt16 => integers(Polars::UInt16, cells)?,
        DataType::UInt32 => integers(Polars::UInt32, cells)?,
        DataType::UInt64 => {
            let values = cells.map(|text| text.and_then(|text| text.parse::<u64>().ok()));
            UInt64Chunked::from_iter_options("".into(), values).into_series()
        }
        DataType::Float32 => Float64Chunked::from_iter_options("".into(), cells.map(float))
            .into_series()
            .cast(&Polars::Float32)?,
        DataType::Float => {
            Float64Chunked::from_iter_options("".into(), cells.map(float)).into_series()
        }
        DataType::Date => Int64Chunked::from_iter_options("".into(), cells.map(days))
            .into_series()
            .cast(&Polars::Int32)?
            .cast(&Polars::Date)?,
        DataType::Datetime { unit, utc } => {
            let zone = utc.then_some(TimeZone::UTC);
            Int64Chunked::from_iter_options("".into(), cells.map(|text| since(text, unit)))
                .into_series()
                .cast(&Polars::Datetime(polars_unit(unit), zone))?
        }
    };
    series.rename(name);
    Ok(series.into_column())
}

fn polars_unit(unit: TimeUnit) -> PolarsUnit {
    match unit {
        TimeUnit::Milliseconds => PolarsUnit::Milliseconds,
        TimeUnit::Microseconds => PolarsUnit::Microseconds,
        TimeUnit::Nanoseconds => PolarsUnit::Nanoseconds,
    }
}

fn days(text: Option<&str>) -> Option<i64> {
    let date: Date = text?.parse().ok()?;
    Some(date.duration_since(epoch().date()).as_secs() / 86_400)
}

fn since(text: Option<&str>, unit: TimeUnit) -> Option<i64> {
    let time: DateTime = text?.trim_end_matches('Z').parse().ok()?;
    let since = time.duration_since(epoch());
    let value = match unit {
        TimeUnit::Milliseconds => since.as_millis(),
        TimeUnit::Microseconds => since.as_micros(),
        TimeUnit::Nanoseconds => since.as_nanos(),
    };
    i64::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::super::open;
    use super::*;

    #[test]
    fn types_are_found_and_values_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, out) = (dir.path().join("spool"), dir.path().join("out.parquet"));
        let lines = [
            r#"{"i":1,"f":1,"b":true,"t":"x","m":1,"d":"2024-02-29","z":"1969-12-31T23:59:59.5Z","n":null}"#,
            r#"{"i":-9,"f":0.1,"b":null,"t":"","m":"y","d":"1901-01-01","z":"2024-01-01T00:00:00Z","n":null}"#,
        ];
        std::fs::write(&spool, lines.join("\n")).unwrap();
        let utc = DataType::Datetime {
            unit: TimeUnit::Microseconds,
            utc: true,
        };
        let mut columns: Vec<Column> = ["i", "f", "b", "t", "m"].map(Column::new).into();
        columns.push(Column::typed("d", DataType::Date));
        columns.push(Column::typed("z", utc));
        columns.push(Column::new("n"));
        jsonl_to_parquet(&spool, &out, &columns).unwrap();

        let mut source = open(&out).unwrap();
        let types: Vec<DataType> = source
            .columns()
            .iter()
            .map(|c| c.data_type.unwrap())
            .collect();
        use DataType::*;
        assert_eq!(types, [Integer, Float, Bool, Text, Text, Date, utc, Text]);
        let mut row = Row::new();
        let mut rows = Vec::new();
        while source.read(&mut row).unwrap() {
            rows.push(
                row.cells()
                    .map(|(_, text)| text.to_owned())
                    .collect::<Vec<_>>(),
            );
        }
        assert_eq!(
            rows[0],
            [
                "1",
                "1.0",
                "true",
                "x",
                "1",
                "2024-02-29",
                "1969-12-31T23:59:59.5Z",
                ""
            ]
        );
        assert_eq!(
            rows[1],
            [
                "-9",
                "0.1",
                "",
                "",
                "y",
                "1901-01-01",
                "2024-01-01T00:00:00Z",
                ""
            ]
        );

        let first = std::fs::read(&out).unwrap();
        jsonl_to_parquet(&spool, &out, &columns).unwrap();
        assert_eq!(std::fs::read(&out).unwrap(), first, "same rows, same bytes");
    }

    /// 12345678901234567890 used to become 12345678901234567000 in a Parquet file.
    #[test]
    fn no_digit_of_a_whole_number_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, out) = (dir.path().join("spool"), dir.path().join("out.parquet"));
        let lines = [
            r#"{"big":12345678901234567890,"wide":9007199254740993,"mixed":9007199254740993}"#,
            r#"{"big":1,"wide":2,"mixed":0.5}"#,
        ];
        std::fs::write(&spool, lines.join("\n")).unwrap();
        jsonl_to_parquet(&spool, &out, &["big", "wide", "mixed"].map(Column::new)).unwrap();
        let mut source = open(&out).unwrap();
        let types: Vec<_> = source.columns().iter().map(|c| c.data_type).collect();
        let expected = [DataType::Text, DataType::Integer, DataType::Text].map(Some);
        assert_eq!(types, expected);
        let mut row = Row::new();
        source.read(&mut row).unwrap();
        assert_eq!(
            [row.text(0), row.text(1), row.text(2)],
            [
                "12345678901234567890",
                "9007199254740993",
                "9007199254740993"
            ]
        );
    }

    /// A value that its column's type cannot represent used to become null.
    #[test]
    fn a_value_of_another_type_is_an_error_with_row_and_column() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, out) = (dir.path().join("spool"), dir.path().join("out.parquet"));
        std::fs::write(&spool, "{\"a\":1}\n{\"a\":null}\n{\"a\":\"x\"}\n").unwrap();
        let columns = [Column::typed("a", DataType::Integer)];
        let error = jsonl_to_parquet(&spool, &out, &columns).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with("row 3: column `a`: `x` does not"),
            "{message}"
        );
    }

    #[test]
    fn broken_files_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, out) = (dir.path().join("spool"), dir.path().join("out.parquet"));
        std::fs::write(&spool, "{\"a\":1}\n".repeat(1000)).unwrap();
        jsonl_to_parquet(&spool, &out, &[Column::new("a")]).unwrap();
        let whole = std::fs::read(&out).unwrap();
        for length in (0..whole.len()).step_by(7) {
            std::fs::write(&out, &whole[..length]).unwrap();
            let error = match open(&out) {
                Err(error) => error,
                Ok(_) => panic!("{length} bytes of {} are not Parquet", whole.len()),
            };
            assert!(!error.is_io(), "{error}");
        }
    }
}
