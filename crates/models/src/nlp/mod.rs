//! Text classification: word n-grams, TF-IDF, L2-regularised logistic regression.
//!
//! [`Options::fit`] turns labelled texts into a [`Model`], which takes raw text and owns all it needs
//! for it, so that training and scoring cannot disagree. Numbers are rounded to what is stored before
//! the model is handed out: a loaded model gives the same bits as the fitted one.
//! Reading rows, naming classes and choosing parameters are left to the callers.

mod calibrate;
mod characters;
mod corpus;
mod explain;
mod fit;
mod folds;
mod model;
mod negation;
mod ngrams;
mod options;
mod packed;
mod pairs;
mod quantize;
mod ratios;
mod saved;
mod search;
mod sketch;
pub mod stop_words;
mod strings;
mod swar;
pub mod tfidf;
pub mod tokenize;
mod vectorizer;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use explain::{Explanation, Term};
pub use fit::{Fit, FitError, Progress};
pub use model::{Model, Scratch};
pub use options::{Choices, ClassWeights, Options, Precision, RATIO_POWER, Weighting};
pub use search::Trial;
pub use vectorizer::{CharacterFeatures, Features};
