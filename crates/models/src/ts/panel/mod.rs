//! Many series: fitted in parallel, stored compactly, their intervals calibrated together, saved as
//! tensors.

pub mod calibration;
pub mod model;
pub mod packed;
pub mod per_series;
pub mod saved;

#[cfg(test)]
mod units;
