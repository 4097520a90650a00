//! What a fit is at while it runs.

use crate::optim::Iteration;

/// What a fit is at, for a progress bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    /// Trying candidates on rows held out, so many done.
    Searching { trials: usize },
    /// Texts counted so far, of all.
    Counting { texts: usize, of: usize },
    /// Turning texts into rows of so many features.
    Vectorizing { features: usize },
    /// After a Newton step.
    Solving(Iteration),
}
