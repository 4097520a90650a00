//! The word n-grams that are features, and how to find them in a text.
//!
//! Features are numbered in the byte order of their n-grams. To find them, words get numbers and
//! n-grams form a tree: from the node of a word, word by word, to nodes that may be features. Most
//! n-grams of a text are unknown, and most of these end at the first step.

use rayon::prelude::*;

use super::chosen::{Bounds, choose};
use crate::nlp::counting::corpus::Corpus;
use crate::nlp::counting::ngrams::{self, Level, Wanted};
use crate::nlp::counting::pairs::Pairs;
use crate::nlp::text::strings::{Key, NONE, Strings, Table};
use crate::nlp::text::tokenize::Words;

/// The chosen n-grams in byte order; a feature's number is its index.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    ngrams: Strings,
    /// Minimum and maximum number of words in an n-gram.
    range: (usize, usize),
    /// The stop words, then every word of an n-gram.
    words: Table,
    stops: u32,
    /// The node of each word, or [`NONE`]. The first nodes are the features, in order.
    nodes: Vec<u32>,
    /// Maps a node and a word to the node of the longer n-gram.
    children: Pairs,
}

/// Where the chosen n-grams occur in the corpus they were chosen from.
#[derive(Clone, Debug, Default)]
pub struct Occurrences {
    /// From the shortest n-grams to the longest.
    lengths: Vec<Length>,
}

/// Occurrences of the n-grams of one length.
#[derive(Clone, Debug)]
enum Length {
    /// Single words: the feature of each word of the corpus, or [`NONE`].
    Words(Vec<u32>),
    /// Longer n-grams: the features of all texts, one text after the other, and the end of each
    /// text. Most tokens start none, so this is much smaller than a feature for each token.
    Longer {
        features: Vec<u32>,
        ends: Vec<usize>,
    },
}

impl Occurrences {
    /// Appends to `found` the feature of every n-gram of a text of the corpus, once per occurrence,
    /// in the order of [`Vocabulary::find`].
    #[inline]
    pub fn find(&self, corpus: &Corpus, text: usize, found: &mut Vec<u32>) {
        for length in &self.lengths {
            match length {
                Length::Words(features) => {
                    let feature = |&word: &u32| features[word as usize];
                    let features = corpus.text(text).iter().map(feature);
                    add_if(features, |feature| feature != NONE, found);
                }
                Length::Longer { features, ends } => {
                    let start = text.checked_sub(1).map_or(0, |before| ends[before]);
                    found.extend_from_slice(&features[start..ends[text]]);
                }
            }
        }
    }

    /// Keeps the occurrences of the kept features.
    pub fn keep(&self, kept: &[bool]) -> Occurrences {
        let mut count = 0;
        let number = |&kept: &bool| {
            count += u32::from(kept);
            if kept { count - 1 } else { NONE }
        };
        let numbers: Vec<u32> = kept.iter().map(number).collect();
        let number = |&feature: &u32| numbers.get(feature as usize).copied().unwrap_or(NONE);
        let length = |length: &Length| match length {
            Length::Words(features) => Length::Words(features.iter().map(number).collect()),
            Length::Longer { features, ends } => {
                let features = features.iter().map(number).collect();
                Length::of_texts(features, ends.iter().copied())
            }
        };
        Occurrences {
            lengths: self.lengths.iter().map(length).collect(),
        }
    }
}

impl Length {
    /// Longer n-grams, from the feature of each token or [`NONE`]; `ends` are those of the texts.
    fn of_texts(mut features: Vec<u32>, ends: impl Iterator<Item = usize>) -> Length {
        let mut kept_ends = Vec::new();
        let (mut start, mut kept) = (0, 0);
        for end in ends {
            for at in start..end {
                // Always written, but kept only if known: a branch would often be mispredicted.
                features[kept] = features[at];
                kept += usize::from(features[at] != NONE);
            }
            start = end;
            kept_ends.push(kept);
        }
        features.truncate(kept);
        features.shrink_to_fit();
        Length::Longer {
            features,
            ends: kept_ends,
        }
    }
}

