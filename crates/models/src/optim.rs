//! Minimization of smooth functions: trust-region Newton with conjugate gradients.
//!
//! TRON of Lin, Weng and Keerthi, "Trust region Newton method for large-scale logistic regression",
//! JMLR 9 (2008), with the diagonal preconditioner of Hsia, Chiang and Lin, "Preconditioned
//! conjugate gradient methods in truncated Newton frameworks", ACML 2018. It knows no data: what is
//! minimised provides its value, gradient and Hessian-vector products.
//!
//! The value and the gradient, which determine where the search ends, are in double precision. The
//! conjugate gradients, which stop at a relative residual anyway, are in single precision.

use super::kernels::reduce::{add_scaled, dot, norm, scale_add_product, sum};

/// A twice differentiable, convex function of `dimension` variables.
pub trait Objective {
    /// Number of variables.
    fn dimension(&self) -> usize;

    /// f(w). May store what the gradient at the same point needs.
    fn value(&mut self, w: &[f64]) -> f64;

    /// ∇f at the point of the last call of `value`, which is passed as `w`.
    fn gradient(&mut self, w: &[f64], out: &mut [f64]);

    /// ∇²f · v at the point of the last call of `gradient`.
    fn hessian_vector(&mut self, v: &[f32], out: &mut [f32]);

    /// Diagonal of ∇²f (all positive) at the point of the last call of `gradient`.
    fn hessian_diagonal(&mut self, out: &mut [f32]);

    /// Radius of the first step in units of the gradient's length in the preconditioner's norm:
    /// small if the full step may overshoot.
    fn first_radius(&self) -> f64 {
        0.1
    }
}

/// The stopping rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stop {
    /// Euclidean norm of the gradient to reach.
    pub gradient_norm: f64,
    /// Maximum number of Newton steps.
    pub iterations: usize,
}

/// State after a Newton step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Iteration {
    /// Number of Newton steps so far, including rejected ones.
    pub number: usize,
    /// The value of f.
    pub value: f64,
    /// The norm of ∇f.
    pub gradient_norm: f64,
}

/// The result of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Minimum {
    /// Number of Newton steps, including rejected ones.
    pub iterations: usize,
    /// Number of Hessian-vector products over all steps.
    pub products: usize,
    /// The value of f.
    pub value: f64,
    /// The norm of ∇f.
    pub gradient_norm: f64,
    /// Whether the gradient is small enough, or no step lowers the value further in double
    /// precision.
    pub converged: bool,
}

/// Ratio of actual to predicted reduction below which a step is rejected.
const ACCEPT: f64 = 1e-4;
/// Ratio below which the region shrinks.
const POOR: f64 = 0.25;
/// Ratio above which the region grows.
const GOOD: f64 = 0.75;
/// Factors by which the radius may change.
const SHRINK_MOST: f64 = 0.25;
const SHRINK: f64 = 0.5;
const GROW: f64 = 4.0;
/// Weight of the Hessian's diagonal in the preconditioner; the rest is the identity. Together with
/// the residual it halves the number of products needed with the published 0.01 and 0.1 at 77
/// classes, at no cost at two.
const DIAGONAL_SHARE: f32 = 0.3;
/// Relative residual at which conjugate gradients stop; tighter near the minimum.
const RESIDUAL: f64 = 0.3;

/// Minimizes `objective` starting from `w`, and stores the minimum in `w`.
///
/// `watch` is called after every Newton step. The result depends only on the arguments, provided
/// the objective does.
pub fn minimize(
    objective: &mut dyn Objective,
    w: &mut [f64],
    stop: Stop,
    watch: &mut dyn FnMut(Iteration),
) -> Minimum {
    Search::new(objective, w).run(stop, watch)
}

struct Search<'a> {
    objective: &'a mut dyn Objective,
    w: &'a mut [f64],
    trial: Vec<f64>,
    gradient: Vec<f64>,
    cg: ConjugateGradient,
    value: f64,
    gradient_norm: f64,
    first_norm: f64,
    radius: f64,
}

