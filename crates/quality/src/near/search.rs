//! The search: pairs that share a bucket of a band, verified.
//!
//! In a small bucket every pair is compared. In a large one, where that would take quadratic time,
//! each entry is compared with some that are next to it when sorted by the following band, and with
//! some that lead a group; and an entry takes part in a bounded number of such comparisons.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::Serialize;

use super::index::NONE;
use super::shingle::jaccard_from;
use super::{Groups, Texts};

/// Largest bucket in which all pairs are compared.
const SMALL: usize = 64;
/// Neighbours and leaders that an entry of a large bucket is compared with.
const WINDOW: usize = 8;
const LEADERS: usize = 8;
/// Comparisons that an entry may begin in large buckets, over all bands.
const BUDGET: u16 = 64;

/// Two texts that are near-duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// The first row.
    pub first: u32,
    /// The second row, above the first.
    pub second: u32,
    /// Jaccard similarity of their shingles.
    pub similarity: f32,
}

/// How thorough a search was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Pairs whose similarity was computed.
    pub compared: u64,
    /// Buckets in which not all pairs were compared.
    pub large_buckets: u64,
    /// Distinct texts in the largest bucket.
    pub largest_bucket: u64,
    /// Pairs of large buckets that were neither compared nor put into one group (or, between two
    /// sets, whose text was not matched). An upper bound: a pair counts in each bucket that it shares.
    pub unchecked: u64,
}

/// What [`Texts::duplicates`] finds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Duplicates {
    /// Rows that are near-duplicates of each other, directly or through others of the group: rows
    /// ascending, groups by their first row.
    pub groups: Vec<Vec<u32>>,
    /// The pairs that connect the groups, ascending. A text that equals an earlier one is paired with
    /// the first such; in large buckets not every pair of a group is here.
    pub pairs: Vec<Pair>,
    /// Texts without words, which are not compared.
    pub without_words: u64,
    /// How thorough the search was.
    pub coverage: Coverage,
}

/// A text of the second set with a near-duplicate in the first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Leak {
    /// The row of the second set (counted on from the first set's).
    pub row: u32,
    /// The most similar row found in the first set.
    pub original: u32,
    /// Jaccard similarity of their shingles.
    pub similarity: f32,
}

/// What [`Texts::leakage`] finds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Leakage {
    /// Ascending by row.
    pub leaks: Vec<Leak>,
    /// How thorough the search was.
    pub coverage: Coverage,
}

impl Texts {
    /// All near-duplicates among the texts.
    pub fn duplicates(&self) -> Duplicates {
        let task = Within(Groups::new(self.distinct()));
        let (links, coverage) = Search::new(self, task).run();
        let row = |entry: u32| self.first_rows[entry as usize];
        let mut pairs: Vec<Pair> = links.iter().map(|link| link.pair(row)).collect();
        let mut without_words = 0;
        for (second, &entry) in self.entries().iter().enumerate() {
            let second = second as u32;
            match entry {
                NONE => without_words += 1,
                entry if row(entry) != second => pairs.push(Pair {
                    first: row(entry),
                    second,
                    similarity: 1.0,
                }),
                _ => {}
            }
        }
        pairs.par_sort_unstable_by_key(|pair| (pair.first, pair.second));
        let mut groups = Groups::new(self.len() as u32);
        for pair in &pairs {
            groups.join(pair.first, pair.second);
        }
        Duplicates {
            groups: groups.into_groups(),
            pairs,
            without_words,
            coverage,
        }
    }

    /// Which of the texts from row `split` on have a near-duplicate before it: test texts that a model
    /// has seen in training.
    ///
    /// # Examples
    /// ```
    /// use quality::near::Options;
    ///
    /// let mut texts = Options::default().texts()?;
    /// texts.extend(["My new card has not arrived yet", "How do I top up?"])?;
    /// let split = texts.len();
    /// texts.extend(["Is there a fee?", "How do I ... top up?!"])?;
    /// let leaks = texts.leakage(split).leaks;
    /// assert_eq!(leaks.len(), 1);
    /// assert_eq!((leaks[0].row, leaks[0].original), (3, 1));
    /// # Ok::<(), quality::near::NearError>(())
    /// ```
    pub fn leakage(&self, split: usize) -> Leakage {
        let count = self.distinct() as usize;
        let mut is_first = vec![false; count];
        for &entry in self.entries().iter().take(split) {
            if entry != NONE {
                is_first[entry as usize] = true;
            }
        }
        let mut is_second = vec![false; count];
        for &entry in self.entries().iter().skip(split) {
            if entry != NONE {
                is_second[entry as usize] = !is_first[entry as usize];
            }
        }
        let task = Between {
            is_first,
            is_second,
            matched: vec![false; count],
        };
        let (links, coverage) = Search::new(self, task).run();
        // The best of each entry; of equal ones the first row.
        let mut best: Vec<Option<(f64, u32)>> = vec![None; count];
        for link in &links {
            // The entries of the first set were added before.
            let original = self.first_rows[link.a as usize];
            let place = &mut best[link.b as usize];
            let better = place.is_none_or(|(similarity, row)| {
                link.similarity > similarity || link.similarity == similarity && original < row
            });
            if better {
                *place = Some((link.similarity, original));
            }
        }
        let leaks = self.entries().iter().enumerate().skip(split);
        let leaks = leaks
            .filter(|(_, entry)| **entry != NONE)
            .filter_map(|(row, &entry)| {
                let first = self.first_rows[entry as usize];
                let is_copy = (first as usize) < split;
                let (similarity, original) = if is_copy {
                    Some((1.0, first))
                } else {
                    best[entry as usize]
                }?;
                Some(Leak {
                    row: row as u32,
                    original,
                    similarity: similarity as f32,
                })
            });
        Leakage {
            leaks: leaks.collect(),
            coverage,
        }
    }
}

