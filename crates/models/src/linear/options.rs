//! What to fit, and how precisely.

/// What to fit and how precisely.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SolverOptions {
    /// C, the weight of the data relative to w'w/2.
    pub regularization: f64,
    /// Gradient norm to reach, relative to the one with all weights zero and the bias at the prior.
    pub tolerance: f64,
    /// Maximum number of Newton steps.
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

/// How three or more classes are fitted. For two classes both schemes are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// One softmax over the classes.
    #[default]
    Multinomial,
    /// Each class against all others.
    OneVsRest,
}
