//! Blurred-photo detection.

pub mod sample;
