//! The maths: models, how they are fitted, and the metrics that evaluate them. No files, no paths, no
//! printing, no command line.
//!
//! Names no other crate of this workspace: callers hand over what they read and save what comes back.

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
pub mod ts;
