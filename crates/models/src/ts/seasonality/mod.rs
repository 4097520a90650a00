//! Seasons taken off a series before its models: by classical decomposition, or by STL.

pub mod cycles;
pub mod season;
pub mod stl;
