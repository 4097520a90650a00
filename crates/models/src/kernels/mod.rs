//! Numeric kernels shared by the tasks, the same bits on every CPU and for any number of threads.
//!
//! Rust never fuses `a * b + c` by itself, so that plain arithmetic is reproducible; where speed asks
//! for fused multiply-adds, `panel` writes `mul_add`, which rounds alike with and without FMA.

pub mod dense;
pub mod eigen;
pub mod hash;
pub mod math;
pub mod panel;
pub mod real;
pub mod reduce;
pub mod small;
