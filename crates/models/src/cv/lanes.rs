//! Vectors of 16-bit integers, with only the operations that the inner loop needs.
//!
//! Integer sums are the same on every processor; only the speed differs.

/// How many numbers are processed at once.
pub(super) const LANES: usize = 16;

/// [`LANES`] 16-bit numbers, and 32-bit sums of their products.
pub(super) trait Lanes: Copy {
    /// 32-bit sums, each of one or more products of numbers in the same half.
    type Sum: Copy;

    fn load(from: &[i16; LANES]) -> Self;
    /// Widens pixels to 16-bit numbers.
    fn widen(from: &[u8; LANES]) -> Self;
    fn store(self, out: &mut [i16; LANES]);
    fn splat(value: i16) -> Self;
    fn and(self, other: Self) -> Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn abs(self) -> Self;
    fn zero() -> Self::Sum;
    /// Adds all products of numbers at the same position to `sum`.
    fn add_dot(sum: Self::Sum, a: Self, b: Self) -> Self::Sum;
    /// Sums of the lower and of the upper half of the numbers.
    fn halves(sum: Self::Sum) -> [i64; 2];
}

/// Works on every processor.
#[derive(Clone, Copy)]
pub(super) struct Portable([i16; LANES]);

impl Lanes for Portable {
    type Sum = [i32; LANES];

    #[inline(always)]
    fn load(from: &[i16; LANES]) -> Self {
        Portable(*from)
    }

    #[inline(always)]
    fn widen(from: &[u8; LANES]) -> Self {
        Portable(from.map(i16::from))
    }

    #[inline(always)]
    fn store(self, out: &mut [i16; LANES]) {
        *out = self.0;
    }

    #[inline(always)]
    fn splat(value: i16) -> Self {
        Portable([value; LANES])
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Portable(std::array::from_fn(|i| self.0[i] & other.0[i]))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Portable(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Portable(std::array::from_fn(|i| self.0[i] - other.0[i]))
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Portable(self.0.map(i16::abs))
    }

    #[inline(always)]
    fn zero() -> [i32; LANES] {
        [0; LANES]
    }

    #[inline(always)]
    fn add_dot(sum: [i32; LANES], a: Self, b: Self) -> [i32; LANES] {
        std::array::from_fn(|i| sum[i] + i32::from(a.0[i]) * i32::from(b.0[i]))
    }

    #[inline(always)]
    fn halves(sum: [i32; LANES]) -> [i64; 2] {
        let mut halves = [0; 2];
        for (lane, value) in sum.iter().enumerate() {
            halves[lane / (LANES / 2)] += i64::from(*value);
        }
        halves
    }
}

/// Sixteen numbers in an AVX2 register.
#[cfg(target_arch = "x86_64")]
pub(super) mod avx2 {
    use std::arch::x86_64::*;

    use super::{LANES, Lanes};

    /// Exists only where AVX2 is available: it is used only by `tile::measure_avx2`, which is
    /// compiled for AVX2 and called after a check of the processor. Its methods are inlined there.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2(__m256i);

    impl Lanes for Avx2 {
        type Sum = __m256i;

        #[inline(always)]
        fn load(from: &[i16; LANES]) -> Self {
            // SAFETY: AVX2 is available, see [`Avx2`]; `from` has 32 bytes, unaligned is allowed.
            Avx2(unsafe { _mm256_loadu_si256(from.as_ptr().cast()) })
        }

        #[inline(always)]
        fn widen(from: &[u8; LANES]) -> Self {
            // SAFETY: AVX2 is available, see [`Avx2`]; `from` has 16 bytes, unaligned is allowed.
            Avx2(unsafe { _mm256_cvtepu8_epi16(_mm_loadu_si128(from.as_ptr().cast())) })
        }

        #[inline(always)]
        fn store(self, out: &mut [i16; LANES]) {
            // SAFETY: AVX2 is available, see [`Avx2`]; 32 bytes to store into, unaligned is
            // allowed.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), self.0) }
        }

        #[inline(always)]
        fn splat(value: i16) -> Self {
            // SAFETY: AVX2 is available, see [`Avx2`]; registers only.
            Avx2(unsafe { _mm256_set1_epi16(value) })
        }

        #[inline(always)]
        fn and(self, other: Self) -> Self {
            // SAFETY: AVX2 is available, see [`Avx2`]; registers only.
            Avx2(unsafe { _mm256_and_si256(self.0, other.0) })
        }

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            // SAFETY: AVX2 is available, see [`Avx2`]; registers only.
            Avx2(unsafe { _mm256_add_epi16(self.0, other.0) })
        }

        #[inline(always)]
        fn sub(self, other: Self) -> Self {
            // SAFETY: AVX2 is available, see [`Avx2`]; registers only.
            Avx2(unsafe { _mm256_sub_epi16(self.0, other.0) })
        }

        #[inline(always)]
        fn abs(self) -> Self {
            // SAFETY: AVX2 is available, see [`Avx2`]; registers only.
            Avx2(unsafe { _mm256_abs_epi16(self.0) })
        }

        #[inline(always)]
        fn zero() -> __m256i {
            // SAFETY: AVX2 is available, see [`Avx2`]; registers only.
            unsafe { _mm256_setzero_si256() }
        }

        #[inline(always)]
        fn add_dot(sum: __m256i, a: Self, b: Self) -> __m256i {
            // SAFETY: AVX2 is available, see [`Avx2`]; registers only.
            unsafe { _mm256_add_epi32(sum, _mm256_madd_epi16(a.0, b.0)) }
        }

        #[inline(always)]
        fn halves(sum: __m256i) -> [i64; 2] {
            let mut lanes = [0i32; 8];
            // SAFETY: AVX2 is available, see [`Avx2`]; 32 bytes to store into, unaligned is allowed.
            unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sum) };
            let mut halves = [0; 2];
            for (lane, value) in lanes.iter().enumerate() {
                halves[lane / 4] += i64::from(*value);
            }
            halves
        }
    }
}
