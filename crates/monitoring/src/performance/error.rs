//! Why performance cannot be estimated or measured.

/// What is wrong with the rows, and where.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PerformanceError {
    /// There are no rows, or too few.
    #[error("{rows} rows in {what}; at least {least} needed")]
    TooFewRows {
        /// The reference or the window.
        what: &'static str,
        /// Number of rows.
        rows: usize,
        /// Number of rows needed.
        least: usize,
    },
    /// A slice has another length than the others.
    #[error("expected one {what} per row, got {got} for {rows} rows")]
    Length {
        /// What the slice holds.
        what: &'static str,
        /// Number of entries.
        got: usize,
        /// Number of rows.
        rows: usize,
    },
    /// Fewer than two classes, or scores that are not a whole number of rows.
    #[error("{values} scores are not rows of {classes} classes; at least two classes are needed")]
    Classes {
        /// Number of scores.
        values: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A score is not between 0 and 1.
    #[error("score {value} of row {row} for class {class} is not between 0 and 1")]
    Score {
        /// Index of the row.
        row: usize,
        /// Index of the class.
        class: usize,
        /// The score.
        value: f64,
    },
    /// The scores of a row are not probabilities of all classes.
    #[error(
        "the scores of row {row} sum to {sum} instead of 1; give the probabilities of all classes"
    )]
    ScoreSum {
        /// Index of the row.
        row: usize,
        /// Their sum.
        sum: f64,
    },
    /// A prediction or a target is none of the classes of the reference.
    #[error("{what} {class} of row {row} is not one of the {classes} classes of the reference")]
    UnknownClass {
        /// `prediction` or `target`.
        what: &'static str,
        /// Index of the row.
        row: usize,
        /// The index of the class.
        class: u32,
        /// Number of classes.
        classes: usize,
    },
    /// All targets of the reference are of one class.
    #[error("all targets of the reference are of class {class}; nothing can be learned from them")]
    OneClass {
        /// Index of the class.
        class: u32,
    },
    /// The scores are of another number of classes than those of the reference.
    #[error("the scores are of {got} classes, those of the reference of {expected}")]
    OtherClasses {
        /// Number of classes of the reference.
        expected: usize,
        /// Number of classes given.
        got: usize,
    },
    /// A number is missing or infinite.
    #[error("{what} {value} of row {row} is not a finite number")]
    NotFinite {
        /// What the number is.
        what: &'static str,
        /// Index of the row.
        row: usize,
        /// The number.
        value: f64,
    },
    /// A parameter is out of its range.
    #[error("{name} is {value}, not {range}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What it may be.
        range: &'static str,
    },
    /// The error model could not be fitted.
    #[error("the error model cannot be fitted: {0}")]
    Fit(#[from] models::trees::FitError),
    /// The columns are not those the error model was fitted to.
    #[error("the columns do not fit the error model: {0}")]
    Columns(#[from] models::trees::EnsembleError),
}

/// Refuses a slice that has not one entry per row.
pub(super) fn check_length(
    what: &'static str,
    got: usize,
    rows: usize,
) -> Result<(), PerformanceError> {
    match got == rows {
        true => Ok(()),
        false => Err(PerformanceError::Length { what, got, rows }),
    }
}

/// Refuses too few rows.
pub(super) fn check_rows(
    what: &'static str,
    rows: usize,
    least: usize,
) -> Result<(), PerformanceError> {
    match rows >= least {
        true => Ok(()),
        false => Err(PerformanceError::TooFewRows { what, rows, least }),
    }
}

/// Refuses numbers that are missing or infinite.
pub(super) fn check_finite(what: &'static str, values: &[f64]) -> Result<(), PerformanceError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(row) => Err(PerformanceError::NotFinite {
            what,
            row,
            value: values[row],
        }),
        None => Ok(()),
    }
}

/// Refuses a share that is not between 0 and 1, ends excluded.
pub(super) fn check_share(name: &'static str, value: f64) -> Result<(), PerformanceError> {
    match value > 0.0 && value < 1.0 {
        true => Ok(()),
        false => Err(PerformanceError::Parameter {
            name,
            value,
            range: "between 0 and 1",
        }),
    }
}
