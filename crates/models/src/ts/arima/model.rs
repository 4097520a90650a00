//! ARIMA(p,d,q)(P,D,Q)\[m\] with mean, drift or regressors, by exact maximum likelihood.

use super::chandrasekhar::{Arma, Filter};
use super::interpolation::interpolate;
use super::likelihood::{Design, Likelihood, coefficients, difference, solve};
use super::polynomial::{Orders, free, roots_beyond};
use crate::ts::estimation::criteria::{aicc, log_likelihood};
use crate::ts::estimation::dual::with_slopes;
use crate::ts::estimation::least_squares::{Stop, minimize, sum_of_squares};
use crate::ts::forecast::Forecast;
use crate::ts::gaps::filled;
use crate::ts::seasonality::interpolation::interpolated;

/// Largest number of missing values that are parameters of the exact likelihood, whose cost grows with its square.
const MAX_EXACT: usize = 8;

/// The deterministic term estimated along with the ARMA coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Constant {
    /// None: the mean of the differences is zero.
    None,
    /// A level, if no differences are taken.
    Mean,
    /// A slope, if differences are taken once.
    Drift,
}

/// How a model is fitted.
#[derive(Clone, Debug)]
pub struct ArimaOptions {
    /// (p,d,q)(P,D,Q)\[m\].
    pub orders: Orders,
    /// Mean, drift or none.
    pub constant: Constant,
    /// The stopping rule of the search.
    pub stop: Stop,
    /// Whether to search from several starts instead of only the most promising one.
    pub thorough: bool,
}

impl ArimaOptions {
    /// Settings of a single, thorough fit: relative decrease 1e-12, at most 200 steps, several
    /// starts.
    pub fn new(orders: Orders, constant: Constant) -> Self {
        Self {
            orders,
            constant,
            stop: Stop {
                decrease: 1e-12,
                steps: 200,
            },
            thorough: true,
        }
    }
}

/// A fitted model and its state after the last value.
#[derive(Clone, Debug)]
pub struct Arima {
    /// (p,d,q)(P,D,Q)\[m\].
    pub orders: Orders,
    /// The deterministic term, whose coefficient comes first in `regression`.
    pub constant: Constant,
    /// φ, θ, Φ, Θ.
    pub coefficients: Vec<f64>,
    /// Coefficients of the deterministic term, then of the regressors.
    pub regression: Vec<f64>,
    /// Variance of the innovations.
    pub variance: f64,
    /// ln L at its maximum, over the differenced series (R's convention).
    pub log_likelihood: f64,
    /// Akaike's criterion with the correction for small samples.
    pub aicc: f64,
    /// Number of differences in the likelihood.
    pub observations: usize,
    /// State of the differences minus the regression.
    pub filter: Filter<f64>,
    /// The last values, as many as the differences need, minus the regression.
    pub tail: Vec<f64>,
    /// Number of values seen.
    pub length: usize,
    /// While errors in one value would not decay: the number of coming differences that involve a missing value, one
    /// more than the model loses by differencing if the last value is missing; otherwise 0.
    pub unknown: usize,
}

/// The result of a search, from which fits of neighbouring orders can start.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// Free parameters at the maximum, see [`coefficients`].
    pub free: Vec<f64>,
    /// Minimum sum of squares of the likelihood's scaled residuals.
    pub scaled_squares: f64,
    /// Number of observed differences.
    pub observations: usize,
    /// Number of estimated parameters, including the variance.
    pub parameters: usize,
}

impl Fitted {
    /// ln L at its maximum.
    pub fn log_likelihood(&self) -> f64 {
        log_likelihood(self.scaled_squares, self.observations)
    }

    /// AICc of the fit.
    pub fn aicc(&self) -> f64 {
        aicc(self.log_likelihood(), self.parameters, self.observations)
    }
}

/// The regressor of `constant` over `length` steps after `skip`: ones for a mean, 1, 2, ... for a
/// drift.
pub fn constant_columns(constant: Constant, skip: usize, length: usize) -> Vec<Vec<f64>> {
    match constant {
        Constant::None => Vec::new(),
        Constant::Mean => vec![vec![1.0; length]],
        Constant::Drift => vec![(0..length).map(|t| (skip + t + 1) as f64).collect()],
    }
}

