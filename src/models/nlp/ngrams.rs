//! In how many texts each n-gram stands, level by level: words, pairs of them, and so on.
//!
//! An n-gram is a node: the node of its first n - 1 words and the number of its last word. So its
//! key is one 64-bit number, however long the words. An n-gram stands in no more texts than its
//! parts, so only nodes that stand in enough texts grow (Agrawal and Srikant 1994, "Apriori").
//!
//! Most n-grams of a corpus are rare, and where features are capped the rare ones are no features.
//! So a large corpus is first counted in a [`Sketch`]; only n-grams that may be frequent enough are
//! counted exactly, and few of those in vain.
//!
//! Keys are dealt out to parts by their hash, then each part is counted in a table that fits a
//! core's cache: one table of all n-grams would miss the cache at every word. Threads share nothing,
//! and the order of nodes follows from the texts alone.

use rayon::prelude::*;

use super::corpus::Corpus;
use super::sketch::Sketch;
use crate::models::kernels::hash::mix;

/// Parts the keys are dealt out to; a power of two.
const PARTS: usize = 128;
/// Tokens dealt out by one task.
const TOKENS_PER_TASK: usize = 1 << 18;
/// Tasks whose keys are held before they are counted: it bounds the memory of a large corpus.
const TASKS_AT_ONCE: usize = 8;
/// Tokens from which a sketch is worth its while.
const TOKENS_TO_SKETCH: usize = 1 << 17;
/// Tasks that share a sketch, at least.
const TASKS_A_SKETCH: usize = 8;
/// N-grams that a first guess counts exactly, for each that is wanted.
const SPARE: f64 = 1.25;
/// No node: the n-gram is too rare, or the text ends.
pub(super) const NONE: u32 = u32::MAX;

/// The n-grams of one length.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    /// Node of the n-gram without its last word, one level down, and number of the last word; for
    /// single words their number twice.
    pub keys: Vec<(u32, u32)>,
    /// In how many texts each stands.
    pub frequencies: Vec<u32>,
}

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Words in an n-gram, from - to.
    pub range: (usize, usize),
    /// Texts an n-gram must stand in, at least and at most.
    pub least: u32,
    pub most: f64,
    /// N-grams that are enough, those in most texts first.
    pub enough: usize,
}

impl Wanted {
    fn fits(&self, frequency: u32) -> bool {
        frequency >= self.least && f64::from(frequency) <= self.most
    }
}

/// The n-grams of up to `range.1` words, one level a length: all that are `wanted`, or those in most
/// texts, ties included, where there are more than enough.
pub(super) fn count(corpus: &Corpus, wanted: Wanted) -> Vec<Level> {
    let longest = wanted.range.1;
    let words = words(corpus, wanted.least);
    if longest == 1 || corpus.tokens.len() < TOKENS_TO_SKETCH {
        return grow(corpus, &words, longest, wanted.least, None);
    }
    let nodes = nodes_of_words(corpus, &words, wanted.least);
    let pairs = sketch(corpus, &nodes, 2);
    drop(nodes);
    let mut least = guess(&words, &pairs, wanted);
    loop {
        let levels = grow(corpus, &words, longest, least, Some(&pairs));
        let counted = levels[wanted.range.0 - 1..].iter();
        let frequencies = counted.flat_map(|level| &level.frequencies);
        let fit = frequencies.filter(|&&f| f >= least && wanted.fits(f));
        if least == wanted.least || fit.count() >= wanted.enough {
            return levels;
        }
        least = wanted.least.max(least / 2);
    }
}

/// A number of texts that about enough n-grams reach. Longer n-grams than pairs are not looked at:
/// they can only make it too low, which costs time, no n-gram.
fn guess(words: &Level, pairs: &Sketch, wanted: Wanted) -> u32 {
    let mut reach = pairs.histogram();
    if wanted.range.0 == 1 {
        let words = words.frequencies.iter().filter(|&&f| wanted.fits(f));
        words.for_each(|&frequency| reach[frequency.min(255) as usize] += 1);
    }
    let enough = (SPARE * wanted.enough as f64) as usize;
    let mut reached = 0;
    for least in (wanted.least + 1..256).rev() {
        reached += reach[least as usize];
        if reached >= enough {
            return least;
        }
    }
    wanted.least
}

/// Words, and the n-grams of up to `longest` words that stand in `least` texts or more. `pairs`, where
/// there is one, says which pairs may.
fn grow(
    corpus: &Corpus,
    words: &Level,
    longest: usize,
    least: u32,
    pairs: Option<&Sketch>,
) -> Vec<Level> {
    let mut levels = vec![words.clone()];
    let mut nodes = nodes_of_words(corpus, words, least);
    for length in 2..=longest {
        let longer = (pairs.is_some() && length > 2).then(|| sketch(corpus, &nodes, length));
        let level = longer_by_one(corpus, &nodes, length, least, longer.as_ref().or(pairs));
        if length < longest {
            nodes = extend(corpus, &nodes, length, &level);
        }
        levels.push(level);
    }
    levels
}

