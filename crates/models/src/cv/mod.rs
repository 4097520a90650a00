//! Blurred-photo detection: a gray picture is measured, and a model turns the scores into the
//! log-odds that it is sharp.
//!
//! `tile` sums squared derivatives in integers, `scores` does so over a picture at three scales,
//! and `features` takes logarithms of the means. A model is linear in the features (`logistic`) or
//! a `forest` over them: `fit` chooses and calibrates one by cross-validation with scenes kept
//! whole.

mod calibrate;
mod class;
mod features;
mod fit;
mod folds;
mod forest;
mod lanes;
mod logistic;
mod model;
mod plane;
mod scores;
mod sizes;
mod tile;

pub use class::{Class, UnknownClass};
pub use features::{FEATURES, LAPLACIAN_VARIANCE, NAMES};
pub use fit::{Candidate, DetectorOptions, Fit, FitError, Photos};
pub use logistic::Solver;
pub use model::{Kind, Model};
pub use plane::Plane;
pub use scores::{SCALES, Scale, Scores, Scratch, WORKING_SIDE, halvings};
pub use sizes::{Sizes, Unfamiliar};
pub use tile::{Sums, TILE};
