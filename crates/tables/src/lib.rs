//! Reads formats on disk into rows in memory and writes them back: CSV, TSV, JSON lines and
//! Parquet, plain, `.gz` or `.zst`, from files, folders and standard input.
//!
//! A [`Source`] returns rows one at a time in bounded memory and gives every error a file, line and
//! column; a [`Sink`] writes rows so that its bytes depend only on the rows. The meaning of rows is
//! up to the callers; `text`, `photos`, `ratings` and `series` (with `clock`) read the rows of
//! texts, photos, interactions and demand; `blocks` reads a table in pieces that can be processed
//! in parallel; `sketch` has mergeable summaries of columns of any size, and `profile` uses them to
//! describe a table; [`remove_rows`] takes rows out of a file.

#![deny(missing_docs)]

pub mod blocks;
pub mod clock;
mod csv;
mod encoding;
mod error;
mod folder;
mod format;
mod input;
mod jsonl;
mod number;
mod output;
mod parquet;
mod peek;
mod photos;
pub mod profile;
mod ratings;
mod reading;
mod removal;
mod row;
mod series;
mod sink;
pub mod sketch;
mod source;
pub mod spelling;
mod spool;
mod text;
mod values;

pub use encoding::Encoding;
pub use error::{Place, ReadError, ReadErrorKind, Unit, Within};
pub use folder::{describe_folder, files as folder_files, holds_tables};
pub use format::{Compression, Format, UnknownFormat};
pub use number::{Decimal, NotNumber, number};
pub use peek::Peeked;
pub use photos::{COLUMNS as PHOTO_COLUMNS, Photos, read_photos};
pub use ratings::{
    RATING_COLUMNS, Rating, RatingColumns, Ratings, Times, id_cell, id_of, read_ratings,
    read_titles,
};
pub use reading::{Delimiter, Escape, InvalidReading, Quote, Reading, Recognised};
pub use removal::{RemovalError, Removed, decompressed, remove_lines, remove_rows};
pub use row::{Column, DataType, Kind, Row, Rows, TimeUnit};
pub use series::{
    Duplicates, Gaps, LONGEST_SERIES, Panel, Problem, Series, SeriesColumns, SeriesLayout,
    each_prepared, read_prepared, series_name, series_parts, shown,
};
pub use sink::{Sink, Spelling, create, create_spool};
pub use source::{
    Source, describe_delimiter, describe_encoding, find_column, open, open_as, open_as_with,
    open_with,
};
pub use spool::jsonl_to_parquet;
pub use text::{
    Slice, Texts, class_order, group_cell, label_cell, normalised, read_texts, sorted_classes,
    text_cell, text_of,
};
pub use values::{from_columns, from_values, without_rows};

/// Maximum length of a record in bytes of its text: 16 MiB. It bounds memory if a quote is never
/// closed or a line never ends.
pub const MAX_RECORD: usize = 16 << 20;
