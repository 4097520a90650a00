//! The inner loop: derivatives of one tile of pixels, squared and summed in whole numbers.
//!
//! Whole numbers add up to the same in any order, so that every processor may use the vectors it has
//! and the bits stay the same.

#[cfg(target_arch = "x86_64")]
use super::lanes::avx2::Avx2;
use super::lanes::{Lanes, Portable};
use super::plane::{Plane, reflect};

/// Side of a tile in pixels of the full size; 1/2 and 1/4 of it at the smaller scales.
pub const TILE: usize = 32;
/// Pixels that the widest filter reaches beyond its centre.
const REACH: usize = 2;
const SIDE: usize = TILE + 2 * REACH;

/// Sums over the pixels of a tile or of a whole picture. With I the brightness, subscripts its
/// differences between neighbours, and borders as in [`reflect`]:
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub pixels: u64,
    /// Σ L, with L = I_xx + I_yy: the 3 × 3 kernel 0 1 0, 1 -4 1, 0 1 0, OpenCV's `ksize=1`.
    pub laplacian: i64,
    /// Σ L².
    pub laplacian_squared: u64,
    /// Σ S_x² + S_y², with Sobel's 3 × 3 kernels (Tenengrad: Tenenbaum 1970; Krotkov 1987).
    pub gradient_squared: u64,
    /// Σ |I_xx| + |I_yy| (Nayar and Nakagawa, "Shape from focus", PAMI 16, 1994).
    pub modified_laplacian: u64,
    /// Σ I_xy², over the pixel and its right, lower and lower right neighbours.
    pub mixed_squared: u64,
    /// Σ I_xxxx²: 1 -4 6 -4 1 along the row. The finest that a grid of pixels can hold, where blur
    /// takes most.
    pub fourth_x_squared: u64,
    /// Σ I_yyyy².
    pub fourth_y_squared: u64,
}

impl Sums {
    pub(super) fn add(&mut self, other: &Sums) {
        self.pixels += other.pixels;
        self.laplacian += other.laplacian;
        self.laplacian_squared += other.laplacian_squared;
        self.gradient_squared += other.gradient_squared;
        self.modified_laplacian += other.modified_laplacian;
        self.mixed_squared += other.mixed_squared;
        self.fourth_x_squared += other.fourth_x_squared;
        self.fourth_y_squared += other.fourth_y_squared;
    }
}

/// A tile and two pixels around it.
pub(super) struct Patch {
    pixels: [[i16; SIDE]; SIDE],
    width: usize,
    height: usize,
}

impl Patch {
    pub fn new() -> Patch {
        Patch {
            pixels: [[0; SIDE]; SIDE],
            width: 0,
            height: 0,
        }
    }

    /// Takes the tile of `width` × `height` pixels (at most [`TILE`] each) at (x, y).
    pub fn take(&mut self, plane: &Plane, (x, y): (usize, usize), width: usize, height: usize) {
        (self.width, self.height) = (width, height);
        let (start, end) = (x as isize - REACH as isize, x + width + REACH);
        for (row, out) in self.pixels[..height + 2 * REACH].iter_mut().enumerate() {
            let y = reflect((y + row) as isize - REACH as isize, plane.height());
            let from = plane.row(y);
            let (first, last) = (x.saturating_sub(REACH), end.min(from.len()));
            let left = (first as isize - start) as usize;
            widen(&from[first..last], &mut out[left..]);
            let right = left + last - first;
            for column in (0..left).chain(right..width + 2 * REACH) {
                out[column] = i16::from(from[reflect(start + column as isize, from.len())]);
            }
        }
    }

