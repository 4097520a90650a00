//! Formats on disk to rows in memory and back: CSV, TSV, JSON lines and Parquet, plain, `.gz` or
//! `.zst`, files, folders and standard input.
//!
//! A [`Source`] gives rows one at a time in bounded memory and places every error by file, line and
//! column; a [`Sink`] writes rows so that its bytes are a function of the rows alone. What rows
//! mean is for the callers; `text`, `photos`, `ratings` and `series` (with `clock`) read the rows of
//! texts, photos, interactions and demand; `blocks` reads a table in pieces that can be worked on
//! side by side; `sketch` has mergeable summaries of columns of any size, `profile` says with them what a
//! table holds.

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
pub use folder::describe_folder;
pub use format::{Compression, Format, UnknownFormat};
pub use number::{Decimal, NotNumber, number};
pub use peek::Peeked;
pub use photos::{COLUMNS as PHOTO_COLUMNS, Photos, read_photos};
pub use ratings::{
    RATING_COLUMNS, Rating, RatingColumns, Ratings, Times, id_cell, id_of, read_ratings,
    read_titles,
};
pub use reading::{Delimiter, Escape, InvalidReading, Quote, Reading};
pub use row::{Column, DataType, Kind, Row, Rows, TimeUnit};
pub use series::{
    Duplicates, Gaps, LONGEST_SERIES, Panel, Problem, Series, SeriesColumns, SeriesLayout,
    each_prepared, read_prepared, series_name, series_parts, shown,
};
pub use sink::{Sink, Spelling, create, create_spool};
pub use source::{Source, describe_encoding, find_column, open, open_as, open_as_with, open_with};
pub use spool::jsonl_to_parquet;
pub use text::{
    Slice, Texts, class_order, group_cell, label_cell, normalised, read_texts, sorted_classes,
    text_cell, text_of,
};
pub use values::{from_values, without_rows};

/// Longest record that is read, in bytes of its text: 16 MiB. It bounds memory when a quote is
/// never closed or a line never ends.
pub const MAX_RECORD: usize = 16 << 20;
