//! Models over HTTP/1.1: an accept loop with timers, limits and drain, and the Open Inference Protocol
//! (version 2, JSON and binary extension) on top.
//!
//! The server is generic over [`Model`]: it knows no task, no project and no file. Names are configured
//! at start, each with a closure that loads its model; no request can name a path.
//!
//! The modules, from the bottom up:
//! - [`fault`], [`tensor`], [`model`]: what a model is given and gives back
//! - `oip`: the protocol's bodies, JSON and binary
//! - [`guard`], [`tls`]: who may do what, and connections that nobody else can read
//! - [`limits`], [`admission`], `pool`: how much a client may ask for, and all of them together
//! - [`models`]: the configured names, reload and unload
//! - [`arms`]: several models of one task at once, shadows, and which one is better
//! - [`metrics`], [`access`], [`life`]: what is observed, and the process's stages
//! - [`record`]: a request and its answer as a line of a log
//! - [`dialect`]: routes of an application, beside the protocol's own
//! - `route`, `body`, `reply`, `infer`, `handler`: from a request to its response
//! - `head`, `socket`, `connection`, [`server`]: from a listener to requests

#![deny(missing_docs)]

pub mod access;
pub mod admission;
pub mod arms;
mod body;
mod connection;
pub mod dialect;
pub mod fault;
pub mod guard;
mod handler;
mod head;
mod infer;
pub mod life;
pub mod limits;
pub mod metrics;
pub mod model;
pub mod models;
pub mod oip;
mod pool;
pub mod record;
mod reply;
mod route;
pub mod server;
mod socket;
mod stream;
pub mod tensor;
pub mod tls;

pub use access::Access;
pub use arms::Split;
pub use dialect::Dialect;
pub use fault::{Fault, FaultKind};
pub use guard::{Guard, Scope, Token};
pub use life::Drain;
pub use limits::Limits;
pub use model::{InferRequest, InferResponse, Metadata, Model, TensorSpec};
pub use models::Models;
pub use route::{percent_decoded, routes};
pub use server::{Listen, Options, Server};
pub use tensor::{Data, Datatype, Strings, Tensor};
pub use tls::Tls;
