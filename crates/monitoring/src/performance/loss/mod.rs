//! Direct loss estimation: how large the errors of predicted numbers are, without the actual numbers.
//!
//! An error model ([`ErrorModel`]) learns from a labelled reference how large the loss of a row is,
//! given its features and the model's prediction; for a window its predictions are averaged (the
//! method that NannyML's documentation describes as DLE). Losses that were measured, and ranges of
//! windows like the reference, are here as well ([`measure`], [`LossReference`]).
//!
//! The estimate is blind to concept drift, and so is its interval: see [`super`].

mod correction;
mod frame;
mod model;
mod saved;
#[cfg(test)]
mod tests;

pub use frame::{Frame, Picked};
pub use model::{ErrorModel, ErrorModelOptions};

use models::kernels::math::ln_1p;
use models::kernels::normal::normal_quantile;
use serde::{Deserialize, Serialize};

use super::PerformanceError;
use super::error::{check_finite, check_length, check_rows, check_share};
use super::thresholds::Alert;

/// A loss of predicted numbers, averaged over rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Mean absolute error, in units of the target.
    Mae,
    /// Mean of |error / actual|, as a share; not defined if an actual value is 0.
    Mape,
    /// Mean squared error.
    Mse,
    /// Root of the mean squared error, in units of the target.
    Rmse,
    /// Mean of (ln(1 + actual) - ln(1 + predicted))²; not defined if either is -1 or less.
    Msle,
    /// Root of that.
    Rmsle,
}

/// What the loss of one row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum RowLoss {
    Absolute,
    Percentage,
    Squared,
    SquaredLog,
}

impl RowLoss {
    const ALL: [RowLoss; 4] = [
        RowLoss::Absolute,
        RowLoss::Percentage,
        RowLoss::Squared,
        RowLoss::SquaredLog,
    ];

    /// The mean over rows, and its root if that is a loss as well.
    fn means(self) -> (Loss, Option<Loss>) {
        match self {
            RowLoss::Absolute => (Loss::Mae, None),
            RowLoss::Percentage => (Loss::Mape, None),
            RowLoss::Squared => (Loss::Mse, Some(Loss::Rmse)),
            RowLoss::SquaredLog => (Loss::Msle, Some(Loss::Rmsle)),
        }
    }

    fn of(self, predicted: f64, actual: f64) -> Option<f64> {
        let error = predicted - actual;
        let loss = match self {
            RowLoss::Absolute => error.abs(),
            RowLoss::Percentage if actual == 0.0 => return None,
            RowLoss::Percentage => (error / actual).abs(),
            RowLoss::Squared => error * error,
            RowLoss::SquaredLog if predicted <= -1.0 || actual <= -1.0 => return None,
            RowLoss::SquaredLog => {
                let difference = ln_1p(predicted) - ln_1p(actual);
                difference * difference
            }
        };
        loss.is_finite().then_some(loss)
    }

    /// The loss of each row; `None` if that of any row is not defined.
    fn of_rows(self, predicted: &[f64], actual: &[f64]) -> Option<Vec<f64>> {
        let rows = predicted.iter().zip(actual);
        rows.map(|(&predicted, &actual)| self.of(predicted, actual))
            .collect()
    }
}

/// A loss with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossFigure {
    /// The loss.
    pub loss: Loss,
    /// Its value.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Standard error; the interval is symmetric in the logarithm.
    pub standard_error: f64,
}

/// Losses of rows: estimated, or measured. Losses that are not defined are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Losses {
    /// Number of rows.
    pub rows: u64,
    /// Share of windows whose figure is inside the interval, such as 0.95.
    pub level: f64,
    /// The losses that are defined.
    pub figures: Vec<LossFigure>,
}

impl Losses {
    /// A loss; `None` if it is not defined.
    pub fn get(&self, loss: Loss) -> Option<&LossFigure> {
        self.figures.iter().find(|figure| figure.loss == loss)
    }

    /// Adds the mean of a loss by row, and its root, given the variance of the mean.
    fn add(&mut self, loss: RowLoss, mean: f64, variance: f64) {
        let standard_error = variance.max(0.0).sqrt();
        let (plain, root) = loss.means();
        self.figures
            .push(figure(plain, mean, standard_error, self.level));
        if let Some(root) = root {
            let value = mean.max(0.0).sqrt();
            let of_root = if value > 0.0 {
                standard_error / (2.0 * value)
            } else {
                0.0
            };
            self.figures.push(figure(root, value, of_root, self.level));
        }
    }
}

