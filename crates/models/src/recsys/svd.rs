//! The largest singular vectors of a sparse matrix with non-negative values, by subspace iteration
//! with a Chebyshev filter (Zhou, Saad, Tiago and Chelikowsky 2006).
//!
//! A block of columns is multiplied by a polynomial of A'A that is small below the block's smallest
//! Ritz value and grows fast above it; a Rayleigh-Ritz step then turns the block into approximate
//! vectors. Double precision, with each output summed in the order of the stored entries.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

use crate::kernels::dense::{cholesky, gram, inverse_of_triangle, multiply};
use crate::kernels::eigen;
use crate::kernels::panel::{Panels, View};

/// Number of rows multiplied by a thread at a time.
const ROWS: usize = 64;
/// Degree of the filter.
const DEGREE: usize = 4;
/// Extra columns of the block, which hold what has not converged.
const SPARE: usize = 16;

/// A sparse matrix in compressed rows, in double precision.
#[derive(Clone, Debug)]
pub struct Sparse {
    pub starts: Vec<usize>,
    pub columns: Vec<u32>,
    pub values: Vec<f64>,
    pub width: usize,
}

impl Sparse {
    /// A · block for a block of width × `size`.
    fn multiply(&self, block: &[f64], size: usize) -> Vec<f64> {
        let rows = self.starts.len() - 1;
        let mut out = vec![0.0; rows * size];
        out.par_chunks_mut(ROWS * size)
            .enumerate()
            .for_each(|(chunk, out)| {
                for (row, out) in out.chunks_exact_mut(size).enumerate() {
                    let row = chunk * ROWS + row;
                    for at in self.starts[row]..self.starts[row + 1] {
                        let value = self.values[at];
                        let from = &block[self.columns[at] as usize * size..][..size];
                        for (out, x) in out.iter_mut().zip(from) {
                            *out += value * x;
                        }
                    }
                }
            });
        out
    }
}

/// Right singular vectors in descending order of their values, columns × `rank`, row-major.
pub struct Svd {
    pub vectors: Vec<f64>,
    pub rank: usize,
}

/// The `rank` largest singular values of `a` and their right vectors, after `rounds` of the filter.
/// `transposed` is a' with its entries in a fixed order.
pub fn largest(a: &Sparse, transposed: &Sparse, rank: usize, rounds: usize, seed: u64) -> Svd {
    let size = (rank + SPARE).min(a.width).min(a.starts.len() - 1);
    let rank = rank.min(size);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = || f64::from(random.next_u32()) / f64::from(u32::MAX) - 0.5;
    let start: Vec<f64> = (0..a.width * size).map(|_| draw()).collect();
    let square = |block: &[f64]| transposed.multiply(&a.multiply(block, size), size);
    let mut block = square(&start);
    let mut values = ritz(a, &mut block, size);
    for _ in 0..rounds {
        let bound = values.last().copied().unwrap_or(0.0).max(1e-12);
        block = filter(&square, block, bound, values[0]);
        values = ritz(a, &mut block, size);
    }
    Svd {
        vectors: block
            .chunks_exact(size)
            .flat_map(|row| &row[..rank])
            .copied()
            .collect(),
        rank,
    }
}

/// T_d((2 A'A - bound) / bound) · block, scaled so that the largest direction does not overflow.
fn filter(square: &impl Fn(&[f64]) -> Vec<f64>, block: Vec<f64>, bound: f64, top: f64) -> Vec<f64> {
    let half = bound / 2.0;
    let grow = half / (top - half); // 1 / T_1 at the top
    let mut scale = grow;
    let mut before = block;
    let mut now = square(&before);
    now.par_iter_mut()
        .zip(&before)
        .for_each(|(y, x)| *y = (*y - half * x) * (scale / half));
    for _ in 1..DEGREE {
        let next_scale = 1.0 / (2.0 / grow - scale);
        let mut next = square(&now);
        let (a, b) = (2.0 * next_scale / half, scale * next_scale);
        next.par_iter_mut()
            .zip(&now)
            .zip(&before)
            .for_each(|((y, x), old)| *y = (*y - half * x) * a - b * old);
        (before, now, scale) = (now, next, next_scale);
    }
    now
}

/// Turns a block Y into orthonormal Ritz vectors of A'A, in descending order of their values: with
/// Y'Y = L L' and L^-1 (AY)'(AY) L^-T = W Λ W', they are Y L^-T W.
fn ritz(a: &Sparse, block: &mut Vec<f64>, size: usize) -> Vec<f64> {
    let inverse = inverse_of_triangle(&factor(block, size), size);
    let image = gram(&a.multiply(block, size), size);
    // L^-1 H, then (L^-1 H) L^-T; both factors as rows.
    let half = multiply(&inverse, &Panels::new(View::rows(&image, size, size)));
    let back = Panels::new(View::rows(&inverse, size, size).transposed());
    let (values, vectors) = eigen::symmetric(&multiply(&half, &back), size);
    // (L^-T W)' = W' L^-1: its rows are columns to multiply by.
    let turn = multiply(&vectors, &Panels::new(View::rows(&inverse, size, size)));
    *block = multiply(
        block,
        &Panels::new(View::rows(&turn, size, size).transposed()),
    );
    values
}

/// L of Y'Y = L L', with a small diagonal added where directions are lost to rounding.
fn factor(block: &[f64], size: usize) -> Vec<f64> {
    let products = gram(block, size);
    let trace: f64 = (0..size).map(|i| products[i * size + i]).sum();
    let mut ridge = 0.0f64;
    loop {
        assert!(
            ridge.is_finite(),
            "the matrix has values that are not finite"
        );
        let mut l = products.clone();
        (0..size).for_each(|i| l[i * size + i] += ridge);
        if cholesky(&mut l, size) {
            return l;
        }
        ridge = (ridge * 10.0)
            .max(trace * 1e-15)
            .max(f64::MIN_POSITIVE * 1e20);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dense(rows: usize, width: usize) -> (Sparse, Sparse) {
        let value = |i: usize, j: usize| 1.0 + libm::sin((i * i * 3 + j * j * 5 + i * j) as f64);
        let build = |rows: usize, width: usize, value: &dyn Fn(usize, usize) -> f64| Sparse {
            starts: (0..=rows).map(|row| row * width).collect(),
            columns: (0..rows).flat_map(|_| 0..width as u32).collect(),
            values: (0..rows)
                .flat_map(|i| (0..width).map(move |j| (i, j)))
                .map(|(i, j)| value(i, j))
                .collect(),
            width,
        };
        (
            build(rows, width, &value),
            build(width, rows, &|i, j| value(j, i)),
        )
    }

    #[test]
    fn vectors_are_those_of_the_gram_matrix() {
        let (a, transposed) = dense(60, 40);
        let svd = largest(&a, &transposed, 5, 8, 3);
        let (values, _) = eigen::symmetric(&gram(&a.values, 40), 40);
        for (k, value) in values.iter().enumerate().take(5) {
            // A'A v = σ² v
            let v: Vec<f64> = (0..40).map(|i| svd.vectors[i * 5 + k]).collect();
            let image = transposed.multiply(&a.multiply(&v, 1), 1);
            for (x, y) in image.iter().zip(&v) {
                assert!((x - value * y).abs() < 1e-5, "{k}");
            }
        }
    }

    #[test]
    fn the_rank_is_at_most_the_number_of_columns() {
        let (a, transposed) = dense(3, 8);
        assert_eq!(largest(&a, &transposed, 50, 2, 1).rank, 3);
    }
}
