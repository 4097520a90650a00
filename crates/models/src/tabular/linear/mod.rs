//! The regularized linear model that competes with the trees on the same columns.
//!
//! A [`Design`] turns columns into features: numbers are clipped and standardized, categories become
//! one feature per level. [`Prepared`] is a table as features, made once for any number of fits.
//! [`Options::fit`] minimizes
//!
//! > Σ weight · loss + λ/2 Σ coefficient²
//!
//! over all coefficients; the intercept is not regularized. In scikit-learn's terms, λ is `alpha` of
//! `Ridge`, 1/`C` of `LogisticRegression`, and `alpha` · Σ weight of `PoissonRegressor`.
//!
//! With one output and at most 1,000 features, `newton` solves on the weighted Gram matrix (iteratively
//! reweighted least squares, damped); squared loss needs one matrix for all strengths. Wider designs go
//! through the conjugate gradients of [`optim`](crate::optim) (`wide`), three or more classes through
//! [`linear`](crate::linear) (`softmax`). A [`Linear`] scores and explains raw columns.

mod cholesky;
mod design;
mod fit;
mod loss;
mod model;
mod newton;
mod options;
mod prepared;
mod saved;
mod softmax;
#[cfg(test)]
mod tests;
mod wide;

pub use design::{Design, DesignOptions};
pub use model::{Contributions, Linear, LinearError};
pub use options::{Family, LAMBDAS, Options};
pub use prepared::Prepared;
