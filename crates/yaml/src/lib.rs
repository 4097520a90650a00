//! YAML as a tree whose nodes know their line and column.
//!
//! [`parse`] reads a text like ruamel.yaml (YAML 1.2); [`Reader`] also supports the types of YAML's
//! core schema. `<<` and aliases are resolved and duplicate keys refused. An error is a [`Fault`]
//! with its position. A tree can combine several texts ([`Node::set`]); each node knows its source.
//!
//! [`from_node`] deserializes a tree with serde; a value that does not fit is an [`Error`] with its
//! keys and position.

#![deny(missing_docs)]

mod de;
mod float;
mod node;
mod parse;
pub mod resolve;

pub use de::{Error, Reason, from_node, from_str};
pub use float::float;
pub use node::{At, Data, Fault, Node};
pub use parse::{Reader, Types, merge_mark, parse};
