//! Blurred-photo detection: the bytes of a photo file in, sharp or blurred out.

/// A photo to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The whole file, of any format that is read.
    pub photo: &'a [u8],
}

/// Whether a photo is sharp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// The class's number in the model's order.
    pub class: usize,
    /// Its name.
    pub label: &'static str,
    /// Its probability.
    pub probability: f64,
    /// Log-odds of sharp: above 0 is sharp.
    pub score: f64,
}
