//! What to grow, how long, and why it cannot be done.

use super::loss::Loss;

/// How an ensemble is grown.
///
/// # Examples
/// ```
/// use easylife_models::trees::{BinOptions, Bins, Column, Loss, Options, Target};
///
/// // y = 1 for x above 4.5, and 0 below.
/// let x: Vec<f64> = (0..10).map(f64::from).collect();
/// let y: Vec<f64> = x.iter().map(|&x| f64::from(u8::from(x > 4.5))).collect();
/// let bins = Bins::new(&[Column::F64(&x)], &BinOptions::default()).unwrap();
/// let options = Options {
///     rounds: 1,
///     rate: 1.0,
///     lambda: 0.0,
///     min_rows: 1,
///     ..Options::of(Loss::Squared)
/// };
/// let trees = options.fit(&bins, &Target::new(&y)).unwrap();
/// let margins = trees.margins(&[Column::F64(&[2.0, 4.6])]).unwrap();
/// assert_eq!(margins, [0.0, 1.0]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What is minimized.
    pub loss: Loss,
    /// Number of rounds, the maximum with early stopping. A round grows one tree, with
    /// [`Loss::Softmax`] one per class.
    pub rounds: usize,
    /// Learning rate: what a tree adds is multiplied by it.
    pub rate: f64,
    /// Maximum number of leaves of a tree.
    pub leaves: usize,
    /// Maximum number of splits between the root and a leaf, from 1 to 64.
    pub depth: usize,
    /// Minimum number of rows in a leaf.
    pub min_rows: usize,
    /// Minimum sum of Hessians in a leaf.
    pub min_hessian: f64,
    /// L2 regularization of leaf values.
    pub lambda: f64,
    /// Minimum reduction of the regularized loss by a split.
    pub min_gain: f64,
    /// Share of the rows that each tree sees.
    pub row_share: f64,
    /// Share of the columns that each tree sees, at least one.
    pub column_share: f64,
    /// For each column 1 if the margin may only rise with it, -1 if it may only fall, 0 if it is
    /// free; empty if all are free.
    pub monotone: Vec<i8>,
    /// Sets of columns that may meet on a path from the root to a leaf (XGBoost's
    /// `interaction_constraints`): after some columns have been tested, only they and the columns of
    /// sets that contain all of them may be. Sets may overlap; a column in no set meets no other.
    /// Empty if all columns may meet.
    pub interactions: Vec<Vec<usize>>,
    /// How categories are split.
    pub categories: CategoryOptions,
    /// Decides how gradients are rounded, and which rows and columns are drawn.
    pub seed: u64,
}

/// How columns of categories are split, with LightGBM's names in parentheses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CategoryOptions {
    /// Up to this number of categories in a node, each is tried against the rest.
    pub one_against_rest: usize,
    /// Maximum number of categories on the smaller side of a split (`max_cat_threshold`).
    pub max_set: usize,
    /// Added to the Hessian before categories are sorted by their mean gradient (`cat_smooth`).
    pub smoothing: f64,
    /// Added to `lambda` for splits by sets of categories (`cat_l2`).
    pub lambda: f64,
    /// Minimum number of rows of a category in a node, for it to be put into a set.
    pub min_rows: usize,
}

impl Default for CategoryOptions {
    fn default() -> CategoryOptions {
        CategoryOptions {
            one_against_rest: 8,
            max_set: 32,
            smoothing: 10.0,
            lambda: 10.0,
            min_rows: 10,
        }
    }
}

impl Options {
    /// The defaults for a loss.
    pub fn of(loss: Loss) -> Options {
        Options {
            loss,
            rounds: 100,
            rate: 0.1,
            leaves: 31,
            depth: 64,
            min_rows: 20,
            min_hessian: 1e-3,
            lambda: 1.0,
            min_gain: 0.0,
            row_share: 1.0,
            column_share: 1.0,
            monotone: Vec::new(),
            interactions: Vec::new(),
            categories: CategoryOptions::default(),
            seed: 0,
        }
    }

    /// Checks the ranges, for a table of this many columns.
    pub(super) fn check(&self, columns: usize) -> Result<(), FitError> {
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let not_negative = |value: f64| value >= 0.0 && value.is_finite();
        let share = |value: f64| value > 0.0 && value <= 1.0;
        let constraints = &self.monotone;
        let rules = [
            ("rate", positive(self.rate), "not positive"),
            ("leaves", self.leaves >= 2, "less than 2"),
            ("leaves", self.leaves <= 1 << 20, "more than 2^20"),
            ("depth", (1..=64).contains(&self.depth), "not from 1 to 64"),
            ("min_rows", self.min_rows >= 1, "less than 1"),
            ("min_hessian", not_negative(self.min_hessian), "negative"),
            ("lambda", not_negative(self.lambda), "negative"),
            ("min_gain", not_negative(self.min_gain), "negative"),
            ("row_share", share(self.row_share), "not in (0, 1]"),
            ("column_share", share(self.column_share), "not in (0, 1]"),
            (
                "monotone",
                constraints.is_empty() || constraints.len() == columns,
                "not one entry per column",
            ),
            (
                "monotone",
                constraints.iter().all(|sign| (-1..=1).contains(sign)),
                "not -1, 0 or 1",
            ),
            (
                "interactions",
                self.interactions
                    .iter()
                    .flatten()
                    .all(|&column| column < columns),
                "not made of indices of columns",
            ),
            (
                "categories.smoothing",
                not_negative(self.categories.smoothing),
                "negative",
            ),
            (
                "categories.lambda",
                not_negative(self.categories.lambda),
                "negative",
            ),
        ];
        match rules.iter().find(|(_, holds, _)| !holds) {
            Some((name, _, reason)) => Err(FitError::option(name, reason)),
            None => self.loss.check(),
        }
    }
}

/// Why nothing was grown.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    /// An option is out of its range.
    #[error("option `{name}` is {reason}")]
    Option {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A column has another number of rows than the first.
    #[error("column {column} has another number of rows than column 0")]
    ColumnLength {
        /// Index of the column.
        column: usize,
    },
    /// Indices and sums have room for fewer rows.
    #[error("{rows} rows are too many; at most 2^31 can be used")]
    TooManyRows {
        /// Number of rows.
        rows: usize,
    },
    /// There is not one target or weight per row.
    #[error("expected one {what} per row, got {got} for {rows} rows")]
    Length {
        /// `target` or `weight`.
        what: &'static str,
        /// Number of entries.
        got: usize,
        /// Number of rows.
        rows: usize,
    },
    /// A target is not what the loss can be computed for.
    #[error("target {value} of row {row} is {reason}")]
    Target {
        /// Index of the row.
        row: usize,
        /// The target.
        value: f64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A weight is negative or not finite.
    #[error("weight {value} of row {row} is negative or not finite")]
    Weight {
        /// Index of the row.
        row: usize,
        /// The weight.
        value: f64,
    },
    /// A row to train on or to validate with is not in the table.
    #[error("row {row} is not one of the {rows} rows of the table")]
    Row {
        /// The index.
        row: u32,
        /// Number of rows.
        rows: usize,
    },
    /// No row has a positive weight.
    #[error("no row with a positive weight to {0}")]
    NoRows(&'static str),
}

impl FitError {
    pub(super) fn option(name: &str, reason: &str) -> FitError {
        FitError::Option {
            name: name.to_owned(),
            reason: reason.to_owned(),
        }
    }
}
