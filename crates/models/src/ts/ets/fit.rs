//! Fits the most likely ETS model of a series: starting points, search, and choice of the kind.
//!
//! Initial states are estimated along with the smoothing parameters, all by least squares with
//! exact derivatives.

use super::kind::{Kind, Part, Trend};
use super::model::Ets;
use super::states::{Smoothing, States};
use crate::kernels::math;
use crate::ts::estimation::criteria::{aicc, log_likelihood};
use crate::ts::estimation::dual::{Real, with_slopes};
use crate::ts::estimation::least_squares::{Residuals, Stop, minimize, sum_of_squares};
use crate::ts::gaps::filled;

const SHARE: (f64, f64) = (1e-4, 0.9999);
const DAMPING: (f64, f64) = (0.8, 0.98);

/// Kinds with relative errors of half of the expected value and more are left out. A jump to a hundred times the level
/// is a relative error of 99; variances of forecasts, which grow with every step by such errors' squares, then leave all
/// bounds, while the next best kind, with additive errors, takes the jump for what it is.
const MAX_RELATIVE_VARIANCE: f64 = 0.25;

/// Prior density of the smoothing parameters: each ratio x (α, β / α, γ / (1 - α), and φ within its
/// bounds) has a density proportional to x^a (1 - x)^b.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior {
    /// (a, b) of α.
    pub alpha: (f64, f64),
    /// (a, b) of β / α.
    pub beta: (f64, f64),
    /// (a, b) of γ / (1 - α).
    pub gamma: (f64, f64),
    /// (a, b) of φ.
    pub phi: (f64, f64),
}

impl Prior {
    /// The uniform density: maximum likelihood.
    pub const FLAT: Self = Self {
        alpha: (0.0, 0.0),
        beta: (0.0, 0.0),
        gamma: (0.0, 0.0),
        phi: (0.0, 0.0),
    };

    /// Favours slowly changing slopes and seasons, and moving levels: in short series the most
    /// likely slope often follows the last few values, which makes forecasts worse. Chosen at
    /// rolling origins of the training splits of the M3 and tourism series.
    pub const SLOW: Self = Self {
        alpha: (1.0, 0.0),
        beta: (0.0, 5.0),
        gamma: (0.0, 2.0),
        phi: (0.0, 0.0),
    };

    /// -2 ln density of free parameters.
    fn cost<T: Real>(&self, kind: &Kind, free: &[T]) -> T {
        let mut rest = free.iter().copied();
        let mut sum = T::of(0.0);
        let mut add = |(a, b): (f64, f64), (low, high): (f64, f64)| {
            if let Some(value) = rest.next()
                && (a != 0.0 || b != 0.0)
            {
                let x = (value - low) * (1.0 / (high - low));
                sum += (x + 1e-4).ln() * (-2.0 * a) + (-x + 1.0001).ln() * (-2.0 * b);
            }
        };
        add(self.alpha, SHARE);
        if kind.trended() {
            add(self.beta, SHARE);
        }
        if kind.season != Part::None {
            add(self.gamma, SHARE);
        }
        if kind.trend == Trend::Damped {
            add(self.phi, DAMPING);
        }
        sum
    }
}

/// A kind and the series it is fitted to.
#[derive(Clone, Copy, Debug)]
struct Problem<'a> {
    kind: Kind,
    prior: Prior,
    /// In units of its mean magnitude.
    series: &'a [f64],
    observations: usize,
}

/// Unpacks free parameters: α, β / α, γ / (1 - α), φ, level, slope, all seasons but one.
fn unpack<T: Real>(kind: &Kind, free: &[T]) -> (Smoothing<T>, States<T>) {
    let mut rest = free.iter().copied();
    let mut take = || rest.next().unwrap_or(T::of(0.0));
    let alpha = take();
    let mut by = Smoothing {
        alpha,
        beta: T::of(0.0),
        gamma: T::of(0.0),
        phi: T::of(1.0),
    };
    if kind.trended() {
        by.beta = alpha * take();
    }
    if kind.season != Part::None {
        by.gamma = (-alpha + 1.0) * take();
    }
    if kind.trend == Trend::Damped {
        by.phi = take();
    }
    let level = take();
    let slope = if kind.trended() { take() } else { T::of(0.0) };
    let mut seasons: Vec<T> = (1..kind.seasons()).map(|_| take()).collect();
    if kind.season != Part::None {
        let mut last = match kind.season {
            Part::Multiplicative => T::of(kind.period as f64),
            _ => T::of(0.0),
        };
        for &season in &seasons {
            last -= season;
        }
        seasons.push(last);
    }
    let states = States {
        level,
        slope,
        seasons,
        next: 0,
    };
    (by, states)
}

