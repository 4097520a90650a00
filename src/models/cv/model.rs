//! A fitted model: log-odds that a photo is sharp, linear in its features.

use super::calibrate::Calibration;
use super::features::{FEATURES, LAPLACIAN_VARIANCE, NAMES};
use super::scores::Scores;
use crate::models::kernels::math::sigmoid;
use crate::models::state::{State, StateError, Stateful};

/// Which features a model weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The variance of the Laplacian against a threshold.
    Laplacian,
    /// Logistic regression over all others.
    Logistic,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::Laplacian, Kind::Logistic];

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Laplacian => "laplacian",
            Kind::Logistic => "logistic",
        }
    }
}

/// Log-odds of sharp = bias + Σ weight · feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub(super) kind: Kind,
    /// One a feature, of the features as they are; 0 for those that are left out.
    pub(super) weights: [f64; FEATURES],
    pub(super) bias: f64,
    /// Share of sharp photos that probabilities are for.
    pub(super) prior: f64,
    /// Logarithm of the variance of the Laplacian above which the baseline calls a photo sharp.
    pub(super) threshold: f64,
}

impl Model {
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// One a feature of [`NAMES`].
    pub fn weights(&self) -> &[f64; FEATURES] {
        &self.weights
    }

    pub fn bias(&self) -> f64 {
        self.bias
    }

    /// Share of sharp photos in training.
    pub fn prior(&self) -> f64 {
        self.prior
    }

    /// Whether the baseline, the variance of the Laplacian against its threshold, calls it sharp.
    pub fn baseline(&self, features: &[f64; FEATURES]) -> bool {
        features[LAPLACIAN_VARIANCE] >= self.threshold
    }

    /// Log-odds that the photo is sharp: above 0 sharp, below blurred.
    pub fn log_odds(&self, features: &[f64; FEATURES]) -> f64 {
        let terms = self.weights.iter().zip(features);
        self.bias + terms.map(|(weight, feature)| weight * feature).sum::<f64>()
    }

    /// Probability that the photo is sharp.
    pub fn probability(&self, features: &[f64; FEATURES]) -> f64 {
        sigmoid(self.log_odds(features))
    }

    pub(super) fn calibrate(&mut self, calibration: Calibration) {
        self.weights
            .iter_mut()
            .for_each(|w| *w *= calibration.slope);
        self.bias = calibration.apply(self.bias);
    }

    /// Log-odds of each whole tile as if it were a photo, row by row.
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
        state.insert_f64("weights", &[FEATURES], self.weights.to_vec());
        state.insert_f64("bias", &[1], vec![self.bias]);
        state.insert_f64("prior", &[1], vec![self.prior]);
        state.insert_f64("threshold", &[1], vec![self.threshold]);
        state
    }

    fn from_state(state: &State) -> Result<Self, StateError> {
        let kind = match state.strings("kind")? {
            [kind] => Kind::ALL.into_iter().find(|known| known.as_str() == kind),
            _ => None,
        };
        let kind = kind.ok_or_else(|| invalid("kind", "not the name of a model"))?;
        if state.strings("features")? != NAMES {
            return Err(invalid("features", "not the features of this version"));
        }
        let mut weights = [0.0; FEATURES];
        weights.copy_from_slice(state.f64s("weights", &[Some(FEATURES)])?);
        let prior = state.f64s("prior", &[Some(1)])?[0];
        if !(0.0..=1.0).contains(&prior) {
            return Err(invalid("prior", "not a share"));
        }
        Ok(Model {
            kind,
            weights,
            bias: state.f64s("bias", &[Some(1)])?[0],
            prior,
            threshold: state.f64s("threshold", &[Some(1)])?[0],
        })
    }
}

fn invalid(name: &str, reason: &str) -> StateError {
    StateError::Invalid {
        name: name.to_owned(),
        reason: reason.to_owned(),
    }
}
