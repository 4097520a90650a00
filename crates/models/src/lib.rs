//! The maths: models, fitting, and evaluation metrics. No files, no paths, no printing, no command
//! line.
//!
//! Depends on no other crate of this workspace: callers pass in data and save the results.

#![deny(missing_docs)]

pub mod cv;
pub mod kernels;
pub mod linear;
pub mod metrics;
pub mod nlp;
pub mod optim;
pub mod recsys;
pub mod sparse;
pub mod state;
pub mod tabular;
pub mod trees;
pub mod ts;
