//! The parts of the page on slices of the test rows, and on the rows with the worst predictions.

use crate::report::format::{amount, capitalized, count, excerpt, label, percent};
use crate::report::html::text;
use crate::report::mistakes::{self, Mistake};
use crate::report::page::Section;
use crate::report::slices::{self, Slices};

/// Slices of the test rows by one column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SliceTable {
    pub by: String,
    /// The figures of each slice, in the order to show them.
    pub metrics: Vec<String>,
    /// In the order to show them.
    pub slices: Vec<Slice>,
}

/// The rows with one value of a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slice {
    pub value: String,
    pub rows: u64,
    /// As many as the table has metrics.
    pub metrics: Vec<Option<f64>>,
}

/// A test row that is predicted badly.
#[derive(Clone, Debug, PartialEq)]
pub struct Worst {
    /// Number of the row in the test part, from 1.
    pub row: u64,
    pub actual: String,
    pub predicted: String,
    pub miss: Miss,
    /// What moved the prediction most, as text: `contract = monthly (+0.82)`.
    pub reasons: Vec<String>,
}

/// How far a prediction is off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Miss {
    /// The probability of the wrong class.
    Probability(f64),
    /// Actual minus predicted.
    Residual(f64),
}

const ROWS_SHOWN: usize = 20;
const REASONS_SHOWN: usize = 5;
/// Maximum widths, in columns of a terminal.
const VALUE: usize = 40;
const REASON: usize = 90;
/// The metric that is shown as a percentage and as a bar.
const ACCURACY: &str = "accuracy";

pub(super) fn slices(slices: &[SliceTable]) -> Option<Section> {
    let filled = slices.iter().filter(|table| !table.slices.is_empty());
    let html = slices::tables(filled.map(of_column));
    (!html.is_empty()).then(|| Section {
        title: "Where it does better or worse".to_owned(),
        note: "The same figures on slices of the test rows; those of few rows are uncertain."
            .to_owned(),
        body: html,
    })
}

fn of_column(table: &SliceTable) -> Slices<'_> {
    let spelled = |(name, value): (&String, &Option<f64>)| {
        let value = value.unwrap_or(f64::NAN);
        match name.as_str() {
            ACCURACY => percent(value, 1),
            _ => amount(value),
        }
    };
    let accuracy = table.metrics.iter().position(|name| name == ACCURACY);
    let parts = table.slices.iter().map(|slice| slices::Slice {
        value: &slice.value,
        rows: slice.rows,
        figures: table
            .metrics
            .iter()
            .zip(&slice.metrics)
            .map(spelled)
            .collect(),
        bar: accuracy.map(|at| slice.metrics.get(at).copied().flatten().unwrap_or(0.0)),
    });
    Slices {
        by: &table.by,
        figures: table.metrics.iter().map(|name| capitalized(name)).collect(),
        parts: parts.collect(),
    }
}

pub(super) fn worst(worst: &[Worst]) -> Option<Section> {
    let shown = worst.iter().take(ROWS_SHOWN);
    (!worst.is_empty()).then(|| Section {
        title: "Where it is most wrong".to_owned(),
        note: "The test rows with the worst predictions, and what moved these most: often a wrong value in the data, or \
               something that no column says."
            .to_owned(),
        body: mistakes::list(shown.map(mistake)),
    })
}

fn mistake(worst: &Worst) -> Mistake {
    let value = |name: &str| text(&label(name, VALUE));
    let predicted = value(&worst.predicted);
    let (said, off) = match worst.miss {
        Miss::Probability(probability) => (
            format!(
                "<span class=\"bad\">{predicted}</span> {}",
                percent(probability, 1)
            ),
            None,
        ),
        Miss::Residual(residual) => (predicted, Some(("off by", amount(residual)))),
    };
    let facts = [("said", said), ("is", value(&worst.actual))];
    let reasons = worst.reasons.iter().take(REASONS_SHOWN);
    let reasons: Vec<String> = reasons
        .map(|reason| text(&excerpt(reason, REASON)))
        .collect();
    Mistake {
        facts: facts
            .into_iter()
            .chain(off)
            .chain([("row", count(worst.row))])
            .collect(),
        body: reasons.join("<br>"),
    }
}
