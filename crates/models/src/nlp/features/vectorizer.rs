//! Texts to TF-IDF rows: tokenizer, vocabulary and weights in one.
//!
//! A row has one block of word n-grams and, where asked for, one of character n-grams after it. Each
//! has a norm of its own, so that many characters do not drown few words; together they have norm one.

use std::sync::OnceLock;

use rayon::prelude::*;

use super::characters::{Characters, OfWords};
use super::quantize::Precision;
use super::tfidf::Tfidf;
use super::vocabulary::{Bounds, Occurrences, Path, Vocabulary};
use crate::nlp::counting::corpus::Corpus;
use crate::nlp::text::negation;
use crate::nlp::text::tokenize::{Tokenizer, Words};
use crate::sparse::Matrix;

/// Texts whose rows are made by one task.
const TEXTS_PER_TASK: usize = 256;
/// Tasks whose rows stand by themselves before they join the others.
const TASKS_AT_ONCE: usize = 16;

/// Which n-grams become features, and how they are weighted.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Words in an n-gram, from - to.
    pub ngrams: (usize, usize),
    /// Least document frequency of an n-gram, in texts.
    pub min_df: usize,
    /// Greatest document frequency of an n-gram, as a share of the texts.
    pub max_df: f64,
    /// Word n-grams at most: those in most texts, ties to the lower bytes.
    pub max_features: usize,
    /// 1 + ln(count) instead of the count.
    pub sublinear: bool,
    /// Lower-case the words.
    pub lowercase: bool,
    /// Mark the words after a negation (English): they become other words.
    pub negation: bool,
    /// Words to leave out before n-grams are made, as the tokenizer spells them.
    pub stop_words: Vec<String>,
    /// Character n-grams, where they are features too.
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
    fn tokenizer(&self) -> Tokenizer {
        Tokenizer::new(self.lowercase, self.negation)
    }

    /// The stop words, and what they become after a negation.
    fn stops(&self) -> Vec<String> {
        let marked = self.stop_words.iter().filter(|_| self.negation);
        let marked = marked.map(|word| format!("{}{word}", negation::MARK));
        let mut stops = self.stop_words.clone();
        stops.extend(marked);
        stops
    }

    /// Reads `texts` as these features need them. `watch` is called with the number done.
    pub(in crate::nlp) fn read(&self, texts: &[&str], watch: &dyn Fn(usize)) -> Corpus {
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

/// The features that are character n-grams of each word of a vocabulary, found when it is first met:
/// words come again and again, and a look-up an n-gram is what scoring would spend its time on.
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

    /// Puts the features of a word that has this number in the vocabulary, or [`NONE`], into `bag`; the
    /// first feature is `first`. `room` is for those of a word without a number.
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
    /// Features as they are found, each as often as it occurs.
    found: Vec<u32>,
    /// Features in the text; those of characters after those of words.
    pub bag: Bag,
    /// TF-IDF of each feature, of Euclidean norm one together.
    pub values: Vec<f32>,
    /// Before they have their norm.
    raw: Vec<f64>,
}

/// Features and how often each occurs, in order of appearance.
#[derive(Clone, Debug, Default)]
pub struct Bag {
    /// For each feature its place plus one; 0: none, and so all between texts.
    places: Vec<u32>,
    /// Of each feature in it; entries after `len` are left from other texts.
    indices: Vec<u32>,
    counts: Vec<u32>,
    len: usize,
}

impl Bag {
    /// How many features are in it.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The features in it.
    pub fn indices(&self) -> &[u32] {
        &self.indices[..self.len]
    }

    /// How often each occurs.
    pub fn counts(&self) -> &[u32] {
        &self.counts[..self.len]
    }

    /// Empties and opens it, for numbers below `features`.
    fn open(&mut self, features: usize) {
        if self.places.len() < features {
            self.places.resize(features, 0);
        }
        self.len = 0;
    }

