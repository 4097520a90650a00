//! Blurred-photo detection: takes the bytes of a photo file and returns sharp or blurred.

/// A photo to classify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The whole file, in any supported format.
    pub photo: &'a [u8],
}

/// Whether a photo is sharp.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Index of the class in the model's order.
    pub class: usize,
    /// The class's name.
    pub label: &'static str,
    /// The class's probability.
    pub probability: f64,
    /// Log-odds of sharp; above 0 means sharp.
    pub score: f64,
    /// Why the answer may be wrong: the photo has a size that the model has not learned about.
    pub warning: Option<String>,
}
