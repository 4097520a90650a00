//! What to fit, what folds choose, and why it cannot be done.

use super::calibration::Method;
use super::encode::{EncodeError, EncodeOptions};
use super::linear::{self, LAMBDAS};
use super::target::Target;
use crate::trees;

/// Which model answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// The linear model.
    Linear,
    /// Boosted trees.
    Trees,
    /// The weighted average of their margins.
    Average,
}

impl Member {
    /// From the simplest to the most flexible.
    pub const ALL: [Member; 3] = [Member::Linear, Member::Trees, Member::Average];

    /// The name in parameters and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Member::Linear => "linear",
            Member::Trees => "trees",
            Member::Average => "average",
        }
    }
}

/// How a model is fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What is predicted.
    pub target: Target,
    /// Which model; `None`: the simplest that is as good as the best on folds.
    pub member: Option<Member>,
    /// Settings of the trees to compare on folds; their loss is that of the target.
    pub trees: Vec<trees::Options>,
    /// Number of rounds; `None`: as many as lower the loss on folds, at most the settings' own.
    pub rounds: Option<usize>,
    /// Growth stops after this number of rounds without a lower loss.
    pub patience: usize,
    /// For each column of the table 1 if the margin of the trees may only rise with it, -1 if it may
    /// only fall, 0 if it is free; empty: all are. Columns that are not numbers are free.
    pub monotone: Vec<i8>,
    /// Sets of columns of the table that may be used together on a path of a tree; a column in no set
    /// is used alone. Empty: any may.
    pub interactions: Vec<Vec<usize>>,
    /// Strengths of the linear model's regularization to compare on folds.
    pub lambdas: Vec<f64>,
    /// How columns become features of the linear model.
    pub design: linear::DesignOptions,
    /// How columns are encoded.
    pub encode: EncodeOptions,
    /// Bins of numbers, at most.
    pub bins: usize,
    /// Number of folds.
    pub folds: usize,
    /// For large tables only as many folds are used as have together this number of training rows,
    /// at least one.
    pub fold_rows: usize,
    /// How probabilities may be calibrated; empty: not at all.
    pub calibrations: Vec<Method>,
    /// Coverages of the prediction intervals of numbers and counts.
    pub intervals: Vec<f64>,
    /// Decides folds and draws.
    pub seed: u64,
}

impl Options {
    /// The defaults for a target.
    pub fn of(target: Target) -> Options {
        Options {
            trees: default_trees(&target),
            target,
            member: None,
            rounds: None,
            patience: 50,
            monotone: Vec::new(),
            interactions: Vec::new(),
            lambdas: LAMBDAS.to_vec(),
            design: linear::DesignOptions::default(),
            encode: EncodeOptions::default(),
            bins: 255,
            folds: 5,
            fold_rows: 500_000,
            calibrations: Method::ALL.to_vec(),
            intervals: vec![0.8, 0.95],
            seed: 0,
        }
    }

    /// Whether folds are needed for anything.
    pub(super) fn needs_folds(&self) -> bool {
        let is_class = matches!(self.target, Target::Classes(_));
        let is_number = matches!(self.target, Target::Number | Target::Count);
        let has_trees = self.member != Some(Member::Linear);
        let has_linear = self.member != Some(Member::Trees) && self.target.family().is_some();
        self.member.is_none() && self.target.family().is_some()
            || self.member == Some(Member::Average)
            || has_trees && (self.rounds.is_none() || self.trees.len() > 1)
            || has_linear && self.lambdas.len() > 1
            || is_class && !self.calibrations.is_empty()
            || is_number && !self.intervals.is_empty()
    }
}

/// Trees of several classes, all rounds together.
const MOST_TREES: usize = 20_000;

/// Settings that folds choose among: many small steps of small trees win on small tables, larger
/// trees where there are rows for them.
fn default_trees(target: &Target) -> Vec<trees::Options> {
    // The loss is replaced by that of the target.
    let loss = target.losses().first().copied();
    // Each round of a softmax is a tree per class.
    let outputs = loss.map_or(1, trees::Loss::outputs);
    let base = trees::Options {
        rounds: (MOST_TREES / outputs).clamp(20, 2000),
        rate: 0.05,
        column_share: 0.7,
        row_share: 0.8,
        ..trees::Options::of(loss.unwrap_or(trees::Loss::Squared))
    };
    let small = trees::Options {
        leaves: 8,
        depth: 3,
        min_rows: 10,
        ..base.clone()
    };
    vec![small, base]
}

/// Why nothing was fitted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    /// The trees or the linear model could not be fitted.
    #[error(transparent)]
    Member(#[from] trees::FitError),
    /// The table does not have the columns of the encoder.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The linear model does not fit the columns.
    #[error(transparent)]
    Linear(#[from] linear::LinearError),
    /// The table has no columns to predict from.
    #[error("there are no columns to predict from")]
    NoColumns,
    /// Too few rows to hold some out.
    #[error("{rows} rows are too few for folds to choose settings")]
    NoFolds {
        /// Number of rows.
        rows: usize,
    },
    /// There is no linear model for quantiles.
    #[error("there is no linear model of quantiles")]
    Quantiles,
}