/// Two similar entries, `a` below `b`.
#[derive(Clone, Copy)]
struct Link {
    a: u32,
    b: u32,
    similarity: f64,
}

impl Link {
    /// The pair of the entries' first rows, which ascend as the entries do.
    fn pair(&self, row: impl Fn(u32) -> u32) -> Pair {
        Pair {
            first: row(self.a),
            second: row(self.b),
            similarity: self.similarity as f32,
        }
    }
}

/// Which pairs matter, and which are settled by those found before. `a` and `b` are entries.
trait Task: Sync {
    /// Whether the pair is looked for at all.
    fn is_wanted(&self, a: u32, b: u32) -> bool;
    /// Whether there is nothing left to learn from comparing the pair.
    fn is_settled(&mut self, a: u32, b: u32) -> bool;
    /// Notes that two entries are similar.
    fn link(&mut self, a: u32, b: u32);
    /// Whether later entries of a large bucket are compared with this one, and not only with those that
    /// lead already.
    fn leads(&mut self, entry: u32, leaders: &[u32]) -> bool;
    /// How many pairs of a bucket are not settled.
    fn unsettled(&mut self, bucket: &[Keyed]) -> u64;
}

/// All pairs; what is in one group is settled.
struct Within(Groups);

impl Task for Within {
    fn is_wanted(&self, _: u32, _: u32) -> bool {
        true
    }

    fn is_settled(&mut self, a: u32, b: u32) -> bool {
        self.0.joined(a, b)
    }

    fn link(&mut self, a: u32, b: u32) {
        self.0.join(a, b);
    }

    fn leads(&mut self, entry: u32, leaders: &[u32]) -> bool {
        !leaders.iter().any(|&leader| self.0.joined(leader, entry))
    }

    fn unsettled(&mut self, bucket: &[Keyed]) -> u64 {
        let pairs = |count: u64| count * count.saturating_sub(1) / 2;
        let mut sizes: HashMap<u32, u64> = HashMap::new();
        for keyed in bucket {
            *sizes.entry(self.0.root(keyed.entry)).or_default() += 1;
        }
        pairs(bucket.len() as u64) - sizes.into_values().map(pairs).sum::<u64>()
    }
}

/// Pairs of an entry of the first set and one that is in the second only; an entry of the second set is
/// settled once it is matched.
struct Between {
    is_first: Vec<bool>,
    is_second: Vec<bool>,
    matched: Vec<bool>,
}

impl Task for Between {
    fn is_wanted(&self, a: u32, b: u32) -> bool {
        let (a, b) = (a as usize, b as usize);
        self.is_first[a] && self.is_second[b] || self.is_first[b] && self.is_second[a]
    }

    fn is_settled(&mut self, a: u32, b: u32) -> bool {
        self.matched[a.max(b) as usize]
    }

    fn link(&mut self, a: u32, b: u32) {
        // The second set's entries come after the first's.
        self.matched[a.max(b) as usize] = true;
    }

    fn leads(&mut self, entry: u32, _: &[u32]) -> bool {
        self.is_first[entry as usize]
    }

    fn unsettled(&mut self, bucket: &[Keyed]) -> u64 {
        let entries = || bucket.iter().map(|keyed| keyed.entry as usize);
        let first = entries().filter(|&entry| self.is_first[entry]).count();
        let open = entries().filter(|&entry| self.is_second[entry] && !self.matched[entry]);
        first as u64 * open.count() as u64
    }
}

/// An entry with its key in a band and in the next one. Ordered by these, then by entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Keyed {
    key: u32,
    next: u32,
    entry: u32,
}

struct Search<'a, T> {
    texts: &'a Texts,
    task: T,
    links: Vec<Link>,
    /// For each entry one bit a band: whether its bucket is large.
    in_large: Vec<u64>,
    /// Comparisons begun in large buckets by each entry.
    spent: Vec<u16>,
    coverage: Coverage,
}

impl<'a, T: Task> Search<'a, T> {
    fn new(texts: &'a Texts, task: T) -> Self {
        let count = texts.distinct() as usize;
        Self {
            texts,
            task,
            links: Vec::new(),
            in_large: vec![0; count],
            spent: vec![0; count],
            coverage: Coverage::default(),
        }
    }

