//! The concentrated Gaussian likelihood and Akaike's criterion, which compares models of different
//! sizes.

use crate::kernels::math;

/// ln L at the optimal variance: -n/2 (ln 2π + 1 + ln(S / n)), where S is the sum of squares of
/// residuals scaled so that minimizing it maximizes the likelihood.
pub fn log_likelihood(scaled_squares: f64, observations: usize) -> f64 {
    let n = observations as f64;
    let ln_2_pi = 1.837_877_066_409_345_5;
    -0.5 * n * (ln_2_pi + 1.0 + math::ln(scaled_squares / n))
}

/// AICc = -2 ln L + 2 k n / (n - k - 1) for k parameters, including the variance, and n
/// observations; infinite if n ≤ k + 1 (Hurvich and Tsai 1989).
pub fn aicc(log_likelihood: f64, parameters: usize, observations: usize) -> f64 {
    let (k, n) = (parameters as f64, observations as f64);
    if n - k - 1.0 <= 0.0 {
        return f64::INFINITY;
    }
    -2.0 * log_likelihood + 2.0 * k * n / (n - k - 1.0)
}
