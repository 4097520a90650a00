//! The exact Gaussian likelihood of a regression with ARIMA errors, concentrated: the regression
//! coefficients and the variance are solved for, so only the ARMA coefficients remain.
//!
//! Differences are taken first; the likelihood is that of the differenced series, R's convention.
//! Each missing value is a separate column whose free coefficient has a flat prior (Gómez, Maravall
//! and Peña 1999), which gives the same likelihood as skipping it in a Kalman filter, and also its
//! best estimate. Its cost grows with the square of their number, so that it is for few; where more are missing, or
//! many models are compared, the likelihood is that of a series whose gaps are filled, see [`Design::over_filled`].

use super::chandrasekhar::{Arma, Filter, Innovations, innovations, log_determinant};
use super::polynomial::{Orders, stationary};
use crate::ts::estimation::dual::Real;
use crate::ts::estimation::least_squares::Residuals;
use crate::ts::gaps::filled;

/// A series and its regressors, differenced.
#[derive(Clone, Debug)]
pub struct Design {
    /// The series, then one column per missing value, then the regressors.
    pub columns: Vec<Vec<f64>>,
    /// Positions of the missing values that have a column.
    pub missing: Vec<usize>,
    /// Number of values that were filled in before and are no observations.
    pub filled: usize,
}

impl Design {
    /// `series` has NaN where a value is missing; each regressor has the same length.
    ///
    /// `None` if there are no more differences than free coefficients.
    pub fn new(series: &[f64], orders: &Orders, regressors: &[Vec<f64>]) -> Option<Self> {
        let missing: Vec<usize> = (0..series.len())
            .filter(|&t| !series[t].is_finite())
            .collect();
        let mut columns = vec![difference(&filled(series)?, orders)];
        for &t in &missing {
            let mut alone = vec![0.0; series.len()];
            alone[t] = 1.0;
            columns.push(difference(&alone, orders));
        }
        columns.extend(regressors.iter().map(|column| difference(column, orders)));
        let free = missing.len() + regressors.len();
        (columns[0].len() > free).then_some(Self {
            columns,
            missing,
            filled: 0,
        })
    }

    /// `whole` is a series of which `filled` values were missing and are taken as they were filled in, as if they had
    /// been observed, but do not count as observations.
    ///
    /// `None` if there are no more observed differences than free coefficients.
    pub fn over_filled(
        whole: &[f64],
        filled: usize,
        orders: &Orders,
        regressors: &[Vec<f64>],
    ) -> Option<Self> {
        let mut design = Self::new(whole, orders, regressors)?;
        design.filled = filled;
        (design.columns[0].len() > filled + regressors.len()).then_some(design)
    }

    /// Number of observed differences.
    pub fn observations(&self) -> usize {
        self.columns[0].len() - self.missing.len() - self.filled
    }
}

/// (1 - B^period)^D (1 - B)^d of `series`, without the values that have no predecessor.
pub fn difference(series: &[f64], orders: &Orders) -> Vec<f64> {
    let lags = [(orders.period, orders.seasonal_d), (1, orders.d)];
    let mut values = series.to_vec();
    for (lag, times) in lags {
        for _ in 0..times {
            values = (lag..values.len())
                .map(|t| values[t] - values[t - lag])
                .collect();
        }
    }
    values
}

/// The coefficients for these free parameters, in the order φ, θ, Φ, Θ.
pub fn coefficients<T: Real>(orders: &Orders, free: &[T]) -> Vec<T> {
    let [ar, ma, seasonal_ar, seasonal_ma] = orders.split(free);
    let moving = |free: &[T]| stationary(free).into_iter().map(|a| -a).collect::<Vec<T>>();
    let mut all = stationary(ar);
    all.extend(moving(ma));
    all.extend(stationary(seasonal_ar));
    all.extend(moving(seasonal_ma));
    all
}

/// The generalized least-squares fit at given ARMA coefficients.
#[derive(Clone, Debug)]
pub struct Solution<T> {
    /// Standardized innovations in units of σ.
    pub residuals: Vec<T>,
    /// Coefficients of the columns after the first.
    pub regression: Vec<T>,
    /// Σ ln F + ln |X'Ω⁻¹X| of the missing values.
    pub log_determinant: T,
    /// The filter and the states of all columns after the last value.
    pub filter: Filter<T>,
}

