//! Positions of two bytes in a text, 64 bytes at a time: cells are so short that a search for the end
//! of each would mostly start and stop.

/// Positions of either of two bytes, in order.
pub(super) struct Marks<'a> {
    bytes: &'a [u8],
    wanted: [u8; 2],
    /// Start of the 64 bytes that `bits` tells of.
    base: usize,
    /// A bit for each wanted byte that was not given yet.
    bits: u64,
}

impl<'a> Marks<'a> {
    pub fn new(bytes: &'a [u8], wanted: [u8; 2]) -> Marks<'a> {
        let mut marks = Marks {
            bytes,
            wanted,
            base: 0,
            bits: 0,
        };
        marks.bits = marks.load();
        marks
    }

    /// The next position; the length at the end.
    #[inline]
    pub fn next(&mut self) -> usize {
        while self.bits == 0 {
            self.base += 64;
            if self.base >= self.bytes.len() {
                return self.bytes.len();
            }
            self.bits = self.load();
        }
        let at = self.base + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        at
    }

    /// Leaves out those before `from`.
    pub fn skip_to(&mut self, from: usize) {
        if from >= self.base + 64 {
            self.base = from & !63;
            self.bits = self.load();
        }
        if from > self.base {
            self.bits &= u64::MAX << (from - self.base);
        }
    }

    #[inline]
    fn load(&self) -> u64 {
        let rest = self.bytes.get(self.base..).unwrap_or_default();
        match rest.first_chunk::<64>() {
            Some(chunk) => mask(chunk, self.wanted),
            None => {
                // Filled up with a byte that is not wanted.
                let filler = (0..3).find(|byte| !self.wanted.contains(byte)).unwrap_or(0);
                let mut chunk = [filler; 64];
                chunk[..rest.len()].copy_from_slice(rest);
                mask(&chunk, self.wanted)
            }
        }
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
        fn every_position_is_found(
            bytes in prop::collection::vec(97u8..101, 0..300), from in 0usize..300
        ) {
            let from = from.min(bytes.len());
            let mut marks = Marks::new(&bytes, [b'a', b'c']);
            marks.skip_to(from);
            let mut found = Vec::new();
            while let at = marks.next() && at < bytes.len() {
                found.push(at);
            }
            let expected: Vec<usize> =
                (from..bytes.len()).filter(|&at| b"ac".contains(&bytes[at])).collect();
            prop_assert_eq!(found, expected);
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