impl<'a> Search<'a> {
    fn new(objective: &'a mut dyn Objective, w: &'a mut [f64]) -> Search<'a> {
        let dimension = objective.dimension();
        assert_eq!(w.len(), dimension, "start of the objective's dimension");
        let value = objective.value(w);
        let mut search = Search {
            trial: w.to_vec(),
            gradient: vec![0.0; dimension],
            cg: ConjugateGradient::new(dimension),
            objective,
            w,
            value,
            gradient_norm: 0.0,
            first_norm: 0.0,
            radius: f64::INFINITY,
        };
        search.move_here();
        search.first_norm = search.gradient_norm;
        let length = search.cg.inverse_norm(&search.gradient);
        search.radius = search.objective.first_radius() * length;
        search
    }

    fn run(mut self, stop: Stop, watch: &mut dyn FnMut(Iteration)) -> Minimum {
        let (mut iterations, mut products) = (0, 0);
        let mut converged = self.gradient_norm <= stop.gradient_norm;
        while !converged && iterations < stop.iterations && self.value.is_finite() {
            iterations += 1;
            let residual = RESIDUAL.min((self.gradient_norm / self.first_norm).sqrt());
            let path = self
                .cg
                .solve(self.objective, &self.gradient, self.radius, residual);
            products += path.products;
            let stalled = self.step(path, iterations == 1);
            watch(Iteration {
                number: iterations,
                value: self.value,
                gradient_norm: self.gradient_norm,
            });
            converged = stalled || self.gradient_norm <= stop.gradient_norm;
        }
        Minimum {
            iterations,
            products,
            value: self.value,
            gradient_norm: self.gradient_norm,
            converged: converged && self.value.is_finite(),
        }
    }

    /// Accepts or rejects the step found by conjugate gradients and sets the radius of the next.
    ///
    /// Returns true if the predicted reduction is below the precision of the value.
    fn step(&mut self, path: Path, first: bool) -> bool {
        self.trial.copy_from_slice(self.w);
        add_scaled(&mut self.trial, 1.0, &self.cg.step);
        let slope = dot(&self.gradient, &self.cg.step);
        let predicted = -0.5 * (slope - dot(&self.cg.step, &self.cg.residual));
        let value = self.objective.value(&self.trial);
        // Close to the minimum both reductions are rounding noise; a few units in the last place on
        // either side keep their ratio near one (Conn, Gould and Toint 2000, section 17.4.2).
        let noise = 10.0 * f64::EPSILON * self.value.abs();
        let stalled = predicted <= 0.1 * noise;
        let (actual, predicted) = (self.value - value + noise, predicted + noise);
        if first {
            self.radius = self.radius.min(path.length);
        }
        self.radius = self.next_radius(actual, predicted, value - self.value - slope, slope, path);
        if actual > ACCEPT * predicted {
            self.w.copy_from_slice(&self.trial);
            self.value = value;
            self.move_here();
        }
        stalled
    }

    fn next_radius(&self, actual: f64, predicted: f64, excess: f64, slope: f64, path: Path) -> f64 {
        let alpha = if excess <= 0.0 {
            GROW
        } else {
            SHRINK_MOST.max(-0.5 * slope / excess)
        };
        let wanted = alpha * path.length;
        // A value that is not finite fails every comparison and gets the smallest radius.
        if actual >= GOOD * predicted {
            if path.at_boundary {
                GROW * self.radius
            } else {
                self.radius.max(wanted.min(GROW * self.radius))
            }
        } else if actual >= POOR * predicted {
            (SHRINK_MOST * self.radius).max(wanted.min(GROW * self.radius))
        } else if actual >= ACCEPT * predicted {
            (SHRINK_MOST * self.radius).max(wanted.min(SHRINK * self.radius))
        } else {
            (SHRINK_MOST * path.length)
                .max(wanted.min(SHRINK * self.radius))
                .min(self.radius)
        }
    }

    /// Computes the gradient and preconditioner at `w`, where the value was last computed.
    fn move_here(&mut self) {
        self.objective.gradient(self.w, &mut self.gradient);
        self.gradient_norm = norm(&self.gradient);
        self.objective.hessian_diagonal(&mut self.cg.preconditioner);
        for entry in &mut self.cg.preconditioner {
            *entry = 1.0 / (DIAGONAL_SHARE * *entry + (1.0 - DIAGONAL_SHARE));
        }
    }
}

/// How conjugate gradients ended.
#[derive(Clone, Copy, Debug)]
struct Path {
    products: usize,
    /// Length of the step in the preconditioner's norm.
    length: f64,
    at_boundary: bool,
}