    /// The links, ascending, each once.
    fn run(mut self) -> (Vec<Link>, Coverage) {
        for band in 0..self.texts.plan().bands {
            let sorted = self.sorted(band);
            let buckets = sorted
                .chunk_by(|a, b| a.key == b.key)
                .filter(|bucket| bucket.len() > 1);
            let (small, large): (Vec<&[Keyed]>, Vec<&[Keyed]>) =
                buckets.partition(|bucket| bucket.len() <= SMALL);
            self.search_small(band, &small);
            for bucket in large {
                self.search_large(band, bucket);
            }
        }
        self.links.par_sort_unstable_by_key(|link| (link.a, link.b));
        self.links.dedup_by_key(|link| (link.a, link.b));
        (self.links, self.coverage)
    }

    fn sorted(&self, band: usize) -> Vec<Keyed> {
        let next = (band + 1) % self.texts.plan().bands;
        let keyed = |entry: u32| {
            let keys = self.texts.keys(entry);
            Keyed {
                key: keys[band],
                next: keys[next],
                entry,
            }
        };
        let mut sorted: Vec<Keyed> = (0..self.texts.distinct())
            .into_par_iter()
            .map(keyed)
            .collect();
        sorted.par_sort_unstable();
        sorted
    }

    fn search_small(&mut self, band: usize, buckets: &[&[Keyed]]) {
        let found: Vec<(Vec<Link>, u64)> = buckets
            .par_chunks(1024)
            .map(|buckets| {
                let (mut links, mut compared) = (Vec::new(), 0);
                for bucket in buckets {
                    compared += self.compare_all(band, bucket, &mut links);
                }
                (links, compared)
            })
            .collect();
        for (links, compared) in found {
            self.coverage.compared += compared;
            for link in &links {
                self.task.link(link.a, link.b);
            }
            self.links.extend(links);
        }
        let largest = buckets.iter().map(|bucket| bucket.len() as u64).max();
        self.coverage.largest_bucket = self.coverage.largest_bucket.max(largest.unwrap_or(0));
    }

    /// Compares all pairs of a bucket that no earlier small bucket held; returns how many.
    fn compare_all(&self, band: usize, bucket: &[Keyed], links: &mut Vec<Link>) -> u64 {
        let mut compared = 0;
        for (i, second) in bucket.iter().enumerate() {
            for first in &bucket[..i] {
                let (a, b) = (first.entry, second.entry);
                if self.task.is_wanted(a, b) && !self.was_compared(band, a, b) {
                    compared += 1;
                    links.extend(self.compare(a, b));
                }
            }
        }
        compared
    }

    /// Whether the pair shared a small bucket of an earlier band.
    fn was_compared(&self, band: usize, a: u32, b: u32) -> bool {
        let large = self.in_large[a as usize];
        let keys = self.texts.keys(a)[..band].iter().zip(self.texts.keys(b));
        keys.enumerate()
            .any(|(band, (a, b))| a == b && large >> band & 1 == 0)
    }

    fn compare(&self, a: u32, b: u32) -> Option<Link> {
        let threshold = self.texts.threshold();
        let similarity = jaccard_from(self.texts.set(a), self.texts.set(b), threshold)?;
        Some(Link {
            a: a.min(b),
            b: a.max(b),
            similarity,
        })
    }

    fn search_large(&mut self, band: usize, bucket: &[Keyed]) {
        let mut leaders = Vec::with_capacity(LEADERS);
        let mut different = 0;
        for (i, keyed) in bucket.iter().enumerate() {
            let entry = keyed.entry;
            self.in_large[entry as usize] |= 1 << band;
            let window = bucket[i.saturating_sub(WINDOW)..i].iter().rev();
            let window = window
                .map(|keyed| keyed.entry)
                .filter(|entry| !leaders.contains(entry));
            let others: Vec<u32> = leaders.iter().copied().chain(window).collect();
            for other in others {
                different += u64::from(self.compare_bounded(entry, other) == Some(false));
            }
            if leaders.len() < LEADERS && self.task.leads(entry, &leaders) {
                leaders.push(entry);
            }
        }
        let coverage = &mut self.coverage;
        coverage.large_buckets += 1;
        coverage.largest_bucket = coverage.largest_bucket.max(bucket.len() as u64);
        coverage.unchecked += self.task.unsettled(bucket).saturating_sub(different);
    }

    /// Whether two entries of a large bucket are similar; `None` if that is not wanted, settled, or
    /// beyond the budget.
    fn compare_bounded(&mut self, entry: u32, other: u32) -> Option<bool> {
        let spent = self.spent[entry as usize];
        if spent >= BUDGET
            || !self.task.is_wanted(entry, other)
            || self.task.is_settled(entry, other)
        {
            return None;
        }
        self.spent[entry as usize] += 1;
        self.coverage.compared += 1;
        let link = self.compare(entry, other);
        if let Some(link) = link {
            self.task.link(link.a, link.b);
            self.links.push(link);
        }
        Some(link.is_some())
    }
}
