//! What a program owes to the files it writes: they appear whole or not at all ([`atomic`]) and leave
//! nothing behind ([`leftovers`]), two runs
//! do not write the same one ([`lock`]), and their bytes can be told from others ([`digest`]). And what
//! it owes to itself when it reads other people's: a decoder that panics ends nothing ([`foreign`]).
//!
//! Names no other crate of this workspace.

#![deny(missing_docs)]

pub mod atomic;
pub mod digest;
pub mod foreign;
pub mod leftovers;
pub mod limits;
pub mod lock;
pub mod names;
