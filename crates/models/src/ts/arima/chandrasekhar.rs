//! The exact likelihood of an ARMA process in O(r) per step: Chandrasekhar recursions (Morf, Sidhu
//! and Kailath 1974; Pearlman 1980; Mélard 1984, algorithm AS 197).
//!
//! A Kalman filter tracks the r × r covariance P of a state of length r = max(p, q). If it starts
//! in the stationary distribution, P changes at each step by a matrix of rank one, so a vector and
//! a number suffice. The companion matrix is never formed: it is a shift and a few additions at the
//! lags with a coefficient. Once P has converged, the filter is the plain ARMA recursion.
//!
//! State: α\[i\] = Σ_{j>i} φ_j z_{t+i-j} + Σ_{j≥i} θ_j ε_{t+i-j}, as Harvey (1989), with the
//! variance of ε taken as 1.

use super::polynomial::{Orders, partials, product};
use crate::ts::estimation::dual::Real;

/// Change of the covariance below which it counts as converged.
const SETTLED: f64 = 1e-15;

/// An ARMA process: its coefficients and their lags.
#[derive(Clone, Debug)]
pub struct Arma<T> {
    /// φ of z_t = Σ φ_i z_{t-i} + ...
    pub ar: Vec<(usize, T)>,
    /// θ of ... + ε_t + Σ θ_j ε_{t-j}.
    pub ma: Vec<(usize, T)>,
}

impl<T: Real> Arma<T> {
    /// The product of the plain and the seasonal polynomials; coefficients in the order φ, θ, Φ, Θ.
    pub fn new(orders: &Orders, coefficients: &[T]) -> Self {
        let [ar, ma, seasonal_ar, seasonal_ma] = orders.split(coefficients);
        let negative = |a: &[T]| -> Vec<T> { a.iter().map(|a| -*a).collect() };
        let ar = product(&negative(ar), &negative(seasonal_ar), orders.period);
        Self {
            ar: ar.into_iter().map(|(lag, a)| (lag, -a)).collect(),
            ma: product(ma, seasonal_ma, orders.period),
        }
    }

    fn longest(&self) -> (usize, usize) {
        let last = |terms: &[(usize, T)]| terms.last().map_or(0, |(lag, _)| *lag);
        (last(&self.ar), last(&self.ma))
    }

    /// Length r of the state: the largest lag of either polynomial, at least 1.
    pub fn order(&self) -> usize {
        let (p, q) = self.longest();
        p.max(q).max(1)
    }

    /// The gain of a converged filter: θ.
    pub fn settled_gain(&self) -> Vec<T> {
        let mut gain = vec![T::of(0.0); self.order()];
        for &(lag, theta) in &self.ma {
            gain[lag - 1] = theta;
        }
        gain
    }

    /// The first `count` ψ of z_t = Σ ψ_j ε_{t-j}, with ψ_0 = 1.
    pub fn psi(&self, count: usize) -> Vec<T> {
        let mut psi = vec![T::of(0.0); count];
        if let Some(first) = psi.first_mut() {
            *first = T::of(1.0);
        }
        for &(lag, theta) in self.ma.iter().filter(|(lag, _)| *lag < count) {
            psi[lag] = theta;
        }
        for j in 1..count {
            for &(lag, phi) in self.ar.iter().take_while(|(lag, _)| *lag <= j) {
                let before = psi[j - lag];
                psi[j] += phi * before;
            }
        }
        psi
    }

    /// Autocovariances of lags 0 to `last`; `None` if the process is not stationary.
    ///
    /// Those of the autoregression by the Durbin-Levinson recursion, then combined with the
    /// autocovariances of the moving average.
    pub fn autocovariances(&self, last: usize) -> Option<Vec<T>> {
        let (_, q) = self.longest();
        let pure = self.autoregressive_covariances(last + q)?;
        let products = self.moving_average_products();
        let at = |k: usize| {
            let mut sum = T::of(0.0);
            for &(lag, c) in &products {
                sum += c * pure[k.abs_diff(lag)];
                if lag > 0 {
                    sum += c * pure[k + lag];
                }
            }
            sum
        };
        Some((0..=last).map(at).collect())
    }

