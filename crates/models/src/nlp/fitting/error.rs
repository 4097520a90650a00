//! What can be wrong with rows, classes and options.

/// Why there is no model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    /// There is no text.
    #[error("no rows to train on")]
    NoRows,
    /// Not as many labels as texts.
    #[error("got {texts} texts but {labels} labels")]
    Lengths {
        /// Texts given.
        texts: usize,
        /// Labels given.
        labels: usize,
    },
    /// A label that is no place in the list of classes.
    #[error("row {row} has class number {label}, but there are {classes} classes")]
    Label {
        /// The first such row, from 0.
        row: usize,
        /// Its label.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// A single class.
    #[error("all rows are of one class, `{class}`; a classifier needs rows of two or more")]
    OneClass {
        /// Its name.
        class: String,
    },
    /// A weight for a class that does not exist.
    #[error("there is a weight for class `{class}`, but the classes are {classes}")]
    UnknownClass {
        /// Name in the weights.
        class: String,
        /// Names that exist, joined by commas.
        classes: String,
    },
    /// A class without rows.
    #[error("no row is of class `{class}`; leave the class out or add rows of it")]
    EmptyClass {
        /// Its name.
        class: String,
    },
    /// The bounds on document frequencies leave no n-gram.
    #[error(
        "no n-gram occurs in at least {min_df} and at most a share of {max_df} of the {rows} texts; \
         lower min_df or raise max_df"
    )]
    NoFeatures {
        /// Texts given.
        rows: usize,
        /// Lower bound, in texts.
        min_df: usize,
        /// Upper bound, as a share of the texts.
        max_df: f64,
    },
    /// An option outside of its range.
    #[error("{name} is {value}, expected {expected}")]
    Option {
        /// Name of the option.
        name: &'static str,
        /// Value given.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// Weights, biases or the objective became infinite.
    #[error("the fit overflowed; lower the regularization parameter C from {regularization}")]
    NotFinite {
        /// C of the fit.
        regularization: f64,
    },
}
