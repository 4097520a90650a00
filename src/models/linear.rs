//! L2-regularised logistic regression on sparse rows, for two classes or many.
//!
//! Minimises w'w/2 + C Σ loss, as LIBLINEAR and scikit-learn (`LogisticRegression(C)`) state it; the
//! bias is not regularised. Two classes have one weight vector, more have one each under a softmax.
//! Weights stand feature by feature (features × outputs), so that inner loops run over the outputs.
//! It knows no text: rows come as a [`Matrix`], classes as numbers.

use rayon::prelude::*;

use super::kernels::math::{ln, sigmoid_softplus, softmax};
use super::kernels::reduce::{chunks, norm};
use super::optim::{self, Iteration, Minimum, Objective, Stop};
use super::sparse::Matrix;

/// Rows in one chunk of a sum over rows.
const ROWS: usize = 256;

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

/// Weights and bias of a fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct Coefficients {
    /// 1 for two classes, else the number of classes.
    pub outputs: usize,
    /// features × outputs weights, then one bias an output.
    pub values: Vec<f64>,
}

impl Coefficients {
    /// No weights, and the bias that gives every row the share of its class in `counts`.
    ///
    /// Counts must be positive.
    pub fn prior(features: usize, counts: &[u64]) -> Coefficients {
        let outputs = outputs(counts.len());
        let mut values = vec![0.0; (features + 1) * outputs];
        values[features * outputs..].copy_from_slice(&log_odds(counts));
        Coefficients { outputs, values }
    }

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

    /// features × outputs.
    pub fn weights(&self) -> &[f64] {
        &self.values[..self.values.len() - self.outputs]
    }

    /// One an output.
    pub fn bias(&self) -> &[f64] {
        &self.values[self.values.len() - self.outputs..]
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

impl Options {
    /// Fits `labels` (below `counts.len()`, `counts` rows of each) to `rows`.
    ///
    /// Starts at `start`, or at [`Coefficients::prior`]; the tolerance means the same from any start.
    pub fn fit(
        &self,
        rows: &Matrix,
        labels: &[u32],
        counts: &[u64],
        start: Option<Coefficients>,
        watch: &mut dyn FnMut(Iteration),
    ) -> (Coefficients, Minimum) {
        let mut objective = Logistic::new(rows, labels, counts.len(), self.regularization);
        let prior = Coefficients::prior(rows.columns(), counts);
        let stop = Stop {
            gradient_norm: self.tolerance * objective.gradient_norm(&prior.values),
            iterations: self.max_iterations,
        };
        let mut coefficients = start.unwrap_or(prior);
        let end = optim::minimize(&mut objective, &mut coefficients.values, stop, watch);
        coefficients.center_bias();
        (coefficients, end)
    }
}

/// w'w/2 + C Σ loss over the rows, as a function of [`Coefficients::values`].
pub struct Logistic<'a> {
    rows: &'a Matrix,
    columns: Matrix,
    labels: &'a [u32],
    outputs: usize,
    regularization: f64,
    /// rows × outputs: probabilities where the gradient was last taken (two classes: of the second).
    probabilities: Vec<f64>,
    /// rows × outputs: probabilities of the last value, residuals, or a product on its way.
    work: Vec<f64>,
}

impl<'a> Logistic<'a> {
    /// The loss of `labels` (below `classes`), one a row, with the data weighted by `regularization`.
    pub fn new(
        rows: &'a Matrix,
        labels: &'a [u32],
        classes: usize,
        regularization: f64,
    ) -> Logistic<'a> {
        assert_eq!(labels.len(), rows.rows(), "one label a row");
        let outputs = outputs(classes);
        let zeros = || vec![0.0; rows.rows() * outputs];
        Logistic {
            columns: rows.transposed(),
            rows,
            labels,
            outputs,
            regularization,
            probabilities: zeros(),
            work: zeros(),
        }
    }

    fn gradient_norm(&mut self, w: &[f64]) -> f64 {
        let mut gradient = vec![0.0; w.len()];
        self.value(w);
        self.gradient(w, &mut gradient);
        norm(&gradient)
    }

    /// work = X w + bias.
    fn multiply(&mut self, w: &[f64]) {
        let (weights, bias) = w.split_at(self.rows.columns() * self.outputs);
        self.rows.multiply(weights, self.outputs, &mut self.work);
        self.work
            .par_chunks_mut(ROWS * self.outputs)
            .for_each(|rows| {
                for row in rows.chunks_exact_mut(bias.len()) {
                    for (score, bias) in row.iter_mut().zip(bias) {
                        *score += bias;
                    }
                }
            });
    }

