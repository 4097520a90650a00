//! Recommendation: turns interactions into a ranked list for every user and neighbours for every
//! item.
//!
//! `interactions` is the matrix of users and items; `als`, `ease`, `knn` and `graph` (based on
//! `svd`) fit it; `model` combines any of them with the ids and the training interactions;
//! `recommend` creates lists with the project's matrix kernel; `search` chooses a model and its
//! options on a hold-out of the training split.

pub mod als;
pub mod ease;
pub mod graph;
mod interactions;
pub mod knn;
mod model;
mod recommend;
mod saved;
mod search;
mod svd;
#[cfg(test)]
mod tests;
mod top;
mod work;

pub use interactions::{History, Interactions};
pub use model::{Catalogue, FitError, Fitted, Kind, Later, Model, ModelOptions, Taken, popularity};
pub use recommend::{Index, Query, Recommender};
pub use search::{Choice, HoldOut, HoldOutRule, Search, Trial, gains, hold_out};
pub use top::{Scored, Top};