impl Residuals for Problem<'_> {
    fn bounds(&self, index: usize) -> (f64, f64) {
        let smoothing = self.kind.smoothing();
        if index >= smoothing {
            (f64::NEG_INFINITY, f64::INFINITY)
        } else if self.kind.trend == Trend::Damped && index == smoothing - 1 {
            DAMPING
        } else {
            SHARE
        }
    }

    /// Errors, or relative errors times the geometric mean of the expected values, so that least
    /// squares give maximum likelihood.
    fn residuals<T: Real>(&self, free: &[T], out: &mut Vec<T>) -> bool {
        let (by, mut states) = unpack(&self.kind, free);
        let positive = self.kind.relative || self.kind.season == Part::Multiplicative;
        let (mut logs, mut product) = (T::of(0.0), T::of(1.0));
        for &y in self.series {
            let (base, expected) = states.expected(&self.kind, by.phi);
            if positive && !(expected.value() > 1e-8 && base.value() > 1e-8) {
                return false;
            }
            if !y.is_finite() {
                states.advance(&self.kind, &by, base, None);
                continue;
            }
            let error = -expected + y;
            if self.kind.relative {
                out.push(error / expected);
                product = product * expected;
                if !(1e-100..1e100).contains(&product.value()) {
                    logs += product.ln();
                    product = T::of(1.0);
                }
            } else {
                out.push(error);
            }
            states.advance(&self.kind, &by, base, Some(error));
        }
        if self.kind.relative || self.prior != Prior::FLAT {
            let whole = logs + product.ln() + self.prior.cost(&self.kind, free) * 0.5;
            let scale = (whole * (1.0 / self.observations as f64)).exp();
            for u in out {
                *u = *u * scale;
            }
        }
        true
    }
}

/// The result of a search: free parameters and the minimum.
#[derive(Clone, Debug)]
struct Fitted {
    kind: Kind,
    free: Vec<f64>,
    squares: f64,
}

impl Fitted {
    /// Builds the model of `series`, which the search saw divided by `size`.
    fn finish(&self, series: &[f64], size: f64, observations: usize) -> Ets {
        let kind = self.kind;
        let (smoothing, mut start) = unpack(&kind, &self.free);
        start.level *= size;
        start.slope *= size;
        if kind.season == Part::Additive {
            start.seasons.iter_mut().for_each(|s| *s *= size);
        }
        let log_likelihood =
            log_likelihood(self.squares, observations) - observations as f64 * math::ln(size);
        Ets {
            log_likelihood,
            aicc: aicc(log_likelihood, kind.parameters() + 1, observations),
            ..Ets::run(kind, smoothing, start, series, kind.parameters())
        }
    }
}

/// Initial seasons and a straight line, to start a search from.
struct Guess {
    level: f64,
    slope: f64,
    additive: Vec<f64>,
    multiplicative: Vec<f64>,
}

