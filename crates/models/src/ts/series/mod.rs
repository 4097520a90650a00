//! One series: the models it is forecast with, their weights, and their errors at earlier origins.

pub mod forecaster;
pub mod kind;
pub mod member;
pub mod rolling;
pub mod trial;

#[cfg(test)]
mod tests;
