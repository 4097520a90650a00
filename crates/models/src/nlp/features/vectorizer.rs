//! Turns texts into TF-IDF rows: tokenizer, vocabulary and weights combined.
//!
//! A row has one block of word n-grams and, optionally, one of character n-grams. Each has its own
//! norm, so that many characters do not outweigh few words; together they have norm one.

use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::characters::{Characters, OfWords};
use super::chosen::Bounds;
use super::quantize::Precision;
use super::tfidf::Tfidf;
use super::vocabulary::{Occurrences, Path, Vocabulary};
use crate::nlp::counting::corpus::Corpus;
use crate::nlp::text::negation;
use crate::nlp::text::tokenize::{Tokenizer, Words};
use crate::sparse::Matrix;

/// Number of texts whose rows are built by one task.
const TEXTS_PER_TASK: usize = 256;
/// Number of tasks whose rows are kept separate before they are appended.
const TASKS_AT_ONCE: usize = 16;

/// Which n-grams become features, and how they are weighted.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Minimum and maximum number of words in an n-gram.
    pub ngrams: (usize, usize),
    /// Minimum document frequency of an n-gram, in texts.
    pub min_df: usize,
    /// Maximum document frequency of an n-gram, as a share of the texts.
    pub max_df: f64,
    /// Maximum number of word n-grams: the most frequent, ties by byte order.
    pub max_features: usize,
    /// Use 1 + ln(count) instead of the count.
    pub sublinear: bool,
    /// Convert words to lower case.
    pub lowercase: bool,
    /// Mark the words after a negation (English), which makes them different words.
    pub negation: bool,
    /// Words to remove before n-grams are formed, as the tokenizer spells them.
    pub stop_words: Vec<String>,
    /// Character n-grams, if they are also features.
    pub characters: Option<CharacterFeatures>,
}

/// Character n-grams within words, in addition to word n-grams; `min_df` and `max_df` apply to
/// both.
#[derive(Clone, Debug, PartialEq)]
pub struct CharacterFeatures {
    /// Minimum and maximum number of characters in an n-gram, including word boundaries.
    pub ngrams: (usize, usize),
    /// Maximum number of character n-grams.
    pub max_features: usize,
    /// Norm of their block, between 0 and 1; the words get the rest of a norm of one.
    pub share: f64,
}

impl Default for Features {
    /// Chosen by cross-validation on training splits.
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
    /// The tokenizer for these features.
    fn tokenizer(&self) -> Tokenizer {
        Tokenizer::new(self.lowercase, self.negation)
    }

    /// The stop words, and their forms after a negation.
    fn stops(&self) -> Vec<String> {
        let marked = self.stop_words.iter().filter(|_| self.negation);
        let marked = marked.map(|word| format!("{}{word}", negation::MARK));
        let mut stops = self.stop_words.clone();
        stops.extend(marked);
        stops
    }

    /// Tokenizes `texts` for these features. `watch` is called with the number of texts done.
    pub(in crate::nlp) fn read(&self, texts: &[&str], watch: &dyn Fn(usize)) -> Arc<Corpus> {
        let corpus = Corpus::read(texts, &self.tokenizer(), &self.stops(), watch);
        Arc::new(corpus)
    }

    /// Number of features in `texts`.
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

/// Turns a text into its features and their weights.
#[derive(Clone, Debug)]
pub struct Vectorizer {
    pub tokenizer: Tokenizer,
    pub vocabulary: Vocabulary,
    pub tfidf: Tfidf,
    pub characters: Option<CharacterBlock>,
}

/// Character n-grams, their weights and the norm of their block.
#[derive(Clone, Debug)]
pub struct CharacterBlock {
    pub ngrams: Characters,
    pub tfidf: Tfidf,
    pub share: f64,
    of_words: Memo,
}

/// The character n-gram features of each word of a vocabulary, computed on first use: words repeat,
/// and looking up their n-grams each time would dominate the time of scoring.
#[derive(Clone, Debug)]
struct Memo(Vec<OnceLock<Box<[u32]>>>);

impl CharacterBlock {
    pub fn new(ngrams: Characters, tfidf: Tfidf, share: f64, words: &Vocabulary) -> Self {
        CharacterBlock {
            ngrams,
            tfidf,
            share,
            of_words: Memo(vec![OnceLock::new(); words.words()]),
        }
    }

