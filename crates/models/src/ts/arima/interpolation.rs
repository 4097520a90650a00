//! Missing values as an ARIMA model expects them from all other values, at a cost linear in the length.
//!
//! The values that make the sum of squared innovations least (Brubacher and Wilson 1976), by conjugate gradients
//! (Hestenes and Stiefel 1952): each step filters the series forwards and its innovations backwards, so that the
//! matrix, whose size is the number of missing values, is never formed. Values before the first are taken as zero,
//! which matters to a gap near the start alone.

use super::chandrasekhar::Arma;
use super::likelihood::difference;
use super::polynomial::Orders;

/// Steps end at this size of the gradient relative to the first one, and at this number.
const TOLERANCE: f64 = 1e-8;
const MAX_STEPS: usize = 300;

/// The linear map from values to innovations, without a mean or a drift.
struct Whitening<'a> {
    orders: &'a Orders,
    arma: &'a Arma<f64>,
}

impl Whitening<'_> {
    fn innovations(&self, values: &[f64]) -> Vec<f64> {
        let z = difference(values, self.orders);
        let mut out: Vec<f64> = Vec::with_capacity(z.len());
        for t in 0..z.len() {
            let mut e = z[t];
            for &(lag, phi) in self.arma.ar.iter().take_while(|(lag, _)| *lag <= t) {
                e -= phi * z[t - lag];
            }
            for &(lag, theta) in self.arma.ma.iter().take_while(|(lag, _)| *lag <= t) {
                e -= theta * out[t - lag];
            }
            out.push(e);
        }
        out
    }

    /// The transposed map, from innovations to values.
    fn transposed(&self, innovations: &[f64]) -> Vec<f64> {
        let n = innovations.len();
        let mut u = innovations.to_vec();
        for t in (0..n).rev() {
            for &(lag, theta) in self.arma.ma.iter().take_while(|(lag, _)| t + lag < n) {
                u[t] -= theta * u[t + lag];
            }
        }
        let mut x = u.clone();
        for (t, x) in x.iter_mut().enumerate() {
            for &(lag, phi) in self.arma.ar.iter().take_while(|(lag, _)| t + lag < n) {
                *x -= phi * u[t + lag];
            }
        }
        let Orders {
            d,
            seasonal_d,
            period,
            ..
        } = *self.orders;
        let lags = std::iter::repeat_n(1, d).chain(std::iter::repeat_n(period, seasonal_d));
        for lag in lags {
            let mut wider = vec![0.0; lag];
            wider.extend_from_slice(&x);
            for (wide, x) in wider.iter_mut().zip(&x) {
                *wide -= x;
            }
            x = wider;
        }
        x
    }

    /// Half of the gradient of the sum of squares with respect to the values at `places`.
    fn gradient(&self, values: &[f64], places: &[usize]) -> Vec<f64> {
        let all = self.transposed(&self.innovations(values));
        places.iter().map(|&t| all[t]).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Moves the values of `whole` at `places`, the missing ones, to those expected from all others; `whole` is without
/// mean and drift.
pub fn interpolate(whole: &mut [f64], places: &[usize], orders: &Orders, arma: &Arma<f64>) {
    let map = Whitening { orders, arma };
    let mut rest: Vec<f64> = map.gradient(whole, places).iter().map(|g| -g).collect();
    let mut direction = rest.clone();
    let mut squares = dot(&rest, &rest);
    let enough = squares * TOLERANCE * TOLERANCE;
    let mut step = vec![0.0; whole.len()];
    for _ in 0..MAX_STEPS {
        if squares.is_nan() || squares <= enough || squares <= f64::MIN_POSITIVE {
            break;
        }
        for (&t, d) in places.iter().zip(&direction) {
            step[t] = *d;
        }
        let image = map.gradient(&step, places);
        let share = squares / dot(&direction, &image);
        if !share.is_finite() {
            break;
        }
        for ((&t, d), (r, g)) in (places.iter().zip(&direction)).zip(rest.iter_mut().zip(&image)) {
            whole[t] += share * d;
            *r -= share * g;
        }
        let next = dot(&rest, &rest);
        let keep = next / squares;
        squares = next;
        for (d, r) in direction.iter_mut().zip(&rest) {
            *d = r + keep * *d;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(d: usize, seasonal: (usize, usize)) -> Orders {
        Orders {
            p: 1,
            d,
            q: 1,
            seasonal_d: seasonal.0,
            period: seasonal.1,
            ..Orders::default()
        }
    }

    #[test]
    fn a_random_walk_is_interpolated_by_a_straight_line() {
        let walk = Orders {
            d: 1,
            period: 1,
            ..Orders::default()
        };
        let mut y = vec![1.0, 2.0, 0.0, 0.0, 8.0, 7.0];
        interpolate(&mut y, &[2, 3], &walk, &Arma::new(&walk, &[]));
        assert!(
            (y[2] - 4.0).abs() < 1e-9 && (y[3] - 6.0).abs() < 1e-9,
            "{y:?}"
        );
    }

    #[test]
    fn a_gap_of_an_autoregression_is_between_its_neighbours() {
        // E[y_t | y_{t-1}, y_{t+1}] = φ (y_{t-1} + y_{t+1}) / (1 + φ²).
        let ar = Orders {
            p: 1,
            period: 1,
            ..Orders::default()
        };
        let mut y = vec![0.3, -1.0, 2.0, 0.0, 4.0, 1.0];
        interpolate(&mut y, &[3], &ar, &Arma::new(&ar, &[0.5]));
        assert!((y[3] - 0.5 * 6.0 / 1.25).abs() < 1e-9);
    }

    #[test]
    fn the_transposed_map_is_the_adjoint() {
        for orders in [orders(0, (0, 1)), orders(1, (1, 4)), orders(2, (0, 1))] {
            let arma = Arma::new(&orders, &[0.6, -0.4]);
            let map = Whitening {
                orders: &orders,
                arma: &arma,
            };
            let x: Vec<f64> = (0..30).map(|t| libm::sin(f64::from(t) * 1.7)).collect();
            let e: Vec<f64> = (0..30 - orders.lost())
                .map(|t| libm::cos(t as f64 * 0.9))
                .collect();
            let (left, right) = (dot(&map.innovations(&x), &e), dot(&x, &map.transposed(&e)));
            assert!(
                (left - right).abs() < 1e-10 * left.abs().max(1.0),
                "{left} {right}"
            );
        }
    }
}
