//! Tables: classes, numbers, counts or quantiles out of columns of any kind.
//!
//! A [`Table`] has typed columns. `encode` turns them into numbers and category codes (`time`, `text`);
//! on these, [`Options::fit`] fits boosted trees ([`crate::trees`]), a linear model (`linear`) and
//! their average, and chooses among them by folds (`folds`, `search`). What rows that were held out
//! say, calibrates probabilities (`calibration`) and makes prediction intervals (`conformal`).
//! [`Model`] answers tables, and explains its answers (`explain`); `cost` decides by what errors cost,
//! `influence` measures what a model relies on, `surrogate` explains answers that have no exact form.

pub mod calibration;
pub mod conformal;
pub mod cost;
mod encode;
mod explain;
mod fit;
mod folds;
pub mod influence;
pub mod linear;
mod model;
mod options;
mod saved;
mod search;
pub mod statistics;
pub mod surrogate;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod text;
mod time;

pub use encode::{
    EncodeError, EncodeOptions, Encoded, EncodedColumn, EncodedValues, Encoder, Supervision, UsedBy,
};
pub use explain::{Against, BackgroundError, Explanation};
pub use fit::{Fit, Progress, Setting};
pub use folds::{Fold, deal, forward};
pub use model::{Answers, Model, TreeColumn};
pub use options::{FitError, Member, Options};
pub use search::{Data, Trial};
pub use table::{Column, ColumnKind, MISSING, Table, Values, Words};
pub use target::Target;
pub use text::TextOptions;
