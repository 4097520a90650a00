//! Gradients and Hessians of one tree as integers, so that their sums are the same in any order.
//!
//! Splits are found with small integers: gradients of at most ±[`MAX_GRADIENT`], Hessians of at most
//! [`MAX_HESSIAN`], each with a scale that is a power of two. What does not fit is rounded up or down
//! at random, with probabilities that keep the expected value (Shi et al., "Quantized training of
//! gradient boosting decision trees", 2022). The draw depends on seed, tree and row only. Leaf values
//! come from sums in fixed point with the full 62 bits, so rounding costs no precision there.

use rayon::prelude::*;

use super::draws::Stream;
use super::rows::Row;

/// Largest quantized gradient: 8192 of them fit 25 bits with sign (see `histogram`).
pub(super) const MAX_GRADIENT: i32 = 2047;
/// Largest quantized Hessian: 8192 of them fit 25 bits.
pub(super) const MAX_HESSIAN: i32 = 4095;
/// Rows of one task.
const CHUNK: usize = 16384;
/// Rows whose derivatives are computed together; they are still in the first cache afterwards.
const BLOCK: usize = 256;

/// Gradients and Hessians of all rows of a table.
pub(super) struct Gradients {
    /// As computed.
    exact: Vec<[f64; 2]>,
    /// From exact to quantized values: powers of two.
    scales: [f64; 2],
    /// What one unit of a quantized gradient and Hessian is worth: powers of two.
    pub units: [f64; 2],
    /// From exact values to fixed point: powers of two.
    fixed: [f64; 2],
}

impl Gradients {
    pub fn new(rows: usize) -> Gradients {
        Gradients {
            exact: vec![[0.0; 2]; rows],
            scales: [1.0; 2],
            units: [1.0; 2],
            fixed: [1.0; 2],
        }
    }

    /// Computes the derivatives of every row; `derivatives` writes those of the rows from a first
    /// one on, zeros for rows left out.
    pub fn compute(&mut self, derivatives: impl Fn(usize, &mut [[f64; 2]]) + Sync) {
        let chunks = self.exact.par_chunks_mut(CHUNK).enumerate();
        let largest = chunks
            .map(|(chunk, exact)| {
                let mut largest = [0.0_f64; 2];
                for (block, exact) in exact.chunks_mut(BLOCK).enumerate() {
                    derivatives(chunk * CHUNK + block * BLOCK, exact);
                    for pair in exact {
                        let [g, h] = *pair;
                        *pair = [g.clamp(-f64::MAX, f64::MAX), h.clamp(0.0, f64::MAX)];
                        largest = larger(largest, [pair[0].abs(), pair[1]]);
                    }
                }
                largest
            })
            .reduce(|| [0.0; 2], larger);
        let rows = self.exact.len().max(1) as f64;
        let room = (1_u64 << 62) as f64 / rows;
        self.fixed = largest.map(|largest| power_of_two(largest, room));
        self.scales = [
            power_of_two(largest[0], f64::from(MAX_GRADIENT)),
            power_of_two(largest[1], f64::from(MAX_HESSIAN)),
        ];
        self.units = self.scales.map(|scale| 1.0 / scale);
    }

    /// Quantizes the derivatives of some rows: the gradient in the upper half of the pair, the Hessian
    /// in the lower.
    pub fn quantize(&self, rows: &mut [Row], stream: Stream) {
        let chunks = rows.par_chunks_mut(CHUNK);
        chunks.for_each(|rows| {
            rows.iter_mut()
                .for_each(|row| *row = self.row(row.index, stream));
        });
    }

    /// Lists and quantizes all rows.
    pub fn quantize_all(&self, rows: &mut [Row], stream: Stream) {
        let chunks = rows.par_chunks_mut(CHUNK).enumerate();
        chunks.for_each(|(chunk, rows)| {
            let indices = (chunk * CHUNK) as u32..;
            rows.iter_mut()
                .zip(indices)
                .for_each(|(row, index)| *row = self.row(index, stream));
        });
    }

    #[inline]
    fn row(&self, index: u32, stream: Stream) -> Row {
        let draw = stream.bits(u64::from(index));
        Row {
            index,
            pair: quantize(self.exact[index as usize], self.scales, draw),
        }
    }

    /// Adds rows to the sums of their leaves, in fixed point, given the leaf of each row from `first`
    /// on; rows beyond the number of leaves are in none.
    pub fn add(&self, first: usize, leaf_of: &[u32], sums: &mut [[i64; 2]]) {
        for ([g, h], &leaf) in self.exact[first..].iter().zip(leaf_of) {
            if let Some(sum) = sums.get_mut(leaf as usize) {
                sum[0] += (g * self.fixed[0]) as i64;
                sum[1] += (h * self.fixed[1]) as i64;
            }
        }
    }

    /// Fixed-point sums as numbers.
    pub fn unfixed(&self, sums: [i64; 2]) -> [f64; 2] {
        [
            sums[0] as f64 / self.fixed[0],
            sums[1] as f64 / self.fixed[1],
        ]
    }
}

fn larger(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0].max(b[0]), a[1].max(b[1])]
}

