//! Special functions from the pure-Rust `libm`, in forms that neither overflow nor cancel.
//!
//! The C library's `exp` and `ln` differ between systems; these do not.

/// e^x.
#[inline]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// Natural logarithm.
#[inline]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// x^y.
#[inline]
pub fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// ln(1 + x), exact for small x.
#[inline]
pub fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}

/// 1 / (1 + e^-x), without overflow on either side.
#[inline]
pub fn sigmoid(x: f64) -> f64 {
    let e = exp(-x.abs());
    if x >= 0.0 {
        1.0 / (1.0 + e)
    } else {
        e / (1.0 + e)
    }
}

/// ln(1 + e^x): the logistic loss of a margin `-x`.
#[inline]
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + ln_1p(exp(-x.abs()))
}

/// Sigmoid and softplus of the same x with a single exponential.
#[inline]
pub fn sigmoid_softplus(x: f64) -> (f64, f64) {
    let e = exp(-x.abs());
    let p = if x >= 0.0 {
        1.0 / (1.0 + e)
    } else {
        e / (1.0 + e)
    };
    (p, x.max(0.0) + ln_1p(e))
}

/// Turns scores into probabilities in place and returns ln Σ e^score.
///
/// An empty slice gives minus infinity.
///
/// # Examples
/// ```
/// let mut scores = [0.0, 0.0, std::f64::consts::LN_2];
/// let log_sum = easylife_models::kernels::math::softmax(&mut scores);
/// assert!((log_sum - 4.0_f64.ln()).abs() < 1e-12);
/// assert!((scores[2] - 0.5).abs() < 1e-12);
/// ```
pub fn softmax(scores: &mut [f64]) -> f64 {
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = exp(*score - top);
        sum += *score;
    }
    for score in scores.iter_mut() {
        *score /= sum;
    }
    top + ln(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sigmoid_is_stable_at_both_ends() {
        assert_eq!(sigmoid(0.0), 0.5);
        assert_eq!(sigmoid(800.0), 1.0);
        assert!(sigmoid(-700.0) > 0.0);
        assert_eq!(sigmoid(-800.0), 0.0);
        assert!((sigmoid(2.0) + sigmoid(-2.0) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn softplus_keeps_small_and_large_values() {
        assert_eq!(softplus(1000.0), 1000.0);
        assert!((softplus(-40.0) - exp(-40.0)).abs() < 1e-30);
        assert!((softplus(0.0) - std::f64::consts::LN_2).abs() < 1e-16);
        assert_eq!(sigmoid_softplus(1.5), (sigmoid(1.5), softplus(1.5)));
    }

    #[test]
    fn softmax_survives_large_scores() {
        let mut scores = [1000.0, 1000.0 + std::f64::consts::LN_2, -1000.0];
        let total = softmax(&mut scores);
        assert!((scores[0] - 1.0 / 3.0).abs() < 1e-13);
        assert!((scores[1] - 2.0 / 3.0).abs() < 1e-13);
        assert_eq!(scores[2], 0.0);
        assert!((total - 1000.0 - ln(3.0)).abs() < 1e-12);
    }
}