    /// out = C X' work for the weights, C Σ work for the bias.
    fn multiply_transposed(&self, out: &mut [f64]) {
        let (weights, bias) = out.split_at_mut(self.columns.rows() * self.outputs);
        self.columns.multiply(&self.work, self.outputs, weights);
        bias.copy_from_slice(&self.sum_rows());
        scale(out, self.regularization);
    }

    /// Sums of the columns of `work`.
    fn sum_rows(&self) -> Vec<f64> {
        let outputs = self.outputs;
        let parts = chunks(self.labels.len(), ROWS, |range| {
            let rows = &self.work[range.start * outputs..range.end * outputs];
            sum_vectors(outputs, rows.chunks_exact(outputs))
        });
        sum_vectors(outputs, parts.iter().map(Vec::as_slice))
    }
}

impl Objective for Logistic<'_> {
    fn dimension(&self) -> usize {
        (self.rows.columns() + 1) * self.outputs
    }

    fn value(&mut self, w: &[f64]) -> f64 {
        self.multiply(w);
        let outputs = self.outputs;
        let losses: Vec<f64> = self
            .work
            .par_chunks_mut(ROWS * outputs)
            .zip(self.labels.par_chunks(ROWS))
            .map(|(rows, labels)| {
                rows.chunks_exact_mut(outputs)
                    .zip(labels)
                    .map(|(row, y)| loss(row, *y))
                    .sum()
            })
            .collect();
        let weights = norm(&w[..self.rows.columns() * outputs]);
        0.5 * weights * weights + self.regularization * losses.into_iter().sum::<f64>()
    }

    fn gradient(&mut self, w: &[f64], out: &mut [f64]) {
        self.probabilities.copy_from_slice(&self.work);
        let outputs = self.outputs;
        for (row, &label) in self.work.chunks_exact_mut(outputs).zip(self.labels) {
            // One output stands for the second class: its target is the label itself.
            if outputs == 1 {
                row[0] -= f64::from(label);
            } else {
                row[label as usize] -= 1.0;
            }
        }
        self.multiply_transposed(out);
        add_weights(out, w, outputs);
    }

    fn hessian_vector(&mut self, v: &[f64], out: &mut [f64]) {
        self.multiply(v);
        let size = ROWS * self.outputs;
        let outputs = self.outputs;
        self.work
            .par_chunks_mut(size)
            .zip(self.probabilities.par_chunks(size))
            .for_each(|(rows, probabilities)| {
                let probabilities = probabilities.chunks_exact(outputs);
                for (row, p) in rows.chunks_exact_mut(outputs).zip(probabilities) {
                    bend(row, p);
                }
            });
        self.multiply_transposed(out);
        add_weights(out, v, outputs);
    }

    fn hessian_diagonal(&mut self, out: &mut [f64]) {
        for (work, p) in self.work.iter_mut().zip(&self.probabilities) {
            *work = p * (1.0 - p);
        }
        let (weights, bias) = out.split_at_mut(self.columns.rows() * self.outputs);
        self.columns
            .multiply_squared(&self.work, self.outputs, weights);
        bias.copy_from_slice(&self.sum_rows());
        scale(out, self.regularization);
        let regularized = out.len() - self.outputs;
        for entry in &mut out[..regularized] {
            *entry += 1.0;
        }
    }
}

/// Turns the scores of a row into probabilities and returns the loss of its label.
fn loss(scores: &mut [f64], label: u32) -> f64 {
    if let [score] = scores {
        let (probability, softplus) = sigmoid_softplus(*score);
        let loss = softplus - f64::from(label) * *score;
        *score = probability;
        return loss;
    }
    let actual = scores[label as usize];
    softmax(scores) - actual
}

/// Hessian of a row's loss in its scores, times `v`, in place.
fn bend(v: &mut [f64], p: &[f64]) {
    if let ([v], [p]) = (&mut *v, p) {
        *v *= p * (1.0 - p);
        return;
    }
    let mean: f64 = v.iter().zip(p).map(|(v, p)| v * p).sum();
    for (v, p) in v.iter_mut().zip(p) {
        *v = p * (*v - mean);
    }
}

