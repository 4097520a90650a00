//! Sparse matrices in compressed rows, and their products with dense vectors and blocks.
//!
//! Values are `f32` (half the memory traffic of `f64`, and TF-IDF has at most seven meaningful
//! digits); sums have the precision of the dense side. Each output element is summed by one thread
//! in the order of the stored entries, so products do not depend on the number of threads. Xᵀu of
//! one vector is summed over a few fixed parts of the rows; XᵀV of many vectors uses a transposed
//! copy, since parts would cost features × classes each, which is more at 77 classes.

use std::borrow::Cow;
use std::ops::AddAssign;

use rayon::prelude::*;

use super::kernels::real::Real;

/// Number of outputs per task: large enough to amortize scheduling, small enough to balance.
const ROWS_PER_TASK: usize = 128;
/// Maximum number of parts into which the rows of a sum are divided.
const MOST_PARTS: usize = 8;
/// Number of columns whose parts are added by one task.
const COLUMNS_PER_TASK: usize = 8192;
/// Numbers of outputs that are summed in registers in parallel: the larger if they fit.
const WIDE: usize = 32;
const NARROW: usize = 8;
/// Number of independent partial sums of a sparse dot product, which hides the latency of
/// additions.
const LANES: usize = 4;

/// Compressed sparse rows: `indices` and `values` of row i are at `starts[i]..starts[i + 1]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    columns: usize,
    starts: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
}

impl<'a> From<&'a Matrix> for Cow<'a, Matrix> {
    fn from(matrix: &'a Matrix) -> Cow<'a, Matrix> {
        Cow::Borrowed(matrix)
    }
}

impl From<Matrix> for Cow<'_, Matrix> {
    fn from(matrix: Matrix) -> Self {
        Cow::Owned(matrix)
    }
}

