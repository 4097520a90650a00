//! Which n-grams of words are features, and finding them in a text.
//!
//! Features are numbered in the order of their n-gram's bytes. To find them, words get numbers and
//! n-grams grow along a tree: from the node of a word, word by word, to nodes that may be features.
//! Most n-grams of a text are unknown, and most of these end at the first step.

use super::corpus::Corpus;
use super::ngrams::{self, Level, NONE, Pairs, Wanted};
use super::strings::{Key, Strings, Table};

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

/// The chosen n-grams, in byte order; the feature number is the place in it.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    ngrams: Strings,
    /// Words in an n-gram, from - to.
    range: (usize, usize),
    /// The stop words, then every word of an n-gram.
    words: Table,
    stops: u32,
    /// From a node and a word to the node of both together; the first nodes are the words.
    children: Pairs,
    /// The feature of each node, or [`NONE`].
    features: Vec<u32>,
}

/// Why strings are no vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VocabularyError {
    #[error("n-grams that do not ascend")]
    Order,
    #[error("an n-gram of more or fewer words than it says")]
    Words,
    #[error("an n-gram that is no UTF-8 text")]
    Text,
}

impl Vocabulary {
    /// The n-grams of `corpus` within `bounds`, and in how many texts each stands. `stop_words` are
    /// those that the corpus was read without.
    pub(super) fn choose(
        corpus: &Corpus,
        range: (usize, usize),
        stop_words: &[String],
        bounds: Bounds,
    ) -> (Vocabulary, Vec<u32>) {
        let levels = ngrams::count(
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
        let spell = |candidate: usize| spell(corpus, &levels, places[candidate]);
        let chosen = choose(&frequencies, corpus.texts(), bounds, spell);
        let mut ngrams = Strings::default();
        chosen.iter().for_each(|(ngram, _)| ngrams.push(ngram));
        let frequencies = chosen.iter().map(|(_, frequency)| *frequency).collect();
        (Vocabulary::grow(ngrams, range, stop_words), frequencies)
    }

    /// A vocabulary of n-grams as they were saved.
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

    /// The tree of the n-grams.
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
        let mut features = vec![NONE; words.len()];
        let mut children = Pairs::with_capacity(spelled.len() - ngrams.len());
        let mut start = 0;
        for (feature, &end) in (0..).zip(&ends) {
            let mut node = spelled[start];
            for &word in &spelled[start + 1..end] {
                node = children.find((node, word)).unwrap_or_else(|| {
                    let new = features.len() as u32;
                    children.insert((node, word), new);
                    features.push(NONE);
                    new
                });
            }
            features[node as usize] = feature;
            start = end;
        }
        Vocabulary {
            ngrams,
            range,
            words,
            stops,
            children,
            features,
        }
    }

    /// Some of the n-grams.
    pub(super) fn keep(&self, kept: &[bool]) -> Vocabulary {
        let stops: Vec<String> = self.stop_words().map(str::to_owned).collect();
        Vocabulary::grow(self.ngrams.keep(kept), self.range, &stops)
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        self.ngrams.len()
    }

    /// Number of words that have a number: stop words and those of n-grams.
    pub(super) fn words(&self) -> usize {
        self.words.len()
    }

    /// Words in an n-gram, from - to.
    pub fn range(&self) -> (usize, usize) {
        self.range
    }

    /// The words that are left out of every text.
    pub fn stop_words(&self) -> impl Iterator<Item = &str> {
        let stops = self.words.strings().iter().take(self.stops as usize);
        stops.map(|word| std::str::from_utf8(word).expect("stop words came as text"))
    }

    /// The n-gram of a feature.
    pub fn ngram(&self, feature: usize) -> &str {
        std::str::from_utf8(self.ngrams.get(feature)).expect("n-grams are whole characters")
    }

    /// All n-grams as bytes.
    pub(super) fn strings(&self) -> &Strings {
        &self.ngrams
    }

    /// A word's number, [`NONE`] for one that is in no n-gram; None for a stop word.
    #[inline]
    pub(super) fn word(&self, word: &[u8], key: Key) -> Option<u32> {
        match self.words.find(word, key) {
            Some(number) => (number >= self.stops).then_some(number),
            None => Some(NONE),
        }
    }

    /// True for a stop word.
    #[inline]
    pub(super) fn stops(&self, word: &[u8]) -> bool {
        self.stops > 0 && self.word(word, Key::of(word)).is_none()
    }

