//! The error model: boosted trees that expect the loss of a row.

use models::trees::{BinOptions, Bins, Ensemble, Loss as Objective, Options, Target};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::super::PerformanceError;
use super::super::error::check_share;
use super::correction::Correction;
use super::frame::Frame;
use super::{LossReference, Losses, RowLoss, check_pairs, mean_and_variance, measure};

/// Rows of the reference, at least.
const LEAST_ROWS: usize = 60;
/// Random streams of this module.
const STREAM: u64 = 0xd1e;
/// What trees may minimize: squared errors of the loss, or the Poisson deviance, in which a wrong
/// expectation of a large loss weighs less.
const OBJECTIVES: [Objective; 2] = [Objective::Squared, Objective::Poisson];

/// How an error model is fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorModelOptions {
    /// Share of the reference's rows that are held out: they decide when trees stop growing and which
    /// objective is taken, and correct what trees expect.
    pub held_out: f64,
    /// Maximum number of trees.
    pub rounds: usize,
    /// Trees without an improvement of the held-out rows, until growth stops.
    pub patience: usize,
    /// Learning rate.
    pub rate: f64,
    /// Maximum number of leaves of a tree.
    pub leaves: usize,
    /// Seed of what is drawn.
    pub seed: u64,
}

impl Default for ErrorModelOptions {
    fn default() -> ErrorModelOptions {
        ErrorModelOptions {
            held_out: 1.0 / 3.0,
            rounds: 200,
            patience: 10,
            rate: 0.1,
            leaves: 15,
            seed: 0,
        }
    }
}

/// Expects the losses of rows by their features and predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorModel {
    pub(super) parts: Vec<Part>,
    pub(super) reference: LossReference,
}

/// The model of one loss.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub loss: RowLoss,
    /// What expected losses of the trees are multiplied by.
    pub scale: f64,
    pub trees: Ensemble,
    pub correction: Correction,
}

impl ErrorModelOptions {
    /// Fits an error model to a labelled reference, which the model in use was not trained on.
    ///
    /// Losses that are not defined for every row of the reference (MAPE with an actual value of 0) are
    /// left out.
    ///
    /// # Errors
    /// Fewer than 60 rows, slices of other lengths, predictions or actual values that are missing or
    /// infinite, options out of range.
    ///
    /// # Examples
    /// ```
    /// use models::trees::Column;
    /// use monitoring::performance::loss::{ErrorModelOptions, Frame, Loss};
    ///
    /// // Errors of 1 where x < 500, and of 3 elsewhere.
    /// let x: Vec<f64> = (0..1000).map(f64::from).collect();
    /// let predictions = vec![10.0; 1000];
    /// let actual: Vec<f64> = x.iter().map(|&x| if x < 500.0 { 11.0 } else { 7.0 }).collect();
    /// let frame = Frame { columns: vec![Column::F64(&x)], predictions: &predictions };
    /// let model = ErrorModelOptions::default().fit(&frame, &actual).unwrap();
    ///
    /// // A window of the second kind.
    /// let window = Frame { columns: vec![Column::F64(&[700.0; 100])], predictions: &predictions[..100] };
    /// let mae = *model.estimate(&window, 0.95).unwrap().get(Loss::Mae).unwrap();
    /// assert!((mae.value - 3.0).abs() < 0.05, "{mae:?}");
    /// ```
    pub fn fit(&self, frame: &Frame, actual: &[f64]) -> Result<ErrorModel, PerformanceError> {
        check_share("held_out", self.held_out)?;
        check_pairs("the reference", frame.predictions, actual, LEAST_ROWS)?;
        frame.check("the reference", LEAST_ROWS)?;
        let columns = frame.with_prediction();
        let bins = Bins::new(
            &columns,
            &BinOptions {
                bins: 64,
                seed: self.seed,
                ..BinOptions::default()
            },
        )?;
        let split = self.split(actual.len());
        let mut parts = Vec::new();
        for loss in RowLoss::ALL {
            if let Some(losses) = loss.of_rows(frame.predictions, actual) {
                parts.push(self.fit_part(loss, &losses, &bins, &columns, &split)?);
            }
        }
        Ok(ErrorModel {
            parts,
            reference: LossReference::of(&measure(frame.predictions, actual, 0.95)?),
        })
    }

