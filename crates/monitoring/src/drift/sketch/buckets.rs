//! Counts by key, in bounded memory and without any error: if there are too many keys, their low
//! bits are dropped until there are few enough.
//!
//! Keys that share their upper bits share a bucket. How many bits are dropped depends on the set of
//! keys alone, not on their order, so sketches merge exactly.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use models::kernels::hash::mix;

/// Maximum number of buckets. With 4,096 of them the low 52 bits may go, and no more.
const MOST_BUCKETS: usize = 4096;

/// What a bucket holds.
pub trait Add: Default {
    /// Adds what another bucket holds.
    fn add(&mut self, other: Self);
}

/// Values by key.
#[derive(Clone, Debug, Default)]
pub struct Buckets<T> {
    shift: u32,
    map: HashMap<u64, T, BuildHasherDefault<Mixed>>,
}

/// Hashes keys for tables in memory only.
#[derive(Clone, Copy, Debug, Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .for_each(|&byte| self.0 = mix(self.0 ^ u64::from(byte)));
    }
    fn write_u64(&mut self, key: u64) {
        self.0 = mix(key);
    }
}

impl<T: Add> Buckets<T> {
    /// Number of low bits that are dropped so far.
    pub fn shift(&self) -> u32 {
        self.shift
    }

    /// The bucket of a key.
    #[inline]
    pub fn entry(&mut self, key: u64) -> &mut T {
        if self.map.len() > MOST_BUCKETS {
            self.shrink();
        }
        self.map.entry(key >> self.shift).or_default()
    }

    /// Adds the buckets of another one.
    pub fn merge(&mut self, other: Buckets<T>) {
        if other.shift > self.shift {
            self.drop_bits(other.shift - self.shift);
        }
        let more = self.shift - other.shift;
        for (key, value) in other.map {
            self.map.entry(key >> more).or_default().add(value);
        }
        self.shrink();
    }

    /// The number of dropped bits; the keys without them, and what they hold, in ascending order.
    pub fn into_sorted(mut self) -> (u32, Vec<(u64, T)>) {
        self.shrink();
        let mut all: Vec<(u64, T)> = self.map.into_iter().collect();
        all.sort_unstable_by_key(|entry| entry.0);
        (self.shift, all)
    }

    /// Drops as few bits as necessary.
    fn shrink(&mut self) {
        if self.map.len() <= MOST_BUCKETS {
            return;
        }
        let mut keys: Vec<u64> = self.map.keys().copied().collect();
        keys.sort_unstable();
        // Two neighbours stay apart until their highest different bit is dropped.
        let mut apart = [0_usize; 65];
        for pair in keys.windows(2) {
            apart[64 - (pair[0] ^ pair[1]).leading_zeros() as usize] += 1;
        }
        let (mut left, mut bits) = (keys.len(), 0);
        while left > MOST_BUCKETS {
            bits += 1;
            left -= apart[bits];
        }
        self.drop_bits(bits as u32);
    }

    fn drop_bits(&mut self, bits: u32) {
        self.shift += bits;
        for (key, value) in std::mem::take(&mut self.map) {
            self.map.entry(key >> bits).or_default().add(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(keys: &[u64]) -> Buckets<u64> {
        let mut buckets = Buckets::default();
        keys.iter().for_each(|&key| *buckets.entry(key) += 1);
        buckets
    }

    #[test]
    fn few_keys_are_exact() {
        let buckets = of(&[7, 3, 7]);
        assert_eq!(buckets.into_sorted(), (0, vec![(3, 1), (7, 2)]));
    }

    #[test]
    fn as_few_bits_go_as_necessary() {
        let keys: Vec<u64> = (0..MOST_BUCKETS as u64).collect();
        assert_eq!(of(&keys).into_sorted().0, 0);
        let keys: Vec<u64> = (0..=MOST_BUCKETS as u64).collect();
        let (shift, sorted) = of(&keys).into_sorted();
        assert_eq!(shift, 1);
        assert_eq!(sorted.len(), MOST_BUCKETS / 2 + 1);
        assert_eq!(sorted[0], (0, 2));
        assert_eq!(sorted.last(), Some(&(2048, 1)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn parts_merge_to_the_whole(seed in any::<u64>(), at in 1_usize..9999, bits in 8_u32..64) {
            let key = |i: u64| super::super::scramble(seed ^ i) >> (64 - bits);
            let keys: Vec<u64> = (0..10_000).map(key).collect();
            let (left, right) = keys.split_at(at);
            let mut merged = of(right);
            merged.merge(of(left));
            prop_assert_eq!(merged.into_sorted(), of(&keys).into_sorted());
        }
    }
}
