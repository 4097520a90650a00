//! easylife: four everyday machine-learning jobs from raw data to scored output.

pub mod models; // the maths
