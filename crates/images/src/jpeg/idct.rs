//! The inverse cosine transform of 8 × 8 numbers, bit-identical to libjpeg's `islow`.
//!
//! Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT algorithms with 11 multiplications"
//! (ICASSP 1989), in integers: constants times 2^13, two bits kept between the passes. If a damaged
//! file leads to numbers beyond 16 bits, they wrap and saturate as in libjpeg-turbo's vector code,
//! in every variant here.

/// Numbers of a block, row by row, and extra places for those that belong nowhere: one for every
/// 8-bit index, so that none needs a bounds check.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(super) struct Block(pub [i16; 256]);

impl Block {
    fn row(&self, row: usize) -> &[i16; 8] {
        self.0[8 * row..].first_chunk().expect("eight rows")
    }
}

/// Two blocks and where their pixels go: a vector of 16 numbers processes both at once.
pub(super) struct Pair {
    pub blocks: [Block; 2],
    /// Index of the upper left pixel.
    pub places: [usize; 2],
}

impl Pair {
    pub fn new() -> Pair {
        Pair {
            blocks: [Block([0; 256]); 2],
            places: [0; 2],
        }
    }

    /// Sets both blocks to zero.
    #[inline(always)]
    pub fn clear(&mut self) {
        for block in &mut self.blocks {
            block.0[..64].fill(0);
        }
    }
}

/// Pixels of a block that has only its DC number.
#[inline(always)]
pub(super) fn flat(number: i16, out: &mut [u8], place: usize, stride: usize) {
    let once = (4 * i32::from(number)).clamp(i32::from(i16::MIN), i32::from(i16::MAX));
    let pixel = (((once + 16) >> 5) + 128).clamp(0, 255) as u8;
    for row in out[place..].chunks_mut(stride).take(8) {
        row[..8].fill(pixel);
    }
}

const FIX_0_298: i32 = 2446;
const FIX_0_390: i32 = 3196;
const FIX_0_541: i32 = 4433;
const FIX_0_765: i32 = 6270;
const FIX_0_899: i32 = 7373;
const FIX_1_175: i32 = 9633;
const FIX_1_501: i32 = 12299;
const FIX_1_847: i32 = 15137;
const FIX_1_961: i32 = 16069;
const FIX_2_053: i32 = 16819;
const FIX_2_562: i32 = 20995;
const FIX_3_072: i32 = 25172;
/// Bits that the passes shift out.
const FIRST: i32 = 11;
const SECOND: i32 = 18;

/// Transforms both blocks to pixels; for every processor.
pub(super) fn portable(pair: &Pair, factors: &[i16; 64], out: &mut [u8], stride: usize) {
    for (block, &place) in pair.blocks.iter().zip(&pair.places) {
        let rows: [[i16; 8]; 8] = std::array::from_fn(|row| {
            std::array::from_fn(|column| {
                let at = 8 * row + column;
                block.0[at].wrapping_mul(factors[at])
            })
        });
        let columns = transposed(&pass::<FIRST>(&rows));
        let pixels = transposed(&pass::<SECOND>(&columns));
        for (row, pixels) in out[place..].chunks_mut(stride).zip(&pixels) {
            for (out, &pixel) in row.iter_mut().zip(pixels) {
                *out = (pixel.clamp(-128, 127) + 128) as u8;
            }
        }
    }
}

fn transposed(from: &[[i16; 8]; 8]) -> [[i16; 8]; 8] {
    std::array::from_fn(|row| std::array::from_fn(|column| from[column][row]))
}

/// One dimension: each column of `rows` independently.
#[inline(always)]
fn pass<const BITS: i32>(rows: &[[i16; 8]; 8]) -> [[i16; 8]; 8] {
    let mut out = [[0; 8]; 8];
    for column in 0..8 {
        let results = line::<BITS>(std::array::from_fn(|row| rows[row][column]));
        for (row, result) in out.iter_mut().zip(results) {
            row[column] = result;
        }
    }
    out
}

