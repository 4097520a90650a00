//! A table as codes of one byte, laid out for histograms: prepared once, used by any number of fits.
//!
//! Codes are kept twice. In blocks of 4 to 32 columns, row by row, so that what a row adds to the
//! histograms of a block lies in one cache line; and column by column, because dividing the rows of a
//! node reads one column only, which then fits the cache.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

use super::columns::{self, Column, MISSING_CATEGORY};
use super::cuts::{Coding, MAX_BINS, MISSING, Search};
use super::options::FitError;

/// Rows that are coded by one task.
const CHUNK: usize = 8192;
/// More rows than this would need wider indices and sums.
const MAX_ROWS: usize = 1 << 31;

/// How columns are cut into bins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BinOptions {
    /// Maximum number of bins of a column, from 2 to 255; missing values have one more.
    pub bins: usize,
    /// Number of rows whose quantiles are taken, drawn without replacement if there are more.
    pub sample: usize,
    /// A category with fewer rows is counted as rare; rare and unseen ones share a bin.
    pub min_category_rows: usize,
    /// Decides which rows are drawn.
    pub seed: u64,
}

impl Default for BinOptions {
    fn default() -> BinOptions {
        BinOptions {
            bins: MAX_BINS,
            sample: 200_000,
            min_category_rows: 10,
            seed: 0,
        }
    }
}

/// A table, coded.
pub struct Bins {
    rows: usize,
    pub(super) codings: Vec<Coding>,
    pub(super) blocks: Vec<Block>,
    /// Columns × rows.
    codes: Vec<u8>,
}

/// Neighbouring columns.
pub(super) struct Block {
    /// The first column.
    pub first: usize,
    /// Number of columns.
    pub used: usize,
    /// Bytes per row: 4, 8, 16 or 32.
    pub width: usize,
    bytes: Vec<u8>,
    /// Where the codes begin.
    start: usize,
}

/// Bytes of a cache line.
const LINE: usize = 64;

impl Block {
    /// Interleaves the codes of its columns, given column by column.
    fn new((first, used, width): (usize, usize, usize), columns: &[u8], rows: usize) -> Block {
        // Rows that begin where a cache line does, or at a part of it, lie in one line each.
        let mut bytes = vec![0; rows * width + LINE - 1];
        let start = bytes.as_ptr().align_offset(LINE).min(LINE - 1);
        interleave(columns, rows, width, &mut bytes[start..][..rows * width]);
        Block {
            first,
            used,
            width,
            bytes,
            start,
        }
    }

    /// Rows × width.
    pub fn codes(&self) -> &[u8] {
        &self.bytes[self.start..][..self.bytes.len() - (LINE - 1)]
    }
}

impl Bins {
    /// Codes the columns of a table.
    ///
    /// # Errors
    /// If the options are out of range, columns differ in length, or there are more than 2^31 rows.
    pub fn new(columns: &[Column], options: &BinOptions) -> Result<Bins, FitError> {
        if !(2..=MAX_BINS).contains(&options.bins) {
            return Err(FitError::option("bins", "not from 2 to 255"));
        }
        if options.sample == 0 {
            return Err(FitError::option("sample", "not positive"));
        }
        let rows = columns::rows(columns).map_err(|column| FitError::ColumnLength { column })?;
        if rows > MAX_ROWS {
            return Err(FitError::TooManyRows { rows });
        }
        let sample = sample(rows, options.sample, options.seed);
        let code = |column: &Column| coding(column, sample.as_deref(), options);
        let codings: Vec<Coding> = columns.par_iter().map(code).collect();
        let mut codes = vec![0; rows * columns.len()];
        let coders = columns.iter().zip(&codings);
        for ((column, coding), codes) in coders.zip(codes.chunks_exact_mut(rows.max(1))) {
            let coder = Coder::new(column, coding);
            let chunks = codes.par_chunks_mut(CHUNK).enumerate();
            chunks.for_each(|(chunk, codes)| coder.encode(chunk * CHUNK, codes));
        }
        let blocks = blocks(columns.len())
            .map(|block @ (first, used, _)| {
                Block::new(block, &codes[first * rows..(first + used) * rows], rows)
            })
            .collect();
        Ok(Bins {
            rows,
            codings,
            blocks,
            codes,
        })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.codings.len()
    }

    /// Whether a column holds categories.
    pub(super) fn is_categories(&self, column: usize) -> bool {
        matches!(self.codings[column], Coding::Categories { .. })
    }

    /// The codes of a column, one per row.
    #[inline]
    pub(super) fn column(&self, column: usize) -> &[u8] {
        &self.codes[column * self.rows..(column + 1) * self.rows]
    }
}

/// First column, number of columns and width of each block.
fn blocks(columns: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let left = columns - first;
        let width = match left {
            0 => return None,
            25.. => 32,
            13.. => 16,
            5.. => 8,
            _ => 4,
        };
        let block = (first, left.min(width), width);
        first += block.1;
        Some(block)
    })
}

