//! Exponential smoothing as a state-space model of a level, a slope and a season with one source
//! of error (Hyndman, Koehler, Ord and Snyder 2008), by maximum likelihood.
//!
//! Additive and multiplicative errors move the states alike, so that one recursion serves both;
//! they differ in what the likelihood sees: e, or e / μ.

pub mod fit;
pub mod kind;
pub mod model;
pub mod states;
mod variance;

pub use fit::{EtsOptions, Prior};
pub use kind::{Kind, Part, Trend};
pub use model::Ets;
pub use states::{Smoothing, States};

#[cfg(test)]
mod tests;
