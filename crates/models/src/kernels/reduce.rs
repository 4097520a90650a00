//! Sums that do not depend on the number of threads: fixed chunks, reduced in order.

use std::ops::Range;

use rayon::prelude::*;

use super::real::Real;

/// Number of elements in one chunk of a vector reduction.
const CHUNK: usize = 8192;
/// Number of chunks per task; the result does not depend on it.
const CHUNKS_PER_TASK: usize = 4;
/// Number of independent partial sums inside a chunk.
const LANES: usize = 8;

/// Results of `work` over `0..len` split into ranges of `size`, in order.
///
/// The chunks depend on `size` alone, so reducing the results in order gives the same bits for any
/// number of threads.
///
/// # Examples
/// ```
/// use easylife_models::kernels::reduce::chunks;
///
/// let sums = chunks(10, 4, |range| range.sum::<usize>());
/// assert_eq!(sums, [6, 22, 17]); // 0 to 3, 4 to 7, 8 and 9
/// ```
pub fn chunks<T: Send>(len: usize, size: usize, work: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    (0..len.div_ceil(size))
        .into_par_iter()
        .map(|chunk| work(chunk * size..len.min((chunk + 1) * size)))
        .collect()
}

/// Σ a·b in a fixed order, in double precision.
///
/// # Examples
/// ```
/// use easylife_models::kernels::reduce::dot;
///
/// let a: Vec<f64> = (0..100_000).map(|i| f64::from(i % 7) / 3.0).collect();
/// let whole = dot(&a, &a);
/// // The sum has a fixed order, so any number of threads gives the same bits.
/// assert_eq!(whole.to_bits(), dot(&a, &a).to_bits());
/// assert_eq!(dot(&[1.0_f32, 2.0], &[3.0_f64, 4.0]), 11.0);
/// ```
pub fn dot<A: Real, B: Real>(a: &[A], b: &[B]) -> f64 {
    sum(a, b, b, |a, b, _| a * b)
}

/// Σ a·b in a fixed order on this thread only, for short vectors.
#[inline]
pub fn dot_alone(a: &[f64], b: &[f64]) -> f64 {
    sum_chunk(a, b, b, |a, b, _| a * b)
}

/// Σ term(a, b, c) over three vectors of equal length, in a fixed order, in double precision.
///
/// # Panics
/// If the lengths differ.
pub fn sum<A: Real, B: Real, C: Real>(
    a: &[A],
    b: &[B],
    c: &[C],
    term: impl Fn(f64, f64, f64) -> f64 + Sync,
) -> f64 {
    assert!(
        a.len() == b.len() && a.len() == c.len(),
        "sum over vectors of different lengths"
    );
    let part =
        |range: Range<usize>| sum_chunk(&a[range.clone()], &b[range.clone()], &c[range], &term);
    let parts = (0..a.len().div_ceil(CHUNK))
        .into_par_iter()
        .with_min_len(CHUNKS_PER_TASK);
    let parts: Vec<f64> = parts
        .map(|chunk| part(chunk * CHUNK..a.len().min((chunk + 1) * CHUNK)))
        .collect();
    parts.into_iter().sum()
}

/// Euclidean norm.
pub fn norm<A: Real>(a: &[A]) -> f64 {
    dot(a, a).sqrt()
}

/// a += scale * b.
///
/// # Panics
/// If the lengths differ.
///
/// # Examples
/// ```
/// use easylife_models::kernels::reduce::add_scaled;
///
/// let mut a = [1.0_f64, 2.0];
/// add_scaled(&mut a, 10.0, &[1.0_f32, -1.0]);
/// assert_eq!(a, [11.0, -8.0]);
/// ```
pub fn add_scaled<A: Real + From<B>, B: Real>(a: &mut [A], scale: A, b: &[B]) {
    assert_eq!(a.len(), b.len(), "sum of vectors of different lengths");
    a.par_chunks_mut(CHUNK)
        .with_min_len(CHUNKS_PER_TASK)
        .zip(b.par_chunks(CHUNK))
        .for_each(|(a, b)| {
            for (a, b) in a.iter_mut().zip(b) {
                *a += scale * A::from(*b);
            }
        });
}

/// a = scale * a + b * c.
///
/// # Panics
/// If the lengths differ.
pub fn scale_add_product<A: Real>(a: &mut [A], scale: A, b: &[A], c: &[A]) {
    assert!(
        a.len() == b.len() && a.len() == c.len(),
        "sum of vectors of different lengths"
    );
    let blocks = a.par_chunks_mut(CHUNK).with_min_len(CHUNKS_PER_TASK);
    blocks
        .zip(b.par_chunks(CHUNK))
        .zip(c.par_chunks(CHUNK))
        .for_each(|((a, b), c)| {
            for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                *a = *b * *c + scale * *a;
            }
        });
}

#[inline]
fn sum_chunk<A: Real, B: Real, C: Real>(
    a: &[A],
    b: &[B],
    c: &[C],
    term: impl Fn(f64, f64, f64) -> f64,
) -> f64 {
    let mut lanes = [0.0; LANES];
    let whole = a.len() - a.len() % LANES;
    let (a, a_rest) = a.split_at(whole);
    let (b, b_rest) = b.split_at(whole);
    let (c, c_rest) = c.split_at(whole);
    let blocks = a
        .chunks_exact(LANES)
        .zip(b.chunks_exact(LANES))
        .zip(c.chunks_exact(LANES));
    for ((a, b), c) in blocks {
        for lane in 0..LANES {
            lanes[lane] += term(a[lane].into(), b[lane].into(), c[lane].into());
        }
    }
    let rest = a_rest.iter().zip(b_rest).zip(c_rest);
    let rest = rest.map(|((&a, &b), &c)| term(a.into(), b.into(), c.into()));
    lanes.iter().sum::<f64>() + rest.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(len: usize, step: f64) -> Vec<f64> {
        (0..len).map(|i| libm::sin(i as f64 * step)).collect()
    }

    #[test]
    fn small_sums_are_exact() {
        let a: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!(dot(&a, &a), 385.0);
        assert_eq!(norm(&[3.0, 4.0]), 5.0);
        assert_eq!(dot(&[1.5_f32, 2.0], &[2.0, 0.25]), 3.5);
        assert_eq!(dot::<f64, f64>(&[], &[]), 0.0);
    }

    #[test]
    fn chunks_come_back_in_order() {
        assert_eq!(chunks(5, 2, |range| range), [0..2, 2..4, 4..5]);
        assert!(chunks(0, 2, |range| range).is_empty());
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let (a, b) = (wave(100_003, 0.37), wave(100_003, 1.91));
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let mut sum = a.clone();
                add_scaled(&mut sum, 0.3, &b);
                dot(&sum, &b).to_bits()
            })
        };
        assert_eq!(run(1), run(2));
        assert_eq!(run(1), run(8));
    }
}
