//! What the header of an `nlp` model says beside what every model says: the settings that decided it
//! and what the search on held-out rows found.

use serde::{Deserialize, Serialize};

use super::params::{DataBlock, FeaturesBlock, ModelBlock, WeightingName};
use models::nlp::{Fit, Trial, Weighting};

/// The task's part of the header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// Columns of the data that it was trained on.
    pub data: Columns,
    /// As given.
    pub features: FeaturesBlock,
    /// As given.
    pub model: ModelBlock,
    /// What was used where the settings say `auto`.
    pub chosen: Chosen,
    /// What the margins were multiplied by to calibrate them; 1: nothing.
    pub temperature: f64,
    /// How it was chosen.
    pub search: Search,
}

/// Names of the columns of text and label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    pub text: String,
    pub label: String,
}

/// Settings in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    pub weighting: WeightingName,
    pub negation: bool,
    /// Shortest and longest n-gram of words.
    pub ngrams: (usize, usize),
    /// The same of characters.
    pub characters: Option<(usize, usize)>,
    /// Inverse of the regularization strength.
    #[serde(rename = "C")]
    pub c: f64,
}

/// Settings tried on held-out rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Rows of the training split that took part.
    pub rows: usize,
    /// In the order in which they were tried.
    pub trials: Vec<Tried>,
}

/// One candidate of a [`Search`] and its figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    pub weighting: WeightingName,
    pub negation: bool,
    pub ngrams: (usize, usize),
    #[serde(rename = "C")]
    pub c: f64,
    pub accuracy: f64,
    pub log_loss: f64,
}

impl Columns {
    /// Those that `params.yaml` names.
    pub fn of(data: &DataBlock) -> Self {
        Self {
            text: data.text.clone(),
            label: data.label.clone(),
        }
    }
}

impl Chosen {
    /// The settings of a fit.
    pub fn of(fit: &Fit) -> Self {
        let options = &fit.options;
        Self {
            weighting: name(options.weighting),
            negation: options.features.negation,
            ngrams: options.features.ngrams,
            characters: options.features.characters.as_ref().map(|c| c.ngrams),
            c: options.regularization,
        }
    }

    /// Whether these are the settings that `tried` had.
    pub fn is(&self, tried: &Tried) -> bool {
        self.weighting == tried.weighting
            && self.negation == tried.negation
            && self.ngrams == tried.ngrams
            && self.c == tried.c
    }
}

impl Search {
    /// The search of a fit.
    pub fn of(fit: &Fit) -> Self {
        Self {
            rows: fit.searched,
            trials: fit.trials.iter().map(Tried::of).collect(),
        }
    }
}

impl Tried {
    fn of(trial: &Trial) -> Self {
        Self {
            weighting: name(trial.weighting),
            negation: trial.negation,
            ngrams: trial.ngrams,
            c: trial.regularization,
            accuracy: trial.accuracy,
            log_loss: trial.log_loss,
        }
    }
}

fn name(weighting: Weighting) -> WeightingName {
    match weighting {
        Weighting::Plain => WeightingName::Plain,
        Weighting::NaiveBayes { .. } => WeightingName::NaiveBayes,
    }
}
