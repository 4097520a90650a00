//! Floating-point numbers of either size, for kernels that are written once.

use std::ops::{Add, AddAssign, Mul, MulAssign, Sub};

/// `f32`, where memory traffic is what costs, or `f64`, where digits count.
pub trait Real:
    Copy
    + Default
    + Send
    + Sync
    + From<f32>
    + Into<f64>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + AddAssign
    + MulAssign
{
    /// Rounded to what it can hold.
    fn round(value: f64) -> Self;
}

impl Real for f32 {
    #[inline]
    fn round(value: f64) -> f32 {
        value as f32
    }
}

impl Real for f64 {
    #[inline]
    fn round(value: f64) -> f64 {
        value
    }
}