/// The largest power of two that keeps `largest` times it within `limit`; at most 2^996, so that it is
/// finite.
fn power_of_two(largest: f64, limit: f64) -> f64 {
    if largest == 0.0 {
        return 1.0;
    }
    let ratio = (limit / largest).clamp(f64::MIN_POSITIVE, 1e300);
    // Without the bits below the exponent a number is a power of two, not above it.
    f64::from_bits(ratio.to_bits() >> 52 << 52)
}

/// Rounds both values at random and packs them.
#[inline]
fn quantize(exact: [f64; 2], scales: [f64; 2], bits: u64) -> u32 {
    const UNIT: f64 = 1.0 / (1_u64 << 32) as f64;
    /// Makes gradients positive: conversion to an integer cuts towards zero.
    const SHIFT: i32 = MAX_GRADIENT + 1;
    let draw = f64::from(bits as u32) * UNIT;
    let g = (exact[0] * scales[0] + f64::from(SHIFT) + draw) as i32 - SHIFT;
    let draw = f64::from((bits >> 32) as u32) * UNIT;
    let h = (exact[1] * scales[1] + draw) as i32;
    (g << 16) as u32 | h as u32
}

/// The two halves of a pair.
#[cfg(test)]
pub(super) fn unpack(pair: u32) -> [i64; 2] {
    [i64::from(pair as i32 >> 16), i64::from(pair & 0xffff)]
}

#[cfg(test)]
mod tests {
    use super::super::draws::Purpose;
    use super::*;

    fn compute(gradients: &mut Gradients, derivatives: impl Fn(usize) -> [f64; 2] + Sync) {
        gradients.compute(|first, to| {
            let rows = to.iter_mut().enumerate();
            rows.for_each(|(place, to)| *to = derivatives(first + place));
        });
    }

    fn quantized(gradients: &Gradients) -> Vec<Row> {
        let stream = Stream::new(1, Purpose::Rounding, 0);
        let mut rows = vec![Row::default(); gradients.exact.len()];
        gradients.quantize_all(&mut rows, stream);
        // The same for rows that are listed, in any order.
        let mut listed = rows.clone();
        listed.reverse();
        listed.iter_mut().for_each(|row| row.pair = 7);
        gradients.quantize(&mut listed, stream);
        listed.reverse();
        assert_eq!(listed, rows);
        rows
    }

    #[test]
    fn scales_are_powers_of_two_that_fit() {
        for largest in [1.0, 0.25, 3.7e-9, 1e300, 2047.0, 5e-324] {
            let scale = power_of_two(largest, 2047.0);
            assert!(largest * scale <= 2047.0);
            assert_eq!(scale.to_bits() << 12, 0, "{scale} is not a power of two");
            assert!(largest * scale > 1023.0 || largest < 1e-290);
        }
        assert_eq!(power_of_two(0.0, 2047.0), 1.0);
        assert_eq!(power_of_two(1.0, 2047.0), 1024.0);
    }

    #[test]
    fn values_on_the_grid_are_kept_and_others_on_average() {
        let values = [0.5, 1.0, -1.0, -0.25, 0.1, -0.7];
        let mut gradients = Gradients::new(60_000);
        compute(&mut gradients, |row| [values[row % 6], 0.125]);
        assert_eq!(gradients.units, [1.0 / 1024.0, 1.0 / 16384.0]);
        let mut sums = [0.0; 6];
        for row in quantized(&gradients) {
            let [g, h] = unpack(row.pair);
            sums[row.index as usize % 6] += g as f64 / 1024.0;
            assert_eq!(h, 2048);
        }
        for (value, sum) in values.iter().zip(sums) {
            // On the grid of 1/1024 rounding is exact; else its standard error is below 5e-6.
            let error = (sum / 10_000.0 - value).abs();
            let limit = if (value * 1024.0_f64).fract() == 0.0 {
                0.0
            } else {
                2e-5
            };
            assert!(error <= limit, "{value}: {error}");
        }
    }

    #[test]
    fn extremes_stay_in_range() {
        let values = [f64::MAX, -f64::MAX, f64::INFINITY, 0.0, 1e-300];
        let mut gradients = Gradients::new(5);
        compute(&mut gradients, |row| [values[row], values[row]]);
        for row in quantized(&gradients) {
            let [g, h] = unpack(row.pair);
            assert!(g.abs() <= i64::from(MAX_GRADIENT) && h <= i64::from(MAX_HESSIAN));
        }
    }

    #[test]
    fn fixed_point_sums_are_close() {
        let mut gradients = Gradients::new(1000);
        compute(&mut gradients, |row| [(row as f64).sin(), 0.3]);
        let leaf_of: Vec<u32> = (0..1000).map(|row| row % 3).collect();
        let mut sums = [[0; 2]; 2];
        gradients.add(0, &leaf_of[..400], &mut sums);
        gradients.add(400, &leaf_of[400..], &mut sums);
        for (leaf, sums) in sums.into_iter().enumerate() {
            let [g, h] = gradients.unfixed(sums);
            let rows: Vec<usize> = (leaf..1000).step_by(3).collect();
            let expected: f64 = rows.iter().map(|&row| (row as f64).sin()).sum();
            assert!((g - expected).abs() < 1e-10);
            assert!((h - 0.3 * rows.len() as f64).abs() < 1e-10);
        }
    }
}
