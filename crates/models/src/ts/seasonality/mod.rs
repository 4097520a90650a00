//! Seasons: looked for where nothing names one, and taken off a series before its models, by classical
//! decomposition or by STL.

pub mod cycles;
pub mod found;
pub mod season;
pub mod stl;
