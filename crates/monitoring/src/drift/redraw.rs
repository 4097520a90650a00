//! Redraws a window and its reference out of the rows of both: multivariate hypergeometric numbers.

use models::kernels::math;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Below this many draws they are made one by one.
const FEW: u64 = 12;
/// Number of factorials whose logarithm is stored.
const FACTORIALS: usize = 256;

/// Draws windows without replacement.
pub struct Redraw {
    random: ChaCha8Rng,
    /// Logarithms of the first factorials.
    factorials: Vec<f64>,
}

impl Redraw {
    /// Draws that depend on `seed` alone.
    pub fn new(seed: u64) -> Redraw {
        let mut sum = 0.0;
        let factorials = (0..FACTORIALS).map(|n| {
            sum += math::ln(n.max(1) as f64);
            sum
        });
        Redraw {
            random: ChaCha8Rng::seed_from_u64(seed),
            factorials: factorials.collect(),
        }
    }

    /// Draws `rows` rows out of those in the bins of `pooled`, and counts them by bin.
    pub fn window(&mut self, pooled: &[u64], rows: u64, window: &mut [u64]) {
        let mut left: u64 = pooled.iter().sum();
        let mut rows = rows;
        for (count, &all) in window.iter_mut().zip(pooled) {
            left -= all;
            *count = self.hypergeometric(all, left, rows);
            rows -= *count;
        }
    }

    /// The number of good ones among `sample` out of `good` and `bad` ones.
    pub fn hypergeometric(&mut self, good: u64, bad: u64, sample: u64) -> u64 {
        let rest = good + bad - sample;
        // The same numbers have the same distribution if the roles of good and drawn, or of good
        // and bad, are exchanged.
        let (swapped_good, swapped_sample) = (good > bad, sample > rest);
        let (few, many) = (good.min(bad), good.max(bad));
        let draws = sample.min(rest);
        let drawn = match few.min(draws) {
            0 => 0,
            1..FEW => self.one_by_one(few.min(draws), few.max(draws), few + many),
            _ => self.ratio_of_uniforms(few, many, draws),
        };
        let drawn = if swapped_good { draws - drawn } else { drawn };
        if swapped_sample { good - drawn } else { drawn }
    }

    /// How many of `marked` among `all` are hit by `draws` draws.
    fn one_by_one(&mut self, draws: u64, marked: u64, all: u64) -> u64 {
        let mut hits = 0;
        for drawn in 0..draws {
            hits += u64::from(self.below(all - drawn) < marked - hits);
        }
        hits
    }

    /// Rejection by a ratio of uniform numbers (algorithm HRUA of Stadlober 1990, as in numpy), for
    /// `few <= many` and a sample of half of them at most.
    fn ratio_of_uniforms(&mut self, few: u64, many: u64, sample: u64) -> u64 {
        const D1: f64 = 1.715_527_769_921_413_5;
        const D2: f64 = 0.898_916_162_058_898_8;
        let (f, m, n) = (few as f64, many as f64, sample as f64);
        let all = f + m;
        let center = n * (f / all) + 0.5;
        let variance = (all - n) * n * (f / all) * (m / all) / (all - 1.0);
        let width = (variance + 0.5).sqrt();
        let scale = D1 * width + D2;
        let mode = ((n + 1.0) * (f + 1.0) / (all + 2.0)).floor();
        let end = (sample.min(few) as f64 + 1.0).min((center + 16.0 * width).floor());
        let term = |random: &Redraw, k: f64| {
            let ln = |n: f64| random.ln_factorial(n);
            ln(k) + ln(f - k) + ln(n - k) + ln(m - n + k)
        };
        let top = term(self, mode);
        loop {
            let (u, v) = (self.uniform(), self.uniform());
            let x = center + scale * (v - 0.5) / u;
            if !(0.0..end).contains(&x) {
                continue;
            }
            let k = x.floor();
            let t = top - term(self, k);
            let is_surely_in = u * (4.0 - u) - 3.0 <= t;
            if is_surely_in || (u * (u - t) < 1.0 && 2.0 * math::ln(u) <= t) {
                return k as u64;
            }
        }
    }

