//! Dense matrix products with the same bits on every processor and for any division of the work.
//!
//! Each output is one chain of fused multiply-adds in the order of the inner dimension, starting
//! from the previous value, so blocking, threads and vector width cannot change a bit. The same
//! source is compiled for several instruction sets ([`Set`]); `mul_add` rounds once on all of them.
//! On a processor without FMA it is a slow but exact call into the C library.
//!
//! Right-hand sides are packed once ([`Panels`]) into strips of [`WIDTH`] outputs that are adjacent
//! for each inner index; left-hand rows are packed [`ROWS`] at a time. A block of `ROWS` × `WIDTH`
//! sums stays in registers (Goto and van de Geijn 2008).

use std::sync::OnceLock;

/// Outputs of one row that are summed in parallel: two vectors of AVX2 in single precision.
pub const WIDTH: usize = 16;
/// Rows that are summed in parallel: with `WIDTH` they fill 12 of the 16 vector registers.
pub const ROWS: usize = 6;
/// Inner indices processed at a time, so that the packed rows stay in the first-level cache.
const DEPTH: usize = 256;
/// Strips processed at a time, so that they stay in the second-level cache.
const STRIPS: usize = 16;

/// A number that the kernel can multiply.
pub trait Real: Copy + Send + Sync + PartialOrd + 'static {
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// self · a + b, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// -self.
    fn neg(self) -> Self;
    /// 1 / self.
    fn recip(self) -> Self;
    /// self · other.
    fn mul(self, other: Self) -> Self;
    /// Exact conversion.
    fn to_f64(self) -> f64;
    /// Conversion, rounded to nearest.
    fn from_f64(value: f64) -> Self;
}

macro_rules! real {
    ($($kind:ident)*) => {$(
        impl Real for $kind {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                $kind::mul_add(self, a, b)
            }
            #[inline(always)]
            fn neg(self) -> Self {
                -self
            }
            #[inline(always)]
            fn recip(self) -> Self {
                1.0 / self
            }
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                self * other
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $kind
            }
        }
    )*};
}
real!(f32 f64);

/// An instruction set that the kernels are compiled for and this processor supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Set(pub(super) Code);

/// Identifies the code to run. Created only by [`Set::available`], so holding a [`Set`] proves that
/// its code can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// Instructions that every processor of the target supports.
    Baseline,
    /// AVX2 and FMA (x86-64-v3).
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Set {
    /// The sets supported by this processor, widest last.
    pub fn available() -> Vec<Set> {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return vec![Set(Code::Baseline), Set(Code::Avx2)];
        }
        vec![Set(Code::Baseline)]
    }

    /// The widest set supported by this processor.
    pub fn best() -> Set {
        static BEST: OnceLock<Set> = OnceLock::new();
        *BEST.get_or_init(|| Set::available().pop().unwrap_or(Set(Code::Baseline)))
    }
}

/// A matrix in a slice: element (i, j) is at `i * row + j * column`.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    /// All elements, possibly with others in between.
    pub values: &'a [T],
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// Distance in `values` between rows.
    pub row: usize,
    /// Distance in `values` between columns.
    pub column: usize,
}

impl<'a, T> View<'a, T> {
    /// A view of contiguous rows.
    pub fn rows(values: &'a [T], rows: usize, columns: usize) -> Self {
        Self::strided(values, rows, columns, columns)
    }

    /// A view of rows that start `stride` apart.
    ///
    /// # Panics
    /// If `values` is too short.
    pub fn strided(values: &'a [T], rows: usize, columns: usize, stride: usize) -> Self {
        assert!(
            rows == 0 || columns == 0 || (rows - 1) * stride + columns <= values.len(),
            "a matrix of {rows} x {columns} does not fit its slice"
        );
        View {
            values,
            rows,
            columns,
            row: stride,
            column: 1,
        }
    }

    /// Swaps rows and columns; nothing is moved.
    pub fn transposed(self) -> Self {
        View {
            values: self.values,
            rows: self.columns,
            columns: self.rows,
            row: self.column,
            column: self.row,
        }
    }
}

