//! How far a window is from its reference, in one number: the largest of several statistics, each
//! on the scale of the logarithm of its p-value.
//!
//! - the likelihood ratio G of the bins (2 (n + N) times the Jensen-Shannon divergence weighted by
//!   the sizes): any change;
//! - the bin that changed most: one word, missing values, numbers far outside;
//! - for each order of the bins, the rank sum (Wilcoxon's, with ties): a shift;
//! - and the sum of squared ranks (Mood's): more or less spread.
//!
//! Their p-values are approximate: they make the statistics comparable. The p-value of the largest
//! is that of redrawn windows (see [`super::test`]).

use models::kernels::math;

/// Logarithms of up to this many whole numbers are stored.
const MOST_LOGARITHMS: u64 = 1 << 14;

/// The statistic for windows of one size out of the same rows.
pub struct Statistic {
    bins: Vec<Bin>,
    logarithms: Vec<f64>,
    linear: Vec<Linear>,
}

struct Bin {
    all: u64,
    ln_expected_window: f64,
    ln_expected_reference: f64,
    /// 1 / (1 - share).
    correction: f64,
}

/// A sum of scores: its mean is zero.
struct Linear {
    scores: Vec<f64>,
    deviation: f64,
}

impl Statistic {
    /// For windows of `rows` rows out of those in the bins of `pooled`, none of which is empty.
    /// `orders` has the level of each bin.
    pub fn new(pooled: &[u64], rows: u64, orders: &[Vec<Option<u32>>]) -> Statistic {
        let all = pooled.iter().sum::<u64>() as f64;
        let part = rows as f64 / all;
        let bins = pooled.iter().map(|&count| {
            let share = count as f64 / all;
            Bin {
                all: count,
                ln_expected_window: math::ln(count as f64 * part),
                ln_expected_reference: math::ln(count as f64 * (1.0 - part)),
                correction: 1.0 / (1.0 - share),
            }
        });
        let largest = pooled.iter().copied().max().unwrap_or(0);
        let logarithms = (0..=largest.min(MOST_LOGARITHMS)).map(|n| math::ln(n.max(1) as f64));
        // Variance of the sum of a window's scores, over the sum of all squared scores.
        let factor = part * (1.0 - part) * all / (all - 1.0);
        let linear = orders.iter().flat_map(|levels| scores(pooled, levels));
        let linear = linear.filter_map(|scores| {
            let squares = scores.iter().zip(pooled);
            let squares = squares.map(|(score, &count)| count as f64 * score * score);
            let deviation = (factor * squares.sum::<f64>()).sqrt();
            // Scores are of the order of 1: anything below is a rest of rounding.
            (deviation > 1e-9 * all).then_some(Linear { scores, deviation })
        });
        Statistic {
            bins: bins.collect(),
            logarithms: logarithms.collect(),
            linear: linear.collect(),
        }
    }

    /// The statistic of a window: larger is farther.
    pub fn of(&self, window: &[u64]) -> f64 {
        let (mut sum, mut most) = (0.0, 0.0_f64);
        for (bin, &count) in self.bins.iter().zip(window) {
            let rest = bin.all - count;
            let term = count as f64 * (self.ln(count) - bin.ln_expected_window)
                + rest as f64 * (self.ln(rest) - bin.ln_expected_reference);
            sum += term;
            most = most.max(term * bin.correction);
        }
        let bins = self.bins.len() as f64;
        let mut largest = minus_ln_upper_tail(normal_of_chi_squared(2.0 * sum, bins - 1.0));
        largest = largest.max(minus_ln_two_tails((2.0 * most).sqrt()) - math::ln(bins));
        for linear in &self.linear {
            let terms = linear.scores.iter().zip(window);
            let sum: f64 = terms.map(|(score, &count)| score * count as f64).sum();
            largest = largest.max(minus_ln_two_tails(sum.abs() / linear.deviation));
        }
        largest
    }

    fn ln(&self, count: u64) -> f64 {
        match self.logarithms.get(count as usize) {
            Some(&stored) => stored,
            None => math::ln(count as f64),
        }
    }
}