/// Averages of the first periods after removing a moving average, and a line through the first
/// values without the season.
fn guess(series: &[f64], period: usize) -> Guess {
    let n = series.len();
    let mut guess = Guess {
        level: 0.0,
        slope: 0.0,
        additive: vec![0.0; period],
        multiplicative: vec![1.0; period],
    };
    if period > 1 && n >= 2 * period {
        let span = n.min(period * 4);
        let (mut sums, mut ratios) = (vec![0.0; period], vec![0.0; period]);
        let mut counts = vec![0.0f64; period];
        for t in period / 2..span - period / 2 {
            let window = &series[t - period / 2..(t + period / 2 + 1).min(n)];
            let inner: f64 = window.iter().sum();
            let ends = if period.is_multiple_of(2) {
                0.5 * (window[0] + window[window.len() - 1])
            } else {
                0.0
            };
            let average = (inner - ends) / period as f64;
            sums[t % period] += series[t] - average;
            ratios[t % period] += if average > 0.0 {
                series[t] / average
            } else {
                1.0
            };
            counts[t % period] += 1.0;
        }
        for i in 0..period {
            if counts[i] > 0.0 {
                guess.additive[i] = sums[i] / counts[i];
                guess.multiplicative[i] = (ratios[i] / counts[i]).max(0.01);
            }
        }
        let shift = guess.additive.iter().sum::<f64>() / period as f64;
        let scale = guess.multiplicative.iter().sum::<f64>() / period as f64;
        guess.additive.iter_mut().for_each(|s| *s -= shift);
        guess.multiplicative.iter_mut().for_each(|s| *s /= scale);
    }
    let first = n.min(10.max(2 * period));
    let (mut x, mut y, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0);
    for (t, level) in series.iter().enumerate().take(first) {
        let (at, value) = (t as f64 + 1.0, level - guess.additive[t % period]);
        x += at;
        y += value;
        xx += at * at;
        xy += at * value;
    }
    let count = first as f64;
    let spread = xx - x * x / count;
    guess.slope = if spread > 0.0 {
        (xy - x * y / count) / spread
    } else {
        0.0
    };
    guess.level = y / count - guess.slope * x / count;
    guess
}

impl Guess {
    /// Starting points: α and γ from small to large; a thorough search also tries a quickly
    /// changing and a strongly damped slope, where the likelihood often has a second maximum.
    fn starts(&self, kind: &Kind, thorough: bool) -> Vec<Vec<f64>> {
        let few = |when: bool, all: &'static [f64]| if when { all } else { &all[..1] };
        let damped = kind.trend == Trend::Damped;
        let mut starts = Vec::new();
        for &alpha in &[0.1, 0.3, 0.75] {
            for &gamma in few(kind.season != Part::None, &[0.05, 0.5, 0.99]) {
                for &beta in few(thorough && kind.trended(), &[0.1, 0.6]) {
                    for &phi in few(thorough && damped, &[0.96, 0.85]) {
                        let by = Smoothing {
                            alpha,
                            beta,
                            gamma,
                            phi,
                        };
                        starts.push(self.free(kind, &by));
                    }
                }
            }
        }
        starts
    }

    /// Free parameters at these ratios and the guessed states.
    fn free(&self, kind: &Kind, by: &Smoothing<f64>) -> Vec<f64> {
        let mut free = vec![by.alpha];
        if kind.trended() {
            free.push(by.beta);
        }
        if kind.season != Part::None {
            free.push(by.gamma);
        }
        if kind.trend == Trend::Damped {
            free.push(by.phi);
        }
        free.push(match kind.trend {
            Trend::None => self.level + self.slope,
            _ => self.level,
        });
        if kind.trended() {
            free.push(self.slope);
        }
        let seasons = match kind.season {
            Part::None => &[][..],
            Part::Additive => &self.additive[..kind.period - 1],
            Part::Multiplicative => &self.multiplicative[..kind.period - 1],
        };
        free.extend(seasons);
        free
    }
}

/// Which kinds to fit, and how.
#[derive(Clone, Copy, Debug)]
pub struct EtsOptions {
    /// Steps of a season; 1 if there is none.
    pub period: usize,
    /// Fit only this kind.
    pub kind: Option<Kind>,
    /// Prior density of the smoothing parameters.
    pub prior: Prior,
    /// The stopping rule of the search.
    pub stop: Stop,
    /// Whether to search from several starts instead of only the most promising one.
    pub thorough: bool,
}

impl EtsOptions {
    /// Settings for many series: every kind, [`Prior::SLOW`], one start per kind.
    pub fn new(period: usize) -> Self {
        Self {
            period: period.max(1),
            kind: None,
            prior: Prior::SLOW,
            stop: Stop {
                decrease: 1e-7,
                steps: 30,
            },
            thorough: false,
        }
    }

    /// The additive Holt-Winters method, by thorough least squares: ETS(A,A,A), or ETS(A,A,N)
    /// without a season.
    pub fn holt_winters(period: usize) -> Self {
        let season = match period {
            0 | 1 => Part::None,
            _ => Part::Additive,
        };
        Self {
            kind: Some(Kind {
                relative: false,
                trend: Trend::Additive,
                season,
                period,
            }),
            prior: Prior::FLAT,
            thorough: true,
            ..Self::new(period)
        }
    }

