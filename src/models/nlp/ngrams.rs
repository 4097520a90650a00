//! In how many texts each n-gram stands, level by level: words, pairs of them, and so on.
//!
//! An n-gram is a node: the node of its first n - 1 words and the number of its last word. So its
//! key is one 64-bit number, however long the words. An n-gram stands in no more texts than its
//! parts, so only nodes that stand in enough texts grow (Agrawal and Srikant 1994, "Apriori").
//!
//! Keys are first dealt out to parts by their hash, then each part is counted in a table that fits a
//! core's cache: one table of all n-grams would miss the cache at every word. Threads share nothing,
//! and the order of nodes follows from the texts alone.

use rayon::prelude::*;

use super::corpus::Corpus;
use super::strings::mix;

/// Parts the keys are dealt out to; a power of two.
const PARTS: usize = 128;
/// Tokens dealt out by one task.
const TOKENS_PER_TASK: usize = 1 << 18;
/// Tasks whose keys are held before they are counted: it bounds the memory of a large corpus.
const TASKS_AT_ONCE: usize = 8;
/// No node: the n-gram is too rare, or the text ends.
pub(super) const NONE: u32 = u32::MAX;

/// The n-grams of one length.
#[derive(Debug, Default)]
pub(super) struct Level {
    /// Node of the n-gram without its last word, one level down, and number of the last word; for
    /// single words their number twice.
    pub keys: Vec<(u32, u32)>,
    /// In how many texts each stands.
    pub frequencies: Vec<u32>,
}

/// The n-grams of up to `longest` words that stand in `least` texts or more, one level a length.
pub(super) fn count(corpus: &Corpus, longest: usize, least: u32) -> Vec<Level> {
    let mut levels = vec![words(corpus, least)];
    let mut nodes = nodes_of_words(corpus, &levels[0]);
    for length in 2..=longest {
        let level = pairs(corpus, &nodes, length, least);
        if length < longest {
            nodes = extend(corpus, &nodes, length, &level);
        }
        levels.push(level);
    }
    levels
}

fn words(corpus: &Corpus, least: u32) -> Level {
    let words = (0..).zip(&corpus.frequencies);
    let (keys, frequencies) = words
        .filter(|(_, frequency)| **frequency >= least)
        .map(|(word, &frequency)| ((word, word), frequency))
        .unzip();
    Level { keys, frequencies }
}

/// For each token the node of the word by itself.
fn nodes_of_words(corpus: &Corpus, level: &Level) -> Vec<u32> {
    let mut node_of = vec![NONE; corpus.words.len()];
    for (node, &(word, _)) in (0..).zip(&level.keys) {
        node_of[word as usize] = node;
    }
    corpus
        .tokens
        .par_iter()
        .map(|&word| node_of[word as usize])
        .collect()
}

/// For each token the node of the n-gram of `length` words that starts there.
fn extend(corpus: &Corpus, shorter: &[u32], length: usize, level: &Level) -> Vec<u32> {
    let mut table = Pairs::with_capacity(level.keys.len());
    for (node, &key) in (0..).zip(&level.keys) {
        table.insert(key, node);
    }
    let parts: Vec<Vec<u32>> = tasks(corpus)
        .into_par_iter()
        .map(|texts| {
            let mut nodes = Vec::new();
            for text in texts {
                let keys = keys(corpus, shorter, length, text);
                nodes.extend(keys.map(|key| key.and_then(|k| table.find(k)).unwrap_or(NONE)));
            }
            nodes
        })
        .collect();
    parts.concat()
}

/// For each token of a text the key of the n-gram of `length` words that starts there.
#[inline]
fn keys<'a>(
    corpus: &'a Corpus,
    shorter: &'a [u32],
    length: usize,
    text: usize,
) -> impl Iterator<Item = Option<(u32, u32)>> + 'a {
    let words = corpus.text(text);
    let nodes = &shorter[corpus.start(text)..][..words.len()];
    nodes.iter().enumerate().map(move |(at, &node)| {
        let last = words.get(at + length - 1);
        last.filter(|_| node != NONE).map(|&last| (node, last))
    })
}

