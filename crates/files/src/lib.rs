//! Safe file handling. Files are written completely or not at all ([`atomic`]) and leave no
//! temporary files behind ([`leftovers`]); two runs do not write the same one ([`lock`]); their
//! bytes are identified by a hash ([`digest`]). A third-party decoder that panics does not end the
//! program ([`foreign`]).
//!
//! Depends on no other crate of this workspace.

#![deny(missing_docs)]

pub mod atomic;
pub mod digest;
pub mod foreign;
pub mod leftovers;
pub mod limits;
pub mod lock;
pub mod names;