/// Why strings are not a vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VocabularyError {
    #[error("n-grams are not in ascending order")]
    Order,
    #[error("an n-gram whose number of words is out of range")]
    Words,
    #[error("an n-gram that is not valid UTF-8")]
    Text,
}

impl Vocabulary {
    /// The n-grams of `corpus` within `bounds`, the document frequency of each, and their
    /// occurrences. `stop_words` are those that were removed from the corpus.
    pub fn choose(
        corpus: &Corpus,
        range: (usize, usize),
        stop_words: &[String],
        bounds: Bounds,
    ) -> (Vocabulary, Vec<u32>, Occurrences) {
        let mut levels = ngrams::count(
            corpus,
            Wanted {
                range,
                least: u32::try_from(bounds.min_df).unwrap_or(u32::MAX),
                most: bounds.max_df * corpus.texts() as f64,
                enough: bounds.max_features,
            },
        );
        let places: Vec<(usize, usize)> = (range.0 - 1..range.1)
            .flat_map(|level| (0..levels[level].keys.len()).map(move |node| (level, node)))
            .collect();
        let frequencies: Vec<u32> = places
            .iter()
            .map(|&(level, node)| levels[level].frequencies[node])
            .collect();
        let spell = |candidate: usize, bytes: &mut Vec<u8>| {
            spell(corpus, &levels, places[candidate], bytes);
        };
        let (ngrams, chosen) = choose(&frequencies, corpus.texts(), bounds, spell);
        let places = chosen.iter().map(|&candidate| places[candidate]);
        let occurrences = occurrences(corpus, &mut levels, range.0, places);
        let frequencies = chosen.iter().map(|&candidate| frequencies[candidate]);
        let frequencies = frequencies.collect();
        let vocabulary = Vocabulary::grow(ngrams, range, stop_words);
        (vocabulary, frequencies, occurrences)
    }

    /// Loads a saved vocabulary.
    ///
    /// # Errors
    /// See [`VocabularyError`].
    pub fn from_sorted(
        ngrams: Strings,
        range: (usize, usize),
        stop_words: &[String],
    ) -> Result<Vocabulary, VocabularyError> {
        let ascends = (1..ngrams.len()).all(|i| ngrams.get(i - 1) < ngrams.get(i));
        if !ascends {
            return Err(VocabularyError::Order);
        }
        for ngram in ngrams.iter() {
            std::str::from_utf8(ngram).map_err(|_| VocabularyError::Text)?;
            let words = ngram.split(|byte| *byte == b' ').count();
            if words < range.0 || words > range.1 {
                return Err(VocabularyError::Words);
            }
        }
        Ok(Vocabulary::grow(ngrams, range, stop_words))
    }

    /// Builds the tree of the n-grams.
    fn grow(ngrams: Strings, range: (usize, usize), stop_words: &[String]) -> Vocabulary {
        let mut words = Table::default();
        for word in stop_words {
            words.insert(word.as_bytes(), Key::of(word.as_bytes()));
        }
        let stops = words.len() as u32;
        let mut spelled: Vec<u32> = Vec::new();
        let mut ends = Vec::with_capacity(ngrams.len());
        for ngram in ngrams.iter() {
            let parts = ngram.split(|byte| *byte == b' ');
            spelled.extend(parts.map(|word| words.insert(word, Key::of(word))));
            ends.push(spelled.len());
        }
        let mut nodes = vec![NONE; words.len()];
        let mut children = Pairs::with_capacity(spelled.len() - ngrams.len());
        let (mut start, mut next) = (0, ngrams.len() as u32);
        for (feature, &end) in (0..).zip(&ends) {
            // The prefix of an n-gram comes before it in byte order, if it is a feature at all.
            let mut node_of = |known: Option<u32>, place: usize| {
                known.unwrap_or_else(|| {
                    if place + 1 == end {
                        return feature;
                    }
                    next += 1;
                    next - 1
                })
            };
            let first = &mut nodes[spelled[start] as usize];
            *first = node_of(Some(*first).filter(|&node| node != NONE), start);
            let mut node = *first;
            for (place, &word) in (start + 1..).zip(&spelled[start + 1..end]) {
                let pair = (node, word);
                let known = children.find(pair);
                node = node_of(known, place);
                if known.is_none() {
                    children.insert(pair, node);
                }
            }
            start = end;
        }
        Vocabulary {
            ngrams,
            range,
            words,
            stops,
            nodes,
            children,
        }
    }

