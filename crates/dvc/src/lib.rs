//! DVC pipelines without DVC: the same dvc.yaml, dvc.lock and cache, so that each can continue
//! where the other stopped. The behaviour follows DVC's sources (3.67); `tools/dvc-conformance`
//! runs both on generated pipelines and compares every byte.
//!
//! [`Pipeline::open`] reads a pipeline and [`Pipeline::select`] picks some of its stages.
//! [`runner::run`] runs those that are out of date, [`runner::plan`] says which and why
//! ([`why::Reason`]), and [`verify::verify`] runs them again in a scratch copy and compares the
//! outputs byte by byte. The calling program describes itself with a [`Program`] and receives
//! events as an [`Observer`].
//!
//! Internally, `define` turns dvc.yaml into stages, with `template` and `context` for its `${...}`;
//! `graph` orders them; `why` decides which are out of date, from what `content`, `state` and `md5`
//! know about files; `runner` runs them (`command`, `show`, `locks`, `orphans`); `record` stores
//! the results (`cache`, `runcache`, `lockfile`, `emit`).

#![deny(missing_docs)]

mod cache;
mod command;
mod config;
mod content;
mod context;
mod define;
mod differ;
mod emit;
mod error;
mod folder;
mod forget;
mod gitignore;
mod graph;
mod ignore;
mod lockfile;
mod locks;
mod md5;
mod orphans;
mod outputs;
mod parameters;
mod pipeline;
mod program;
mod python;
mod record;
mod runcache;
pub mod runner;
mod running;
mod scalar;
mod show;
mod stage;
mod state;
mod template;
#[cfg(test)]
mod tests;
mod tracked;
pub mod verify;
pub mod why;

pub use error::{Error, ErrorKind, Result};
pub use forget::{Forgotten, Snapshot};
pub use pipeline::{Dependent, Pipeline, Remaining, Selection};
pub use program::{Difference, Observer, Program};
pub use running::stop as stop_commands;

/// Reads the text of a `dvc.lock` and writes every entry anew, as a run of all stages does. For
/// tests of what is read back: the result is unchanged by another call.
///
/// # Errors
/// If the text is not a `dvc.lock` of schema 2.0, with the line and column.
#[doc(hidden)]
pub fn rewrite_lock(text: &str) -> std::result::Result<String, yaml::Fault> {
    lockfile::Lock::parse(text).map(|lock| lock.rewritten().text())
}
