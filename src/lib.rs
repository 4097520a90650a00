//! easylife: everyday machine-learning jobs from raw data to scored output.
//!
//! The modules, from the top down; each may use those below it and none above (`tests/architecture.rs`).
//! Below them are the crates in `crates/`, whose dependencies Cargo enforces.

pub mod cli; // the command line: the only module that knows clap

pub mod tasks; // what each task implements, and the table of tasks

pub mod eval; // verbs: evaluate, gate
pub mod explain; // verb: why this answer
pub mod export; // verb: a model for another program
pub mod inspect; // verb: what a model file holds
pub mod monitor; // verb: drift
pub mod pipeline; // verbs: init, sample, prepare, repro, status, verify
pub mod predict; // verb: batch scoring
pub mod registry; // verbs: registry, keys, verify-signature
pub mod runs; // verb: what was trained and evaluated
#[cfg(feature = "serve")]
pub mod serve; // verb: models over HTTP
pub mod train; // verb: fit and save

pub mod task; // what a task is to every verb

pub mod classes; // classes of a task, and what labels of them commonly are
pub mod columns; // columns that a task needs, and what they are usually called
pub mod exit; // exit codes, and the errors that carry one
pub mod interrupt; // the request to stop, from a signal to the running verb
pub mod memory; // the store of runs and of the registry: where it is, with which keys
pub mod outcome; // the result of a verb, as text or JSON
pub mod project; // the project folder: where everything lies
pub mod settings; // easylife.toml
pub mod talk; // messages on stderr: notes, warnings, progress

pub mod params; // params.yaml -> typed, checked blocks
pub mod report; // pages and pictures from results
