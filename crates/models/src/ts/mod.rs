//! Demand forecasting: exact ARIMA and ETS over many series.

pub mod arima;
pub mod calibration;
pub mod ces;
pub mod chandrasekhar;
pub mod cycles;
pub mod diagnostics;
pub mod dual;
pub mod ets;
mod ets_fit;
mod ets_variance;
pub mod forecaster;
pub mod least_squares;
pub mod likelihood;
pub mod member;
pub mod model;
pub mod order;
pub mod packed;
pub mod polynomial;
pub mod rolling;
pub mod saved;
pub mod season;
pub mod simple;
pub mod stl;
pub mod theta;

pub use calibration::{Calibration, normal_width};
pub use forecaster::{Forecaster, KINDS, Kind};
pub use member::Member;
pub use model::{Fan, Model, Options};
pub use packed::Packed;
pub use saved::Saved;

#[cfg(test)]
mod arima_tests;
#[cfg(test)]
mod ets_tests;
#[cfg(test)]
mod forecaster_tests;
#[cfg(test)]
mod reference;
