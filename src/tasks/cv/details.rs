//! The part of the header of a model file that is specific to `cv`: its settings, and the results of each kind of model
//! on held-out scenes.

use serde::{Deserialize, Serialize};

use super::params::ModelBlock;
use models::cv::{Kind, Sizes};
use models::metrics::bootstrap::Interval;
use models::metrics::bootstrap_roc::Estimate;

/// The task's part of the header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// As given.
    pub model: ModelBlock,
    /// The results of each kind on held-out scenes.
    pub held_out: Vec<HeldOut>,
    /// Longer sides of the training photos at the size at which they were judged.
    pub sizes: Sizes,
}

/// The results of a kind of model on scenes that it was not fitted to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    pub kind: Kind,
    /// Inverse of the regularization strength, if there is one.
    #[serde(rename = "C", default, skip_serializing_if = "Option::is_none")]
    pub c: Option<f64>,
    pub log_loss: f64,
    pub accuracy: f64,
    pub roc_auc: Option<f64>,
    /// Bootstrap interval of the area over scenes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roc_auc_interval: Option<Interval>,
    /// Area of the chosen kind minus the area of this one, on the same resampled scenes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind_chosen: Option<Estimate>,
}
