//! Splits text into words, and maps words to numbers.

pub mod negation;
pub mod stop_words;
pub mod strings;
mod swar;
pub mod tokenize;
