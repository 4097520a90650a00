//! The page `reports/tabular.html`: how well a column of a table is predicted on the test part, what the predictions
//! rely on, and where they are wrong. Takes measured figures and chooses what to show, in which order.

mod classes;
mod columns;
mod dependence;
mod importance;
mod numbers;
mod quantiles;
mod rows;
mod search;
mod strips;

pub use classes::{ClassesPart, CostPart, GainPoint};
pub use columns::ColumnLine;
pub use dependence::{Dependence, Values};
pub use importance::{Importance, Interaction, Swarm, SwarmPoint};
pub use numbers::{Compared, FitBin, NumbersPart, ResidualBins};
pub use quantiles::QuantilePart;
pub use rows::{Miss, Slice, SliceTable, Worst};
pub use search::{Mean, Trial};

use crate::report::format::{count, label};
use crate::report::html::{Table, columns as headings, text};
use crate::report::page::{Figure, Page, Section};

/// The content of the page. Sections, pictures and lines of empty lists and `None` are left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TabularReport {
    /// The column that is predicted.
    pub target: String,
    /// Of a target of classes.
    pub classes: Option<ClassesPart>,
    /// Of a target of numbers or counts.
    pub numbers: Option<NumbersPart>,
    /// In ascending order of their levels.
    pub quantiles: Vec<QuantilePart>,
    /// The scales of the section on what the model relies on.
    pub scales: Scales,
    /// In the order to show them.
    pub importance: Vec<Importance>,
    /// In the order to show them.
    pub swarm: Vec<Swarm>,
    /// In the order to show them.
    pub dependence: Vec<Dependence>,
    /// The strongest first.
    pub interactions: Vec<Interaction>,
    pub slices: Vec<SliceTable>,
    /// Kinds of models that were tried on held-out training rows.
    pub trials: Vec<Trial>,
    /// In the order of the table.
    pub columns: Vec<ColumnLine>,
    /// In the order to show them.
    pub worst: Vec<Worst>,
    pub train_rows: Option<u64>,
    pub test_rows: Option<u64>,
}

/// What the figures of a model are measured in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scales {
    /// The loss of importances and trials: `log loss`, `squared error`.
    pub loss: String,
    /// What contributions add up to: `log-odds of yes`, `price`, `logarithm of visits`.
    pub contribution: String,
    /// What partial dependence is a mean of: `probability of yes`, `price`.
    pub prediction: String,
    /// Whether that is a share from 0 to 1.
    pub shares: bool,
}

/// Maximum width of the target's name, in columns of a terminal.
const TARGET: usize = 40;

/// The page: a function of `report` alone.
pub fn page(report: &TabularReport) -> Page {
    let mut sections = vec![
        importance::relies(report),
        importance::swarms(report),
        dependence::section(report),
        importance::interactions(report),
    ];
    if let Some(part) = &report.classes {
        sections.extend(classes::sections(part));
    }
    if let Some(part) = &report.numbers {
        sections.push(numbers::section(part, &report.target));
    }
    sections.extend([
        quantiles::section(report),
        rows::slices(&report.slices),
        rows::worst(&report.worst),
        search::section(report),
        columns::section(&report.columns),
        data(report),
    ]);
    Page {
        title: format!("Predictions of {} on the test part", target(report)),
        summary: summary(report),
        figures: figures(report),
        sections: sections.into_iter().flatten().collect(),
        ..Page::default()
    }
}

/// The name of the target on one line, plain text.
fn target(report: &TabularReport) -> String {
    label(&report.target, TARGET)
}

/// How good the predictions are, then what they rely on.
fn summary(report: &TabularReport) -> String {
    let quality = [
        report.classes.as_ref().map(classes::summary),
        report.numbers.as_ref().map(|part| {
            let rows = report.test_rows;
            numbers::summary(part, &report.target, rows)
        }),
        quantiles::summary(report),
    ];
    let quality: Vec<String> = quality.into_iter().flatten().collect();
    let mut out = match quality.is_empty() {
        true => "There is no test part, so there are no metrics.".to_owned(),
        false => quality.join(" "),
    };
    out += &importance::summary(&report.importance);
    out
}

fn figures(report: &TabularReport) -> Vec<Figure> {
    let mut figures = Vec::new();
    if let Some(part) = &report.classes {
        figures.extend(classes::figures(part));
    }
    if let Some(part) = &report.numbers {
        figures.extend(numbers::figures(part));
    }
    figures.extend(quantiles::figure(&report.quantiles));
    figures
}

fn data(report: &TabularReport) -> Option<Section> {
    let used = report.columns.iter().filter(|column| column.used).count() as u64;
    let facts = [
        ("Rows to train on", report.train_rows.map(count)),
        ("Rows to test on", report.test_rows.map(count)),
        ("Columns used", (used > 0).then(|| count(used))),
    ];
    let facts: Vec<Vec<String>> = facts
        .into_iter()
        .filter_map(|(name, value)| Some(vec![name.to_owned(), value?]))
        .collect();
    (!facts.is_empty()).then(|| Section {
        title: "Data".to_owned(),
        note: String::new(),
        body: Table {
            caption: "Data of training and test".to_owned(),
            columns: headings(&[("Name", "name"), ("Value", "n")]),
            rows: facts,
            class: "facts",
        }
        .render(),
    })
}

/// A sentence on what is left out of a list of which `shown` are shown; empty if nothing is.
fn left_out(all: usize, shown: usize, one: &str, many: &str) -> String {
    match all.saturating_sub(shown) as u64 {
        0 => String::new(),
        hidden => format!(
            "<p class=\"after\">{} more {} not shown.</p>\n",
            count(hidden),
            match hidden {
                1 => format!("{one} is"),
                _ => format!("{many} are"),
            }
        ),
    }
}

/// The least and the greatest of the finite values; `None` without any.
fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .filter(|value| value.is_finite())
        .fold(None, |range, value| match range {
            None => Some((value, value)),
            Some((low, high)) => Some((low.min(value), high.max(value))),
        })
}

/// A user's name in a sentence: shortened, escaped, isolated.
fn named(name: &str) -> String {
    text(&label(name, TARGET))
}

#[cfg(test)]
mod tests;