/// Maximizes the likelihood of `design`, from `near`, the maximum of a similar model, or from
/// typical values for demand series.
pub fn maximize(design: &Design, near: Option<&[f64]>, options: &ArimaOptions) -> Option<Fitted> {
    let orders = &options.orders;
    let likelihood = Likelihood { design, orders };
    let mut starts = starts(orders);
    if let Some(near) = near {
        starts.truncate(1);
        starts.push(near.to_vec());
    }
    if !options.thorough {
        let mut costs = starts
            .iter()
            .map(|start| sum_of_squares(&likelihood, start));
        let first = costs.next()?;
        let best = (costs.enumerate()).fold((0, first), |best, (index, cost)| {
            if cost < best.1 {
                (index + 1, cost)
            } else {
                best
            }
        });
        starts = vec![starts.swap_remove(best.0)];
    }
    let mut best: Option<(f64, Vec<f64>)> = None;
    for mut at in starts {
        let count = at.len();
        let squares = with_slopes!(count, K => minimize::<K>(&likelihood, &mut at, options.stop));
        if squares.is_finite() && best.as_ref().is_none_or(|(least, _)| squares < *least) {
            best = Some((squares, at));
        }
    }
    let (scaled_squares, free) = best?;
    let regression = design.columns.len() - 1 - design.missing.len();
    Some(Fitted {
        parameters: free.len() + regression + 1,
        free,
        scaled_squares,
        observations: design.observations(),
    })
}

/// Starting points: nearly no correlation, and the pattern of differenced demand.
fn starts(orders: &Orders) -> Vec<Vec<f64>> {
    [
        (0.1, 0.05, 0.05, 0.05),
        (0.3, 0.5, 0.2, 0.8),
        (0.8, 0.3, 0.4, 0.3),
        (-0.4, -0.3, -0.2, 0.5),
    ]
    .iter()
    .map(|&(ar, ma, seasonal_ar, seasonal_ma)| {
        let block = |value: f64, count: usize| {
            (0..count).map(move |i| if i == 0 { value } else { 0.1 * value })
        };
        block(ar, orders.p)
            .chain(block(ma, orders.q))
            .chain(block(seasonal_ar, orders.seasonal_p))
            .chain(block(seasonal_ma, orders.seasonal_q))
            .collect()
    })
    .collect()
}

impl ArimaOptions {
    /// Fits to `series`, with NaN for missing values; each of `regressors` has the same length.
    pub fn fit(&self, series: &[f64], regressors: &[Vec<f64>]) -> Option<Arima> {
        let mut columns = constant_columns(self.constant, 0, series.len());
        columns.extend_from_slice(regressors);
        let design = Design::new(series, &self.orders, &columns)?;
        let fitted = maximize(&design, None, self)?;
        let at = coefficients(&self.orders, &fitted.free);
        self.at(series, regressors, &at)
    }

    /// Fits to `series`, with NaN for missing values, from `near`, the maximum of a similar model. `whole` is the
    /// series with its gaps filled.
    ///
    /// Up to [`MAX_EXACT`] missing values are parameters of the exact likelihood. Where there are more, the model is
    /// fitted to `whole`, and its state is that of the series with the values that it expects in the gaps: the cost is
    /// linear in the length. Fitting again to those values, or to draws around them, made no better forecasts.
    pub(super) fn fit_near(
        &self,
        series: &[f64],
        whole: &[f64],
        near: Option<&[f64]>,
    ) -> Option<Arima> {
        let places: Vec<usize> = (0..series.len())
            .filter(|&t| !series[t].is_finite())
            .collect();
        let columns = constant_columns(self.constant, 0, series.len());
        if places.len() <= MAX_EXACT {
            let design = Design::new(series, &self.orders, &columns)?;
            let fitted = maximize(&design, near, self)?;
            return self.at(series, &[], &coefficients(&self.orders, &fitted.free));
        }
        let design = Design::over_filled(whole, places.len(), &self.orders, &columns)?;
        let fitted = maximize(&design, near, self)?;
        let at = coefficients(&self.orders, &fitted.free);
        let model = self.of(&design, whole, &columns, &at)?;
        let errors = model.errors(whole, &columns);
        let mut expected = errors.clone();
        interpolate(&mut expected, &places, &self.orders, &model.filter.arma);
        let mut whole = whole.to_vec();
        for &t in &places {
            whole[t] += expected[t] - errors[t];
        }
        let design = Design::over_filled(&whole, places.len(), &self.orders, &columns)?;
        self.of(&design, &whole, &columns, &at)
    }

