//! Exponential smoothing as a state-space model of a level, a slope and a season with one source
//! of error (Hyndman, Koehler, Ord and Snyder 2008), by maximum likelihood.
//!
//! Additive and multiplicative errors move the states alike, so that one recursion serves both;
//! they differ in what the likelihood sees: e, or e / μ. Starting states are estimated with the
//! smoothing parameters, all by least squares with exact slopes.

use super::arima::{Forecast, aicc};
use super::dual::{Real, with_slopes};
use super::least_squares::{Residuals, Stop, minimize, sum_of_squares};
use super::likelihood::log_likelihood;
use crate::models::kernels::math;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    None,
    Additive,
    Multiplicative,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    None,
    Additive,
    Damped,
}

/// One model of the family, such as ETS(M,Ad,M).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Whether errors are relative to what was expected.
    pub relative: bool,
    pub trend: Trend,
    pub season: Part,
    /// Steps of a season; 1 where there is none.
    pub period: usize,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let error = if self.relative { "M" } else { "A" };
        let trend = match self.trend {
            Trend::None => "N",
            Trend::Additive => "A",
            Trend::Damped => "Ad",
        };
        let season = match self.season {
            Part::None => "N",
            Part::Additive => "A",
            Part::Multiplicative => "M",
        };
        write!(f, "ETS({error},{trend},{season})")
    }
}

impl Kind {
    fn trended(&self) -> bool {
        self.trend != Trend::None
    }

    fn seasons(&self) -> usize {
        if self.season == Part::None {
            0
        } else {
            self.period
        }
    }

    /// Smoothing parameters: α, β, γ, φ as far as there are.
    pub fn smoothing(&self) -> usize {
        1 + usize::from(self.trended())
            + usize::from(self.season != Part::None)
            + usize::from(self.trend == Trend::Damped)
    }

    /// All that is estimated but the variance: the last season follows from the others.
    pub fn parameters(&self) -> usize {
        self.smoothing() + 1 + usize::from(self.trended()) + self.seasons().saturating_sub(1)
    }
}

/// Smoothing parameters in the usual region: 0 < β < α < 1, 0 < γ < 1 - α.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothing<T> {
    pub alpha: T,
    pub beta: T,
    pub gamma: T,
    pub phi: T,
}

/// A level, a slope, and the seasons, the coming one first.
#[derive(Clone, Debug, PartialEq)]
pub struct States<T> {
    pub level: T,
    pub slope: T,
    pub seasons: Vec<T>,
    /// Which season comes next.
    pub next: usize,
}

impl<T: Real> States<T> {
    /// What comes next: without and with the season.
    #[inline]
    fn expected(&self, kind: &Kind, phi: T) -> (T, T) {
        let base = match kind.trend {
            Trend::None => self.level,
            Trend::Additive => self.level + self.slope,
            Trend::Damped => self.level + phi * self.slope,
        };
        let whole = match kind.season {
            Part::None => base,
            Part::Additive => base + self.seasons[self.next],
            Part::Multiplicative => base * self.seasons[self.next],
        };
        (base, whole)
    }

    /// Moves on by an error; none: by a missing value.
    #[inline]
    fn advance(&mut self, kind: &Kind, by: &Smoothing<T>, base: T, error: Option<T>) {
        let damped = match kind.trend {
            Trend::Damped => by.phi * self.slope,
            _ => self.slope,
        };
        self.level = base;
        self.slope = damped;
        if let Some(error) = error {
            let error = match kind.season {
                Part::None => error,
                Part::Additive => {
                    self.seasons[self.next] += by.gamma * error;
                    error
                }
                Part::Multiplicative => {
                    let season = self.seasons[self.next];
                    self.seasons[self.next] += by.gamma * error / base;
                    error / season
                }
            };
            self.level += by.alpha * error;
            if kind.trended() {
                self.slope += by.beta * error;
            }
        }
        if kind.season != Part::None {
            self.next = if self.next + 1 == kind.period {
                0
            } else {
                self.next + 1
            };
        }
    }
}

const SHARE: (f64, f64) = (1e-4, 0.9999);
const DAMPING: (f64, f64) = (0.8, 0.98);

/// A kind and the series it is fitted to.
#[derive(Clone, Copy, Debug)]
struct Problem<'a> {
    kind: Kind,
    /// In units of its mean size.
    series: &'a [f64],
    observations: usize,
}

