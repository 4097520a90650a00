//! Which models a series is forecast with, by the names that parameters give them.

/// What forecasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ARIMA, ETS, theta and CES, combined.
    Auto,
    Arima,
    Ets,
    Theta,
    Ces,
    /// ETS(A,A,A), or without a season ETS(A,A,N).
    HoltWinters,
    SeasonalNaive,
    Drift,
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
