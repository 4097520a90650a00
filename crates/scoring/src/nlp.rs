//! Text classification: a text in, the most probable class out.

/// A text to classify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// As it was written; `None` where it is missing. An empty text is a text.
    pub text: Option<&'a str>,
}

/// The most probable class of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<'m> {
    /// Its number in the model's order.
    pub class: usize,
    /// Its name.
    pub label: &'m str,
    /// Its probability.
    pub probability: f64,
    /// The probability of each class in the model's order; they sum to 1.
    pub probabilities: Vec<f64>,
}
