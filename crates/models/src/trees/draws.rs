//! Random draws that depend on a seed, a purpose, a tree and an index, never on threads or on the
//! order of work.
//!
//! SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014) as a
//! counter-based hash: the generator's output number `index` for a start made of the other parts.
//! One draw costs a few multiplications, which matters because every row of every tree has one.

/// What a draw is for; each purpose has its own stream.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// Which way gradients are rounded.
    Rounding = 1,
    /// Which rows a tree sees.
    Rows = 2,
    /// Which columns a tree sees.
    Columns = 3,
}

/// Increment of SplitMix64: 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The output function of SplitMix64, a bijection.
#[inline]
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A stream of draws.
#[derive(Clone, Copy)]
pub(super) struct Stream(u64);

impl Stream {
    /// The stream of a seed, a purpose and a tree.
    pub fn new(seed: u64, purpose: Purpose, tree: u64) -> Stream {
        let seeded = mix(seed.wrapping_add(STEP));
        let purposed = mix(seeded ^ (purpose as u64).wrapping_mul(STEP));
        Stream(mix(purposed ^ tree.wrapping_mul(STEP)))
    }

    /// 64 uniform bits for an index.
    #[inline]
    pub fn bits(self, index: u64) -> u64 {
        mix(self
            .0
            .wrapping_add(STEP.wrapping_mul(index.wrapping_add(1))))
    }

    /// Whether an index is in a sample that holds each with this probability.
    #[inline]
    pub fn is_drawn(self, index: u64, share: f64) -> bool {
        const UNIT: f64 = 1.0 / (1_u64 << 53) as f64;
        ((self.bits(index) >> 11) as f64) * UNIT < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_splitmix64() {
        // First outputs of SplitMix64 for the seed 1234567, from Vigna's splitmix64.c.
        let stream = Stream(1_234_567);
        assert_eq!(stream.bits(0), 6_457_827_717_110_365_317);
        assert_eq!(stream.bits(1), 3_203_168_211_198_807_973);
    }

    #[test]
    fn streams_differ_by_every_part_of_their_key() {
        let first = Stream::new(1, Purpose::Rows, 0).bits(0);
        assert_ne!(first, Stream::new(2, Purpose::Rows, 0).bits(0));
        assert_ne!(first, Stream::new(1, Purpose::Columns, 0).bits(0));
        assert_ne!(first, Stream::new(1, Purpose::Rows, 1).bits(0));
        assert_ne!(first, Stream::new(1, Purpose::Rows, 0).bits(1));
    }

    #[test]
    fn a_share_is_drawn() {
        let stream = Stream::new(7, Purpose::Rows, 3);
        let drawn = (0..100_000).filter(|&row| stream.is_drawn(row, 0.3));
        let drawn = drawn.count();
        // Standard deviation 145.
        assert!((29_400..30_600).contains(&drawn), "{drawn}");
    }
}
