//! Summaries of a stream in bounded memory: the moments of numbers, their quantiles, how many
//! different values there are and which are frequent. Each can be merged with another of its kind,
//! so that chunks of a file are summarised side by side and put together in the file's order; the
//! result then depends on the chunks, never on threads.

pub mod distinct;
pub mod frequent;
pub mod moments;
pub mod quantile;

pub use distinct::Distinct;
pub use frequent::Frequent;
pub use moments::Moments;
pub use quantile::{Quantiles, Ranks};
