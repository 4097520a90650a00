//! Explanations of any function of a table's columns, from its answers alone: Kernel SHAP (`shapley`)
//! and LIME (`lime`). Both fit a linear model of which columns are known, a surrogate, to answers for
//! rows that are put together from the explained row and from background rows.
//!
//! They are for what has no exact form, such as a calibrated probability. Margins of trees and of
//! linear models have one: see [`Explanation`](super::Explanation).
//!
//! The columns are players of a game: those of a coalition have the values of the explained row, the
//! others those of a background row. The caller answers rows that are put together as [`Composite`]s say;
//! a [`Pool`] does that for tables. Draws are keyed by the seed, and answers are asked for in an
//! order of their own, so that the number of threads of the caller changes nothing.

mod coalitions;
mod lime;
mod pool;
mod shapley;
#[cfg(test)]
mod tests;

pub use lime::{Lime, LocalModel};
pub use pool::Pool;
pub use shapley::{Contributions, KernelShap};

/// Rows that are asked for at once, unless a single coalition has more.
const BATCH: usize = 8192;

/// A row that is put together: known columns from the explained row, all others from a background row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Composite<'a> {
    /// Index of the background row.
    pub background: usize,
    /// For each column whether it has the value of the explained row.
    pub known: &'a [bool],
}

/// Why a row could not be explained. `E` is the caller's error.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SurrogateError<E> {
    /// Unknown columns have no values.
    #[error("there is no background row; give at least one, or better a hundred")]
    NoBackground,
    /// Too few coalitions or samples for the number of columns.
    #[error("{given} {what} are too few for {columns} columns; at least {needed} are needed")]
    Budget {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        given: usize,
        /// How many there must be.
        needed: usize,
        /// Number of columns.
        columns: usize,
    },
    /// A setting out of its range.
    #[error("`{name}` is {value}, expected {expected}")]
    Setting {
        /// Its name.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// Not one answer per row.
    #[error("expected one answer for each of {expected} rows, got {got}")]
    Answers {
        /// Number of rows.
        expected: usize,
        /// Number of answers.
        got: usize,
    },
    /// An answer that is infinite or NaN.
    #[error("the answer to a row is {answer}; only finite answers can be explained")]
    NotFinite {
        /// The answer.
        answer: f64,
    },
    /// Several linear models fit the answers equally well.
    #[error(
        "the samples do not determine the local model; use more of them or a regularization above 0"
    )]
    Undetermined,
    /// The caller could not answer.
    #[error("{0}")]
    Model(E),
}

/// The answers to some rows, one each, all finite.
fn answers<E>(
    rows: &[Composite],
    answer: &mut impl FnMut(&[Composite]) -> Result<Vec<f64>, E>,
) -> Result<Vec<f64>, SurrogateError<E>> {
    let answers = answer(rows).map_err(SurrogateError::Model)?;
    if answers.len() != rows.len() {
        return Err(SurrogateError::Answers {
            expected: rows.len(),
            got: answers.len(),
        });
    }
    match answers.iter().find(|answer| !answer.is_finite()) {
        Some(&answer) => Err(SurrogateError::NotFinite { answer }),
        None => Ok(answers),
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
