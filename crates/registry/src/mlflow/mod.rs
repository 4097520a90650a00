//! Runs mirrored to an MLflow server, over its REST API 2.0.
//!
//! A run is written as a [`Mirrored`] record into a [`Spool`], a folder beside the project's own
//! store, which no server can slow down or break. [`Spool::sync`] sends what is there to a
//! [`Server`] and removes a record only after the server has given back all of it: params, metrics,
//! tags, dataset digests, artifacts and model version. A client or server that is killed at any
//! point is followed by another `sync` that finds the run by its tag [`RUN_TAG`], compares, and
//! sends what is missing, so each run is on the server exactly once. The status (`FINISHED`) is sent
//! last: a run that MLflow shows as finished is whole.
//!
//! What the server is asked for twice, and why that is harmless (`tools/test-mlflow` asks MLflow
//! 3.17.2 with an SQL store for each of these rules):
//! - a run: looked up by [`RUN_TAG`] before it is created with this tag. If a request of a killed
//!   client lands while the next sync runs, the second run is deleted; one that lands after that
//!   whole sync stays.
//! - a metric: the server drops one with the same key, step, timestamp and value.
//! - a param with the same value, a tag, an alias, a dataset with the same name and digest: no
//!   change. A param with another value is refused ([`Error::Differs`]).
//! - an artifact: overwritten; read back by its SHA-256, since an upload may have been cut.
//! - a model version: looked up by its run before it is created; a second one is deleted.
//!
//! Aliases that move later are records of their own ([`AliasChange`]).
//!
//! Not sent: rows of data, local paths, environment. Values that hold a URL lose its user name,
//! password and query ([`Spool::put`]). Artifacts go through the server's artifact proxy only
//! (`mlflow server --serve-artifacts`, its default): a run whose artifacts are kept elsewhere
//! (`s3:`, `file:`) is sent without them and without a model version, and the [`Report`] says so. A
//! local path is not written to even where it exists: whether it is the server's own folder cannot
//! be known from here.
//!
//! The modules, from the bottom up: `text`, `address`, `settings` and `login` (where the server is
//! and who asks), `error`, `client` (requests, timeouts, redirects) and `answer`, `wire` (the API's
//! JSON), `api` (its endpoints), [`Mirrored`] in `record`, `state` (what a server has of a record),
//! `send`, `alias`, `spool`, `sync`.

mod address;
mod alias;
mod answer;
mod api;
mod client;
mod error;
mod login;
mod record;
mod send;
mod settings;
mod spool;
mod state;
mod sync;
mod text;
mod wire;

#[cfg(test)]
mod tests;

pub use alias::{AliasChange, Moved};
pub use error::Error;
pub use record::{
    Artifact, Dataset, Metric, Mirrored, ModelVersion, RUN_TAG, RecordError, Status, VERSION_TAG,
};
pub use send::Sent;
pub use settings::{Server, Settings, SettingsError};
pub use spool::{Spool, SpoolError};
pub use sync::{Failed, FailedBy, Report};
