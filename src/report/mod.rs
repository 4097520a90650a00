//! Pages and pictures from results: one self-contained HTML file per report. Used by verbs and tasks and uses neither;
//! reads no files and no clock, so that the bytes of a page depend on its content alone.

mod axes;
mod chart;
#[cfg(test)]
pub mod check;
pub mod classifier;
pub mod format;
pub mod headline;
mod heatmap;
pub mod html;
pub mod index;
pub mod mistakes;
pub mod page;
pub mod profile;
pub mod slices;
pub mod svg;
pub mod table;
pub mod validate;
