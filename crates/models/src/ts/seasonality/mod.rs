//! Seasons: detected if unknown, and removed from a series before modelling by classical
//! decomposition or STL.

pub mod cycles;
pub mod found;
pub mod interpolation;
pub mod season;
pub mod stl;
