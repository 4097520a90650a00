//! Texts to TF-IDF rows: tokenizer, vocabulary and weights in one.
//!
//! A row has one block of word n-grams and, where asked for, one of character n-grams behind it. Each
//! has a norm of its own, so that many characters do not drown few words; together they have norm one.

use std::sync::OnceLock;

use rayon::prelude::*;

use super::characters::{Characters, OfWords};
use super::corpus::Corpus;
use super::negation;
use super::options::Precision;
use super::strings::Key;
use super::tfidf::Tfidf;
use super::tokenize::{Tokenizer, Words};
use super::vocabulary::{Bounds, Path, Vocabulary};
use crate::models::sparse::Matrix;

/// Texts whose rows are made by one task.
const TEXTS_PER_TASK: usize = 256;
/// Tasks whose rows stand by themselves before they join the others.
const TASKS_AT_ONCE: usize = 16;

/// Which n-grams become features, and how they are weighted.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Words in an n-gram, from - to.
    pub ngrams: (usize, usize),
    /// Texts an n-gram must stand in, at least.
    pub min_df: usize,
    /// Share of the texts an n-gram may stand in, at most.
    pub max_df: f64,
    /// Word n-grams at most: those in most texts, ties to the lower bytes.
    pub max_features: usize,
    /// 1 + ln(count) instead of the count.
    pub sublinear: bool,
    pub lowercase: bool,
    /// Mark the words behind a negation (English): they become other words.
    pub negation: bool,
    /// Words to leave out before n-grams are made, as the tokenizer spells them.
    pub stop_words: Vec<String>,
    pub characters: Option<CharacterFeatures>,
}

/// Character n-grams within words, beside those of words; `min_df` and `max_df` hold for both.
#[derive(Clone, Debug, PartialEq)]
pub struct CharacterFeatures {
    /// Characters in an n-gram, a word's bounds included, from - to.
    pub ngrams: (usize, usize),
    /// Character n-grams at most.
    pub max_features: usize,
    /// Norm of their block, of 0 to 1; words have what is left of a norm of one.
    pub share: f64,
}

impl Default for Features {
    /// Chosen on folds of training parts.
    fn default() -> Features {
        Features {
            ngrams: (1, 2),
            min_df: 1,
            max_df: 1.0,
            max_features: 50_000,
            sublinear: true,
            lowercase: true,
            negation: false,
            stop_words: Vec::new(),
            characters: None,
        }
    }
}

impl Features {
    /// What reads the texts.
    pub(super) fn tokenizer(&self) -> Tokenizer {
        Tokenizer::new(self.lowercase, self.negation)
    }

    /// The stop words, and what they become behind a negation.
    pub(super) fn stops(&self) -> Vec<String> {
        let marked = self.stop_words.iter().filter(|_| self.negation);
        let marked = marked.map(|word| format!("{}{word}", negation::MARK));
        let mut stops = self.stop_words.clone();
        stops.extend(marked);
        stops
    }

    /// Reads `texts` as these features need them. `watch` hears how many are done.
    pub(super) fn read(&self, texts: &[&str], watch: &dyn Fn(usize)) -> Corpus {
        Corpus::read(texts, &self.tokenizer(), &self.stops(), watch)
    }

    /// Reads and counts `texts`: how many features they have.
    pub fn count(&self, texts: &[&str]) -> usize {
        let corpus = self.read(texts, &|_| ());
        let fitted = Vectorizer::fit(self, &corpus, Precision::Single);
        fitted.vectorizer.features()
    }

    fn bounds(&self, max_features: usize) -> Bounds {
        Bounds {
            min_df: self.min_df,
            max_df: self.max_df,
            max_features,
        }
    }
}

/// Turns a text into the features it holds and their weights.
#[derive(Clone, Debug)]
pub(super) struct Vectorizer {
    pub(super) tokenizer: Tokenizer,
    pub(super) vocabulary: Vocabulary,
    pub(super) tfidf: Tfidf,
    pub(super) characters: Option<CharacterBlock>,
}

/// Character n-grams, their weights and the norm of their block.
#[derive(Clone, Debug)]
pub(super) struct CharacterBlock {
    pub(super) ngrams: Characters,
    pub(super) tfidf: Tfidf,
    pub(super) share: f64,
    of_words: Memo,
}

/// The character n-grams of each word of a vocabulary, found when it is first met: words come again
/// and again, and a look-up an n-gram is what scoring would spend its time on.
#[derive(Clone, Debug)]
struct Memo(Vec<OnceLock<Box<[u32]>>>);

impl CharacterBlock {
    pub(super) fn new(ngrams: Characters, tfidf: Tfidf, share: f64, words: &Vocabulary) -> Self {
        CharacterBlock {
            ngrams,
            tfidf,
            share,
            of_words: Memo(vec![OnceLock::new(); words.words()]),
        }
    }

