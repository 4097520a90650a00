//! Pages and pictures from results: one self-contained HTML file per report. Called by verbs and tasks, calls
//! none; reads no files and no clock, so that a page's bytes depend on its content alone.

mod axes;
mod chart;
pub mod classifier;
pub mod format;
mod heatmap;
pub mod html;
pub mod index;
pub mod page;
pub mod profile;
pub mod svg;
pub mod table;
pub mod validate;