impl Matrix {
    /// Creates a matrix without rows.
    pub fn new(columns: usize) -> Matrix {
        Matrix {
            columns,
            starts: vec![0],
            indices: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of stored entries.
    pub fn entries(&self) -> usize {
        self.values.len()
    }

    /// Column indices and values of one row.
    pub fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let range = self.starts[row]..self.starts[row + 1];
        (&self.indices[range.clone()], &self.values[range])
    }

    /// Appends a row.
    ///
    /// # Panics
    /// If the lengths differ or an index is not below `columns`.
    pub fn push(&mut self, indices: &[u32], values: &[f32]) {
        assert_eq!(
            indices.len(),
            values.len(),
            "expected as many indices as values"
        );
        assert!(
            indices.iter().all(|&i| (i as usize) < self.columns),
            "expected indices below the number of columns"
        );
        self.indices.extend_from_slice(indices);
        self.values.extend_from_slice(values);
        self.starts.push(self.values.len());
    }

    /// Makes room for `rows` rows in all, if they are as full as those so far. Growing by doubling
    /// would copy a large matrix, and take up to three times its room while it does.
    pub fn expect(&mut self, rows: usize) {
        let full = self.entries() * rows / self.rows().max(1);
        if self.values.capacity() < full {
            let more = full + full / 16 - self.entries();
            self.indices.reserve_exact(more);
            self.values.reserve_exact(more);
        }
    }

    /// Selects rows, in the given order.
    pub fn select(&self, rows: &[usize]) -> Matrix {
        let mut selected = Matrix::new(self.columns);
        let entries = rows
            .iter()
            .map(|&row| self.starts[row + 1] - self.starts[row])
            .sum();
        selected.indices.reserve_exact(entries);
        selected.values.reserve_exact(entries);
        for &row in rows {
            let (indices, values) = self.row(row);
            selected.indices.extend_from_slice(indices);
            selected.values.extend_from_slice(values);
            selected.starts.push(selected.values.len());
        }
        selected
    }

    /// Appends the rows of another matrix of the same width.
    ///
    /// # Panics
    /// If the widths differ.
    pub fn append(&mut self, part: &Matrix) {
        assert_eq!(
            part.columns, self.columns,
            "expected matrices of the same width"
        );
        let before = self.values.len();
        self.indices.extend_from_slice(&part.indices);
        self.values.extend_from_slice(&part.values);
        let starts = part.starts[1..].iter();
        self.starts.extend(starts.map(|start| start + before));
    }

    /// The transposed matrix; the entries of each row are in ascending order of index.
    pub fn transposed(&self) -> Matrix {
        let mut starts = vec![0; self.columns + 1];
        for &index in &self.indices {
            starts[index as usize + 1] += 1;
        }
        for column in 0..self.columns {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let mut indices = vec![0; self.entries()];
        let mut values = vec![0.0; self.entries()];
        for row in 0..self.rows() {
            let (columns, entries) = self.row(row);
            for (&column, &value) in columns.iter().zip(entries) {
                let place = &mut next[column as usize];
                indices[*place] = u32::try_from(row).expect("fewer than 2^32 rows");
                values[*place] = value;
                *place += 1;
            }
        }
        Matrix {
            columns: self.rows(),
            starts,
            indices,
            values,
        }
    }

    /// out = X V, where V is `columns` × `width` and out is `rows` × `width`, both row-major.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::sparse::Matrix;
    ///
    /// // Two rows: (1, 0, 2) and (0, 3, 0).
    /// let mut matrix = Matrix::new(3);
    /// matrix.push(&[0, 2], &[1.0, 2.0]);
    /// matrix.push(&[1], &[3.0]);
    /// let mut out = [0.0; 2];
    /// matrix.multiply(&[1.0, 10.0, 100.0], 1, &mut out);
    /// assert_eq!(out, [201.0, 30.0]);
    /// assert_eq!(matrix.transposed().row(1), (&[1][..], &[3.0][..]));
    /// ```
    pub fn multiply<T: Real>(&self, block: &[T], width: usize, out: &mut [T]) {
        self.multiply_by::<T, false>(block, width, out);
    }

    /// Like [`Matrix::multiply`], with every entry of X squared.
    pub fn multiply_squared<T: Real>(&self, block: &[T], width: usize, out: &mut [T]) {
        self.multiply_by::<T, true>(block, width, out);
    }

    fn multiply_by<T: Real, const SQUARED: bool>(&self, block: &[T], width: usize, out: &mut [T]) {
        assert_eq!(
            block.len(),
            self.columns * width,
            "expected a block of columns x width"
        );
        assert_eq!(
            out.len(),
            self.rows() * width,
            "expected an output of rows x width"
        );
        out.par_chunks_mut(ROWS_PER_TASK * width)
            .enumerate()
            .for_each(|(task, out)| {
                let rows = task * ROWS_PER_TASK..;
                if width > 1 {
                    return self.combine::<T, SQUARED>(rows.start, block, width, out);
                }
                for (row, out) in rows.zip(out) {
                    let (indices, values) = self.row(row);
                    *out = dot::<T, T, SQUARED>(indices, values, block);
                }
            });
    }

    /// Rows of X V from `first`. Outputs are in parallel registers, each summed independently, so
    /// wider registers change no bit.
    fn combine<T: Real, const SQUARED: bool>(
        &self,
        first: usize,
        block: &[T],
        width: usize,
        out: &mut [T],
    ) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { combine_avx2::<T, SQUARED>(self, first, block, width, out) };
        }
        combine::<T, SQUARED>(self, first, block, width, out);
    }

