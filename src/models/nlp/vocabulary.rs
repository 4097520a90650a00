//! N-grams to feature numbers and back: counting, choosing, looking up.
//!
//! A table of our own instead of `HashMap<String, u32>`: n-grams lie end to end in one buffer, hashes
//! (xxh3, 64 bits) find them, the bytes verify them, and a look-up allocates nothing. Features are
//! numbered in the order of their n-gram's bytes, whatever order they were met in.

use xxhash_rust::xxh3::xxh3_64;

/// The chosen n-grams, in byte order; the feature number is the place in it.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    ngrams: Ngrams,
}

impl Vocabulary {
    /// A vocabulary of `ngrams`; None unless they ascend strictly, by bytes.
    pub fn from_sorted<S: AsRef<str>>(sorted: &[S]) -> Option<Vocabulary> {
        let ascends = sorted
            .windows(2)
            .all(|pair| pair[0].as_ref() < pair[1].as_ref());
        if !ascends || u32::try_from(sorted.len()).is_err() {
            return None;
        }
        let mut ngrams = Ngrams::with_capacity(sorted.len());
        for ngram in sorted {
            ngrams.insert(ngram.as_ref().as_bytes());
        }
        Some(Vocabulary { ngrams })
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        self.ngrams.len()
    }

    /// True when nothing is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of the feature, if the n-gram is known.
    #[inline]
    pub fn find(&self, ngram: &[u8]) -> Option<u32> {
        self.ngrams.find(ngram)
    }

    /// The n-gram of a feature.
    pub fn ngram(&self, feature: u32) -> &str {
        std::str::from_utf8(self.ngrams.get(feature)).expect("n-grams are whole characters")
    }

    /// All n-grams, in order.
    pub fn ngrams(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|feature| self.ngram(feature as u32))
    }
}

/// Which n-grams become features.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Texts an n-gram must stand in, at least.
    pub min_df: usize,
    /// Share of the texts an n-gram may stand in, at most.
    pub max_df: f64,
    /// Features at most: those in most texts, ties to the lower bytes.
    pub max_features: usize,
}

/// Counts in how many texts each n-gram stands.
#[derive(Clone, Debug)]
pub struct Counter {
    ngrams: Ngrams,
    frequencies: Vec<u32>,
    /// The last text each n-gram was met in, counted from 1.
    last: Vec<u32>,
    texts: u32,
}

impl Default for Counter {
    fn default() -> Counter {
        Counter {
            ngrams: Ngrams::with_capacity(0),
            frequencies: Vec::new(),
            last: Vec::new(),
            texts: 0,
        }
    }
}

impl Counter {
    /// Counts the n-grams of one more text, each once.
    pub fn add<'a>(&mut self, ngrams: impl Iterator<Item = &'a [u8]>) {
        self.texts += 1;
        for ngram in ngrams {
            let id = self.ngrams.insert(ngram) as usize;
            if id == self.last.len() {
                self.last.push(0);
                self.frequencies.push(0);
            }
            if self.last[id] != self.texts {
                self.last[id] = self.texts;
                self.frequencies[id] += 1;
            }
        }
    }

    /// Adds what was counted in texts behind these. Numbers follow the order of the merges, so merge
    /// in the order of the texts.
    pub fn merge(&mut self, behind: &Counter) {
        for (id, &frequency) in (0..).zip(&behind.frequencies) {
            let id = self.ngrams.insert(behind.ngrams.get(id)) as usize;
            if id == self.frequencies.len() {
                self.frequencies.push(0);
                self.last.push(0);
            }
            self.frequencies[id] += frequency;
        }
        // Later texts of this counter have higher numbers than any in `last`.
        self.texts += behind.texts;
    }

    /// The vocabulary within `bounds`, and the number of texts each of its n-grams stands in.
    pub fn finish(self, bounds: Bounds) -> (Vocabulary, Vec<u32>) {
        let mut kept = self.within(bounds);
        let bytes = |id: &u32| self.ngrams.get(*id);
        if kept.len() > bounds.max_features {
            let rank = |id: &u32| std::cmp::Reverse(self.frequencies[*id as usize]);
            kept.sort_unstable_by(|a, b| {
                rank(a).cmp(&rank(b)).then_with(|| bytes(a).cmp(bytes(b)))
            });
            kept.truncate(bounds.max_features);
        }
        kept.sort_unstable_by(|a, b| bytes(a).cmp(bytes(b)));
        let mut ngrams = Ngrams::with_capacity(kept.len());
        for id in &kept {
            ngrams.insert(bytes(id));
        }
        let frequencies = kept
            .iter()
            .map(|id| self.frequencies[*id as usize])
            .collect();
        (Vocabulary { ngrams }, frequencies)
    }

    fn within(&self, bounds: Bounds) -> Vec<u32> {
        let most = bounds.max_df * f64::from(self.texts);
        let fits = |df: u32| df as usize >= bounds.min_df && f64::from(df) <= most;
        let ids = (0..).zip(&self.frequencies);
        ids.filter(|(_, df)| fits(**df)).map(|(id, _)| id).collect()
    }
}

/// Distinct byte strings, numbered in order of insertion: open addressing over one buffer.
#[derive(Clone, Debug)]
struct Ngrams {
    bytes: Vec<u8>,
    /// End of each string in `bytes`.
    ends: Vec<usize>,
    /// A power of two of slots, at most half of them taken.
    slots: Vec<Slot>,
}

/// The upper half of the hash, so that most misses end without a look at the bytes, and the number
/// plus one.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    tag: u32,
    number: u32,
}

