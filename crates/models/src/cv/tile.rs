//! The inner loop: derivatives of one tile of pixels, squared and summed as integers.
//!
//! Integer sums are the same in any order, so every processor can use its widest vectors with
//! identical results.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use super::lanes::avx2::Avx2;
use super::lanes::{LANES, Lanes, Portable};
use super::plane::{Plane, reflect};

/// Side of a tile in pixels at full size; 1/2 and 1/4 of it at the smaller scales.
pub const TILE: usize = 32;
/// How many pixels the widest filter extends from its centre.
const REACH: usize = 2;

/// Sums over the pixels of a tile or a whole picture. I is the brightness, subscripts are
/// differences between neighbours, and pixels outside the border are mirrored like OpenCV's
/// `BORDER_REFLECT_101`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Number of pixels summed over.
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
    /// Σ I_xxxx²: 1 -4 6 -4 1 along the row, the finest detail that a pixel grid can hold and the
    /// first that blur removes.
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

/// Columns processed at once: one tile of the full size, two or four of the smaller scales.
const WIDTH: usize = TILE;
/// Tiles of the smallest scale are half as wide as a vector.
const HALF: usize = LANES / 2;
const HALVES: usize = WIDTH / HALF;

/// Sums over all of `plane`, and over each whole tile of `side` pixels, row by row; fourth and
/// mixed differences only if `fine`.
pub(super) fn measure(plane: &Plane, side: usize, fine: bool) -> (Sums, Vec<Sums>) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { measure_avx2(plane, side, fine) };
    }
    measure_with::<Portable>(plane, side, fine)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn measure_avx2(plane: &Plane, side: usize, fine: bool) -> (Sums, Vec<Sums>) {
    measure_with::<Avx2>(plane, side, fine)
}

#[inline(always)]
fn measure_with<V: Lanes>(plane: &Plane, side: usize, fine: bool) -> (Sums, Vec<Sums>) {
    let mut whole = Sums::default();
    let mut tiles = Vec::with_capacity((plane.width() / side) * (plane.height() / side));
    let mut patch = Patch::new();
    for y in (0..plane.height()).step_by(side) {
        let height = side.min(plane.height() - y);
        for x in (0..plane.width()).step_by(WIDTH) {
            patch.take::<V>(plane, (x, y), height);
            let halves = match fine {
                true => patch.halves::<V, true>(),
                false => patch.halves::<V, false>(),
            };
            halves.iter().for_each(|half| whole.add(half));
            if height == side {
                let whole_tiles = halves.chunks(side / HALF).take(patch.width / side);
                tiles.extend(whole_tiles.map(|tile| {
                    let mut sums = Sums::default();
                    tile.iter().for_each(|half| sums.add(half));
                    sums
                }));
            }
        }
    }
    (whole, tiles)
}

/// A few tiles in a row, with a border of two pixels.
struct Patch {
    pixels: [[i16; WIDTH + 2 * REACH]; TILE + 2 * REACH],
    width: usize,
    height: usize,
}

impl Patch {
    fn new() -> Patch {
        Patch {
            pixels: [[0; WIDTH + 2 * REACH]; TILE + 2 * REACH],
            width: 0,
            height: 0,
        }
    }

    /// Copies the pixels from (x, y), [`WIDTH`] columns or the rest of the row, and their border;
    /// pixels outside the picture are mirrored.
    #[inline(always)]
    fn take<V: Lanes>(&mut self, plane: &Plane, (x, y): (usize, usize), height: usize) {
        self.width = WIDTH.min(plane.width() - x);
        self.height = height;
        for (row, out) in (0..).zip(&mut self.pixels[..height + 2 * REACH]) {
            let from = plane.row(reflect(y as isize + row - REACH as isize, plane.height()));
            const ALL: usize = WIDTH + 2 * REACH;
            if x >= REACH && x + ALL - REACH <= from.len() {
                widen::<V>(&from[x - REACH..][..ALL], out);
            } else {
                take_edge::<V>(from, x, &mut out[..self.width + 2 * REACH]);
            }
        }
    }

    /// The sums of each [`HALF`] columns; zero for columns that do not exist.
    #[inline(always)]
    fn halves<V: Lanes, const FINE: bool>(&self) -> [Sums; HALVES] {
        let mut sums = [Sums::default(); HALVES];
        for (strip, sums) in sums.chunks_exact_mut(2).enumerate() {
            let left = LANES * strip;
            match self.width.saturating_sub(left) {
                0 => {}
                LANES.. => sums.copy_from_slice(&self.strip::<V, FINE, false>(left, LANES)),
                columns => sums.copy_from_slice(&self.strip::<V, FINE, true>(left, columns)),
            }
        }
        sums
    }

