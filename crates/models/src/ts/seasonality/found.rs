//! Detects an unknown season from the data: if times are whole numbers, no calendar gives its
//! length.
//!
//! It is detected from the autocorrelation of the differences (so that a trend does not look like a
//! season). At every lag each series has a statistic that is approximately standard normal without
//! a season: the correlation divided by Bartlett's standard error (Box and Jenkins, *Time Series
//! Analysis*, 2.1.6; the test of the M4 competition's Theta benchmark). A season must be
//! significant over all series together, be present in many of them, and recur at twice its length,
//! unlike mere cycles.

/// Longest season considered.
const LONGEST: usize = 400;
/// Number of series examined, evenly spaced among all, and of last values of each.
const SERIES: usize = 200;
const VALUES: usize = 2000;
/// Minimum number of cycles in a series for it to be examined.
const HELD: usize = 4;
/// Significance of all series together, in standard deviations: for the best of 400 lags of noise,
/// one in 10,000 data sets exceeds it.
const CERTAIN: f64 = 5.2;
/// Significance of a single series: chance exceeds it in one of 20.
const HAS: f64 = 1.645;
/// Minimum share of the series that must have the season.
const SHARE: f64 = 0.3;
/// Minimum correlation at twice the season, as a share of that at the season.
const AGAIN: f64 = 0.6;

/// A shorter season is preferred if its correlation is at least this share of the largest.
const ALIKE: f64 = 0.85;

/// A detected season.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Its length in steps.
    pub season: usize,
    /// Number of examined series that have it.
    pub held: usize,
    /// Number of series examined.
    pub looked_at: usize,
}

/// The season of most series; `None` if none is significant. Missing values are NaN.
pub fn find(series: &[&[f64]]) -> Option<Found> {
    let step = series.len().div_ceil(SERIES).max(1);
    let chosen = series.iter().step_by(step);
    let all: Vec<Correlations> = chosen
        .filter_map(|series| Correlations::of(series))
        .collect();
    let longest = all.iter().map(Correlations::longest).max()?;
    // Prefers a season of many series to one of the few longest series.
    let lags = (2..=longest).map(|season| Lag::of(&all, season));
    let lags: Vec<Lag> = lags
        .take_while(|lag| 2 * lag.looked_at >= all.len())
        .collect();
    let peaks = lags
        .iter()
        .filter(|lag| lag.is_certain() && lag.is_peak(&all));
    let best = peaks.max_by(|a, b| a.mean.total_cmp(&b.mean).then(b.season.cmp(&a.season)))?;
    // A season also shows at its multiples, where by chance it may be slightly stronger.
    let is_best = |lag: &&Lag| {
        best.season % lag.season == 0 && lag.is_certain() && lag.mean >= ALIKE * best.mean
    };
    let first = lags.iter().find(is_best).unwrap_or(best);
    Some(Found {
        season: first.season,
        held: first.held,
        looked_at: first.looked_at,
    })
}

/// Evidence for a season from the series that are long enough.
struct Lag {
    season: usize,
    looked_at: usize,
    /// Mean of their correlations.
    mean: f64,
    /// Their combined statistic: standard normal without a season.
    together: f64,
    held: usize,
}

impl Lag {
    fn of(all: &[Correlations], season: usize) -> Lag {
        let having = || all.iter().filter(|one| one.longest() >= season);
        let looked_at = having().count();
        let statistics: f64 = having().map(|one| one.statistic(season)).sum();
        Lag {
            season,
            looked_at,
            mean: mean(all, season, season),
            together: statistics / (looked_at as f64).sqrt(),
            held: having().filter(|one| one.statistic(season) > HAS).count(),
        }
    }

    fn is_certain(&self) -> bool {
        self.together > CERTAIN && self.held as f64 >= SHARE * self.looked_at as f64
    }

    /// Whether it exceeds the neighbouring lags, and recurs at twice the season.
    fn is_peak(&self, all: &[Correlations]) -> bool {
        let at = |lag| mean(all, self.season, lag);
        self.mean > at(self.season - 1)
            && self.mean > at(self.season + 1)
            && at(2 * self.season) >= AGAIN * self.mean
    }
}

/// The mean correlation at a lag over the series that are long enough for a season.
fn mean(all: &[Correlations], season: usize, lag: usize) -> f64 {
    let having = || all.iter().filter(|one| one.longest() >= season);
    having().map(|one| one.values[lag]).sum::<f64>() / having().count() as f64
}

/// Autocorrelations of the differences of a series, from lag 0.
struct Correlations {
    values: Vec<f64>,
    /// Cumulative sums of squares before each lag, without lag 0.
    before: Vec<f64>,
    count: f64,
}

