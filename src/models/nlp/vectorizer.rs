//! Texts to TF-IDF rows: tokenizer, vocabulary and weights in one.

use rayon::prelude::*;

use super::tfidf::Tfidf;
use super::tokenize::{Tokenizer, Words};
use super::vocabulary::{Bounds, Counter, Vocabulary};
use crate::models::sparse::Matrix;

/// Texts whose rows are made by one task.
const TEXTS_PER_TASK: usize = 256;
/// Texts counted by one task; fixed, so that threads change nothing.
const TEXTS_PER_COUNT: usize = 1024;
/// Counts under way before they are merged, in order: it bounds the memory of a large corpus.
const COUNTS_AT_ONCE: usize = 8;

/// Which n-grams become features, and how they are weighted.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Words in an n-gram, from - to.
    pub ngrams: (usize, usize),
    /// Texts an n-gram must stand in, at least.
    pub min_df: usize,
    /// Share of the texts an n-gram may stand in, at most.
    pub max_df: f64,
    /// Features at most: those in most texts, ties to the lower bytes.
    pub max_features: usize,
    /// 1 + ln(count) instead of the count.
    pub sublinear: bool,
    pub lowercase: bool,
}

impl Default for Features {
    /// Chosen on folds of the training parts of SST-2 and Banking77.
    fn default() -> Features {
        Features {
            ngrams: (1, 2),
            min_df: 1,
            max_df: 1.0,
            max_features: 50_000,
            sublinear: true,
            lowercase: true,
        }
    }
}

/// Counts the n-grams of some texts.
fn count(texts: &[&str], tokenizer: &Tokenizer, ngrams: (usize, usize)) -> Counter {
    let mut counter = Counter::default();
    let mut words = Words::default();
    for text in texts {
        tokenizer.split(text, &mut words);
        counter.add(words.ngrams(ngrams));
    }
    counter
}

/// Turns a text into the features it holds and their weights.
#[derive(Clone, Debug)]
pub(super) struct Vectorizer {
    pub(super) ngrams: (usize, usize),
    pub(super) lowercase: bool,
    tokenizer: Tokenizer,
    pub(super) vocabulary: Vocabulary,
    pub(super) tfidf: Tfidf,
}

/// Buffers of one row, reused from text to text.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    words: Words,
    found: Vec<u32>,
    /// Features in the text, ascending.
    pub(super) indices: Vec<u32>,
    /// How often each occurs.
    pub(super) counts: Vec<u32>,
    /// TF-IDF of each, of Euclidean norm one together.
    pub(super) values: Vec<f32>,
}

impl Vectorizer {
    /// Chooses the vocabulary of `texts` and weighs it. `watch` hears how many texts are counted.
    pub(super) fn fit(features: &Features, texts: &[&str], watch: &dyn Fn(usize)) -> Vectorizer {
        let tokenizer = Tokenizer::new(features.lowercase);
        let mut counter = Counter::default();
        for (wave, texts) in texts.chunks(TEXTS_PER_COUNT * COUNTS_AT_ONCE).enumerate() {
            watch(wave * TEXTS_PER_COUNT * COUNTS_AT_ONCE);
            let counts: Vec<Counter> = texts
                .par_chunks(TEXTS_PER_COUNT)
                .map(|texts| count(texts, &tokenizer, features.ngrams))
                .collect();
            counts.iter().for_each(|count| counter.merge(count));
        }
        let (vocabulary, frequencies) = counter.finish(Bounds {
            min_df: features.min_df,
            max_df: features.max_df,
            max_features: features.max_features,
        });
        let tfidf = Tfidf::fit(&frequencies, texts.len(), features.sublinear);
        Vectorizer::new(features.ngrams, features.lowercase, vocabulary, tfidf)
    }

    pub(super) fn new(
        ngrams: (usize, usize),
        lowercase: bool,
        vocabulary: Vocabulary,
        tfidf: Tfidf,
    ) -> Vectorizer {
        let tokenizer = Tokenizer::new(lowercase);
        Vectorizer {
            ngrams,
            lowercase,
            tokenizer,
            vocabulary,
            tfidf,
        }
    }

    /// Fills `row` with the features of `text`; leaves it empty where none is known.
    pub(super) fn vectorize(&self, text: &str, row: &mut Row) {
        self.tokenizer.split(text, &mut row.words);
        row.found.clear();
        let found = row
            .words
            .ngrams(self.ngrams)
            .filter_map(|ngram| self.vocabulary.find(ngram));
        row.found.extend(found);
        row.found.sort_unstable();
        row.indices.clear();
        row.counts.clear();
        for same in row.found.chunk_by(|a, b| a == b) {
            row.indices.push(same[0]);
            row.counts
                .push(u32::try_from(same.len()).unwrap_or(u32::MAX));
        }
        self.tfidf.weigh(&row.indices, &row.counts, &mut row.values);
    }

    /// One row a text, in order.
    pub(super) fn matrix(&self, texts: &[&str]) -> Matrix {
        let features = self.vocabulary.len();
        let parts = texts
            .par_chunks(TEXTS_PER_TASK)
            .map(|texts| {
                let mut part = Matrix::new(features);
                let mut row = Row::default();
                for text in texts {
                    self.vectorize(text, &mut row);
                    part.push(&row.indices, &row.values);
                }
                part
            })
            .collect();
        Matrix::concatenate(features, parts)
    }
}
