//! How the parameters of every model here are estimated: nonlinear least squares with exact derivatives.

pub mod criteria;
pub mod dual;
pub mod least_squares;
