//! What can be wrong with probabilities and labels.

/// Why [`Labelled::new`](super::Labelled::new) refuses its input.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LabelsError {
    /// One class or none.
    #[error("label errors need two classes or more, got {classes}")]
    Classes {
        /// Number of classes.
        classes: usize,
    },
    /// No rows.
    #[error("no rows to search for label errors")]
    Empty,
    /// The matrix does not have a row for each label.
    #[error(
        "expected {rows} rows x {classes} classes of probabilities, got {probabilities} numbers"
    )]
    Lengths {
        /// Numbers in the matrix.
        probabilities: usize,
        /// Number of labels.
        rows: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A label that is no class.
    #[error("row {row}: class {label} is unknown; classes are numbered from 0 to {}", classes - 1)]
    UnknownClass {
        /// The row, from 0.
        row: usize,
        /// Its label.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// Numbers that are negative, not finite, or do not sum to 1.
    #[error("row {row}: probabilities must be between 0 and 1 and sum to 1")]
    NotProbabilities {
        /// The row, from 0.
        row: usize,
    },
}
