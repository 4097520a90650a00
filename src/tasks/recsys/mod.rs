//! Recommendation.

pub mod shop;