    fn autoregressive_covariances(&self, last: usize) -> Option<Vec<T>> {
        let (p, _) = self.longest();
        let mut dense = vec![T::of(0.0); p];
        for &(lag, phi) in &self.ar {
            dense[lag - 1] = phi;
        }
        let partials = partials(&dense)?;
        let mut variance = T::of(1.0);
        for &r in &partials {
            variance = variance / (-(r * r) + 1.0);
        }
        let mut gamma = Vec::with_capacity(last + 1);
        gamma.push(variance);
        // a: the best predictor from k values; v: its variance.
        let mut a: Vec<T> = Vec::with_capacity(p);
        let mut v = variance;
        for (k, &r) in partials.iter().enumerate().take(last) {
            let mut sum = r * v;
            for (j, &a) in a.iter().enumerate() {
                sum += a * gamma[k - j];
            }
            gamma.push(sum);
            let before = a.clone();
            for j in 0..k {
                a[j] -= r * before[k - 1 - j];
            }
            a.push(r);
            v = v * (-(r * r) + 1.0);
        }
        for k in gamma.len()..=last {
            let mut sum = T::of(0.0);
            for &(lag, phi) in &self.ar {
                sum += phi * gamma[k - lag];
            }
            gamma.push(sum);
        }
        Some(gamma)
    }

    /// Lags and values of Σ_i θ_i θ_{i+lag}, θ_0 = 1.
    fn moving_average_products(&self) -> Vec<(usize, T)> {
        let mut terms = vec![(0, T::of(1.0))];
        terms.extend(&self.ma);
        let mut products: Vec<(usize, T)> = Vec::with_capacity(2 * terms.len());
        for (i, &(low, a)) in terms.iter().enumerate() {
            for &(high, b) in &terms[i..] {
                match products.iter_mut().find(|(lag, _)| *lag == high - low) {
                    Some((_, sum)) => *sum += a * b,
                    None => products.push((high - low, a * b)),
                }
            }
        }
        products
    }
}

/// The filter between two steps, and the state of each column.
///
/// Columns (a series, its regressors) share the filter, which depends only on the process.
#[derive(Clone, Debug)]
pub struct Filter<T> {
    /// The process that generates the values.
    pub arma: Arma<T>,
    /// Variance of the next innovation.
    pub variance: T,
    /// The change of the covariance is `weight` · `change` `change`'.
    pub weight: T,
    /// T P e₁ - φ F: the gain without the contribution of the autoregression.
    pub gain: Vec<T>,
    /// Vector of the rank-one change of the covariance, as long as the state.
    pub change: Vec<T>,
    /// Whether the covariance has converged: gain and variance are then those of the steady state.
    pub settled: bool,
    /// The state of each column.
    pub states: Vec<Vec<T>>,
    /// Number of steps so far; convergence is checked at every fourth.
    pub steps: usize,
}

impl<T: Real> Filter<T> {
    /// Starts in the stationary distribution; `None` if the process has none.
    pub fn new(arma: Arma<T>, columns: usize) -> Option<Self> {
        let r = arma.order();
        let gamma = arma.autocovariances(r)?;
        let variance = gamma[0];
        if !(variance.value() >= 1.0 && variance.value() < 1e12) {
            return None;
        }
        let psi = arma.psi(r);
        // Covariance of the next state with this value.
        let mut change = vec![T::of(0.0); r];
        for &(lag, phi) in &arma.ar {
            for i in 0..lag {
                change[i] += phi * gamma[lag - 1 - i];
            }
        }
        for &(lag, theta) in &arma.ma {
            for i in 0..lag {
                change[i] += theta * psi[lag - 1 - i];
            }
        }
        let mut gain = change.clone();
        for &(lag, phi) in &arma.ar {
            gain[lag - 1] -= phi * variance;
        }
        Some(Self {
            weight: T::of(-1.0) / variance,
            variance,
            gain,
            change,
            settled: false,
            states: vec![vec![T::of(0.0); r]; columns],
            steps: 0,
            arma,
        })
    }

