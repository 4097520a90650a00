//! Demand forecasting.

pub mod demand;