    /// The model with the given ARMA coefficients `at` (φ, θ, Φ, Θ); regression and variance are
    /// estimated.
    pub fn at(&self, series: &[f64], regressors: &[Vec<f64>], at: &[f64]) -> Option<Arima> {
        let mut columns = constant_columns(self.constant, 0, series.len());
        columns.extend_from_slice(regressors);
        let design = Design::new(series, &self.orders, &columns)?;
        self.of(&design, series, &columns, at)
    }

    /// The model of `series` by its `design` with these regressors.
    fn of(
        &self,
        design: &Design,
        series: &[f64],
        columns: &[Vec<f64>],
        at: &[f64],
    ) -> Option<Arima> {
        let solution = solve(design, &self.orders, at)?;
        let observations = design.observations();
        let squares = solution.squares();
        let scaled = squares * libm::exp(solution.log_determinant / observations as f64);
        let (missing, regression) = solution.regression.split_at(design.missing.len());
        let log_likelihood = log_likelihood(scaled, observations);
        let mut model = Arima {
            orders: self.orders,
            constant: self.constant,
            coefficients: at.to_vec(),
            regression: regression.to_vec(),
            variance: squares / observations as f64,
            log_likelihood,
            aicc: aicc(
                log_likelihood,
                at.len() + regression.len() + 1,
                observations,
            ),
            observations,
            filter: solution.filter,
            tail: Vec::new(),
            length: series.len(),
            unknown: 0,
        };
        let state = combined(&model.filter.states, &solution.regression);
        model.filter.states = vec![state];
        let mut whole = filled(series)?;
        for (&t, &beta) in design.missing.iter().zip(missing) {
            whole[t] -= beta;
        }
        let errors = model.errors(&whole, columns);
        model.tail = errors[errors.len() - self.orders.lost()..].to_vec();
        Some(model)
    }
}

/// The state of the first column minus those of the others times their coefficients.
fn combined(states: &[Vec<f64>], regression: &[f64]) -> Vec<f64> {
    let mut state = states[0].clone();
    for (other, beta) in states[1..].iter().zip(regression) {
        for (a, b) in state.iter_mut().zip(other) {
            *a -= beta * b;
        }
    }
    state
}

impl Arima {
    /// The series minus the regression.
    fn errors(&self, series: &[f64], columns: &[Vec<f64>]) -> Vec<f64> {
        let mut errors = series.to_vec();
        for (column, beta) in columns.iter().zip(&self.regression) {
            for (e, x) in errors.iter_mut().zip(column) {
                *e -= beta * x;
            }
        }
        errors
    }

    /// The regression's contribution to the next `ahead` steps; `regressors` are the future values.
    fn level(&self, ahead: usize, regressors: &[Vec<f64>]) -> Vec<f64> {
        let mut level = vec![0.0; ahead];
        let mut columns = constant_columns(self.constant, self.length, ahead);
        columns.extend_from_slice(regressors);
        for (column, beta) in columns.iter().zip(&self.regression) {
            for (sum, x) in level.iter_mut().zip(column) {
                *sum += beta * x;
            }
        }
        level
    }