/// Ranges of texts of about [`TOKENS_PER_TASK`] each.
fn tasks(corpus: &Corpus) -> Vec<std::ops::Range<usize>> {
    let mut tasks = Vec::new();
    let mut from = 0;
    for text in 0..corpus.texts() {
        if corpus.start(text + 1) - corpus.start(from) >= TOKENS_PER_TASK {
            tasks.push(from..text + 1);
            from = text + 1;
        }
    }
    if from < corpus.texts() {
        tasks.push(from..corpus.texts());
    }
    tasks
}

/// Counts the n-grams of `length` words whose shorter nodes are given.
fn pairs(corpus: &Corpus, shorter: &[u32], length: usize, least: u32) -> Level {
    let mut counters: Vec<Counter> = (0..PARTS).map(|_| Counter::default()).collect();
    for wave in tasks(corpus).chunks(TASKS_AT_ONCE) {
        let dealt: Vec<Dealt> = wave
            .par_iter()
            .map(|texts| Dealt::deal(corpus, shorter, length, texts.clone()))
            .collect();
        counters
            .par_iter_mut()
            .enumerate()
            .for_each(|(part, counter)| {
                for dealt in &dealt {
                    for &(key, text) in dealt.part(part) {
                        counter.add(key, text);
                    }
                }
            });
    }
    let kept: Vec<Level> = counters
        .par_iter()
        .map(|counter| counter.kept(least))
        .collect();
    let mut level = Level::default();
    for part in kept {
        level.keys.extend(part.keys);
        level.frequencies.extend(part.frequencies);
    }
    level
}

/// Keys and their texts, part by part.
struct Dealt {
    entries: Vec<(u64, u32)>,
    /// Where each part starts, and where the last one ends.
    starts: Vec<usize>,
}

impl Dealt {
    /// The keys of some texts, dealt out in two passes: how many go where, then there.
    fn deal(
        corpus: &Corpus,
        shorter: &[u32],
        length: usize,
        texts: std::ops::Range<usize>,
    ) -> Dealt {
        let keys = |text| {
            let keys = keys(corpus, shorter, length, text).flatten();
            keys.map(|(node, word)| (u64::from(node) << 32) | u64::from(word))
        };
        let mut starts = vec![0; PARTS + 1];
        for key in texts.clone().flat_map(keys) {
            starts[part(key) + 1] += 1;
        }
        for part in 0..PARTS {
            starts[part + 1] += starts[part];
        }
        let mut next = starts.clone();
        let mut entries = vec![(0, 0); starts[PARTS]];
        for text in texts {
            for key in keys(text) {
                let place = &mut next[part(key)];
                entries[*place] = (key, text as u32);
                *place += 1;
            }
        }
        Dealt { entries, starts }
    }

    fn part(&self, part: usize) -> &[(u64, u32)] {
        &self.entries[self.starts[part]..self.starts[part + 1]]
    }
}

#[inline]
fn part(key: u64) -> usize {
    (mix(key) >> 57) as usize % PARTS
}

/// Texts by key: open addressing.
#[derive(Debug, Default)]
struct Counter {
    /// None or a power of two, at most three quarters taken.
    slots: Vec<Slot>,
    used: usize,
    /// Slots in order of their first use.
    order: Vec<u64>,
}

/// A key, in how many texts it stands (0: free) and in which it stood last.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    key: u64,
    texts: u32,
    last: u32,
}

impl Counter {
    #[inline]
    fn add(&mut self, key: u64, text: u32) {
        if 4 * self.used >= 3 * self.slots.len() {
            self.grow();
        }
        let slot = self.place(key);
        let found = &mut self.slots[slot];
        if found.texts == 0 {
            *found = Slot {
                key,
                texts: 1,
                last: text,
            };
            self.used += 1;
            self.order.push(key);
        } else if found.last != text {
            found.texts += 1;
            found.last = text;
        }
    }

    #[inline]
    fn place(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = mix(key) as usize & mask;
        while self.slots[at].texts != 0 && self.slots[at].key != key {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let larger = (2 * self.slots.len()).max(256);
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); larger]);
        for slot in old.into_iter().filter(|slot| slot.texts != 0) {
            let place = self.place(slot.key);
            self.slots[place] = slot;
        }
    }

    /// The keys of enough texts, in order of appearance.
    fn kept(&self, least: u32) -> Level {
        let found = self.order.iter().map(|&key| self.slots[self.place(key)]);
        let (keys, frequencies) = found
            .filter(|slot| slot.texts >= least)
            .map(|slot| (((slot.key >> 32) as u32, slot.key as u32), slot.texts))
            .unzip();
        Level { keys, frequencies }
    }
}

