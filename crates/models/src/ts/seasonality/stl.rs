//! Decomposition of a series into trend, season and remainder by loess: STL (Cleveland et al.
//! 1990), and with several seasons in turn (MSTL, Bandara, Hyndman and Bergmeir 2021).

use crate::ts::diagnostics::variance;

/// Windows and degrees of the smoothers.
#[derive(Clone, Copy, Debug)]
pub struct StlOptions {
    /// Steps of a season.
    pub period: usize,
    /// Window over the cycles of the season, odd.
    pub seasonal: usize,
    /// Degree of the smoother over the cycles: 0 constant, 1 linear.
    pub seasonal_degree: usize,
    /// Number of rounds of the inner loop.
    pub rounds: usize,
    /// Whether to smooth only some of the points and interpolate the others linearly.
    pub jump: bool,
}

/// A decomposed series; the components add up to it.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// The slowly changing component.
    pub trend: Vec<f64>,
    /// One season per period.
    pub seasons: Vec<Vec<f64>>,
    /// The rest.
    pub remainder: Vec<f64>,
}

fn odd(value: usize) -> usize {
    value | 1
}

impl StlOptions {
    /// The settings of R's `mstl` for its first season.
    pub fn new(period: usize, seasonal: usize) -> Self {
        Self {
            period,
            seasonal,
            seasonal_degree: 0,
            rounds: 2,
            jump: true,
        }
    }

    /// Trend and season of `series`, which must have at least two periods and no missing values.
    ///
    /// What is left, the remainder, is `series` minus both.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::ts::seasonality::stl::StlOptions;
    ///
    /// let series: Vec<f64> = (0..60).map(|t| f64::from(t) + [3.0, -1.0, -2.0][t as usize % 3]).collect();
    /// let (trend, season) = StlOptions::new(3, 11).decompose(&series);
    /// for t in 0..60 {
    ///     assert!((series[t] - trend[t] - season[t]).abs() < 0.1, "{t}");
    /// }
    /// ```
    pub fn decompose(&self, series: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let n = series.len();
        let seasonal = odd(self.seasonal.max(3));
        let window = 1.5 * self.period as f64 / (1.0 - 1.5 / seasonal as f64);
        let trend_window = odd(window.ceil() as usize);
        let low_window = odd(self.period + 1);
        let jump = |window: usize| if self.jump { window.div_ceil(10) } else { 1 };
        let mut trend = vec![0.0; n];
        let mut season = vec![0.0; n];
        for _ in 0..self.rounds {
            let detrended: Vec<f64> = series.iter().zip(&trend).map(|(y, t)| y - t).collect();
            let cycle = self.cycles(&detrended, seasonal, jump(seasonal));
            let low = self.low_pass(&cycle);
            let low = loess(&low, low_window, 1, jump(low_window));
            for t in 0..n {
                season[t] = cycle[self.period + t] - low[t];
            }
            let adjusted: Vec<f64> = series.iter().zip(&season).map(|(y, s)| y - s).collect();
            trend = loess(&adjusted, trend_window, 1, jump(trend_window));
        }
        (trend, season)
    }

    /// Smooths each position of the season over the periods, extended by one period on both sides.
    fn cycles(&self, detrended: &[f64], window: usize, jump: usize) -> Vec<f64> {
        let (n, m) = (detrended.len(), self.period);
        let mut out = vec![0.0; n + 2 * m];
        for position in 0..m {
            let values: Vec<f64> = detrended
                .iter()
                .skip(position)
                .step_by(m)
                .copied()
                .collect();
            let smooth = loess(&values, window, self.seasonal_degree, jump);
            let length = values.len() as f64;
            let before = local(&values, 0.0, window, self.seasonal_degree);
            let after = local(&values, length + 1.0, window, self.seasonal_degree);
            let whole = std::iter::once(before).chain(smooth).chain([after]);
            for (index, value) in whole.enumerate() {
                out[position + index * m] = value;
            }
        }
        out
    }

    /// Moving averages of lengths period, period and three.
    fn low_pass(&self, cycle: &[f64]) -> Vec<f64> {
        moving_average(
            &moving_average(&moving_average(cycle, self.period), self.period),
            3,
        )
    }
}

fn moving_average(values: &[f64], window: usize) -> Vec<f64> {
    let mut sum: f64 = values[..window].iter().sum();
    let mut out = vec![sum / window as f64];
    for t in window..values.len() {
        sum += values[t] - values[t - window];
        out.push(sum / window as f64);
    }
    out
}

/// Loess at positions 1, 2, ... of equally spaced values; every `jump`-th and the last are
/// computed.
fn loess(values: &[f64], window: usize, degree: usize, jump: usize) -> Vec<f64> {
    let n = values.len();
    let mut out = vec![0.0; n];
    let mut last = 0;
    for t in (0..n).step_by(jump.max(1)).chain([n - 1]) {
        out[t] = local(values, t as f64 + 1.0, window, degree);
        for between in last + 1..t {
            let share = (between - last) as f64 / (t - last) as f64;
            out[between] = out[last] + share * (out[t] - out[last]);
        }
        last = t;
    }
    out
}