/// A right-hand side of depth × columns, packed by strips of [`WIDTH`] columns, and within a strip
/// by inner index; missing columns are zeros.
#[derive(Clone, Debug)]
pub struct Panels<T> {
    values: Vec<T>,
    /// Number of rows: the inner dimension of a product.
    pub depth: usize,
    /// Number of columns.
    pub columns: usize,
}

impl<T: Real> Panels<T> {
    /// Packs a depth × columns matrix.
    pub fn new(matrix: View<'_, T>) -> Self {
        let mut panels = Panels {
            values: Vec::new(),
            depth: 0,
            columns: 0,
        };
        panels.fill(matrix);
        panels
    }

    /// Packs another matrix into the same memory.
    pub fn fill(&mut self, matrix: View<'_, T>) {
        (self.depth, self.columns) = (matrix.rows, matrix.columns);
        let strips = self.columns.div_ceil(WIDTH);
        self.values.resize(strips * self.depth * WIDTH, T::ZERO);
        if self.depth == 0 {
            return;
        }
        for (strip, out) in self.values.chunks_exact_mut(self.depth * WIDTH).enumerate() {
            let first = strip * WIDTH;
            let width = WIDTH.min(self.columns - first);
            if width < WIDTH {
                out.fill(T::ZERO);
            }
            let from = &matrix.values[first * matrix.column..];
            if matrix.column == 1 {
                for (index, out) in out.chunks_exact_mut(WIDTH).enumerate() {
                    out[..width].copy_from_slice(&from[index * matrix.row..][..width]);
                }
            } else {
                for lane in 0..width {
                    let from = &from[lane * matrix.column..];
                    for (index, out) in out.chunks_exact_mut(WIDTH).enumerate() {
                        out[lane] = from[index * matrix.row];
                    }
                }
            }
        }
    }

    /// Memory for a matrix of this shape, in bytes.
    pub fn bytes(depth: usize, columns: usize) -> usize {
        columns.div_ceil(WIDTH) * WIDTH * depth * size_of::<T>()
    }

    fn strip(&self, strip: usize) -> &[T] {
        &self.values[strip * self.depth * WIDTH..(strip + 1) * self.depth * WIDTH]
    }
}

/// A product, and which part of it to compute.
pub struct Product<'a, T> {
    /// rows × depth.
    pub left: View<'a, T>,
    /// depth × columns.
    pub right: &'a Panels<T>,
    /// Whether to negate `left`.
    pub negate: bool,
    /// First strip of `right` to compute.
    pub first: usize,
    /// Number of strips to compute.
    pub strips: usize,
    /// Row i of the output is needed only up to column `i + lower` of `right` (whole strips are
    /// computed); `None` means all columns.
    pub lower: Option<usize>,
}

impl<'a, T: Real> Product<'a, T> {
    /// The product left · right.
    ///
    /// # Panics
    /// If the inner dimensions differ.
    pub fn new(left: View<'a, T>, right: &'a Panels<T>) -> Self {
        assert_eq!(left.columns, right.depth, "inner dimensions differ");
        Product {
            left,
            right,
            negate: false,
            first: 0,
            strips: right.columns.div_ceil(WIDTH),
            lower: None,
        }
    }

    /// Adds the product to `out`, whose rows are `stride` apart and start with the first column of
    /// the first strip. `scratch` is memory for packed rows, reused between calls.
    ///
    /// # Panics
    /// If `out` is too short, or `stride` is shorter than a row of the product.
    pub fn add_to(&self, out: &mut [T], stride: usize, scratch: &mut Vec<T>) {
        self.add_to_as(Set::best(), out, stride, scratch);
    }

