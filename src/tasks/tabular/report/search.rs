//! The part of the page on the kinds of models that were tried.

use super::TabularReport;
use crate::report::format::{LABEL, MISSING, amount, capitalized, label, significant};
use crate::report::html::{Table, columns, text};
use crate::report::page::Section;

/// A mean with its standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mean {
    pub value: f64,
    pub standard_error: f64,
}

/// A kind of model that was tried on held-out training rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trial {
    /// `linear`, `trees`, `average`.
    pub name: String,
    /// Its settings in words; may be empty.
    pub settings: String,
    pub loss: Mean,
    /// The loss minus that of the best; `None`: it is the best.
    pub difference: Option<Mean>,
    /// Whether the model was fitted with these.
    pub chosen: bool,
}

pub(super) fn section(report: &TabularReport) -> Option<Section> {
    let trials = &report.trials;
    if trials.is_empty() {
        return None;
    }
    let settings = trials.iter().any(|trial| !trial.settings.is_empty());
    let loss = match report.scales.loss.as_str() {
        "" => "Loss".to_owned(),
        loss => text(&capitalized(&label(loss, 24))),
    };
    let mut headings = vec![("Model", "name")];
    if settings {
        headings.push(("Settings", "name"));
    }
    headings.extend([
        (loss.as_str(), "n"),
        ("\u{b1}", "n"),
        ("More than the best", "n"),
        ("\u{b1}", "n"),
    ]);
    let table = Table {
        caption: "Kinds of models on held-out rows of the training part".to_owned(),
        columns: columns(&headings),
        rows: trials.iter().map(|trial| row(trial, settings)).collect(),
        class: "pairs",
    };
    Some(Section {
        title: "How the model was chosen".to_owned(),
        note: "Lower is better; \u{b1} is the standard error. A difference of less than two standard errors may be chance. \
               The test part was not used."
            .to_owned(),
        body: table.render(),
    })
}

fn row(trial: &Trial, settings: bool) -> Vec<String> {
    let mark = if trial.chosen { " (chosen)" } else { "" };
    let mut cells = vec![text(&label(&trial.name, LABEL)) + mark];
    if settings {
        cells.push(match trial.settings.as_str() {
            "" => String::new(),
            settings => text(&label(settings, 2 * LABEL)),
        });
    }
    let difference =
        |of: fn(Mean) -> String| trial.difference.map_or_else(|| MISSING.to_owned(), of);
    cells.extend([
        amount(trial.loss.value),
        significant(trial.loss.standard_error, 2),
        difference(|mean| significant(mean.value, 3)),
        difference(|mean| significant(mean.standard_error, 2)),
    ]);
    cells
}
