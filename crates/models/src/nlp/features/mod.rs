//! Which n-grams are features, and the row of weighted features that a text becomes.

pub mod characters;
pub mod quantize;
pub mod tfidf;
pub mod vectorizer;
pub mod vocabulary;