    /// The sums of the tile; those of fourth and mixed differences only where `fine`.
    pub fn sums(&self, fine: bool) -> Sums {
        #[cfg(target_arch = "x86_64")]
        if self.width.is_multiple_of(Avx2::N) && is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { sums_avx2(self, fine) };
        }
        if self.width.is_multiple_of(8) {
            return self.strips::<Portable<8>>(fine);
        }
        self.strips::<Portable<1>>(fine)
    }

    #[inline(always)]
    fn strips<V: Lanes>(&self, fine: bool) -> Sums {
        let mut sums = Sums::default();
        for x in (0..self.width).step_by(V::N) {
            sums.add(&match fine {
                true => self.strip::<V, true>(x),
                false => self.strip::<V, false>(x),
            });
        }
        sums
    }

    /// Sums over V::N columns from `x` on. Nothing overflows: differences stay below 2^15 (16 · 255
    /// is the most), and a 32-bit lane takes two squares below 2^23 from each of 32 rows.
    #[inline(always)]
    fn strip<V: Lanes, const FINE: bool>(&self, x: usize) -> Sums {
        let ones = V::splat(1);
        let twice = |v: V| v.add(v);
        let (mut sum, mut lap, mut grad, mut modified) =
            (V::zero(), V::zero(), V::zero(), V::zero());
        let (mut mixed, mut fourth_x, mut fourth_y) = (V::zero(), V::zero(), V::zero());
        for rows in self.pixels[..self.height + 2 * REACH].windows(5) {
            let at = |dy: usize, dx: usize| V::load(&rows[dy][x + dx..]);
            let (nw, n, ne) = (at(1, 1), at(1, 2), at(1, 3));
            let (w, c, e) = (at(2, 1), at(2, 2), at(2, 3));
            let (sw, s, se) = (at(3, 1), at(3, 2), at(3, 3));
            let double = twice(c);
            let xx = w.add(e).sub(double);
            let yy = n.add(s).sub(double);
            let l = xx.add(yy);
            sum = V::add_dot(sum, l, ones);
            lap = V::add_dot(lap, l, l);
            modified = V::add_dot(modified, xx.abs().add(yy.abs()), ones);
            // Both of Sobel's kernels out of the same two diagonals.
            let (falling, rising) = (se.sub(nw), ne.sub(sw));
            let sx = falling.add(rising).add(twice(e.sub(w)));
            let sy = falling.sub(rising).add(twice(s.sub(n)));
            grad = V::add_dot(V::add_dot(grad, sx, sx), sy, sy);
            if FINE {
                let xy = c.sub(e).add(se.sub(s));
                mixed = V::add_dot(mixed, xy, xy);
                // 1 -4 6 -4 1 = (1 0 -2 0 1) - 4 (0 1 -2 1 0)
                let x4 = at(2, 0).add(at(2, 4)).sub(double).sub(twice(twice(xx)));
                let y4 = at(0, 2).add(at(4, 2)).sub(double).sub(twice(twice(yy)));
                fourth_x = V::add_dot(fourth_x, x4, x4);
                fourth_y = V::add_dot(fourth_y, y4, y4);
            }
        }
        Sums {
            pixels: (V::N * self.height) as u64,
            laplacian: V::total(sum),
            laplacian_squared: V::total(lap) as u64,
            gradient_squared: V::total(grad) as u64,
            modified_laplacian: V::total(modified) as u64,
            mixed_squared: V::total(mixed) as u64,
            fourth_x_squared: V::total(fourth_x) as u64,
            fourth_y_squared: V::total(fourth_y) as u64,
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn sums_avx2(patch: &Patch, fine: bool) -> Sums {
    patch.strips::<Avx2>(fine)
}

/// A vector of pixels at a time: left to itself, the compiler unrolls rather than vectorises.
#[inline(always)]
fn widen(from: &[u8], out: &mut [i16]) {
    let (blocks, rest) = from.as_chunks::<16>();
    let (out_blocks, out_rest) = out[..from.len()].as_chunks_mut::<16>();
    for (out, block) in out_blocks.iter_mut().zip(blocks) {
        *out = block.map(i16::from);
    }
    for (out, &pixel) in out_rest.iter_mut().zip(rest) {
        *out = i16::from(pixel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by the definition, a pixel at a time.
    fn slow(plane: &Plane, fine: bool) -> Sums {
        let mut sums = Sums::default();
        for y in 0..plane.height() as isize {
            for x in 0..plane.width() as isize {
                let i = |dx: isize, dy: isize| {
                    let row = plane.row(reflect(y + dy, plane.height()));
                    i64::from(row[reflect(x + dx, plane.width())])
                };
                let (xx, yy) = (
                    i(-1, 0) - 2 * i(0, 0) + i(1, 0),
                    i(0, -1) - 2 * i(0, 0) + i(0, 1),
                );
                let side = |d| i(d, -1) + 2 * i(d, 0) + i(d, 1);
                let edge = |d| i(-1, d) + 2 * i(0, d) + i(1, d);
                let (sx, sy) = (side(1) - side(-1), edge(1) - edge(-1));
                let square = |v: i64| (v * v) as u64;
                sums.pixels += 1;
                sums.laplacian += xx + yy;
                sums.laplacian_squared += square(xx + yy);
                sums.gradient_squared += square(sx) + square(sy);
                sums.modified_laplacian += (xx.abs() + yy.abs()) as u64;
                if fine {
                    sums.mixed_squared += square(i(0, 0) - i(1, 0) - i(0, 1) + i(1, 1));
                    let x4 = i(-2, 0) - 4 * i(-1, 0) + 6 * i(0, 0) - 4 * i(1, 0) + i(2, 0);
                    let y4 = i(0, -2) - 4 * i(0, -1) + 6 * i(0, 0) - 4 * i(0, 1) + i(0, 2);
                    sums.fourth_x_squared += square(x4);
                    sums.fourth_y_squared += square(y4);
                }
            }
        }
        sums
    }

    fn tiled(plane: &Plane, side: usize, fine: bool) -> Sums {
        let mut sums = Sums::default();
        let mut patch = Patch::new();
        for y in (0..plane.height()).step_by(side) {
            for x in (0..plane.width()).step_by(side) {
                let width = side.min(plane.width() - x);
                patch.take(plane, (x, y), width, side.min(plane.height() - y));
                let sum = patch.sums(fine);
                assert_eq!(sum, patch.strips::<Portable<1>>(fine));
                sums.add(&sum);
            }
        }
        sums
    }

    #[test]
    fn tiles_add_up_to_the_definition() {
        for (width, height) in [(1, 1), (2, 3), (33, 40), (64, 32), (97, 71)] {
            // Extremes often: they would overflow first.
            let pixel = |i: usize| match (i * 7 + i / 13) % 5 {
                0 => 0,
                1 => 255,
                _ => (i * i % 251) as u8,
            };
            let pixels: Vec<u8> = (0..width * height).map(pixel).collect();
            let plane = Plane::new(&pixels, width, height);
            for (side, fine) in [(32, true), (16, false), (8, false)] {
                let name = format!("{width} x {height}, {side}");
                assert_eq!(tiled(&plane, side, fine), slow(&plane, fine), "{name}");
            }
        }
    }

    #[test]
    fn the_hardest_pattern_does_not_overflow() {
        let pixels: Vec<u8> = (0..64 * 64)
            .map(|i| if (i + i / 64) % 2 == 0 { 0 } else { 255 })
            .collect();
        let plane = Plane::new(&pixels, 64, 64);
        let sums = tiled(&plane, 32, true);
        assert_eq!(sums.laplacian_squared, 64 * 64 * (4 * 255u64).pow(2));
        assert_eq!(sums.fourth_x_squared, 64 * 64 * (8 * 255u64).pow(2));
    }
}
