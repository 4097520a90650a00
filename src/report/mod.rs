//! Pages and pictures out of results: one self-contained HTML file a report. Called by verbs, calls
//! none; reads no files and knows no clock, so that a page's bytes follow from what it shows.

mod chart;
pub mod classifier;
pub mod format;
mod heatmap;
pub mod html;
pub mod profile;
pub mod svg;
pub mod table;
pub mod validate;
