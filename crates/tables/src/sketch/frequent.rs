//! Finds the frequent values of a stream. Counts are exact while there are few distinct values;
//! with more, the counters of Misra and Gries (1982) are used, with the merging of Agarwal et al.,
//! "Mergeable summaries" (2013): values without a counter are known to be rare.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Counters by the hash of the value.
#[derive(Clone, Debug)]
pub struct Frequent {
    /// Maximum number of distinct values that are counted exactly, and maximum size of their texts
    /// in bytes.
    exact: usize,
    bytes: usize,
    /// Number of counters kept if there are more.
    keep: usize,
    counters: HashMap<u64, Counter, BuildHasherDefault<Ready>>,
    stored: usize,
    overflowed: bool,
    /// Maximum error of a count, which is never too large.
    error: u64,
}

/// A value, its displayed text, and its count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// The value, or its start.
    pub text: Box<str>,
    /// Number of rows; a lower bound if not all values are counted.
    pub count: u64,
}

/// Maximum length of a displayed text in bytes; values are distinguished by their hashes.
const SHOWN: usize = 256;

/// A hasher for keys that are hashes already.
#[derive(Clone, Copy, Debug, Default)]
struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Frequent {
    /// Exact up to `exact` distinct values of `bytes` in total; with more, `keep` counters with an
    /// error of at most `1 / (keep + 1)` of all.
    ///
    /// `exact` is at least `keep`. The limits on distinct values and bytes hold between calls of
    /// [`Frequent::add`]: one chunk may exceed them.
    ///
    /// # Examples
    /// ```
    /// use easylife_tables::sketch::Frequent;
    ///
    /// let texts = ["a", "b"].map(str::as_bytes);
    /// let mut sketch = Frequent::new(100, 1000, 10);
    /// // Hashes and counts of two chunks; a good hash of the text in earnest.
    /// sketch.add([(1, 5), (2, 1)].into_iter(), |index| texts[index]);
    /// sketch.add([(2, 1)].into_iter(), |_| texts[1]);
    /// assert!(sketch.is_exact());
    /// let top = sketch.top(10);
    /// assert_eq!((&*top[0].text, top[0].count), ("a", 5));
    /// assert_eq!((&*top[1].text, top[1].count), ("b", 2));
    /// ```
    pub fn new(exact: usize, bytes: usize, keep: usize) -> Frequent {
        Frequent {
            exact: exact.max(keep),
            bytes,
            keep,
            counters: HashMap::default(),
            stored: 0,
            overflowed: false,
            error: 0,
        }
    }

    /// Adds a chunk: hash and count of each distinct value once, in any order. `text` returns the
    /// UTF-8 of one by its index in the chunk.
    pub fn add<'a>(
        &mut self,
        chunk: impl Iterator<Item = (u64, u64)> + Clone,
        text: impl Fn(usize) -> &'a [u8],
    ) {
        let excess = match self.overflowed {
            true => excess_count(chunk.clone().map(|(_, count)| count), self.keep),
            false => 0,
        };
        for (index, (hash, count)) in chunk.enumerate() {
            if count > excess {
                self.count(hash, count - excess, || text(index));
            }
        }
        match self.overflowed {
            true => {
                self.error += excess;
                self.shrink();
            }
            // Nothing is dropped yet: a caller that continues with a sketch reads `hashes` first.
            false => {
                self.overflowed = self.counters.len() > self.exact || self.stored > self.bytes;
            }
        }
    }

    fn count<'a>(&mut self, hash: u64, count: u64, text: impl FnOnce() -> &'a [u8]) {
        let stored = &mut self.stored;
        let counter = self.counters.entry(hash).or_insert_with(|| {
            let text = start(text());
            *stored += text.len();
            Counter { text, count: 0 }
        });
        counter.count += count;
    }

    fn shrink(&mut self) {
        if self.counters.len() <= self.keep {
            return;
        }
        let mut counts: Vec<u64> = self
            .counters
            .values()
            .map(|counter| counter.count)
            .collect();
        let (_, &mut excess, _) = counts.select_nth_unstable_by(self.keep, |a, b| b.cmp(a));
        self.error += excess;
        self.counters.retain(|_, counter| {
            counter.count = counter.count.saturating_sub(excess);
            counter.count > 0
        });
    }

    /// Whether every value was counted, so that counts are exact.
    pub fn is_exact(&self) -> bool {
        !self.overflowed
    }

    /// Maximum error of a count, and maximum count of a value that is absent.
    ///
    /// A count is between the reported one and the reported one plus this; 0 while counts are exact.
    pub fn error(&self) -> u64 {
        self.error
    }

    /// Number of counted values.
    pub fn len(&self) -> usize {
        self.counters.len()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counters.is_empty()
    }

    /// Hashes of all counted values, in no particular order.
    ///
    /// Sort them, or use them as a set: the order must not reach an output.
    pub fn hashes(&self) -> impl Iterator<Item = u64> {
        self.counters.keys().copied()
    }

    /// All counters, in no particular order.
    pub fn counters(&self) -> impl Iterator<Item = &Counter> {
        self.counters.values()
    }

    /// The most frequent values, the first `limit` by count and then by text, that are certainly
    /// more frequent than those left out.
    ///
    /// Without exact counts the list may be shorter than `limit`, even empty: no value is certainly
    /// frequent where all are about equally rare.
    pub fn top(&self, limit: usize) -> Vec<&Counter> {
        let certain = |counter: &&Counter| counter.count > self.error;
        let mut top: Vec<&Counter> = match self.is_exact() {
            true => self.counters.values().collect(),
            false => self.counters.values().filter(certain).collect(),
        };
        top.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text)));
        top.truncate(limit);
        top
    }
}

