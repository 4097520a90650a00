//! easylife: four everyday machine-learning jobs from raw data to scored output.

pub mod artifact;
pub mod data;
pub mod metrics; // how answers are judged
pub mod models; // the maths
pub mod report; // pages and pictures out of results // the model file // formats on disk <-> memory
