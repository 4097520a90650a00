//! L2-regularized logistic regression on sparse rows, for two or more classes.
//!
//! Minimizes w'w/2 + C Σ cost · loss, as defined by LIBLINEAR and scikit-learn
//! (`LogisticRegression(C)`); the bias is not regularized. Two classes have one weight vector; more
//! have one each, under a softmax or one-vs-rest. Weights are stored feature by feature (features ×
//! outputs), so that inner loops run over the outputs.
//!
//! A scale per weight turns w'w into Σ (v / scale)² for the scoring weights v = scale · w. This is
//! how the log-count ratios of Wang and Manning (2012) enter without changing the rows. This module
//! knows no text: rows come as a [`Matrix`](crate::sparse::Matrix), classes as numbers.

mod binary;
mod coefficients;
mod fit;
mod merge;
mod objective;
mod options;
#[cfg(test)]
mod oracle;
mod problem;
#[cfg(test)]
mod tests;

pub use coefficients::{Coefficients, log_odds, outputs};
pub use options::{Scheme, SolverOptions};
pub use problem::{Examples, Problem};