/// The local fit at `x` (values are at 1, 2, ...), with tricube weights over the nearest `window`
/// values.
fn local(values: &[f64], x: f64, window: usize, degree: usize) -> f64 {
    let n = values.len();
    let half = (window - 1) / 2;
    let (left, right) = if window >= n {
        (0, n - 1)
    } else {
        let left = (x as isize - 1 - half as isize).clamp(0, (n - window) as isize) as usize;
        (left, left + window - 1)
    };
    let (first, last) = (left as f64 + 1.0, right as f64 + 1.0);
    let mut reach = (x - first).max(last - x);
    if window > n {
        reach += ((window - n) / 2) as f64;
    }
    let weight = |t: usize| {
        let distance = (t as f64 + 1.0 - x).abs();
        if distance > 0.999 * reach {
            0.0
        } else if distance > 0.001 * reach {
            let r = distance / reach;
            let one = 1.0 - r * r * r;
            one * one * one
        } else {
            1.0
        }
    };
    let (mut sum, mut at, mut square, mut value, mut product) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (t, y) in values.iter().enumerate().take(right + 1).skip(left) {
        let (w, offset) = (weight(t), t as f64 + 1.0 - x);
        sum += w;
        at += w * offset;
        square += w * offset * offset;
        value += w * y;
        product += w * offset * y;
    }
    if sum <= 0.0 {
        return values[((x - 1.0).max(0.0) as usize).min(n - 1)];
    }
    let (mean, value) = (at / sum, value / sum);
    let spread = square / sum - mean * mean;
    if degree > 0 && spread.max(0.0).sqrt() > 0.001 * (n as f64 - 1.0) {
        let slope = (product / sum - mean * value) / spread;
        value - slope * mean
    } else {
        value
    }
}

/// Estimates several seasons, shortest first, each refined once after the others are known.
pub fn decompose(series: &[f64], periods: &[usize], windows: impl Fn(usize) -> usize) -> Parts {
    let mut seasons = vec![vec![0.0; series.len()]; periods.len()];
    let mut rest = series.to_vec();
    let mut trend = vec![0.0; series.len()];
    let rounds = if periods.len() > 1 { 2 } else { 1 };
    for _ in 0..rounds {
        for (index, &period) in periods.iter().enumerate() {
            for (r, s) in rest.iter_mut().zip(&seasons[index]) {
                *r += s;
            }
            let options = StlOptions::new(period, windows(index));
            (trend, seasons[index]) = options.decompose(&rest);
            for (r, s) in rest.iter_mut().zip(&seasons[index]) {
                *r -= s;
            }
        }
    }
    let remainder = rest.iter().zip(&trend).map(|(r, t)| r - t).collect();
    Parts {
        trend,
        seasons,
        remainder,
    }
}

/// Strength of seasonality: max(0, 1 - Var(remainder) / Var(season + remainder)) (Wang, Smith and
/// Hyndman 2006).
///
/// # Examples
/// ```
/// use easylife_models::ts::seasonality::stl::strength;
///
/// let season = [1.0, -1.0, 1.0, -1.0];
/// assert_eq!(strength(&[6.0, 4.0, 6.0, 4.0], &[5.0; 4], &season), 1.0);
/// assert_eq!(strength(&[5.0; 4], &[5.0; 4], &[0.0; 4]), 0.0);
/// ```
pub fn strength(series: &[f64], trend: &[f64], season: &[f64]) -> f64 {
    let detrended: Vec<f64> = series.iter().zip(trend).map(|(y, t)| y - t).collect();
    let remainder: Vec<f64> = detrended.iter().zip(season).map(|(d, s)| d - s).collect();
    let whole = variance(&detrended);
    if whole > 0.0 {
        (1.0 - variance(&remainder) / whole).max(0.0)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ts::reference::{floats, known_answers, series};

    #[test]
    fn components_agree_with_statsmodels() {
        let known = known_answers();
        for case in known["tests"].as_array().unwrap() {
            let Some(want) = case["stl_seasonal_strength_window11"].as_f64() else {
                continue;
            };
            let name = case["series"].as_str().unwrap();
            let y = series(name, false).y;
            let options = StlOptions {
                period: if name.starts_with("bike") { 7 } else { 12 },
                seasonal: 11,
                seasonal_degree: 1,
                rounds: 5,
                jump: false,
            };
            let (trend, season) = options.decompose(&y);
            let got = strength(&y, &trend, &season);
            assert!((got - want).abs() < 1e-9, "{name}: {got}, expected {want}");
            let first = |part: &str| floats(&case["stl_first5"][part]);
            for (got, want) in trend.iter().zip(first("trend")) {
                assert!((got - want).abs() < 1e-8 * want.abs(), "{got} {want}");
            }
            for (got, want) in season.iter().zip(first("seasonal")) {
                assert!((got - want).abs() < 1e-8 * want.abs(), "{got} {want}");
            }
        }
    }

    #[test]
    fn components_add_up_and_two_seasons_are_separated() {
        let wave = |t: usize, m: usize| libm::sin(t as f64 * 2.0 * std::f64::consts::PI / m as f64);
        let y: Vec<f64> = (0..240)
            .map(|t| 0.1 * t as f64 + 3.0 * wave(t, 6) + 5.0 * wave(t, 30))
            .collect();
        let parts = decompose(&y, &[6, 30], |_| 11);
        for (t, y) in y.iter().enumerate() {
            let sum = parts.trend[t] + parts.seasons[0][t] + parts.seasons[1][t];
            assert!((sum + parts.remainder[t] - y).abs() < 1e-10);
        }
        assert!((parts.seasons[0][120] - 3.0 * wave(120, 6)).abs() < 0.3);
        assert!((parts.seasons[1][125] - 5.0 * wave(125, 30)).abs() < 0.5);
    }
}