    /// Keeps some of the n-grams.
    pub fn keep(&self, kept: &[bool]) -> Vocabulary {
        let stops: Vec<String> = self.stop_words().map(str::to_owned).collect();
        Vocabulary::grow(self.ngrams.keep(kept), self.range, &stops)
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        self.ngrams.len()
    }

    /// Number of words that have a number: stop words and the words of n-grams.
    pub fn words(&self) -> usize {
        self.words.len()
    }

    /// Minimum and maximum number of words in an n-gram.
    pub fn range(&self) -> (usize, usize) {
        self.range
    }

    /// The words that are removed from every text.
    pub fn stop_words(&self) -> impl Iterator<Item = &str> {
        let stops = self.words.strings().iter().take(self.stops as usize);
        stops.map(|word| std::str::from_utf8(word).expect("stop words came as text"))
    }

    /// The n-gram of a feature.
    pub fn ngram(&self, feature: usize) -> &str {
        std::str::from_utf8(self.ngrams.get(feature)).expect("n-grams are whole characters")
    }

    /// All n-grams as bytes.
    pub fn strings(&self) -> &Strings {
        &self.ngrams
    }

    /// Sets `numbers` to those of the words of a text, [`NONE`] for a word in no n-gram; stop words
    /// are left out. `unsure` is a buffer.
    #[inline]
    pub fn number(&self, words: &Words, numbers: &mut Vec<u32>, unsure: &mut Vec<u32>) {
        numbers.clear();
        unsure.clear();
        unsure.resize(words.len(), 0);
        let mut count = 0;
        for (at, key) in (0..).zip(words.keys()) {
            let (number, sure) = self.words.glance(key);
            numbers.push(number);
            unsure[count] = at;
            count += usize::from(!sure);
        }
        for &at in &unsure[..count] {
            let word = words.word(at as usize);
            let number = self.words.find(word, Key::of(word));
            numbers[at as usize] = number.unwrap_or(NONE);
        }
        if self.stops > 0 {
            numbers.retain(|&number| number >= self.stops);
        }
    }

    /// Whether a word is a stop word.
    #[inline]
    pub fn stops(&self, word: &[u8]) -> bool {
        let number = |word| self.words.find(word, Key::of(word));
        self.stops > 0 && number(word).is_some_and(|number| number < self.stops)
    }

    /// Appends to `found` the feature of every n-gram of a text's `words`, once per occurrence,
    /// shorter ones first. `path` is a buffer of the positions where longer ones may start.
    #[inline]
    pub fn find(&self, words: &[u32], path: &mut Path, found: &mut Vec<u32>) {
        let (shortest, longest) = self.range;
        path.nodes.clear();
        let node = |&word: &u32| self.nodes.get(word as usize).copied().unwrap_or(NONE);
        path.nodes.extend((0..).zip(words.iter().map(node)));
        for length in 1..=longest {
            if length > 1 {
                self.grow_path(words, length, path);
            }
            if length >= shortest {
                let features = self.len() as u32;
                let nodes = path.nodes.iter().map(|&(_, node)| node);
                add_if(nodes, |node| node < features, found);
            }
        }
    }

