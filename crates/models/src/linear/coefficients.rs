//! The result of a fit: weights and biases, and the scores they give.

use rayon::prelude::*;

use crate::kernels::math::ln;
use crate::kernels::real::Real;
use crate::sparse::Matrix;

/// Number of rows per task.
const ROWS: usize = 256;

/// Weights and bias of a fitted model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coefficients {
    /// 1 for two classes, else the number of classes.
    pub outputs: usize,
    /// features × outputs weights, then one bias per output.
    pub values: Vec<f64>,
}

impl Coefficients {
    /// Centres the biases of a softmax: only their differences matter, and the search may shift
    /// them together.
    pub(super) fn center_bias(&mut self) {
        if self.outputs > 1 {
            let start = self.values.len() - self.outputs;
            let bias = &mut self.values[start..];
            let mean = bias.iter().sum::<f64>() / bias.len() as f64;
            bias.iter_mut().for_each(|bias| *bias -= mean);
        }
    }

    /// Multiplies all margins by a factor.
    pub fn multiply(&mut self, factor: f64) {
        self.values.iter_mut().for_each(|value| *value *= factor);
    }

    /// features × outputs.
    pub fn weights(&self) -> &[f64] {
        &self.values[..self.values.len() - self.outputs]
    }

    /// One per output.
    pub fn bias(&self) -> &[f64] {
        &self.values[self.values.len() - self.outputs..]
    }

    /// Scores of every row: rows × outputs.
    pub fn scores(&self, rows: &Matrix) -> Vec<f64> {
        let mut scores = vec![0.0; rows.rows() * self.outputs];
        rows.multiply(self.weights(), self.outputs, &mut scores);
        add_bias(&mut scores, self.bias());
        scores
    }
}

/// Number of weight vectors for this many classes.
pub fn outputs(classes: usize) -> usize {
    if classes == 2 { 1 } else { classes }
}

/// Scores of classes with these counts: log-odds of the second of two, otherwise centred
/// logarithms.
pub fn log_odds(counts: &[u64]) -> Vec<f64> {
    let logs: Vec<f64> = counts.iter().map(|&count| ln(count as f64)).collect();
    if let [first, second] = logs[..] {
        return vec![second - first];
    }
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    logs.iter().map(|log| log - mean).collect()
}

/// Adds one bias per output to rows of scores.
pub(super) fn add_bias<T: Real>(scores: &mut [T], bias: &[T]) {
    scores.par_chunks_mut(ROWS * bias.len()).for_each(|rows| {
        for row in rows.chunks_exact_mut(bias.len()) {
            for (score, bias) in row.iter_mut().zip(bias) {
                *score += *bias;
            }
        }
    });
}