    /// Sums over rows by column, like Xᵀ u: for every entry of a row, `add` adds a term to the sum
    /// of the entry's column in `out`. `term` gets the row's index, column indices and values, and
    /// may depend on X itself, so that X is read only once. A row without a term is skipped.
    /// `notes` has one element per row for `term` to write.
    ///
    /// Rows are divided into a few parts of fixed size, each summed separately; the number of parts
    /// depends only on the matrix. `parts` is a buffer for their sums. Returns the sum of the
    /// terms.
    pub fn gather<S, T, N>(
        &self,
        parts: &mut Vec<S>,
        notes: &mut [N],
        term: impl Fn(usize, &[u32], &[f32], &mut N) -> Option<T> + Sync,
        add: impl Fn(&mut S, &T, f32) + Sync,
        out: &mut [S],
    ) -> T
    where
        S: Copy + Default + AddAssign + Send + Sync,
        T: Copy + Default + AddAssign + Send,
        N: Send,
    {
        assert_eq!(out.len(), self.columns, "expected one output per column");
        assert_eq!(notes.len(), self.rows(), "expected one note per row");
        let count = (self.entries() / (2 * self.columns).max(1)).clamp(1, MOST_PARTS);
        let size = self.rows().div_ceil(count).max(1);
        parts.resize(count * self.columns, S::default());
        let notes = notes.par_chunks_mut(size).enumerate();
        let sums = parts.par_chunks_mut(self.columns.max(1));
        let totals = notes.zip(sums).map(|((part, notes), sums)| {
            sums.fill(S::default());
            let mut total = T::default();
            for (row, note) in (part * size..).zip(notes) {
                let (indices, values) = self.row(row);
                let Some(term) = term(row, indices, values, note) else {
                    continue;
                };
                total += term;
                for (&index, &value) in indices.iter().zip(values) {
                    add(&mut sums[index as usize], &term, value);
                }
            }
            total
        });
        let totals: Vec<T> = totals.collect();
        let parts = &parts[..totals.len() * self.columns];
        let columns = out.par_chunks_mut(COLUMNS_PER_TASK).enumerate();
        columns.for_each(|(task, out)| {
            let start = task * COLUMNS_PER_TASK;
            out.fill(S::default());
            for part in parts.chunks_exact(self.columns) {
                let sums = &part[start..start + out.len()];
                out.iter_mut().zip(sums).for_each(|(out, sum)| *out += *sum);
            }
        });
        let mut total = T::default();
        totals.into_iter().for_each(|part| total += part);
        total
    }
}

#[inline(always)]
fn entry<T: Real, const SQUARED: bool>(value: f32) -> T {
    let value = T::from(value);
    if SQUARED { value * value } else { value }
}