    /// Fits to `series`, with NaN for missing values, and chooses the kind with the smallest AICc.
    ///
    /// `None` if there are too few values.
    pub fn fit(&self, series: &[f64]) -> Option<Ets> {
        let first = |all: Vec<Ets>| all.into_iter().next();
        first(self.fit_best(series, 1))
    }

    /// The `most` best kinds by AICc, best first.
    pub fn fit_best(&self, series: &[f64], most: usize) -> Vec<Ets> {
        let finite: Vec<f64> = series.iter().copied().filter(|y| y.is_finite()).collect();
        let size = finite.iter().map(|y| y.abs()).sum::<f64>() / finite.len().max(1) as f64;
        if size.is_nan() || size <= 0.0 {
            return Vec::new();
        }
        let scaled: Vec<f64> = series.iter().map(|y| y / size).collect();
        let Some(whole) = filled(&scaled) else {
            return Vec::new();
        };
        let positive = finite.iter().all(|y| *y > 0.0);
        let guess = guess(&whole, self.period);
        let kinds = self.kinds(positive, finite.len()).into_iter();
        let mut fits: Vec<(f64, Fitted)> = kinds
            .map(|kind| {
                let problem = Problem {
                    kind,
                    prior: self.prior,
                    series: &scaled,
                    observations: finite.len(),
                };
                let fitted = self.fit_kind(&problem, &guess);
                let likelihood = log_likelihood(fitted.squares, finite.len());
                (
                    aicc(likelihood, kind.parameters() + 1, finite.len()),
                    fitted,
                )
            })
            .filter(|(aicc, _)| aicc.is_finite())
            .collect();
        fits.sort_by(|a, b| a.0.total_cmp(&b.0));
        let all = (fits.iter()).map(|(_, fitted)| fitted.finish(series, size, finite.len()));
        all.filter(|model| !model.kind.relative || model.variance < MAX_RELATIVE_VARIANCE)
            .take(most)
            .collect()
    }

    fn fit_kind(&self, problem: &Problem, guess: &Guess) -> Fitted {
        let kind = problem.kind;
        let mut starts = guess.starts(&kind, self.thorough);
        if !self.thorough {
            let costs: Vec<f64> = starts.iter().map(|s| sum_of_squares(problem, s)).collect();
            let least = (0..costs.len()).fold(0, |a, b| if costs[b] < costs[a] { b } else { a });
            starts = vec![starts.swap_remove(least)];
        }
        let mut best = (f64::INFINITY, Vec::new());
        for mut free in starts {
            let count = free.len();
            let squares = with_slopes!(count, K => minimize::<K>(problem, &mut free, self.stop));
            if best.1.is_empty() || squares < best.0 {
                best = (squares, free);
            }
        }
        let (squares, free) = best;
        let cost = problem.prior.cost(&kind, &free);
        Fitted {
            kind,
            free,
            squares: squares * math::exp(-cost / problem.observations as f64),
        }
    }

    /// The stable kinds that the series allows: multiplicative ones need positive values, seasons
    /// need two periods, and every kind needs more values than parameters.
    fn kinds(&self, positive: bool, observations: usize) -> Vec<Kind> {
        if let Some(kind) = self.kind {
            return vec![kind];
        }
        let mut kinds = Vec::new();
        for season in [Part::None, Part::Additive, Part::Multiplicative] {
            for trend in [Trend::None, Trend::Additive, Trend::Damped] {
                for relative in [false, true] {
                    let kind = Kind {
                        relative,
                        trend,
                        season,
                        period: self.period,
                    };
                    let seasonal = season != Part::None;
                    let stable = season != Part::Multiplicative || relative;
                    let allowed = positive || !(relative || season == Part::Multiplicative);
                    let enough = observations > kind.parameters() + 2
                        && (!seasonal || (self.period > 1 && observations >= 2 * self.period));
                    if stable && allowed && enough && kind.parameters() <= 32 {
                        kinds.push(kind);
                    }
                }
            }
        }
        kinds
    }
}
