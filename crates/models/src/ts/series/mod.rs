//! One series: the models it is forecast with, their weights, and how they did at earlier times.

pub mod forecaster;
pub mod kind;
pub mod member;
pub mod rolling;
pub mod trial;

#[cfg(test)]
mod tests;
