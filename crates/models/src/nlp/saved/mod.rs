//! A model as the tensors of its file, and back.

mod packed;
mod state;
