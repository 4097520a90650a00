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
        scale(&mut self.values, factor);
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
        add_bias(&mut scores, self.bias());
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

/// Rows, the same by columns, and the class of each row: made ready to be fitted as often as wanted.
pub struct Examples<'a> {
    rows: &'a Matrix,
    columns: Matrix,
    labels: &'a [u32],
    classes: usize,
}

impl<'a> Examples<'a> {
    /// `labels` (below `classes`), one a row.
    ///
    /// # Panics
    /// When there are more or fewer labels than rows.
    pub fn new(rows: &'a Matrix, labels: &'a [u32], classes: usize) -> Self {
        assert_eq!(labels.len(), rows.rows(), "one label a row");
        Examples {
            columns: rows.transposed(),
            rows,
            labels,
            classes,
        }
    }

    /// The rows.
    pub fn rows(&self) -> &Matrix {
        self.rows
    }

    /// All rows count alike, all weights cost the same.
    pub fn problem(&self, scheme: Scheme) -> Problem<'_> {
        Problem {
            examples: self,
            costs: vec![1.0; self.labels.len()],
            scheme,
            scale: Vec::new(),
        }
    }
}

/// What to fit to [`Examples`].
pub struct Problem<'a> {
    examples: &'a Examples<'a>,
    /// Weight of each row's loss; 0: left out.
    costs: Vec<f64>,
    scheme: Scheme,
    /// features × outputs, or none: all one.
    scale: Vec<f64>,
}

impl Problem<'_> {
    /// The same with the loss of each row weighted; every class must have a row that counts.
    pub fn with_costs(mut self, costs: Vec<f64>) -> Self {
        assert_eq!(costs.len(), self.costs.len(), "one cost a row");
        self.costs = costs;
        self
    }

    /// The same with scaled weights, features × outputs.
    pub fn with_scale(mut self, scale: Vec<f64>) -> Self {
        let weights = self.examples.rows.columns() * self.outputs();
        assert_eq!(scale.len(), weights, "one scale a weight");
        self.scale = scale;
        self
    }

    /// Number of weight vectors.
    pub fn outputs(&self) -> usize {
        outputs(self.examples.classes)
    }

    /// No weights, and the bias that gives every row the share of its class.
    pub fn prior(&self) -> Coefficients {
        let outputs = self.outputs();
        let mut weights = vec![0.0; self.examples.classes];
        for (&label, cost) in self.examples.labels.iter().zip(&self.costs) {
            weights[label as usize] += cost;
        }
        let bias: Vec<f64> = match (outputs, self.scheme) {
            (1, _) => vec![ln(weights[1]) - ln(weights[0])],
            (_, Scheme::Multinomial) => weights.iter().map(|&weight| ln(weight)).collect(),
            (_, Scheme::OneVsRest) => {
                let all: f64 = weights.iter().sum();
                let odds = weights.iter().map(|weight| ln(*weight) - ln(all - weight));
                odds.collect()
            }
        };
        let mut values = vec![0.0; self.examples.rows.columns() * outputs];
        values.extend(bias);
        let mut prior = Coefficients { outputs, values };
        if self.scheme == Scheme::Multinomial {
            prior.center_bias();
        }
        prior
    }

    /// Coefficients as they score: weights times their scale.
    pub fn unscaled(&self, coefficients: &Coefficients) -> Coefficients {
        let mut coefficients = coefficients.clone();
        for (weight, scale) in coefficients.values.iter_mut().zip(&self.scale) {
            *weight *= scale;
        }
        coefficients
    }

    /// Fits the problem from `start`, or from [`Problem::prior`]; the tolerance means the same from
    /// any start.
    pub fn fit(
        &self,
        options: &Options,
        start: Option<Coefficients>,
        watch: &mut dyn FnMut(Iteration),
    ) -> (Coefficients, Minimum) {
        let mut objective = Logistic::new(self, options.regularization);
        let prior = self.prior();
        let stop = Stop {
            gradient_norm: options.tolerance * objective.gradient_norm(&prior.values),
            iterations: options.max_iterations,
        };
        let mut coefficients = start.unwrap_or(prior);
        let end = optim::minimize(&mut objective, &mut coefficients.values, stop, watch);
        if self.scheme == Scheme::Multinomial {
            coefficients.center_bias();
        }
        (coefficients, end)
    }
}

