//! Solves millions of small symmetric positive definite systems in single precision, in place; and
//! sums scaled rows. Compiled for each [`Set`] with the same bits, like `panel`.

use super::panel::{Code, Real, Set};

/// Memory for one system of n unknowns: an upper triangle in rows of `stride`, and its right-hand
/// side.
#[derive(Clone, Debug, Default)]
pub struct System {
    /// n × n, row-major; the part below the diagonal is never read.
    pub matrix: Vec<f32>,
    /// n numbers: the right-hand side, and after [`System::solve`] the solution.
    pub right: Vec<f32>,
    n: usize,
}

impl System {
    /// Resets to a system of `n` unknowns filled with zeros.
    pub fn clear(&mut self, n: usize) {
        self.n = n;
        self.matrix.clear();
        self.matrix.resize(n * n, 0.0);
        self.right.clear();
        self.right.resize(n, 0.0);
    }

    /// Solves in place: the solution is in `right`. Reads only the upper triangle. Returns false if
    /// the matrix is not positive definite in single precision.
    ///
    /// By U'U, several rows at a time; n³ / 6 multiply-adds and no allocation. After `false` both the
    /// matrix and the right-hand side are partly overwritten.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::kernels::small::System;
    ///
    /// let mut system = System::default();
    /// system.clear(2);
    /// // Only the upper triangle of ((4, 2), (2, 3)) is given.
    /// system.matrix.copy_from_slice(&[4.0, 2.0, 0.0, 3.0]);
    /// system.right.copy_from_slice(&[8.0, 8.0]);
    /// assert!(system.solve());
    /// assert!((system.right[0] - 1.0).abs() < 1e-6 && (system.right[1] - 2.0).abs() < 1e-6);
    /// ```
    pub fn solve(&mut self) -> bool {
        self.solve_as(Set::best())
    }

    fn solve_as(&mut self, set: Set) -> bool {
        match set.0 {
            Code::Baseline => solve(&mut self.matrix, &mut self.right, self.n),
            // SAFETY: a `Set` with this code is created only if the processor has AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Code::Avx2 => unsafe { solve_avx2(&mut self.matrix, &mut self.right, self.n) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn solve_avx2(a: &mut [f32], b: &mut [f32], n: usize) -> bool {
    solve(a, b, n)
}

/// Rows that are eliminated together, so that each loaded value is used this many times.
const PIVOTS: usize = 4;

/// A = U'U, several rows at a time from the top, each subtracted from all rows below along with the
/// right-hand side; then back substitution. Where rows are processed in whole lanes, entries left
/// of the diagonal are overwritten with unused values.
#[inline(always)]
fn solve(a: &mut [f32], b: &mut [f32], n: usize) -> bool {
    for first in (0..n).step_by(PIVOTS) {
        let next = (first + PIVOTS).min(n);
        let (above, below) = a.split_at_mut(next * n);
        let (done, rest) = b.split_at_mut(next);
        if !pivots(&mut above[first * n..], &mut done[first..], first, n) {
            return false;
        }
        let mut rows = above[first * n..].chunks_exact(n);
        if next - first < PIVOTS {
            break; // nothing is below the last ones
        }
        let rows: [&[f32]; PIVOTS] = std::array::from_fn(|_| rows.next().expect("PIVOTS rows"));
        let right: [f32; PIVOTS] = std::array::from_fn(|k| done[first + k]);
        let mut pairs = below.chunks_exact_mut(2 * n);
        let mut at = next;
        for pair in &mut pairs {
            let (one, two) = pair.split_at_mut(n);
            take_off(rows, at, [one, two]);
            at += 2;
        }
        let last = pairs.into_remainder();
        if !last.is_empty() {
            take_off(rows, at, [last]);
        }
        for (i, value) in (next..).zip(rest) {
            for k in 0..PIVOTS {
                *value = (-rows[k][i]).mul_add(right[k], *value);
            }
        }
    }
    for i in (0..n).rev() {
        let row = &a[i * n..(i + 1) * n];
        b[i] = (b[i] - dot(&row[i + 1..], &b[i + 1..n])) / row[i];
    }
    true
}

/// Factorizes a few rows of n starting with row `first`, from which all rows above have been
/// subtracted.
#[inline(always)]
fn pivots(rows: &mut [f32], right: &mut [f32], first: usize, n: usize) -> bool {
    for at in 0..right.len() {
        let (above, below) = rows.split_at_mut((at + 1) * n);
        let row = &mut above[at * n..];
        let k = first + at;
        let pivot = row[k];
        if pivot <= 0.0 || !pivot.is_finite() {
            return false;
        }
        let scale = 1.0 / pivot.sqrt();
        row[k..].iter_mut().for_each(|x| *x *= scale);
        right[at] *= scale;
        let (done, rest) = right.split_at_mut(at + 1);
        for ((other, value), i) in below.chunks_exact_mut(n).zip(rest).zip(k + 1..) {
            let factor = -row[i];
            *value = factor.mul_add(done[at], *value);
            for (x, y) in other[i..].iter_mut().zip(&row[i..]) {
                *x = factor.mul_add(*y, *x);
            }
        }
    }
    true
}

/// Subtracts `pivots` from rows that start with row `at`, at its diagonal or a few places before
/// it.
#[inline(always)]
fn take_off<const ROWS: usize>(pivots: [&[f32]; PIVOTS], at: usize, mut rows: [&mut [f32]; ROWS]) {
    let factors: [[f32; PIVOTS]; ROWS] =
        std::array::from_fn(|row| std::array::from_fn(|k| -pivots[k][at + row]));
    let start = at / LANES * LANES;
    let pivots = pivots.map(|row| row[start..].as_chunks::<LANES>());
    let lanes = pivots[0].0.len();
    let pivot_lanes = pivots.map(|(lanes_of, _)| &lanes_of[..lanes]);
    let pivot_tails = pivots.map(|(_, tail)| tail);
    for (row, factors) in rows.iter_mut().zip(&factors) {
        let tail = &mut row[start + lanes * LANES..];
        for (j, x) in tail.iter_mut().enumerate() {
            for k in 0..PIVOTS {
                *x = factors[k].mul_add(pivot_tails[k][j], *x);
            }
        }
    }
    let mut rows = rows.map(|row| &mut row[start..].as_chunks_mut::<LANES>().0[..lanes]);
    for at in 0..lanes {
        let taken = pivot_lanes.map(|row| row[at]);
        for (row, factors) in rows.iter_mut().zip(&factors) {
            let mut x = row[at];
            for k in 0..PIVOTS {
                for lane in 0..LANES {
                    x[lane] = factors[k].mul_add(taken[k][lane], x[lane]);
                }
            }
            row[at] = x;
        }
    }
}

/// Sums of every eighth product, added as a tree, and the remainder.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_tail), (b, b_tail)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] = a[lane].mul_add(b[lane], sums[lane]);
        }
    }
    let tail = a_tail.iter().zip(b_tail);
    tail.fold(total(&sums), |sum, (a, b)| a.mul_add(*b, sum))
}

