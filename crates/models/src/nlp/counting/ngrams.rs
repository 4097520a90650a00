//! Counts document frequencies of n-grams, level by level: words, pairs, and so on.
//!
//! An n-gram is a node, identified by the node of its first n - 1 words and the number of its last
//! word, so its key is a 64-bit number, however long the words are. An n-gram occurs in at most as
//! many texts as its parts, so only sufficiently frequent nodes are extended (Agrawal and Srikant
//! 1994, "Apriori").
//!
//! Most n-grams of a corpus are rare, and with a cap on the number of features the rare ones are
//! not used. So a large corpus is first counted in a [`Sketch`]; only n-grams that may be frequent
//! enough are counted exactly, with few false candidates.
//!
//! Each counted n-gram gets a number at its first occurrence, and every token stores the number of
//! the n-gram that starts there, so turning the texts into rows needs no further look-up. Frequent
//! n-grams occur early, so their counts are adjacent in the cache. Parts of the corpus are counted
//! in separate tables and merged in order: however the texts are divided, the numbers are the same.

use rayon::prelude::*;

use super::corpus::{Corpus, Seen, renumber};
use super::pairs::{Numbers, join, split};
use super::sketch::Sketch;
use crate::nlp::text::strings::NONE;

/// Minimum number of tokens per share of the texts.
const TOKENS_PER_SHARE: usize = 1 << 16;
/// Number of tokens from which a sketch is worthwhile.
const TOKENS_TO_SKETCH: usize = 1 << 17;
/// Number of n-grams that the first guess counts exactly, per requested n-gram.
const SPARE: f64 = 1.25;
/// The n-grams of one length.
#[derive(Clone, Debug, Default)]
pub struct Level {
    /// Node of the n-gram without its last word, one level down, and the number of the last word;
    /// for single words, their number twice.
    pub keys: Vec<(u32, u32)>,
    /// Document frequency of each n-gram.
    pub frequencies: Vec<u32>,
    /// For each token of the corpus the node of the n-gram that starts there, or [`NONE`]; empty
    /// for single words.
    pub starts: Vec<u32>,
}

/// What to count.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Minimum and maximum number of words in an n-gram.
    pub range: (usize, usize),
    /// Minimum and maximum document frequency, in texts.
    pub least: u32,
    pub most: f64,
    /// Number of n-grams that suffice, most frequent first.
    pub enough: usize,
}

impl Wanted {
    fn fits(&self, frequency: u32) -> bool {
        frequency >= self.least && f64::from(frequency) <= self.most
    }
}

/// Counts the n-grams of up to `range.1` words, one level per length: all that are `wanted`, or, if
/// there are more than enough, the most frequent, including ties. Some n-grams that are too rare
/// may be included.
pub fn count(corpus: &Corpus, wanted: Wanted) -> Vec<Level> {
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

/// Guesses a document frequency that about enough n-grams reach. N-grams longer than pairs are
/// ignored: this can only make it too low, which costs time but no n-gram.
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

/// Words, and the n-grams of up to `longest` words whose parts all occur in at least `least` texts.
/// `pairs`, if given, bounds the frequency of pairs.
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
            nodes = Nodes::Tokens(level.frequent(least));
        }
        levels.push(level);
    }
    levels
}

/// Upper bounds of the frequencies of n-grams of `length` words.
fn sketch(corpus: &Corpus, shorter: &Nodes, length: usize) -> Sketch {
    let new = || Sketch::new(corpus.tokens.len());
    let add = |texts: std::ops::Range<usize>| {
        let (mut sketch, mut keys) = (new(), Vec::new());
        for text in texts {
            fill_keys(corpus, shorter, length, text, &mut keys);
            keys.iter().for_each(|&key| sketch.add(key, key != 0));
        }
        sketch
    };
    let shares = shares(corpus).into_par_iter();
    shares
        .map(add)
        .reduce_with(|a, b| a.merge(&b))
        .unwrap_or_else(new)
}