/// Σ value · dense\[index\], in fixed lanes of the precision of `T`.
#[inline]
pub fn dot<T: Real, D: Copy + Into<T>, const SQUARED: bool>(
    indices: &[u32],
    values: &[f32],
    dense: &[D],
) -> T {
    let mut lanes = [T::default(); LANES];
    let (index_lanes, value_lanes) = (indices.chunks_exact(LANES), values.chunks_exact(LANES));
    let mut rest = T::default();
    for (&i, &v) in index_lanes.remainder().iter().zip(value_lanes.remainder()) {
        rest += entry::<T, SQUARED>(v) * dense[i as usize].into();
    }
    for (indices, values) in index_lanes.zip(value_lanes) {
        for lane in 0..LANES {
            let value = dense[indices[lane] as usize].into();
            lanes[lane] += entry::<T, SQUARED>(values[lane]) * value;
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + rest
}

/// Like [`Matrix::combine`].
#[inline(always)]
fn combine<T: Real, const SQUARED: bool>(
    matrix: &Matrix,
    first: usize,
    block: &[T],
    width: usize,
    out: &mut [T],
) {
    for (row, out) in (first..).zip(out.chunks_exact_mut(width)) {
        let row = matrix.row(row);
        let mut at = 0;
        while at + WIDE <= width {
            tile::<T, SQUARED, WIDE>(row, block, at, out);
            at += WIDE;
        }
        while at < width {
            // If fewer are left than a tile holds, the tile starts further left: outputs summed
            // twice get the same sum.
            match width {
                NARROW.. => tile::<T, SQUARED, NARROW>(row, block, at.min(width - NARROW), out),
                _ => tile::<T, SQUARED, 1>(row, block, at, out),
            }
            at += if width < NARROW { 1 } else { NARROW };
        }
    }
}

/// Computes N outputs of a row of X V from output `at`, in registers.
#[inline(always)]
fn tile<T: Real, const SQUARED: bool, const N: usize>(
    (indices, values): (&[u32], &[f32]),
    block: &[T],
    at: usize,
    out: &mut [T],
) {
    let width = out.len();
    let mut sums = [T::default(); N];
    for (&index, &value) in indices.iter().zip(values) {
        let value = entry::<T, SQUARED>(value);
        let weights = &block[index as usize * width + at..][..N];
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum += value * *weight;
        }
    }
    out[at..at + N].copy_from_slice(&sums);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn combine_avx2<T: Real, const SQUARED: bool>(
    matrix: &Matrix,
    first: usize,
    block: &[T],
    width: usize,
    out: &mut [T],
) {
    combine::<T, SQUARED>(matrix, first, block, width, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 0 2
    /// 0 0 0
    /// 0 3 4
    fn small() -> Matrix {
        let mut matrix = Matrix::new(3);
        matrix.push(&[0, 2], &[1.0, 2.0]);
        matrix.push(&[], &[]);
        matrix.push(&[1, 2], &[3.0, 4.0]);
        matrix
    }

    #[test]
    fn products_by_hand() {
        let mut out = [0.0; 3];
        small().multiply(&[1.0, 10.0, 100.0], 1, &mut out);
        assert_eq!(out, [201.0, 0.0, 430.0]);
        small()
            .transposed()
            .multiply(&[1.0, 10.0, 100.0], 1, &mut out);
        assert_eq!(out, [1.0, 300.0, 402.0]);
        small().multiply_squared(&[1.0, 10.0, 100.0], 1, &mut out);
        assert_eq!(out, [401.0, 0.0, 1690.0]);
    }

    #[test]
    fn gathered_is_transposed() {
        let mut matrix = Matrix::new(7);
        let entries = (0..700_u32).map(|i| ((i * 3) % 7, (i % 11) as f32));
        entries.for_each(|(column, value)| matrix.push(&[column], &[value]));
        let u: Vec<f64> = (0..700).map(|row| f64::from(row % 13)).collect();
        let (mut direct, mut gathered) = ([0.0; 7], [0.0; 7]);
        matrix.transposed().multiply(&u, 1, &mut direct);
        let (mut parts, mut notes) = (Vec::new(), vec![false; 700]);
        let term = |row: usize, _: &[u32], _: &[f32], note: &mut bool| {
            *note = u[row] > 0.0;
            note.then_some(u[row])
        };
        let add = |sum: &mut f64, u: &f64, value: f32| *sum += u * f64::from(value);
        let total = matrix.gather(&mut parts, &mut notes, term, add, &mut gathered);
        assert_eq!(direct, gathered);
        assert_eq!(total, u.iter().sum::<f64>());
        assert_eq!(notes.iter().filter(|note| !**note).count(), 54);
        assert!(parts.len() > 7);
    }

    #[test]
    fn a_block_is_its_columns() {
        let mut out = [0.0; 6];
        small().multiply(&[1.0, -1.0, 10.0, -10.0, 100.0, -100.0], 2, &mut out);
        assert_eq!(out, [201.0, -201.0, 0.0, 0.0, 430.0, -430.0]);
    }

    /// Every number of outputs, with and without room for tiles.
    #[test]
    fn tiles_do_not_change_a_bit() {
        let mut matrix = Matrix::new(50);
        for row in 0..9_u32 {
            let indices: Vec<u32> = (0..20).map(|i| (i * 7 + row) % 50).collect();
            let values: Vec<f32> = (0..20).map(|i| ((i + row) % 13) as f32 / 7.0).collect();
            matrix.push(&indices, &values);
        }
        for width in 2..=78 {
            let block: Vec<f32> = (0..50 * width).map(|i| (i % 101) as f32 / 9.0).collect();
            let mut out = vec![0.0; 9 * width];
            matrix.multiply(&block, width, &mut out);
            for (i, out) in out.iter().enumerate() {
                let (indices, values) = matrix.row(i / width);
                let entries = indices.iter().zip(values);
                let terms = entries.map(|(&j, v)| v * block[j as usize * width + i % width]);
                assert_eq!(terms.fold(0.0, |sum: f32, term| sum + term), *out);
            }
        }
    }

    #[test]
    fn transposing_twice_gives_the_matrix_back() {
        assert_eq!(small().transposed().transposed(), small());
        assert_eq!(small().transposed().row(2), (&[0, 2][..], &[2.0, 4.0][..]));
    }

    #[test]
    fn parts_join_in_order() {
        let mut whole = small();
        whole.append(&Matrix::new(3));
        whole.append(&small());
        assert_eq!(whole.rows(), 6);
        assert_eq!(whole.row(5), small().row(2));
    }
}