/// Number of partial sums; rows for [`products`] are padded to a multiple of it.
pub const LANES: usize = 8;

/// Products of `n` rows with each other, `stride` (a multiple of [`LANES`]) long and apart: the
/// upper triangle of `out`, n × n. Each is [`LANES`] sums of every eighth term, added as a tree.
///
/// # Panics
/// If `stride` is not a multiple of [`LANES`], or a slice is too short.
pub fn products(rows: &[f32], n: usize, stride: usize, out: &mut [f32]) {
    products_as(Set::best(), rows, n, stride, out);
}

fn products_as(set: Set, rows: &[f32], n: usize, stride: usize, out: &mut [f32]) {
    assert!(stride.is_multiple_of(LANES) && rows.len() >= n * stride && out.len() >= n * n);
    match set.0 {
        Code::Baseline => products_of(rows, n, stride, out),
        // SAFETY: a `Set` with this code is created only if the processor has AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        Code::Avx2 => unsafe { products_avx2(rows, n, stride, out) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn products_avx2(rows: &[f32], n: usize, stride: usize, out: &mut [f32]) {
    products_of(rows, n, stride, out);
}

/// Blocks of four rows by two, so that each loaded value is used two or four times.
#[inline(always)]
fn products_of(rows: &[f32], n: usize, stride: usize, out: &mut [f32]) {
    let row = |at: usize| {
        rows[at.min(n - 1) * stride..][..stride]
            .as_chunks::<LANES>()
            .0
    };
    for top in (0..n).step_by(2) {
        for first in (top..n).step_by(4) {
            let mut sums = [[0.0f32; LANES]; 8];
            add_block(
                [row(first), row(first + 1), row(first + 2), row(first + 3)],
                [row(top), row(top + 1)],
                &mut sums,
            );
            for (down, sums) in sums.chunks_exact(4).enumerate().take(n - top) {
                let out = &mut out[(top + down) * n + first..(top + down + 1) * n];
                for (out, sum) in out.iter_mut().zip(sums) {
                    *out = total(sum);
                }
            }
        }
    }
}

/// The innermost loop; `sums` stays in registers.
#[inline(always)]
fn add_block(
    left: [&[[f32; LANES]]; 4],
    right: [&[[f32; LANES]]; 2],
    sums: &mut [[f32; LANES]; 8],
) {
    let mut local = *sums;
    let [a, b, c, d] = left;
    let left = a.iter().zip(b).zip(c).zip(d);
    for ((((a, b), c), d), (x, y)) in left.zip(right[0].iter().zip(right[1])) {
        for (at, (left, right)) in [
            (a, x),
            (b, x),
            (c, x),
            (d, x),
            (a, y),
            (b, y),
            (c, y),
            (d, y),
        ]
        .into_iter()
        .enumerate()
        {
            for lane in 0..LANES {
                local[at][lane] = left[lane].mul_add(right[lane], local[at][lane]);
            }
        }
    }
    *sums = local;
}

#[inline(always)]
fn total(sum: &[f32; LANES]) -> f32 {
    let half: [f32; 4] = std::array::from_fn(|lane| sum[lane] + sum[lane + 4]);
    (half[0] + half[2]) + (half[1] + half[3])
}

/// out += Σ factor_i · rows_i, for rows of equal length, in order.
///
/// # Examples
/// ```
/// use easylife_models::kernels::small::add_rows;
///
/// let mut out = [1.0, 0.0];
/// add_rows(&mut out, [(2.0, &[1.0, 1.0][..]), (-1.0, &[0.0, 3.0])].into_iter());
/// assert_eq!(out, [3.0, -1.0]);
/// ```
pub fn add_rows<'a, T: Real>(out: &mut [T], rows: impl Iterator<Item = (T, &'a [T])>) {
    add_rows_as(Set::best(), out, rows);
}

