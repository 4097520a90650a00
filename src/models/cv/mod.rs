//! Blurred-photo detection: a gray picture to scores, scores to the log-odds that it is sharp.
//!
//! `tile` sums squared derivatives in whole numbers, `scores` does so over a picture at three
//! scales, `features` takes logarithms of the means. Models are linear in the features: `fit`
//! chooses and calibrates one on folds that keep scenes whole.

mod calibrate;
mod features;
mod fit;
mod folds;
mod lanes;
mod model;
mod plane;
mod scores;
mod tile;

pub use features::{FEATURES, LAPLACIAN_VARIANCE, NAMES};
pub use fit::{Candidate, Fit, FitError, Options, Photos};
pub use model::{Kind, Model};
pub use plane::Plane;
pub use scores::{SCALES, Scale, Scores, Scratch};
pub use tile::{Sums, TILE};
