//! Dense symmetric matrices on the `panel` kernel: products with the transpose, Cholesky factors of
//! small ones, inverses of large ones. The same bits for any number of threads.

use rayon::prelude::*;

use super::panel::{Panels, Product, ROWS, Real, View, WIDTH};
use super::reduce::chunks;

/// Number of rows of a tall matrix whose products are summed separately.
const TALL: usize = 2048;
/// Number of rows and columns that an inversion sweeps at once.
const BLOCK: usize = 64;
/// Minimum number of rows per thread.
const BAND: usize = 16 * ROWS;

/// A'A of a tall matrix of rows × `columns`, both triangles: chunks of a fixed number of rows,
/// added in order.
///
/// `values` are row-major; the result has `columns` × `columns` elements.
///
/// # Examples
/// ```
/// use easylife_models::kernels::dense::gram;
///
/// // Rows (1, 2), (3, 4), (5, 6).
/// let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// assert_eq!(gram(&values, 2), [35.0, 44.0, 44.0, 56.0]);
/// ```
pub fn gram<T: Real + std::ops::AddAssign>(values: &[T], columns: usize) -> Vec<T> {
    let rows = values.len().checked_div(columns).unwrap_or(0);
    let parts = chunks(rows, TALL, |range| {
        let part = View::rows(&values[range.start * columns..], range.len(), columns);
        let right = Panels::new(part);
        let mut out = vec![T::ZERO; columns * columns];
        let mut product = Product::new(part.transposed(), &right);
        product.lower = Some(0);
        product.add_to(&mut out, columns, &mut Vec::new());
        out
    });
    let mut sum = vec![T::ZERO; columns * columns];
    for part in parts {
        for (sum, part) in sum.iter_mut().zip(part) {
            *sum += part;
        }
    }
    mirror(&mut sum, columns);
    sum
}

/// Copies the lower triangle over the upper one.
///
/// # Panics
/// If `matrix` has fewer than n × n elements.
pub fn mirror<T: Copy>(matrix: &mut [T], n: usize) {
    for row in 0..n {
        for column in row + 1..n {
            matrix[row * n + column] = matrix[column * n + row];
        }
    }
}

/// A·B for A of rows × depth, one band of rows per thread.
///
/// `values` are row-major; the result is rows × columns of B. The sum of an element runs over the
/// depth in the order of the kernel, whatever the number of threads.
///
/// # Examples
/// ```
/// use easylife_models::kernels::dense::multiply;
/// use easylife_models::kernels::panel::{Panels, View};
///
/// // (1 2) times ((1, 0), (0, 10)).
/// let right = Panels::new(View::rows(&[1.0, 0.0, 0.0, 10.0], 2, 2));
/// assert_eq!(multiply(&[1.0, 2.0], &right), [1.0, 20.0]);
/// ```
pub fn multiply<T: Real>(values: &[T], right: &Panels<T>) -> Vec<T> {
    let depth = right.depth;
    let rows = values.len().checked_div(depth).unwrap_or(0);
    let mut out = vec![T::ZERO; rows * right.columns];
    out.par_chunks_mut(BAND * right.columns.max(1))
        .zip(values.par_chunks(BAND * depth.max(1)))
        .for_each_init(Vec::new, |scratch, (out, band)| {
            let left = View::rows(band, band.len() / depth, depth);
            Product::new(left, right).add_to(out, right.columns, scratch);
        });
    out
}

/// Cholesky factor L of an n × n matrix in place (lower triangle); false if the matrix is not
/// positive definite. Row by row (Crout), for small matrices.
///
/// # Examples
/// ```
/// use easylife_models::kernels::dense::cholesky;
///
/// let mut a = [4.0, 2.0, 2.0, 5.0];
/// assert!(cholesky(&mut a, 2));
/// assert_eq!((a[0], a[2], a[3]), (2.0, 1.0, 2.0));
/// // Not positive definite.
/// assert!(!cholesky(&mut [1.0, 2.0, 2.0, 1.0], 2));
/// ```
pub fn cholesky(a: &mut [f64], n: usize) -> bool {
    for i in 0..n {
        let (above, row) = a.split_at_mut(i * n);
        for j in 0..i {
            let other = &above[j * n..=j * n + j];
            let sum: f64 = std::iter::zip(&row[..j], other).map(|(x, y)| x * y).sum();
            row[j] = (row[j] - sum) / other[j];
        }
        let sum: f64 = row[..i].iter().map(|x| x * x).sum();
        let pivot = row[i] - sum;
        if pivot <= 0.0 || !pivot.is_finite() {
            return false;
        }
        row[i] = pivot.sqrt();
    }
    true
}

/// L^-1 of a lower triangle, as a full matrix.
///
/// By forward substitution, row by row; the upper triangle of the result is zero. The diagonal must
/// not have zeros: those of a Cholesky factor never are.
///
/// # Examples
/// ```
/// use easylife_models::kernels::dense::inverse_of_triangle;
///
/// // ((2, 0), (1, 4))
/// assert_eq!(inverse_of_triangle(&[2.0, 0.0, 1.0, 4.0], 2), [0.5, 0.0, -0.125, 0.25]);
/// ```
pub fn inverse_of_triangle(l: &[f64], n: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; n * n];
    for i in 0..n {
        let (above, row) = inverse.split_at_mut(i * n);
        let row = &mut row[..n];
        for k in 0..i {
            let factor = -l[i * n + k];
            for (x, y) in row[..=k].iter_mut().zip(&above[k * n..k * n + k + 1]) {
                *x += factor * y;
            }
        }
        let pivot = 1.0 / l[i * n + i];
        row[..i].iter_mut().for_each(|x| *x *= pivot);
        row[i] = pivot;
    }
    inverse
}

