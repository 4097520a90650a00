//! How good a model is on the rows that it answers in use: estimated before labels arrive, measured
//! once they do.
//!
//! | question | module |
//! |---|---|
//! | How good are predicted classes, without labels? | [`cbpe`] |
//! | How large are the errors of predicted numbers, without the actual ones? | [`loss`] |
//! | How good were they, with labels? | [`realised`], [`loss`] |
//! | Are forecasts still as good as in training, and since when not? | [`forecasts`], [`page_hinkley`] |
//! | What do recommendations show, and do they hit? | [`recommendations`] |
//! | Was the estimate right? | [`audit`] |
//! | Is a new model better than the one in use? | [`challenger`] |
//!
//! # What an estimate without labels cannot see
//!
//! Both estimates take from a labelled reference how scores (or features) relate to being right, and
//! apply that to a new window. They follow a change of *which* rows arrive: more rows of the kind the
//! model is unsure of lower the estimate. **They are blind to concept drift**: when the same rows get
//! other labels than before, scores do not change and neither does the estimate. Their intervals hold
//! only without concept drift. Only labels tell: [`audit`] compares the estimate with them, and a few
//! labelled rows of each window are worth more than any estimate.
//!
//! # Numbers that can be had again
//!
//! Whatever is drawn is keyed by a seed and what it is drawn for; sums run in a fixed order. The same
//! input gives the same bytes for any number of threads.

pub mod areas;
pub mod audit;
pub mod calibration;
pub mod cbpe;
pub mod challenger;
mod confusion;
mod error;
pub mod figures;
pub mod forecasts;
pub mod loss;
mod measure;
pub mod page_hinkley;
pub mod realised;
pub mod recommendations;
pub mod scores;
pub mod thresholds;
pub mod truth;

pub use error::PerformanceError;