    /// Means and standard deviations of the next `ahead` steps, with parameters treated as known.
    /// `regressors` are their future values.
    pub fn forecast(&self, ahead: usize, regressors: &[Vec<f64>]) -> Forecast {
        let mut mean = self.integrate(&self.respond(&self.filter.states[0], ahead), &self.tail);
        for (mean, level) in mean.iter_mut().zip(self.level(ahead, regressors)) {
            *mean += level;
        }
        Forecast {
            deviation: self.deviations(ahead),
            mean,
        }
    }

    /// Forecasts of the differences from a state.
    fn respond(&self, state: &[f64], ahead: usize) -> Vec<f64> {
        let mut out: Vec<f64> = Vec::with_capacity(ahead);
        for h in 0..ahead {
            let mut value = state.get(h).copied().unwrap_or(0.0);
            for &(lag, phi) in self.filter.arma.ar.iter().take_while(|(lag, _)| *lag <= h) {
                value += phi * out[h - lag];
            }
            out.push(value);
        }
        out
    }

    /// Integrates the differences, continuing from `tail`.
    fn integrate(&self, differences: &[f64], tail: &[f64]) -> Vec<f64> {
        let Orders {
            d,
            seasonal_d,
            period,
            ..
        } = self.orders;
        // From the outside in: the tail of each difference; then cumulative sums from the inside
        // out.
        let lags: Vec<usize> = std::iter::repeat_n(period, seasonal_d)
            .chain(std::iter::repeat_n(1, d))
            .collect();
        let mut tails = vec![tail.to_vec()];
        for &lag in &lags {
            let last = &tails[tails.len() - 1];
            let next = (lag..last.len()).map(|t| last[t] - last[t - lag]).collect();
            tails.push(next);
        }
        let mut values = differences.to_vec();
        for (&lag, tail) in lags.iter().zip(&tails).rev() {
            let mut line = tail.clone();
            for value in values {
                line.push(value + line[line.len() - lag]);
            }
            values = line.split_off(tail.len());
        }
        values
    }

    /// Standard deviations of the forecasts, from future innovations and the uncertainty of the
    /// current state.
    fn deviations(&self, ahead: usize) -> Vec<f64> {
        let zeros = vec![0.0; self.orders.lost()];
        let psi = self.integrate(&self.filter.arma.psi(ahead), &zeros);
        let mut total = 0.0;
        let mut variances: Vec<f64> = psi
            .iter()
            .map(|psi| {
                total += psi * psi;
                total
            })
            .collect();
        for response in self.unsettled(ahead) {
            for (variance, r) in variances.iter_mut().zip(response) {
                *variance += r * r;
            }
        }
        variances
            .into_iter()
            .map(|v| (v * self.variance).sqrt())
            .collect()
    }

    /// Responses of the forecasts to the uncertainty of the current state: its covariance is that
    /// of a converged filter plus the sum of all remaining changes.
    fn unsettled(&self, ahead: usize) -> Vec<Vec<f64>> {
        const STEPS: usize = 400;
        let zeros = vec![0.0; self.orders.lost()];
        let mut filter = self.filter.clone();
        let mut responses = Vec::new();
        while !filter.settled && responses.len() < STEPS && filter.remaining() > 1e-10 {
            let scale = (-filter.weight).max(0.0).sqrt();
            // The change belongs to the next state, which still includes the next value.
            let response = self.integrate(&self.respond_change(&filter, ahead), &zeros);
            responses.push(response.into_iter().map(|r| r * scale).collect());
            filter.advance();
        }
        responses
    }

    fn respond_change(&self, filter: &Filter<f64>, ahead: usize) -> Vec<f64> {
        self.respond(&filter.change, ahead)
    }

