//! The p-value of a window: how often one as far from the reference comes about by chance.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::redraw::{Redraw, hypergeometric_distribution};
use super::statistic::Statistic;
use models::kernels::math;

/// How windows are redrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestOptions {
    /// Number of redrawn windows: a tenth of them if these already show that nothing has changed,
    /// and ten times as many for p-values from 1e-8 to 0.01, whose size decides.
    pub draws: usize,
    /// What draws depend on, besides the counts.
    pub seed: u64,
}

impl Default for TestOptions {
    fn default() -> TestOptions {
        TestOptions {
            draws: 3000,
            seed: 0,
        }
    }
}

/// Fewest redrawn windows.
const FEWEST_DRAWS: usize = 200;
/// The tail is fitted to so many of the farthest redrawn windows.
const TAIL: usize = 300;
/// Below this p-value its size does not matter.
const FAR: f64 = 1e-8;
/// From this many redrawn windows that are as far, their share is the p-value.
const ENOUGH: f64 = 30.0;
/// No smaller p-value is reported.
const SMALLEST: f64 = 1e-300;
/// Statistics that differ by less differ by rounding alone.
const TIE: f64 = 1e-9;

/// The p-value of a window for rows of the reference and of the window by bin; `None` if all are in
/// the same bin, or there are none, so that nothing can be tested. `orders` has, for each order of
/// the bins, the level of each.
///
/// Without drift, the rows of both are exchangeable. So the window is redrawn without replacement
/// out of the rows of both, which leaves a reference of its size, and the p-value is the share of
/// redrawn windows that are as far from their references by the largest of several statistics. This
/// is exact for any distribution and any two sizes: it needs no estimate of the shares, so rare bins
/// and small references do no harm.
///
/// With two bins, all windows are enumerated. Otherwise the share is counted, and where few redrawn
/// windows are as far, an exponential tail is fitted to the farthest 300: the statistic is minus
/// the logarithm of an approximate p-value, whose tail is exponential with a rate near 1, so there
/// is no shape to estimate (Knijnenburg et al. 2009 fit a generalised Pareto distribution to
/// statistics on any scale).
///
/// Equal statistics count half (mid-p; Lancaster 1961): counting them in full would make the
/// false-alarm rate of columns with few outcomes too low.
///
/// # Examples
/// ```
/// use monitoring::drift::{TestOptions, test_counts};
///
/// let options = TestOptions::default();
/// // 2 of 1,000 against 10 of 1,000.
/// let p = test_counts(&[998, 2], &[990, 10], &[], &options).unwrap();
/// assert!(0.01 < p && p < 0.04);
/// assert!(test_counts(&[9000, 1000], &[800, 200], &[], &options).unwrap() < 1e-15);
/// assert_eq!(test_counts(&[1000, 0], &[10, 0], &[], &options), None);
/// ```
///
/// # Panics
/// If the numbers of bins differ.
pub fn test_counts(
    reference: &[u64],
    window: &[u64],
    orders: &[Vec<Option<u32>>],
    options: &TestOptions,
) -> Option<f64> {
    assert_eq!(reference.len(), window.len(), "expected the same bins");
    let used = |bin: &usize| reference[*bin] + window[*bin] > 0;
    let used: Vec<usize> = (0..window.len()).filter(used).collect();
    let pooled: Vec<u64> = used
        .iter()
        .map(|&bin| reference[bin] + window[bin])
        .collect();
    let window: Vec<u64> = used.iter().map(|&bin| window[bin]).collect();
    let (all, rows) = (pooled.iter().sum::<u64>(), window.iter().sum::<u64>());
    if pooled.len() < 2 || rows == 0 || rows == all {
        return None;
    }
    let select = |levels: &Vec<Option<u32>>| {
        let level = |&bin: &usize| levels.get(bin).copied().flatten();
        used.iter().map(level).collect::<Vec<_>>()
    };
    let orders: Vec<_> = orders.iter().map(select).collect();
    let statistic = Statistic::new(&pooled, rows, &orders);
    let p = match pooled.len() {
        2 => enumerated(&statistic, &pooled, &window),
        _ => redrawn(&statistic, &pooled, &window, options),
    };
    Some(p.clamp(SMALLEST, 1.0))
}

