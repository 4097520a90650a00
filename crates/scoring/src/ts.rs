//! Demand forecasting: a series of the model in, its next steps out.

/// A series to forecast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request<'a> {
    /// Its id.
    pub series: &'a str,
    /// What is known of it beyond what the model was trained on.
    pub newer: Newer<'a>,
    /// Steps to forecast; `None`: as many as the model was trained for.
    pub horizon: Option<usize>,
    /// Coverage of the intervals, in per cent; each in (0, 100).
    pub levels: &'a [f64],
}

/// What is known of a series beyond what the model was trained on. It moves the model's state; nothing is
/// fitted again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Newer<'a> {
    /// Nothing.
    #[default]
    Nothing,
    /// Observations in any order. Those that repeat what the model has seen change nothing; one that
    /// corrects a value that came after training takes its place; one that corrects a value that the model
    /// was fitted to is refused.
    Observations(&'a [Observation<'a>]),
    /// Values of all steps after the last one of training, in place of those that the model holds; NaN where
    /// one is missing.
    Steps(&'a [f64]),
    /// Observations that were refused before, and why: the answer falls back to the seasonal naive
    /// forecast.
    Refused(&'a str),
}

/// An observation of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation<'a> {
    /// A date, a time or a whole number, spelled as in the training data.
    pub time: &'a str,
    /// NaN where it is missing.
    pub value: f64,
}

/// The next steps of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<'m> {
    /// Its id.
    pub series: &'m str,
    /// The time of each step; `None` beyond the end of the calendar.
    pub times: Vec<Option<String>>,
    /// The point forecast of each step.
    pub mean: Vec<f64>,
    /// Lower and upper bounds of each step, for each level asked for.
    pub bounds: Vec<(Vec<f64>, Vec<f64>)>,
    /// Why these are seasonal naive forecasts and not the model's; `None` where they are the model's.
    pub fallback: Option<String>,
}
