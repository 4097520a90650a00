//! How good a model is on the rows of each window: estimated from what it said of them, measured where the truth is
//! known, and the estimate judged by that.

mod classes;
mod numbers;

use anyhow::Result;
use monitoring::performance::PerformanceError;
use monitoring::performance::thresholds::Alert;
use serde::Serialize;

use super::Request;
use super::columns::Reference;
use crate::exit;

/// What the model said, and the truth: columns of the tables.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// What was to be predicted; in the reference for every row, in the other table as far as it is known.
    pub target: String,
    /// What was predicted.
    pub prediction: Option<String>,
    /// The probability of classes: of the second of two, or of each named one.
    pub scores: Vec<(Option<String>, String)>,
}

/// Share of windows whose figure is inside its interval.
pub const LEVEL: f64 = 0.95;

/// Share of windows like the reference in which a metric alarms: that of three standard deviations, so that the several
/// metrics of a window together alarm in about one of a hundred.
pub const RATE: f64 = 0.0027;

/// Performance by window.
#[derive(Debug, Serialize)]
pub struct Performance {
    /// `classes` or `numbers`.
    of: &'static str,
    /// Rows of the reference without a target, a score or a prediction, which are left out.
    pub reference_left_out: u64,
    /// The classes of the reference.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    pub windows: Vec<WindowPerformance>,
}

/// The performance of a window.
#[derive(Debug, Serialize)]
pub struct WindowPerformance {
    pub window: String,
    /// Rows with all that the estimate needs.
    pub rows: u64,
    /// Rows that lack something, which are left out.
    pub left_out: u64,
    /// Rows of which the truth is known.
    pub labelled: u64,
    /// Rows whose actual class the reference does not have.
    #[serde(skip_serializing_if = "is_zero")]
    pub new_classes: u64,
    pub figures: Vec<Figure>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A metric of a window.
#[derive(Debug, Serialize)]
pub struct Figure {
    pub metric: String,
    /// Its class, if it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Its value on the reference.
    pub reference: Option<f64>,
    /// What it is expected to be.
    pub estimated: Option<Interval>,
    /// What it was on the rows of which the truth is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realised: Option<Interval>,
    /// Outside of these a figure of a window of this size alarms.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// What the estimate says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert: Option<Alert>,
    /// What the truth says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realised_alert: Option<Alert>,
}

/// A value with the interval that it is expected in.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Interval {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl Performance {
    /// Whether it is worse anywhere: estimated, or measured.
    pub fn has_fallen(&self) -> bool {
        let mut windows = self.windows.iter();
        windows.any(WindowPerformance::has_fallen)
    }
}

impl WindowPerformance {
    /// Whether a metric of all classes is worse.
    pub fn has_fallen(&self) -> bool {
        let mut figures = self.figures.iter().filter(|figure| figure.class.is_none());
        figures.any(|figure| [figure.alert, figure.realised_alert].contains(&Some(Alert::Worse)))
    }

    /// A metric of all classes.
    pub fn get(&self, metric: &str) -> Option<&Figure> {
        let mut figures = self.figures.iter();
        figures.find(|figure| figure.metric == metric && figure.class.is_none())
    }
}

/// Estimates and measures.
///
/// # Errors
/// Columns that are not there or hold something else, scores that are no probabilities (exit 4), too few rows.
pub fn run(request: &Request, asked: &Asked, reference: &Reference) -> Result<Performance> {
    match asked.scores.is_empty() {
        false => classes::run(request, asked),
        true => numbers::run(request, asked, reference),
    }
}

/// An error of the mathematics about a table: the fault is in its rows.
fn about(path: &std::path::Path, error: &PerformanceError) -> anyhow::Error {
    exit::data(format!("{}: {error}", path.display()))
}

/// The rows of each window among those that are usable, in the order of the windows' names.
fn by_window(names: &[(String, usize)], window_of: &[u32], is_usable: &[bool]) -> Vec<Vec<usize>> {
    let mut order = vec![0; names.len()];
    for (at, (_, window)) in names.iter().enumerate() {
        order[*window] = at;
    }
    let mut rows = vec![Vec::new(); names.len()];
    for (row, (&window, &is_usable)) in window_of.iter().zip(is_usable).enumerate() {
        if is_usable {
            rows[order[window as usize]].push(row);
        }
    }
    rows
}

/// Rows of each window, usable or not, in the order of the windows' names.
fn sizes(names: &[(String, usize)], window_of: &[u32]) -> Vec<u64> {
    let mut counts = vec![0; names.len()];
    window_of
        .iter()
        .for_each(|&window| counts[window as usize] += 1);
    names.iter().map(|(_, window)| counts[*window]).collect()
}
