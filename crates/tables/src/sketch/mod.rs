//! Summaries of a stream in bounded memory: moments of numbers, quantiles, the number of distinct
//! values, and the frequent values. Each can be merged with another of its kind, so that chunks of
//! a file are summarized in parallel and merged in the file's order; the result depends on the
//! chunks, never on threads.

pub mod distinct;
pub mod frequent;
pub mod moments;
pub mod quantile;

pub use distinct::Distinct;
pub use frequent::Frequent;
pub use moments::Moments;
pub use quantile::{Quantiles, Ranks};