/// Parameters out of free numbers: α, β / α, γ / (1 - α), φ, level, slope, all seasons but one.
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

    /// Errors, or relative errors times the geometric mean of what was expected, so that the least
    /// squares are the greatest likelihood.
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
        if self.kind.relative {
            let scale = ((logs + product.ln()) * (1.0 / self.observations as f64)).exp();
            for u in out {
                *u = *u * scale;
            }
        }
        true
    }
}

/// A fitted model and its states after the last value.
#[derive(Clone, Debug)]
pub struct Ets {
    pub kind: Kind,
    pub smoothing: Smoothing<f64>,
    pub states: States<f64>,
    /// Before the first value.
    pub start: States<f64>,
    /// Of the errors, relative ones where the kind says so.
    pub variance: f64,
    pub log_likelihood: f64,
    pub aicc: f64,
    pub observations: usize,
}

/// A fit before it is run once more: free numbers and what they reach.
#[derive(Clone, Debug)]
struct Fitted {
    kind: Kind,
    free: Vec<f64>,
    squares: f64,
}

/// Seasons and a straight line to start a search from.
struct Guess {
    level: f64,
    slope: f64,
    additive: Vec<f64>,
    multiplicative: Vec<f64>,
}

/// Averages of what is left of the first periods without a moving average, and a line through
/// the first values without them.
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
    for t in 0..first {
        let (at, value) = (t as f64 + 1.0, series[t] - guess.additive[t % period]);
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
    fn free(&self, kind: &Kind, alpha: f64, gamma: f64) -> Vec<f64> {
        let mut free = vec![alpha];
        if kind.trended() {
            free.push(0.1);
        }
        if kind.season != Part::None {
            free.push(gamma);
        }
        if kind.trend == Trend::Damped {
            free.push(0.96);
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

/// Which kinds are tried.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub period: usize,
    /// Only this kind.
    pub kind: Option<Kind>,
    pub stop: Stop,
    /// Search from several starts, not from the most promising one alone.
    pub thorough: bool,
}

impl Options {
    pub fn new(period: usize) -> Self {
        Self {
            period: period.max(1),
            kind: None,
            stop: Stop {
                decrease: 1e-7,
                steps: 30,
            },
            thorough: false,
        }
    }

    /// Fits to `series`, NaN where a value is missing, and takes the kind with the least AICc.
    ///
    /// None where there are too few values.
    pub fn fit(&self, series: &[f64]) -> Option<Ets> {
        let finite: Vec<f64> = series.iter().copied().filter(|y| y.is_finite()).collect();
        let size = finite.iter().map(|y| y.abs()).sum::<f64>() / finite.len().max(1) as f64;
        if !(size > 0.0) {
            return None;
        }
        let scaled: Vec<f64> = series.iter().map(|y| y / size).collect();
        let whole = super::likelihood::filled(&scaled)?;
        let positive = finite.iter().all(|y| *y > 0.0);
        let guess = guess(&whole, self.period);
        let mut best: Option<(f64, Fitted)> = None;
        for kind in self.kinds(positive, finite.len()) {
            let problem = Problem {
                kind,
                series: &scaled,
                observations: finite.len(),
            };
            let fitted = self.fit_kind(&problem, &guess);
            let likelihood = log_likelihood(fitted.squares, finite.len());
            let aicc = aicc(likelihood, kind.parameters() + 1, finite.len());
            if best.as_ref().is_none_or(|(least, _)| aicc < *least) && aicc.is_finite() {
                best = Some((aicc, fitted));
            }
        }
        let (_, fitted) = best?;
        Some(Ets::finish(&fitted, series, size, finite.len()))
    }

    fn fit_kind(&self, problem: &Problem, guess: &Guess) -> Fitted {
        let kind = problem.kind;
        let mut starts: Vec<Vec<f64>> = Vec::new();
        for alpha in [0.1, 0.3, 0.75] {
            for gamma in [0.05, 0.5, 0.99] {
                starts.push(guess.free(&kind, alpha, gamma));
                if kind.season == Part::None {
                    break;
                }
            }
        }
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
        Fitted {
            kind,
            free,
            squares,
        }
    }

    /// The stable kinds that the series allows: multiplicative ones need positive values, seasons
    /// two periods, and every one more values than parameters.
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

impl Ets {
    fn finish(fitted: &Fitted, series: &[f64], size: f64, observations: usize) -> Self {
        let kind = fitted.kind;
        let (smoothing, mut start) = unpack(&kind, &fitted.free);
        start.level *= size;
        start.slope *= size;
        if kind.season == Part::Additive {
            start.seasons.iter_mut().for_each(|s| *s *= size);
        }
        let log_likelihood =
            log_likelihood(fitted.squares, observations) - observations as f64 * math::ln(size);
        let mut model = Self {
            kind,
            smoothing,
            states: start.clone(),
            start,
            variance: 0.0,
            log_likelihood,
            aicc: aicc(log_likelihood, kind.parameters() + 1, observations),
            observations,
        };
        let expected = model.update(series);
        let squares: f64 = series
            .iter()
            .zip(&expected)
            .filter(|(y, _)| y.is_finite())
            .map(|(y, mu)| {
                let error = y - mu;
                let error = if kind.relative { error / mu } else { error };
                error * error
            })
            .sum();
        model.variance = squares / observations.saturating_sub(kind.parameters()).max(1) as f64;
        model
    }

    /// Takes new values in without fitting again, and gives what each was expected to be. NaN is
    /// a missing value.
    pub fn update(&mut self, values: &[f64]) -> Vec<f64> {
        let Self {
            kind,
            smoothing,
            states,
            ..
        } = self;
        values
            .iter()
            .map(|y| {
                let (base, expected) = states.expected(kind, smoothing.phi);
                let error = y.is_finite().then(|| y - expected);
                states.advance(kind, smoothing, base, error);
                expected
            })
            .collect()
    }

    /// What each value of the series it was fitted to was expected to be.
    pub fn fitted(&self, series: &[f64]) -> Vec<f64> {
        let mut model = self.clone();
        model.states = self.start.clone();
        model.update(series)
    }

    /// The coming `ahead` steps: exact for additive errors, and for relative ones as far as
    /// Hyndman et al. 2008, chapter 6, have a formula (classes 1 to 3).
    pub fn forecast(&self, ahead: usize) -> Forecast {
        let mut states = self.states.clone();
        let mut bases = Vec::with_capacity(ahead);
        let mut mean = Vec::with_capacity(ahead);
        for _ in 0..ahead {
            let (base, expected) = states.expected(&self.kind, self.smoothing.phi);
            states.advance(&self.kind, &self.smoothing, base, None);
            bases.push(base);
            mean.push(expected);
        }
        let deviation = self.variances(&bases, &mean).into_iter();
        Forecast {
            deviation: deviation.map(|v| v.max(0.0).sqrt()).collect(),
            mean,
        }
    }

    /// c_j: how much of an error is left in the level j steps later.
    fn weights(&self, ahead: usize, seasonal: bool) -> Vec<f64> {
        let Smoothing {
            alpha,
            beta,
            gamma,
            phi,
        } = self.smoothing;
        let (mut sum, mut power) = (0.0, 1.0);
        (1..=ahead)
            .map(|j| {
                if self.kind.trend == Trend::Damped {
                    power *= phi;
                }
                sum += power;
                let slope = if self.kind.trended() { beta * sum } else { 0.0 };
                let season = seasonal && j.is_multiple_of(self.kind.period);
                alpha + slope + if season { gamma } else { 0.0 }
            })
            .collect()
    }

    fn variances(&self, bases: &[f64], mean: &[f64]) -> Vec<f64> {
        let ahead = mean.len();
        let own_season = self.kind.season == Part::Multiplicative;
        let c = self.weights(ahead, self.kind.season == Part::Additive);
        let variance = self.variance;
        if !self.kind.relative && !own_season {
            let mut sum = 1.0;
            return (0..ahead)
                .map(|h| {
                    if h > 0 {
                        sum += c[h - 1] * c[h - 1];
                    }
                    variance * sum
                })
                .collect();
        }
        // θ_h = μ_h² + σ² Σ c_j² θ_{h-j}; the season multiplies what it leaves.
        let centre = if own_season { bases } else { mean };
        let relative = match self.kind.relative {
            true => variance,
            false => variance / centre[0].abs().max(f64::MIN_POSITIVE).powi(2),
        };
        let mut theta: Vec<f64> = Vec::with_capacity(ahead);
        for h in 0..ahead {
            let past: f64 = (0..h).map(|j| c[j] * c[j] * theta[h - 1 - j]).sum();
            theta.push(centre[h] * centre[h] + relative * past);
        }
        (0..ahead)
            .map(|h| {
                let whole = (1.0 + relative) * theta[h];
                if !own_season {
                    return whole - mean[h] * mean[h];
                }
                let season = if bases[h] == 0.0 {
                    1.0
                } else {
                    mean[h] / bases[h]
                };
                let gamma = self.smoothing.gamma;
                let rounds = (h / self.kind.period) as i32;
                let wider = (1.0 + gamma * gamma * relative).powi(rounds);
                season * season * (whole * wider - bases[h] * bases[h])
            })
            .collect()
    }
}
