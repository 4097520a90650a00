//! One output and too many features for a Gram matrix: conjugate gradients.

use super::loss::{Derivatives, Sample};
use super::newton::penalty;
use super::options::Options;
use super::prepared::Prepared;
use crate::kernels::reduce::norm;
use crate::optim::{self, Objective, Stop};

/// The objective as a function of the intercept and the other coefficients.
struct Wide<'a> {
    prepared: &'a Prepared,
    sample: &'a Sample,
    lambda: f64,
    /// At the point of the last call of `value`.
    last: Derivatives,
    /// At the point of the last call of `gradient`.
    curvatures: Vec<f64>,
}

impl Objective for Wide<'_> {
    fn dimension(&self) -> usize {
        self.prepared.dimension()
    }

    fn value(&mut self, w: &[f64]) -> f64 {
        let margins = self.prepared.multiply(&self.sample.rows, w);
        self.last = self.sample.derivatives(&margins);
        self.last.loss + penalty(self.lambda, w)
    }

    fn gradient(&mut self, w: &[f64], out: &mut [f64]) {
        self.curvatures.clone_from(&self.last.curvatures);
        let (rows, slopes) = (&self.sample.rows, &self.last.gradients);
        out.copy_from_slice(&self.prepared.multiply_transposed::<false>(rows, slopes));
        let coefficients = out.iter_mut().zip(w).skip(1);
        coefficients.for_each(|(out, w)| *out += self.lambda * w);
    }

    fn hessian_vector(&mut self, v: &[f32], out: &mut [f32]) {
        let wide: Vec<f64> = v.iter().map(|&v| f64::from(v)).collect();
        let mut bent = self.prepared.multiply(&self.sample.rows, &wide);
        let curved = bent.iter_mut().zip(&self.curvatures);
        curved.for_each(|(bent, curvature)| *bent *= curvature);
        let rows = &self.sample.rows;
        let mut product = self.prepared.multiply_transposed::<false>(rows, &bent);
        let coefficients = product.iter_mut().zip(&wide).skip(1);
        coefficients.for_each(|(out, v)| *out += self.lambda * v);
        narrow(&product, out);
    }

    fn hessian_diagonal(&mut self, out: &mut [f32]) {
        let (rows, curvatures) = (&self.sample.rows, &self.curvatures);
        let mut diagonal = self.prepared.multiply_transposed::<true>(rows, curvatures);
        diagonal.iter_mut().skip(1).for_each(|d| *d += self.lambda);
        let tiny = f64::from(f32::MIN_POSITIVE);
        diagonal.iter_mut().for_each(|d| *d = d.max(tiny));
        narrow(&diagonal, out);
    }

    fn first_radius(&self) -> f64 {
        1.0
    }
}

fn narrow(values: &[f64], out: &mut [f32]) {
    for (out, value) in out.iter_mut().zip(values) {
        *out = *value as f32;
    }
}

/// Minimizes for each strength, each search from where the last one ended.
pub(super) fn path(
    prepared: &Prepared,
    sample: &Sample,
    options: &Options,
    lambdas: &[f64],
) -> Vec<Vec<f64>> {
    let mut coefficients = vec![0.0; prepared.dimension()];
    coefficients[0] = sample.start();
    let mut gradient = coefficients.clone();
    let mut objective = Wide {
        prepared,
        sample,
        lambda: 0.0,
        last: Derivatives::default(),
        curvatures: Vec::new(),
    };
    objective.value(&coefficients);
    objective.gradient(&coefficients, &mut gradient);
    let stop = Stop {
        gradient_norm: options.tolerance * norm(&gradient),
        iterations: options.max_iterations,
    };
    let mut fit = |&lambda: &f64| {
        objective.lambda = lambda;
        optim::minimize(&mut objective, &mut coefficients, stop, &mut |_| {});
        coefficients.clone()
    };
    lambdas.iter().map(&mut fit).collect()
}