fn sum_vectors<'a>(len: usize, vectors: impl Iterator<Item = &'a [f64]>) -> Vec<f64> {
    let mut total = vec![0.0; len];
    for vector in vectors {
        for (total, value) in total.iter_mut().zip(vector) {
            *total += value;
        }
    }
    total
}

fn scale(values: &mut [f64], factor: f64) {
    for value in values {
        *value *= factor;
    }
}

/// Adds the regularised part of `w`, all but the bias, to `out`.
fn add_weights(out: &mut [f64], w: &[f64], outputs: usize) {
    let regularized = w.len() - outputs;
    for (out, w) in out[..regularized].iter_mut().zip(w) {
        *out += w;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROWS: usize = 12;
    const COLUMNS: usize = 4;

    /// Quarters between -1 and 1, from a formula that is easy to repeat elsewhere.
    fn rows() -> Matrix {
        let mut matrix = Matrix::new(COLUMNS);
        for i in 0..ROWS {
            let entry = |j: usize| (((i * 7 + j * 5 + i * j) % 9) as f32 - 4.0) / 4.0;
            matrix.push(&[0, 1, 2, 3], &[entry(0), entry(1), entry(2), entry(3)]);
        }
        matrix
    }

    fn labels(classes: usize) -> Vec<u32> {
        (0..ROWS)
            .map(|i| ((i * i + i / 3) % classes) as u32)
            .collect()
    }

    fn counts(labels: &[u32], classes: u32) -> Vec<u64> {
        (0..classes)
            .map(|class| labels.iter().filter(|y| **y == class).count() as u64)
            .collect()
    }

    fn fit(classes: u32, c: f64, start: Option<Coefficients>) -> (Coefficients, Minimum) {
        let labels = labels(classes as usize);
        let options = Options {
            regularization: c,
            tolerance: 1e-9,
            max_iterations: 100,
        };
        options.fit(
            &rows(),
            &labels,
            &counts(&labels, classes),
            start,
            &mut |_| (),
        )
    }

    fn assert_close(got: &[f64], expected: &[f64], tolerance: f64) {
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(expected) {
            assert!(
                (got - expected).abs() < tolerance,
                "got {got}, expected {expected}"
            );
        }
    }

    // Expected values: scikit-learn 1.5.2, LogisticRegression(C=C, solver="newton-cg", tol=1e-12),
    // which its lbfgs confirms to 2e-7 (for three classes, to 2e-7 is also how exact they are). Column 2 is constant: the bias, not regularised, has it all.

    #[test]
    fn two_classes_as_scikit_learn() {
        let (model, end) = fit(2, 1.0, None);
        assert!(end.converged);
        assert_close(
            model.weights(),
            &[0.348894491, 0.033294445, 0.0, -0.028781277],
            1e-7,
        );
        assert_close(model.bias(), &[-0.696623209], 1e-7);
        let (model, _) = fit(2, 10.0, None);
        assert_close(
            model.weights(),
            &[0.628030712, 0.127159914, 0.0, -0.102493271],
            1e-7,
        );
        assert_close(model.bias(), &[-0.702364858], 1e-7);
    }

    #[test]
    fn three_classes_as_scikit_learn() {
        let (model, end) = fit(3, 1.0, None);
        assert!(end.converged);
        let weights = [
            [-0.981107831, 0.506249888, 0.474857943],
            [0.759599582, -0.531436107, -0.228163476],
            [0.0, 0.0, 0.0],
            [0.280367808, 0.551418347, -0.831786355],
        ];
        assert_close(model.weights(), weights.as_flattened(), 1e-6);
        assert_close(
            model.bias(),
            &[-0.132255007, 0.242828813, -0.110573806],
            1e-7,
        );
        let (model, _) = fit(3, 10.0, None);
        assert_close(
            model.bias(),
            &[-0.606530951, 0.607590767, -0.001059816],
            1e-6,
        );
    }

    #[test]
    fn a_start_elsewhere_ends_in_the_same_place() {
        let (cold, _) = fit(3, 10.0, None);
        let (warm, _) = fit(3, 10.0, Some(fit(3, 1.0, None).0));
        assert_close(&warm.values, &cold.values, 1e-7);
    }

    #[test]
    fn the_prior_has_the_shares_as_odds() {
        assert_eq!(
            Coefficients::prior(1, &[8, 4]).values,
            [0.0, ln(4.0) - ln(8.0)]
        );
        let prior = Coefficients::prior(2, &[1, 2, 4]);
        assert_eq!(prior.weights(), [0.0; 6]);
        assert_close(prior.bias(), &[-ln(2.0), 0.0, ln(2.0)], 1e-15);
    }

    /// 3,000 rows, enough for several chunks and tasks.
    fn large() -> (Matrix, Vec<u32>) {
        let mut matrix = Matrix::new(700);
        for i in 0..3000_u32 {
            let indices: Vec<u32> = (0..7)
                .map(|j| (i * 31 + j * 97 + i / 7) % 100 + j * 100)
                .collect();
            let values: Vec<f32> = (0..7).map(|j| ((i + j) % 11) as f32 / 11.0).collect();
            matrix.push(&indices, &values);
        }
        (matrix, (0..3000).map(|i| (i * i / 5 + i) % 3).collect())
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let (rows, labels) = large();
        for classes in [2, 3] {
            let labels: Vec<u32> = labels.iter().map(|label| label % classes).collect();
            let run = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                let counts = counts(&labels, classes);
                let fitted = || Options::default().fit(&rows, &labels, &counts, None, &mut |_| ());
                let (model, end) = pool.install(fitted);
                let bits: Vec<u64> = model.values.iter().map(|value| value.to_bits()).collect();
                (bits, end.iterations, end.value.to_bits())
            };
            let one = run(1);
            assert!(one.1 > 1);
            assert_eq!(one, run(2));
            assert_eq!(one, run(8));
        }
    }

    fn problem() -> impl Strategy<Value = (Vec<f64>, Vec<f64>, usize)> {
        (2..=4_usize).prop_flat_map(|classes| {
            let dimension = (COLUMNS + 1) * outputs(classes);
            let vector = || prop::collection::vec(-2.0..2.0_f64, dimension);
            (vector(), vector(), Just(classes))
        })
    }

    proptest! {
        #[test]
        fn gradient_is_the_slope((w, v, classes) in problem()) {
            let (rows, labels) = (rows(), labels(classes));
            let mut objective = Logistic::new(&rows, &labels, classes, 3.0);
            let mut gradient = vec![0.0; w.len()];
            objective.value(&w);
            objective.gradient(&w, &mut gradient);
            let slope: f64 = gradient.iter().zip(&v).map(|(g, v)| g * v).sum();
            let step = 1e-5;
            let at = |sign: f64| -> Vec<f64> { w.iter().zip(&v).map(|(w, v)| w + sign * step * v).collect() };
            let difference = (objective.value(&at(1.0)) - objective.value(&at(-1.0))) / (2.0 * step);
            prop_assert!((slope - difference).abs() < 1e-5 * (1.0 + slope.abs()), "{slope} {difference}");
        }

        #[test]
        fn hessian_vector_is_the_change_of_the_gradient((w, v, classes) in problem()) {
            let (rows, labels) = (rows(), labels(classes));
            let mut objective = Logistic::new(&rows, &labels, classes, 3.0);
            let step = 1e-5;
            let mut gradient_at = |sign: f64| {
                let w: Vec<f64> = w.iter().zip(&v).map(|(w, v)| w + sign * step * v).collect();
                let mut gradient = vec![0.0; w.len()];
                objective.value(&w);
                objective.gradient(&w, &mut gradient);
                gradient
            };
            let (above, below, _) = (gradient_at(1.0), gradient_at(-1.0), gradient_at(0.0));
            let mut product = vec![0.0; w.len()];
            objective.hessian_vector(&v, &mut product);
            for (product, (above, below)) in product.iter().zip(above.iter().zip(&below)) {
                let difference = (above - below) / (2.0 * step);
                prop_assert!((product - difference).abs() < 1e-5 * (1.0 + product.abs()));
            }
        }

        #[test]
        fn diagonal_is_that_of_the_hessian((w, _, classes) in problem()) {
            let (rows, labels) = (rows(), labels(classes));
            let mut objective = Logistic::new(&rows, &labels, classes, 3.0);
            let (mut diagonal, mut product) = (w.clone(), w.clone());
            objective.value(&w);
            objective.gradient(&w, &mut product);
            objective.hessian_diagonal(&mut diagonal);
            for i in 0..w.len() {
                let mut unit = vec![0.0; w.len()];
                unit[i] = 1.0;
                objective.hessian_vector(&unit, &mut product);
                prop_assert!((product[i] - diagonal[i]).abs() < 1e-12 * diagonal[i]);
            }
        }
    }
}
