//! What a fit is at while it runs.

use crate::optim::Iteration;

/// What a fit is at, for a progress bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    /// Trying candidates on rows held out, so many done.
    Searching {
        /// Candidates tried so far.
        trials: usize,
    },
    /// Texts counted so far, of all.
    Counting {
        /// Texts counted so far.
        texts: usize,
        /// All texts.
        of: usize,
    },
    /// Turning texts into rows of so many features.
    Vectorizing {
        /// Columns of the rows.
        features: usize,
    },
    /// After a Newton step.
    Solving(Iteration),
}
