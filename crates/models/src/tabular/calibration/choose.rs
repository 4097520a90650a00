//! Which calibration: the simplest that is as good as the best, by log loss on folds.

use rayon::prelude::*;

use super::{Calibration, Labelled, Method, Row};
use crate::kernels::math::ln;
use crate::metrics::classification::SMALLEST_PROBABILITY;

/// What was chosen, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The calibration, fitted to all rows.
    pub calibration: Calibration,
    /// What was compared, from the simplest method; without those that could not be fitted.
    pub trials: Vec<Trial>,
}

/// A method's loss on rows that its calibrations did not see.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// The method.
    pub method: Method,
    /// Weighted mean log loss, in nats.
    pub log_loss: f64,
    /// Mean difference from the row losses of the best method, not negative.
    pub difference: f64,
    /// Standard error of that difference, with rows taken as independent.
    pub standard_error: f64,
}

impl Calibration {
    /// Chooses among `candidates` and fits the choice to all rows.
    ///
    /// For each fold, calibrations are fitted to the margins of the other folds and applied to this
    /// one. The simplest method whose mean loss is at most one standard error of their paired
    /// difference above the least one is chosen. [`Method::None`] is always a candidate. Methods that
    /// cannot be fitted without some fold are dropped, as are candidates for two classes if there are
    /// more.
    ///
    /// `fold_of_row` has one entry per row; rows beyond its end belong to no fold: they are trained
    /// on and never compared.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::tabular::calibration::{Calibration, Labelled, Method};
    ///
    /// // Log-odds that are twice as large as they should be.
    /// let margins: Vec<f64> = (0..4000).map(|i| if i < 2000 { 2.0 } else { -2.0 }).collect();
    /// let labels: Vec<u32> = (0..4000).map(|i| u32::from((i < 2000) ^ (i % 4 == 0))).collect();
    /// let folds: Vec<u32> = (0..4000).map(|i| i / 4 % 5).collect();
    /// let rows = Labelled { margins: &margins, labels: &labels, weights: None };
    /// let choice = Calibration::choose(rows, &folds, &Method::ALL);
    /// assert_eq!(choice.calibration.method(), Method::Temperature);
    /// ```
    pub fn choose(labelled: Labelled, fold_of_row: &[u32], candidates: &[Method]) -> Choice {
        let rows = labelled.rows();
        let outputs = labelled.outputs();
        let mut methods = candidates.to_vec();
        methods.push(Method::None);
        methods.sort_unstable();
        methods.dedup();
        let folds = by_fold(&rows, fold_of_row);
        let losses: Vec<(Method, Vec<f64>)> = methods
            .into_iter()
            .filter_map(|method| Some((method, out_of_fold(&rows, &folds, method, outputs)?)))
            .collect();
        let weights: Vec<f64> = folds
            .iter()
            .flatten()
            .map(|&place| rows[place].weight)
            .collect();
        let trials = compare(&losses, &weights);
        let good = trials
            .iter()
            .filter(|trial| trial.difference <= trial.standard_error);
        let calibration = good
            .filter_map(|trial| Calibration::fit_rows(trial.method, &rows, outputs))
            .next();
        Choice {
            calibration: calibration.unwrap_or_default(),
            trials,
        }
    }
}

/// The places of the rows of each fold, folds ascending; none if there is but one fold.
fn by_fold(rows: &[Row], fold_of_row: &[u32]) -> Vec<Vec<usize>> {
    let fold = |place: usize| fold_of_row.get(rows[place].index).copied();
    let mut order: Vec<(u32, usize)> = (0..rows.len())
        .filter_map(|place| Some((fold(place)?, place)))
        .collect();
    order.sort_unstable();
    let folds: Vec<Vec<usize>> = order
        .chunk_by(|a, b| a.0 == b.0)
        .map(|fold| fold.iter().map(|row| row.1).collect())
        .collect();
    match folds.len() {
        1 => Vec::new(),
        _ => folds,
    }
}

/// The loss of each row by the calibration of the other folds, in the order of the folds.
fn out_of_fold(
    rows: &[Row],
    folds: &[Vec<usize>],
    method: Method,
    outputs: usize,
) -> Option<Vec<f64>> {
    let losses: Option<Vec<Vec<f64>>> = folds
        .par_iter()
        .map(|fold| {
            let mut out = fold.iter().peekable();
            let others: Vec<Row> = (0..rows.len())
                .filter(|place| out.next_if(|out| *out == place).is_none())
                .map(|place| rows[place])
                .collect();
            let calibration = Calibration::fit_rows(method, &others, outputs)?;
            let losses = fold
                .iter()
                .map(|&place| log_loss(&calibration, rows[place]));
            Some(losses.collect())
        })
        .collect();
    Some(losses?.concat())
}

fn log_loss(calibration: &Calibration, row: Row) -> f64 {
    let mut probabilities = row.margins.to_vec();
    calibration.apply(&mut probabilities);
    let own = match probabilities[..] {
        [second] if row.label == 1 => second,
        [second] => 1.0 - second,
        _ => probabilities[row.label],
    };
    -ln(own.max(SMALLEST_PROBABILITY))
}

/// Compares the methods' row losses with those of the best; ties go to the simplest.
fn compare(losses: &[(Method, Vec<f64>)], weights: &[f64]) -> Vec<Trial> {
    let all: f64 = weights.iter().sum();
    if all <= 0.0 {
        return Vec::new();
    }
    let mean = |values: &mut dyn Iterator<Item = f64>| -> f64 {
        let terms = values
            .zip(weights)
            .map(|(value, weight)| value * (weight / all));
        terms.sum()
    };
    let means: Vec<f64> = losses
        .iter()
        .map(|(_, losses)| mean(&mut losses.iter().copied()))
        .collect();
    let best = (1..means.len()).fold(0, |best, method| match means[method] < means[best] {
        true => method,
        false => best,
    });
    let trial = |index: usize| {
        let differences = losses[index].1.iter().zip(&losses[best].1);
        let differences: Vec<f64> = differences.map(|(loss, best)| loss - best).collect();
        let difference = mean(&mut differences.iter().copied());
        let errors = differences.iter().zip(weights);
        let squares = errors.map(|(d, weight)| {
            let error = (d - difference) * (weight / all);
            error * error
        });
        Trial {
            method: losses[index].0,
            log_loss: means[index],
            difference: difference.max(0.0),
            standard_error: squares.sum::<f64>().sqrt(),
        }
    };
    (0..losses.len()).map(trial).collect()
}