    /// A filter of one column that continues from a saved state.
    pub fn resumed(
        arma: Arma<T>,
        variance: T,
        weight: T,
        (gain, change): (Vec<T>, Vec<T>),
        (settled, steps): (bool, usize),
        state: Vec<T>,
    ) -> Self {
        Self {
            arma,
            variance,
            weight,
            gain,
            change,
            settled,
            states: vec![state],
            steps,
        }
    }

    /// The one-step forecast of `column`.
    pub fn expected(&self, column: usize) -> T {
        self.states[column][0]
    }

    /// Updates the state of `column` with `value`; call [`Filter::advance`] after all columns.
    #[inline]
    pub fn take(&mut self, column: usize, value: f64, innovation: T) {
        let state = &mut self.states[column];
        let r = state.len();
        if self.settled {
            state.copy_within(1.., 0);
            state[r - 1] = T::of(0.0);
            for &(lag, theta) in &self.arma.ma {
                state[lag - 1] += theta * innovation;
            }
        } else {
            let share = innovation / self.variance;
            for i in 0..r - 1 {
                state[i] = state[i + 1] + self.gain[i] * share;
            }
            state[r - 1] = self.gain[r - 1] * share;
        }
        for &(lag, phi) in &self.arma.ar {
            state[lag - 1] += phi * value;
        }
    }

    /// Advances the filter by one step.
    pub fn advance(&mut self) {
        if self.settled {
            return;
        }
        let r = self.change.len();
        let first = self.change[0];
        let moved = self.weight * first;
        let variance = self.variance + moved * first;
        self.weight += moved * moved / self.variance;
        self.variance = variance;
        let back = first / variance;
        for i in 0..r {
            let next = if i + 1 < r {
                self.change[i + 1]
            } else {
                T::of(0.0)
            };
            let gain = self.gain[i] + next * moved;
            self.gain[i] = gain;
            self.change[i] = next - gain * back;
        }
        self.steps += 1;
        if self.steps.is_multiple_of(4) && self.remaining() < SETTLED {
            self.settle();
        }
    }

    /// Size of the remaining change of the covariance; 0 in the steady state.
    pub fn remaining(&self) -> f64 {
        let largest = (self.change.iter()).fold(0.0f64, |most, l| most.max(l.value().abs()));
        self.weight.value().abs() * largest * largest
    }

    fn settle(&mut self) {
        self.settled = true;
        self.variance = T::of(1.0);
        self.weight = T::of(0.0);
        self.change.fill(T::of(0.0));
        self.gain = self.arma.settled_gain();
    }
}

/// Innovations of columns of equal length, and their variances.
#[derive(Clone, Debug)]
pub struct Innovations<T> {
    /// One vector per column.
    pub values: Vec<Vec<T>>,
    /// Variances until the filter converged; 1 afterwards.
    pub variances: Vec<T>,
    /// The filter after the last step.
    pub filter: Filter<T>,
}

/// Runs `columns` through the filter; `None` if the process is not stationary.
pub fn innovations<T: Real>(arma: Arma<T>, columns: &[Vec<f64>]) -> Option<Innovations<T>> {
    let length = columns.first().map_or(0, Vec::len);
    let mut filter = Filter::new(arma, columns.len())?;
    let mut values = vec![Vec::with_capacity(length); columns.len()];
    let mut variances = Vec::with_capacity(length.min(256));
    for t in 0..length {
        for (index, column) in columns.iter().enumerate() {
            let innovation = -filter.expected(index) + column[t];
            values[index].push(innovation);
            filter.take(index, column[t], innovation);
        }
        if !filter.settled {
            let variance = filter.variance.value();
            if variance.is_nan() || variance <= 0.5 {
                return None; // rounding has eaten it: the process is at the edge
            }
            variances.push(filter.variance);
        }
        filter.advance();
    }
    Some(Innovations {
        values,
        variances,
        filter,
    })
}

