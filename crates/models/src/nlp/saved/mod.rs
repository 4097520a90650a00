//! Converts a model to the tensors of its file and back.

mod packed;
mod state;