/// The matrix has no Cholesky factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the matrix is not positive definite")]
pub struct NotPositive;

/// The inverse of a symmetric positive definite n × n matrix in place, by the sweep operator
/// (Goodnight 1979) block by block. The lower triangle is read, the whole is written.
///
/// Each step replaces A over the block K by D = A_KK^-1, A_IJ by A_IJ - A_IK D A_KJ elsewhere, and
/// the rest of the block's rows and columns by A_IK D. n^3 / 2 multiply-adds, almost all of them in
/// the kernel.
///
/// # Errors
/// If a pivot is not positive; `a` is then partly overwritten.
///
/// # Examples
/// ```
/// use easylife_models::kernels::dense::invert;
///
/// let mut a = [2.0, 1.0, 1.0, 2.0];
/// invert(&mut a, 2).unwrap();
/// assert!((a[0] - 2.0 / 3.0).abs() < 1e-12 && (a[2] + 1.0 / 3.0).abs() < 1e-12);
/// assert!(invert(&mut [0.0], 1).is_err());
/// ```
pub fn invert(a: &mut [f64], n: usize) -> Result<(), NotPositive> {
    for start in (0..n).step_by(BLOCK) {
        let size = BLOCK.min(n - start);
        let pivot = pivot_block(a, n, start, size)?;
        // The block's columns of every row, from the triangle that holds them.
        let mut column = vec![0.0; n * size];
        for (row, out) in column.chunks_exact_mut(size).enumerate() {
            for (j, out) in out.iter_mut().enumerate() {
                let other = start + j;
                *out = if row >= other {
                    a[row * n + other]
                } else {
                    a[other * n + row]
                };
            }
        }
        let scaled = multiply(&column, &Panels::new(View::rows(&pivot, size, size)));
        let right = Panels::new(View::rows(&column, n, size).transposed());
        a.par_chunks_mut(BAND * n)
            .enumerate()
            .for_each_init(Vec::new, |scratch, (band, out)| {
                let first = band * BAND;
                let rows = out.len() / n;
                let left = View::rows(&scaled[first * size..(first + rows) * size], rows, size);
                let mut product = Product::new(left, &right);
                product.negate = true;
                product.lower = Some(first);
                product.add_to(out, n, scratch);
            });
        // Overwrites the update's values in the block's own rows and columns.
        for row in start + size..n {
            a[row * n + start..][..size].copy_from_slice(&scaled[row * size..][..size]);
        }
        for j in 0..size {
            for row in 0..start {
                a[(start + j) * n + row] = scaled[row * size + j];
            }
            for i in 0..size {
                a[(start + j) * n + start + i] = -pivot[j * size + i];
            }
        }
    }
    // The sweeps produce minus the inverse.
    a.par_iter_mut().for_each(|x| *x = -*x);
    mirror(a, n);
    Ok(())
}

/// The inverse of a diagonal block.
fn pivot_block(a: &[f64], n: usize, start: usize, size: usize) -> Result<Vec<f64>, NotPositive> {
    let mut block: Vec<f64> = (0..size)
        .flat_map(|i| &a[(start + i) * n + start..][..size])
        .copied()
        .collect();
    if !cholesky(&mut block, size) {
        return Err(NotPositive);
    }
    let half = inverse_of_triangle(&block, size);
    Ok(gram(&half, size))
}

/// Bytes that [`invert`] allocates besides the matrix.
///
/// For a caller that has to stay within a limit: the matrix itself takes 8 n² bytes, this grows with n.
pub fn invert_bytes(n: usize) -> usize {
    (2 * n + n.div_ceil(WIDTH) * WIDTH) * BLOCK * size_of::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B'B + I of a matrix of waves.
    fn positive(n: usize) -> Vec<f64> {
        let wave: Vec<f64> = (0..n * n).map(|i| libm::sin(i as f64 * 0.7)).collect();
        let mut a = gram(&wave, n);
        (0..n).for_each(|i| a[i * n + i] += 1.0);
        a
    }

    #[test]
    fn an_inverse_times_its_matrix_is_the_identity() {
        for n in [1, 5, 64, 65, 200] {
            let a = positive(n);
            let mut inverse = a.clone();
            invert(&mut inverse, n).unwrap();
            let product = multiply(&a, &Panels::new(View::rows(&inverse, n, n)));
            for i in 0..n {
                for j in 0..n {
                    let expected = f64::from(u8::from(i == j));
                    assert!((product[i * n + j] - expected).abs() < 1e-9, "{n}: {i} {j}");
                }
            }
        }
        assert_eq!(invert(&mut [1.0, 2.0, 2.0, 1.0], 2), Err(NotPositive));
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let mut a = positive(300);
                invert(&mut a, 300).unwrap();
                a
            })
        };
        let one = run(1);
        assert!(one == run(2) && one == run(8));
    }
}
