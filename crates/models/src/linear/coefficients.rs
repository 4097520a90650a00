//! The result of a fit: weights and biases, and the scores they give.

use rayon::prelude::*;

use crate::kernels::math::ln;
use crate::kernels::real::Real;
use crate::sparse::Matrix;

/// Number of rows per task.
const ROWS: usize = 256;

/// Weights and bias of a fitted model.
///
/// The score of output k for a row x is bias_k + Σ_j x_j weight_jk. With one output it is the log-odds
/// of the second class; with one per class they go through a softmax (multinomial) or a sigmoid each
/// (one-vs-rest).
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
    ///
    /// Weights and biases alike: a temperature, which changes probabilities and no prediction.
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
    ///
    /// # Examples
    /// ```
    /// use easylife_models::linear::Coefficients;
    /// use easylife_models::sparse::Matrix;
    ///
    /// let fitted = Coefficients { outputs: 1, values: vec![2.0, -1.0, 0.5] }; // two weights, a bias
    /// let mut rows = Matrix::new(2);
    /// rows.push(&[0, 1], &[1.0, 3.0]);
    /// rows.push(&[], &[]);
    /// assert_eq!(fitted.scores(&rows), [-0.5, 0.5]);
    /// ```
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
///
/// The biases of a model that knows the counts and nothing else. A count of 0 gives minus infinity.
///
/// # Examples
/// ```
/// use easylife_models::linear::log_odds;
///
/// assert_eq!(log_odds(&[10, 10]), [0.0]);
/// assert_eq!(log_odds(&[7, 7, 7]), [0.0, 0.0, 0.0]);
/// assert!((log_odds(&[1, 3])[0] - 3f64.ln()).abs() < 1e-12);
/// ```
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