    /// Calls `found` with the n-grams of a word that has this number in the vocabulary, or [`NONE`].
    #[inline]
    fn find(&self, word: &[u8], number: u32, mut found: impl FnMut(u32)) {
        let Some(memo) = self.of_words.0.get(number as usize) else {
            return self.ngrams.find(word, found);
        };
        let ngrams = memo.get_or_init(|| {
            let mut ngrams = Vec::new();
            self.ngrams.find(word, |ngram| ngrams.push(ngram));
            ngrams.into()
        });
        ngrams.iter().for_each(|&ngram| found(ngram));
    }
}

/// Buffers of one row, reused from text to text.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    words: Words,
    numbers: Vec<u32>,
    path: Path,
    /// For each feature its place in the row plus one, 0 between texts.
    places: Vec<u32>,
    /// Features in the text, in order of appearance; those of characters behind those of words.
    pub(super) indices: Vec<u32>,
    /// How often each occurs.
    pub(super) counts: Vec<u32>,
    /// TF-IDF of each, of Euclidean norm one together.
    pub(super) values: Vec<f32>,
}

impl Row {
    fn clear(&mut self, features: usize) {
        if self.places.len() < features {
            self.places.resize(features, 0);
        }
        self.indices.clear();
        self.counts.clear();
        self.values.clear();
    }

    /// The words of the text, stop words included.
    pub(super) fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.words.iter()
    }

    #[inline]
    fn add(&mut self, feature: u32) {
        let place = &mut self.places[feature as usize];
        if *place == 0 {
            self.indices.push(feature);
            self.counts.push(1);
            *place = self.indices.len() as u32;
        } else {
            self.counts[*place as usize - 1] += 1;
        }
    }

    /// Weighs the words' features (the first `words` of the row) and those of characters behind.
    fn finish(&mut self, vectorizer: &Vectorizer, words: usize) {
        for &feature in &self.indices {
            self.places[feature as usize] = 0;
        }
        let (indices, counts) = (&mut self.indices, &self.counts);
        let Some(block) = &vectorizer.characters else {
            return vectorizer
                .tfidf
                .weigh(indices, counts, 1.0, &mut self.values);
        };
        let (left, right) = match (words > 0, indices.len() > words) {
            (true, true) => ((1.0 - block.share * block.share).sqrt(), block.share),
            _ => (1.0, 1.0), // one block alone has the whole norm
        };
        vectorizer
            .tfidf
            .weigh(&indices[..words], &counts[..words], left, &mut self.values);
        let first = vectorizer.vocabulary.len() as u32;
        let characters = &mut indices[words..];
        characters.iter_mut().for_each(|index| *index -= first);
        block
            .tfidf
            .weigh(characters, &counts[words..], right, &mut self.values);
        characters.iter_mut().for_each(|index| *index += first);
    }
}

impl Vectorizer {
    /// Chooses the features of `corpus` and weighs them; their rows are [`Fitted::matrix`].
    pub(super) fn fit<'a>(
        features: &Features,
        corpus: &'a Corpus,
        precision: Precision,
    ) -> Fitted<'a> {
        let tfidf = |frequencies: &[u32]| {
            Tfidf::fit(frequencies, corpus.texts(), features.sublinear, precision)
        };
        let bounds = features.bounds(features.max_features);
        let (vocabulary, frequencies) =
            Vocabulary::choose(corpus, features.ngrams, &features.stops(), bounds);
        let characters = features.characters.as_ref().map(|options| {
            let bounds = features.bounds(options.max_features);
            let (ngrams, frequencies) = Characters::choose(corpus, options.ngrams, bounds);
            CharacterBlock::new(ngrams, tfidf(&frequencies), options.share, &vocabulary)
        });
        let vectorizer = Vectorizer {
            tokenizer: features.tokenizer(),
            vocabulary,
            tfidf: tfidf(&frequencies),
            characters,
        };
        Fitted::new(vectorizer, corpus)
    }

    /// With some of the features only.
    fn keep(&self, kept: &[bool]) -> Vectorizer {
        let (words, characters) = kept.split_at(self.vocabulary.len());
        let vocabulary = self.vocabulary.keep(words);
        let block = |block: &CharacterBlock| {
            let ngrams = block.ngrams.keep(characters);
            CharacterBlock::new(
                ngrams,
                block.tfidf.keep(characters),
                block.share,
                &vocabulary,
            )
        };
        Vectorizer {
            tokenizer: self.tokenizer.clone(),
            characters: self.characters.as_ref().map(block),
            tfidf: self.tfidf.keep(words),
            vocabulary,
        }
    }

    /// Where each block of features ends.
    pub(super) fn blocks(&self) -> Vec<usize> {
        match self.characters {
            None => vec![self.features()],
            Some(_) => vec![self.vocabulary.len(), self.features()],
        }
    }

    /// Number of features.
    pub(super) fn features(&self) -> usize {
        let characters = self
            .characters
            .as_ref()
            .map_or(0, |block| block.ngrams.len());
        self.vocabulary.len() + characters
    }

    /// A feature as it is shown: words as they are, characters between ‹ and ›.
    pub(super) fn name(&self, feature: usize) -> String {
        match (feature.checked_sub(self.vocabulary.len()), &self.characters) {
            (Some(number), Some(block)) => format!("‹{}›", block.ngrams.ngram(number)),
            _ => self.vocabulary.ngram(feature).to_owned(),
        }
    }

    /// Fills `row` with the features of `text`; leaves it empty where none is known.
    pub(super) fn vectorize(&self, text: &str, row: &mut Row) {
        row.clear(self.features());
        self.tokenizer.split(text, &mut row.words);
        let mut numbers = std::mem::take(&mut row.numbers);
        numbers.clear();
        let keys = row.words.with_heads();
        numbers.extend(
            keys.filter_map(|(word, head)| self.vocabulary.word(word, Key::with_head(word, head))),
        );
        let mut path = std::mem::take(&mut row.path);
        let add = |feature| row.add(feature);
        self.vocabulary.find(&numbers, &mut path, add);
        let features = row.indices.len();
        if let Some(block) = &self.characters {
            let split = std::mem::take(&mut row.words);
            let first = self.vocabulary.len() as u32;
            // A stop word has neither a number nor n-grams.
            let words = split.iter().filter(|word| !self.vocabulary.stops(word));
            for (word, &number) in words.zip(&numbers) {
                block.find(word, number, |ngram| row.add(first + ngram));
            }
            row.words = split;
        }
        (row.numbers, row.path) = (numbers, path);
        row.finish(self, features);
    }

    /// Calls `found` with the character features of a word of a text; a stop word has none.
    #[inline]
    pub(super) fn each_character_feature(&self, word: &[u8], mut found: impl FnMut(u32)) {
        let Some(block) = &self.characters else {
            return;
        };
        let first = self.vocabulary.len() as u32;
        if !self.vocabulary.stops(word) {
            block.ngrams.find(word, |number| found(first + number));
        }
    }

    /// True for an n-gram of words.
    pub(super) fn is_word(&self, feature: u32) -> bool {
        (feature as usize) < self.vocabulary.len()
    }
}