    /// Rows to train on, and rows that are held out.
    fn split(&self, rows: usize) -> [Vec<u32>; 2] {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(STREAM);
        let mut order: Vec<(u64, u32)> = (0..rows as u32)
            .map(|row| (random.next_u64(), row))
            .collect();
        order.sort_unstable();
        let held_out = ((rows as f64 * self.held_out).round() as usize).clamp(1, rows - 1);
        let (out, train) = order.split_at(held_out);
        [train, out].map(|part| part.iter().map(|&(_, row)| row).collect())
    }

    fn fit_part(
        &self,
        loss: RowLoss,
        losses: &[f64],
        bins: &Bins,
        columns: &[models::trees::Column],
        [train, out]: &[Vec<u32>; 2],
    ) -> Result<Part, PerformanceError> {
        let mean = mean_and_variance(losses).0;
        let scale = if mean > 0.0 { mean } else { 1.0 };
        let scaled: Vec<f64> = losses.iter().map(|loss| loss / scale).collect();
        let target = Target::new(&scaled);
        let mut best: Option<(f64, Ensemble, Vec<f64>)> = None;
        for objective in OBJECTIVES {
            let options = Options {
                rounds: self.rounds,
                rate: self.rate,
                leaves: self.leaves,
                min_rows: 50.min(train.len() / 4).max(1),
                seed: self.seed,
                ..Options::of(objective)
            };
            let trees = options.fit_until(bins, &target, train, out, self.patience)?;
            let expected = trees.ensemble.predict(columns)?;
            let square = |&row: &u32| {
                let error = expected[row as usize] - scaled[row as usize];
                error * error
            };
            let error: f64 = out.iter().map(square).sum();
            if best.as_ref().is_none_or(|(least, ..)| error < *least) {
                best = Some((error, trees.ensemble, expected));
            }
        }
        // There is at least one objective.
        let Some((_, trees, expected)) = best else {
            return Err(PerformanceError::TooFewRows {
                what: "the held-out part of the reference",
                rows: out.len(),
                least: 1,
            });
        };
        let pick = |values: &[f64], factor: f64| -> Vec<f64> {
            out.iter()
                .map(|&row| values[row as usize] * factor)
                .collect()
        };
        Ok(Part {
            loss,
            scale,
            trees,
            correction: Correction::fit(&pick(&expected, scale), &pick(losses, 1.0)),
        })
    }
}

impl ErrorModel {
    /// Losses on the reference.
    pub fn reference(&self) -> &LossReference {
        &self.reference
    }

    /// Number of feature columns, without the prediction.
    pub fn columns(&self) -> usize {
        self.parts
            .first()
            .map_or(0, |part| part.trees.columns().saturating_sub(1))
    }

    /// Estimates the losses of rows without actual values, with intervals for the losses that they
    /// will turn out to have; `level` is the share of windows for which they hold, such as 0.95.
    ///
    /// # Errors
    /// No rows, columns that are not those of the reference in number and kind, slices of other
    /// lengths, a prediction that is missing or infinite, a level outside 0 to 1.
    pub fn estimate(&self, frame: &Frame, level: f64) -> Result<Losses, PerformanceError> {
        frame.check("the window", 1)?;
        check_share("level", level)?;
        let columns = frame.with_prediction();
        let mut losses = Losses {
            rows: frame.predictions.len() as u64,
            level,
            figures: Vec::new(),
        };
        for part in &self.parts {
            let mut expected = part.trees.predict(&columns)?;
            expected.iter_mut().for_each(|loss| *loss *= part.scale);
            let mean = part.correction.mean(&expected);
            losses.add(part.loss, mean.value, mean.variance);
        }
        Ok(losses)
    }
}