/// w'w/2 + C Σ cost · loss over the rows, as a function of [`Coefficients::values`].
pub struct Logistic<'a> {
    problem: &'a Problem<'a>,
    outputs: usize,
    regularization: f64,
    /// rows × outputs: probabilities where the gradient was last taken (two classes: of the second).
    probabilities: Vec<f64>,
    /// rows × outputs: probabilities of the last value, residuals, or a product on its way.
    work: Vec<f64>,
    /// Weights times their scale, where there is one.
    scaled: Vec<f64>,
}

impl<'a> Logistic<'a> {
    /// The objective of `problem`, with the data weighted by `regularization`.
    pub fn new(problem: &'a Problem<'a>, regularization: f64) -> Logistic<'a> {
        let outputs = problem.outputs();
        let zeros = || vec![0.0; problem.costs.len() * outputs];
        Logistic {
            outputs,
            regularization,
            probabilities: zeros(),
            work: zeros(),
            scaled: vec![0.0; problem.scale.len()],
            problem,
        }
    }

    fn gradient_norm(&mut self, w: &[f64]) -> f64 {
        let mut gradient = vec![0.0; w.len()];
        self.value(w);
        self.gradient(w, &mut gradient);
        norm(&gradient)
    }

    /// work = X (scale · w) + bias.
    fn multiply(&mut self, w: &[f64]) {
        let rows = self.problem.examples.rows;
        let (weights, bias) = w.split_at(rows.columns() * self.outputs);
        let weights = if self.scaled.is_empty() {
            weights
        } else {
            let scale = self.problem.scale.par_iter();
            let both = weights.par_iter().zip(scale);
            self.scaled
                .par_iter_mut()
                .zip(both)
                .for_each(|(out, (w, scale))| *out = w * scale);
            &self.scaled
        };
        rows.multiply(weights, self.outputs, &mut self.work);
        add_bias(&mut self.work, bias);
    }

    /// out = C scale · X' work for the weights, C Σ work for the bias.
    fn multiply_transposed(&self, out: &mut [f64]) {
        let columns = &self.problem.examples.columns;
        let (weights, bias) = out.split_at_mut(columns.rows() * self.outputs);
        columns.multiply(&self.work, self.outputs, weights);
        for (out, scale) in weights.iter_mut().zip(&self.problem.scale) {
            *out *= scale;
        }
        bias.copy_from_slice(&self.sum_rows());
        scale(out, self.regularization);
    }

    /// Sums of the columns of `work`.
    fn sum_rows(&self) -> Vec<f64> {
        let outputs = self.outputs;
        let parts = chunks(self.problem.costs.len(), ROWS, |range| {
            let rows = &self.work[range.start * outputs..range.end * outputs];
            sum_vectors(outputs, rows.chunks_exact(outputs))
        });
        sum_vectors(outputs, parts.iter().map(Vec::as_slice))
    }

    /// True where the classes share a softmax.
    fn joint(&self) -> bool {
        self.outputs > 1 && self.problem.scheme == Scheme::Multinomial
    }

    /// Calls `each` with the row of `work`, the row of probabilities, the label and the cost of every
    /// row, and returns the sum of what comes back, in a fixed order.
    fn each_row(&mut self, each: impl Fn(&mut [f64], &[f64], u32, f64) -> f64 + Sync) -> f64 {
        let outputs = self.outputs;
        let size = ROWS * outputs;
        let values = self
            .work
            .par_chunks_mut(size)
            .zip(self.probabilities.par_chunks(size));
        let labels = self.problem.examples.labels.par_chunks(ROWS);
        let parts: Vec<f64> = values
            .zip(labels.zip(self.problem.costs.par_chunks(ROWS)))
            .map(|((work, probabilities), (labels, costs))| {
                let rows = work
                    .chunks_exact_mut(outputs)
                    .zip(probabilities.chunks_exact(outputs));
                let rows = rows.zip(labels.iter().zip(costs));
                rows.map(|((work, p), (y, cost))| each(work, p, *y, *cost))
                    .sum()
            })
            .collect();
        parts.into_iter().sum()
    }
}