/// A vectorizer and what it knows of the corpus it was fitted to.
pub(super) struct Fitted<'a> {
    pub vectorizer: Vectorizer,
    corpus: &'a Corpus,
    of_words: Option<OfWords>,
}

impl<'a> Fitted<'a> {
    fn new(vectorizer: Vectorizer, corpus: &'a Corpus) -> Fitted<'a> {
        let characters = vectorizer.characters.as_ref();
        let of_words = characters.map(|block| block.ngrams.of_words(corpus));
        Fitted {
            vectorizer,
            corpus,
            of_words,
        }
    }

    /// With some of the features only.
    pub fn kept(&self, kept: &[bool]) -> Fitted<'a> {
        Fitted::new(self.vectorizer.keep(kept), self.corpus)
    }

    /// One row a text of the corpus, in order; the same as [`Vectorizer::vectorize`] gives.
    pub fn matrix(&self) -> Matrix {
        let features = self.vectorizer.features();
        let vocabulary = &self.vectorizer.vocabulary;
        let words = self.corpus.words.strings().iter();
        let numbers: Vec<u32> = words
            .map(|word| {
                vocabulary
                    .word(word, Key::of(word))
                    .unwrap_or(super::ngrams::NONE)
            })
            .collect();
        let texts: Vec<usize> = (0..self.corpus.texts()).collect();
        let mut whole = Matrix::new(features);
        for wave in texts.chunks(TEXTS_PER_TASK * TASKS_AT_ONCE) {
            let part = |texts: &[usize]| {
                let (mut part, mut row) = (Matrix::new(features), Row::default());
                for &text in texts {
                    self.vectorize(text, &numbers, &mut row);
                    part.push(&row.indices, &row.values);
                }
                part
            };
            let parts: Vec<Matrix> = wave.par_chunks(TEXTS_PER_TASK).map(part).collect();
            parts.iter().for_each(|part| whole.append(part));
        }
        whole
    }

    fn vectorize(&self, text: usize, numbers: &[u32], row: &mut Row) {
        let tokens = self.corpus.text(text);
        row.clear(self.vectorizer.features());
        let mut words = std::mem::take(&mut row.numbers);
        let mut path = std::mem::take(&mut row.path);
        words.clear();
        words.extend(tokens.iter().map(|&token| numbers[token as usize]));
        let add = |feature| row.add(feature);
        self.vectorizer.vocabulary.find(&words, &mut path, add);
        (row.numbers, row.path) = (words, path);
        let words = row.indices.len();
        if let Some(of_words) = &self.of_words {
            let first = self.vectorizer.vocabulary.len() as u32;
            for &token in tokens {
                for &number in of_words.get(token) {
                    row.add(first + number);
                }
            }
        }
        row.finish(&self.vectorizer, words);
    }
}