    /// Reduces the positions for n-grams one word shorter to those where an n-gram of `length`
    /// words may start, each with its node or [`NONE`].
    #[inline]
    fn grow_path(&self, words: &[u32], length: usize, path: &mut Path) {
        let nodes = &mut path.nodes;
        let mut kept = 0;
        for i in 0..nodes.len() {
            let (at, node) = nodes[i];
            let next = words.get(at as usize + length - 1).copied().unwrap_or(NONE);
            let known = (node != NONE) & (next != NONE);
            // Always written, but kept only if known: a branch would often be mispredicted.
            nodes[kept] = (at, node);
            kept += usize::from(known & self.children.may_hold((node, next)));
        }
        nodes.truncate(kept);
        path.unsure.clear();
        path.unsure.resize(kept, 0);
        let mut unsure = 0;
        let pair = |(at, node): (u32, u32)| (node, words[at as usize + length - 1]);
        for (i, place) in nodes.iter_mut().enumerate() {
            let (child, sure) = self.children.glance(pair(*place));
            path.unsure[unsure] = i as u32;
            unsure += usize::from(!sure);
            // The node is still needed for the uncertain ones.
            place.1 = if sure { child } else { place.1 };
        }
        for &i in &path.unsure[..unsure] {
            let place = &mut nodes[i as usize];
            place.1 = self.children.find(pair(*place)).unwrap_or(NONE);
        }
    }
}

/// Appends to `found` those of `features` that are not [`NONE`].
#[inline]
fn add_if(
    features: impl ExactSizeIterator<Item = u32>,
    some: impl Fn(u32) -> bool,
    found: &mut Vec<u32>,
) {
    let mut len = found.len();
    found.resize(len + features.len(), NONE);
    for feature in features {
        // Always written, but kept only if known: a branch would often be mispredicted.
        found[len] = feature;
        len += usize::from(some(feature));
    }
    found.truncate(len);
}

/// Buffer for finding n-grams, reused from text to text.
#[derive(Clone, Debug, Default)]
pub struct Path {
    /// Positions in a text and the node of the n-gram that starts there.
    nodes: Vec<(u32, u32)>,
    /// Positions whose node needs a second look-up.
    unsure: Vec<u32>,
}

/// Occurrences of the nodes at `places`, which are the features in order; takes them from the
/// levels.
fn occurrences(
    corpus: &Corpus,
    levels: &mut [Level],
    shortest: usize,
    places: impl Iterator<Item = (usize, usize)>,
) -> Occurrences {
    let none = |(number, level): (usize, &Level)| match number {
        0 => vec![NONE; corpus.words.len()],
        _ => vec![NONE; level.keys.len()],
    };
    let mut features: Vec<Vec<u32>> = levels.iter().enumerate().map(none).collect();
    for (feature, (level, node)) in (0..).zip(places) {
        let node = match level {
            0 => levels[0].keys[node].0 as usize,
            _ => node,
        };
        features[level][node] = feature;
    }
    let length = |(number, (features, level)): (usize, (Vec<u32>, &mut Level))| {
        if number == 0 {
            return Length::Words(features);
        }
        let mut starts = std::mem::take(&mut level.starts);
        let feature = |node: u32| features.get(node as usize).copied().unwrap_or(NONE);
        starts
            .par_iter_mut()
            .for_each(|start| *start = feature(*start));
        Length::of_texts(starts, (1..=corpus.texts()).map(|text| corpus.start(text)))
    };
    let lengths = features.into_iter().zip(levels).enumerate();
    Occurrences {
        lengths: lengths.skip(shortest - 1).map(length).collect(),
    }
}