/// Steihaug's conjugate gradients in the norm of a diagonal preconditioner M.
struct ConjugateGradient {
    /// Diagonal of the inverse of M.
    preconditioner: Vec<f32>,
    /// The step, s.
    step: Vec<f32>,
    /// r = -g - H s.
    residual: Vec<f32>,
    direction: Vec<f32>,
    product: Vec<f32>,
}

impl ConjugateGradient {
    fn new(dimension: usize) -> ConjugateGradient {
        let zeros = || vec![0.0_f32; dimension];
        ConjugateGradient {
            preconditioner: vec![1.0; dimension],
            step: zeros(),
            residual: zeros(),
            direction: zeros(),
            product: zeros(),
        }
    }

    /// sqrt(v' M^-1 v).
    fn inverse_norm(&self, v: &[f64]) -> f64 {
        sum(v, v, &self.preconditioner, |a, b, m| a * b * m).sqrt()
    }

    /// Minimises g's + s'Hs/2 over sqrt(s'Ms) <= radius, to a relative residual of `tolerance`.
    fn solve(
        &mut self,
        objective: &mut dyn Objective,
        gradient: &[f64],
        radius: f64,
        tolerance: f64,
    ) -> Path {
        self.step.fill(0.0);
        for (r, g) in self.residual.iter_mut().zip(gradient) {
            *r = -*g as f32;
        }
        self.turn(0.0);
        let mut rho = self.residual_norm();
        let enough = tolerance * tolerance * rho;
        let (mut products, mut at_boundary) = (0, false);
        let mut length = Length::of_direction(rho);
        while rho > enough && products < self.step.len() {
            objective.hessian_vector(&self.direction, &mut self.product);
            products += 1;
            let alpha = rho / dot(&self.direction, &self.product);
            // A direction without curvature has an infinite or undefined alpha: go to the boundary.
            let inside = length.after(alpha) <= radius;
            at_boundary = !inside;
            let alpha = if inside { alpha } else { length.reach(radius) };
            add_scaled(&mut self.step, alpha as f32, &self.direction);
            add_scaled(&mut self.residual, -alpha as f32, &self.product);
            let before = rho;
            rho = self.residual_norm();
            length = length.advance(alpha, rho, rho / before);
            if at_boundary {
                break;
            }
            self.turn(rho / before);
        }
        Path {
            products,
            length: length.ss.max(0.0).sqrt(),
            at_boundary,
        }
    }

    /// r' M^-1 r.
    fn residual_norm(&self) -> f64 {
        let r = &self.residual;
        sum(r, r, &self.preconditioner, |a, b, m| a * b * m)
    }

    /// d = M^-1 r + beta d.
    fn turn(&mut self, beta: f64) {
        let (direction, inverse) = (&mut self.direction, &self.preconditioner);
        scale_add_product(direction, beta as f32, &self.residual, inverse);
    }
}

/// Inner products of the step s and the direction d in the preconditioner's norm, by the
/// recurrences of Conn, Gould and Toint, "Trust Region Methods" (2000), section 7.5.1, without a
/// pass over the vectors.
#[derive(Clone, Copy, Debug)]
struct Length {
    ss: f64,
    sd: f64,
    dd: f64,
}

impl Length {
    /// No step yet, and the direction M^-1 r with r' M^-1 r = rho.
    fn of_direction(rho: f64) -> Length {
        Length {
            ss: 0.0,
            sd: 0.0,
            dd: rho,
        }
    }

    /// Length of s + alpha d.
    fn after(self, alpha: f64) -> f64 {
        (self.ss + alpha * (2.0 * self.sd + alpha * self.dd))
            .max(0.0)
            .sqrt()
    }

    /// After s += alpha d and d = M^-1 r + beta d, with r' M^-1 r = rho.
    fn advance(self, alpha: f64, rho: f64, beta: f64) -> Length {
        Length {
            ss: self.ss + alpha * (2.0 * self.sd + alpha * self.dd),
            sd: beta * (self.sd + alpha * self.dd),
            dd: rho + beta * beta * self.dd,
        }
    }

