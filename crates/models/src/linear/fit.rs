//! Fits a problem: the function that is minimized, the starting point, and the stopping rule.

use super::binary::Binary;
use super::coefficients::Coefficients;
use super::objective::Logistic;
use super::options::{Scheme, SolverOptions};
use super::problem::Problem;
use crate::kernels::reduce::norm;
use crate::optim::{self, Iteration, Minimum, Objective, Stop};

impl Problem<'_> {
    /// The objective, with the data weighted by `regularization`.
    pub(super) fn objective(&self, regularization: f64) -> Box<dyn Objective + '_> {
        match self.outputs() {
            1 => Box::new(Binary::new(self, regularization)),
            _ => Box::new(Logistic::new(self, regularization)),
        }
    }

    /// Fits the problem from `start`, or from [`Problem::prior`]; the tolerance means the same for
    /// any start.
    pub fn fit(
        &self,
        options: &SolverOptions,
        start: Option<Coefficients>,
        watch: &mut dyn FnMut(Iteration),
    ) -> (Coefficients, Minimum) {
        let mut objective = self.objective(options.regularization);
        let prior = self.prior();
        let mut gradient = vec![0.0; prior.values.len()];
        objective.value(&prior.values);
        objective.gradient(&prior.values, &mut gradient);
        let stop = Stop {
            gradient_norm: options.tolerance * norm(&gradient),
            iterations: options.max_iterations,
        };
        let mut coefficients = start.unwrap_or(prior);
        let end = optim::minimize(objective.as_mut(), &mut coefficients.values, stop, watch);
        if self.scheme == Scheme::Multinomial {
            coefficients.center_bias();
        }
        (coefficients, end)
    }
}