fn add_rows_as<'a, T: Real>(set: Set, out: &mut [T], rows: impl Iterator<Item = (T, &'a [T])>) {
    for (factor, row) in rows {
        match set.0 {
            Code::Baseline => add_row(out, factor, row),
            // SAFETY: a `Set` with this code is created only if the processor has AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Code::Avx2 => unsafe { add_row_avx2(out, factor, row) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn add_row_avx2<T: Real>(out: &mut [T], factor: T, row: &[T]) {
    add_row(out, factor, row);
}

#[inline(always)]
fn add_row<T: Real>(out: &mut [T], factor: T, row: &[T]) {
    for (out, x) in out.iter_mut().zip(row) {
        *out = factor.mul_add(*x, *out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(n: usize) -> System {
        let mut system = System::default();
        system.clear(n);
        for i in 0..n {
            for j in 0..n {
                let wave = libm::sinf((i * j) as f32 * 0.1) * 0.4 / n as f32;
                system.matrix[i * n + j] = if i == j { 2.0 } else { wave };
            }
            system.right[i] = i as f32;
        }
        system
    }

    #[test]
    fn a_system_worked_out_by_hand() {
        let mut system = System::default();
        system.clear(2);
        system.matrix.copy_from_slice(&[4.0, 2.0, 2.0, 3.0]);
        system.right.copy_from_slice(&[10.0, 8.0]);
        assert!(system.solve());
        assert!((system.right[0] - 1.75).abs() < 1e-6 && (system.right[1] - 1.5).abs() < 1e-6);
        system.clear(1);
        assert!(!system.solve(), "zero is not positive");
    }

    /// The upper triangle stands for the lower one.
    #[test]
    fn answers_solve_the_system() {
        for n in (1..20).chain([33, 64]) {
            let mut solved = system(n);
            let given = solved.clone();
            assert!(solved.solve());
            for i in 0..n {
                let cell = |j: usize| given.matrix[i.min(j) * n + i.max(j)];
                let sum: f32 = (0..n).map(|j| cell(j) * solved.right[j]).sum();
                assert!((sum - given.right[i]).abs() < 1e-4, "{n}, {i}: {sum}");
            }
        }
    }

    #[test]
    fn products_of_rows() {
        for n in [1, 2, 3, 6, 13] {
            let rows: Vec<f32> = (0..n * 16).map(|i| libm::sinf(i as f32)).collect();
            let outs = Set::available().into_iter().map(|set| {
                let mut out = vec![0.0; n * n];
                products_as(set, &rows, n, 16, &mut out);
                out
            });
            let outs: Vec<Vec<f32>> = outs.collect();
            assert!(outs.iter().all(|out| out == &outs[0]), "{n}");
            for i in 0..n {
                for j in i..n {
                    let terms = rows[i * 16..][..16].iter().zip(&rows[j * 16..]);
                    let dot: f32 = terms.map(|(a, b)| a * b).sum();
                    assert!((outs[0][i * n + j] - dot).abs() < 1e-5, "{n}: {i} {j}");
                }
            }
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        for n in [1, 7, 33, 64] {
            let mut answers = Set::available().into_iter().map(|set| {
                let mut system = system(n);
                assert!(system.solve_as(set));
                let mut sum = vec![0.0; n];
                add_rows_as(set, &mut sum, system.matrix.chunks(n).map(|row| (0.3, row)));
                (system.right, sum)
            });
            let first = answers.next().unwrap();
            assert!(answers.all(|answer| answer == first));
        }
    }
}
