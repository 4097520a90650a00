//! A fitted model: maps features to the log-odds that a photo is sharp.

use super::calibrate::Calibration;
use super::features::{FEATURES, LAPLACIAN_VARIANCE, NAMES};
use super::forest::Forest;
use super::scores::Scores;
use super::sizes::Sizes;
use crate::kernels::math::sigmoid;
use crate::state::{State, StateError, Stateful};

/// Kinds of model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A threshold on the variance of the Laplacian.
    Laplacian,
    /// Logistic regression over all other features.
    Logistic,
    /// A random forest over all features.
    Forest,
}

impl Kind {
    /// Every kind, the simplest first.
    pub const ALL: [Kind; 3] = [Kind::Laplacian, Kind::Logistic, Kind::Forest];

    /// The name used in parameters and model files.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Laplacian => "laplacian",
            Kind::Logistic => "logistic",
            Kind::Forest => "forest",
        }
    }
}

/// How features are turned into log-odds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Decision {
    /// bias + Σ weight · feature, with weight 0 for unused features.
    Line { weights: [f64; FEATURES], bias: f64 },
    /// slope · log-odds of the forest + offset.
    Forest {
        forest: Forest,
        calibration: Calibration,
    },
}

/// A fitted blur detector.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub(super) kind: Kind,
    pub(super) decision: Decision,
    /// Share of sharp photos that the probabilities assume.
    pub(super) prior: f64,
    /// Logarithm of the variance of the Laplacian above which the baseline predicts sharp.
    pub(super) threshold: f64,
    pub(super) sizes: Sizes,
}

impl Model {
    /// The kind of model.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// One weight per feature of [`NAMES`]; `None` for a forest.
    pub fn weights(&self) -> Option<&[f64; FEATURES]> {
        match &self.decision {
            Decision::Line { weights, .. } => Some(weights),
            Decision::Forest { .. } => None,
        }
    }

    /// The contribution of each feature: to the log-odds for a linear model, to the share of sharp
    /// photos for a forest.
    ///
    /// For a linear model they add up, with the bias, to [`Model::log_odds`]; for a forest see the method
    /// of Saabas ("Interpreting random forests", 2014): what each split on the way adds to the share, as a
    /// mean over the trees.
    pub fn contributions(&self, features: &[f64; FEATURES]) -> [f64; FEATURES] {
        match &self.decision {
            Decision::Line { weights, .. } => {
                std::array::from_fn(|feature| weights[feature] * features[feature])
            }
            Decision::Forest { forest, .. } => forest.contributions(features),
        }
    }

    /// The sizes of the training photos.
    pub fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// Share of sharp photos in the training data.
    pub fn prior(&self) -> f64 {
        self.prior
    }

    /// Logarithm of the variance of the Laplacian from which the baseline predicts sharp.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Whether the baseline, a threshold on the variance of the Laplacian, predicts sharp.
    pub fn baseline(&self, features: &[f64; FEATURES]) -> bool {
        features[LAPLACIAN_VARIANCE] >= self.threshold
    }

    /// Log-odds that the photo is sharp; above 0 means sharp, below 0 blurred.
    pub fn log_odds(&self, features: &[f64; FEATURES]) -> f64 {
        match &self.decision {
            Decision::Line { weights, bias } => {
                let terms = weights.iter().zip(features);
                bias + terms.map(|(weight, feature)| weight * feature).sum::<f64>()
            }
            Decision::Forest {
                forest,
                calibration,
            } => calibration.apply(forest.log_odds(features)),
        }
    }

    /// Probability that the photo is sharp.
    pub fn probability(&self, features: &[f64; FEATURES]) -> f64 {
        sigmoid(self.log_odds(features))
    }

    /// Applies a further calibration to the current log-odds.
    pub(super) fn calibrate(&mut self, more: Calibration) {
        match &mut self.decision {
            Decision::Line { weights, bias } => {
                weights.iter_mut().for_each(|w| *w *= more.slope);
                *bias = more.apply(*bias);
            }
            Decision::Forest { calibration, .. } => {
                *calibration = Calibration {
                    slope: more.slope * calibration.slope,
                    offset: more.apply(calibration.offset),
                };
            }
        }
    }

    /// Log-odds of each whole tile as if it were a photo, row by row.
    ///
    /// `scores.columns` × `scores.rows` of them, left to right; empty for a photo smaller than a tile.
    pub fn tile_log_odds(&self, scores: &Scores) -> Vec<f64> {
        (0..scores.columns * scores.rows)
            .map(|tile| self.log_odds(&scores.tile_features(tile)))
            .collect()
    }
}

impl Stateful for Model {
    fn to_state(&self) -> State {
        let mut state = State::default();
        state.insert_strings("kind", vec![self.kind.as_str().to_owned()]);
        state.insert_strings("features", NAMES.map(str::to_owned).to_vec());
        match &self.decision {
            Decision::Line { weights, bias } => {
                state.insert_f64("weights", &[FEATURES], weights.to_vec());
                state.insert_f64("bias", &[1], vec![*bias]);
            }
            Decision::Forest {
                forest,
                calibration,
            } => {
                forest.add_to(&mut state);
                state.insert_f64("slope", &[1], vec![calibration.slope]);
                state.insert_f64("bias", &[1], vec![calibration.offset]);
            }
        }
        state.insert_f64("prior", &[1], vec![self.prior]);
        state.insert_f64("threshold", &[1], vec![self.threshold]);
        let Sizes { smallest, largest } = self.sizes;
        state.insert_u32("sizes", &[2], vec![smallest, largest]);
        state
    }

    fn from_state(state: &State) -> Result<Self, StateError> {
        let kind = match state.strings("kind")? {
            [kind] => Kind::ALL.into_iter().find(|known| known.as_str() == kind),
            _ => None,
        };
        let kind = kind.ok_or_else(|| StateError::invalid("kind", "unknown model kind"))?;
        if state.strings("features")? != NAMES {
            return Err(StateError::invalid(
                "features",
                "the features differ from this version's",
            ));
        }
        let bias = state.f64s("bias", &[Some(1)])?[0];
        let decision = match kind {
            Kind::Laplacian | Kind::Logistic => {
                let mut weights = [0.0; FEATURES];
                weights.copy_from_slice(state.f64s("weights", &[Some(FEATURES)])?);
                Decision::Line { weights, bias }
            }
            Kind::Forest => Decision::Forest {
                forest: Forest::from_state(state)?,
                calibration: Calibration {
                    slope: state.f64s("slope", &[Some(1)])?[0],
                    offset: bias,
                },
            },
        };
        let prior = state.f64s("prior", &[Some(1)])?[0];
        if !(0.0..=1.0).contains(&prior) {
            return Err(StateError::invalid("prior", "not between 0 and 1"));
        }
        let sizes = match state.u32s("sizes", &[Some(2)])? {
            &[smallest, largest] if smallest <= largest => Sizes { smallest, largest },
            _ => return Err(StateError::invalid("sizes", "not a range")),
        };
        Ok(Model {
            kind,
            decision,
            prior,
            sizes,
            threshold: state.f64s("threshold", &[Some(1)])?[0],
        })
    }
}
