//! Positions of two bytes in a text, 64 bytes at a time: cells are so short that a search for the end
//! of each would mostly start and stop.

/// Positions of either of two bytes, in order, and the length at the end. Kept between texts, so that
/// its memory is used again.
#[derive(Default)]
pub struct Marks {
    places: Vec<u32>,
}

/// Bytes that are looked at together.
const CHUNK: usize = 64;

impl Marks {
    /// Takes up a text in place of the former one.
    pub(super) fn find(&mut self, bytes: &[u8], wanted: [u8; 2]) -> &[u32] {
        let (chunks, rest) = bytes.as_chunks::<CHUNK>();
        let mut found = 0;
        for (index, chunk) in chunks.iter().enumerate() {
            found = self.put(mask(chunk, wanted), CHUNK * index, found);
        }
        // Filled up with a byte that is not wanted.
        let filler = (0..3).find(|byte| !wanted.contains(byte)).unwrap_or(0);
        let mut last = [filler; CHUNK];
        last[..rest.len()].copy_from_slice(rest);
        found = self.put(mask(&last, wanted), CHUNK * chunks.len(), found);
        self.places[found] = bytes.len() as u32;
        &self.places[..=found]
    }

    /// Writes the place of each bit behind the `found` ones, eight at a time: how many there are is
    /// not foreseen by a processor, but hardly ever more. What is written too much is written over.
    #[inline]
    fn put(&mut self, mut bits: u64, base: usize, found: usize) -> usize {
        if self.places.len() <= found + CHUNK {
            self.places.resize(2 * (found + CHUNK), 0);
        }
        let count = bits.count_ones() as usize;
        let (eights, _) = self.places[found..][..CHUNK].as_chunks_mut::<8>();
        for eight in &mut eights[..count.div_ceil(8)] {
            for place in eight {
                *place = base as u32 + bits.trailing_zeros();
                bits &= bits.wrapping_sub(1);
            }
        }
        found + count
    }
}

/// A bit for each byte that is one of `wanted`.
#[cfg(target_arch = "x86_64")]
#[inline]
fn mask(chunk: &[u8; 64], wanted: [u8; 2]) -> u64 {
    use std::arch::x86_64::*;
    let parts = chunk.as_chunks::<16>().0.iter().enumerate();
    parts.fold(0, |bits, (index, part)| {
        // SAFETY: every x86-64 has SSE2; the load is of 16 bytes that are there, at any address.
        let found = unsafe {
            let part = _mm_loadu_si128(part.as_ptr().cast());
            let [a, b] = wanted.map(|byte| _mm_cmpeq_epi8(part, _mm_set1_epi8(byte as i8)));
            _mm_movemask_epi8(_mm_or_si128(a, b))
        };
        bits | (found as u64) << (16 * index)
    })
}

/// The same, found in eight bytes at a time.
#[cfg(not(target_arch = "x86_64"))]
fn mask(chunk: &[u8; 64], wanted: [u8; 2]) -> u64 {
    words::mask(chunk, wanted)
}

#[cfg(any(test, not(target_arch = "x86_64")))]
mod words {
    pub fn mask(chunk: &[u8; 64], wanted: [u8; 2]) -> u64 {
        let [a, b] = wanted.map(|byte| u64::from(byte) * EACH);
        let words = chunk.as_chunks::<8>().0.iter().enumerate();
        words.fold(0, |bits, (index, bytes)| {
            let word = u64::from_le_bytes(*bytes);
            let found = zeros(word ^ a) | zeros(word ^ b);
            // Gathers the lowest bit of each byte in the highest byte.
            let gathered = (found >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
            bits | gathered << (8 * index)
        })
    }

    /// One in each byte.
    const EACH: u64 = 0x0101_0101_0101_0101;

    /// The highest bit of each byte that is zero, and no other (Warren, "Hacker's Delight", 6-1).
    fn zeros(word: u64) -> u64 {
        let low = 0x7f * EACH;
        !(((word & low) + low) | word | low)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_position_is_found(texts in prop::collection::vec(
            prop::collection::vec(97u8..101, 0..300), 1..4
        )) {
            let mut marks = Marks::default();
            for bytes in texts {
                let places = (0..bytes.len()).filter(|&at| b"ac".contains(&bytes[at]));
                let expected: Vec<u32> = places.chain([bytes.len()]).map(|at| at as u32).collect();
                prop_assert_eq!(marks.find(&bytes, [b'a', b'c']), expected);
            }
        }

        #[test]
        fn words_and_registers_find_the_same(chunk in prop::collection::vec(any::<u8>(), 64)) {
            let chunk: &[u8; 64] = chunk[..].try_into().unwrap();
            for wanted in [[b',', b'\n'], [chunk[3], chunk[60]]] {
                prop_assert_eq!(mask(chunk, wanted), words::mask(chunk, wanted));
            }
        }
    }
}
