//! Document frequencies of the word n-grams of a corpus.

pub mod corpus;
pub mod ngrams;
pub mod pairs;
mod sketch;
