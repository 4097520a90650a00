//! Polynomials of an ARMA model: from free parameters to stationary and invertible coefficients,
//! and sparse products of a plain and a seasonal polynomial.

use crate::ts::estimation::dual::Real;

/// Orders of a model: ARIMA(p,d,q)(P,D,Q)\[m\].
///
/// # Examples
/// ```
/// use easylife_models::ts::arima::polynomial::Orders;
///
/// let airline = Orders { d: 1, q: 1, seasonal_d: 1, seasonal_q: 1, period: 12, ..Orders::default() };
/// assert_eq!(airline.to_string(), "(0,1,1)(0,1,1)[12]");
/// assert_eq!((airline.coefficients(), airline.lost()), (2, 13));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Orders {
    /// Autoregressive coefficients φ.
    pub p: usize,
    /// Differences taken.
    pub d: usize,
    /// Moving-average coefficients θ.
    pub q: usize,
    /// Seasonal autoregressive coefficients Φ.
    pub seasonal_p: usize,
    /// Seasonal differences taken.
    pub seasonal_d: usize,
    /// Seasonal moving-average coefficients Θ.
    pub seasonal_q: usize,
    /// Steps of a season; 1 if there is none.
    pub period: usize,
}

impl Orders {
    /// Number of coefficients, p + q + P + Q.
    pub fn coefficients(&self) -> usize {
        self.p + self.q + self.seasonal_p + self.seasonal_q
    }

    /// Number of values lost to differencing, d + m D.
    pub fn lost(&self) -> usize {
        self.d + self.period * self.seasonal_d
    }

    /// Splits the coefficients into φ, θ, Φ, Θ.
    pub fn split<'a, T>(&self, all: &'a [T]) -> [&'a [T]; 4] {
        let (ar, rest) = all.split_at(self.p);
        let (ma, rest) = rest.split_at(self.q);
        let (seasonal_ar, seasonal_ma) = rest.split_at(self.seasonal_p);
        [ar, ma, seasonal_ar, seasonal_ma]
    }
}

impl std::fmt::Display for Orders {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "({},{},{})", self.p, self.d, self.q)?;
        if self.period > 1 && self.seasonal_p + self.seasonal_d + self.seasonal_q > 0 {
            write!(
                f,
                "({},{},{})[{}]",
                self.seasonal_p, self.seasonal_d, self.seasonal_q, self.period
            )?;
        }
        Ok(())
    }
}

/// Maps free parameters to coefficients of 1 - Σ a_i B^i with all roots outside the unit circle:
/// each becomes a partial autocorrelation x / √(1 + x²), followed by the Durbin-Levinson recursion
/// (Monahan 1984).
///
/// # Examples
/// ```
/// use easylife_models::ts::arima::polynomial::{free, roots_beyond, stationary};
///
/// let coefficients = stationary(&[3.0, -0.5]);
/// assert!(roots_beyond(&coefficients, 1, 1.0));
/// let back = free(&coefficients).unwrap();
/// assert!((back[0] - 3.0).abs() < 1e-9 && (back[1] + 0.5).abs() < 1e-9);
/// assert_eq!(free(&[1.0]), None); // a random walk
/// ```
pub fn stationary<T: Real>(free: &[T]) -> Vec<T> {
    let mut a: Vec<T> = Vec::with_capacity(free.len());
    for &x in free {
        let r = x / (x * x + 1.0).sqrt();
        let before = a.clone();
        for (i, value) in a.iter_mut().enumerate() {
            *value = before[i] - r * before[before.len() - 1 - i];
        }
        a.push(r);
    }
    a
}

/// Partial autocorrelations of the process with these coefficients, by the reversed recursion;
/// `None` if it is not stationary.
pub fn partials<T: Real>(coefficients: &[T]) -> Option<Vec<T>> {
    let mut a = coefficients.to_vec();
    let mut partials = vec![T::of(0.0); a.len()];
    for k in (0..coefficients.len()).rev() {
        let r = a[k];
        let size = r.value().abs();
        if size.is_nan() || size >= 1.0 {
            return None;
        }
        partials[k] = r;
        let scale = T::of(1.0) / (-(r * r) + 1.0);
        let before = a.clone();
        for i in 0..k {
            a[i] = (before[i] + r * before[k - 1 - i]) * scale;
        }
    }
    Some(partials)
}

