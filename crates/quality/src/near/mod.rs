//! Near-duplicate texts, and close hashes of photos ([`close_hashes`]).
//!
//! Texts are near-duplicates if they are the same but for a few words, case, punctuation or white space.
//!
//! Texts become sets of shingles (see [`Shingles`]); two are near-duplicates if the Jaccard similarity
//! of their sets reaches a threshold. MinHash with banding (Broder 1997; Leskovec, Rajaraman and
//! Ullman, "Mining of Massive Datasets", chapter 3) proposes pairs, and the similarity of the whole sets
//! decides, not an estimate. What can be missed is a pair that no band proposes (at the threshold
//! [`Plan::recall`] of them are found, above it more), and what [`Coverage::unchecked`] counts.
//!
//! Shingles are compared by hashes of 32 bits: among millions of distinct words some share one, so a
//! pair just below the threshold can be reported (1,500 of a million texts of a template at .765, each
//! with four words that no other text has).
//!
//! Memory: 4 bytes for each distinct shingle of a text and 4 for each band; texts are not kept.
//! Time: linear in the texts, whatever they hold. Equal texts are one entry; of the texts that
//! share a bucket with very many others each is compared with a bounded number only.

mod hashes;
mod index;
mod minhash;
mod search;
mod shingle;
mod union;
mod words;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use hashes::{CloseHashes, close_hashes};
pub use index::Texts;
pub use minhash::Plan;
pub use search::{Coverage, Duplicates, Leak, Leakage, Pair};
pub use shingle::Shingles;
pub use union::Groups;

/// What a near-duplicate is.
///
/// # Examples
/// ```
/// use quality::near::Options;
///
/// let mut texts = Options::default().texts()?;
/// texts.extend(["Where is my card? It was ordered a week ago.", "How do I top up?"])?;
/// texts.extend(["where is my card -- it was ordered a week ago"])?;
/// let found = texts.duplicates();
/// assert_eq!(found.groups, [[0, 2]]);
/// # Ok::<(), quality::near::NearError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Least Jaccard similarity of near-duplicates, above 0 and at most 1.
    pub threshold: f64,
    /// What texts are cut into.
    pub shingles: Shingles,
    /// Seed of the hash functions.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threshold: 0.8,
            shingles: Shingles::default(),
            seed: 1,
        }
    }
}

impl Options {
    /// An empty collection of texts.
    ///
    /// # Errors
    /// A threshold outside 0.3 to 1, below which too many pairs would have to be compared, or shingles
    /// of length 0 or above 32.
    pub fn texts(&self) -> Result<Texts, NearError> {
        if !(LEAST_THRESHOLD..=1.0).contains(&self.threshold) {
            return Err(NearError::Threshold(self.threshold));
        }
        let length = self.shingles.length();
        if !(1..=LONGEST_SHINGLE).contains(&length) {
            return Err(NearError::Shingles(length));
        }
        Ok(Texts::new(self))
    }
}

/// Below, banding proposes nearly every pair.
const LEAST_THRESHOLD: f64 = 0.3;
const LONGEST_SHINGLE: usize = 32;

/// Why near-duplicates cannot be searched for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NearError {
    /// The threshold is out of range.
    #[error("threshold {0} is not between {LEAST_THRESHOLD} and 1")]
    Threshold(f64),
    /// The length of shingles is out of range.
    #[error("shingles of length {0}; it must be from 1 to {LONGEST_SHINGLE}")]
    Shingles(usize),
    /// The distance of hashes is out of range.
    #[error("distance {0} between hashes; it must be at most 11 bits")]
    Distance(u32),
    /// More texts or hashes than row numbers.
    #[error("more than {} rows; split them", u32::MAX - 1)]
    TooMany,
}
