//! DVC's pipelines without DVC: the same dvc.yaml, dvc.lock and cache, so that either goes on where
//! the other stopped. What DVC does is read from its sources (3.67) and held by
//! `tools/dvc-conformance`, which runs both on generated pipelines.
//!
//! `define` makes stages of dvc.yaml, `graph` orders them, `why` says which are out of date,
//! `runner` runs them, `record` writes what they gave.

mod cache;
mod command;
mod config;
mod content;
mod context;
mod define;
mod differ;
mod emit;
mod files;
mod gitignore;
mod graph;
mod ignore;
mod lockfile;
mod locks;
mod md5;
mod node;
mod orphans;
mod outputs;
mod pipeline;
mod python;
mod read;
mod record;
mod resolve;
mod runcache;
pub mod runner;
mod scalar;
mod show;
mod stage;
mod state;
mod template;
mod tracked;
pub mod verify;
pub mod why;

pub use pipeline::{Pipeline, Selection};
