//! What one task implements, a folder each.

pub mod cv;
mod draw;
pub mod nlp;
pub mod recsys;
pub mod ts;
