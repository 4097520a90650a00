//! Label errors, by confident learning (Northcutt, Jiang and Chuang, "Confident Learning: Estimating
//! Uncertainty in Dataset Labels", JAIR 70, 2021).
//!
//! From the class probabilities of rows that the model was not trained on (out-of-fold) and the
//! labels that the rows were given: how many labels are wrong, which classes are confused, and which
//! rows to look at first. The names of methods are those of cleanlab, which the authors wrote.

mod error;
mod joint;
mod prune;
mod score;

#[cfg(test)]
mod tests;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use error::LabelsError;
pub use joint::{Joint, confident_guesses, thresholds};
pub use prune::Filter;
pub use score::{Score, quality_scores};

/// Rows that one task takes at a time; sums do not depend on the number of threads.
const CHUNK: usize = 4096;

/// Largest distance of a row's sum from 1: room for probabilities that were rounded or are `f32`.
const SUM_TOLERANCE: f64 = 1e-2;

/// Out-of-fold class probabilities, and the labels that were given.
///
/// `T` is `f32` or `f64`.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a, T> {
    probabilities: &'a [T],
    labels: &'a [u32],
    classes: usize,
}

impl<'a, T: Copy + Into<f64> + Sync> Labelled<'a, T> {
    /// Checks `probabilities` (rows × classes, row by row) and `labels` (one number of a class a row).
    ///
    /// # Errors
    /// Fewer than two classes, no rows, lengths that do not fit, an unknown class, or a row that is
    /// not a probability distribution.
    pub fn new(
        probabilities: &'a [T],
        labels: &'a [u32],
        classes: usize,
    ) -> Result<Self, LabelsError> {
        if classes < 2 {
            return Err(LabelsError::Classes { classes });
        }
        if labels.is_empty() {
            return Err(LabelsError::Empty);
        }
        if labels.len().checked_mul(classes) != Some(probabilities.len()) {
            return Err(LabelsError::Lengths {
                probabilities: probabilities.len(),
                rows: labels.len(),
                classes,
            });
        }
        let unknown = labels.iter().position(|&label| label as usize >= classes);
        if let Some(row) = unknown {
            let label = labels[row];
            return Err(LabelsError::UnknownClass {
                row,
                label,
                classes,
            });
        }
        let data = Self {
            probabilities,
            labels,
            classes,
        };
        let wrong = (0..data.len())
            .into_par_iter()
            .find_first(|&row| !is_distribution(data.row(row)));
        match wrong {
            Some(row) => Err(LabelsError::NotProbabilities { row }),
            None => Ok(data),
        }
    }

    /// Number of rows, at least 1.
    #[allow(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Number of classes, at least 2.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The given labels.
    pub fn labels(&self) -> &'a [u32] {
        self.labels
    }

    /// How many rows were given each class.
    pub fn label_counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.classes];
        for &label in self.labels {
            counts[label as usize] += 1;
        }
        counts
    }

    /// The probabilities of a row's classes.
    fn row(&self, row: usize) -> &'a [T] {
        &self.probabilities[row * self.classes..][..self.classes]
    }

    /// Calls `f` for every row and collects the results in the order of rows.
    fn map<R: Send>(&self, f: impl Fn(usize, &'a [T]) -> R + Sync) -> Vec<R> {
        (0..self.len())
            .into_par_iter()
            .with_min_len(CHUNK)
            .map(|row| f(row, self.row(row)))
            .collect()
    }
}

fn is_distribution<T: Copy + Into<f64>>(row: &[T]) -> bool {
    let mut sum = 0.0;
    for &p in row {
        let p: f64 = p.into();
        // Not a number is in no range.
        if !(0.0..=1.0 + SUM_TOLERANCE).contains(&p) {
            return false;
        }
        sum += p;
    }
    (sum - 1.0).abs() <= SUM_TOLERANCE
}

/// How rows are found and ranked.
///
/// # Examples
/// ```
/// use quality::labels::{Labelled, Options};
///
/// // The fourth row is said to be of class 0, but looks like class 1.
/// let probabilities = [0.9, 0.1, 0.8, 0.2, 0.85, 0.15, 0.1, 0.9, 0.2, 0.8, 0.1, 0.9];
/// let data = Labelled::new(&probabilities, &[0, 0, 0, 0, 1, 1], 2)?;
/// let found = Options::default().find(&data);
/// assert_eq!(found.rows.len(), 1);
/// assert_eq!((found.rows[0].row, found.rows[0].suggested), (3, 1));
/// # Ok::<(), quality::labels::LabelsError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Which rows are listed.
    pub filter: Filter,
    /// By what the rows are ranked.
    pub score: Score,
}

/// What [`Options::find`] finds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelErrors {
    /// Mean probability of each class over the rows that were given it; `None` for classes without
    /// rows.
    pub thresholds: Vec<Option<f64>>,
    /// Counts of rows by given and confidently guessed class.
    pub joint: Joint,
    /// [`LabelErrors::joint`] scaled to the numbers of rows given each class.
    pub calibrated: Joint,
    /// How many labels are estimated to be wrong: the off-diagonal of [`LabelErrors::calibrated`].
    pub estimated: u64,
    /// The rows to look at, the likeliest errors first.
    pub rows: Vec<LabelError>,
}

/// A row whose label is likely wrong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LabelError {
    /// The row, from 0.
    pub row: usize,
    /// The class that it was given.
    pub given: u32,
    /// The most probable other class.
    pub suggested: u32,
    /// From 0 (surely wrong) to 1 (surely right), by [`Options::score`].
    pub quality: f64,
}

impl Options {
    /// Estimates the noise of the labels and lists the rows that are likely wrong.
    pub fn find<T: Copy + Into<f64> + Sync>(&self, data: &Labelled<T>) -> LabelErrors {
        let thresholds = thresholds(data);
        let guesses = confident_guesses(data, &thresholds);
        let joint = Joint::count(data, &guesses);
        let calibrated = joint.calibrate(&data.label_counts());
        let scores = quality_scores(data, self.score);
        let is_error = self.filter.select(data, &calibrated, &guesses);
        let mut rows: Vec<LabelError> = (0..data.len())
            .filter(|&row| is_error[row])
            .map(|row| LabelError {
                row,
                given: data.labels[row],
                suggested: suggested(data, row),
                quality: scores[row],
            })
            .collect();
        rows.par_sort_by(|a, b| a.quality.total_cmp(&b.quality).then(a.row.cmp(&b.row)));
        LabelErrors {
            thresholds,
            estimated: calibrated.off_diagonal(),
            joint,
            calibrated,
            rows,
        }
    }
}

/// The most probable class but the given one.
fn suggested<T: Copy + Into<f64> + Sync>(data: &Labelled<T>, row: usize) -> u32 {
    let given = data.labels[row] as usize;
    let probabilities = data.row(row);
    let others = (0..data.classes).filter(|&class| class != given);
    let best = others.reduce(|best, class| {
        let (p, top): (f64, f64) = (probabilities[class].into(), probabilities[best].into());
        if p > top { class } else { best }
    });
    // There are two classes or more.
    best.unwrap_or(given) as u32
}
