//! Sparse matrices in compressed rows, and their products with dense vectors and blocks.
//!
//! Values are `f32` (half the memory traffic of `f64`, and TF-IDF carries no more than seven digits
//! of meaning); every sum runs in `f64`. Each output element is summed by one thread in the order of
//! the stored entries, so that products do not depend on the number of threads. X'V goes through a
//! transposed copy for the same reason: per-thread partial vectors would cost features × classes
//! each, which at 77 classes is more than the copy.

use rayon::prelude::*;

/// Outputs computed by one task: large enough to amortise scheduling, small enough to balance.
const ROWS_PER_TASK: usize = 128;
/// Independent partial sums of a sparse dot product: hides the latency of the addition.
const LANES: usize = 4;

/// Compressed sparse rows: `indices` and `values` of row i stand at `starts[i]..starts[i + 1]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    columns: usize,
    starts: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
}

impl Matrix {
    /// A matrix of no rows yet.
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

    /// Adds a row at the end.
    ///
    /// # Panics
    /// When the lengths differ or an index is not below `columns`.
    pub fn push(&mut self, indices: &[u32], values: &[f32]) {
        assert_eq!(indices.len(), values.len(), "as many indices as values");
        assert!(
            indices.iter().all(|&i| (i as usize) < self.columns),
            "index within the columns"
        );
        self.indices.extend_from_slice(indices);
        self.values.extend_from_slice(values);
        self.starts.push(self.values.len());
    }

    /// Some of the rows, in the order given.
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

    /// Rows of all parts, in order.
    pub fn concatenate(columns: usize, parts: Vec<Matrix>) -> Matrix {
        let mut whole = Matrix::new(columns);
        let entries = parts.iter().map(Matrix::entries).sum();
        whole.indices.reserve_exact(entries);
        whole.values.reserve_exact(entries);
        for part in parts {
            assert_eq!(part.columns, columns, "parts of the same width");
            let before = whole.values.len();
            whole.indices.extend_from_slice(&part.indices);
            whole.values.extend_from_slice(&part.values);
            whole
                .starts
                .extend(part.starts[1..].iter().map(|start| start + before));
        }
        whole
    }

    /// The transposed matrix; entries of each of its rows are in ascending order of index.
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
                indices[*place] = u32::try_from(row).expect("rows are counted in 32 bits");
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
    pub fn multiply(&self, block: &[f64], width: usize, out: &mut [f64]) {
        self.multiply_by(block, width, out, |value| value);
    }

    /// As [`Matrix::multiply`], with every entry of X squared.
    pub fn multiply_squared(&self, block: &[f64], width: usize, out: &mut [f64]) {
        self.multiply_by(block, width, out, |value| value * value);
    }

    fn multiply_by(
        &self,
        block: &[f64],
        width: usize,
        out: &mut [f64],
        entry: impl Fn(f64) -> f64 + Sync + Copy,
    ) {
        assert_eq!(
            block.len(),
            self.columns * width,
            "block of columns x width"
        );
        assert_eq!(out.len(), self.rows() * width, "output of rows x width");
        out.par_chunks_mut(ROWS_PER_TASK * width)
            .enumerate()
            .for_each(|(task, out)| {
                for (i, out) in out.chunks_exact_mut(width).enumerate() {
                    let (indices, values) = self.row(task * ROWS_PER_TASK + i);
                    if width == 1 {
                        out[0] = dot(indices, values, block, entry);
                    } else {
                        combine(indices, values, block, out, entry);
                    }
                }
            });
    }
}

/// Σ value · dense[index], in fixed lanes.
#[inline]
fn dot(indices: &[u32], values: &[f32], dense: &[f64], entry: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let (index_lanes, value_lanes) = (indices.chunks_exact(LANES), values.chunks_exact(LANES));
    let rest = index_lanes.remainder().iter().zip(value_lanes.remainder());
    let rest: f64 = rest
        .map(|(&i, &v)| entry(f64::from(v)) * dense[i as usize])
        .sum();
    for (indices, values) in index_lanes.zip(value_lanes) {
        for lane in 0..LANES {
            lanes[lane] += entry(f64::from(values[lane])) * dense[indices[lane] as usize];
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + rest
}

/// out = Σ value · block[index], the inner loop over the columns of the block.
#[inline]
fn combine(
    indices: &[u32],
    values: &[f32],
    block: &[f64],
    out: &mut [f64],
    entry: impl Fn(f64) -> f64,
) {
    let width = out.len();
    out.fill(0.0);
    for (&index, &value) in indices.iter().zip(values) {
        let value = entry(f64::from(value));
        let start = index as usize * width;
        for (out, weight) in out.iter_mut().zip(&block[start..start + width]) {
            *out += value * weight;
        }
    }
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
    fn a_block_is_its_columns() {
        let mut out = [0.0; 6];
        small().multiply(&[1.0, -1.0, 10.0, -10.0, 100.0, -100.0], 2, &mut out);
        assert_eq!(out, [201.0, -201.0, 0.0, 0.0, 430.0, -430.0]);
    }

    #[test]
    fn transposing_twice_gives_the_matrix_back() {
        assert_eq!(small().transposed().transposed(), small());
        assert_eq!(small().transposed().row(2), (&[0, 2][..], &[2.0, 4.0][..]));
    }

    #[test]
    fn parts_join_in_order() {
        let whole = Matrix::concatenate(3, vec![small(), Matrix::new(3), small()]);
        assert_eq!(whole.rows(), 6);
        assert_eq!(whole.row(5), small().row(2));
    }
}
