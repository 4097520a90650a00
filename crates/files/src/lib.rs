//! What a program owes to the files it writes: they appear whole or not at all ([`atomic`]), two runs
//! do not write the same one ([`lock`]), and their bytes can be told from others ([`digest`]).
//!
//! Names no other crate of this workspace.

pub mod atomic;
pub mod digest;
pub mod lock;