/// Appends the words of a node, separated by single spaces.
fn spell(corpus: &Corpus, levels: &[Level], (level, node): (usize, usize), bytes: &mut Vec<u8>) {
    let (shorter, last) = levels[level].keys[node];
    if level > 0 {
        spell(corpus, levels, (level - 1, shorter as usize), bytes);
        bytes.push(b' ');
    }
    bytes.extend_from_slice(corpus.words.strings().get(last as usize));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nlp::text::tokenize::Tokenizer;

    const ALL: Bounds = Bounds {
        min_df: 1,
        max_df: 1.0,
        max_features: usize::MAX,
    };
    const TEXTS: [&str; 3] = ["b a a", "a c", "a b é"];

    fn chosen(range: (usize, usize), bounds: Bounds) -> (Vec<String>, Vec<u32>) {
        let corpus = Corpus::read(&TEXTS, &Tokenizer::new(true, false), &[], &|_| ());
        let (vocabulary, frequencies, _) = Vocabulary::choose(&corpus, range, &[], bounds);
        (
            (0..vocabulary.len())
                .map(|i| vocabulary.ngram(i).to_owned())
                .collect(),
            frequencies,
        )
    }

    #[test]
    fn counts_texts_not_occurrences() {
        let (ngrams, frequencies) = chosen((1, 1), ALL);
        assert_eq!(ngrams, ["a", "b", "c", "é"]);
        assert_eq!(frequencies, [3, 2, 1, 1]);
        let (ngrams, _) = chosen((2, 2), ALL);
        assert_eq!(ngrams, ["a a", "a b", "a c", "b a", "b é"]);
    }

    #[test]
    fn bounds_apply_at_both_ends() {
        let rare_out = chosen((1, 1), Bounds { min_df: 2, ..ALL });
        assert_eq!(rare_out, (vec!["a".to_owned(), "b".to_owned()], vec![3, 2]));
        let common_out = chosen((1, 1), Bounds { max_df: 0.7, ..ALL });
        assert_eq!(common_out.0, ["b", "c", "é"]);
    }

    #[test]
    fn the_cap_keeps_frequent_ones_and_breaks_ties_by_bytes() {
        let capped = chosen(
            (1, 1),
            Bounds {
                max_features: 3,
                ..ALL
            },
        );
        assert_eq!(capped.0, ["a", "b", "c"]);
        let capped = chosen(
            (1, 2),
            Bounds {
                max_features: 4,
                ..ALL
            },
        );
        assert_eq!(capped.0, ["a", "a a", "a b", "b"]);
    }

    fn strings(ngrams: &[&str]) -> Strings {
        let mut strings = Strings::default();
        ngrams
            .iter()
            .for_each(|ngram| strings.push(ngram.as_bytes()));
        strings
    }

    #[test]
    fn a_text_finds_its_ngrams() {
        let ngrams = strings(&["a", "a b c", "b c", "d"]);
        let stop = ["the".to_owned()];
        let vocabulary = Vocabulary::from_sorted(ngrams, (1, 3), &stop).unwrap();
        let find = |text: &str| {
            let (mut words, mut numbers, mut found) = Default::default();
            Tokenizer::new(true, false).split(text, &mut words);
            vocabulary.number(&words, &mut numbers, &mut Vec::new());
            vocabulary.find(&numbers, &mut Path::default(), &mut found);
            found
        };
        assert_eq!(find("a b c"), [0, 2, 1]);
        assert_eq!(find("a x b c d d"), [0, 3, 3, 2]);
        assert_eq!(find("b the c"), [2]);
        assert!(find("x").is_empty());
        assert_eq!(vocabulary.stop_words().collect::<Vec<_>>(), ["the"]);
    }

    #[test]
    fn invalid_strings_are_refused() {
        let refused =
            |ngrams: &[&str]| Vocabulary::from_sorted(strings(ngrams), (1, 2), &[]).unwrap_err();
        assert_eq!(refused(&["b", "a"]), VocabularyError::Order);
        assert_eq!(refused(&["a", "a"]), VocabularyError::Order);
        assert_eq!(refused(&["a b c"]), VocabularyError::Words);
        assert!(
            Vocabulary::from_sorted(Strings::default(), (1, 2), &[])
                .unwrap()
                .len()
                == 0
        );
    }
}
