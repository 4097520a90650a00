//! The models for a series, by their names in parameters.

/// The forecasting method of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ARIMA, ETS, theta and CES, combined.
    Auto,
    /// ARIMA with the orders of smallest AICc.
    Arima,
    /// ETS of the kind with smallest AICc.
    Ets,
    /// The theta method.
    Theta,
    /// Complex exponential smoothing.
    Ces,
    /// ETS(A,A,A), or without a season ETS(A,A,N).
    HoltWinters,
    /// The value one season ago.
    SeasonalNaive,
    /// The last value and the mean change.
    Drift,
    /// The mean of all values.
    Mean,
}

/// Names in parameters, and kinds.
pub const KINDS: [(&str, Kind); 9] = [
    ("auto", Kind::Auto),
    ("arima", Kind::Arima),
    ("ets", Kind::Ets),
    ("theta", Kind::Theta),
    ("ces", Kind::Ces),
    ("holt-winters", Kind::HoltWinters),
    ("seasonal_naive", Kind::SeasonalNaive),
    ("drift", Kind::Drift),
    ("mean", Kind::Mean),
];
