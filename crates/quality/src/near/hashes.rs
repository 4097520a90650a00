//! Near-duplicates among 64-bit hashes, such as the perceptual hashes of photos.
//!
//! Exact: every pair within the distance is found (Norouzi, Punjani and Fleet, "Fast Exact Search in
//! Hamming Space with Multi-Index Hashing", 2014). Of distance + 1 parts of two hashes that differ in
//! so many bits one is equal, so only hashes that share a part are compared.

use std::collections::HashMap;
use std::ops::Range;

use rayon::prelude::*;
use serde::Serialize;

use super::{Groups, NearError};

/// Largest distance: parts of fewer than five bits would tell little.
const LARGEST_DISTANCE: u32 = 11;

/// What [`close_hashes`] finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CloseHashes {
    /// Rows whose hashes are close, directly or through others of the group: rows ascending, groups by
    /// their first row.
    pub groups: Vec<Vec<u32>>,
    /// Pairs of distinct hashes, as `(first row, second row, bits that differ)`, ascending. Of equal
    /// hashes only the first row is paired.
    pub pairs: Vec<(u32, u32, u32)>,
}

/// All hashes that differ in at most `distance` bits.
///
/// A pair is compared only if it shares one of `distance + 1` parts of its bits: for random hashes and
/// distance 4 one in about 800. Hashes that are all alike are compared pairwise.
///
/// # Errors
/// A distance above 11, or more than `u32::MAX - 1` hashes.
///
/// # Examples
/// ```
/// let found = quality::near::close_hashes(&[0b1111, 0xff00_0000, 0b1101, 0b1111], 4)?;
/// assert_eq!(found.groups, [[0, 2, 3]]);
/// assert_eq!(found.pairs, [(0, 2, 1)]);
/// # Ok::<(), quality::near::NearError>(())
/// ```
pub fn close_hashes(hashes: &[u64], distance: u32) -> Result<CloseHashes, NearError> {
    if distance > LARGEST_DISTANCE {
        return Err(NearError::Distance(distance));
    }
    if hashes.len() >= u32::MAX as usize {
        return Err(NearError::TooMany);
    }
    let mut groups = Groups::new(hashes.len() as u32);
    let mut first_rows = HashMap::with_capacity(hashes.len());
    let mut distinct: Vec<(u64, u32)> = Vec::new();
    for (row, &hash) in hashes.iter().enumerate() {
        let row = row as u32;
        let first = *first_rows.entry(hash).or_insert(row);
        groups.join(first, row);
        if first == row {
            distinct.push((hash, row));
        }
    }
    let parts = parts(distance);
    let mut pairs = Vec::new();
    for part in 0..parts.len() {
        pairs.extend(close_in_part(&mut distinct, &parts, part, distance));
    }
    for &(first, second, _) in &pairs {
        groups.join(first, second);
    }
    pairs.par_sort_unstable();
    Ok(CloseHashes {
        groups: groups.into_groups(),
        pairs,
    })
}

/// The bits of each part: `distance + 1` parts of sizes that differ by 1 at most.
fn parts(distance: u32) -> Vec<Range<u32>> {
    let count = distance + 1;
    (0..count)
        .map(|i| i * 64 / count..(i + 1) * 64 / count)
        .collect()
}

fn bits(hash: u64, part: &Range<u32>) -> u64 {
    let width = part.end - part.start;
    let mask = if width == 64 {
        u64::MAX
    } else {
        (1 << width) - 1
    };
    hash >> part.start & mask
}

/// Close pairs that are equal in a part and in none before it, so that each is found once.
fn close_in_part(
    distinct: &mut [(u64, u32)],
    parts: &[Range<u32>],
    part: usize,
    distance: u32,
) -> Vec<(u32, u32, u32)> {
    distinct.par_sort_unstable_by_key(|&(hash, row)| (bits(hash, &parts[part]), row));
    let same = |a: &(u64, u32), b: &(u64, u32)| bits(a.0, &parts[part]) == bits(b.0, &parts[part]);
    let buckets: Vec<&[(u64, u32)]> = distinct
        .chunk_by(same)
        .filter(|bucket| bucket.len() > 1)
        .collect();
    let was_found = |differing: u64| parts[..part].iter().any(|part| bits(differing, part) == 0);
    let close = |bucket: &[(u64, u32)]| {
        let mut pairs = Vec::new();
        for (i, &(a, first)) in bucket.iter().enumerate() {
            for &(b, second) in &bucket[i + 1..] {
                let differing = a ^ b;
                if differing.count_ones() <= distance && !was_found(differing) {
                    pairs.push((first, second, differing.count_ones()));
                }
            }
        }
        pairs
    };
    buckets.into_par_iter().flat_map_iter(close).collect()
}