    /// ln n!
    fn ln_factorial(&self, n: f64) -> f64 {
        const HALF_LN_TAU: f64 = 0.918_938_533_204_672_8;
        match self.factorials.get(n as usize) {
            Some(&exact) => exact,
            None => {
                let inverse = 1.0 / n;
                let series = inverse * (1.0 / 12.0 - inverse * inverse / 360.0);
                (n + 0.5) * math::ln(n) - n + HALF_LN_TAU + series
            }
        }
    }

    fn uniform(&mut self) -> f64 {
        (self.random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.random.next_u64()) * u128::from(end)) >> 64) as u64
    }
}

/// Probabilities of every number of good ones that is not negligible, from the smallest: of `sample`
/// out of `good` and `bad` ones. Returns the smallest number, too.
pub fn hypergeometric_distribution(good: u64, bad: u64, sample: u64) -> (u64, Vec<f64>) {
    let (first, last) = (sample.saturating_sub(bad), sample.min(good));
    let (g, b, n) = (good as f64, bad as f64, sample as f64);
    let ratio = |k: u64| {
        let k = k as f64;
        (g - k) * (n - k) / ((k + 1.0) * (b - n + k + 1.0))
    };
    let mode = ((n + 1.0) * (g + 1.0) / (g + b + 2.0)).floor() as u64;
    let mode = mode.clamp(first, last);
    const NEGLIGIBLE: f64 = 1e-290;
    let (mut below, mut weight, mut k) = (Vec::new(), 1.0, mode);
    while k > first && weight > NEGLIGIBLE {
        k -= 1;
        weight /= ratio(k);
        below.push(weight);
    }
    let start = k;
    below.reverse();
    let mut all = below;
    all.push(1.0);
    (weight, k) = (1.0, mode);
    while k < last && weight > NEGLIGIBLE {
        weight *= ratio(k);
        k += 1;
        all.push(weight);
    }
    let sum: f64 = all.iter().sum();
    all.iter_mut().for_each(|weight| *weight /= sum);
    (start, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distribution_by_hand() {
        // 2 of 3 good and 2 bad ones: 1, 6 and 3 of 10 pairs have 0, 1 and 2 good ones.
        let (first, shares) = hypergeometric_distribution(3, 2, 2);
        assert_eq!(first, 0);
        for (share, expected) in shares.iter().zip([0.1, 0.6, 0.3]) {
            assert!((share - expected).abs() < 1e-15);
        }
        // All of them.
        assert_eq!(hypergeometric_distribution(3, 2, 5), (3, vec![1.0]));
    }

    /// Every way of drawing: chi-squared of 200,000 draws against the exact probabilities.
    #[test]
    fn draws_have_the_distribution() {
        for (good, bad, sample) in [
            (5, 1000, 300),
            (1000, 5, 300),
            (40, 60, 50),
            (60, 40, 70),
            (500, 9500, 1000),
            (9500, 500, 9000),
            (3000, 4000, 3500),
            (2, 3, 4),
        ] {
            let mut redraw = Redraw::new(1);
            let (first, shares) = hypergeometric_distribution(good, bad, sample);
            let mut counts = vec![0_u64; shares.len()];
            let draws = 200_000;
            for _ in 0..draws {
                let drawn = redraw.hypergeometric(good, bad, sample);
                counts[(drawn - first) as usize] += 1;
            }
            let (mut statistic, mut bins) = (0.0, 0.0);
            for (count, share) in counts.iter().zip(&shares) {
                let expected = share * f64::from(draws);
                if expected >= 10.0 {
                    statistic += (*count as f64 - expected).powi(2) / expected;
                    bins += 1.0;
                }
            }
            let deviations = (statistic - bins) / (2.0_f64 * bins).sqrt();
            assert!(deviations < 4.0, "{good} {bad} {sample}: {deviations}");
        }
    }

    #[test]
    fn windows_have_their_rows() {
        let mut redraw = Redraw::new(7);
        let mut window = [0; 4];
        for _ in 0..100 {
            redraw.window(&[10, 0, 500, 3], 200, &mut window);
            assert_eq!(window.iter().sum::<u64>(), 200);
            assert!(window[0] <= 10 && window[1] == 0 && window[3] <= 3);
        }
        redraw.window(&[10, 0, 500, 3], 513, &mut window);
        assert_eq!(window, [10, 0, 500, 3]);
    }
}