    #[inline(always)]
    fn at<V: Lanes>(&self, row: usize, column: usize) -> V {
        match self.pixels[row][column..].first_chunk() {
            Some(pixels) => V::load(pixels),
            None => unreachable!("a row is as wide as the strips and what is around them"),
        }
    }

    #[inline(always)]
    fn line<V: Lanes>(&self, row: usize, x: usize) -> Line<V> {
        Line::of(
            self.at(row, x + 1),
            self.at(row, x + 2),
            self.at(row, x + 3),
        )
    }

    /// Sums over `columns` of [`LANES`] columns from `x`; all of them unless `PART`. Nothing
    /// overflows: differences stay below 2^12, sums of 32 of at most 1020 below 2^15, and a 32-bit
    /// lane takes two or four squares of less than 2^22 from each of 32 rows.
    #[inline(always)]
    fn strip<V: Lanes, const FINE: bool, const PART: bool>(
        &self,
        x: usize,
        columns: usize,
    ) -> [Sums; 2] {
        let mut lanes = [0; LANES];
        lanes[..columns].fill(-1);
        let mask = V::load(&lanes);
        let mask = if PART { Some(mask) } else { None };
        let mut sum = V::splat(0);
        let mut modified = V::splat(0);
        let (mut lap, mut grad, mut mixed) = (V::zero(), V::zero(), V::zero());
        let (mut fourth_x, mut fourth_y) = (V::zero(), V::zero());
        let (mut north, mut here) = (self.line::<V>(1, x), self.line::<V>(2, x));
        for row in REACH..self.height + REACH {
            let south = self.line(row + 1, x);
            let double = twice(here.centre);
            let yy = north.centre.add(south.centre).sub(double);
            let xx = here.second;
            let l = counted(mask, xx.add(yy));
            sum = sum.add(l);
            lap = V::add_dot(lap, l, l);
            modified = modified.add(counted(mask, xx.abs().add(yy.abs())));
            let sx = counted(mask, north.first.add(south.first).add(twice(here.first)));
            let sy = counted(mask, south.smooth.sub(north.smooth));
            grad = V::add_dot(V::add_dot(grad, sx, sx), sy, sy);
            if FINE {
                let xy = counted(mask, here.forward.sub(south.forward));
                mixed = V::add_dot(mixed, xy, xy);
                // 1 -4 6 -4 1 = (1 0 -2 0 1) - 4 (0 1 -2 1 0)
                let far_x = self.at::<V>(row, x).add(self.at(row, x + 4)).sub(double);
                let far_y = self
                    .at::<V>(row - 2, x + 2)
                    .add(self.at(row + 2, x + 2))
                    .sub(double);
                let (x4, y4) = (far_x.sub(twice(twice(xx))), far_y.sub(twice(twice(yy))));
                let (x4, y4) = (counted(mask, x4), counted(mask, y4));
                fourth_x = V::add_dot(fourth_x, x4, x4);
                fourth_y = V::add_dot(fourth_y, y4, y4);
            }
            (north, here) = (here, south);
        }
        let ones = V::splat(1);
        let sum = V::halves(V::add_dot(V::zero(), sum, ones));
        let modified = V::halves(V::add_dot(V::zero(), modified, ones));
        let (lap, grad, mixed) = (V::halves(lap), V::halves(grad), V::halves(mixed));
        let (fourth_x, fourth_y) = (V::halves(fourth_x), V::halves(fourth_y));
        let mut halves = [Sums::default(); 2];
        for (half, sums) in halves.iter_mut().enumerate() {
            *sums = Sums {
                pixels: (columns.saturating_sub(HALF * half).min(HALF) * self.height) as u64,
                laplacian: sum[half],
                laplacian_squared: lap[half] as u64,
                gradient_squared: grad[half] as u64,
                modified_laplacian: modified[half] as u64,
                mixed_squared: mixed[half] as u64,
                fourth_x_squared: fourth_x[half] as u64,
                fourth_y_squared: fourth_y[half] as u64,
            };
        }
        halves
    }
}

/// Masks `v` to the columns that count.
#[inline(always)]
fn counted<V: Lanes>(mask: Option<V>, v: V) -> V {
    match mask {
        Some(mask) => v.and(mask),
        None => v,
    }
}

#[inline(always)]
fn twice<V: Lanes>(v: V) -> V {
    v.add(v)
}

/// What three successive rows need from one row of pixels, with neighbouring columns W, C and E.
#[derive(Clone, Copy)]
struct Line<V> {
    centre: V,
    /// E - W
    first: V,
    /// W - 2 C + E
    second: V,
    /// W + 2 C + E
    smooth: V,
    /// C - E
    forward: V,
}

impl<V: Lanes> Line<V> {
    #[inline(always)]
    fn of(w: V, c: V, e: V) -> Line<V> {
        let (both, double) = (w.add(e), c.add(c));
        Line {
            centre: c,
            first: e.sub(w),
            second: both.sub(double),
            smooth: both.add(double),
            forward: c.sub(e),
        }
    }
}