/// Pairs of numbers to numbers: open addressing, at most half full.
#[derive(Clone, Debug)]
pub(super) struct Pairs {
    keys: Vec<u64>,
    numbers: Vec<u32>,
}

impl Pairs {
    /// Room for so many pairs.
    pub fn with_capacity(pairs: usize) -> Pairs {
        let slots = (2 * pairs).next_power_of_two().max(4);
        Pairs {
            keys: vec![0; slots],
            numbers: vec![NONE; slots],
        }
    }

    /// Gives a pair its number, which is not [`NONE`]. There must be room.
    pub fn insert(&mut self, pair: (u32, u32), number: u32) {
        let place = self.place(join(pair));
        self.keys[place] = join(pair);
        self.numbers[place] = number;
    }

    /// The number of a pair, where it is known.
    #[inline]
    pub fn find(&self, pair: (u32, u32)) -> Option<u32> {
        let number = self.numbers[self.place(join(pair))];
        (number != NONE).then_some(number)
    }

    #[inline]
    fn place(&self, key: u64) -> usize {
        let mask = self.keys.len() - 1;
        let mut at = mix(key) as usize & mask;
        while self.keys[at] != key && self.keys[at] != 0 {
            at = (at + 1) & mask;
        }
        at
    }
}

/// One number for both, never 0.
#[inline]
fn join((first, second): (u32, u32)) -> u64 {
    (u64::from(first) << 32 | u64::from(second)) + 1
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::super::tokenize::Tokenizer;
    use super::*;

    fn corpus(texts: &[String]) -> Corpus {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Corpus::read(&texts, &Tokenizer::new(true, false), &[], &|_| ())
    }

    /// Every n-gram by its words, from the nodes.
    fn counted(corpus: &Corpus, longest: usize, least: u32) -> BTreeMap<Vec<u32>, u32> {
        let levels = count(corpus, longest, least);
        let mut out = BTreeMap::new();
        let mut words: Vec<Vec<u32>> = Vec::new();
        for (depth, level) in levels.iter().enumerate() {
            let grown = level.keys.iter().map(|&(node, last)| match depth {
                0 => vec![last],
                _ => [words[node as usize].as_slice(), &[last]].concat(),
            });
            words = grown.collect();
            out.extend(words.iter().cloned().zip(level.frequencies.iter().copied()));
        }
        out
    }

    /// The same by sets.
    fn expected(corpus: &Corpus, longest: usize, least: u32) -> BTreeMap<Vec<u32>, u32> {
        let mut out = BTreeMap::new();
        for text in 0..corpus.texts() {
            let words = corpus.text(text);
            let ngrams = (1..=longest).flat_map(|length| words.windows(length));
            for ngram in ngrams.collect::<BTreeSet<_>>() {
                *out.entry(ngram.to_vec()).or_insert(0) += 1;
            }
        }
        out.retain(|_, texts| *texts >= least);
        out
    }

    proptest! {
        #[test]
        fn as_sets_count(
            texts in prop::collection::vec("[a-c ]{0,12}", 0..12),
            longest in 1..4_usize,
            least in 1..4_u32,
        ) {
            let corpus = corpus(&texts);
            prop_assert_eq!(counted(&corpus, longest, least), expected(&corpus, longest, least));
        }
    }

    #[test]
    fn many_keys_and_tasks() {
        let word = |i: usize| format!("w{}", i * i % 977);
        let text = |i: usize| {
            (0..600)
                .map(|j| word(i * 7 + j * 3))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let texts: Vec<String> = (0..900).map(text).collect();
        let corpus = corpus(&texts);
        assert!(tasks(&corpus).len() > 2);
        assert_eq!(counted(&corpus, 3, 2), expected(&corpus, 3, 2));
    }

    #[test]
    fn pairs_are_found_again() {
        let mut pairs = Pairs::with_capacity(100);
        (0..100).for_each(|i| pairs.insert((i % 10, i / 10), i));
        assert!((0..100).all(|i| pairs.find((i % 10, i / 10)) == Some(i)));
        assert_eq!(pairs.find((10, 0)), None);
    }
}
