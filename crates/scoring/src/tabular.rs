//! Tables: takes the cells of a row and returns a class, a number or quantiles.

/// A row to answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Request<'a> {
    /// The cells of the columns that the model predicts from, in its order.
    pub cells: Vec<Cell<'a>>,
}

/// A cell of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// There is no value.
    Missing,
    /// A number.
    Number(f64),
    /// Any value as written, numbers included.
    Text(&'a str),
}

/// The answer to a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<'m> {
    /// What is predicted.
    pub prediction: Prediction<'m>,
    /// Why, if that was asked for: the strongest reasons first.
    pub reasons: Vec<Reason<'m>>,
}

/// What is predicted for a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Prediction<'m> {
    /// One of several classes.
    Class {
        /// Index of the class in the model's order.
        class: usize,
        /// The class's name.
        label: &'m str,
        /// The class's probability.
        probability: f64,
        /// The probability of each class in the model's order; they sum to 1.
        probabilities: Vec<f64>,
    },
    /// A number, with its intervals from the narrowest: lower and upper end.
    Number {
        /// The mean.
        value: f64,
        /// One per coverage of the model.
        intervals: Vec<[f64; 2]>,
    },
    /// Quantiles, in the order of their levels.
    Quantiles(Vec<f64>),
}

/// What a column contributed.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason<'m> {
    /// The column.
    pub column: &'m str,
    /// Its value, as it was understood.
    pub value: String,
    /// What it added to the margin: log-odds for classes, the logarithm for counts, else the number.
    pub contribution: f64,
}