impl Objective for Logistic<'_> {
    fn dimension(&self) -> usize {
        (self.problem.examples.rows.columns() + 1) * self.outputs
    }

    fn value(&mut self, w: &[f64]) -> f64 {
        self.multiply(w);
        let joint = self.joint();
        let losses = self.each_row(|scores, _, y, cost| cost * loss(scores, y, joint));
        let weights = norm(&w[..w.len() - self.outputs]);
        0.5 * weights * weights + self.regularization * losses
    }

    fn gradient(&mut self, w: &[f64], out: &mut [f64]) {
        self.probabilities.copy_from_slice(&self.work);
        self.each_row(|row, _, label, cost| {
            // One output stands for the second class: its target is the label itself.
            if let [residual] = row {
                *residual -= f64::from(label);
            } else {
                row[label as usize] -= 1.0;
            }
            scale(row, cost);
            0.0
        });
        self.multiply_transposed(out);
        add_weights(out, w, self.outputs);
    }

    fn hessian_vector(&mut self, v: &[f64], out: &mut [f64]) {
        self.multiply(v);
        let joint = self.joint();
        self.each_row(|row, p, _, cost| {
            bend(row, p, joint);
            scale(row, cost);
            0.0
        });
        self.multiply_transposed(out);
        add_weights(out, v, self.outputs);
    }

    fn hessian_diagonal(&mut self, out: &mut [f64]) {
        self.each_row(|row, p, _, cost| {
            for (work, p) in row.iter_mut().zip(p) {
                *work = cost * p * (1.0 - p);
            }
            0.0
        });
        let columns = &self.problem.examples.columns;
        let (weights, bias) = out.split_at_mut(columns.rows() * self.outputs);
        columns.multiply_squared(&self.work, self.outputs, weights);
        for (out, scale) in weights.iter_mut().zip(&self.problem.scale) {
            *out *= scale * scale;
        }
        bias.copy_from_slice(&self.sum_rows());
        scale(out, self.regularization);
        let regularized = out.len() - self.outputs;
        for entry in &mut out[..regularized] {
            *entry += 1.0;
        }
    }
}

/// Turns the scores of a row into probabilities and returns the loss of its label.
fn loss(scores: &mut [f64], label: u32, joint: bool) -> f64 {
    if joint {
        let actual = scores[label as usize];
        return softmax(scores) - actual;
    }
    let mut loss = match scores {
        [score] => -f64::from(label) * *score,
        _ => -scores[label as usize],
    };
    for score in scores {
        let (probability, softplus) = sigmoid_softplus(*score);
        *score = probability;
        loss += softplus;
    }
    loss
}

/// Hessian of a row's loss in its scores, times `v`, in place.
fn bend(v: &mut [f64], p: &[f64], joint: bool) {
    let mean: f64 = if joint {
        v.iter().zip(p).map(|(v, p)| v * p).sum()
    } else {
        0.0
    };
    for (v, p) in v.iter_mut().zip(p) {
        *v = if joint {
            p * (*v - mean)
        } else {
            *v * p * (1.0 - p)
        };
    }
}