fn figure(loss: Loss, value: f64, standard_error: f64, level: f64) -> LossFigure {
    let (low, high) = interval(value, standard_error, level);
    LossFigure {
        loss,
        value,
        low,
        high,
        standard_error,
    }
}

/// An interval that is symmetric in the logarithm.
fn interval(value: f64, standard_error: f64, level: f64) -> (f64, f64) {
    if value <= 0.0 {
        return (0.0, 0.0);
    }
    let half = normal_quantile(0.5 + level / 2.0) * standard_error / value;
    let factor = libm::exp(half).min(f64::MAX);
    (value / factor, (value * factor).min(f64::MAX))
}

/// Measures losses, with intervals at `level` for the losses on the population that the rows were
/// drawn from, rows taken as independent.
///
/// # Errors
/// No rows, slices of other lengths, numbers that are missing or infinite, a level outside 0 to 1.
///
/// # Examples
/// ```
/// use monitoring::performance::loss::{Loss, measure};
///
/// let found = measure(&[2.0, 2.0, 4.0], &[1.0, 2.0, 6.0], 0.95).unwrap();
/// assert_eq!(found.get(Loss::Mae).unwrap().value, 1.0);
/// assert_eq!(found.get(Loss::Mse).unwrap().value, 5.0 / 3.0);
/// ```
pub fn measure(predicted: &[f64], actual: &[f64], level: f64) -> Result<Losses, PerformanceError> {
    check_pairs("the window", predicted, actual, 1)?;
    check_share("level", level)?;
    let mut losses = Losses {
        rows: actual.len() as u64,
        level,
        figures: Vec::new(),
    };
    for loss in RowLoss::ALL {
        if let Some(of_rows) = loss.of_rows(predicted, actual) {
            let (mean, variance) = mean_and_variance(&of_rows);
            losses.add(loss, mean, variance / of_rows.len() as f64);
        }
    }
    Ok(losses)
}

/// Mean and variance of values, that of a single one being 0.
fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let rows = values.len() as f64;
    let mean = values.iter().sum::<f64>() / rows;
    let squares: f64 = values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    (mean, squares / (rows - 1.0).max(1.0))
}

fn check_pairs(
    what: &'static str,
    predicted: &[f64],
    actual: &[f64],
    least: usize,
) -> Result<(), PerformanceError> {
    check_rows(what, actual.len(), least)?;
    check_length("prediction", predicted.len(), actual.len())?;
    check_finite("prediction", predicted)?;
    check_finite("actual value", actual)
}

/// Losses on the reference, and how they vary from row to row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossReference {
    rows: u64,
    losses: Vec<ReferenceLoss>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReferenceLoss {
    loss: Loss,
    value: f64,
    /// Standard error of a window, times the root of its number of rows.
    deviation: f64,
}

/// The range of a loss in windows like the reference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossThreshold {
    /// The loss.
    pub loss: Loss,
    /// Its value on the reference.
    pub reference: f64,
    /// Losses below alarm.
    pub low: f64,
    /// Losses above alarm.
    pub high: f64,
}

impl LossThreshold {
    /// Whether a value of the loss is outside.
    pub fn alert(&self, value: f64) -> Option<Alert> {
        match value {
            value if value < self.low => Some(Alert::Better),
            value if value > self.high => Some(Alert::Worse),
            _ => None,
        }
    }
}

impl LossReference {
    /// Of losses measured on the reference.
    pub fn of(losses: &Losses) -> LossReference {
        let root = (losses.rows as f64).sqrt();
        let loss = |figure: &LossFigure| ReferenceLoss {
            loss: figure.loss,
            value: figure.value,
            deviation: figure.standard_error * root,
        };
        LossReference {
            rows: losses.rows,
            losses: losses.figures.iter().map(loss).collect(),
        }
    }

    /// Thresholds for windows of `rows` rows: `rate` is the share of windows drawn from the reference's
    /// population whose realised loss is outside, for each loss by itself.
    ///
    /// # Errors
    /// No rows, or a rate outside 0 to 1.
    pub fn thresholds(
        &self,
        rows: usize,
        rate: f64,
    ) -> Result<Vec<LossThreshold>, PerformanceError> {
        check_rows("the window", rows, 1)?;
        check_share("rate", rate)?;
        let both = (1.0 / rows as f64 + 1.0 / self.rows as f64).sqrt();
        let threshold = |loss: &ReferenceLoss| {
            let (low, high) = interval(loss.value, loss.deviation * both, 1.0 - rate);
            LossThreshold {
                loss: loss.loss,
                reference: loss.value,
                low,
                high,
            }
        };
        Ok(self.losses.iter().map(threshold).collect())
    }
}
