//! Which models a series is forecast with, by the names that parameters give them.

/// The forecasting method of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ARIMA, ETS, theta and CES, combined.
    Auto,
    /// ARIMA of the orders with the least AICc.
    Arima,
    /// ETS of the kind with the least AICc.
    Ets,
    /// The theta method.
    Theta,
    /// Complex exponential smoothing.
    Ces,
    /// ETS(A,A,A), or without a season ETS(A,A,N).
    HoltWinters,
    /// The value a season ago.
    SeasonalNaive,
    /// The last value and the mean change.
    Drift,
    /// The mean of all values.
    Mean,
}

/// Names and kinds, as parameters spell them.
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
