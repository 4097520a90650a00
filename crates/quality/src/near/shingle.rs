//! Sets of shingles, as sorted 32-bit hashes.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::words;

/// What texts are cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shingles {
    /// Runs of so many words.
    Words(usize),
    /// Runs of so many characters of the normalised text, its words separated by one space.
    Characters(usize),
}

impl Default for Shingles {
    fn default() -> Self {
        Self::Words(1)
    }
}

impl Shingles {
    /// Words or characters in one shingle.
    pub(super) fn length(self) -> usize {
        let (Self::Words(length) | Self::Characters(length)) = self;
        length
    }

    /// The sorted distinct hashes of a text's shingles; of a shorter text one of the whole, and of a
    /// text without words none.
    pub(super) fn set(self, text: &str, scratch: &mut Scratch) -> Vec<u32> {
        let mut set = match self {
            Self::Words(1) => {
                let mut set = Vec::with_capacity(text.len() / 5);
                words::for_each(text, &mut scratch.word, |word| set.push(hash(word)));
                set
            }
            Self::Words(length) => {
                scratch.units.clear();
                let units = &mut scratch.units;
                words::for_each(text, &mut scratch.word, |word| units.push(hash(word)));
                windows(&scratch.units, length)
            }
            Self::Characters(length) => {
                scratch.units.clear();
                let units = &mut scratch.units;
                words::for_each(text, &mut scratch.word, |word| {
                    if !units.is_empty() {
                        units.push(u32::from(' '));
                    }
                    units.extend(word.chars().map(u32::from));
                });
                windows(&scratch.units, length)
            }
        };
        set.sort_unstable();
        set.dedup();
        set.shrink_to_fit();
        set
    }
}

/// Space that is used again for the next text.
#[derive(Default)]
pub(super) struct Scratch {
    word: String,
    units: Vec<u32>,
}

fn hash(word: &str) -> u32 {
    xxh3_64(word.as_bytes()) as u32
}

/// Hashes of all runs of `length` units.
fn windows(units: &[u32], length: usize) -> Vec<u32> {
    if units.is_empty() {
        return Vec::new();
    }
    let length = length.min(units.len());
    let combine = |run: &[u32]| {
        let hash = run.iter().fold(0x9e37_79b9_7f4a_7c15_u64, |hash, &unit| {
            // Multiply and fold, as in wyhash.
            let product = u128::from(hash ^ u64::from(unit)) * 0xa076_1d64_78bd_642f_u128;
            (product >> 64) as u64 ^ product as u64
        });
        hash as u32
    };
    units.windows(length).map(combine).collect()
}

/// A number by which equal sets are recognised.
pub(super) fn fingerprint(set: &[u32]) -> u64 {
    // Sets of some billion texts would have to be held for two of them to collide by chance.
    let mut state = set.len() as u64;
    for chunk in set.chunks(64) {
        let mut bytes = [0; 256];
        for (four, hash) in bytes.chunks_exact_mut(4).zip(chunk) {
            four.copy_from_slice(&hash.to_le_bytes());
        }
        state = xxh3_64_with_seed(&bytes[..4 * chunk.len()], state);
    }
    state
}

/// Jaccard similarity of two sorted sets: shared over all; 0 of empty sets.
pub(super) fn jaccard(a: &[u32], b: &[u32]) -> f64 {
    let shared = shared(a, b);
    let all = a.len() + b.len() - shared;
    if all == 0 {
        return 0.0;
    }
    shared as f64 / all as f64
}

/// Jaccard similarity if it reaches `threshold`; sets of too different sizes are not looked at.
pub(super) fn jaccard_from(a: &[u32], b: &[u32], threshold: f64) -> Option<f64> {
    let (small, large) = (a.len().min(b.len()), a.len().max(b.len()));
    if (small as f64) < threshold * large as f64 {
        return None;
    }
    let similarity = jaccard(a, b);
    (similarity >= threshold).then_some(similarity)
}

/// Size of the intersection of two sorted sets, without a branch that cannot be predicted.
fn shared(a: &[u32], b: &[u32]) -> usize {
    let (mut i, mut j, mut count) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        let (x, y) = (a[i], b[j]);
        count += usize::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    count
}
