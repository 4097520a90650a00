//! The part of the header of a model file that is specific to `nlp`: its settings, and the results of the search on
//! held-out rows.

use serde::{Deserialize, Serialize};

use super::params::{DataBlock, FeaturesBlock, ModelBlock, WeightingName};
use models::nlp::{Fit, Trial, Weighting};

/// The task's part of the header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// Columns of the training data.
    pub data: Columns,
    /// As given.
    pub features: FeaturesBlock,
    /// As given.
    pub model: ModelBlock,
    /// The values used for settings that are `auto`.
    pub chosen: Chosen,
    /// The factor on the margins that calibrates them; 1: none.
    pub temperature: f64,
    /// The search that chose the settings.
    pub search: Search,
}

/// Names of the columns of texts and labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    pub text: String,
    pub label: String,
}

/// The settings in use.
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

/// The settings tried on held-out rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Number of training rows used.
    pub rows: usize,
    /// The trials in their order.
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
    /// The columns named in `params.yaml`.
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

    /// Whether these are the settings of `tried`.
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

/// The lengths of word n-grams, in words.
pub(super) fn describe_ngrams(ngrams: (usize, usize)) -> String {
    match ngrams {
        (1, 1) => "single words".to_owned(),
        (from, to) if from == to => format!("n-grams of {to} words"),
        (from, to) => format!("n-grams of {from} to {to} words"),
    }
}
