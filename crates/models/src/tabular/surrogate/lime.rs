//! LIME (Ribeiro, Singh and Guestrin, "Why should I trust you?", 2016) on a table: a weighted ridge
//! regression of the answers near a row on which of its values were kept.
//!
//! A sample replaces a number of columns, uniform from 1 to all, chosen uniformly (the paper's
//! sampling), by the values of one background row; the first sample is the row itself. With `d` replaced
//! columns of `M` it weighs `exp(-d / (2 σ² M))`: the authors' kernel, whose width is `σ √M` and whose
//! distance is the square root of `d`.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::coalitions::{below, shuffle_first};
use super::{BATCH, Composite, SurrogateError, answers, dot};
use crate::kernels::dense::invert;
use crate::kernels::math;

/// LIME, with its settings.
///
/// # Examples
/// ```
/// use easylife_models::tabular::surrogate::{Composite, Lime};
///
/// // f(a, b) = 3 a - b at (2, 5), against (1, 1): a adds 3, b takes 4.
/// let (row, background) = ([2.0, 5.0], [1.0, 1.0]);
/// let value = |composite: &Composite, column: usize| match composite.known[column] {
///     true => row[column],
///     false => background[column],
/// };
/// let answer = |rows: &[Composite]| -> Result<Vec<f64>, String> {
///     Ok(rows.iter().map(|row| 3.0 * value(row, 0) - value(row, 1)).collect())
/// };
/// let lime = Lime { lambda: 0.0, ..Lime::of(42) };
/// let found = lime.explain(2, 1, answer).unwrap();
/// assert!((found.coefficients[0] - 3.0).abs() < 1e-9);
/// assert!((found.coefficients[1] + 4.0).abs() < 1e-9);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lime {
    /// How many rows are answered; at least two per column and two more.
    pub samples: usize,
    /// Width of the kernel in units of the square root of the number of columns: the smaller, the
    /// more a sample must resemble the row to count.
    pub width: f64,
    /// L2 regularization of the coefficients, beside the sum of squares weighted by the kernel.
    pub lambda: f64,
    /// Decides what is replaced, and by which rows.
    pub seed: u64,
}

/// A linear model of which values are kept, near the explained row.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalModel {
    /// What it answers if all columns are replaced.
    pub intercept: f64,
    /// What keeping the value of each column adds, in the units of the answer. They need not add up to
    /// the answer: see `r2`.
    pub coefficients: Vec<f64>,
    /// The standard error of each by the draw of samples, whatever the spread of the residuals
    /// (Huber and White). The shrinkage by `lambda` is not in it.
    pub standard_errors: Vec<f64>,
    /// The answer to the explained row, which the intercept and all coefficients approximate.
    pub answer: f64,
    /// The share of the weighted variance of the samples' answers that the local model explains: how
    /// far it can be trusted. 1 if all answers are equal.
    pub r2: f64,
}

/// Samples: what is kept, what the kernel weighs them, and their answers.
struct Samples {
    /// Samples × columns.
    known: Vec<bool>,
    weights: Vec<f64>,
    answers: Vec<f64>,
}

impl Lime {
    /// The settings of the authors' package: 5000 samples, a width of .75, ridge of 1.
    pub fn of(seed: u64) -> Lime {
        Lime {
            samples: 5000,
            width: 0.75,
            lambda: 1.0,
            seed,
        }
    }

    /// Explains the answer to a row of so many columns by samples around it, with values of so many
    /// background rows.
    ///
    /// `answer` puts the rows together and answers them; each answer must depend on its row alone. It
    /// is called from one thread with up to 8192 rows.
    ///
    /// # Errors
    /// If there are no background rows, samples are too few for the columns, a setting is out of its
    /// range, `answer` fails, not every answer is finite, or several models fit equally well.
    pub fn explain<E>(
        &self,
        columns: usize,
        background: usize,
        mut answer: impl FnMut(&[Composite]) -> Result<Vec<f64>, E>,
    ) -> Result<LocalModel, SurrogateError<E>> {
        self.check(columns)?;
        if background == 0 {
            return Err(SurrogateError::NoBackground);
        }
        let samples = self.draw(columns, background, &mut answer)?;
        LocalModel::fit(&samples, columns, self.lambda).ok_or(SurrogateError::Undetermined)
    }

    fn check<E>(&self, columns: usize) -> Result<(), SurrogateError<E>> {
        let needed = 2 * columns + 2;
        if self.samples < needed {
            return Err(SurrogateError::Budget {
                what: "samples",
                given: self.samples,
                needed,
                columns,
            });
        }
        let setting = |name, value, expected| {
            Err(SurrogateError::Setting {
                name,
                value,
                expected,
            })
        };
        if !(self.width > 0.0 && self.width.is_finite()) {
            return setting("width", self.width, "a number above 0");
        }
        if !(self.lambda >= 0.0 && self.lambda.is_finite()) {
            return setting("lambda", self.lambda, "a number of at least 0");
        }
        Ok(())
    }

