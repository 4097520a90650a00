//! Mistakes in data sets: wrong labels, near-duplicate texts and photos, personal data.
//!
//! The mathematics only. No files, no tables, no command line: callers pass in slices and iterators
//! and report what is found. Depends on no other crate of this workspace.
//!
//! Every result is the same for any number of threads.

#![deny(missing_docs)]

pub mod labels;
pub mod near;
pub mod personal;
