//! Text classification.

pub mod sample;