/// The free parameters of stationary coefficients; those too close to the boundary are moved
/// inside.
pub fn free(coefficients: &[f64]) -> Option<Vec<f64>> {
    let partials = partials(coefficients)?;
    let squeeze = |r: f64| {
        let r = r.clamp(-0.9995, 0.9995);
        r / (1.0 - r * r).sqrt()
    };
    Some(partials.into_iter().map(squeeze).collect())
}

/// Whether the modulus of every root of 1 - Σ a_i B^(i lag) exceeds `radius`.
pub fn roots_beyond(coefficients: &[f64], lag: usize, radius: f64) -> bool {
    let mut scale = 1.0;
    let scaled: Vec<f64> = coefficients
        .iter()
        .map(|a| {
            for _ in 0..lag {
                scale *= radius;
            }
            a * scale
        })
        .collect();
    partials(&scaled).is_some()
}

/// The lags and coefficients c of Σ c_i B^i = (1 + Σ a_i B^i)(1 + Σ b_j B^(j period)) - 1.
///
/// Ascending by lag, a term for each that may differ from 0: a model of period 12 has few of its lags.
///
/// # Examples
/// ```
/// use easylife_models::ts::arima::polynomial::product;
///
/// // (1 + 0.5 B)(1 + 0.2 B^12)
/// let terms = product(&[0.5], &[0.2], 12);
/// assert_eq!(terms, [(1, 0.5), (12, 0.2), (13, 0.1)]);
/// ```
pub fn product<T: Real>(plain: &[T], seasonal: &[T], period: usize) -> Vec<(usize, T)> {
    let mut terms: Vec<(usize, T)> = Vec::with_capacity((plain.len() + 1) * (seasonal.len() + 1));
    for j in 0..=seasonal.len() {
        for i in 0..=plain.len() {
            let coefficient = match (i, j) {
                (0, 0) => continue,
                (i, 0) => plain[i - 1],
                (0, j) => seasonal[j - 1],
                (i, j) => plain[i - 1] * seasonal[j - 1],
            };
            let lag = i + j * period;
            match terms.iter_mut().find(|(known, _)| *known == lag) {
                Some((_, sum)) => *sum += coefficient,
                None => terms.push((lag, coefficient)),
            }
        }
    }
    terms.sort_unstable_by_key(|(lag, _)| *lag);
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_parameters_and_coefficients_round_trip() {
        let x = [0.8, -1.7, 0.3];
        let a = stationary(&x);
        let back = free(&a).unwrap();
        assert!(x.iter().zip(&back).all(|(x, y)| (x - y).abs() < 1e-12));
    }

    #[test]
    fn a_root_on_the_circle_is_not_stationary() {
        assert!(partials(&[1.0]).is_none());
        assert!(partials(&[0.5, 0.5]).is_none());
        assert!(partials(&[0.5, 0.3]).is_some());
    }

    #[test]
    fn roots_are_bounded_without_computing_them() {
        // 1 - 0.95 B: the root is 1 / 0.95 = 1.0526.
        assert!(roots_beyond(&[0.95], 1, 1.05));
        assert!(!roots_beyond(&[0.95], 1, 1.06));
        // 1 - 0.95 B^12: twelve roots of modulus 1.0526^(1/12) = 1.0043.
        assert!(!roots_beyond(&[0.95], 12, 1.01));
    }

    #[test]
    fn equal_lags_of_a_product_are_added() {
        // (1 + B + 2 B²)(1 + 3 B²) = 1 + B + 5 B² + 3 B³ + 6 B⁴
        let terms = product(&[1.0, 2.0], &[3.0], 2);
        assert_eq!(terms, [(1, 1.0), (2, 5.0), (3, 3.0), (4, 6.0)]);
    }
}
