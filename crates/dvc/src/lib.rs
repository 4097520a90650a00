//! DVC's pipelines without DVC: the same dvc.yaml, dvc.lock and cache, so that either goes on where
//! the other stopped. What DVC does is read from its sources (3.67); `tools/dvc-conformance` runs both
//! on generated pipelines and compares every byte.
//!
//! [`Pipeline::open`] reads a pipeline, [`Pipeline::select`] picks stages of it. [`runner::run`] runs
//! those that are out of date, [`runner::plan`] says which and why ([`why::Reason`]),
//! [`verify::verify`] runs them again in a scratch copy and compares the outputs by their bytes. The
//! program around it introduces itself by a [`Program`] and listens as an [`Observer`].
//!
//! Inside: `define` makes stages of dvc.yaml, with `template` and `context` for its `${...}`; `graph`
//! orders them; `why` says which are out of date, from what `content`, `state` and `md5` know of files;
//! `runner` runs them (`command`, `show`, `locks`, `orphans`); `record` writes what they gave
//! (`cache`, `runcache`, `lockfile`, `emit`).

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
mod tracked;
pub mod verify;
pub mod why;

pub use error::{Error, ErrorKind, Result};
pub use pipeline::{Dependent, Pipeline, Remaining, Selection};
pub use program::{Difference, Observer, Program};
pub use running::stop as stop_commands;