    /// Draws samples and has them answered.
    fn draw<E>(
        &self,
        columns: usize,
        background: usize,
        answer: &mut impl FnMut(&[Composite]) -> Result<Vec<f64>, E>,
    ) -> Result<Samples, SurrogateError<E>> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let mut order: Vec<usize> = (0..columns).collect();
        let mut samples = Samples {
            known: vec![true; self.samples * columns],
            weights: Vec::with_capacity(self.samples),
            answers: Vec::with_capacity(self.samples),
        };
        let mut rows = Vec::with_capacity(self.samples);
        let scale = 2.0 * self.width * self.width * columns.max(1) as f64;
        for sample in 0..self.samples {
            let replaced = match sample {
                0 => 0,
                _ => (1 + below(&mut random, columns.max(1))).min(columns),
            };
            shuffle_first(&mut order, replaced, &mut random);
            for &column in &order[..replaced] {
                samples.known[sample * columns + column] = false;
            }
            let weight = math::exp(-(replaced as f64) / scale);
            samples.weights.push(weight);
            rows.push(below(&mut random, background));
        }
        let composite = |sample: usize| Composite {
            background: rows[sample],
            known: &samples.known[sample * columns..][..columns],
        };
        for first in (0..self.samples).step_by(BATCH) {
            let last = (first + BATCH).min(self.samples);
            let batch: Vec<Composite> = (first..last).map(composite).collect();
            samples.answers.extend(answers(&batch, answer)?);
        }
        Ok(samples)
    }
}

impl Samples {
    /// Samples with their weights and answers; a sample is what it keeps, and a last 1 for the
    /// intercept.
    fn each(&self, columns: usize) -> impl Iterator<Item = (Vec<usize>, f64, f64)> {
        let given = self.weights.iter().zip(&self.answers).enumerate();
        given.map(move |(sample, (&weight, &answer))| {
            let known = &self.known[sample * columns..][..columns];
            let kept = (0..columns).filter(|&column| known[column]);
            (kept.chain([columns]).collect(), weight, answer)
        })
    }
}

impl LocalModel {
    /// Ridge regression; `None` if its equations have no single solution.
    fn fit(samples: &Samples, columns: usize, lambda: f64) -> Option<LocalModel> {
        let width = columns + 1;
        let (mut a, mut b) = (vec![0.0; width * width], vec![0.0; width]);
        for (kept, weight, answer) in samples.each(columns) {
            for &row in &kept {
                b[row] += weight * answer;
                for &column in &kept {
                    a[row * width + column] += weight;
                }
            }
        }
        for column in 0..columns {
            a[column * width + column] += lambda;
        }
        invert(&mut a, width).ok()?;
        let mut solution: Vec<f64> = a.chunks(width).map(|row| dot(row, &b)).collect();
        if solution.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let standard_errors = standard_errors(samples, columns, &a, &solution);
        let r2 = r2(samples, columns, &solution);
        let intercept = solution.pop()?;
        Some(LocalModel {
            intercept,
            coefficients: solution,
            standard_errors,
            answer: samples.answers[0],
            r2,
        })
    }

    /// What the local model answers to the explained row.
    pub fn local_answer(&self) -> f64 {
        self.intercept + self.coefficients.iter().sum::<f64>()
    }
}

/// The sandwich of Huber and White, with the factor `n / (n - p)` for small samples (HC1), from the
/// inverse of the equations.
fn standard_errors(
    samples: &Samples,
    columns: usize,
    inverse: &[f64],
    solution: &[f64],
) -> Vec<f64> {
    let width = columns + 1;
    let mut squares = vec![0.0; columns];
    for (kept, weight, answer) in samples.each(columns) {
        let error = weight * (answer - fitted(solution, &kept));
        for (square, row) in squares.iter_mut().zip(inverse.chunks(width)) {
            let change = error * fitted(row, &kept);
            *square += change * change;
        }
    }
    let count = samples.answers.len() as f64;
    let factor = count / (count - width as f64);
    squares.iter().map(|s| (s * factor).sqrt()).collect()
}

/// The weighted share of the variance that is explained.
fn r2(samples: &Samples, columns: usize, solution: &[f64]) -> f64 {
    let total: f64 = samples.weights.iter().sum();
    let mean = dot(&samples.weights, &samples.answers) / total;
    let [mut left, mut all] = [0.0; 2];
    for (kept, weight, answer) in samples.each(columns) {
        let [error, distance] = [answer - fitted(solution, &kept), answer - mean];
        left += weight * error * error;
        all += weight * distance * distance;
    }
    if all == 0.0 { 1.0 } else { 1.0 - left / all }
}

/// The sum of the coefficients of what a sample keeps.
fn fitted(coefficients: &[f64], kept: &[usize]) -> f64 {
    kept.iter().map(|&column| coefficients[column]).sum()
}
