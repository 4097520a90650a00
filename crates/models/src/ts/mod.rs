//! Demand forecasting: exact ARIMA and ETS over many series.
//!
//! From the bottom up: what all models share (`forecast`, `gaps`, `diagnostics`, `estimation`),
//! `seasonality`, the models of one series (`simple`, `arima`, `ets`, `smoothing`), their
//! combination (`series`), and many series together (`panel`).

pub mod arima;
pub mod diagnostics;
pub mod estimation;
pub mod ets;
pub mod forecast;
pub mod gaps;
pub mod panel;
pub mod seasonality;
pub mod series;
pub mod simple;
pub mod smoothing;

pub use forecast::Forecast;
pub use panel::calibration::{Calibration, normal_width};
pub use panel::model::{Fan, FitError, ForecastOptions, Model};
pub use panel::packed::Packed;
pub use panel::saved::Saved;
pub use series::forecaster::Forecaster;
pub use series::kind::{KINDS, Kind};
pub use series::member::Member;

#[cfg(test)]
mod reference;
