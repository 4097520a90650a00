//! Many series: fitted side by side, kept packed, their intervals calibrated together, saved as tensors.

pub mod calibration;
pub mod model;
pub mod packed;
pub mod per_series;
pub mod saved;

#[cfg(test)]
mod units;