/// The first [`SHOWN`] bytes of a text, in whole characters.
fn start(text: &[u8]) -> Box<str> {
    let text = &text[..text.len().min(SHOWN)];
    let whole = std::str::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
    String::from_utf8_lossy(&text[..whole]).into()
}

/// The count of rank `keep` + 1, which is subtracted from every count; `None` if there are fewer.
fn excess_count(counts: impl Iterator<Item = u64> + Clone, keep: usize) -> u64 {
    let (mut all, mut repeated) = (0, 0);
    for count in counts.clone() {
        all += 1;
        repeated += usize::from(count > 1);
    }
    match () {
        () if all <= keep => 0,
        // The rest occur once each.
        () if repeated <= keep => 1,
        () => {
            let mut counts: Vec<u64> = counts.filter(|&count| count > 1).collect();
            *counts.select_nth_unstable_by(keep, |a, b| b.cmp(a)).1
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    fn chunk(values: &[u16]) -> Vec<(String, u64)> {
        let mut counts = std::collections::BTreeMap::new();
        for value in values {
            *counts.entry(value.to_string()).or_insert(0) += 1;
        }
        counts.into_iter().collect()
    }

    fn add(top: &mut Frequent, chunk: &[(String, u64)]) {
        let counted = chunk
            .iter()
            .map(|(text, count)| (xxh3_64(text.as_bytes()), *count));
        top.add(counted, |index| chunk[index].0.as_bytes());
    }

    #[test]
    fn few_values_are_counted_exactly() {
        let mut top = Frequent::new(4, 1000, 2);
        add(&mut top, &chunk(&[1, 1, 2, 3]));
        add(&mut top, &chunk(&[3, 3]));
        assert!(top.is_exact() && top.len() == 3);
        let shown: Vec<(&str, u64)> = top.top(2).iter().map(|c| (&*c.text, c.count)).collect();
        assert_eq!(shown, [("3", 3), ("1", 2)]);
    }

    #[test]
    fn long_texts_are_bounded_and_distinguished() {
        let mut top = Frequent::new(100, 400, 2);
        let texts = ["a", "b"].map(|end| format!("{}{end}", "ü".repeat(500)));
        let list: Vec<(String, u64)> = texts.iter().map(|text| (text.clone(), 1)).collect();
        add(&mut top, &list);
        assert_eq!((top.len(), top.is_exact()), (2, false));
        assert!(
            top.counters()
                .all(|counter| *counter.text == *"ü".repeat(128))
        );
    }

    #[test]
    fn a_stream_without_repeats_keeps_nothing() {
        let mut top = Frequent::new(8, 1000, 4);
        for start in 0..50u16 {
            let values: Vec<u16> = (start * 20..start * 20 + 20).collect();
            add(&mut top, &chunk(&values));
        }
        assert!(!top.is_exact() && top.top(10).is_empty());
        assert!(top.error() <= 1000 / 5, "{}", top.error());
    }

    proptest! {
        #[test]
        fn counts_are_within_their_error(
            parts in prop::collection::vec(prop::collection::vec(0u16..60, 1..120), 1..12)
        ) {
            let (mut top, keep) = (Frequent::new(12, 1000, 8), 8);
            let mut exact: HashMap<String, u64> = HashMap::new();
            let mut total = 0;
            for part in &parts {
                add(&mut top, &chunk(part));
                for (text, count) in chunk(part) {
                    *exact.entry(text).or_insert(0) += count;
                    total += count;
                }
            }
            prop_assert!(top.error() * (keep as u64 + 1) <= total);
            let found: HashMap<&str, u64> =
                top.counters().map(|counter| (&*counter.text, counter.count)).collect();
            for (text, &count) in &exact {
                let found = found.get(text.as_str()).copied().unwrap_or(0);
                prop_assert!(found <= count && count <= found + top.error());
            }
        }
    }
}