impl Correlations {
    /// Returns `None` if a series is too short or constant.
    fn of(series: &[f64]) -> Option<Correlations> {
        let series = &series[series.len().saturating_sub(VALUES)..];
        let longest = (series.len() / HELD).min(LONGEST);
        if longest < 2 {
            return None;
        }
        let mut differences: Vec<f64> = series.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let known: Vec<f64> = differences
            .iter()
            .copied()
            .filter(|d| d.is_finite())
            .collect();
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        let scale = known
            .iter()
            .fold(0.0, |most: f64, d| most.max((d - mean).abs()));
        if known.len() < 8 || scale == 0.0 || !scale.is_finite() {
            return None;
        }
        // Normalized, so that squares neither overflow nor underflow.
        differences
            .iter_mut()
            .for_each(|d| *d = (*d - mean) / scale);
        let at = |lag: usize| {
            let pairs = differences.iter().zip(&differences[lag..]);
            let products = pairs
                .map(|(a, b)| a * b)
                .filter(|product| product.is_finite());
            let (sum, count) =
                products.fold((0.0, 0), |(sum, count), product| (sum + product, count + 1));
            if count == 0 {
                0.0
            } else {
                sum / f64::from(count)
            }
        };
        let variance = at(0);
        let values: Vec<f64> = (0..=2 * longest + 1)
            .map(|lag| match lag < differences.len() {
                true => (at(lag) / variance).clamp(-1.0, 1.0),
                false => 0.0,
            })
            .collect();
        let mut before = vec![0.0; 2];
        for lag in 1..=longest {
            before.push(before[lag] + values[lag] * values[lag]);
        }
        Some(Correlations {
            values,
            before,
            count: known.len() as f64,
        })
    }

    fn longest(&self) -> usize {
        self.before.len() - 2
    }

    /// The correlation at a lag divided by its standard error.
    fn statistic(&self, lag: usize) -> f64 {
        self.values[lag] * (self.count / (1.0 + 2.0 * self.before[lag])).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Approximately normal noise: sums of uniform numbers from a small generator.
    fn noise(seed: u64, n: usize) -> Vec<f64> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut uniform = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        };
        (0..n).map(|_| (0..12).map(|_| uniform()).sum()).collect()
    }

    fn walk(steps: &[f64], drift: f64) -> Vec<f64> {
        let sum = |sum: &mut f64, step: &f64| {
            *sum += step + drift;
            Some(*sum)
        };
        steps.iter().scan(0.0, sum).collect()
    }

    fn seasonal(period: usize, n: usize, seed: u64) -> Vec<f64> {
        // One step of each season is high, the next one low.
        let shape: Vec<f64> = (0..period)
            .map(|step| [2.0, -1.0, 0.0][step.min(2)])
            .collect();
        let noise = noise(seed + 2, n);
        (0..n)
            .map(|t| 0.3 * t as f64 + 3.0 * shape[t % period] + noise[t])
            .collect()
    }

    #[test]
    fn a_season_is_found_in_one_series_or_many() {
        for period in [2, 3, 4, 5, 7, 12, 24, 52] {
            let one = seasonal(period, 200.max(12 * period), 7);
            assert_eq!(
                find(&[&one]).map(|found| found.season),
                Some(period),
                "{period}"
            );
        }
        // Half of the series have no season.
        let many: Vec<Vec<f64>> = (0..40)
            .map(|i| match i % 2 {
                0 => seasonal(4, 40, i),
                _ => walk(&noise(i, 40), 0.1),
            })
            .collect();
        let many: Vec<&[f64]> = many.iter().map(Vec::as_slice).collect();
        let found = find(&many).unwrap();
        assert_eq!((found.season, found.looked_at), (4, 40));
        assert!((18..=26).contains(&found.held), "{found:?}");
    }

    #[test]
    fn missing_and_large_values_do_not_hide_a_season() {
        let mut series = seasonal(7, 140, 3);
        (0..140).step_by(11).for_each(|t| series[t] = f64::NAN);
        assert_eq!(find(&[&series]).unwrap().season, 7);
        series.iter_mut().for_each(|value| *value *= 1e99);
        assert_eq!(find(&[&series]).unwrap().season, 7);
        series.iter_mut().for_each(|value| *value *= 1e-198);
        assert_eq!(find(&[&series]).unwrap().season, 7);
    }

    #[test]
    fn short_and_constant_series_have_none() {
        for series in [
            &[][..],
            &[1.0],
            &[1.0, 2.0, 1.0, 2.0],
            &[5.0; 40],
            &[f64::NAN; 40],
        ] {
            assert_eq!(find(&[series]), None);
        }
        assert_eq!(find(&[]), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// Noise, random walks and trends have no season, however many there are.
        #[test]
        fn no_season_is_found_in_noise(
            seed in 1u64..1_000_000, n in 20usize..300, count in 1u64..12, kind in 0usize..3,
        ) {
            let series = |i: u64| match kind {
                0 => noise(seed + i, n),
                1 => walk(&noise(seed + i, n), 0.0),
                _ => walk(&noise(seed + i, n), 0.5),
            };
            let all: Vec<Vec<f64>> = (0..count).map(series).collect();
            let all: Vec<&[f64]> = all.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(find(&all), None);
        }
    }
}