/// Copies columns starting [`REACH`] before `x`, some of which are outside the row.
#[inline(always)]
fn take_edge<V: Lanes>(from: &[u8], x: usize, out: &mut [i16]) {
    let (first, last) = (
        x.saturating_sub(REACH),
        (x + out.len() - REACH).min(from.len()),
    );
    let left = first + REACH - x;
    let right = left + last - first;
    let (inside, out_inside) = (&from[first..last], &mut out[left..right]);
    widen::<V>(inside, out_inside);
    take_mirrored(from, x, out, 0..left);
    take_mirrored(from, x, out, right..out.len());
}

#[inline(always)]
fn take_mirrored(from: &[u8], x: usize, out: &mut [i16], columns: Range<usize>) {
    for column in columns {
        let outside = x as isize + column as isize - REACH as isize;
        out[column] = i16::from(from[reflect(outside, from.len())]);
    }
}

/// Converts pixels to numbers, one vector at a time; the last vector overlaps the one before.
#[inline(always)]
fn widen<V: Lanes>(from: &[u8], out: &mut [i16]) {
    let Some(last) = from.len().checked_sub(LANES) else {
        for (out, &pixel) in out.iter_mut().zip(from) {
            *out = i16::from(pixel);
        }
        return;
    };
    let mut at = 0;
    loop {
        if let (Some(pixels), Some(out)) = (from[at..].first_chunk(), out[at..].first_chunk_mut()) {
            V::widen(pixels).store(out);
        }
        if at == last {
            return;
        }
        at = (at + LANES).min(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by definition, one pixel at a time.
    fn slow(plane: &Plane, fine: bool) -> Sums {
        slow_part(plane, (0, 0), (plane.width(), plane.height()), fine)
    }

    fn slow_part(
        plane: &Plane,
        (left, top): (usize, usize),
        (width, height): (usize, usize),
        fine: bool,
    ) -> Sums {
        let mut sums = Sums::default();
        for y in top as isize..(top + height) as isize {
            for x in left as isize..(left + width) as isize {
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

    fn measured(plane: &Plane, side: usize, fine: bool) -> Sums {
        let (whole, tiles) = measure(plane, side, fine);
        assert_eq!((whole, tiles), measure_with::<Portable>(plane, side, fine));
        whole
    }

    #[test]
    fn tiles_are_where_they_should_be() {
        let pixels: Vec<u8> = (0..99 * 70).map(|i| (i * i % 251) as u8).collect();
        let plane = Plane::new(&pixels, 99, 70);
        for side in [32, 16, 8] {
            let (whole, tiles) = measure(&plane, side, true);
            let (columns, rows) = (99 / side, 70 / side);
            assert_eq!(tiles.len(), columns * rows);
            let mut added = Sums::default();
            for (tile, sums) in tiles.iter().enumerate() {
                let (x, y) = (tile % columns * side, tile / columns * side);
                assert_eq!(
                    *sums,
                    slow_part(&plane, (x, y), (side, side), true),
                    "{side}, {tile}"
                );
                added.add(sums);
            }
            let right = slow_part(&plane, (columns * side, 0), (99 % side, 70), true);
            let below = slow_part(&plane, (0, rows * side), (columns * side, 70 % side), true);
            added.add(&right);
            added.add(&below);
            assert_eq!(added, whole);
        }
    }

    #[test]
    fn tiles_add_up_to_the_definition() {
        for (width, height) in [
            (1, 1),
            (2, 3),
            (33, 40),
            (64, 32),
            (97, 71),
            (9, 90),
            (120, 33),
        ] {
            // Frequent extremes, which would overflow first.
            let pixel = |i: usize| match (i * 7 + i / 13) % 5 {
                0 => 0,
                1 => 255,
                _ => (i * i % 251) as u8,
            };
            let pixels: Vec<u8> = (0..width * height).map(pixel).collect();
            let plane = Plane::new(&pixels, width, height);
            for (side, fine) in [(32, true), (16, false), (8, false)] {
                let name = format!("{width} x {height}, {side}");
                assert_eq!(measured(&plane, side, fine), slow(&plane, fine), "{name}");
            }
        }
    }

    #[test]
    fn the_hardest_pattern_does_not_overflow() {
        let pixels: Vec<u8> = (0..64 * 64)
            .map(|i| if (i + i / 64) % 2 == 0 { 0 } else { 255 })
            .collect();
        let plane = Plane::new(&pixels, 64, 64);
        let sums = measured(&plane, 32, true);
        assert_eq!(sums.laplacian_squared, 64 * 64 * (4 * 255u64).pow(2));
        assert_eq!(sums.fourth_x_squared, 64 * 64 * (8 * 255u64).pow(2));
    }
}