/// Generalized least squares of the first column on the others; `None` if they are dependent or the
/// process is not stationary.
pub fn solve<T: Real>(design: &Design, orders: &Orders, coefficients: &[T]) -> Option<Solution<T>> {
    let arma = Arma::new(orders, coefficients);
    let mut run = innovations(arma, &design.columns)?;
    standardize(&mut run);
    let log_f = log_determinant(&run.variances);
    let (mut residuals, regressors) = {
        let mut values = run.values.into_iter();
        (values.next()?, values.collect::<Vec<_>>())
    };
    let factor = cholesky(&regressors)?;
    let regression = project(&factor, &regressors, &residuals);
    for (column, &beta) in regressors.iter().zip(&regression) {
        for (u, &x) in residuals.iter_mut().zip(column) {
            *u -= beta * x;
        }
    }
    let mut log_determinant = log_f;
    for (i, row) in factor.iter().enumerate().take(design.missing.len()) {
        log_determinant += row[i].ln() * 2.0;
    }
    Some(Solution {
        residuals,
        regression,
        log_determinant,
        filter: run.filter,
    })
}

/// Divides innovations by the square roots of their variances.
fn standardize<T: Real>(run: &mut Innovations<T>) {
    let scales: Vec<T> = (run.variances.iter())
        .map(|variance| T::of(1.0) / variance.sqrt())
        .collect();
    for column in &mut run.values {
        for (value, &scale) in column.iter_mut().zip(&scales) {
            *value = *value * scale;
        }
    }
}

fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    let mut sum = T::of(0.0);
    for (&a, &b) in a.iter().zip(b) {
        sum += a * b;
    }
    sum
}

/// L of X'X = L L', by rows; `None` if columns are dependent.
fn cholesky<T: Real>(columns: &[Vec<T>]) -> Option<Vec<Vec<T>>> {
    let mut l: Vec<Vec<T>> = Vec::with_capacity(columns.len());
    for (i, column) in columns.iter().enumerate() {
        let mut row: Vec<T> = Vec::with_capacity(i + 1);
        for j in 0..=i {
            let whole = dot(column, &columns[j]);
            let mut sum = whole;
            for k in 0..j {
                sum -= row[k] * if j < i { l[j][k] } else { row[k] };
            }
            if j < i {
                row.push(sum / l[j][j]);
            } else if sum.value() > 1e-12 * whole.value() {
                row.push(sum.sqrt());
            } else {
                return None;
            }
        }
        l.push(row);
    }
    Some(l)
}

/// (X'X)⁻¹ X'y.
fn project<T: Real>(l: &[Vec<T>], columns: &[Vec<T>], y: &[T]) -> Vec<T> {
    let mut b: Vec<T> = columns.iter().map(|column| dot(column, y)).collect();
    for i in 0..b.len() {
        for k in 0..i {
            let before = b[k];
            b[i] -= l[i][k] * before;
        }
        b[i] = b[i] / l[i][i];
    }
    for i in (0..b.len()).rev() {
        for k in i + 1..b.len() {
            let after = b[k];
            b[i] -= l[k][i] * after;
        }
        b[i] = b[i] / l[i][i];
    }
    b
}

impl<T: Real> Solution<T> {
    /// Σ u², before scaling.
    pub fn squares(&self) -> T {
        dot(&self.residuals, &self.residuals)
    }
}

/// The likelihood of `design` as a function of free parameters.
#[derive(Clone, Copy, Debug)]
pub struct Likelihood<'a> {
    /// The differenced columns.
    pub design: &'a Design,
    /// The orders of the model.
    pub orders: &'a Orders,
}

impl Residuals for Likelihood<'_> {
    /// Standardized innovations times exp(log determinant / 2n), so that least squares give maximum
    /// likelihood.
    fn residuals<T: Real>(&self, parameters: &[T], out: &mut Vec<T>) -> bool {
        let Some(solution) = solve(
            self.design,
            self.orders,
            &coefficients(self.orders, parameters),
        ) else {
            return false;
        };
        let share = 0.5 / self.design.observations() as f64;
        let scale = (solution.log_determinant * share).exp();
        out.extend(solution.residuals.iter().map(|&u| u * scale));
        true
    }
}
