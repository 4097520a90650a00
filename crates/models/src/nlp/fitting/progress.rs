//! The current step of a running fit.

use crate::optim::Iteration;

/// The current step of a fit, for a progress bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    /// Trying candidates by cross-validation.
    Searching {
        /// Candidates tried so far.
        trials: usize,
        /// Number of all candidates.
        of: usize,
    },
    /// Counting the n-grams of texts.
    Counting {
        /// Texts counted so far.
        texts: usize,
        /// Number of all texts.
        of: usize,
    },
    /// Turning texts into rows.
    Vectorizing {
        /// Number of columns of the rows.
        features: usize,
    },
    /// After a Newton step.
    Solving(Iteration),
}
