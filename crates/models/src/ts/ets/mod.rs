//! Exponential smoothing as a state-space model of level, slope and season with a single source of
//! error (Hyndman, Koehler, Ord and Snyder 2008), by maximum likelihood.
//!
//! Additive and multiplicative errors update the states in the same way, so one recursion serves
//! both; they differ in the likelihood, which uses e or e / μ.

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
