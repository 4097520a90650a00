//! Vectors of 16-bit whole numbers: what the inner loop needs of them and no more.
//!
//! Whole numbers add up to the same on every processor; only the speed differs.

/// Some 16-bit numbers worked on at once, and 32-bit sums of their products.
pub(super) trait Lanes: Copy {
    /// How many numbers.
    const N: usize;
    /// 32-bit sums; each takes products of two or more of the N numbers.
    type Sum: Copy;

    /// The first N of `from`.
    fn load(from: &[i16]) -> Self;
    fn splat(value: i16) -> Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn abs(self) -> Self;
    fn zero() -> Self::Sum;
    /// `sum` and all products of numbers at the same place.
    fn add_dot(sum: Self::Sum, a: Self, b: Self) -> Self::Sum;
    /// All of `sum` together.
    fn total(sum: Self::Sum) -> i64;
}

/// N numbers, in code for every processor.
#[derive(Clone, Copy)]
pub(super) struct Portable<const N: usize>([i16; N]);

impl<const N: usize> Lanes for Portable<N> {
    const N: usize = N;
    type Sum = [i32; N];

    #[inline(always)]
    fn load(from: &[i16]) -> Self {
        let mut numbers = [0; N];
        numbers.copy_from_slice(&from[..N]);
        Portable(numbers)
    }

    #[inline(always)]
    fn splat(value: i16) -> Self {
        Portable([value; N])
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
    fn zero() -> [i32; N] {
        [0; N]
    }

    #[inline(always)]
    fn add_dot(sum: [i32; N], a: Self, b: Self) -> [i32; N] {
        std::array::from_fn(|i| sum[i] + i32::from(a.0[i]) * i32::from(b.0[i]))
    }

    #[inline(always)]
    fn total(sum: [i32; N]) -> i64 {
        sum.iter().map(|&lane| i64::from(lane)).sum()
    }
}

/// Sixteen numbers in an AVX2 register.
#[cfg(target_arch = "x86_64")]
pub(super) mod avx2 {
    use std::arch::x86_64::*;

    use super::Lanes;

    /// To be used in functions with `#[target_feature(enable = "avx2")]` alone, into which its
    /// methods are inlined.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2(__m256i);

    // SAFETY of every block below: the type is used in functions compiled for AVX2 alone, which are
    // called where the processor has it (`tile::Patch::sums`).
    impl Lanes for Avx2 {
        const N: usize = 16;
        type Sum = __m256i;

        #[inline(always)]
        fn load(from: &[i16]) -> Self {
            assert!(from.len() >= Self::N, "sixteen numbers to load");
            // SAFETY: 32 bytes are there; an unaligned load has no other demand.
            Avx2(unsafe { _mm256_loadu_si256(from.as_ptr().cast()) })
        }

        #[inline(always)]
        fn splat(value: i16) -> Self {
            Avx2(unsafe { _mm256_set1_epi16(value) })
        }

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            Avx2(unsafe { _mm256_add_epi16(self.0, other.0) })
        }

        #[inline(always)]
        fn sub(self, other: Self) -> Self {
            Avx2(unsafe { _mm256_sub_epi16(self.0, other.0) })
        }

        #[inline(always)]
        fn abs(self) -> Self {
            Avx2(unsafe { _mm256_abs_epi16(self.0) })
        }

        #[inline(always)]
        fn zero() -> __m256i {
            unsafe { _mm256_setzero_si256() }
        }

        #[inline(always)]
        fn add_dot(sum: __m256i, a: Self, b: Self) -> __m256i {
            unsafe { _mm256_add_epi32(sum, _mm256_madd_epi16(a.0, b.0)) }
        }

        #[inline(always)]
        fn total(sum: __m256i) -> i64 {
            let mut lanes = [0i32; 8];
            // SAFETY: 32 bytes to store into; an unaligned store has no other demand.
            unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sum) };
            lanes.iter().map(|&lane| i64::from(lane)).sum()
        }
    }
}
