//! What can be wrong with rows, classes and options.

/// Why there is no model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    #[error("no rows to train on")]
    NoRows,
    #[error("got {texts} texts but {labels} labels")]
    Lengths { texts: usize, labels: usize },
    #[error("row {row} has class number {label}, but there are {classes} classes")]
    Label {
        row: usize,
        label: u32,
        classes: usize,
    },
    #[error("all rows are of one class, `{class}`; a classifier needs rows of two or more")]
    OneClass { class: String },
    #[error("there is a weight for class `{class}`, but the classes are {classes}")]
    UnknownClass { class: String, classes: String },
    #[error("no row is of class `{class}`; leave the class out or add rows of it")]
    EmptyClass { class: String },
    #[error(
        "no n-gram stands in at least {min_df} texts and in at most a share of {max_df} of the \
         {rows}; lower min_df or raise max_df"
    )]
    NoFeatures {
        rows: usize,
        min_df: usize,
        max_df: f64,
    },
    #[error("{name} is {value}, expected {expected}")]
    Option {
        name: &'static str,
        value: String,
        expected: &'static str,
    },
    #[error("the fit overflowed; lower the regularization parameter C from {regularization}")]
    NotFinite { regularization: f64 },
}
