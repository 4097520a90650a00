//! Text classification: word n-grams, TF-IDF, L2-regularized logistic regression.
//!
//! [`ClassifierOptions::fit`] turns labelled texts into a [`Model`], which takes raw text and owns all it needs
//! for it, so that training and scoring cannot disagree. Numbers are rounded to what is stored before
//! the model is handed out: a loaded model gives the same bits as the fitted one.
//! Reading rows, naming classes and choosing parameters are left to the callers.

mod counting;
mod explain;
mod features;
mod fitting;
mod model;
mod saved;
mod text;

#[cfg(test)]
mod tests;

pub use explain::{Explanation, Term};
pub use features::quantize::Precision;
pub use features::vectorizer::{CharacterFeatures, Features};
pub use fitting::error::FitError;
pub use fitting::fit::Fit;
pub use fitting::options::{Choices, ClassWeights, ClassifierOptions, RATIO_POWER, Weighting};
pub use fitting::progress::Progress;
pub use fitting::search::Trial;
pub use model::{Model, Scratch};
pub use text::stop_words;
