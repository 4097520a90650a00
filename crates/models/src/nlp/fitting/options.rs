//! What to fit, what to choose by cross-validation, and the validation of both.

use std::collections::BTreeMap;

use super::error::FitError;
use crate::linear::{self, Scheme};
use crate::nlp::features::quantize::Precision;
use crate::nlp::features::vectorizer::{CharacterFeatures, Features};

/// What to fit. Whatever [`Choices`] lists only sets the starting point and is chosen by
/// cross-validation.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassifierOptions {
    /// Which n-grams are features.
    pub features: Features,
    /// How the penalty depends on the feature.
    pub weighting: Weighting,
    /// How three or more classes are fitted.
    pub scheme: Scheme,
    /// Costs of errors by class.
    pub class_weights: ClassWeights,
    /// C, as in LIBLINEAR and scikit-learn: w'w/2 + C Σ loss.
    pub regularization: f64,
    /// Gradient norm to reach, relative to that of the bias-only model.
    pub tolerance: f64,
    /// Maximum number of Newton steps.
    pub max_iterations: usize,
    /// What to choose by cross-validation.
    pub choices: Choices,
    /// Number of folds for choices and calibration.
    pub folds: usize,
    /// Calibrate probabilities by temperature scaling on hold-out rows.
    pub calibrate: bool,
    /// Number of features to keep, those with the largest weights; `None` keeps all. The model is
    /// refitted to them.
    pub keep: Option<usize>,
    /// How weights are rounded for storage.
    pub precision: Precision,
    /// Determines which rows are in which fold.
    pub seed: u64,
}

/// How strongly each weight is penalized.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Weighting {
    /// All equally.
    #[default]
    Plain,
    /// Less, the more one-sided the feature: log-count ratios to a power.
    NaiveBayes {
        /// Power of the ratio: 0 is the same as [`Weighting::Plain`], 1 is the full ratio.
        power: f64,
    },
}

/// How much the rows of each class count.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ClassWeights {
    /// All rows equally.
    #[default]
    Equal,
    /// All classes equally.
    Balanced,
    /// By name; 1 for classes without an entry.
    Given(BTreeMap<String, f64>),
}

/// What to choose by accuracy in cross-validation; empty lists choose nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choices {
    /// Values of C, ascending.
    pub regularization: Vec<f64>,
    /// Weightings, each with or without negation marks.
    pub weightings: Vec<(Weighting, bool)>,
    /// Minimum and maximum number of words in an n-gram.
    pub ngrams: Vec<(usize, usize)>,
    /// Whether to drop character n-grams for a large corpus, where they cost more than they gain.
    pub characters: bool,
}

/// Power of the log-count ratios, chosen by cross-validation on training splits.
pub const RATIO_POWER: f64 = 0.5;

impl Choices {
    /// All choices that proved worthwhile in cross-validation on training splits.
    pub fn all() -> Choices {
        let ratios = Weighting::NaiveBayes { power: RATIO_POWER };
        Choices {
            regularization: vec![3.0, 10.0, 30.0],
            weightings: vec![(Weighting::Plain, false), (ratios, true)],
            ngrams: vec![(1, 1), (1, 2), (1, 3)],
            characters: true,
        }
    }

    /// Whether there is anything to choose.
    pub(super) fn any(&self) -> bool {
        [
            self.regularization.len(),
            self.weightings.len(),
            self.ngrams.len(),
        ]
        .iter()
        .any(|&values| values > 1)
    }
}

impl Default for ClassifierOptions {
    fn default() -> ClassifierOptions {
        ClassifierOptions {
            features: Features::default(),
            weighting: Weighting::default(),
            scheme: Scheme::default(),
            class_weights: ClassWeights::default(),
            regularization: 10.0,
            tolerance: 1e-2,
            max_iterations: 100,
            choices: Choices::all(),
            folds: 5,
            calibrate: true,
            keep: None,
            precision: Precision::default(),
            seed: 42,
        }
    }
}

impl ClassifierOptions {
    pub(super) fn solver(&self) -> linear::SolverOptions {
        linear::SolverOptions {
            regularization: self.regularization,
            tolerance: self.tolerance,
            max_iterations: self.max_iterations,
        }
    }

    /// The weight of the rows of each class.
    pub(super) fn class_costs(
        &self,
        classes: &[String],
        counts: &[u64],
    ) -> Result<Vec<f64>, FitError> {
        match &self.class_weights {
            ClassWeights::Equal => Ok(vec![1.0; classes.len()]),
            ClassWeights::Balanced => {
                let rows: u64 = counts.iter().sum();
                let share = rows as f64 / classes.len() as f64;
                Ok(counts.iter().map(|&count| share / count as f64).collect())
            }
            ClassWeights::Given(weights) => {
                let unknown = weights.keys().find(|name| !classes.contains(name));
                if let Some(class) = unknown.cloned() {
                    let classes = classes.join(", ");
                    return Err(FitError::UnknownClass { class, classes });
                }
                let weight = |class| weights.get(class).copied().unwrap_or(1.0);
                Ok(classes.iter().map(weight).collect())
            }
        }
    }

    pub(super) fn check(&self) -> Result<(), FitError> {
        let features = &self.features;
        range("ngrams", features.ngrams, 15)?;
        for &ngrams in &self.choices.ngrams {
            range("ngrams", ngrams, 15)?;
        }
        if let Some(CharacterFeatures {
            ngrams,
            max_features,
            share,
        }) = features.characters
        {
            range("characters", ngrams, 64)?;
            at_least("characters.max_features", max_features, 1)?;
            let within = share > 0.0 && share < 1.0;
            require("characters.share", within, share, "a share between 0 and 1")?;
        }
        let max_df = features.max_df;
        let within = positive(max_df) && max_df <= 1.0;
        require("max_df", within, max_df, "a share above 0, at most 1")?;
        at_least("max_features", features.max_features, 1)?;
        at_least("folds", self.folds, 2)?;
        at_least("keep", self.keep.unwrap_or(1), 1)?;
        for &c in [self.regularization]
            .iter()
            .chain(&self.choices.regularization)
        {
            require("regularization", positive(c), c, "a number above 0")?;
        }
        let tolerance = self.tolerance;
        require(
            "tolerance",
            positive(tolerance),
            tolerance,
            "a number above 0",
        )?;
        if let ClassWeights::Given(weights) = &self.class_weights {
            for &weight in weights.values() {
                require("class_weights", positive(weight), weight, "numbers above 0")?;
            }
        }
        Ok(())
    }
}

fn positive(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

fn require(
    name: &'static str,
    holds: bool,
    value: impl ToString,
    expected: &'static str,
) -> Result<(), FitError> {
    let value = value.to_string();
    if holds {
        Ok(())
    } else {
        Err(FitError::Option {
            name,
            value,
            expected,
        })
    }
}

fn at_least(name: &'static str, value: usize, least: usize) -> Result<(), FitError> {
    let expected = if least == 1 { "1 or more" } else { "2 or more" };
    require(name, value >= least, value, expected)
}

fn range(name: &'static str, (from, to): (usize, usize), most: usize) -> Result<(), FitError> {
    let expected = "1 or more, the smaller number first, at most 15 words or 64 characters";
    require(
        name,
        1 <= from && from <= to && to <= most,
        format!("{from} to {to}"),
        expected,
    )
}