    /// Like [`Product::add_to`], with the code for `set`.
    ///
    /// # Panics
    /// As for [`Product::add_to`].
    pub fn add_to_as(&self, set: Set, out: &mut [T], stride: usize, scratch: &mut Vec<T>) {
        let columns = self.right.columns.saturating_sub(self.first * WIDTH);
        let columns = columns.min(self.strips * WIDTH);
        if self.left.rows == 0 || columns == 0 {
            return;
        }
        assert!(
            columns <= stride && (self.left.rows - 1) * stride + columns <= out.len(),
            "the product does not fit the output"
        );
        match set.0 {
            Code::Baseline => add(self, columns, out, stride, scratch),
            // SAFETY: a `Set` with this code is created only if the processor has AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Code::Avx2 => unsafe { add_avx2(self, columns, out, stride, scratch) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn add_avx2<T: Real>(
    product: &Product<'_, T>,
    columns: usize,
    out: &mut [T],
    stride: usize,
    scratch: &mut Vec<T>,
) {
    add(product, columns, out, stride, scratch);
}

/// Computes the product in blocks: of inner indices, then of strips that fit the second-level
/// cache, then of rows.
#[inline(always)]
fn add<T: Real>(
    product: &Product<'_, T>,
    columns: usize,
    out: &mut [T],
    stride: usize,
    scratch: &mut Vec<T>,
) {
    let Product { left, right, .. } = product;
    let strips = columns.div_ceil(WIDTH);
    for depth in (0..right.depth).step_by(DEPTH) {
        let depths = depth..right.depth.min(depth + DEPTH);
        for group in (0..strips).step_by(STRIPS) {
            for row in (0..left.rows).step_by(ROWS) {
                let rows = ROWS.min(left.rows - row);
                pack_rows(product, row..row + rows, depths.clone(), scratch);
                let last = match product.lower {
                    Some(lower) => ((row + rows + lower).div_ceil(WIDTH)).min(strips),
                    None => strips,
                };
                for strip in group..last.min(group + STRIPS) {
                    let packed = right.strip(product.first + strip);
                    let packed = &packed[depths.start * WIDTH..depths.end * WIDTH];
                    let width = WIDTH.min(columns - strip * WIDTH);
                    let out = &mut out[row * stride + strip * WIDTH..];
                    tile(scratch, packed, out, stride, rows, width);
                }
            }
        }
    }
}

/// Packs [`ROWS`] rows of the left-hand side by inner index; missing rows are zeros.
#[inline(always)]
fn pack_rows<T: Real>(
    product: &Product<'_, T>,
    rows: std::ops::Range<usize>,
    depths: std::ops::Range<usize>,
    scratch: &mut Vec<T>,
) {
    let left = &product.left;
    scratch.clear();
    scratch.resize(depths.len() * ROWS, T::ZERO);
    if left.row == 1 && !product.negate {
        for (out, depth) in scratch.chunks_exact_mut(ROWS).zip(depths) {
            let from = &left.values[rows.start + depth * left.column..];
            out[..rows.len()].copy_from_slice(&from[..rows.len()]);
        }
        return;
    }
    for (lane, row) in rows.enumerate() {
        let from = &left.values[row * left.row..];
        for (out, depth) in scratch.chunks_exact_mut(ROWS).zip(depths.clone()) {
            let value = from[depth * left.column];
            out[lane] = if product.negate { value.neg() } else { value };
        }
    }
}

/// Sums of [`ROWS`] × [`WIDTH`] outputs, of which `rows` × `width` exist.
#[inline(always)]
fn tile<T: Real>(left: &[T], right: &[T], out: &mut [T], stride: usize, rows: usize, width: usize) {
    let mut sums = [[T::ZERO; WIDTH]; ROWS];
    if rows == ROWS && width == WIDTH {
        for (row, sums) in sums.iter_mut().enumerate() {
            sums.copy_from_slice(&out[row * stride..][..WIDTH]);
        }
        accumulate(left, right, &mut sums);
        for (row, sums) in sums.iter().enumerate() {
            out[row * stride..][..WIDTH].copy_from_slice(sums);
        }
    } else {
        for (row, sums) in sums.iter_mut().enumerate().take(rows) {
            sums[..width].copy_from_slice(&out[row * stride..][..width]);
        }
        accumulate(left, right, &mut sums);
        for (row, sums) in sums.iter().enumerate().take(rows) {
            out[row * stride..][..width].copy_from_slice(&sums[..width]);
        }
    }
}

/// The innermost loop; `sums` stays in registers.
#[inline(always)]
fn accumulate<T: Real>(left: &[T], right: &[T], sums: &mut [[T; WIDTH]; ROWS]) {
    let mut local = *sums;
    let (left, _) = left.as_chunks::<ROWS>();
    let (right, _) = right.as_chunks::<WIDTH>();
    for (left, right) in left.iter().zip(right) {
        for (sums, left) in local.iter_mut().zip(left) {
            for (sum, right) in sums.iter_mut().zip(right) {
                *sum = left.mul_add(*right, *sum);
            }
        }
    }
    *sums = local;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave<T: Real>(len: usize, step: f64) -> Vec<T> {
        (0..len)
            .map(|i| T::from_f64(libm::sin(i as f64 * step)))
            .collect()
    }

    /// Shapes with and without remainders in every dimension.
    const SHAPES: [(usize, usize, usize); 6] = [
        (1, 1, 1),
        (6, 16, 3),
        (7, 17, 5),
        (13, 40, 300),
        (5, 3, 0),
        (60, 33, 257),
    ];

    fn plain<T: Real>(a: &[T], b: &[T], (m, n, k): (usize, usize, usize)) -> Vec<T> {
        let mut out = vec![T::ONE; m * n];
        for i in 0..m {
            for j in 0..n {
                for p in 0..k {
                    out[i * n + j] = a[i * k + p].mul_add(b[p * n + j], out[i * n + j]);
                }
            }
        }
        out
    }

    fn check<T: Real + std::fmt::Debug>() {
        for (m, n, k) in SHAPES {
            let (a, b) = (wave::<T>(m * k, 0.37), wave::<T>(k * n, 1.91));
            let expected = plain(&a, &b, (m, n, k));
            let panels = Panels::new(View::rows(&b, k, n));
            for set in Set::available() {
                let mut out = vec![T::ONE; m * n];
                Product::new(View::rows(&a, m, k), &panels).add_to_as(
                    set,
                    &mut out,
                    n,
                    &mut Vec::new(),
                );
                assert_eq!(out, expected, "{set:?} {m} x {n} x {k}");
            }
        }
    }

    #[test]
    fn every_instruction_set_gives_the_bits_of_the_plain_loop() {
        check::<f32>();
        check::<f64>();
    }

    #[test]
    fn transposed_views_multiply_alike() {
        let (m, n, k) = (7, 18, 9);
        let (a, b) = (wave::<f64>(m * k, 0.3), wave::<f64>(n * k, 0.7));
        let panels = Panels::new(View::rows(&b, n, k).transposed());
        let mut out = vec![0.0; m * n];
        Product::new(View::rows(&a, m, k), &panels).add_to(&mut out, n, &mut Vec::new());
        let dot: f64 = (0..k).fold(0.0, |sum, p| a[3 * k + p].mul_add(b[11 * k + p], sum));
        assert_eq!(out[3 * n + 11], dot);
    }

    #[test]
    fn the_lower_part_is_that_of_the_whole() {
        let (n, k) = (50, 20);
        let a = wave::<f32>(n * k, 0.3);
        let panels = Panels::new(View::rows(&a, n, k).transposed());
        let (mut whole, mut lower) = (vec![0.0; n * n], vec![0.0; n * n]);
        let mut product = Product::new(View::rows(&a, n, k), &panels);
        product.add_to(&mut whole, n, &mut Vec::new());
        product.lower = Some(0);
        product.add_to(&mut lower, n, &mut Vec::new());
        for row in 0..n {
            assert_eq!(
                lower[row * n..row * n + row + 1],
                whole[row * n..row * n + row + 1]
            );
        }
        assert_eq!(
            lower[n - 1],
            0.0,
            "entries far above the diagonal are not computed"
        );
    }
}
