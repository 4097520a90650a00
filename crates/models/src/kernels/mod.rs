//! Numeric kernels shared by the tasks, with the same bits on every CPU and for any number of
//! threads.
//!
//! Rust never fuses `a * b + c` on its own, so plain arithmetic is reproducible; where fused
//! multiply-adds are needed for speed, `panel` uses `mul_add`, which rounds the same with and
//! without FMA.

pub mod dense;
pub mod eigen;
pub mod hash;
pub mod math;
pub mod normal;
pub mod panel;
pub mod real;
pub mod reduce;
pub mod small;
