//! L2-regularised logistic regression on sparse rows, for two classes or many.
//!
//! Minimises w'w/2 + C Σ cost · loss, as LIBLINEAR and scikit-learn (`LogisticRegression(C)`) state
//! it; the bias is not regularised. Two classes have one weight vector, more have one each, under a
//! softmax or each against the rest. Weights stand feature by feature (features × outputs), so that
//! inner loops run over the outputs.
//!
//! A scale a weight turns w'w into Σ (v / scale)² for the weights v = scale · w that score: the way
//! the log-count ratios of Wang and Manning (2012) come in without a change of the rows.
//! It knows no text: rows come as a [`Matrix`](crate::sparse::Matrix), classes as numbers.

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
