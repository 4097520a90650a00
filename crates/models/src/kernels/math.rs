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

/// Replaces every x by [`sigmoid`] of it, with the same bits, several times as fast.
///
/// # Examples
/// ```
/// use easylife_models::kernels::math::{sigmoid, sigmoids};
///
/// let mut values = [-800.0, -1.5, 0.0, 0.25];
/// sigmoids(&mut values);
/// assert_eq!(values, [-800.0, -1.5, 0.0, 0.25].map(sigmoid));
/// ```
pub fn sigmoids(values: &mut [f64]) {
    // Few enough that what is loaded for the test is still in the cache for the loop.
    for values in values.chunks_mut(256) {
        let are_moderate = values.iter().all(|x| x.abs() < MODERATE);
        match are_moderate {
            true => values.iter_mut().for_each(|x| *x = moderate_sigmoid(*x)),
            false => values.iter_mut().for_each(|x| *x = sigmoid(*x)),
        }
    }
}

/// Up to here e^-x and the power of two that scales it are normal numbers.
const MODERATE: f64 = 700.0;

#[inline]
fn moderate_sigmoid(x: f64) -> f64 {
    let e = exp_of_minus(x.abs());
    let numerator = if x >= 0.0 { 1.0 } else { e };
    numerator / (1.0 + e)
}

/// e^-x for x from 0 to [`MODERATE`], with the bits of `libm::exp`: the same operations on the same
/// constants (of FreeBSD's e_exp.c), but choices instead of branches, so that compilers can compute
/// several at once.
#[inline]
fn exp_of_minus(x: f64) -> f64 {
    const LN_2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];
    const P: [f64; 5] = [
        0.166_666_666_666_666_02,
        -0.002_777_777_777_701_559_3,
        6.613_756_321_437_934e-5,
        -1.653_390_220_546_525_2e-6,
        4.138_136_797_057_238_5e-8,
    ];
    /// About ln(2) / 2, as `libm` has it: the upper half of its bits.
    const REDUCED_FROM: f64 = f64::from_bits(0x3fd6_2e43_0000_0000);
    /// Up to here `libm` takes 1 - x: the upper half of the bits of 2^-28.
    const TINY: f64 = f64::from_bits(0x3e30_0001_0000_0000);
    /// Numbers from here to its double are integers.
    const INTEGERS: f64 = (1_u64 << 52) as f64;
    // k = floor(x / ln(2) + 1/2), and 0 for small x.
    let quotient = std::f64::consts::LOG2_E * x + 0.5;
    let nearest = (quotient + INTEGERS) - INTEGERS;
    let floor = if nearest > quotient {
        nearest - 1.0
    } else {
        nearest
    };
    let k = if x >= REDUCED_FROM { floor } else { 0.0 };
    let (high, low) = (k * LN_2[0] - x, -(k * LN_2[1]));
    let rest = high - low;
    let square = rest * rest;
    let series = P[0] + square * (P[1] + square * (P[2] + square * (P[3] + square * P[4])));
    let c = rest - square * series;
    let y = 1.0 + (rest * c / (2.0 - c) - low + high);
    let y = if x < TINY { 1.0 - x } else { y };
    // The lower bits of k + 2^52 are k.
    let exponent = 1023_u64.wrapping_sub((k + INTEGERS).to_bits());
    y * f64::from_bits(exponent << 52)
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
    fn sigmoids_have_the_bits_of_sigmoid() {
        // Around all places where `libm` chooses, and evenly between.
        let borders = [
            0x3e30_0000_u64,
            0x3e30_0001,
            0x3fd6_2e42,
            0x3fd6_2e43,
            0x3ff0_a2b2,
        ];
        let multiples = (0..2100).map(|k| (f64::from(k) * 0.5 * std::f64::consts::LN_2).to_bits());
        let borders = borders.into_iter().map(|high| high << 32).chain(multiples);
        let near =
            borders.flat_map(|bits| (-3..=3).map(move |step| bits.saturating_add_signed(step)));
        let even = (0..200_000).map(|step| (f64::from(step) * 0.003_617).to_bits());
        let small = (0..2000).map(|step| (f64::from(step) / 1000.0 - 30.0).exp2().to_bits());
        let special = [
            f64::INFINITY,
            f64::NAN,
            0.0,
            f64::MIN_POSITIVE,
            5e-324,
            f64::MAX,
        ];
        let all = near
            .chain(even)
            .chain(small)
            .chain(special.map(f64::to_bits));
        let all = all.map(f64::from_bits).flat_map(|x| [x, -x]);
        let all: Vec<f64> = all.collect();
        let (moderate, extreme): (Vec<f64>, Vec<f64>) =
            all.iter().partition(|x| x.abs() < MODERATE);
        for values in [all, moderate, extreme] {
            let mut got = values.clone();
            sigmoids(&mut got);
            for (x, got) in values.into_iter().zip(got) {
                assert_eq!(got.to_bits(), sigmoid(x).to_bits(), "{x:e}");
            }
        }
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
