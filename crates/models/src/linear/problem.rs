//! The data of a fit: rows, classes, costs and scales.

use std::borrow::Cow;

use super::coefficients::{Coefficients, outputs};
use super::merge::Merged;
use super::options::Scheme;
use crate::kernels::math::ln;
use crate::sparse::Matrix;

/// Rows and the class of each, prepared once for any number of fits.
pub struct Examples<'a> {
    rows: Cow<'a, Matrix>,
    /// The merged columns to solve for instead of `rows`, if that is smaller.
    merged: Option<Merged>,
    /// The solved matrix, transposed, if there is more than one output.
    columns: Option<Matrix>,
    labels: &'a [u32],
    classes: usize,
}

impl<'a> Examples<'a> {
    /// Takes one label (below `classes`) per row; the rows borrowed or owned.
    ///
    /// # Panics
    /// If the number of labels differs from the number of rows.
    pub fn new(rows: impl Into<Cow<'a, Matrix>>, labels: &'a [u32], classes: usize) -> Self {
        Examples::of(rows.into(), labels, classes, None)
    }

    /// Like [`Examples::new`], with columns that are multiples of each other solved as one.
    /// `blocks` are the ends of blocks of columns; a scale must be equal for multiples within a
    /// block.
    ///
    /// # Panics
    /// If the number of labels differs from the number of rows.
    pub fn merged(
        rows: impl Into<Cow<'a, Matrix>>,
        labels: &'a [u32],
        classes: usize,
        blocks: &[usize],
    ) -> Self {
        let rows = rows.into();
        let merged = Merged::find(&rows, blocks);
        Examples::of(rows, labels, classes, merged)
    }

    fn of(
        rows: Cow<'a, Matrix>,
        labels: &'a [u32],
        classes: usize,
        merged: Option<Merged>,
    ) -> Self {
        assert_eq!(labels.len(), rows.rows(), "expected one label per row");
        let solved = merged.as_ref().map_or(&*rows, |merged| &merged.rows);
        Examples {
            columns: (outputs(classes) > 1).then(|| solved.transposed()),
            merged,
            rows,
            labels,
            classes,
        }
    }

    /// The rows.
    pub fn rows(&self) -> &Matrix {
        &self.rows
    }

    /// The matrix to solve for.
    pub(super) fn solved(&self) -> &Matrix {
        self.merged
            .as_ref()
            .map_or(&*self.rows, |merged| &merged.rows)
    }

    /// The matrix to solve for, transposed.
    ///
    /// # Panics
    /// If there is only one output, which does not need it.
    pub(super) fn columns(&self) -> &Matrix {
        self.columns.as_ref().expect("more than one output")
    }

    /// The problem with equal weights for all rows and all features.
    ///
    /// Fitting takes nothing from the examples, so many problems (costs, scales, strengths of the
    /// regularization) may share them, also from several threads.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::linear::{Examples, Scheme, SolverOptions};
    /// use easylife_models::sparse::Matrix;
    ///
    /// // One feature that is high in the rows of class 1.
    /// let mut rows = Matrix::new(1);
    /// for value in [0.0, 0.1, 0.9, 1.0] {
    ///     rows.push(&[0], &[value]);
    /// }
    /// let examples = Examples::new(&rows, &[0, 0, 1, 1], 2);
    /// let problem = examples.problem(Scheme::Multinomial);
    /// let (fitted, _) = problem.fit(&SolverOptions::default(), None, &mut |_| {});
    /// let scores = problem.scores(&fitted);
    /// assert!(scores[0] < 0.0 && scores[3] > 0.0);
    /// assert!((scores[0] + scores[3]).abs() < 1e-3, "the classes mirror each other");
    /// ```
    pub fn problem(&self, scheme: Scheme) -> Problem<'_> {
        Problem {
            examples: self,
            costs: vec![1.0; self.labels.len()],
            scheme,
            scale: Vec::new(),
        }
    }
}

/// A fit of [`Examples`].
pub struct Problem<'a> {
    pub(super) examples: &'a Examples<'a>,
    /// Weight of each row's loss; 0 leaves the row out.
    pub(super) costs: Vec<f64>,
    pub(super) scheme: Scheme,
    /// Solved columns × outputs; empty if all are 1.
    pub(super) scale: Vec<f64>,
}

impl Problem<'_> {
    /// Weights the loss of each row; every class must have a row with a positive weight.
    ///
    /// # Panics
    /// If the number of costs differs from the number of rows.
    pub fn with_costs(mut self, costs: Vec<f64>) -> Self {
        assert_eq!(costs.len(), self.costs.len(), "expected one cost per row");
        self.costs = costs;
        self
    }

    /// Scales the weights, features × outputs.
    ///
    /// # Panics
    /// If the number of scales differs from the number of weights.
    pub fn with_scale(mut self, scale: Vec<f64>) -> Self {
        let weights = self.examples.rows.columns() * self.outputs();
        assert_eq!(scale.len(), weights, "expected one scale per weight");
        self.scale = match &self.examples.merged {
            None => scale,
            Some(merged) => merged.pick(&scale, self.outputs()),
        };
        self
    }

    /// Number of weight vectors.
    pub fn outputs(&self) -> usize {
        outputs(self.examples.classes)
    }

    /// Zero weights, and the bias that gives every row the share of its class.
    ///
    /// Weighted by the costs; the start of a search without a better one. Coefficients are those of the
    /// solved problem, see [`Problem::unscaled`].
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
        let mut values = vec![0.0; self.examples.solved().columns() * outputs];
        values.extend(bias);
        let mut prior = Coefficients { outputs, values };
        if self.scheme == Scheme::Multinomial {
            prior.center_bias();
        }
        prior
    }

    /// The class of each row.
    pub(super) fn labels(&self) -> &[u32] {
        self.examples.labels
    }

    /// Coefficients for scoring: of all columns, with weights times their scale.
    pub fn unscaled(&self, coefficients: &Coefficients) -> Coefficients {
        let mut coefficients = coefficients.clone();
        for (weight, scale) in coefficients.values.iter_mut().zip(&self.scale) {
            *weight *= scale;
        }
        match &self.examples.merged {
            None => coefficients,
            Some(merged) => merged.expand(&coefficients),
        }
    }

    /// The inverse of [`Problem::unscaled`], as a start; the coefficients may come from another
    /// problem.
    pub fn scaled(&self, unscaled: &Coefficients) -> Coefficients {
        let mut coefficients = match &self.examples.merged {
            None => unscaled.clone(),
            Some(merged) => merged.contract(unscaled),
        };
        for (weight, &scale) in coefficients.values.iter_mut().zip(&self.scale) {
            *weight = if scale > 0.0 { *weight / scale } else { 0.0 };
        }
        coefficients
    }

    /// Scores of every row: rows × outputs.
    ///
    /// `coefficients` are those of the solved problem, as [`Problem::fit`] returns them; for those of
    /// [`Problem::unscaled`] use [`Coefficients::scores`].
    pub fn scores(&self, coefficients: &Coefficients) -> Vec<f64> {
        let mut coefficients = coefficients.clone();
        for (weight, scale) in coefficients.values.iter_mut().zip(&self.scale) {
            *weight *= scale;
        }
        coefficients.scores(self.examples.solved())
    }
}
