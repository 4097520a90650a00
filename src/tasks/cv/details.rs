//! What the header of a `cv` model says beside what every model says: its settings, and how each kind of
//! model did on held-out scenes.

use serde::{Deserialize, Serialize};

use super::params::ModelBlock;
use models::cv::Kind;
use models::metrics::bootstrap::Interval;
use models::metrics::bootstrap_roc::Estimate;

/// The task's part of the header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// As given.
    pub model: ModelBlock,
    /// Each kind on held-out scenes.
    pub held_out: Vec<HeldOut>,
}

/// A kind of model on scenes that it was not fitted to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    pub kind: Kind,
    /// Inverse of the regularization strength, where there is one.
    #[serde(rename = "C", default, skip_serializing_if = "Option::is_none")]
    pub c: Option<f64>,
    pub log_loss: f64,
    pub accuracy: f64,
    pub roc_auc: Option<f64>,
    /// Interval of the area when other scenes are drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roc_auc_interval: Option<Interval>,
    /// Area of the chosen kind less the area of this one, on the same drawn scenes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind_chosen: Option<Estimate>,
}
