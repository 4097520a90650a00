//! What to fit, and how exactly.

/// What to fit and how exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SolverOptions {
    /// C: the weight of the data against w'w/2.
    pub regularization: f64,
    /// Gradient norm to reach, relative to the one with all weights zero and the bias at the prior.
    pub tolerance: f64,
    /// Newton steps at most.
    pub max_iterations: usize,
}

impl Default for SolverOptions {
    fn default() -> SolverOptions {
        SolverOptions {
            regularization: 1.0,
            tolerance: 1e-3,
            max_iterations: 100,
        }
    }
}

/// What three classes or more are fitted to. Two are the same in either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// One softmax over the classes.
    #[default]
    Multinomial,
    /// Each class against all others.
    OneVsRest,
}
