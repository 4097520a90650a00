//! A stratified split that keeps groups together.
//!
//! Which groups go to the test part depends on a hash of their content and on the seed, not on their place in
//! the file: shuffling a file moves no row to the other part, and adding rows moves few.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Groups of rows that must stay together: a union-find over row numbers.
pub(crate) struct Groups {
    parent: Vec<u32>,
}

impl Groups {
    pub fn new(rows: usize) -> Self {
        Self {
            parent: (0..rows as u32).collect(),
        }
    }

    /// The first row of `row`'s group.
    pub fn first(&mut self, row: usize) -> usize {
        let mut root = row;
        while self.parent[root] as usize != root {
            self.parent[root] = self.parent[self.parent[root] as usize];
            root = self.parent[root] as usize;
        }
        root
    }

    pub fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.first(a), self.first(b));
        self.parent[a.max(b)] = a.min(b) as u32;
    }

    /// Joins rows with equal keys. A key of `None` joins nothing.
    pub fn join_equal<K: std::hash::Hash + Eq>(&mut self, keys: impl Iterator<Item = Option<K>>) {
        let mut seen = std::collections::HashMap::new();
        for (row, key) in keys.enumerate() {
            let Some(key) = key else { continue };
            let first = *seen.entry(key).or_insert(row);
            self.join(first, row);
        }
    }
}

struct Group {
    stratum: u32,
    hash: u64,
    first: usize,
    rows: usize,
}

/// Which rows go to the test part: from each stratum whole groups that together hold at most `share` of its
/// rows (rounded). The stratum of a group is the class of its first row.
///
/// `hashes[row]` is the [`hash`] of the row's content; `strata[row]` its class, below `classes`.
pub(crate) fn stratified(
    groups: &mut Groups,
    hashes: &[u64],
    strata: &[u32],
    classes: usize,
    share: f64,
) -> Vec<bool> {
    let mut list = collect(groups, hashes, strata);
    list.sort_unstable_by_key(|group| (group.hash, group.first));
    let mut rows = vec![0usize; classes];
    for group in &list {
        rows[group.stratum as usize] += group.rows;
    }
    let mut room: Vec<usize> = rows
        .iter()
        .map(|&rows| (rows as f64 * share).round() as usize)
        .collect();

    let mut test = vec![false; hashes.len()];
    for group in list {
        let room = &mut room[group.stratum as usize];
        if group.rows <= *room {
            *room -= group.rows;
            test[group.first] = true;
        }
    }
    for row in 0..test.len() {
        test[row] = test[groups.first(row)]; // the first row of a group comes before its other rows
    }
    test
}

/// The hash that decides which part a row goes to.
pub(crate) fn hash(content: &str, seed: u64) -> u64 {
    xxh3_64_with_seed(content.as_bytes(), seed)
}

fn collect(groups: &mut Groups, hashes: &[u64], strata: &[u32]) -> Vec<Group> {
    let mut index = vec![usize::MAX; hashes.len()];
    let mut list: Vec<Group> = Vec::new();
    for (row, &hash) in hashes.iter().enumerate() {
        let first = groups.first(row);
        if index[first] == usize::MAX {
            index[first] = list.len();
            list.push(Group {
                stratum: strata[first],
                hash: u64::MAX,
                first,
                rows: 0,
            });
        }
        let group = &mut list[index[first]];
        group.rows += 1;
        group.hash = group.hash.min(hash);
    }
    list
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(texts: &[&str], strata: &[u32], share: f64) -> Vec<bool> {
        let mut groups = Groups::new(texts.len());
        groups.join_equal(texts.iter().map(|text| Some(*text)));
        let classes = strata.iter().max().map_or(0, |m| *m as usize + 1);
        let hashes: Vec<u64> = texts.iter().map(|text| hash(text, 7)).collect();
        stratified(&mut groups, &hashes, strata, classes, share)
    }

    #[test]
    fn each_class_gives_its_share() {
        let texts: Vec<String> = (0..100).map(|i| format!("text {i}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let strata: Vec<u32> = (0..100).map(|i| u32::from(i >= 80)).collect();
        let test = split(&texts, &strata, 0.2);
        assert_eq!(test[..80].iter().filter(|t| **t).count(), 16);
        assert_eq!(test[80..].iter().filter(|t| **t).count(), 4);
    }

    #[test]
    fn a_class_of_one_row_stays_in_training() {
        assert!(!split(&["a", "b", "c", "d", "e"], &[0, 0, 0, 0, 1], 0.4)[4]);
    }

    proptest! {
        #[test]
        fn equal_texts_are_on_one_side(
            rows in prop::collection::vec((0u8..20, 0u32..3), 1..80), share in 0.0..0.9
        ) {
            let texts: Vec<String> = rows.iter().map(|(text, _)| text.to_string()).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let strata: Vec<u32> = rows.iter().map(|(_, stratum)| *stratum).collect();
            let test = split(&texts, &strata, share);
            for (i, a) in texts.iter().enumerate() {
                for (j, b) in texts.iter().enumerate() {
                    if a == b {
                        prop_assert_eq!(test[i], test[j]);
                    }
                }
            }
        }

        #[test]
        fn the_order_of_rows_decides_nothing(
            texts in prop::collection::hash_set("[a-z]{1,6}", 1..60), share in 0.0..0.9
        ) {
            // Distinct texts, the class a function of the text: as in clean data.
            let forward: Vec<&str> = texts.iter().map(String::as_str).collect();
            let backward: Vec<&str> = forward.iter().rev().copied().collect();
            let classes = |texts: &[&str]| -> Vec<u32> {
                texts.iter().map(|t| u32::from(t.len() > 3)).collect()
            };
            let a = split(&forward, &classes(&forward), share);
            let mut b = split(&backward, &classes(&backward), share);
            b.reverse();
            prop_assert_eq!(a, b);
        }
    }
}
