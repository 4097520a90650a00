//! Sections of the page on slices of the test rows, and on the settings that were tried.

use super::NlpReport;
use crate::report::format::{fixed, percent};
use crate::report::html::{BLANK, Table, columns, text};
use crate::report::page::Section;
use crate::report::slices::{self, Slice, Slices};

/// Figures of the rows with one length, or with one value of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct SlicePart {
    pub value: String,
    pub rows: u64,
    pub accuracy: f64,
    pub log_loss: f64,
}

/// Slices of the test rows by one column, or by the length of texts.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceTable {
    pub by: String,
    /// In the order to show them.
    pub parts: Vec<SlicePart>,
}

/// Settings that were tried on held-out training rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    pub settings: String,
    pub accuracy: f64,
    pub log_loss: f64,
    /// Whether the model was fitted with these.
    pub chosen: bool,
}

pub(super) fn slices(report: &NlpReport) -> Option<Section> {
    if report.slices.is_empty() {
        return None;
    }
    Some(Section {
        title: "Where it does better or worse".to_owned(),
        note: "The same figures on slices of the test rows; those of few rows are uncertain."
            .to_owned(),
        body: slices::tables(report.slices.iter().map(slice_table)),
    })
}

fn slice_table(table: &SliceTable) -> Slices<'_> {
    fn slice(part: &SlicePart) -> Slice<'_> {
        Slice {
            value: &part.value,
            rows: part.rows,
            figures: vec![percent(part.accuracy, 1), fixed(part.log_loss, 4)],
            bar: Some(part.accuracy),
        }
    }
    Slices {
        by: &table.by,
        figures: ["Accuracy", "Log loss"].map(str::to_owned).to_vec(),
        parts: table.parts.iter().map(slice).collect(),
    }
}

pub(super) fn search(report: &NlpReport) -> Option<Section> {
    if report.trials.is_empty() {
        return None;
    }
    let row = |trial: &Trial| {
        vec![
            text(&trial.settings),
            percent(trial.accuracy, 2),
            fixed(trial.log_loss, 4),
            if trial.chosen { "chosen" } else { "" }.to_owned(),
        ]
    };
    let body = Table {
        caption: format!("{} trials, in order", report.trials.len()),
        columns: columns(&[
            ("Settings", "name"),
            ("Accuracy", "n"),
            ("Log loss", "n"),
            (BLANK, "name"),
        ]),
        rows: report.trials.iter().map(row).collect(),
        class: "pairs",
    }
    .render();
    Some(Section {
        title: "What was tried".to_owned(),
        note: "Settings that are <code>auto</code> in the parameters, measured on held-out training rows; \
        the test part was not used."
            .to_owned(),
        body,
    })
}