/// The p-value with two bins.
fn enumerated(statistic: &Statistic, pooled: &[u64], window: &[u64]) -> f64 {
    let rows = window[0] + window[1];
    let (first, shares) = hypergeometric_distribution(pooled[0], pooled[1], rows);
    let reached = statistic.of(window);
    let weight = |count: u64| weight(statistic.of(&[count, rows - count]), reached);
    let shares = shares.iter().zip(first..);
    shares.map(|(share, count)| share * weight(count)).sum()
}

/// What a redrawn window counts.
fn weight(statistic: f64, reached: f64) -> f64 {
    let tie = TIE * (1.0 + reached.abs());
    match statistic - reached {
        more if more > tie => 1.0,
        less if less < -tie => 0.0,
        _ => 0.5,
    }
}

fn redrawn(statistic: &Statistic, pooled: &[u64], window: &[u64], options: &TestOptions) -> f64 {
    let reached = statistic.of(window);
    let rows: u64 = window.iter().sum();
    let bytes = pooled.iter().chain(window).flat_map(|n| n.to_le_bytes());
    let key = xxh3_64_with_seed(&bytes.collect::<Vec<u8>>(), options.seed);
    let mut redraw = Redraw::new(key);
    let mut drawn = vec![0; window.len()];
    let mut draw = || {
        redraw.window(pooled, rows, &mut drawn);
        statistic.of(&drawn)
    };
    let draws = options.draws.max(FEWEST_DRAWS);
    let mut all = Vec::with_capacity(draws);
    for end in [draws / 10, draws, 10 * draws] {
        all.extend(std::iter::repeat_with(&mut draw).take(end - all.len()));
        let as_far: f64 = all.iter().map(|&one| weight(one, reached)).sum();
        if as_far >= ENOUGH {
            // The window itself is one of those that could have been drawn.
            return (as_far + 0.5) / (all.len() + 1) as f64;
        }
        if end >= draws {
            all.sort_by(f64::total_cmp);
            let p = tail(&all, reached);
            if p < FAR || end > draws {
                return p;
            }
        }
    }
    tail(&all, reached)
}

/// The probability of at least `reached`, by the tail of the sorted draws.
fn tail(sorted: &[f64], reached: f64) -> f64 {
    let size = TAIL.min(sorted.len() / 4).max(1);
    let (start, above) = (
        sorted[sorted.len() - size - 1],
        &sorted[sorted.len() - size..],
    );
    let excess: f64 = above.iter().map(|one| one - start).sum();
    let mean = (excess / size as f64).max(f64::MIN_POSITIVE);
    let share = size as f64 / sorted.len() as f64;
    share * math::exp(-(reached - start).max(0.0) / mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_an_exponential_distribution() {
        // Quantiles of the standard exponential distribution: P(X > 8) = 3.35e-4.
        let draws = 3000;
        let quantile = |i: usize| -math::ln(1.0 - (i as f64 + 0.5) / draws as f64);
        let sorted: Vec<f64> = (0..draws).map(quantile).collect();
        let p = tail(&sorted, 8.0);
        assert!((p / 3.35e-4 - 1.0).abs() < 0.1, "{p}");
    }

    #[test]
    fn two_bins_are_exact() {
        // Of 20 rows 5 are in bin 0, all of them among the window's 10: as far as if none were.
        // Each has the probability C(10, 5) / C(20, 5), and counts half.
        let p = test_counts(&[0, 10], &[5, 5], &[], &TestOptions::default()).unwrap();
        assert!((p - 252.0 / 15_504.0).abs() < 1e-12, "{p}");
    }

    #[test]
    fn the_same_counts_have_the_same_p() {
        let (reference, window) = ([500, 300, 150, 50], [40, 32, 18, 10]);
        let run = |seed| {
            let options = TestOptions { seed, draws: 3000 };
            test_counts(&reference, &window, &[], &options).unwrap()
        };
        assert_eq!(run(1).to_bits(), run(1).to_bits());
        // Another seed changes it within its error.
        assert!((run(1) - run(2)).abs() < 0.05);
    }

    #[test]
    fn nothing_to_test() {
        let p = |reference: &[u64], window: &[u64]| {
            test_counts(reference, window, &[], &TestOptions::default())
        };
        assert_eq!(p(&[], &[]), None);
        assert_eq!(p(&[5, 5], &[0, 0]), None);
        assert_eq!(p(&[0, 0], &[5, 5]), None);
        assert_eq!(p(&[5, 0], &[5, 0]), None);
        // One row can hardly show anything.
        assert!(p(&[990, 10], &[1, 0]).unwrap() > 0.4);
    }
}
