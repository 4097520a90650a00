//! Models that smooth a series after its season is removed: theta and CES.

pub mod ces;
pub mod theta;
