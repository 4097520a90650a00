//! Models that smooth what is left of a series when its season is taken off: theta and CES.

pub mod ces;
pub mod theta;