impl Ngrams {
    fn with_capacity(count: usize) -> Ngrams {
        let slots = vec![Slot::default(); (2 * count).next_power_of_two().max(16)];
        Ngrams {
            bytes: Vec::new(),
            ends: Vec::with_capacity(count),
            slots,
        }
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    #[inline]
    fn get(&self, id: u32) -> &[u8] {
        let id = id as usize;
        let start = if id == 0 { 0 } else { self.ends[id - 1] };
        &self.bytes[start..self.ends[id]]
    }

    #[inline]
    fn find(&self, ngram: &[u8]) -> Option<u32> {
        self.probe(ngram, xxh3_64(ngram)).ok()
    }

    /// The number of `ngram`, a new one where it is new.
    fn insert(&mut self, ngram: &[u8]) -> u32 {
        if 2 * (self.len() + 1) > self.slots.len() {
            self.grow();
        }
        let hash = xxh3_64(ngram);
        self.probe(ngram, hash).unwrap_or_else(|slot| {
            let id = u32::try_from(self.len()).expect("fewer than 2^32 distinct n-grams");
            self.bytes.extend_from_slice(ngram);
            self.ends.push(self.bytes.len());
            self.slots[slot] = Slot {
                tag: tag(hash),
                number: id + 1,
            };
            id
        })
    }

    /// The number of `ngram`, or the slot where it belongs.
    #[inline]
    fn probe(&self, ngram: &[u8], hash: u64) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.number == 0 {
                return Err(at);
            }
            if slot.tag == tag(hash) && self.get(slot.number - 1) == ngram {
                return Ok(slot.number - 1);
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let mut slots = vec![Slot::default(); 2 * self.slots.len()];
        let mask = slots.len() - 1;
        for id in 0..self.len() as u32 {
            let hash = xxh3_64(self.get(id));
            let mut at = hash as usize & mask;
            while slots[at].number != 0 {
                at = (at + 1) & mask;
            }
            slots[at] = Slot {
                tag: tag(hash),
                number: id + 1,
            };
        }
        self.slots = slots;
    }
}

#[inline]
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Bounds = Bounds {
        min_df: 1,
        max_df: 1.0,
        max_features: usize::MAX,
    };

    fn count(texts: &[&str]) -> Counter {
        let mut counter = Counter::default();
        for text in texts {
            counter.add(text.split(' ').map(str::as_bytes));
        }
        counter
    }

    fn chosen(texts: &[&str], bounds: Bounds) -> (Vec<String>, Vec<u32>) {
        let (vocabulary, frequencies) = count(texts).finish(bounds);
        (
            vocabulary.ngrams().map(str::to_owned).collect(),
            frequencies,
        )
    }

    const TEXTS: [&str; 3] = ["b a a", "a c", "a b é"];

    #[test]
    fn counts_texts_not_occurrences() {
        let (ngrams, frequencies) = chosen(&TEXTS, ALL);
        assert_eq!(ngrams, ["a", "b", "c", "é"]);
        assert_eq!(frequencies, [3, 2, 1, 1]);
    }

    #[test]
    fn bounds_cut_both_ends() {
        let rare_out = chosen(&TEXTS, Bounds { min_df: 2, ..ALL });
        assert_eq!(rare_out, (vec!["a".to_owned(), "b".to_owned()], vec![3, 2]));
        let common_out = chosen(&TEXTS, Bounds { max_df: 0.7, ..ALL });
        assert_eq!(common_out.0, ["b", "c", "é"]);
    }

    #[test]
    fn the_cap_keeps_frequent_ones_and_breaks_ties_by_bytes() {
        let capped = chosen(
            &TEXTS,
            Bounds {
                max_features: 3,
                ..ALL
            },
        );
        assert_eq!(capped.0, ["a", "b", "c"]);
    }

    #[test]
    fn look_up_finds_all_and_nothing_else() {
        let words: Vec<String> = (0..5000).map(|i| format!("w{i:05}")).collect();
        let vocabulary = Vocabulary::from_sorted(&words).unwrap();
        for (i, word) in words.iter().enumerate() {
            assert_eq!(vocabulary.find(word.as_bytes()), Some(i as u32));
            assert_eq!(vocabulary.ngram(i as u32), word);
        }
        assert_eq!(vocabulary.find(b"w0000"), None);
        assert_eq!(vocabulary.find(b""), None);
    }

    #[test]
    fn unsorted_or_repeated_ngrams_are_refused() {
        assert!(Vocabulary::from_sorted(&["b", "a"]).is_none());
        assert!(Vocabulary::from_sorted(&["a", "a"]).is_none());
        assert!(Vocabulary::from_sorted::<&str>(&[]).unwrap().is_empty());
    }

    #[test]
    fn counting_in_parts_is_counting_at_once() {
        let texts: [&[&str]; 5] = [
            &["a", "b", "a"],
            &["b"],
            &["c", "a"],
            &["b", "c", "c"],
            &["d"],
        ];
        let add =
            |counter: &mut Counter, text: &[&str]| counter.add(text.iter().map(|w| w.as_bytes()));
        let bounds = Bounds {
            min_df: 1,
            max_df: 1.0,
            max_features: 3,
        };
        let mut whole = Counter::default();
        texts.iter().for_each(|text| add(&mut whole, text));
        let (expected, frequencies) = whole.finish(bounds);
        for cut in 0..=texts.len() {
            let (mut front, mut back) = (Counter::default(), Counter::default());
            texts[..cut].iter().for_each(|text| add(&mut front, text));
            texts[cut..].iter().for_each(|text| add(&mut back, text));
            front.merge(&back);
            add(&mut front, &["zz"]); // later texts still count
            let (vocabulary, merged) = front.finish(bounds);
            assert_eq!(
                vocabulary.ngrams().collect::<Vec<_>>(),
                expected.ngrams().collect::<Vec<_>>()
            );
            assert_eq!(merged, frequencies);
        }
    }
}