/// Scores whose sum is the rank sum, and that of squared ranks; both have mean zero.
fn scores(pooled: &[u64], levels: &[Option<u32>]) -> [Vec<f64>; 2] {
    let shares = level_shares(pooled, levels);
    let ranks: Vec<f64> = mid_ranks(&shares);
    let of_level = |level: &Option<u32>| level.map_or(0.0, |level| ranks[level as usize]);
    let linear: Vec<f64> = levels.iter().map(of_level).collect();
    let squares = shares.iter().zip(&ranks);
    let mean: f64 = squares.map(|(share, rank)| share * rank * rank).sum();
    let square = |level: &Option<u32>| {
        level.map_or(0.0, |level| {
            ranks[level as usize] * ranks[level as usize] - mean
        })
    };
    let square = levels.iter().map(square).collect();
    [linear, square]
}

/// The share of each level among the rows that have one.
pub fn level_shares(counts: &[u64], levels: &[Option<u32>]) -> Vec<f64> {
    let last = levels
        .iter()
        .flatten()
        .max()
        .map_or(0, |&last| last as usize);
    let mut sums = vec![0_u64; last + 1];
    for (level, count) in levels.iter().zip(counts) {
        if let Some(level) = level {
            sums[*level as usize] += count;
        }
    }
    let all = sums.iter().sum::<u64>().max(1) as f64;
    sums.into_iter().map(|sum| sum as f64 / all).collect()
}

/// Ranks of levels, the middle of ties, from -1/2 to 1/2.
fn mid_ranks(shares: &[f64]) -> Vec<f64> {
    let mut below = 0.0;
    let rank = |share: &f64| {
        let rank = below + share / 2.0 - 0.5;
        below += share;
        rank
    };
    shares.iter().map(rank).collect()
}

/// A chi-squared number on the normal scale (Wilson and Hilferty 1931).
fn normal_of_chi_squared(x: f64, degrees: f64) -> f64 {
    let variance = 2.0 / (9.0 * degrees);
    (libm::cbrt(x.max(0.0) / degrees) - (1.0 - variance)) / variance.sqrt()
}

/// -ln P(Z > z) of a standard normal Z.
fn minus_ln_upper_tail(z: f64) -> f64 {
    let tail = 0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2);
    match tail > 1e-290 {
        true => -math::ln(tail),
        false => 0.5 * z * z + math::ln(z * (2.0 * std::f64::consts::PI).sqrt()),
    }
}

/// -ln P(|Z| > z) of a standard normal Z.
fn minus_ln_two_tails(z: f64) -> f64 {
    minus_ln_upper_tail(z) - std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_of_the_normal_distribution() {
        // -scipy.stats.norm.logsf, version 1.17.1
        for (z, expected) in [
            (0.0, std::f64::consts::LN_2),
            (2.0, 3.783_184_333_682_032),
            (10.0, 53.231_285_151_247_5),
            (50.0, 1_254.831_361_148_4),
        ] {
            let got = minus_ln_upper_tail(z);
            assert!((got / expected - 1.0).abs() < 1e-3, "{z}: {got}");
        }
        assert!(minus_ln_upper_tail(-9.0) < 1e-15);
    }

    #[test]
    fn chi_squared_on_the_normal_scale() {
        // scipy 1.17.1, stats.chi2.ppf(0.99, df): 6.635, 21.666; norm.ppf(0.99) = 2.326.
        for (x, degrees) in [(6.635, 1.0), (21.666, 9.0)] {
            let z = normal_of_chi_squared(x, degrees);
            assert!((z - 2.326).abs() < 0.1, "{z}");
        }
    }

    #[test]
    fn ranks_by_hand() {
        // Levels 0 and 1 with two rows each and a missing one: mid-ranks -1/4 and 1/4.
        let [linear, square] = scores(&[2, 2, 1], &[Some(0), Some(1), None]);
        assert_eq!(linear, [-0.25, 0.25, 0.0]);
        assert_eq!(square, [0.0; 3]);
    }

    #[test]
    fn every_kind_of_change_is_seen() {
        let levels: Vec<Option<u32>> = (0..10).map(Some).collect();
        let pooled = vec![200; 10];
        let statistic = Statistic::new(&pooled, 1000, std::slice::from_ref(&levels));
        let same = statistic.of(&[100; 10]);
        assert!(same < 0.1, "{same}");
        for window in [
            [85, 90, 92, 95, 98, 102, 105, 108, 110, 115], // a shift
            [115, 110, 100, 90, 85, 85, 90, 100, 110, 115], // more spread
            [145, 95, 95, 95, 95, 95, 95, 95, 95, 95],     // one bin
            [120, 80, 120, 80, 120, 80, 120, 80, 120, 80], // any
        ] {
            assert!(statistic.of(&window) > 3.0, "{window:?}");
        }
    }
}
