//! Verbs on what is in use: `drift` compares two tables.

pub mod drift;
