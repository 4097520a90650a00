//! The memory of a project: what was trained and how good it was ([`runs`]), which model carries
//! which version and alias, since when and why ([`history`]), and whether a model file is the one
//! that was approved ([`signing`]). It needs no server: all are objects of a [`store`], a folder to
//! begin with, and a [`backup`] takes them to another place. Where there is an MLflow server, runs
//! are mirrored to it ([`mlflow`]).
//!
//! The crate knows nothing of tasks or the command line; of this workspace it uses `files` only.

#![deny(missing_docs)]

pub mod backup;
mod digest;
pub mod history;
pub mod lineage;
#[cfg(feature = "mlflow")]
pub mod mlflow;
mod record;
pub mod runs;
pub mod signing;
pub mod store;
