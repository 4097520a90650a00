//! YAML as a tree whose nodes know their line and column.
//!
//! [`parse`] reads a text as ruamel.yaml (YAML 1.2) does, [`Reader`] also with the types of YAML's core
//! schema: `<<` and aliases resolved, keys given twice refused. What is wrong is a [`Fault`] with its
//! place. A tree can be made of several texts ([`Node::set`]); each node knows which it came from.
//!
//! [`from_node`] reads a tree into a type by serde; what does not fit is an [`Error`] with keys and place.

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
