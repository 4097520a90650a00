//! Finds the leaves of 64 rows in a small tree by renaming leaves.
//!
//! Each row has the number of a leaf of the part of the tree seen so far. A split renames the leaf of
//! those rows in it that go right, for many rows at once and without a branch, in loops over bytes
//! which compilers turn into vector instructions. That costs all nodes instead of a path's, so large
//! trees are walked row by row instead.

use super::score::{BLOCK, Lane};

/// Rows whose numbers stay in a vector register while they pass through a tree.
const ROWS: usize = 32;
/// For splits that are not by a set.
pub(super) const NO_SET: u32 = u32::MAX;

/// A split as the renaming of a leaf.
#[derive(Clone, Copy)]
pub(super) struct Renaming {
    /// Index of the column among those used.
    pub lane: u32,
    /// The set whose codes go left, or [`NO_SET`].
    pub set: u32,
    /// The largest code that goes left.
    pub limit: u8,
    /// Added to the code before it is compared.
    pub shift: u8,
    /// The leaf that is split; its number remains that of the left child.
    pub leaf: u8,
    /// What turns the leaf's number into that of the right child, by exclusive or.
    pub change: u8,
}

/// Whether any split is by a set.
pub(super) fn has_sets(renamings: &[Renaming]) -> bool {
    renamings.iter().any(|renaming| renaming.set != NO_SET)
}

/// The number of each row's leaf in a tree without sets.
pub(super) fn rename(renamings: &[Renaming], lanes: &[Lane]) -> [u32; BLOCK] {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { rename_avx2(renamings, lanes) };
    }
    rename_bytes(renamings, lanes)
}

/// Integers only, so wider registers change nothing but the time, which they halve.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn rename_avx2(renamings: &[Renaming], lanes: &[Lane]) -> [u32; BLOCK] {
    rename_bytes(renamings, lanes)
}

#[inline(always)]
fn rename_bytes(renamings: &[Renaming], lanes: &[Lane]) -> [u32; BLOCK] {
    let mut leaves = [0; BLOCK];
    for (part, leaves) in leaves.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
        let mut numbers = [0_u8; ROWS];
        for renaming in renamings {
            let codes = &lanes[renaming.lane as usize].as_chunks::<ROWS>().0[part];
            let &Renaming {
                limit,
                shift,
                leaf,
                change,
                ..
            } = renaming;
            for (number, &code) in numbers.iter_mut().zip(codes) {
                let is_here = u8::from(*number == leaf).wrapping_neg();
                let is_right = u8::from(code.wrapping_add(shift) > limit).wrapping_neg();
                *number ^= is_here & is_right & change;
            }
        }
        *leaves = numbers.map(u32::from);
    }
    leaves
}

/// The number of each row's leaf in any small tree.
pub(super) fn rename_with_sets(
    renamings: &[Renaming],
    sets: &[[u64; 4]],
    lanes: &[Lane],
) -> [u32; BLOCK] {
    let mut leaves = [0_u8; BLOCK];
    for renaming in renamings {
        let codes = &lanes[renaming.lane as usize];
        let &Renaming {
            limit,
            shift,
            leaf,
            change,
            ..
        } = renaming;
        match sets.get(renaming.set as usize) {
            Some(bits) => {
                for (to, &code) in leaves.iter_mut().zip(codes) {
                    let is_left = bits[usize::from(code >> 6)] >> (code & 63) & 1 == 1;
                    *to ^= if *to == leaf && !is_left { change } else { 0 };
                }
            }
            None => {
                for (to, &code) in leaves.iter_mut().zip(codes) {
                    let is_here = u8::from(*to == leaf).wrapping_neg();
                    let is_right = u8::from(code.wrapping_add(shift) > limit).wrapping_neg();
                    *to ^= is_here & is_right & change;
                }
            }
        }
    }
    leaves.map(u32::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_finds_the_leaves_of_a_walk() {
        // A chain of splits: leaf n is split by lane n, and the right child stays.
        let lanes: Vec<Lane> = (0..5)
            .map(|lane| std::array::from_fn(|row| (row * (lane + 3) * 37 % 256) as u8))
            .collect();
        let renamings: Vec<Renaming> = (0..5)
            .map(|lane| Renaming {
                lane,
                set: NO_SET,
                limit: 100 + lane as u8,
                shift: lane as u8 % 2,
                leaf: lane as u8,
                change: lane as u8 ^ (lane as u8 + 1),
            })
            .collect();
        let walk = |row: usize| {
            let is_right = |renaming: &&Renaming| {
                let code = lanes[renaming.lane as usize][row];
                code.wrapping_add(renaming.shift) > renaming.limit
            };
            renamings.iter().take_while(is_right).count() as u32
        };
        let expected: [u32; BLOCK] = std::array::from_fn(walk);
        assert!(expected.iter().any(|&leaf| leaf > 2), "{expected:?}");
        assert_eq!(rename(&renamings, &lanes), expected);
        assert_eq!(rename_bytes(&renamings, &lanes), expected);
        assert_eq!(rename_with_sets(&renamings, &[], &lanes), expected);
        assert!(!has_sets(&renamings));
    }
}
