//! Selects n-grams as features, and turns a text into a row of weighted features.

pub mod characters;
pub mod chosen;
pub mod quantize;
pub mod tfidf;
pub mod vectorizer;
pub mod vocabulary;