/// Σ ln F, taking logarithms of products to save time.
pub fn log_determinant<T: Real>(variances: &[T]) -> T {
    let mut sum = T::of(0.0);
    let mut product = T::of(1.0);
    for &variance in variances {
        product = product * variance;
        if product.value() > 1e100 {
            sum += product.ln();
            product = T::of(1.0);
        }
    }
    sum + product.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arma(p: &[f64], q: &[f64]) -> Arma<f64> {
        let orders = Orders {
            p: p.len(),
            q: q.len(),
            period: 1,
            ..Orders::default()
        };
        Arma::new(&orders, &[p, q].concat())
    }

    #[test]
    fn autocovariances_of_small_processes() {
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        let gamma = arma(&[0.5], &[]).autocovariances(2).unwrap();
        assert!(close(&gamma, &[4.0 / 3.0, 2.0 / 3.0, 1.0 / 3.0]));
        let gamma = arma(&[], &[0.5]).autocovariances(2).unwrap();
        assert!(close(&gamma, &[1.25, 0.5, 0.0]));
        // ARMA(1,1): γ0 = (1 + 2φθ + θ²) / (1 - φ²), γ1 = φ γ0 + θ.
        let gamma = arma(&[0.6], &[0.3]).autocovariances(1).unwrap();
        let variance = (1.0 + 0.36 + 0.09) / (1.0 - 0.36);
        assert!(close(&gamma, &[variance, 0.6 * variance + 0.3]));
    }

    /// The innovations algorithm (Brockwell and Davis 1991, 5.2) on the full covariance matrix.
    fn brute_force(arma: &Arma<f64>, z: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let n = z.len();
        let gamma = arma.autocovariances(n).unwrap();
        let (mut v, mut f) = (vec![gamma[0]], vec![z[0]]);
        let mut theta: Vec<Vec<f64>> = vec![vec![]];
        for t in 1..n {
            let mut row = vec![0.0; t];
            for k in 0..t {
                let sum: f64 = (0..k)
                    .map(|j| theta[k][k - 1 - j] * row[t - 1 - j] * v[j])
                    .sum();
                row[t - 1 - k] = (gamma[t - k] - sum) / v[k];
            }
            v.push(
                gamma[0]
                    - (0..t)
                        .map(|j| row[t - 1 - j] * row[t - 1 - j] * v[j])
                        .sum::<f64>(),
            );
            f.push(z[t] - (0..t).map(|j| row[t - 1 - j] * f[j]).sum::<f64>());
            theta.push(row);
        }
        (f, v)
    }

    #[test]
    fn innovations_are_those_of_the_full_covariance_matrix() {
        let orders = Orders {
            p: 1,
            q: 2,
            seasonal_p: 1,
            seasonal_q: 1,
            period: 4,
            ..Orders::default()
        };
        let arma = Arma::new(&orders, &[0.4, -0.3, 0.2, 0.5, -0.6]);
        let z: Vec<f64> = (0..40)
            .map(|t| libm::sin(f64::from(t) * 1.3) + 0.1)
            .collect();
        let (want, variances) = brute_force(&arma, &z);
        let got = innovations(arma, &[z]).unwrap();
        for t in 0..want.len() {
            let variance = got.variances.get(t).copied().unwrap_or(1.0);
            assert!((got.values[0][t] - want[t]).abs() < 1e-11, "{t}");
            assert!((variance - variances[t]).abs() < 1e-11, "{t}");
        }
    }
}
