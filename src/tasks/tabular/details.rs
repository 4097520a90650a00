//! The part of the header of a model file that is specific to `tabular`: its columns, its settings, and what
//! held-out rows said of them.

use serde::{Deserialize, Serialize};

use super::cells::Spelling;
use super::columns::Decided;
use super::join::Spec;
use super::params::{ModelBlock, ModelKind, TargetKind};
use models::tabular::{Fit, Target};

/// The task's part of the header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// The column that is predicted.
    pub target: String,
    /// What it is.
    pub kind: TargetKind,
    /// How cells are spelled.
    pub spelling: Spelling,
    /// The columns of the training data, in their order.
    pub columns: Vec<Decided>,
    /// The tables that were joined.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub join: Option<Spec>,
    /// As given.
    pub model: ModelBlock,
    /// The model in use.
    pub chosen: Chosen,
    /// What was compared on held-out rows.
    pub search: Search,
    /// What the training part says without any column: the share of each class, the mean, or the quantiles.
    pub prior: Vec<f64>,
}

/// The model in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    pub member: ModelKind,
    /// Weight of the trees in the average.
    pub share: f64,
    /// Trees of each ensemble.
    pub rounds: Vec<usize>,
    /// Leaves of a tree, at most.
    pub leaves: usize,
    /// Strength of the linear model's regularization.
    pub lambda: f64,
    /// `none`, `platt`, `isotonic` or `temperature`.
    pub calibration: String,
}

/// What was compared on held-out rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Number of rows that were held out.
    pub rows: usize,
    /// What the loss is.
    pub loss: String,
    /// The models, from the simplest.
    pub members: Vec<Tried>,
    /// Settings of the trees.
    pub trees: Vec<TriedTrees>,
    /// Strengths of regularization, with the loss.
    pub linear: Vec<(f64, f64)>,
}

/// A model and its loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    pub member: ModelKind,
    pub loss: f64,
    pub standard_error: f64,
    /// To the best, row by row.
    pub difference: f64,
    pub difference_error: f64,
}

/// Settings of trees and their loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriedTrees {
    pub leaves: usize,
    pub rate: f64,
    pub rounds: usize,
    pub loss: f64,
}

impl Chosen {
    /// The choices of a fit.
    pub fn of(fit: &Fit, leaves: usize, calibration: &str) -> Self {
        Self {
            member: fit.member.into(),
            share: fit.share,
            rounds: fit.rounds.clone(),
            leaves,
            lambda: fit.lambda,
            calibration: calibration.to_owned(),
        }
    }
}

impl Search {
    /// The search of a fit.
    pub fn of(fit: &Fit, target: &Target) -> Self {
        let tried = fit.trials.iter().map(|trial| Tried {
            member: trial.member.into(),
            loss: trial.loss,
            standard_error: trial.standard_error,
            difference: trial.difference,
            difference_error: trial.difference_error,
        });
        let trees = fit.settings.iter().map(|setting| TriedTrees {
            leaves: setting.leaves,
            rate: setting.rate,
            rounds: setting.rounds,
            loss: setting.loss,
        });
        Self {
            rows: fit.held_out,
            loss: target.loss_name().to_owned(),
            members: tried.collect(),
            trees: trees.collect(),
            linear: fit.strengths.clone(),
        }
    }
}

/// What a target is.
pub fn kind_of(target: &Target) -> TargetKind {
    match target {
        Target::Classes(_) => TargetKind::Classes,
        Target::Number => TargetKind::Number,
        Target::Count => TargetKind::Count,
        Target::Quantiles(_) => TargetKind::Quantiles,
    }
}

/// What targets say by themselves: the share of each class, the mean, or the quantiles.
pub fn prior(target: &Target, actual: &[f64]) -> Vec<f64> {
    let rows = actual.len().max(1) as f64;
    match target {
        Target::Classes(names) => {
            let mut counts = vec![0_usize; names.len()];
            actual.iter().for_each(|&class| counts[class as usize] += 1);
            counts
                .into_iter()
                .map(|count| count as f64 / rows)
                .collect()
        }
        Target::Number | Target::Count => vec![actual.iter().sum::<f64>() / rows],
        Target::Quantiles(levels) => {
            let mut sorted = actual.to_vec();
            sorted.sort_unstable_by(f64::total_cmp);
            let last = sorted.len().saturating_sub(1);
            let at = |level: &f64| sorted[((level * last as f64).round() as usize).min(last)];
            levels.iter().map(at).collect()
        }
    }
}
