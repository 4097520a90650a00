//! The maths: models and what fits them. No files, no paths, no printing, no command line.
//!
//! Names nothing else of the crate: callers hand over what they read and save what comes back.

pub mod cv;
pub mod kernels;
pub mod linear;
pub mod nlp;
pub mod optim;
pub mod recsys;
pub mod sparse;
pub mod state;
pub mod ts;