    /// Adds the features of a word to `bag`; `number` is the word's number in the vocabulary or
    /// [`NONE`], and `first` the index of the first feature. `room` is a buffer for a word without
    /// a number.
    ///
    /// [`NONE`]: crate::nlp::text::strings::NONE
    #[inline]
    fn find(&self, word: &[u8], number: u32, first: u32, room: &mut Vec<u32>, bag: &mut Bag) {
        let Some(memo) = self.of_words.0.get(number as usize) else {
            room.clear();
            self.ngrams.find(word, first, room);
            return bag.add(room);
        };
        bag.add(memo.get_or_init(|| {
            let mut features = Vec::new();
            self.ngrams.find(word, first, &mut features);
            features.into()
        }));
    }
}

/// Buffers of one row, reused from text to text.
#[derive(Clone, Debug, Default)]
pub struct Row {
    words: Words,
    numbers: Vec<u32>,
    unsure: Vec<u32>,
    path: Path,
    /// Features in order of occurrence, with repetitions.
    found: Vec<u32>,
    /// Features of the text; character n-grams after word n-grams.
    pub bag: Bag,
    /// TF-IDF of each feature, with Euclidean norm one.
    pub values: Vec<f32>,
    /// Values before normalization.
    raw: Vec<f64>,
}

/// Features and their counts, in order of appearance.
#[derive(Clone, Debug, Default)]
pub struct Bag {
    /// For each feature its position plus one; 0 if absent, and 0 everywhere between texts.
    places: Vec<u32>,
    /// The features; entries after `len` are left over from other texts.
    indices: Vec<u32>,
    counts: Vec<u32>,
    len: usize,
}

impl Bag {
    /// Number of features.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The features.
    pub fn indices(&self) -> &[u32] {
        &self.indices[..self.len]
    }

    /// The count of each feature.
    pub fn counts(&self) -> &[u32] {
        &self.counts[..self.len]
    }

    /// Clears it and prepares it for numbers below `features`.
    fn open(&mut self, features: usize) {
        if self.places.len() < features {
            self.places.resize(features, 0);
        }
        self.len = 0;
    }

    /// Adds features, once per occurrence.
    fn add(&mut self, features: &[u32]) {
        let room = self.len + features.len();
        if self.indices.len() < room {
            self.indices.resize(2 * room, 0);
            self.counts.resize(2 * room, 0);
        }
        let (indices, counts) = (&mut self.indices[..], &mut self.counts[..]);
        let mut len = self.len;
        for &feature in features {
            // No branch on whether the feature is new: it would often be mispredicted.
            let place = &mut self.places[feature as usize];
            let new = *place == 0;
            let at = if new { len } else { *place as usize - 1 };
            *place = at as u32 + 1;
            indices[at] = feature;
            counts[at] = if new { 1 } else { counts[at] + 1 };
            len += usize::from(new);
        }
        self.len = len;
    }

    /// Resets the positions after the last feature was added.
    fn close(&mut self) {
        for &feature in &self.indices[..self.len] {
            self.places[feature as usize] = 0;
        }
    }
}

impl Row {
    fn clear(&mut self, features: usize) {
        self.bag.open(features);
        self.found.clear();
        self.values.clear();
    }

    /// The words of the text, including stop words.
    pub fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.words.iter()
    }

    /// Weights the word features (the first `words` of the bag) and the character features after
    /// them.
    fn finish(&mut self, vectorizer: &Vectorizer, words: usize) {
        self.bag.close();
        let (indices, counts) = (self.bag.indices(), self.bag.counts());
        let (raw, values) = (&mut self.raw, &mut self.values);
        let tfidf = &vectorizer.tfidf;
        let Some(block) = &vectorizer.characters else {
            return tfidf.weigh(0, indices, counts, 1.0, raw, values);
        };
        let (left, right) = match (words > 0, indices.len() > words) {
            (true, true) => ((1.0 - block.share * block.share).sqrt(), block.share),
            _ => (1.0, 1.0), // one block alone has the whole norm
        };
        tfidf.weigh(0, &indices[..words], &counts[..words], left, raw, values);
        let (indices, counts) = (&indices[words..], &counts[words..]);
        let (first, tfidf) = (vectorizer.vocabulary.len() as u32, &block.tfidf);
        tfidf.weigh(first, indices, counts, right, raw, values);
    }
}

impl Vectorizer {
    /// Chooses the features of `corpus` and fits their weights; [`Fitted::matrix`] returns the
    /// rows.
    pub fn fit(features: &Features, corpus: &Arc<Corpus>, precision: Precision) -> Fitted {
        let tfidf = |frequencies: &[u32]| {
            Tfidf::fit(frequencies, corpus.texts(), features.sublinear, precision)
        };
        let bounds = features.bounds(features.max_features);
        let (vocabulary, frequencies, occurrences) =
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
        Fitted::new(vectorizer, Arc::clone(corpus), occurrences)
    }

    /// Keeps some of the features.
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

    /// End of each block of features.
    pub fn blocks(&self) -> Vec<usize> {
        match self.characters {
            None => vec![self.features()],
            Some(_) => vec![self.vocabulary.len(), self.features()],
        }
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        let characters = self
            .characters
            .as_ref()
            .map_or(0, |block| block.ngrams.len());
        self.vocabulary.len() + characters
    }