/// How often the n-grams of `length` words occur, at most.
fn sketch(corpus: &Corpus, shorter: &Nodes, length: usize) -> Sketch {
    let new = || Sketch::new(corpus.tokens.len());
    let add = |mut sketch: Sketch, texts: std::ops::Range<usize>| {
        for text in texts {
            let keys = keys(corpus, shorter, length, text).flatten();
            keys.for_each(|key| sketch.add(join(key)));
        }
        sketch
    };
    let tasks = tasks(corpus).into_par_iter().with_min_len(TASKS_A_SKETCH);
    let sketches = tasks.fold(new, add);
    sketches.reduce(new, |a, b| a.merge(&b))
}

fn words(corpus: &Corpus, least: u32) -> Level {
    let words = (0..).zip(&corpus.frequencies);
    let (keys, frequencies) = words
        .filter(|(_, frequency)| **frequency >= least)
        .map(|(word, &frequency)| ((word, word), frequency))
        .unzip();
    Level { keys, frequencies }
}

/// The node that starts at each token, or [`NONE`].
enum Nodes {
    /// Of the word itself, by its number.
    Words(Vec<u32>),
    /// By the token's place in the corpus.
    Tokens(Vec<u32>),
}

/// The node of each word that stands in `least` texts.
fn nodes_of_words(corpus: &Corpus, level: &Level, least: u32) -> Nodes {
    let mut node_of = vec![NONE; corpus.words.len()];
    let words = (0..).zip(level.keys.iter().zip(&level.frequencies));
    for (node, (&(word, _), _)) in words.filter(|(_, (_, frequency))| **frequency >= least) {
        node_of[word as usize] = node;
    }
    Nodes::Words(node_of)
}

/// For each token the node of the n-gram of `length` words that starts there.
fn extend(corpus: &Corpus, shorter: &Nodes, length: usize, level: &Level) -> Nodes {
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
                let known = |key: &(u32, u32)| table.may_hold(*key);
                let node = |key| table.find(key).unwrap_or(NONE);
                nodes.extend(keys.map(|key| key.filter(known).map_or(NONE, node)));
            }
            nodes
        })
        .collect();
    Nodes::Tokens(parts.concat())
}

