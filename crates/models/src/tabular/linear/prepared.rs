//! A table as features, and the products that fits need. The same bits for any number of threads.
//!
//! Numbers are dense; of a category's features one is 1 and the others are 0, so only its index is
//! kept. A row costs d²/2 + c d + c²/2 multiply-adds of the Gram matrix, for d dense features and c
//! columns of categories, however many levels these have.
//!
//! Inside fits, coefficients are the intercept, those of the dense features, then those of the levels;
//! outside, they are in the order of the columns.

use rayon::prelude::*;

use super::design::{Design, Encoding};
use super::model::{LinearError, check_columns};
use crate::kernels::panel::{Panels, Product, View};
use crate::kernels::reduce::{chunks, dot_alone};
use crate::trees::Column;

/// Number of rows per task.
const ROWS: usize = 1024;
/// Number of rows of a dense block whose products are summed at once.
const BLOCK: usize = 256;
/// Number of parts that sums over rows are divided into, and least rows of one.
const PARTS: usize = 8;
const PART_ROWS: usize = 2048;

/// A table as features, prepared once for any number of fits.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(super) design: Design,
    /// Number of rows; `None` without columns, where every row is alike.
    rows: Option<usize>,
    /// rows × (1 + dense features), starting with a 1.
    dense: Vec<f64>,
    /// Entries per row of `dense`.
    stride: usize,
    /// rows × columns of categories: the index of the level's coefficient.
    levels: Vec<u32>,
    /// Number of columns of categories.
    categories: usize,
    /// For each feature of the design, the index of its coefficient.
    places: Vec<u32>,
}

impl Prepared {
    pub(super) fn new(design: &Design, columns: &[Column]) -> Result<Prepared, LinearError> {
        let rows = check_columns(design, columns)?;
        let is_level = |encoding: &&Encoding| matches!(encoding, Encoding::Levels(_));
        let categories = design.encodings.iter().filter(is_level).count();
        let dense = design.encodings.iter().filter(|e| !is_level(e));
        let stride = 1 + dense.map(Encoding::width).sum::<usize>();
        let places = places(design, stride);
        let count = rows.unwrap_or(0);
        let mut prepared = Prepared {
            design: design.clone(),
            rows,
            dense: vec![1.0; count * stride],
            stride,
            levels: vec![0; count * categories],
            categories,
            places,
        };
        let dense = prepared.dense.par_chunks_mut(ROWS * stride);
        // Chunks must not be empty, even if there are no categories to fill.
        let width = categories.max(1);
        prepared.levels.resize(count * width, 0);
        let levels = prepared.levels.par_chunks_mut(ROWS * width);
        let places = &prepared.places;
        dense
            .zip(levels)
            .enumerate()
            .for_each(|(chunk, (dense, levels))| {
                let first = chunk * ROWS;
                fill(
                    design,
                    columns,
                    places,
                    first,
                    (dense, stride),
                    (levels, width),
                );
            });
        if categories == 0 {
            prepared.levels = Vec::new();
        }
        Ok(prepared)
    }

    /// The design whose features these are.
    pub fn design(&self) -> &Design {
        &self.design
    }

    /// Number of rows; `None` without columns.
    pub fn rows(&self) -> Option<usize> {
        self.rows
    }

    /// Number of coefficients of one output, with the intercept.
    pub(super) fn dimension(&self) -> usize {
        1 + self.design.width()
    }

    /// The index of the coefficient of each feature of the design; that of the intercept is 0.
    pub(super) fn places(&self) -> &[u32] {
        &self.places
    }

    #[inline]
    fn dense(&self, row: u32) -> &[f64] {
        match self.rows {
            Some(_) => &self.dense[row as usize * self.stride..][..self.stride],
            None => &[1.0],
        }
    }

    /// Indices of the coefficients of a row's levels.
    #[inline]
    fn levels(&self, row: u32) -> &[u32] {
        match self.categories {
            0 => &[],
            categories => &self.levels[row as usize * categories..][..categories],
        }
    }

