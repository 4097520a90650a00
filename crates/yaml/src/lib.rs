//! YAML as a tree whose nodes know their line and column.
//!
//! [`parse`] reads a text as ruamel.yaml (YAML 1.2) does: the same types for plain scalars, `<<` and
//! aliases resolved, keys given twice refused. What is wrong is a [`Fault`] with its place.

#![deny(missing_docs)]

mod float;
mod node;
mod parse;
pub mod resolve;

pub use float::float;
pub use node::{At, Data, Fault, Node};
pub use parse::parse;
