//! L2-regularised logistic regression on sparse rows, for two classes or many.
//!
//! Minimises w'w/2 + C Σ cost · loss, as LIBLINEAR and scikit-learn (`LogisticRegression(C)`) state
//! it; the bias is not regularised. Two classes have one weight vector, more have one each, under a
//! softmax or each against the rest. Weights stand feature by feature (features × outputs), so that
//! inner loops run over the outputs.
//!
//! A scale a weight turns w'w into Σ (v / scale)² for the weights v = scale · w that score: the way
//! the log-count ratios of Wang and Manning (2012) come in without a change of the rows.
//! It knows no text: rows come as a [`Matrix`], classes as numbers.

mod binary;
mod merge;
mod objective;
#[cfg(test)]
mod oracle;
mod problem;
#[cfg(test)]
mod tests;

pub use problem::{Examples, Problem};

use super::kernels::math::ln;
use super::sparse::Matrix;

/// What to fit and how exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// C: the weight of the data against w'w/2.
    pub regularization: f64,
    /// Gradient norm to reach, relative to the one with all weights zero and the bias at the prior.
    pub tolerance: f64,
    /// Newton steps at most.
    pub max_iterations: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            regularization: 1.0,
            tolerance: 1e-3,
            max_iterations: 100,
        }
    }
}

/// What three classes or more are fitted to. Two are the same in either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// One softmax over the classes.
    #[default]
    Multinomial,
    /// Each class against all others.
    OneVsRest,
}

/// Weights and bias of a fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct Coefficients {
    /// 1 for two classes, else the number of classes.
    pub outputs: usize,
    /// features × outputs weights, then one bias an output.
    pub values: Vec<f64>,
}

impl Coefficients {
    /// Takes the mean off the biases of a softmax: only their differences mean anything, and the
    /// search may shift them together.
    fn center_bias(&mut self) {
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

    /// One an output.
    pub fn bias(&self) -> &[f64] {
        &self.values[self.values.len() - self.outputs..]
    }

    /// Scores of every row: rows × outputs.
    pub fn scores(&self, rows: &Matrix) -> Vec<f64> {
        let mut scores = vec![0.0; rows.rows() * self.outputs];
        rows.multiply(self.weights(), self.outputs, &mut scores);
        objective::add_bias(&mut scores, self.bias());
        scores
    }
}

/// Number of weight vectors for so many classes.
pub fn outputs(classes: usize) -> usize {
    if classes == 2 { 1 } else { classes }
}

/// Scores of classes seen so often: log-odds of the second of two, else centred logarithms.
pub fn log_odds(counts: &[u64]) -> Vec<f64> {
    let logs: Vec<f64> = counts.iter().map(|&count| ln(count as f64)).collect();
    if let [first, second] = logs[..] {
        return vec![second - first];
    }
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    logs.iter().map(|log| log - mean).collect()
}
