//! ARIMA(p,d,q)(P,D,Q)\[m\] by exact maximum likelihood, and the choice of its orders.

pub mod chandrasekhar;
pub mod interpolation;
pub mod likelihood;
pub mod model;
pub mod order;
pub mod polynomial;

pub use model::{Arima, ArimaOptions, Constant};

#[cfg(test)]
mod tests;
