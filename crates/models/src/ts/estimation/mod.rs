//! Parameter estimation for every model here: nonlinear least squares with exact derivatives.

pub mod criteria;
pub mod dual;
pub mod least_squares;