fn words(corpus: &Corpus, least: u32) -> Level {
    let words = (0..).zip(&corpus.frequencies);
    let (keys, frequencies) = words
        .filter(|(_, frequency)| **frequency >= least)
        .map(|(word, &frequency)| ((word, word), frequency))
        .unzip();
    Level {
        keys,
        frequencies,
        starts: Vec::new(),
    }
}

impl Level {
    /// For each token the node that starts there and occurs in at least `least` texts, or [`NONE`].
    fn frequent(&self, least: u32) -> Vec<u32> {
        let frequent = |&node: &u32| match self.frequencies.get(node as usize) {
            Some(&frequency) if frequency >= least => node,
            _ => NONE,
        };
        self.starts.par_iter().map(frequent).collect()
    }
}

/// The node that starts at each token, or [`NONE`].
enum Nodes {
    /// Indexed by the word's number.
    Words(Vec<u32>),
    /// Indexed by the token's position in the corpus.
    Tokens(Vec<u32>),
}

/// The node of each word that occurs in at least `least` texts.
fn nodes_of_words(corpus: &Corpus, level: &Level, least: u32) -> Nodes {
    let mut node_of = vec![NONE; corpus.words.len()];
    let words = (0..).zip(level.keys.iter().zip(&level.frequencies));
    for (node, (&(word, _), _)) in words.filter(|(_, (_, frequency))| **frequency >= least) {
        node_of[word as usize] = node;
    }
    Nodes::Words(node_of)
}

/// Sets `keys` for each token of a text to the key of the n-gram of `length` words that starts
/// there, if its two sub-n-grams shorter by one word have nodes; 0 otherwise.
#[inline]
fn fill_keys(corpus: &Corpus, shorter: &Nodes, length: usize, text: usize, keys: &mut Vec<u64>) {
    let words = corpus.text(text);
    let key = |this: u32, next: u32, last: u32| {
        let known = (this != NONE) & (next != NONE);
        if known { join((this, last)) } else { 0 }
    };
    keys.clear();
    match shorter {
        Nodes::Words(nodes) => {
            let node = |word: &u32| nodes[*word as usize];
            let mut this = words.first().map_or(NONE, node);
            keys.extend(words.iter().skip(1).map(|word| {
                let next = node(word);
                key(std::mem::replace(&mut this, next), next, *word)
            }));
        }
        Nodes::Tokens(nodes) => {
            let nodes = &nodes[corpus.start(text)..][..words.len()];
            let lasts = words.iter().skip(length - 1);
            let pairs = nodes.windows(2).zip(lasts);
            keys.extend(pairs.map(|(pair, &last)| key(pair[0], pair[1], last)));
        }
    }
    keys.resize(words.len(), 0);
}

/// Divides the texts into ranges with about equally many tokens, one per thread.
fn shares(corpus: &Corpus) -> Vec<std::ops::Range<usize>> {
    let threads = rayon::current_num_threads();
    let tokens = match threads {
        1 => usize::MAX,
        _ => corpus.tokens.len().div_ceil(threads).max(TOKENS_PER_SHARE),
    };
    let mut shares = Vec::new();
    let mut from = 0;
    for text in 0..corpus.texts() {
        if corpus.start(text + 1) - corpus.start(from) >= tokens {
            shares.push(from..text + 1);
            from = text + 1;
        }
    }
    if from < corpus.texts() {
        shares.push(from..corpus.texts());
    }
    shares
}

/// Counts the n-grams of `length` words that may occur in at least `least` texts, from the nodes of
/// the shorter ones.
fn longer_by_one(
    corpus: &Corpus,
    shorter: &Nodes,
    length: usize,
    least: u32,
    sketch: Option<&Sketch>,
) -> Level {
    let low = u8::try_from(least).unwrap_or(u8::MAX);
    let may = |key: u64| sketch.is_none_or(|sketch| sketch.may_reach(key, low));
    let count = |texts| Share::count(corpus, shorter, length, texts, may);
    let shares = shares(corpus).into_par_iter();
    let whole = Share::join(shares.map(count).collect());
    Level {
        keys: whole.numbers.keys.iter().map(|&key| split(key)).collect(),
        frequencies: whole.seen.iter().map(|seen| seen.texts).collect(),
        starts: whole.starts,
    }
}

