//! From labelled texts and options to a model: choices on folds, calibration, and the fit of all rows.

mod calibrate;
pub mod error;
pub mod fit;
mod folds;
pub mod options;
pub mod progress;
mod ratios;
pub mod search;
