//! Names of regions and districts, how unevenly they are drawn, and what each of them does to a target.

use crate::tasks::draw::Draw;

pub const REGIONS: [&str; 25] = [
    "Aldermoor",
    "Brackenford",
    "Calder Vale",
    "Dunmere",
    "Eastholm",
    "Fenwick",
    "Glenhaven",
    "Harrowgate",
    "Ivybridge",
    "Jutland Coast",
    "Kestrel Bay",
    "Lowfield",
    "Marsh End",
    "Northwick",
    "Oakhampton",
    "Pinewood",
    "Quarry Hill",
    "Redcliff",
    "Stonebridge",
    "Thornbury",
    "Upper Lea",
    "Valemouth",
    "Westmere",
    "Yarrow",
    "Zennor",
];

pub const DISTRICTS: [&str; 30] = [
    "Old Town",
    "Harbour",
    "Mill Quarter",
    "Castle Hill",
    "Riverside",
    "Station",
    "University",
    "Market",
    "Linden Park",
    "Southgate",
    "Northgate",
    "Garden City",
    "Kingsfield",
    "Brewery",
    "Westend",
    "Eastend",
    "Abbey",
    "Lakeside",
    "Woodlands",
    "Hillcrest",
    "Meadows",
    "Foundry",
    "Airfield",
    "Racecourse",
    "Canal",
    "Orchard",
    "Vineyard",
    "Quarry",
    "Heath",
    "Docklands",
];

/// A number in `0..n`; number i has a share in proportion to 1 / (i + shift), `shift` above 0.
pub fn uneven(draw: &mut Draw, n: usize, shift: f64) -> usize {
    let weight = |i: usize| 1.0 / (i as f64 + shift);
    let total: f64 = (0..n).map(weight).sum();
    let mut left = draw.uniform(0.0, total);
    for i in 0..n - 1 {
        left -= weight(i);
        if left < 0.0 {
            return i;
        }
    }
    n - 1
}

/// One of some entries by their shares, whose sum is 1.
pub fn by_share<T: Copy>(draw: &mut Draw, entries: &[(T, f64)]) -> T {
    let mut left = draw.uniform(0.0, 1.0);
    for (entry, share) in &entries[..entries.len() - 1] {
        left -= share;
        if left < 0.0 {
            return *entry;
        }
    }
    entries[entries.len() - 1].0
}

/// What level `i` adds to a target, from -1 to 1: neighbouring levels differ, and neither names nor shares tell it.
pub fn effect(i: usize) -> f64 {
    ((i * 7 + 3) % 13) as f64 / 6.0 - 1.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        assert_eq!(REGIONS.iter().collect::<BTreeSet<_>>().len(), 25);
        assert_eq!(DISTRICTS.iter().collect::<BTreeSet<_>>().len(), 30);
    }

    #[test]
    fn shares_are_as_said() {
        let draw = &mut Draw::new([1; 32], 0);
        let (mut levels, mut entries) = ([0; 3], [0; 2]);
        for _ in 0..11_000 {
            levels[uneven(draw, 3, 1.0)] += 1;
            entries[by_share(draw, &[(0, 0.9), (1, 0.1)])] += 1;
        }
        // 1 : 1/2 : 1/3 is 6000 : 3000 : 2000.
        for (count, expected) in levels.into_iter().zip([6000_i32, 3000, 2000]) {
            assert!((count - expected).abs() < 200, "{levels:?}");
        }
        assert!((entries[0] - 9900_i32).abs() < 120, "{entries:?}");
    }

    #[test]
    fn effects_stay_within_one_and_cancel() {
        let effects: Vec<f64> = (0..13).map(effect).collect();
        assert!(effects.iter().all(|effect| effect.abs() <= 1.0));
        assert!(effects.iter().sum::<f64>().abs() < 1e-12);
    }
}
