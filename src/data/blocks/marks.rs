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

    /// The next position at or behind `from`, which must not go back; the length at the end.
    #[inline]
    pub fn next(&mut self, from: usize) -> usize {
        if from >= self.base + 64 {
            self.base = from & !63;
            self.bits = self.load();
        }
        if from > self.base {
            self.bits &= u64::MAX << (from - self.base);
        }
        while self.bits == 0 {
            self.base += 64;
            if self.base >= self.bytes.len() {
                return self.bytes.len();
            }
            self.bits = self.load();
        }
        self.base + self.bits.trailing_zeros() as usize
    }

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

/// A bit for each byte that is one of `wanted`, found in eight bytes at a time.
fn mask(chunk: &[u8; 64], wanted: [u8; 2]) -> u64 {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_position_is_found(bytes in prop::collection::vec(97u8..101, 0..300)) {
            let mut marks = Marks::new(&bytes, [b'a', b'c']);
            let (mut found, mut from) = (Vec::new(), 0);
            while let at @ 0.. = marks.next(from) && at < bytes.len() {
                found.push(at);
                from = at + 1;
            }
            let expected: Vec<usize> =
                (0..bytes.len()).filter(|&at| b"ac".contains(&bytes[at])).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