    /// The display form of a feature: words as they are, characters between ‹ and ›.
    pub fn name(&self, feature: usize) -> String {
        match (feature.checked_sub(self.vocabulary.len()), &self.characters) {
            (Some(number), Some(block)) => format!("‹{}›", block.ngrams.ngram(number)),
            _ => self.vocabulary.ngram(feature).to_owned(),
        }
    }

    /// Fills `row` with the features of `text`; leaves it empty if none is known.
    pub fn vectorize(&self, text: &str, row: &mut Row) {
        row.clear(self.features());
        self.tokenizer.split(text, &mut row.words);
        let mut numbers = std::mem::take(&mut row.numbers);
        let vocabulary = &self.vocabulary;
        vocabulary.number(&row.words, &mut numbers, &mut row.unsure);
        vocabulary.find(&numbers, &mut row.path, &mut row.found);
        row.bag.add(&row.found);
        let features = row.bag.len();
        if let Some(block) = &self.characters {
            let split = std::mem::take(&mut row.words);
            let first = self.vocabulary.len() as u32;
            // A stop word has neither a number nor n-grams.
            let words = split.iter().filter(|word| !self.vocabulary.stops(word));
            for (word, &number) in words.zip(&numbers) {
                block.find(word, number, first, &mut row.found, &mut row.bag);
            }
            row.words = split;
        }
        row.numbers = numbers;
        row.finish(self, features);
    }

    /// The character n-gram features of a word; none for a stop word.
    pub fn character_features(&self, word: &[u8]) -> Vec<u32> {
        let mut features = Vec::new();
        if let Some(block) = &self.characters
            && !self.vocabulary.stops(word)
        {
            let first = self.vocabulary.len() as u32;
            block.ngrams.find(word, first, &mut features);
        }
        features
    }

    /// Whether a feature is a word n-gram.
    pub fn is_word(&self, feature: u32) -> bool {
        (feature as usize) < self.vocabulary.len()
    }
}

/// A vectorizer and its occurrences in the corpus it was fitted to.
pub struct Fitted {
    pub vectorizer: Vectorizer,
    corpus: Arc<Corpus>,
    occurrences: Occurrences,
    of_words: Option<OfWords>,
}

impl Fitted {
    fn new(vectorizer: Vectorizer, corpus: Arc<Corpus>, occurrences: Occurrences) -> Fitted {
        let characters = vectorizer.characters.as_ref();
        let of_words = characters.map(|block| block.ngrams.of_words(&corpus));
        Fitted {
            vectorizer,
            corpus,
            occurrences,
            of_words,
        }
    }

    /// The vectorizer alone, without its occurrences.
    pub fn into_vectorizer(self) -> Vectorizer {
        self.vectorizer
    }

    /// Keeps some of the features.
    pub fn kept(&self, kept: &[bool]) -> Fitted {
        let words = &kept[..self.vectorizer.vocabulary.len()];
        let occurrences = self.occurrences.keep(words);
        let corpus = Arc::clone(&self.corpus);
        Fitted::new(self.vectorizer.keep(kept), corpus, occurrences)
    }

    /// One row per text of the corpus, in order, identical to [`Vectorizer::vectorize`].
    pub fn matrix(&self) -> Matrix {
        let mut whole = Matrix::new(self.vectorizer.features());
        let texts: Vec<usize> = (0..self.corpus.texts()).collect();
        if rayon::current_num_threads() == 1 {
            let mut row = Row::default();
            for some in texts.chunks(TEXTS_PER_TASK) {
                self.rows(some, &mut row, &mut whole);
                whole.expect(texts.len());
            }
            return whole;
        }
        for wave in texts.chunks(TEXTS_PER_TASK * TASKS_AT_ONCE) {
            let part = |texts: &[usize]| {
                let mut part = Matrix::new(self.vectorizer.features());
                self.rows(texts, &mut Row::default(), &mut part);
                part
            };
            let parts: Vec<Matrix> = wave.par_chunks(TEXTS_PER_TASK).map(part).collect();
            parts.iter().for_each(|part| whole.append(part));
            whole.expect(texts.len());
        }
        whole
    }

    /// Appends the rows of some texts.
    fn rows(&self, texts: &[usize], row: &mut Row, rows: &mut Matrix) {
        for &text in texts {
            self.vectorize(text, row);
            rows.push(row.bag.indices(), &row.values);
        }
    }

    fn vectorize(&self, text: usize, row: &mut Row) {
        row.clear(self.vectorizer.features());
        self.occurrences.find(&self.corpus, text, &mut row.found);
        row.bag.add(&row.found);
        let words = row.bag.len();
        if let Some(of_words) = &self.of_words {
            let first = self.vectorizer.vocabulary.len() as u32;
            row.found.clear();
            for &token in self.corpus.text(text) {
                let ngrams = of_words.get(token).iter();
                row.found.extend(ngrams.map(|number| first + number));
            }
            row.bag.add(&row.found);
        }
        row.finish(&self.vectorizer, words);
    }
}
