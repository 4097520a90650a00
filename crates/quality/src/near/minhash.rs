//! MinHash signatures, cut into bands.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

/// Hash functions that a signature may have.
const MOST_HASHES: usize = 256;
/// Bands that a signature may have: one bit of a `u64` each.
pub(super) const MOST_BANDS: usize = 64;
/// Share of the pairs exactly at the threshold that must be proposed.
const LEAST_RECALL: f64 = 0.99;

/// How signatures are cut into bands: texts that agree in all hashes of a band are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Number of bands.
    pub bands: usize,
    /// Hashes in each band.
    pub hashes: usize,
}

impl Plan {
    /// The longest bands, which propose the fewest pairs in vain, that still find what they must.
    pub(super) fn for_threshold(threshold: f64) -> Self {
        let plan = |hashes: usize| Self {
            bands: (MOST_HASHES / hashes).min(MOST_BANDS),
            hashes,
        };
        let enough = |plan: &Self| plan.recall(threshold) >= LEAST_RECALL;
        let longest = (1..=16).rev().map(plan).find(enough);
        longest.unwrap_or(plan(1))
    }

    /// Probability that a pair of this Jaccard similarity is proposed: 1 - (1 - s^hashes)^bands.
    pub fn recall(&self, similarity: f64) -> f64 {
        let in_band = libm::pow(similarity, self.hashes as f64);
        1.0 - libm::pow(1.0 - in_band, self.bands as f64)
    }
}

/// The hash functions x -> a x + b modulo 2^32 of all bands.
pub(super) struct MinHash {
    plan: Plan,
    multipliers: Vec<u32>,
    offsets: Vec<u32>,
}

impl MinHash {
    pub(super) fn new(plan: Plan, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(u64::from_le_bytes(*b"minhash\0"));
        let count = plan.bands * plan.hashes;
        Self {
            plan,
            // Odd, so that no two shingles get one hash.
            multipliers: (0..count).map(|_| random.next_u32() | 1).collect(),
            offsets: (0..count).map(|_| random.next_u32()).collect(),
        }
    }

    /// Appends one key for each band. `minima` is scratch space.
    pub(super) fn keys(&self, set: &[u32], minima: &mut Vec<u32>, keys: &mut Vec<u32>) {
        minima.clear();
        minima.resize(self.multipliers.len(), u32::MAX);
        for &shingle in set {
            let functions = self.multipliers.iter().zip(&self.offsets);
            for (least, (&a, &b)) in minima.iter_mut().zip(functions) {
                *least = (*least).min(shingle.wrapping_mul(a).wrapping_add(b));
            }
        }
        let mut bytes = [0; 4 * 16];
        for band in minima.chunks_exact(self.plan.hashes) {
            for (four, least) in bytes.chunks_exact_mut(4).zip(band) {
                four.copy_from_slice(&least.to_le_bytes());
            }
            keys.push(xxh3_64(&bytes[..4 * band.len()]) as u32);
        }
    }
}