    /// Updates the state with new values, keeping the parameters. A missing value (NaN) is replaced
    /// by its forecast.
    ///
    /// The error of that forecast propagates into all later innovations. If roots of θ are on or
    /// near the unit circle, it persists or grows, and forecasts move far from all observed values.
    /// In that case the filter is restarted with the first value after the gap, as if nothing were known before it.
    pub fn update(&mut self, values: &[f64], regressors: &[Vec<f64>]) {
        let level = self.level(values.len(), regressors);
        let after_gap = self.orders.lost() + 1;
        let is_fragile = values.iter().any(|y| !y.is_finite()) && self.is_fragile();
        for (value, level) in values.iter().zip(level) {
            let expected = self.integrate(&[self.filter.expected(0)], &self.tail)[0];
            let known = value.is_finite();
            let error = if known { value - level } else { expected };
            if known
                && self.unknown == after_gap
                && let Some(anew) = Filter::new(self.filter.arma.clone(), 1)
            {
                self.filter = anew;
                self.unknown -= 1;
            }
            if known && self.unknown > 0 {
                self.unknown -= 1;
            } else {
                let innovation = error - expected;
                let now = self.filter.expected(0) + innovation;
                self.filter.take(0, now, innovation);
                self.filter.advance();
            }
            if !known && (is_fragile || self.unknown > 0) {
                self.unknown = after_gap;
            }
            self.tail.push(error);
            self.tail.remove(0);
            self.length += 1;
        }
    }

    /// Whether an error in one value grows in the following innovations, or never decays.
    fn is_fragile(&self) -> bool {
        const STEPS: usize = 400;
        const GROWS: f64 = 3.0;
        const LASTS: f64 = 0.5;
        let lost = self.orders.lost();
        let mut values = vec![0.0; lost + STEPS];
        values[lost] = 1.0;
        let z = difference(&values, &self.orders);
        let Arma { ar, ma } = &self.filter.arma;
        let mut innovations: Vec<f64> = Vec::with_capacity(STEPS);
        for t in 0..z.len() {
            let before = |terms: &[(usize, f64)], values: &[f64]| -> f64 {
                let known = terms.iter().filter(|(lag, _)| *lag <= t);
                known.map(|(lag, weight)| weight * values[t - lag]).sum()
            };
            let innovation = z[t] - before(ar, &z) - before(ma, &innovations);
            let most = if 2 * t > STEPS { LASTS } else { GROWS };
            if innovation.abs() > most {
                return true;
            }
            innovations.push(innovation);
        }
        false
    }

    /// One-step forecasts of each value, with missing ones interpolated; NaN for the first d + m D
    /// values.
    pub fn fitted(&self, series: &[f64], regressors: &[Vec<f64>]) -> Vec<f64> {
        let mut columns = constant_columns(self.constant, 0, series.len());
        columns.extend_from_slice(regressors);
        let mut out = vec![f64::NAN; series.len()];
        let Some(whole) = interpolated(series, &[self.orders.period]) else {
            return out;
        };
        let errors = self.errors(&whole, &columns);
        let Some(mut filter) = Filter::new(self.filter.arma.clone(), 1) else {
            return out;
        };
        let lost = self.orders.lost();
        for (t, &z) in difference(&errors, &self.orders).iter().enumerate() {
            let innovation = z - filter.expected(0);
            out[lost + t] = whole[lost + t] - innovation;
            filter.take(0, z, innovation);
            filter.advance();
        }
        out
    }

    /// Whether all roots are well outside the unit circle, as `auto.arima` requires.
    pub fn well_inside(orders: &Orders, coefficients: &[f64]) -> bool {
        let [ar, ma, seasonal_ar, seasonal_ma] = orders.split(coefficients);
        let beyond = |a: &[f64], lag: usize| roots_beyond(a, lag, 1.01);
        let negative = |a: &[f64]| -> Vec<f64> { a.iter().map(|a| -a).collect() };
        beyond(ar, 1)
            && beyond(&negative(ma), 1)
            && beyond(seasonal_ar, orders.period)
            && beyond(&negative(seasonal_ma), orders.period)
    }

    /// Free parameters to start a search near this model.
    pub fn free(&self) -> Option<Vec<f64>> {
        let [ar, ma, seasonal_ar, seasonal_ma] = self.orders.split(&self.coefficients);
        let negative = |a: &[f64]| -> Vec<f64> { a.iter().map(|a| -a).collect() };
        let mut all = free(ar)?;
        all.extend(free(&negative(ma))?);
        all.extend(free(seasonal_ar)?);
        all.extend(free(&negative(seasonal_ma))?);
        Some(all)
    }
}