    /// Calls `found` with the feature of every n-gram of a text's `words`, as often as it occurs,
    /// shorter ones first. `path` is room for where longer ones may start.
    #[inline]
    pub(super) fn find(&self, words: &[u32], path: &mut Path, mut found: impl FnMut(u32)) {
        let (shortest, longest) = self.range;
        path.clear();
        path.extend((0..).zip(words).map(|(at, &word)| (at, word)));
        path.retain(|&(_, word)| word != NONE);
        for length in 1..=longest {
            if length > 1 {
                self.grow_path(words, length, path);
            }
            if length >= shortest {
                let features = path.iter().map(|&(_, node)| self.features[node as usize]);
                features.filter(|&f| f != NONE).for_each(&mut found);
            }
        }
    }

    /// Leaves the places where an n-gram of `length` words starts, and its node, of those of one less.
    #[inline]
    fn grow_path(&self, words: &[u32], length: usize, path: &mut Path) {
        let mut kept = 0;
        for i in 0..path.len() {
            let (at, node) = path[i];
            let next = words.get(at as usize + length - 1).copied().unwrap_or(NONE);
            // Written in any case, kept by a number: a jump would often be guessed wrong.
            path[kept] = (at, node);
            kept += usize::from(self.children.may_hold((node, next)) & (next != NONE));
        }
        path.truncate(kept);
        path.retain_mut(|(at, node)| {
            let next = words[*at as usize + length - 1];
            let child = self.children.find((*node, next));
            *node = child.unwrap_or(NONE);
            child.is_some()
        });
    }
}

/// Places in a text and the node of the n-gram that starts there.
pub(super) type Path = Vec<(u32, u32)>;

/// The candidates within `bounds`, by their bytes: n-gram and frequency.
pub(super) fn choose(
    frequencies: &[u32],
    texts: usize,
    bounds: Bounds,
    spell: impl Fn(usize) -> Vec<u8>,
) -> Vec<(Vec<u8>, u32)> {
    let most = bounds.max_df * texts as f64;
    let fits = |df: u32| df as usize >= bounds.min_df && f64::from(df) <= most;
    let cut = cut(
        frequencies.iter().copied().filter(|&df| fits(df)),
        texts,
        bounds.max_features,
    );
    let mut above = Vec::new();
    let mut at = Vec::new();
    for (candidate, &df) in frequencies.iter().enumerate().filter(|(_, df)| fits(**df)) {
        match df.cmp(&cut) {
            std::cmp::Ordering::Greater => above.push((spell(candidate), df)),
            std::cmp::Ordering::Equal => at.push((spell(candidate), df)),
            std::cmp::Ordering::Less => {}
        }
    }
    let room = bounds.max_features - above.len();
    if at.len() > room {
        at.sort_unstable();
        at.truncate(room);
    }
    above.append(&mut at);
    above.sort_unstable();
    above
}

/// The highest frequency f such that at most `most` candidates have more than f.
fn cut(frequencies: impl Iterator<Item = u32>, texts: usize, most: usize) -> u32 {
    let mut counts = vec![0_usize; texts + 1];
    frequencies.for_each(|df| counts[df as usize] += 1);
    let mut taken = 0;
    for df in (0..=texts).rev() {
        taken += counts[df];
        if taken >= most {
            return df as u32;
        }
    }
    0
}

/// The words of a node, one space between.
fn spell(corpus: &Corpus, levels: &[Level], (level, node): (usize, usize)) -> Vec<u8> {
    let (shorter, last) = levels[level].keys[node];
    let mut bytes = match level {
        0 => Vec::new(),
        _ => spell(corpus, levels, (level - 1, shorter as usize)),
    };
    if level > 0 {
        bytes.push(b' ');
    }
    bytes.extend_from_slice(corpus.words.strings().get(last as usize));
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::tokenize::Tokenizer;
    use super::*;

    const ALL: Bounds = Bounds {
        min_df: 1,
        max_df: 1.0,
        max_features: usize::MAX,
    };
    const TEXTS: [&str; 3] = ["b a a", "a c", "a b é"];

    fn chosen(range: (usize, usize), bounds: Bounds) -> (Vec<String>, Vec<u32>) {
        let corpus = Corpus::read(&TEXTS, &Tokenizer::new(true, false), &[], &|_| ());
        let (vocabulary, frequencies) = Vocabulary::choose(&corpus, range, &[], bounds);
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
    fn bounds_cut_both_ends() {
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
            let words = text.split(' ').map(str::as_bytes);
            let words: Vec<u32> = words
                .filter_map(|word| vocabulary.word(word, Key::of(word)))
                .collect();
            let mut found = Vec::new();
            vocabulary.find(&words, &mut Path::new(), |feature| found.push(feature));
            found
        };
        assert_eq!(find("a b c"), [0, 2, 1]);
        assert_eq!(find("a x b c d d"), [0, 3, 3, 2]);
        assert_eq!(find("b the c"), [2]);
        assert!(find("x").is_empty());
        assert_eq!(vocabulary.stop_words().collect::<Vec<_>>(), ["the"]);
    }

    #[test]
    fn strings_that_lie_are_refused() {
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
