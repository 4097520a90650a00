//! Numeric kernels shared by the tasks, the same bits on every CPU and for any number of threads.
//!
//! No `mul_add`: without FMA in the target it is a call per element, and Rust never fuses `a * b + c`
//! by itself, so that plain arithmetic is both fast and reproducible.

pub mod hash;
pub mod math;
pub mod real;
pub mod reduce;
