//! In how many texts of a corpus each n-gram of words occurs.

pub mod corpus;
pub mod ngrams;
pub mod pairs;
mod sketch;