/// The n-grams of some of the texts.
#[derive(Default)]
struct Share {
    numbers: Numbers,
    /// Document frequency of each n-gram.
    seen: Vec<Seen>,
    /// For each token the number of the n-gram that starts there, or [`NONE`].
    starts: Vec<u32>,
}

impl Share {
    /// Counts the n-grams of some texts that `may` be frequent.
    fn count(
        corpus: &Corpus,
        shorter: &Nodes,
        length: usize,
        texts: std::ops::Range<usize>,
        may: impl Fn(u64) -> bool,
    ) -> Share {
        let mut share = Share::default();
        let first = corpus.start(texts.start);
        share.starts.resize(corpus.start(texts.end) - first, NONE);
        let (mut keys, mut found) = (Vec::new(), Vec::new());
        for text in texts {
            fill_keys(corpus, shorter, length, text, &mut keys);
            found.resize(keys.len(), (0, 0));
            let mut count = 0;
            for (at, &key) in (0..).zip(&keys) {
                // Always written, but kept only if counted: a branch would often be mispredicted.
                found[count] = (at, key);
                count += usize::from((key != 0) & may(key));
            }
            let starts = &mut share.starts[corpus.start(text) - first..];
            for &(at, key) in &found[..count] {
                let number = share.numbers.insert(key);
                if number as usize == share.seen.len() {
                    share.seen.push(Seen::default());
                }
                share.seen[number as usize].add(text as u32 + 1);
                starts[at as usize] = number;
            }
        }
        share
    }

    /// Merges all shares in order.
    fn join(mut shares: Vec<Share>) -> Share {
        if shares.is_empty() {
            return Share::default();
        }
        let mut whole = shares.remove(0);
        let mut numbers = Vec::with_capacity(shares.len());
        for share in &shares {
            let keys = share.numbers.keys.iter().zip(&share.seen);
            let number = |(&key, seen): (&u64, &Seen)| {
                let number = whole.numbers.insert(key);
                if number as usize == whole.seen.len() {
                    whole.seen.push(Seen::default());
                }
                whole.seen[number as usize].texts += seen.texts;
                number
            };
            numbers.push(keys.map(number).collect::<Vec<u32>>());
        }
        let before = whole.starts.len();
        let behind: usize = shares.iter().map(|share| share.starts.len()).sum();
        whole.starts.resize(before + behind, NONE);
        let starts = shares.iter().map(|share| share.starts.as_slice());
        renumber(starts.zip(&numbers), &mut whole.starts[before..]);
        whole
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::nlp::text::tokenize::Tokenizer;

    fn corpus(texts: &[String]) -> Corpus {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Corpus::read(&texts, &Tokenizer::new(true, false), &[], &|_| ())
    }

    /// Every n-gram as words, reconstructed from the nodes.
    fn counted(corpus: &Corpus, longest: usize, least: u32) -> BTreeMap<Vec<u32>, u32> {
        let wanted = Wanted {
            range: (1, longest),
            least,
            most: f64::INFINITY,
            enough: usize::MAX,
        };
        let mut counted = spelled(&count(corpus, wanted));
        counted.retain(|_, texts| *texts >= least);
        counted
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

    /// The same with sets.
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
        let alone = expected(&corpus, 3, 2);
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                assert_eq!(shares(&corpus).len() > 1, threads > 1);
                assert_eq!(counted(&corpus, 3, 2), alone);
            });
        }
    }

    /// The most frequent n-grams, including ties, are found whatever was not counted.
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
            let threshold = ordered.get(enough - 1).copied().unwrap_or(2);
            let top = |counts: &BTreeMap<Vec<u32>, u32>| {
                let mut counts = counts.clone();
                counts.retain(|_, texts| *texts >= threshold);
                counts
            };
            assert_eq!(top(&found), top(&all), "{enough} of {}", all.len());
            assert!(enough > 3000 || found.len() < all.len());
        }
    }
}
