//! Text classification: word n-grams, TF-IDF, L2-regularised logistic regression.
//!
//! [`Options::fit`] turns labelled texts into a [`Model`], which takes raw text and owns all it needs
//! for it, so that training and scoring cannot disagree. Numbers are rounded to what is stored before
//! the model is handed out: a loaded model gives the same bits as the fitted one.
//! Reading rows, naming classes and choosing parameters are left to the callers.

mod explain;
mod fit;
mod model;
mod saved;
pub mod tfidf;
pub mod tokenize;
mod vectorizer;
pub mod vocabulary;

#[cfg(test)]
mod tests;

pub use explain::{Explanation, Term};
pub use fit::{Fit, FitError, Options, Progress};
pub use model::{Model, Scratch};
pub use vectorizer::Features;