#[inline(always)]
fn line<const BITS: i32>(v: [i16; 8]) -> [i16; 8] {
    let wide = i32::from;
    let (tmp2, tmp3) = (
        wide(v[2]) * FIX_0_541 + wide(v[6]) * (FIX_0_541 - FIX_1_847),
        wide(v[2]) * (FIX_0_541 + FIX_0_765) + wide(v[6]) * FIX_0_541,
    );
    let tmp0 = wide(v[0].wrapping_add(v[4])) << 13;
    let tmp1 = wide(v[0].wrapping_sub(v[4])) << 13;
    let even = [tmp0 + tmp3, tmp1 + tmp2, tmp1 - tmp2, tmp0 - tmp3];

    let (z3, z4) = (wide(v[7].wrapping_add(v[3])), wide(v[5].wrapping_add(v[1])));
    let (z3, z4) = (
        z3 * (FIX_1_175 - FIX_1_961) + z4 * FIX_1_175,
        z3 * FIX_1_175 + z4 * (FIX_1_175 - FIX_0_390),
    );
    let (a, b, c, d) = (wide(v[7]), wide(v[5]), wide(v[3]), wide(v[1]));
    let odd = [
        d * (FIX_1_501 - FIX_0_899) - a * FIX_0_899 + z4,
        c * (FIX_3_072 - FIX_2_562) - b * FIX_2_562 + z3,
        b * (FIX_2_053 - FIX_2_562) - c * FIX_2_562 + z4,
        a * (FIX_0_298 - FIX_0_899) - d * FIX_0_899 + z3,
    ];
    let descale = |value: i32| {
        let value = value.wrapping_add(1 << (BITS - 1)) >> BITS;
        value.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
    };
    std::array::from_fn(|row| match row {
        0..4 => descale(even[row].wrapping_add(odd[row])),
        _ => descale(even[7 - row].wrapping_sub(odd[7 - row])),
    })
}

/// Both blocks at once, one in each half of a vector.
#[cfg(target_arch = "x86_64")]
pub(super) mod avx2 {
    use std::arch::x86_64::*;

    use super::*;

    /// Numbers of the first and the second block.
    type Row = __m256i;

    #[target_feature(enable = "avx2")]
    #[inline]
    pub fn both(pair: &Pair, factors: &[i16; 64], out: &mut [u8], stride: usize) {
        let [first, second] = &pair.blocks;
        let load = |row: usize| {
            // SAFETY: 16 bytes; an unaligned load has no other demand.
            let half = |row: &[i16; 8]| unsafe { _mm_loadu_si128(row.as_ptr().cast()) };
            let factors = half(factors[8 * row..].first_chunk().expect("eight rows"));
            let numbers = _mm256_set_m128i(half(second.row(row)), half(first.row(row)));
            _mm256_mullo_epi16(numbers, _mm256_set_m128i(factors, factors))
        };
        let rows = [
            load(0),
            load(1),
            load(2),
            load(3),
            load(4),
            load(5),
            load(6),
            load(7),
        ];
        let columns = transpose(pass::<FIRST>(rows));
        let pixels = transpose(pass::<SECOND>(columns));
        let middle = _mm256_set1_epi8(-128);
        for row in (0..8).step_by(2) {
            let two = _mm256_packs_epi16(pixels[row], pixels[row + 1]);
            let two = _mm256_xor_si256(two, middle); // + 128
            let halves = [
                _mm256_castsi256_si128(two),
                _mm256_extracti128_si256::<1>(two),
            ];
            for (half, place) in halves.into_iter().zip(pair.places) {
                let upper = _mm_cvtsi128_si64(half).to_le_bytes();
                let lower = _mm_extract_epi64::<1>(half).to_le_bytes();
                let at = place + row * stride;
                out[at..at + 8].copy_from_slice(&upper);
                out[at + stride..at + stride + 8].copy_from_slice(&lower);
            }
        }
    }

