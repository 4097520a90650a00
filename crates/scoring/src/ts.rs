//! Demand forecasting: takes a series of the model and returns its next steps.

/// A series to forecast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request<'a> {
    /// The series' id.
    pub series: &'a str,
    /// Data on the series that the model was not trained on.
    pub newer: Newer<'a>,
    /// Number of steps to forecast; `None` means as many as the model was trained for.
    pub horizon: Option<usize>,
    /// Coverage of the intervals in percent, each in (0, 100).
    pub levels: &'a [f64],
}

/// Data on a series that the model was not trained on. It updates the model's state; no parameter
/// is refitted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Newer<'a> {
    /// Nothing.
    #[default]
    Nothing,
    /// Observations in any order. One that repeats a value the model has seen changes nothing; one
    /// that corrects a value observed after training replaces it; one that corrects a value used in
    /// training is refused.
    Observations(&'a [Observation<'a>]),
    /// Values of all steps after training, replacing those that the model stores; NaN where one is
    /// missing.
    Steps(&'a [f64]),
    /// Observations that were refused earlier, and why: the answer falls back to the seasonal naive
    /// forecast.
    Refused(&'a str),
}

/// An observation of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation<'a> {
    /// A date, a time or a whole number, written as in the training data.
    pub time: &'a str,
    /// The value; NaN if missing.
    pub value: f64,
}

/// The forecast of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<'m> {
    /// The series' id.
    pub series: &'m str,
    /// The time of each step; `None` past the end of the calendar.
    pub times: Vec<Option<String>>,
    /// The point forecast of each step.
    pub mean: Vec<f64>,
    /// Lower and upper bounds of each step, one pair per requested level.
    pub bounds: Vec<(Vec<f64>, Vec<f64>)>,
    /// Why the answer is a seasonal naive forecast instead of the model's; `None` if it is the
    /// model's.
    pub fallback: Option<String>,
}