/// For each token of a text the key of the n-gram of `length` words that starts there, where the two
/// n-grams in it that are shorter by one word have nodes.
#[inline]
fn keys<'a>(
    corpus: &'a Corpus,
    shorter: &'a Nodes,
    length: usize,
    text: usize,
) -> impl Iterator<Item = Option<(u32, u32)>> + 'a {
    let words = corpus.text(text);
    let node = move |at: usize| match shorter {
        Nodes::Words(nodes) => nodes[words[at] as usize],
        Nodes::Tokens(nodes) => nodes[corpus.start(text) + at],
    };
    let mut next = words.first().map_or(NONE, |_| node(0));
    (0..words.len()).map(move |at| {
        let this = next;
        next = if at + 1 < words.len() {
            node(at + 1)
        } else {
            NONE
        };
        let last = words.get(at + length - 1);
        last.filter(|_| this != NONE && next != NONE)
            .map(|&last| (this, last))
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

/// Counts the n-grams of `length` words whose shorter nodes are given, those that may stand in
/// `least` texts.
fn longer_by_one(
    corpus: &Corpus,
    shorter: &Nodes,
    length: usize,
    least: u32,
    sketch: Option<&Sketch>,
) -> Level {
    let low = u8::try_from(least).unwrap_or(u8::MAX);
    let may = |key: u64| sketch.is_none_or(|sketch| sketch.may_reach(key, low));
    let mut counters: Vec<Counter> = (0..PARTS).map(|_| Counter::default()).collect();
    for wave in tasks(corpus).chunks(TASKS_AT_ONCE) {
        let dealt: Vec<Dealt> = wave
            .par_iter()
            .map(|texts| Dealt::deal(corpus, shorter, length, texts.clone(), may))
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
    /// The keys of some texts that `may` be frequent, dealt out in two passes: how many go where,
    /// then there.
    fn deal(
        corpus: &Corpus,
        shorter: &Nodes,
        length: usize,
        texts: std::ops::Range<usize>,
        may: impl Fn(u64) -> bool,
    ) -> Dealt {
        let most = corpus.start(texts.end) - corpus.start(texts.start);
        let mut found = vec![(0, 0); most];
        let mut starts = vec![0; PARTS + 1];
        let mut len = 0;
        for text in texts {
            for key in keys(corpus, shorter, length, text).flatten().map(join) {
                // Written in any case, kept by a number: a jump would often be guessed wrong.
                found[len] = (key, text as u32);
                let kept = usize::from(may(key));
                starts[part(key) + 1] += kept;
                len += kept;
            }
        }
        found.truncate(len);
        for part in 0..PARTS {
            starts[part + 1] += starts[part];
        }
        let mut next = starts.clone();
        let mut entries = vec![(0, 0); found.len()];
        for (key, text) in found {
            let place = &mut next[part(key)];
            entries[*place] = (key, text);
            *place += 1;
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
            .map(|slot| (split(slot.key), slot.texts))
            .unzip();
        Level { keys, frequencies }
    }
}

/// Pairs of numbers to numbers: open addressing, at most half full, behind a filter of bits that fits
/// a core's cache and turns most unknown pairs away.
#[derive(Clone, Debug)]
pub(super) struct Pairs {
    bits: Vec<u64>,
    /// Pair, joined, and number; 0: free.
    slots: Vec<(u64, u32)>,
}

impl Pairs {
    /// Room for so many pairs.
    pub fn with_capacity(pairs: usize) -> Pairs {
        let slots = (2 * pairs).next_power_of_two().max(4);
        Pairs {
            bits: vec![0; (slots * 8).div_ceil(64).next_power_of_two()],
            slots: vec![(0, NONE); slots],
        }
    }

    /// Gives a pair its number, which is not [`NONE`]. There must be room.
    pub fn insert(&mut self, pair: (u32, u32), number: u32) {
        let key = join(pair);
        let (word, bit) = self.bit(key);
        self.bits[word] |= bit;
        let place = self.place(key);
        self.slots[place] = (key, number);
    }

    /// False only of a pair that is not known.
    #[inline]
    pub fn may_hold(&self, pair: (u32, u32)) -> bool {
        let (word, bit) = self.bit(join(pair));
        self.bits[word] & bit != 0
    }

    /// The number of a pair, where it is known.
    #[inline]
    pub fn find(&self, pair: (u32, u32)) -> Option<u32> {
        let (_, number) = self.slots[self.place(join(pair))];
        (number != NONE).then_some(number)
    }

    #[inline]
    fn bit(&self, key: u64) -> (usize, u64) {
        let hash = mix(key) >> 32;
        let word = (hash >> 6) as usize & (self.bits.len() - 1);
        (word, 1 << (hash & 63))
    }

    #[inline]
    fn place(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = mix(key) as usize & mask;
        while self.slots[at].0 != key && self.slots[at].0 != 0 {
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

fn split(key: u64) -> (u32, u32) {
    let pair = key - 1;
    ((pair >> 32) as u32, pair as u32)
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
        let wanted = Wanted {
            range: (1, longest),
            least,
            most: f64::INFINITY,
            enough: usize::MAX,
        };
        spelled(&count(corpus, wanted))
    }

    fn spelled(levels: &[Level]) -> BTreeMap<Vec<u32>, u32> {
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

    /// The most frequent so many, ties included, are there whatever was left uncounted.
    #[test]
    fn enough_are_the_most_frequent() {
        let word = |i: usize| format!("w{}", (i * i % 9973) % (1 + i % 400));
        let text = |i: usize| {
            let words = (0..200).map(|j| word(i * 31 + j * 17));
            words.collect::<Vec<_>>().join(" ")
        };
        let texts: Vec<String> = (0..1000).map(text).collect();
        let corpus = corpus(&texts);
        assert!(corpus.tokens.len() >= TOKENS_TO_SKETCH);
        let all = expected(&corpus, 3, 2);
        let mut ordered: Vec<u32> = all.values().copied().collect();
        ordered.sort_unstable_by(|a, b| b.cmp(a));
        for enough in [10, 300, 3000, all.len(), usize::MAX] {
            let wanted = Wanted {
                range: (1, 3),
                least: 2,
                most: f64::INFINITY,
                enough,
            };
            let found = spelled(&count(&corpus, wanted));
            let cut = ordered.get(enough - 1).copied().unwrap_or(2);
            let top = |counts: &BTreeMap<Vec<u32>, u32>| {
                let mut counts = counts.clone();
                counts.retain(|_, texts| *texts >= cut);
                counts
            };
            assert_eq!(top(&found), top(&all), "{enough} of {}", all.len());
            assert!(enough > 3000 || found.len() < all.len());
        }
    }

    #[test]
    fn pairs_are_found_again() {
        let mut pairs = Pairs::with_capacity(100);
        (0..100).for_each(|i| pairs.insert((i % 10, i / 10), i));
        assert!((0..100).all(|i| pairs.find((i % 10, i / 10)) == Some(i)));
        assert!((0..100).all(|i| pairs.may_hold((i % 10, i / 10))));
        assert_eq!(pairs.find((10, 0)), None);
        let turned_away = (10..1010).filter(|&i| !pairs.may_hold((i, 3))).count();
        assert!(turned_away > 800, "{turned_away}");
    }
}