    /// The features of a row other than 0, as indices of coefficients (without the intercept) and
    /// values.
    pub(super) fn entries(&self, row: u32) -> impl Iterator<Item = (u32, f64)> + '_ {
        let dense = (1..).zip(&self.dense(row)[1..]);
        let dense = dense.map(|(place, &value)| (place, value));
        let levels = self.levels(row).iter().map(|&place| (place, 1.0));
        dense.filter(|(_, value)| *value != 0.0).chain(levels)
    }

    /// X · coefficients of the listed rows.
    pub(super) fn multiply(&self, rows: &[u32], coefficients: &[f64]) -> Vec<f64> {
        let (dense, _) = coefficients.split_at(self.stride);
        let mut out = vec![0.0; rows.len()];
        out.par_chunks_mut(ROWS)
            .zip(rows.par_chunks(ROWS))
            .for_each(|(out, rows)| {
                for (out, &row) in out.iter_mut().zip(rows) {
                    let mut sum = dot_alone(self.dense(row), dense);
                    for &level in self.levels(row) {
                        sum += coefficients[level as usize];
                    }
                    *out = sum;
                }
            });
        out
    }

    /// X'values over the listed rows; with `SQUARED`, of the squared entries of X.
    pub(super) fn multiply_transposed<const SQUARED: bool>(
        &self,
        rows: &[u32],
        values: &[f64],
    ) -> Vec<f64> {
        let dimension = self.dimension();
        self.sum_parts(rows.len(), dimension, |range, sum| {
            for (&row, &value) in rows[range.clone()].iter().zip(&values[range]) {
                for (sum, &entry) in sum.iter_mut().zip(self.dense(row)) {
                    *sum += value * if SQUARED { entry * entry } else { entry };
                }
                for &level in self.levels(row) {
                    sum[level as usize] += value;
                }
            }
        })
    }

    /// X' diag(values) X over the listed rows, dimension × dimension; only the lower triangle counts.
    pub(super) fn gram(&self, rows: &[u32], values: &[f64]) -> Vec<f64> {
        let dimension = self.dimension();
        self.sum_parts(rows.len(), dimension * dimension, |range, sum| {
            let blocks = rows[range.clone()].chunks(BLOCK);
            let mut scratch = GramScratch::default();
            for (rows, values) in blocks.zip(values[range].chunks(BLOCK)) {
                self.add_dense(rows, values, sum, &mut scratch);
                if self.categories > 0 {
                    self.add_levels(rows, values, sum);
                }
            }
        })
    }

    fn add_dense(&self, rows: &[u32], values: &[f64], sum: &mut [f64], scratch: &mut GramScratch) {
        let GramScratch {
            left,
            right,
            packed,
        } = scratch;
        left.clear();
        right.clear();
        for (&row, value) in rows.iter().zip(values) {
            let dense = self.dense(row);
            left.extend_from_slice(dense);
            right.extend(dense.iter().map(|entry| value * entry));
        }
        let panels = Panels::new(View::rows(right, rows.len(), self.stride));
        let left = View::rows(left, rows.len(), self.stride).transposed();
        let mut product = Product::new(left, &panels);
        product.lower = Some(0);
        product.add_to(sum, self.dimension(), packed);
    }

    fn add_levels(&self, rows: &[u32], values: &[f64], sum: &mut [f64]) {
        let dimension = self.dimension();
        for (&row, &value) in rows.iter().zip(values) {
            let (dense, levels) = (self.dense(row), self.levels(row));
            for (index, &level) in levels.iter().enumerate() {
                let out = &mut sum[level as usize * dimension..][..dimension];
                for (out, entry) in out.iter_mut().zip(dense) {
                    *out += value * entry;
                }
                for &other in &levels[..=index] {
                    out[other as usize] += value;
                }
            }
        }
    }

    /// The sum over a fixed division of the rows, in order.
    fn sum_parts(
        &self,
        rows: usize,
        length: usize,
        add: impl Fn(std::ops::Range<usize>, &mut [f64]) + Sync,
    ) -> Vec<f64> {
        let parts = chunks(rows, PART_ROWS.max(rows.div_ceil(PARTS)), |range| {
            let mut sum = vec![0.0; length];
            add(range, &mut sum);
            sum
        });
        let mut parts = parts.into_iter();
        let mut total = parts.next().unwrap_or_else(|| vec![0.0; length]);
        for part in parts {
            for (total, part) in total.iter_mut().zip(part) {
                *total += part;
            }
        }
        total
    }
}

/// Memory for a block's rows, reused.
#[derive(Default)]
struct GramScratch {
    left: Vec<f64>,
    right: Vec<f64>,
    packed: Vec<f64>,
}

/// The index of each feature's coefficient: dense ones first, from 1.
fn places(design: &Design, stride: usize) -> Vec<u32> {
    let (mut dense, mut level) = (1, stride as u32);
    let mut places = Vec::with_capacity(design.width());
    for encoding in &design.encodings {
        let next = match encoding {
            Encoding::Number(_) => &mut dense,
            Encoding::Levels(_) => &mut level,
        };
        for _ in 0..encoding.width() {
            places.push(*next);
            *next += 1;
        }
    }
    places
}

/// Fills rows from `first` on: dense values and indices of levels.
fn fill(
    design: &Design,
    columns: &[Column],
    places: &[u32],
    first: usize,
    (dense, stride): (&mut [f64], usize),
    (levels, width): (&mut [u32], usize),
) {
    let mut category = 0;
    for (index, (encoding, column)) in design.encodings.iter().zip(columns).enumerate() {
        let start = design.features(index).start;
        match (encoding, column) {
            (Encoding::Levels(encoding), Column::Categories(codes)) => {
                let rows = levels.chunks_exact_mut(width).zip(&codes[first..]);
                for (row, &code) in rows {
                    row[category] = places[start + encoding.index(code)];
                }
                category += 1;
            }
            (Encoding::Number(number), column) => {
                let place = places[start] as usize;
                for (row, out) in (first..).zip(dense.chunks_exact_mut(stride)) {
                    let value = number.standardized(column_number(column, row));
                    let is_missing = value.is_nan();
                    out[place] = if is_missing { 0.0 } else { value };
                    if number.missing.is_some() {
                        out[place + 1] = f64::from(u8::from(is_missing));
                    }
                }
            }
            // `check_columns` refuses other kinds.
            (Encoding::Levels(_), _) => {}
        }
    }
}

/// A number of a column; NaN for categories.
#[inline]
pub(super) fn column_number(column: &Column, row: usize) -> f64 {
    match column {
        Column::F32(values) => f64::from(values[row]),
        Column::F64(values) => values[row],
        Column::Categories(_) => f64::NAN,
    }
}
