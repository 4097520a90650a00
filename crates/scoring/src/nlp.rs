//! Text classification: takes a text and returns its most probable class.

/// A text to classify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The text as written; `None` if it is missing. An empty text counts as a text.
    pub text: Option<&'a str>,
}

/// The most probable class of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<'m> {
    /// Index of the class in the model's order.
    pub class: usize,
    /// The class's name.
    pub label: &'m str,
    /// The class's probability.
    pub probability: f64,
    /// The probability of each class in the model's order; they sum to 1.
    pub probabilities: Vec<f64>,
}