    /// The alpha >= 0 at which s + alpha d reaches the radius, computed without cancellation.
    fn reach(self, radius: f64) -> f64 {
        let gap = (radius * radius - self.ss).max(0.0);
        let root = (self.sd * self.sd + self.dd * gap).sqrt();
        if self.sd >= 0.0 {
            gap / (self.sd + root)
        } else {
            (root - self.sd) / self.dd
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Σ c_i (w_i - i)² / 2: minimum at w_i = i.
    struct Bowl {
        curvature: Vec<f64>,
    }

    impl Objective for Bowl {
        fn dimension(&self) -> usize {
            self.curvature.len()
        }
        fn value(&mut self, w: &[f64]) -> f64 {
            let terms = w.iter().zip(&self.curvature).enumerate();
            terms
                .map(|(i, (w, c))| 0.5 * c * (w - i as f64) * (w - i as f64))
                .sum()
        }
        fn gradient(&mut self, w: &[f64], out: &mut [f64]) {
            for (i, out) in out.iter_mut().enumerate() {
                *out = self.curvature[i] * (w[i] - i as f64);
            }
        }
        fn hessian_vector(&mut self, v: &[f32], out: &mut [f32]) {
            for (out, (v, c)) in out.iter_mut().zip(v.iter().zip(&self.curvature)) {
                *out = *c as f32 * v;
            }
        }
        fn hessian_diagonal(&mut self, out: &mut [f32]) {
            let diagonal = out.iter_mut().zip(&self.curvature);
            diagonal.for_each(|(out, c)| *out = *c as f32);
        }
    }

    /// Σ ln(2 cosh w_i): a plain Newton step from |w| > 1.09 overshoots forever.
    #[derive(Default)]
    struct Flat {
        curvature: Vec<f64>,
    }

    impl Objective for Flat {
        fn dimension(&self) -> usize {
            2
        }
        fn value(&mut self, w: &[f64]) -> f64 {
            w.iter()
                .map(|w| w.abs() + libm::log1p(libm::exp(-2.0 * w.abs())))
                .sum()
        }
        fn gradient(&mut self, w: &[f64], out: &mut [f64]) {
            for (out, w) in out.iter_mut().zip(w) {
                *out = libm::tanh(*w);
            }
            self.curvature = out.iter().map(|tanh| 1.0 - tanh * tanh).collect();
        }
        fn hessian_vector(&mut self, v: &[f32], out: &mut [f32]) {
            for (out, (v, c)) in out.iter_mut().zip(v.iter().zip(&self.curvature)) {
                *out = *c as f32 * v;
            }
        }
        fn hessian_diagonal(&mut self, out: &mut [f32]) {
            let diagonal = out.iter_mut().zip(&self.curvature);
            diagonal.for_each(|(out, c)| *out = *c as f32);
        }
    }

    const TIGHT: Stop = Stop {
        gradient_norm: 1e-9,
        iterations: 100,
    };

    #[test]
    fn finds_the_minimum_of_a_quadratic() {
        let mut bowl = Bowl {
            curvature: (0..50).map(|i| 1.0 + f64::from(i * i)).collect(),
        };
        let mut w = vec![0.0; 50];
        let end = minimize(&mut bowl, &mut w, TIGHT, &mut |_| ());
        assert!(end.converged);
        assert!(
            w.iter()
                .enumerate()
                .all(|(i, w)| (w - i as f64).abs() < 1e-8),
            "{w:?}"
        );
    }

    #[test]
    fn stays_at_the_minimum() {
        let mut w = vec![0.0, 1.0];
        let end = minimize(
            &mut Bowl {
                curvature: vec![1.0; 2],
            },
            &mut w,
            TIGHT,
            &mut |_| (),
        );
        assert_eq!((end.iterations, end.converged), (0, true));
    }

    #[test]
    fn reports_running_out_of_steps() {
        let mut w = vec![9.0, -30.0];
        let stop = Stop {
            iterations: 2,
            ..TIGHT
        };
        assert!(!minimize(&mut Flat::default(), &mut w, stop, &mut |_| ()).converged);
        assert!(minimize(&mut Flat::default(), &mut w, TIGHT, &mut |_| ()).converged);
        assert!(norm(&w) < 1e-8);
    }

    #[test]
    fn the_value_never_rises() {
        let mut seen = Vec::new();
        let mut w = vec![9.0, -30.0];
        minimize(&mut Flat::default(), &mut w, TIGHT, &mut |now| {
            seen.push(now.value)
        });
        assert!(
            seen.windows(2).all(|pair| pair[1] <= pair[0] + 1e-12),
            "{seen:?}"
        );
    }
}
