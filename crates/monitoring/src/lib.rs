//! Whether data and a model in use are still what they were: drift of tables, change points of series, and performance
//! with and without labels. No files, no tables, no printing, no command line: values in, typed results out.

#![deny(missing_docs)]

pub mod drift;
pub mod performance;
