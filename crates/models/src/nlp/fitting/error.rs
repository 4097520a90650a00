//! Errors in rows, classes and options.

/// Why no model was fitted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    /// There are no texts.
    #[error("no rows to train on")]
    NoRows,
    /// The numbers of labels and texts differ.
    #[error("got {texts} texts but {labels} labels")]
    Lengths {
        /// Number of texts.
        texts: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A label is not an index into the classes.
    #[error("row {row} has class number {label}, but there are {classes} classes")]
    Label {
        /// The first such row, from 0.
        row: usize,
        /// The row's label.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// All rows have the same class.
    #[error("all rows are of one class, `{class}`; a classifier needs rows of two or more")]
    OneClass {
        /// The class's name.
        class: String,
    },
    /// A weight is given for an unknown class.
    #[error("weight for unknown class `{class}`; the classes are {classes}")]
    UnknownClass {
        /// The name in the weights.
        class: String,
        /// The existing names, joined by commas.
        classes: String,
    },
    /// A class has no rows.
    #[error("no row is of class `{class}`; leave the class out or add rows of it")]
    EmptyClass {
        /// The class's name.
        class: String,
    },
    /// No n-gram is within the document frequency bounds.
    #[error(
        "no n-gram occurs in at least {min_df} and at most a share of {max_df} of the {rows} texts; \
         lower min_df or raise max_df"
    )]
    NoFeatures {
        /// Number of texts.
        rows: usize,
        /// Minimum document frequency, in texts.
        min_df: usize,
        /// Maximum document frequency, as a share of the texts.
        max_df: f64,
    },
    /// An option is out of range.
    #[error("{name} is {value}, expected {expected}")]
    Option {
        /// The option's name.
        name: &'static str,
        /// The given value.
        value: String,
        /// The allowed values.
        expected: &'static str,
    },
    /// Weights, biases or the objective became infinite.
    #[error("the fit overflowed; lower the regularization parameter C from {regularization}")]
    NotFinite {
        /// C of the fit.
        regularization: f64,
    },
}
