//! Levenberg-Marquardt: minimizes the sum of squares of residuals with known derivatives.
//!
//! Every likelihood here is concentrated and scaled so that its maximum is a least-squares problem
//! (Mélard 1984 for ARMA): `-2 ln L = n ln S + constant`. A Gauss-Newton step then uses the
//! expected information as its Hessian, and converges in a few steps where BFGS needs dozens.

use super::dual::{Dual, Real};

/// Residuals of a model at given parameters.
pub trait Residuals {
    /// Appends the residuals to `out`, which is empty; returns false if the parameters are invalid
    /// for the model.
    fn residuals<T: Real>(&self, parameters: &[T], out: &mut Vec<T>) -> bool;

    /// Bounds of parameter number `index`.
    fn bounds(&self, _index: usize) -> (f64, f64) {
        (-60.0, 60.0)
    }
}

/// The stopping rule.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// Minimum relative decrease of the sum of squares that a step must promise.
    pub decrease: f64,
    /// Maximum number of steps.
    pub steps: usize,
}

struct Normal<const K: usize> {
    squares: f64,
    gradient: [f64; K],
    hessian: [[f64; K]; K],
}

impl<const K: usize> Normal<K> {
    /// Σ u², J'u and J'J.
    fn of(residuals: &[Dual<K>], count: usize) -> Self {
        let mut normal = Self {
            squares: 0.0,
            gradient: [0.0; K],
            hessian: [[0.0; K]; K],
        };
        for u in residuals {
            normal.squares += u.value * u.value;
            for i in 0..count {
                normal.gradient[i] += u.slope[i] * u.value;
                for j in 0..=i {
                    normal.hessian[i][j] += u.slope[i] * u.slope[j];
                }
            }
        }
        normal
    }

    /// The step within `low..high` (distances to the bounds): components that would leave the
    /// bounds are fixed to them and the others are solved for again; a bound that the gradient
    /// points away from is released (an active-set method). `None` if the Hessian is not positive
    /// definite.
    fn bounded_step(
        &self,
        damping: f64,
        low: &[f64; K],
        high: &[f64; K],
        count: usize,
    ) -> Option<[f64; K]> {
        let mut set = [None; K];
        let mut releases = count;
        loop {
            let mut step = self.step(count, damping, &set)?;
            let mut left = false;
            for i in 0..count {
                if set[i].is_none() && !(low[i]..=high[i]).contains(&step[i]) {
                    step[i] = step[i].clamp(low[i], high[i]);
                    set[i] = Some(step[i]);
                    left = true;
                }
            }
            if left {
                continue;
            }
            match self.held_back(damping, &set, &step, (low, high), count) {
                Some(i) if releases > 0 => {
                    releases -= 1;
                    set[i] = None;
                }
                _ => return Some(step),
            }
        }
    }

    /// Among the components fixed to a bound, the one that would gain most by moving inwards.
    fn held_back(
        &self,
        damping: f64,
        set: &[Option<f64>; K],
        step: &[f64; K],
        (low, high): (&[f64; K], &[f64; K]),
        count: usize,
    ) -> Option<usize> {
        let mut most = None;
        for i in (0..count).filter(|i| set[*i].is_some() && low[*i] < high[*i]) {
            let mut slope = self.gradient[i] + damping * self.hessian[i][i] * step[i];
            for (j, by) in step.iter().enumerate().take(count) {
                slope += self.hessian[i.max(j)][i.min(j)] * by;
            }
            let inwards = if step[i] == low[i] { -slope } else { slope };
            let gain = inwards / self.hessian[i][i].sqrt();
            if gain > 1e-9 * self.squares.sqrt() && most.is_none_or(|(_, best)| gain > best) {
                most = Some((i, gain));
            }
        }
        most.map(|(i, _)| i)
    }

    /// Solves (H + damping diag H) step = -gradient by Cholesky, with some components fixed.
    fn step(&self, count: usize, damping: f64, set: &[Option<f64>; K]) -> Option<[f64; K]> {
        let mut l = [[0.0; K]; K];
        let mut step = [0.0; K];
        let hessian = |i: usize, j: usize| self.hessian[i.max(j)][i.min(j)];
        for i in 0..count {
            if let Some(value) = set[i] {
                l[i][i] = 1.0;
                step[i] = value;
                continue;
            }
            for j in 0..=i {
                if set[j].is_some() {
                    continue;
                }
                let mut sum = hessian(i, j);
                if i == j {
                    sum += damping * sum + f64::MIN_POSITIVE;
                }
                for (a, b) in l[i].iter().zip(&l[j]).take(j) {
                    sum -= a * b;
                }
                if i == j {
                    if !(sum > 1e-14 * hessian(i, i) && sum.is_finite()) {
                        return None;
                    }
                    l[i][i] = sum.sqrt();
                } else {
                    l[i][j] = sum / l[j][j];
                }
            }
        }
        for i in (0..count).filter(|i| set[*i].is_none()) {
            let mut sum = -self.gradient[i];
            for (j, value) in set.iter().enumerate() {
                sum -= value.map_or(0.0, |value| value * hessian(i, j));
            }
            for k in (0..i).filter(|k| set[*k].is_none()) {
                sum -= l[i][k] * step[k];
            }
            step[i] = sum / l[i][i];
        }
        for i in (0..count).rev().filter(|i| set[*i].is_none()) {
            let mut sum = step[i];
            for k in (i + 1..count).filter(|k| set[*k].is_none()) {
                sum -= l[k][i] * step[k];
            }
            step[i] = sum / l[i][i];
        }
        Some(step)
    }

