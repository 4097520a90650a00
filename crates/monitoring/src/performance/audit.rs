//! Estimates against what turned out: whether performance without labels was right, once labels arrive
//! for some of the rows.
//!
//! An estimate is blind to concept drift, so a verdict of [`Verdict::TooOptimistic`] is how concept
//! drift shows: rows got other labels than such rows had on the reference. Estimate and realised
//! performance are of the same rows, those with labels, whether or not these are a fair sample of the
//! window.

use serde::{Deserialize, Serialize};

use super::PerformanceError;
use super::cbpe::Cbpe;
use super::error::check_length;
use super::figures::Metric;
use super::loss::{ErrorModel, Frame, Loss};
use super::realised;
use super::scores::{Labelled, Window};
use super::truth::Joined;

/// What labels say of an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// What was realised is inside the estimate's interval.
    Consistent,
    /// Performance was worse than estimated.
    TooOptimistic,
    /// Performance was better than estimated.
    TooPessimistic,
}

/// A figure as it was estimated and as it turned out, on the same rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audited<M> {
    /// The metric.
    pub metric: M,
    /// The class it is of; `None` if it is of all.
    pub class: Option<u32>,
    /// What was estimated.
    pub estimated: f64,
    /// Lower end of the interval that the realised figure was expected in.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
    /// What was realised.
    pub realised: f64,
    /// The verdict.
    pub verdict: Verdict,
}

/// An audit of a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit<M> {
    /// Number of rows with a label.
    pub labelled: u64,
    /// Number of rows of the window.
    pub rows: u64,
    /// The figures that are defined both ways.
    pub figures: Vec<Audited<M>>,
}

impl<M: PartialEq + Copy> Audit<M> {
    /// The figure of a metric of all classes.
    pub fn get(&self, metric: M) -> Option<&Audited<M>> {
        let is_asked = |figure: &&Audited<M>| figure.metric == metric && figure.class.is_none();
        self.figures.iter().find(is_asked)
    }
}

fn verdict(realised: f64, (low, high): (f64, f64), is_gain: bool) -> Verdict {
    match (realised < low, realised > high) {
        (false, false) => Verdict::Consistent,
        (below, _) if below == is_gain => Verdict::TooOptimistic,
        _ => Verdict::TooPessimistic,
    }
}

/// Audits estimated performance of predicted classes by the labels that have arrived. At `level` .95,
/// one in twenty consistent figures is judged otherwise by chance.
///
/// # Errors
/// Labels for none of the rows, and as for [`Cbpe::estimate`].
///
/// # Examples
/// ```
/// use monitoring::performance::audit::{Verdict, classes};
/// use monitoring::performance::cbpe::Cbpe;
/// use monitoring::performance::figures::Metric;
/// use monitoring::performance::scores::{Labelled, Scores, Window};
/// use monitoring::performance::truth::Joined;
///
/// let scores: Vec<f64> = (0..1000).map(|i| if i % 2 == 0 { 0.9 } else { 0.1 }).collect();
/// let predictions: Vec<u32> = scores.iter().map(|&s| u32::from(s > 0.5)).collect();
/// let targets: Vec<u32> = (0..1000).map(|i| u32::from((i % 2 == 0) ^ (i / 2 % 10 == 0))).collect();
/// let scores = Scores::binary(&scores).unwrap();
/// let window = Window { scores: &scores, predictions: &predictions };
/// let cbpe = Cbpe::fit(&Labelled { window, targets: &targets }, 42).unwrap();
///
/// // The same rows again, but half of the labels that arrive are others.
/// let rows: Vec<usize> = (0..200).collect();
/// let truth = rows.iter().map(|row| u32::from(row % 4 < 2)).collect();
/// let audit = classes(&cbpe, &window, &Joined { rows, truth, repeated: 0 }, 0.95).unwrap();
/// let accuracy = audit.get(Metric::Accuracy).unwrap();
/// assert_eq!((accuracy.realised, accuracy.verdict), (0.5, Verdict::TooOptimistic));
/// ```
pub fn classes(
    cbpe: &Cbpe,
    window: &Window,
    labels: &Joined<u32>,
    level: f64,
) -> Result<Audit<Metric>, PerformanceError> {
    let all = window.scores.rows();
    check_length("prediction", window.predictions.len(), all)?;
    check_joined(labels, all)?;
    let scores = window.scores.select(&labels.rows);
    let pick = |&row: &usize| window.predictions[row];
    let predictions: Vec<u32> = labels.rows.iter().map(pick).collect();
    let window = Window {
        scores: &scores,
        predictions: &predictions,
    };
    let estimated = cbpe.estimate(&window, level)?;
    let targets = &labels.truth;
    let realised = realised::measure(&Labelled { window, targets }, level)?;
    let audited = estimated.figures.iter().filter_map(|figure| {
        let realised = realised.get(figure.metric, figure.class)?.value;
        let interval = (figure.low, figure.high);
        Some(Audited {
            metric: figure.metric,
            class: figure.class,
            estimated: figure.value,
            low: figure.low,
            high: figure.high,
            realised,
            verdict: verdict(realised, interval, figure.metric.is_gain()),
        })
    });
    Ok(Audit {
        labelled: labels.rows.len() as u64,
        rows: all as u64,
        figures: audited.collect(),
    })
}

/// Audits estimated losses of predicted numbers by the actual values that have arrived.
///
/// # Errors
/// Actual values for none of the rows, and as for [`ErrorModel::estimate`].
pub fn numbers(
    model: &ErrorModel,
    frame: &Frame,
    actual: &Joined<f64>,
    level: f64,
) -> Result<Audit<Loss>, PerformanceError> {
    let all = frame.predictions.len();
    check_joined(actual, all)?;
    let picked = frame.select(&actual.rows)?;
    let frame = picked.frame();
    let estimated = model.estimate(&frame, level)?;
    let realised = super::loss::measure(frame.predictions, &actual.truth, level)?;
    let audited = estimated.figures.iter().filter_map(|figure| {
        let realised = realised.get(figure.loss)?.value;
        Some(Audited {
            metric: figure.loss,
            class: None,
            estimated: figure.value,
            low: figure.low,
            high: figure.high,
            realised,
            verdict: verdict(realised, (figure.low, figure.high), false),
        })
    });
    Ok(Audit {
        labelled: actual.rows.len() as u64,
        rows: all as u64,
        figures: audited.collect(),
    })
}

fn check_joined<T>(labels: &Joined<T>, rows: usize) -> Result<(), PerformanceError> {
    check_length("label", labels.truth.len(), labels.rows.len())?;
    match labels.rows.iter().find(|&&row| row >= rows) {
        Some(&got) => Err(PerformanceError::Length {
            what: "label",
            got: got + 1,
            rows,
        }),
        None => Ok(()),
    }
}
