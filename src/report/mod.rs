//! Pages and pictures from results: one self-contained HTML file per report. Used by verbs and tasks and uses neither;
//! reads no files and no clock, so that the bytes of a page depend on its content alone.

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