/// Ascending rows drawn without replacement (Knuth, TAOCP 2, algorithm S); `None` for all.
fn sample(rows: usize, size: usize, seed: u64) -> Option<Vec<u32>> {
    if rows <= size {
        return None;
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn = Vec::with_capacity(size);
    for row in 0..rows {
        let (left, wanted) = ((rows - row) as u64, (size - drawn.len()) as u64);
        // The high half of a product maps 64 random bits to 0..left.
        let draw = (u128::from(random.next_u64()) * u128::from(left)) >> 64;
        if draw < u128::from(wanted) {
            drawn.push(row as u32);
        }
    }
    Some(drawn)
}

fn coding(column: &Column, sample: Option<&[u32]>, options: &BinOptions) -> Coding {
    let pick = |value: &dyn Fn(usize) -> f64| match sample {
        Some(rows) => Coding::of_numbers(rows.iter().map(|&row| value(row as usize)), options.bins),
        None => Coding::of_numbers((0..column.len()).map(value), options.bins),
    };
    match column {
        Column::F32(values) => pick(&|row| f64::from(values[row])),
        Column::F64(values) => pick(&|row| values[row]),
        Column::Categories(codes) => {
            Coding::of_categories(codes, options.bins, options.min_category_rows)
        }
    }
}

/// Codes of neighbouring columns, from columns × rows to rows × width.
fn interleave(codes: &[u8], rows: usize, width: usize, to: &mut [u8]) {
    let chunks = to.par_chunks_mut(CHUNK * width).enumerate();
    chunks.for_each(|(chunk, to)| {
        for (lane, column) in codes.chunks_exact(rows).enumerate() {
            let column = &column[chunk * CHUNK..];
            let to = to[lane..].iter_mut().step_by(width);
            to.zip(column).for_each(|(to, &code)| *to = code);
        }
    });
}

/// A column with what codes its values.
pub(super) enum Coder<'a> {
    Single(&'a [f32], Box<Search<f32>>),
    Double(&'a [f64], Box<Search<f64>>),
    Categories(&'a [u32], &'a [u8]),
    /// Nothing is known of such a column: all is missing.
    Unknown,
}

impl<'a> Coder<'a> {
    pub fn new(column: &Column<'a>, coding: &'a Coding) -> Coder<'a> {
        match (column, coding) {
            (Column::F32(values), Coding::Numbers(cuts)) if !cuts.is_empty() => {
                Coder::Single(values, Box::new(Search::single(cuts)))
            }
            (Column::F64(values), Coding::Numbers(cuts)) if !cuts.is_empty() => {
                Coder::Double(values, Box::new(Search::new(cuts)))
            }
            (Column::Categories(codes), Coding::Categories { bins, .. }) => {
                Coder::Categories(codes, bins)
            }
            _ => Coder::Unknown,
        }
    }

    /// Writes the codes of the rows from `first` on.
    pub fn encode(&self, first: usize, codes: &mut [u8]) {
        match self {
            Coder::Single(values, search) => {
                let values = codes.iter_mut().zip(&values[first..]);
                values.for_each(|(to, &value)| *to = search.code(value));
            }
            Coder::Double(values, search) => {
                let values = codes.iter_mut().zip(&values[first..]);
                values.for_each(|(to, &value)| *to = search.code(value));
            }
            Coder::Categories(categories, bins) => {
                let categories = codes.iter_mut().zip(&categories[first..]);
                categories.for_each(|(to, &category)| {
                    *to = match category {
                        MISSING_CATEGORY => MISSING,
                        _ => bins.get(category as usize).copied().unwrap_or(0),
                    };
                });
            }
            Coder::Unknown => codes.fill(MISSING),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_every_column_once_with_little_waste() {
        for columns in 0..200 {
            let blocks: Vec<_> = blocks(columns).collect();
            let mut next = 0;
            for &(first, used, width) in &blocks {
                assert_eq!(first, next);
                assert!(used <= width);
                next += used;
            }
            assert_eq!(next, columns);
            let bytes: usize = blocks.iter().map(|block| block.2).sum();
            assert!(bytes < columns + 8, "{columns} columns in {bytes} bytes");
        }
    }

    #[test]
    fn a_sample_is_ascending_and_has_its_size() {
        let drawn = sample(10_000, 500, 3).unwrap();
        assert_eq!(drawn.len(), 500);
        assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(Some(drawn), sample(10_000, 500, 3));
        assert_ne!(sample(10_000, 500, 3), sample(10_000, 500, 4));
        assert_eq!(sample(500, 500, 3), None);
    }

    #[test]
    fn every_kind_of_column_is_coded() {
        let single = [1.0_f32, f32::NAN, 3.0, 1.0];
        let double = [0.5, 0.25, f64::INFINITY, f64::NAN];
        let categories = [0, 1, u32::MAX, 0];
        let columns = [
            Column::F32(&single),
            Column::F64(&double),
            Column::Categories(&categories),
        ];
        let options = BinOptions {
            min_category_rows: 1,
            ..BinOptions::default()
        };
        let bins = Bins::new(&columns, &options).unwrap();
        let codes = |column| {
            let width = bins.blocks[0].width;
            let of_block = bins.blocks[0].codes().chunks(width).map(|row| row[column]);
            assert!(of_block.eq(bins.column(column).iter().copied()));
            bins.column(column)
        };
        assert_eq!(codes(0), [0, MISSING, 1, 0]);
        assert_eq!(codes(1), [1, 0, 2, MISSING]);
        assert_eq!(codes(2), [1, 2, MISSING, 1]);
    }

    #[test]
    fn columns_of_different_lengths_are_refused() {
        let columns = [Column::F64(&[1.0, 2.0]), Column::F64(&[1.0])];
        let error = Bins::new(&columns, &BinOptions::default()).err();
        assert_eq!(error, Some(FitError::ColumnLength { column: 1 }));
    }
}
