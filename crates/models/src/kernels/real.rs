//! Floating-point numbers of either size, for generic kernels.

use std::ops::{Add, AddAssign, Mul, MulAssign, Sub};

/// `f32` where memory bandwidth is the limit, `f64` where precision matters.
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
    /// Rounds to this type.
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
