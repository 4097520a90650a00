//! Gradient-boosted trees on histograms with integer sums: the same model, to the bit, for any
//! number of threads and on every CPU.
//!
//! `bins` turns a table into codes of one byte (`cuts` says where columns are cut), once for any
//! number of fits. Each round, `loss` gives the derivatives of every row, `gradients` makes them small
//! integers, `histogram` sums these by bin (`sums`), `split` and `categories` find the best division of
//! a node, `grow` grows a tree leaf by leaf (in the order of `frontier`, by the threads of `crew`,
//! dividing `rows`), and `trainer` gives the leaves their values; `boost` says when it ends. The result
//! is an [`Ensemble`] of flat arrays: `score` and `rename` pass rows through it, `shap` and `game`
//! explain what it says, `saved` and `xgboost` translate it for files.
//!
//! What makes it reproducible: sums of gradients are sums of integers, so neither the order of rows
//! nor the division of work into tasks matters; whatever is drawn is keyed by the seed, the tree and
//! the row or column (`draws`); exponentials come from `kernels::math`; ties go to the first column
//! and the first bin, and between leaves to the older node.
//!
//! What the order of the columns changes: which of several splits with exactly equal gain is taken,
//! and which columns are drawn if `column_share` is below 1. Nothing else.

mod bins;
mod boost;
mod categories;
mod columns;
mod crew;
mod cuts;
mod draws;
mod ensemble;
mod frontier;
mod game;
mod gradients;
mod grow;
mod histogram;
mod interactions;
mod loss;
mod options;
mod rename;
mod rows;
mod saved;
mod score;
mod shap;
mod split;
mod sums;
#[cfg(test)]
mod tests;
mod trainer;
mod xgboost;

pub use bins::{BinOptions, Bins};
pub use boost::{Stopped, Target};
pub use columns::{Column, MISSING_CATEGORY};
pub use ensemble::{Ensemble, EnsembleError, NodeTest, Parts};
pub use loss::{Link, Loss};
pub use options::{CategoryOptions, FitError, Options};
pub use score::Scorer;
pub use shap::{Contributions, Explainer};
pub use xgboost::{ExportError, XgboostModel};
