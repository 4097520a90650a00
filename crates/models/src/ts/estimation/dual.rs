//! Numbers that carry derivatives: models are written once, over [`Real`], and run with plain
//! numbers for values and with [`Dual`] for gradients.
//!
//! Forward mode: exact derivatives by the chain rule, without finite differences. `K` parameters
//! cost about `1 + 2 K` times one evaluation and give the derivatives of every residual, which a
//! Gauss-Newton step needs.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

use crate::kernels::math;

/// Arithmetic of the likelihoods, for plain and [`Dual`] numbers.
pub trait Real:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + Mul<f64, Output = Self>
    + Add<f64, Output = Self>
    + Sub<f64, Output = Self>
{
    /// A constant.
    fn of(value: f64) -> Self;
    /// The value without derivatives.
    fn value(self) -> f64;
    /// √self.
    fn sqrt(self) -> Self;
    /// ln self, by the pure-Rust libm.
    fn ln(self) -> Self;
    /// e^self, by the pure-Rust libm.
    fn exp(self) -> Self;
}

impl Real for f64 {
    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn value(self) -> f64 {
        self
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }

    #[inline(always)]
    fn ln(self) -> Self {
        math::ln(self)
    }

    #[inline(always)]
    fn exp(self) -> Self {
        math::exp(self)
    }
}

/// A number and its derivatives with respect to `K` parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dual<const K: usize> {
    /// The value.
    pub value: f64,
    /// Its derivative with respect to each parameter.
    pub slope: [f64; K],
}

impl<const K: usize> Dual<K> {
    /// Parameter number `index`, whose derivative with respect to itself is 1.
    pub fn parameter(value: f64, index: usize) -> Self {
        let mut slope = [0.0; K];
        slope[index] = 1.0;
        Self { value, slope }
    }

    /// f(self), from the value and derivative of f.
    #[inline(always)]
    fn chain(self, value: f64, derivative: f64) -> Self {
        Self {
            value,
            slope: self.slope.map(|slope| slope * derivative),
        }
    }
}

impl<const K: usize> Real for Dual<K> {
    #[inline(always)]
    fn of(value: f64) -> Self {
        Self {
            value,
            slope: [0.0; K],
        }
    }

    #[inline(always)]
    fn value(self) -> f64 {
        self.value
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        let root = self.value.sqrt();
        self.chain(root, 0.5 / root)
    }

    #[inline(always)]
    fn ln(self) -> Self {
        self.chain(math::ln(self.value), 1.0 / self.value)
    }

    #[inline(always)]
    fn exp(self) -> Self {
        let value = math::exp(self.value);
        self.chain(value, value)
    }
}

impl<const K: usize> Add for Dual<K> {
    type Output = Self;

    #[inline(always)]
    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl<const K: usize> AddAssign for Dual<K> {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        self.value += other.value;
        for k in 0..K {
            self.slope[k] += other.slope[k];
        }
    }
}

impl<const K: usize> Sub for Dual<K> {
    type Output = Self;

    #[inline(always)]
    fn sub(mut self, other: Self) -> Self {
        self -= other;
        self
    }
}

impl<const K: usize> SubAssign for Dual<K> {
    #[inline(always)]
    fn sub_assign(&mut self, other: Self) {
        self.value -= other.value;
        for k in 0..K {
            self.slope[k] -= other.slope[k];
        }
    }
}

impl<const K: usize> Mul for Dual<K> {
    type Output = Self;

    #[expect(clippy::suspicious_arithmetic_impl, reason = "the product rule")]
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self {
            value: self.value * other.value,
            slope: std::array::from_fn(|k| {
                self.slope[k] * other.value + self.value * other.slope[k]
            }),
        }
    }
}

impl<const K: usize> Div for Dual<K> {
    type Output = Self;

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let inverse = 1.0 / other.value;
        let value = self.value * inverse;
        Self {
            value,
            slope: std::array::from_fn(|k| (self.slope[k] - value * other.slope[k]) * inverse),
        }
    }
}

impl<const K: usize> Neg for Dual<K> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        self * -1.0
    }
}

impl<const K: usize> Mul<f64> for Dual<K> {
    type Output = Self;

    #[inline(always)]
    fn mul(mut self, factor: f64) -> Self {
        self.value *= factor;
        for k in 0..K {
            self.slope[k] *= factor;
        }
        self
    }
}

impl<const K: usize> Add<f64> for Dual<K> {
    type Output = Self;

    #[inline(always)]
    fn add(mut self, constant: f64) -> Self {
        self.value += constant;
        self
    }
}

impl<const K: usize> Sub<f64> for Dual<K> {
    type Output = Self;

    #[inline(always)]
    fn sub(mut self, constant: f64) -> Self {
        self.value -= constant;
        self
    }
}

/// Runs `$body` with `$K` set to the smallest supported number of derivatives that is at least
/// `$count`.
macro_rules! with_slopes {
    ($count:expr, $K:ident => $body:expr) => {
        with_slopes!(@ $count, $K => $body; 1 2 3 4 6 8 12 18 24 32)
    };
    (@ $count:expr, $K:ident => $body:expr; $($size:literal)*) => {{
        let count: usize = $count;
        $(if count <= $size {
            const $K: usize = $size;
            $body
        } else)* {
            unreachable!("{count} parameters: a model has at most 32")
        }
    }};
}
pub(in crate::ts) use with_slopes;

#[cfg(test)]
mod tests {
    use super::*;

    fn formula<T: Real>(x: T, y: T) -> T {
        (x * y + 1.0).sqrt() / (y - x * 0.5).exp() + (x * x).ln() - y
    }

    #[test]
    fn slopes_are_those_of_small_differences() {
        let (x, y) = (0.7, 1.3);
        let dual = formula(Dual::<2>::parameter(x, 0), Dual::parameter(y, 1));
        let step = 1e-6;
        let by_x = (formula(x + step, y) - formula(x - step, y)) / (2.0 * step);
        let by_y = (formula(x, y + step) - formula(x, y - step)) / (2.0 * step);
        assert_eq!(dual.value, formula(x, y));
        assert!((dual.slope[0] - by_x).abs() < 1e-8);
        assert!((dual.slope[1] - by_y).abs() < 1e-8);
    }

    #[test]
    fn the_smallest_sufficient_size_is_used() {
        assert_eq!(with_slopes!(9, K => K), 12);
        assert_eq!(with_slopes!(1, K => K), 1);
    }
}