    /// Sums of products of neighbours with two constants, for the lower and the upper columns.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn dot(pairs: [__m256i; 2], a: i32, b: i32) -> [__m256i; 2] {
        let constants = _mm256_set1_epi32((b << 16) | (a & 0xffff));
        [
            _mm256_madd_epi16(pairs[0], constants),
            _mm256_madd_epi16(pairs[1], constants),
        ]
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn pairs(a: Row, b: Row) -> [__m256i; 2] {
        [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)]
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn add(a: [__m256i; 2], b: [__m256i; 2]) -> [__m256i; 2] {
        [_mm256_add_epi32(a[0], b[0]), _mm256_add_epi32(a[1], b[1])]
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn sub(a: [__m256i; 2], b: [__m256i; 2]) -> [__m256i; 2] {
        [_mm256_sub_epi32(a[0], b[0]), _mm256_sub_epi32(a[1], b[1])]
    }

    /// Multiplies by 2^13 and adds the rounding term of the pass.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn scaled<const BITS: i32>(v: Row) -> [__m256i; 2] {
        let zero = _mm256_setzero_si256();
        let round = _mm256_set1_epi32(1 << (BITS - 1));
        let wide = |half| _mm256_add_epi32(_mm256_srai_epi32::<3>(half), round);
        [
            wide(_mm256_unpacklo_epi16(zero, v)),
            wide(_mm256_unpackhi_epi16(zero, v)),
        ]
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn descale<const BITS: i32>(v: [__m256i; 2]) -> Row {
        _mm256_packs_epi32(
            _mm256_srai_epi32::<BITS>(v[0]),
            _mm256_srai_epi32::<BITS>(v[1]),
        )
    }

    /// Like [`super::line`], for the columns of both blocks.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn pass<const BITS: i32>(v: [Row; 8]) -> [Row; 8] {
        let z = pairs(v[2], v[6]);
        let tmp2 = dot(z, FIX_0_541, FIX_0_541 - FIX_1_847);
        let tmp3 = dot(z, FIX_0_541 + FIX_0_765, FIX_0_541);
        let tmp0 = scaled::<BITS>(_mm256_add_epi16(v[0], v[4]));
        let tmp1 = scaled::<BITS>(_mm256_sub_epi16(v[0], v[4]));
        let even = [
            add(tmp0, tmp3),
            add(tmp1, tmp2),
            sub(tmp1, tmp2),
            sub(tmp0, tmp3),
        ];

        let z = pairs(_mm256_add_epi16(v[7], v[3]), _mm256_add_epi16(v[5], v[1]));
        let z3 = dot(z, FIX_1_175 - FIX_1_961, FIX_1_175);
        let z4 = dot(z, FIX_1_175, FIX_1_175 - FIX_0_390);
        let (ad, bc) = (pairs(v[7], v[1]), pairs(v[5], v[3]));
        let odd = [
            add(dot(ad, -FIX_0_899, FIX_1_501 - FIX_0_899), z4),
            add(dot(bc, -FIX_2_562, FIX_3_072 - FIX_2_562), z3),
            add(dot(bc, FIX_2_053 - FIX_2_562, -FIX_2_562), z4),
            add(dot(ad, FIX_0_298 - FIX_0_899, -FIX_0_899), z3),
        ];
        [
            descale::<BITS>(add(even[0], odd[0])),
            descale::<BITS>(add(even[1], odd[1])),
            descale::<BITS>(add(even[2], odd[2])),
            descale::<BITS>(add(even[3], odd[3])),
            descale::<BITS>(sub(even[3], odd[3])),
            descale::<BITS>(sub(even[2], odd[2])),
            descale::<BITS>(sub(even[1], odd[1])),
            descale::<BITS>(sub(even[0], odd[0])),
        ]
    }

