//! Character n-grams within words, which capture stems, endings and misspellings.
//!
//! As in scikit-learn's `char_wb`, a word is padded with a space on both sides and split into
//! character n-grams. A word always gives the same ones, so they are looked up once per distinct
//! word of the training split instead of once per occurrence. N-grams of a word marked by a
//! negation start with `!`.

use rayon::prelude::*;

use super::chosen::{Bounds, choose};
use super::vocabulary::VocabularyError;
use crate::nlp::counting::corpus::Corpus;
use crate::nlp::text::negation;
use crate::nlp::text::strings::{Key, NONE, Strings, Table};
use crate::nlp::text::tokenize::MAX_WORD_BYTES;

/// The chosen character n-grams in byte order; an n-gram's number is its index.
#[derive(Clone, Debug)]
pub struct Characters {
    /// Minimum and maximum number of characters in an n-gram.
    range: (usize, usize),
    ngrams: Table,
}

/// The n-gram numbers of each distinct word of a corpus.
#[derive(Debug, Default)]
pub struct OfWords {
    numbers: Vec<u32>,
    ends: Vec<usize>,
}

impl OfWords {
    pub fn get(&self, word: u32) -> &[u32] {
        let word = word as usize;
        let start = if word == 0 { 0 } else { self.ends[word - 1] };
        &self.numbers[start..self.ends[word]]
    }
}

impl Characters {
    /// The n-grams of `corpus` within `bounds`, and the document frequency of each.
    pub fn choose(
        corpus: &Corpus,
        range: (usize, usize),
        bounds: Bounds,
    ) -> (Characters, Vec<u32>) {
        let mut all = Characters {
            range,
            ngrams: Table::default(),
        };
        let mut of_words = OfWords::default();
        for word in corpus.words.strings().iter() {
            each(word, range, |ngram| {
                of_words
                    .numbers
                    .push(all.ngrams.insert(ngram, Key::of(ngram)));
            });
            of_words.ends.push(of_words.numbers.len());
        }
        let frequencies = frequencies(corpus, &of_words, all.ngrams.len());
        let spell = |number: usize, bytes: &mut Vec<u8>| {
            bytes.extend_from_slice(all.ngrams.strings().get(number));
        };
        let (ngrams, chosen) = choose(&frequencies, corpus.texts(), bounds, spell);
        let characters = Characters::new(ngrams, range);
        let frequencies = chosen.iter().map(|&number| frequencies[number]).collect();
        (characters, frequencies)
    }

    /// Keeps some of the n-grams.
    pub fn keep(&self, kept: &[bool]) -> Characters {
        Characters::new(self.strings().keep(kept), self.range)
    }

    /// The n-grams of each distinct word of a corpus.
    pub fn of_words(&self, corpus: &Corpus) -> OfWords {
        let mut of_words = OfWords::default();
        for word in corpus.words.strings().iter() {
            self.find(word, 0, &mut of_words.numbers);
            of_words.ends.push(of_words.numbers.len());
        }
        of_words
    }

    /// Loads saved n-grams.
    ///
    /// # Errors
    /// If they are not UTF-8 or not in ascending order.
    pub fn from_sorted(ngrams: Strings, range: (usize, usize)) -> Result<Self, VocabularyError> {
        if (1..ngrams.len()).any(|i| ngrams.get(i - 1) >= ngrams.get(i)) {
            return Err(VocabularyError::Order);
        }
        if ngrams
            .iter()
            .any(|ngram| std::str::from_utf8(ngram).is_err())
        {
            return Err(VocabularyError::Text);
        }
        Ok(Characters::new(ngrams, range))
    }

    fn new(ngrams: Strings, range: (usize, usize)) -> Characters {
        let mut table = Table::default();
        for ngram in ngrams.iter() {
            table.insert(ngram, Key::of(ngram));
        }
        Characters {
            range,
            ngrams: table,
        }
    }

    /// Number of n-grams.
    pub fn len(&self) -> usize {
        self.ngrams.len()
    }

    /// Minimum and maximum number of characters in an n-gram.
    pub fn range(&self) -> (usize, usize) {
        self.range
    }

    /// The n-gram with this number.
    pub fn ngram(&self, number: usize) -> &str {
        std::str::from_utf8(self.strings().get(number)).expect("n-grams are whole characters")
    }

    pub fn strings(&self) -> &Strings {
        self.ngrams.strings()
    }

    /// Appends to `found` the number of every known n-gram of a word, plus `first`.
    #[inline]
    pub fn find(&self, word: &[u8], first: u32, found: &mut Vec<u32>) {
        each(word, self.range, |ngram| {
            let key = Key::of(ngram);
            let number = match self.ngrams.glance(key) {
                (number, true) => number,
                _ => self.ngrams.find(ngram, key).unwrap_or(NONE),
            };
            // Always written, but kept only if known: a branch would often be mispredicted.
            let kept = found.len() + usize::from(number != NONE);
            found.push(first.wrapping_add(number));
            found.truncate(kept);
        });
    }
}

