//! Histograms of gradients: for each bin of each column the sums over the rows of a node.
//!
//! While rows are added, gradient, Hessian and number of rows of a bin are packed into one 64-bit
//! integer, so that a row costs one addition per column:
//!
//! | bits | 63..39 | 38..14 | 13..0 |
//! |---|---|---|---|
//! | holds | gradient, signed | Hessian | rows |
//!
//! [`FLUSH`] = 8192 rows fit: 8192 ≤ 2^14 - 1, 8192 × 4095 < 2^25, 8192 × 2047 < 2^24. Then the packed
//! sums are added to wide ones ([`Bin`]). All are integers: any order of rows and any division into
//! tasks gives the same sums.

use std::ops::{AddAssign, Range, Sub};

use super::bins::Bins;

/// Rows between two additions of packed to wide sums.
pub(super) const FLUSH: usize = 8192;

/// Sums over the rows of a bin or a node, in quantized units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub g: i64,
    pub h: i64,
    pub rows: i64,
}

impl AddAssign for Sums {
    #[inline]
    fn add_assign(&mut self, other: Sums) {
        self.g += other.g;
        self.h += other.h;
        self.rows += other.rows;
    }
}

impl Sub for Sums {
    type Output = Sums;

    #[inline]
    fn sub(self, other: Sums) -> Sums {
        Sums {
            g: self.g - other.g,
            h: self.h - other.h,
            rows: self.rows - other.rows,
        }
    }
}

/// Sums over the rows of a bin, packed like those of a few rows, but into 128 bits:
///
/// | bits | 127..75 | 74..32 | 31..0 |
/// |---|---|---|---|
/// | holds | gradient, signed | Hessian | rows |
///
/// That holds 2^31 rows (2^31 × 4095 < 2^43), in two thirds of the memory that [`Sums`] take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bin(i128);

impl AddAssign for Bin {
    #[inline]
    fn add_assign(&mut self, other: Bin) {
        self.0 += other.0;
    }
}

impl Bin {
    /// Whether no row is in it.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 as u32 == 0
    }

    #[inline]
    pub fn sums(self) -> Sums {
        Sums {
            g: (self.0 >> 75) as i64,
            h: (self.0 >> 32) as i64 & ((1 << 43) - 1),
            rows: i64::from(self.0 as u32),
        }
    }

    /// The wide form of packed sums.
    #[inline]
    pub fn of_packed(sums: i64) -> Bin {
        let Sums { g, h, rows } = unpacked(sums);
        // As an unsigned number, because there is nothing to be carried into the gradient.
        let lower = ((h << 32) | rows) as u64;
        Bin((i128::from(g << 11) << 64) | i128::from(lower))
    }
}

/// The bins of all columns; see [`Layout`].
pub(super) type Histogram = Vec<Bin>;

/// Adds a histogram to another.
pub(super) fn add_to(to: &mut [Bin], part: &[Bin]) {
    to.iter_mut()
        .zip(part)
        .for_each(|(to, part)| to.0 += part.0);
}

/// Subtracts the histogram of one child from its parent's, which leaves the other child's.
pub(super) fn subtract(from: &mut [Bin], part: &[Bin]) {
    from.iter_mut()
        .zip(part)
        .for_each(|(from, part)| from.0 -= part.0);
}

/// The packed form of a row's pair (see `gradients`).
#[inline]
pub(super) fn packed(pair: u32) -> i64 {
    (i64::from(pair as i32 >> 16) << 39) + (i64::from(pair & 0xffff) << 14) + 1
}

#[inline]
fn unpacked(sums: i64) -> Sums {
    Sums {
        g: sums >> 39,
        h: (sums >> 14) & 0x1ff_ffff,
        rows: sums & 0x3fff,
    }
}

/// Where the bins of each column lie in a histogram; the bin of missing values is the last of each.
pub(super) struct Layout {
    starts: Vec<usize>,
}

impl Layout {
    pub fn of(bins: &Bins) -> Layout {
        let mut starts = vec![0];
        for coding in &bins.codings {
            starts.push(starts[starts.len() - 1] + coding.bins() + 1);
        }
        Layout { starts }
    }

    /// Number of bins of all columns.
    pub fn len(&self) -> usize {
        self.starts[self.starts.len() - 1]
    }

    /// The bins of a column.
    #[inline]
    pub fn column(&self, column: usize) -> Range<usize> {
        self.starts[column]..self.starts[column + 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_sums_hold_the_largest_values() {
        for (g, h) in [(2047, 4095), (-2047, 4095), (-2047, 0), (0, 0)] {
            let pair = (g << 16) as u32 | h;
            let mut sum = 0;
            for _ in 0..FLUSH {
                sum += packed(pair);
            }
            let n = FLUSH as i64;
            let expected = Sums {
                g: i64::from(g) * n,
                h: i64::from(h) * n,
                rows: n,
            };
            assert_eq!(unpacked(sum), expected);
            assert_eq!(Bin::of_packed(sum).sums(), expected);
            // Wide sums of 2^31 rows.
            let many = Bin(Bin::of_packed(sum).0 << 18);
            assert_eq!(
                many.sums(),
                Sums {
                    g: expected.g << 18,
                    h: expected.h << 18,
                    rows: 1 << 31
                }
            );
        }
    }
}