    /// Transposes both halves.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn transpose(r: [Row; 8]) -> [Row; 8] {
        let lo16 = |a, b| _mm256_unpacklo_epi16(a, b);
        let hi16 = |a, b| _mm256_unpackhi_epi16(a, b);
        let lo32 = |a, b| _mm256_unpacklo_epi32(a, b);
        let hi32 = |a, b| _mm256_unpackhi_epi32(a, b);
        let lo64 = |a, b| _mm256_unpacklo_epi64(a, b);
        let hi64 = |a, b| _mm256_unpackhi_epi64(a, b);
        let (a0, a1) = (lo16(r[0], r[1]), hi16(r[0], r[1]));
        let (a2, a3) = (lo16(r[2], r[3]), hi16(r[2], r[3]));
        let (a4, a5) = (lo16(r[4], r[5]), hi16(r[4], r[5]));
        let (a6, a7) = (lo16(r[6], r[7]), hi16(r[6], r[7]));
        let (b0, b1) = (lo32(a0, a2), hi32(a0, a2));
        let (b2, b3) = (lo32(a1, a3), hi32(a1, a3));
        let (b4, b5) = (lo32(a4, a6), hi32(a4, a6));
        let (b6, b7) = (lo32(a5, a7), hi32(a5, a7));
        [
            lo64(b0, b4),
            hi64(b0, b4),
            lo64(b1, b5),
            hi64(b1, b5),
            lo64(b2, b6),
            hi64(b2, b6),
            lo64(b3, b7),
            hi64(b3, b7),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use proptest::prelude::*;

    use super::*;

    fn pixels(
        pair: &Pair,
        factors: &[i16; 64],
        transform: impl Fn(&Pair, &[i16; 64], &mut [u8], usize),
    ) -> Vec<u8> {
        let mut out = vec![0; 8 * 16];
        transform(pair, factors, &mut out, 16);
        out
    }

    fn pair(first: &[i16], second: &[i16]) -> Pair {
        let mut pair = Pair::new();
        pair.blocks[0].0[..64].copy_from_slice(first);
        pair.blocks[1].0[..64].copy_from_slice(second);
        pair.places = [0, 8];
        pair
    }

    /// The definition (A.3.3), in floating point.
    fn exact(numbers: &[i16], x: usize, y: usize) -> f64 {
        let scale = |k: usize| if k == 0 { 0.5f64.sqrt() } else { 1.0 };
        let wave = |k: usize, at: usize| scale(k) * (PI * ((2 * at + 1) * k) as f64 / 16.0).cos();
        let terms = (0..64).map(|k| f64::from(numbers[k]) * wave(k % 8, x) * wave(k / 8, y));
        (terms.sum::<f64>() / 4.0 + 128.0).clamp(0.0, 255.0)
    }

    proptest! {
        #[test]
        fn pixels_are_those_of_the_definition(
            first in prop::collection::vec(-200i16..200, 64),
            second in prop::collection::vec(-20i16..20, 64),
        ) {
            let out = pixels(&pair(&first, &second), &[1; 64], portable);
            for (at, &pixel) in out.iter().enumerate() {
                let (x, y) = (at % 16, at / 16);
                let numbers = if x < 8 { &first } else { &second };
                let expected = exact(numbers, x % 8, y);
                prop_assert!((f64::from(pixel) - expected).abs() < 1.0, "{at}: {pixel}, {expected}");
            }
        }

        /// Also for numbers that no valid file contains.
        #[test]
        fn vectors_change_no_bit(
            numbers in prop::collection::vec(any::<i16>(), 128),
            factors in prop::collection::vec(1i16..256, 64),
            shift in 0u32..12,
        ) {
            let numbers: Vec<i16> = numbers.iter().map(|number| number >> shift).collect();
            let pair = pair(&numbers[..64], &numbers[64..]);
            let factors: [i16; 64] = factors.try_into().unwrap();
            let out = pixels(&pair, &factors, portable);
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2.
                let both = |pair: &Pair, factors: &[i16; 64], out: &mut [u8], stride| unsafe {
                    avx2::both(pair, factors, out, stride);
                };
                prop_assert_eq!(pixels(&pair, &factors, both), out);
            }
        }

        #[test]
        fn one_number_alone_is_flat(number in any::<i16>()) {
            let mut numbers = [0; 64];
            numbers[0] = number;
            let out = pixels(&pair(&numbers, &numbers), &[1; 64], portable);
            let mut short = vec![0; 8 * 16];
            flat(number, &mut short, 0, 16);
            flat(number, &mut short, 8, 16);
            prop_assert_eq!(out, short);
        }
    }
}