/// Document frequency of each n-gram. Sums of integers, so their order does not matter.
fn frequencies(corpus: &Corpus, of_words: &OfWords, ngrams: usize) -> Vec<u32> {
    struct Count {
        texts: Vec<u32>,
        last: Vec<u32>,
    }
    let new = || Count {
        texts: vec![0; ngrams],
        last: vec![NONE; ngrams],
    };
    let count = |mut count: Count, text: usize| {
        for &word in corpus.text(text) {
            for &ngram in of_words.get(word) {
                if count.last[ngram as usize] != text as u32 {
                    count.last[ngram as usize] = text as u32;
                    count.texts[ngram as usize] += 1;
                }
            }
        }
        count
    };
    let texts = (0..corpus.texts()).into_par_iter().with_min_len(1024);
    let counts = texts.fold(new, count).map(|count| count.texts);
    counts.reduce(Vec::new, |mut a, b| {
        if a.is_empty() {
            return b;
        }
        a.iter_mut().zip(&b).for_each(|(a, b)| *a += b);
        a
    })
}

/// Calls `found` with every n-gram of a word, by its first character, shorter ones first.
#[inline]
fn each(word: &[u8], range: (usize, usize), mut found: impl FnMut(&[u8])) {
    let Some(word) = word.strip_prefix(negation::MARK.as_bytes()) else {
        return within(word, range, found);
    };
    let mut marked = [b'!'; MAX_WORD_BYTES + 3];
    within(word, range, |ngram| {
        marked[1..=ngram.len()].copy_from_slice(ngram);
        found(&marked[..=ngram.len()]);
    });
}

#[inline]
fn within(word: &[u8], (shortest, longest): (usize, usize), mut found: impl FnMut(&[u8])) {
    let mut padded = [b' '; MAX_WORD_BYTES + 2];
    let len = word.len() + 2;
    padded[1..len - 1].copy_from_slice(word);
    let padded = &padded[..len];
    if word.is_ascii() {
        for start in 0..len {
            for end in start + shortest..=len.min(start + longest) {
                found(&padded[start..end]);
            }
        }
        return;
    }
    // The start of each character, and the end of the last one.
    let mut bounds = [0_u8; MAX_WORD_BYTES + 3];
    let mut count = 0;
    for (at, byte) in padded.iter().enumerate() {
        if byte & 0xc0 != 0x80 {
            bounds[count] = at as u8;
            count += 1;
        }
    }
    bounds[count] = len as u8;
    for start in 0..count {
        for end in start + shortest..=count.min(start + longest) {
            found(&padded[usize::from(bounds[start])..usize::from(bounds[end])]);
        }
    }
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

    fn ngrams(word: &str, range: (usize, usize)) -> Vec<String> {
        let mut out = Vec::new();
        each(word.as_bytes(), range, |ngram| {
            out.push(String::from_utf8(ngram.to_vec()).unwrap())
        });
        out
    }

    #[test]
    fn words_have_a_space_on_both_sides() {
        assert_eq!(ngrams("ab", (2, 3)), [" a", " ab", "ab", "ab ", "b "]);
        assert_eq!(ngrams("né", (3, 4)), [" né", " né ", "né "]);
        assert_eq!(ngrams("a", (4, 5)), [""; 0]);
        assert_eq!(ngrams("not_ab", (3, 4)), ["! ab", "! ab ", "!ab "]);
    }

    #[test]
    fn the_longest_word_fits() {
        assert_eq!(
            ngrams(&"a".repeat(MAX_WORD_BYTES), (2, 2)).len(),
            MAX_WORD_BYTES + 1
        );
        assert_eq!(
            ngrams(&"é".repeat(MAX_WORD_BYTES / 2), (2, 2)).len(),
            MAX_WORD_BYTES / 2 + 1
        );
    }

    #[test]
    fn counts_texts_and_knows_the_words() {
        let texts = ["ab ab", "b", "ab b"];
        let corpus = Corpus::read(&texts, &Tokenizer::new(true, false), &[], &|_| ());
        let (all, frequencies) = Characters::choose(&corpus, (2, 2), ALL);
        let spelled: Vec<&str> = (0..all.len()).map(|i| all.ngram(i)).collect();
        assert_eq!(spelled, [" a", " b", "ab", "b "]);
        assert_eq!(frequencies, [2, 2, 2, 3]);
        let bounds = Bounds {
            max_features: 2,
            ..ALL
        };
        let (two, _) = Characters::choose(&corpus, (2, 2), bounds);
        let of_words = two.of_words(&corpus);
        assert_eq!([two.ngram(0), two.ngram(1)], [" a", "b "]);
        assert_eq!((of_words.get(0), of_words.get(1)), (&[0, 1][..], &[1][..]));
        let mut found = Vec::new();
        two.find(b"ab", 0, &mut found);
        assert_eq!(found, [0, 1]);
    }
}