/// Adds one bias an output to rows of scores.
fn add_bias(scores: &mut [f64], bias: &[f64]) {
    scores.par_chunks_mut(ROWS * bias.len()).for_each(|rows| {
        for row in rows.chunks_exact_mut(bias.len()) {
            for (score, bias) in row.iter_mut().zip(bias) {
                *score += bias;
            }
        }
    });
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

    fn fit(classes: u32, c: f64, start: Option<Coefficients>) -> (Coefficients, Minimum) {
        let labels = labels(classes as usize);
        let options = Options {
            regularization: c,
            tolerance: 1e-9,
            max_iterations: 100,
        };
        let rows = rows();
        let examples = Examples::new(&rows, &labels, classes as usize);
        examples
            .problem(Scheme::Multinomial)
            .fit(&options, start, &mut |_| ())
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
        let prior = |counts: &[u64], scheme| {
            let labels: Vec<u32> = (0..)
                .zip(counts)
                .flat_map(|(y, &n)| vec![y; n as usize])
                .collect();
            let mut rows = Matrix::new(2);
            labels.iter().for_each(|_| rows.push(&[], &[]));
            Examples::new(&rows, &labels, counts.len())
                .problem(scheme)
                .prior()
        };
        let two = prior(&[8, 4], Scheme::Multinomial);
        assert_eq!(two.values, [0.0, 0.0, ln(4.0) - ln(8.0)]);
        assert_eq!(two, prior(&[8, 4], Scheme::OneVsRest));
        let three = prior(&[1, 2, 4], Scheme::Multinomial);
        assert_eq!(three.weights(), [0.0; 6]);
        assert_close(three.bias(), &[-ln(2.0), 0.0, ln(2.0)], 1e-15);
        let rest = prior(&[1, 2, 4], Scheme::OneVsRest);
        assert_close(rest.bias(), &[-ln(6.0), -ln(2.5), ln(4.0 / 3.0)], 1e-15);
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
                let examples = Examples::new(&rows, &labels, classes as usize);
                let problem = examples.problem(Scheme::Multinomial);
                let fitted = || problem.fit(&Options::default(), None, &mut |_| ());
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

    #[test]
    fn one_against_the_rest_is_two_classes_each() {
        let labels = labels(3);
        let rows = rows();
        let options = Options {
            regularization: 2.0,
            tolerance: 1e-9,
            max_iterations: 100,
        };
        let examples = Examples::new(&rows, &labels, 3);
        let (all, _) = examples
            .problem(Scheme::OneVsRest)
            .fit(&options, None, &mut |_| ());
        for class in 0..3 {
            let own: Vec<u32> = labels.iter().map(|y| u32::from(*y == class)).collect();
            let examples = Examples::new(&rows, &own, 2);
            let (one, _) = examples
                .problem(Scheme::Multinomial)
                .fit(&options, None, &mut |_| ());
            let column: Vec<f64> = all
                .values
                .iter()
                .skip(class as usize)
                .step_by(3)
                .copied()
                .collect();
            assert_close(&column, &one.values, 1e-7);
        }
    }

    #[test]
    fn a_cost_is_a_row_repeated() {
        let labels = labels(3);
        let options = Options {
            regularization: 2.0,
            tolerance: 1e-9,
            max_iterations: 100,
        };
        let (mut twice, mut more) = (rows(), labels.clone());
        for (row, _) in labels.iter().enumerate().filter(|(_, y)| **y == 1) {
            let own = rows();
            let (indices, values) = own.row(row);
            twice.push(indices, values);
            more.push(1);
        }
        for scheme in [Scheme::Multinomial, Scheme::OneVsRest] {
            let rows = rows();
            let costs = labels.iter().map(|y| if *y == 1 { 2.0 } else { 1.0 });
            let examples = Examples::new(&rows, &labels, 3);
            let problem = examples.problem(scheme).with_costs(costs.collect());
            let examples = Examples::new(&twice, &more, 3);
            let repeated = examples.problem(scheme);
            assert_close(&problem.prior().values, &repeated.prior().values, 1e-12);
            let fit = |problem: &Problem| problem.fit(&options, None, &mut |_| ()).0.values;
            assert_close(&fit(&problem), &fit(&repeated), 1e-7);
        }
    }

    #[test]
    fn a_cost_of_zero_leaves_a_row_out() {
        let (rows, labels) = (rows(), labels(3));
        let kept: Vec<usize> = (0..ROWS).filter(|row| row % 4 != 1).collect();
        let costs = (0..ROWS).map(|row| f64::from(kept.contains(&row)));
        let (fewer, own) = (rows.select(&kept), kept.iter().map(|&row| labels[row]));
        let own: Vec<u32> = own.collect();
        let options = Options {
            tolerance: 1e-9,
            ..Options::default()
        };
        let examples = Examples::new(&rows, &labels, 3);
        let problem = examples
            .problem(Scheme::Multinomial)
            .with_costs(costs.collect());
        let (all, _) = problem.fit(&options, None, &mut |_| ());
        let examples = Examples::new(&fewer, &own, 3);
        let problem = examples.problem(Scheme::Multinomial);
        let (less, _) = problem.fit(&options, None, &mut |_| ());
        assert_close(&all.values, &less.values, 1e-9);
    }

    /// A scale on a weight does what the same scale on the column does.
    #[test]
    fn a_scale_is_one_of_the_columns() {
        let scales = [0.5, 2.0, 1.0, 3.0];
        let mut scaled = Matrix::new(COLUMNS);
        let plain = rows();
        for row in 0..ROWS {
            let (indices, values) = plain.row(row);
            let values: Vec<f32> = values
                .iter()
                .zip(scales)
                .map(|(v, s)| v * s as f32)
                .collect();
            scaled.push(indices, &values);
        }
        let (labels, options) = (
            labels(2),
            Options {
                tolerance: 1e-9,
                ..Options::default()
            },
        );
        let examples = Examples::new(&plain, &labels, 2);
        let one = examples
            .problem(Scheme::Multinomial)
            .with_scale(scales.to_vec());
        let examples = Examples::new(&scaled, &labels, 2);
        let other = examples.problem(Scheme::Multinomial);
        let fit = |problem: &Problem| problem.fit(&options, None, &mut |_| ()).0;
        let (a, b) = (fit(&one), fit(&other));
        assert_close(&a.values, &b.values, 1e-9);
        assert_close(&one.unscaled(&a).scores(&plain), &b.scores(&scaled), 1e-9);
    }

    type Point = (Vec<f64>, Vec<f64>, usize, bool);

    fn point() -> impl Strategy<Value = Point> {
        (2..=4_usize).prop_flat_map(|classes| {
            let dimension = (COLUMNS + 1) * outputs(classes);
            let vector = || prop::collection::vec(-2.0..2.0_f64, dimension);
            (vector(), vector(), Just(classes), any::<bool>())
        })
    }

    /// Calls `check` with the objective of a problem with costs and scales.
    fn with_objective(classes: usize, rest: bool, check: impl FnOnce(&mut Logistic)) {
        let (rows, labels) = (rows(), labels(classes));
        let scheme = if rest {
            Scheme::OneVsRest
        } else {
            Scheme::Multinomial
        };
        let weights = COLUMNS * outputs(classes);
        let examples = Examples::new(&rows, &labels, classes);
        let problem = examples
            .problem(scheme)
            .with_costs((0..ROWS).map(|row| (row % 3) as f64 / 2.0 + 0.5).collect())
            .with_scale((0..weights).map(|i| 0.3 + (i % 5) as f64 / 2.0).collect());
        check(&mut Logistic::new(&problem, 3.0));
    }

    proptest! {
        #[test]
        fn gradient_is_the_slope((w, v, classes, rest) in point()) {
            with_objective(classes, rest, |objective| {
                let mut gradient = vec![0.0; w.len()];
                objective.value(&w);
                objective.gradient(&w, &mut gradient);
                let slope: f64 = gradient.iter().zip(&v).map(|(g, v)| g * v).sum();
                let step = 1e-5;
                let at = |sign: f64| -> Vec<f64> {
                    w.iter().zip(&v).map(|(w, v)| w + sign * step * v).collect()
                };
                let rise = objective.value(&at(1.0)) - objective.value(&at(-1.0));
                let difference = rise / (2.0 * step);
                let close = (slope - difference).abs() < 1e-5 * (1.0 + slope.abs());
                assert!(close, "{slope} {difference}");
            });
        }

        #[test]
        fn hessian_vector_is_the_change_of_the_gradient((w, v, classes, rest) in point()) {
            with_objective(classes, rest, |objective| {
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
                    assert!((product - difference).abs() < 1e-5 * (1.0 + product.abs()));
                }
            });
        }

        #[test]
        fn diagonal_is_that_of_the_hessian((w, _, classes, rest) in point()) {
            with_objective(classes, rest, |objective| {
                let (mut diagonal, mut product) = (w.clone(), w.clone());
                objective.value(&w);
                objective.gradient(&w, &mut product);
                objective.hessian_diagonal(&mut diagonal);
                for i in 0..w.len() {
                    let mut unit = vec![0.0; w.len()];
                    unit[i] = 1.0;
                    objective.hessian_vector(&unit, &mut product);
                    assert!((product[i] - diagonal[i]).abs() < 1e-12 * diagonal[i]);
                }
            });
        }
    }
}
