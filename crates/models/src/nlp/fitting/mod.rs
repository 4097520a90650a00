//! From labelled texts and options to a model: choices by cross-validation, calibration, and the
//! final fit.

mod calibrate;
pub mod error;
pub mod fit;
mod folds;
pub mod options;
mod prepared;
pub mod progress;
mod ratios;
pub mod search;
