//! Evaluation metrics: counts, rates and curves from actual and predicted values. No files, no
//! models, no pages: verbs call this and pass the results on.

pub mod bootstrap;
pub mod bootstrap_regression;
pub mod bootstrap_roc;
pub mod calibration;
pub mod classification;
pub mod forecast;
pub mod gain;
pub mod precision_recall;
pub mod ranking;
pub mod regression;
pub mod residuals;
pub mod roc;
