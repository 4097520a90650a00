//! easylife: four everyday machine-learning jobs from raw data to scored output.
//!
//! The modules, from the top down; each may use those below it and none above (`tests/architecture.rs`).
//! Below them are the crates in `crates/`, whose arrows Cargo holds.

pub mod cli; // the command line: the only module that knows clap

pub mod tasks; // what each task implements, and the table of tasks

pub mod eval; // verbs: evaluate, gate
pub mod explain; // verb: why this answer
pub mod inspect; // verb: what a model file holds
pub mod pipeline; // verbs: init, sample, prepare, repro, status, verify
pub mod predict; // verb: batch scoring
pub mod train; // verb: fit and save

pub mod task; // what a task is to every verb

pub mod columns; // columns that a task needs, and what they are usually called
pub mod exit; // exit codes, and the errors that carry one
pub mod interrupt; // the wish to stop, from a signal to the verb that runs
pub mod outcome; // what a verb has to say at its end
pub mod project; // the project folder: where everything lies
pub mod talk; // what is said to a person: notes, warnings, progress

pub mod params; // params.yaml -> typed, checked blocks
pub mod report; // pages and pictures out of results