    /// Puts features in, each as often as it stands there.
    fn add(&mut self, features: &[u32]) {
        let room = self.len + features.len();
        if self.indices.len() < room {
            self.indices.resize(2 * room, 0);
            self.counts.resize(2 * room, 0);
        }
        let (indices, counts) = (&mut self.indices[..], &mut self.counts[..]);
        let mut len = self.len;
        for &feature in features {
            // No jump asks whether the feature is new: it would often be guessed wrong.
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

    /// Forgets the places: nothing more comes in.
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

    /// The words of the text, stop words included.
    pub fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.words.iter()
    }

    /// Weighs the words' features (the first `words` of the bag) and those of characters after them.
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
    /// Chooses the features of `corpus` and weighs them; their rows are [`Fitted::matrix`].
    pub fn fit<'a>(features: &Features, corpus: &'a Corpus, precision: Precision) -> Fitted<'a> {
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
        Fitted::new(vectorizer, corpus, occurrences)
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

    /// A feature as it is shown: words as they are, characters between ‹ and ›.
    pub fn name(&self, feature: usize) -> String {
        match (feature.checked_sub(self.vocabulary.len()), &self.characters) {
            (Some(number), Some(block)) => format!("‹{}›", block.ngrams.ngram(number)),
            _ => self.vocabulary.ngram(feature).to_owned(),
        }
    }

    /// Fills `row` with the features of `text`; leaves it empty where none is known.
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

    /// The character features of a word of a text; a stop word has none.
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

    /// True for an n-gram of words.
    pub fn is_word(&self, feature: u32) -> bool {
        (feature as usize) < self.vocabulary.len()
    }
}

/// A vectorizer and what it knows of the corpus it was fitted to.
pub struct Fitted<'a> {
    pub vectorizer: Vectorizer,
    corpus: &'a Corpus,
    occurrences: Occurrences,
    of_words: Option<OfWords>,
}

impl<'a> Fitted<'a> {
    fn new(vectorizer: Vectorizer, corpus: &'a Corpus, occurrences: Occurrences) -> Fitted<'a> {
        let characters = vectorizer.characters.as_ref();
        let of_words = characters.map(|block| block.ngrams.of_words(corpus));
        Fitted {
            vectorizer,
            corpus,
            occurrences,
            of_words,
        }
    }

    /// With some of the features only.
    pub fn kept(&self, kept: &[bool]) -> Fitted<'a> {
        let words = &kept[..self.vectorizer.vocabulary.len()];
        let occurrences = self.occurrences.keep(words);
        Fitted::new(self.vectorizer.keep(kept), self.corpus, occurrences)
    }

    /// One row a text of the corpus, in order; the same as [`Vectorizer::vectorize`] gives.
    pub fn matrix(&self) -> Matrix {
        let mut whole = Matrix::new(self.vectorizer.features());
        let texts: Vec<usize> = (0..self.corpus.texts()).collect();
        if rayon::current_num_threads() == 1 {
            self.rows(&texts, &mut whole);
            return whole;
        }
        for wave in texts.chunks(TEXTS_PER_TASK * TASKS_AT_ONCE) {
            let part = |texts: &[usize]| {
                let mut part = Matrix::new(self.vectorizer.features());
                self.rows(texts, &mut part);
                part
            };
            let parts: Vec<Matrix> = wave.par_chunks(TEXTS_PER_TASK).map(part).collect();
            parts.iter().for_each(|part| whole.append(part));
        }
        whole
    }

    /// Adds the rows of some texts.
    fn rows(&self, texts: &[usize], rows: &mut Matrix) {
        let mut row = Row::default();
        for &text in texts {
            self.vectorize(text, &mut row);
            rows.push(row.bag.indices(), &row.values);
        }
    }

    fn vectorize(&self, text: usize, row: &mut Row) {
        row.clear(self.vectorizer.features());
        self.occurrences.find(self.corpus, text, &mut row.found);
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