    /// The reduction of the sum of squares predicted by the linear model of the residuals.
    fn promise(&self, step: &[f64; K], count: usize) -> f64 {
        let mut change = 0.0;
        for i in 0..count {
            change += 2.0 * self.gradient[i] * step[i] + self.hessian[i][i] * step[i] * step[i];
            for j in 0..i {
                change += 2.0 * self.hessian[i][j] * step[i] * step[j];
            }
        }
        -change
    }
}

/// The sum of squares at `parameters`; infinite if they are invalid.
pub fn sum_of_squares(model: &impl Residuals, parameters: &[f64]) -> f64 {
    let mut residuals = Vec::new();
    squares(model, parameters, &mut residuals)
}

fn squares(model: &impl Residuals, parameters: &[f64], residuals: &mut Vec<f64>) -> f64 {
    residuals.clear();
    if !model.residuals(parameters, residuals) {
        return f64::INFINITY;
    }
    let sum: f64 = residuals.iter().map(|u| u * u).sum();
    if sum.is_nan() { f64::INFINITY } else { sum }
}

/// Moves `parameters` to a local minimum of the sum of squares and returns the minimum.
///
/// `K` must be at least the number of parameters.
pub fn minimize<const K: usize>(model: &impl Residuals, parameters: &mut [f64], stop: Stop) -> f64 {
    let count = parameters.len();
    let mut plain = Vec::new();
    let mut best = squares(model, parameters, &mut plain);
    if count == 0 || !best.is_finite() {
        return best;
    }
    let mut duals: Vec<Dual<K>> = Vec::with_capacity(plain.len());
    let mut damping = 1e-3;
    let mut trial = parameters.to_vec();
    let mut fresh: Option<Normal<K>> = None;
    for _ in 0..stop.steps {
        let normal = match fresh.take() {
            Some(normal) => normal,
            None => {
                let at: Vec<Dual<K>> = (parameters.iter().enumerate())
                    .map(|(index, value)| Dual::parameter(*value, index))
                    .collect();
                duals.clear();
                model.residuals(&at, &mut duals);
                Normal::of(&duals, count)
            }
        };
        let (mut low, mut high) = ([0.0; K], [0.0; K]);
        for i in 0..count {
            let (least, most) = model.bounds(i);
            (low[i], high[i]) = (least - parameters[i], most - parameters[i]);
        }
        let Some(step) = normal.bounded_step(damping, &low, &high, count) else {
            damping = (damping * 10.0).max(1e-6);
            if damping > 1e12 {
                break;
            }
            fresh = Some(normal);
            continue;
        };
        let promise = normal.promise(&step, count);
        for i in 0..count {
            let (least, most) = model.bounds(i);
            trial[i] = (parameters[i] + step[i]).clamp(least, most);
        }
        let got = squares(model, &trial, &mut plain);
        if got < best {
            let ratio = (best - got) / promise.max(f64::MIN_POSITIVE);
            parameters.copy_from_slice(&trial);
            best = got;
            if ratio > 0.75 {
                damping = (damping * 0.1).max(1e-9);
            } else if ratio < 0.25 {
                damping *= 4.0;
            }
        } else {
            damping = (damping * 8.0).max(1e-6);
            fresh = Some(normal);
        }
        if promise < stop.decrease * best || damping > 1e12 {
            break;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley.
    struct Valley;

    impl Residuals for Valley {
        fn residuals<T: Real>(&self, p: &[T], out: &mut Vec<T>) -> bool {
            out.extend([(p[1] - p[0] * p[0]) * 10.0, -p[0] + 1.0]);
            true
        }
    }

    #[test]
    fn the_minimum_of_a_curved_valley_is_found() {
        let mut at = [-1.2, 1.0];
        let stop = Stop {
            decrease: 1e-16,
            steps: 100,
        };
        let least = minimize::<2>(&Valley, &mut at, stop);
        assert!(least < 1e-20, "{least}");
        assert!((at[0] - 1.0).abs() < 1e-8 && (at[1] - 1.0).abs() < 1e-8);
    }

    /// An elongated bowl around (1.5, -0.1), J'J = (1 0.9; 0.9 1), restricted to the unit square.
    struct Square;

    impl Residuals for Square {
        fn residuals<T: Real>(&self, p: &[T], out: &mut Vec<T>) -> bool {
            let root = 0.19f64.sqrt();
            out.extend([p[0] + p[1] * 0.9 - 1.41, (p[1] + 0.1) * root]);
            true
        }

        fn bounds(&self, _: usize) -> (f64, f64) {
            (0.0, 1.0)
        }
    }

    #[test]
    fn a_bound_that_is_no_longer_active_is_released() {
        // The path to the minimum leaves the square at (1, 0), where both bounds are met; along the
        // first of them the minimum is at 1.25 - 0.9.
        for start in [[0.5, 0.5], [1.0, 0.0], [0.0, 0.0]] {
            let mut at = start;
            let stop = Stop {
                decrease: 1e-16,
                steps: 100,
            };
            minimize::<2>(&Square, &mut at, stop);
            assert!(
                (at[0] - 1.0).abs() < 1e-6 && (at[1] - 0.35).abs() < 1e-6,
                "{at:?}"
            );
        }
    }

    struct Nowhere;

    impl Residuals for Nowhere {
        fn residuals<T: Real>(&self, _: &[T], _: &mut Vec<T>) -> bool {
            false
        }
    }

    #[test]
    fn a_model_without_residuals_does_not_move() {
        let mut at = [0.5];
        let stop = Stop {
            decrease: 1e-9,
            steps: 5,
        };
        assert_eq!(minimize::<1>(&Nowhere, &mut at, stop), f64::INFINITY);
        assert_eq!(at, [0.5]);
    }
}
