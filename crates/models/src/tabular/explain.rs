//! Why a row has its margin: what each column of the table contributed.
//!
//! Exact Shapley values: of the trees path-dependent (Lundberg et al., 2020), of the linear model for
//! independent columns, of their average the average, since Shapley values are linear in the model.
//! Against a background table ([`Model::against`]) they are interventional: unknown columns have the
//! values of its rows, each taken in turn, and contributions add to the mean margin of these rows.
//! The values of all columns that come from one column of the table (the parts of a time, the words of
//! a text) are summed.

use super::encode::{EncodeError, Encoded, UsedBy};
use super::linear;
use super::model::Model;
use super::table::Table;
use crate::trees::{EnsembleError, Explainer};

/// What the columns contributed to the margins of some rows; base and contributions add up to the
/// margin.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// One per output: the margin that a row has on average.
    pub base: Vec<f64>,
    /// Rows × outputs × columns of the table.
    pub values: Vec<f64>,
    columns: usize,
}

impl Explanation {
    /// The contributions to an output of a row, one per column.
    ///
    /// # Panics
    /// If there is no such row or output.
    pub fn row(&self, row: usize, output: usize) -> &[f64] {
        let first = (row * self.base.len() + output) * self.columns;
        &self.values[first..first + self.columns]
    }

    /// The mean absolute contribution of each column to an output, over all rows; 0 without rows.
    pub fn strengths(&self, output: usize) -> Vec<f64> {
        let rows = self.values.len() / (self.columns * self.base.len()).max(1);
        let mean = |column: usize| {
            let sum: f64 = (0..rows)
                .map(|row| self.row(row, output)[column].abs())
                .sum();
            sum / rows.max(1) as f64
        };
        (0..self.columns).map(mean).collect()
    }
}

/// Explanations of a model against the rows of a background table; see [`Model::against`].
pub struct Against<'m> {
    model: &'m Model,
    explainers: Vec<Explainer>,
    shift: Option<Shift>,
}

/// Why a table cannot be a background.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BackgroundError {
    /// It has no rows.
    #[error("the background has no rows; give at least one, or better a hundred")]
    Empty,
    /// It does not have the columns of training.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The trees cannot be explained against it.
    #[error(transparent)]
    Trees(#[from] EnsembleError),
    /// The linear model cannot be explained against it.
    #[error(transparent)]
    Linear(linear::LinearError),
}

impl Against<'_> {
    /// What each column of a table contributed to the margins of its rows, added to the mean margin of
    /// the background.
    ///
    /// # Errors
    /// If the table does not have the columns of training, in their order.
    pub fn explain(&self, table: &Table) -> Result<Explanation, EncodeError> {
        let encoded = self.model.encoder.encode(table)?;
        let shift = self.shift.as_ref();
        Ok({ self.model }.explained(table, &encoded, &self.explainers, shift))
    }
}

/// The mean contributions of background rows to a linear model, outputs × encoded columns: against
/// them a row contributes what it has more.
struct Shift(Vec<f64>);

impl Shift {
    fn of(own: &linear::Contributions, rows: usize) -> Self {
        let width = own.values.len() / rows;
        let mean = |place: usize| {
            let of_rows = own.values.iter().skip(place).step_by(width);
            of_rows.sum::<f64>() / rows as f64
        };
        Self((0..width).map(mean).collect())
    }

    fn apply(&self, own: &mut linear::Contributions) {
        let Self(means) = self;
        if means.is_empty() {
            return;
        }
        let of_output = means.chunks_exact(means.len() / own.base.len());
        for (base, means) in own.base.iter_mut().zip(of_output) {
            *base += means.iter().sum::<f64>();
        }
        for row in own.values.chunks_exact_mut(means.len()) {
            for (value, mean) in row.iter_mut().zip(means) {
                *value -= mean;
            }
        }
    }
}

impl Model {
    /// What each column of a table contributed to the margins of its rows.
    ///
    /// # Errors
    /// If the table does not have the columns of training, in their order.
    pub fn explain(&self, table: &Table) -> Result<Explanation, EncodeError> {
        let encoded = self.encoder.encode(table)?;
        Ok(self.explained(table, &encoded, self.explainers(), None))
    }

    /// Prepares explanations against the rows of a background table, one to a few hundred: time and
    /// memory grow with them.
    ///
    /// # Errors
    /// If the background has no rows, or not the columns of training in their order.
    pub fn against(&self, background: &Table) -> Result<Against<'_>, BackgroundError> {
        if background.rows == 0 {
            return Err(BackgroundError::Empty);
        }
        let encoded = self.encoder.encode(background)?;
        let views = encoded.views(UsedBy::Trees);
        let trees = self.trees().iter();
        let explainers = trees.map(|trees| Explainer::interventional(trees, &views));
        let linear = self.linear().map(|linear| {
            let own = linear.contributions(&encoded.views(UsedBy::Linear))?;
            Ok(Shift::of(&own, background.rows))
        });
        Ok(Against {
            model: self,
            explainers: explainers.collect::<Result<_, _>>()?,
            shift: linear.transpose().map_err(BackgroundError::Linear)?,
        })
    }

    /// The explanation by these explainers of the trees; that of the linear model is moved by `shift`.
    fn explained(
        &self,
        table: &Table,
        encoded: &Encoded<'_>,
        explainers: &[Explainer],
        shift: Option<&Shift>,
    ) -> Explanation {
        let views = encoded.views(UsedBy::Trees);
        let sources = encoded.sources(UsedBy::Trees);
        let (outputs, columns) = (self.target.outputs(), table.columns.len());
        let mut explanation = Explanation {
            base: vec![0.0; outputs],
            values: vec![0.0; table.rows * outputs * columns],
            columns,
        };
        let share = self.share();
        for (number, explainer) in explainers.iter().enumerate() {
            // Columns are those of the encoder, so they fit.
            if let Ok(own) = explainer.contributions(&views) {
                let first = if explainers.len() == 1 { 0 } else { number };
                explanation.add(share, first, &own.base, &own.values, &sources);
            }
        }
        if let Some(linear) = self.linear() {
            let views = encoded.views(UsedBy::Linear);
            if let Ok(mut own) = linear.contributions(&views) {
                if let Some(shift) = shift {
                    shift.apply(&mut own);
                }
                let sources = encoded.sources(UsedBy::Linear);
                explanation.add(1.0 - share, 0, &own.base, &own.values, &sources);
            }
        }
        explanation
    }

    /// The mean absolute interaction of pairs of columns of the table over its rows, for the trees
    /// of the first output; one per pair, in the order given. Twice Lundberg's value, so that it is
    /// what the pair adds together. 0 without trees.
    ///
    /// # Errors
    /// If the table does not have the columns of training, in their order.
    pub fn interactions(
        &self,
        table: &Table,
        pairs: &[(usize, usize)],
    ) -> Result<Vec<f64>, EncodeError> {
        let encoded = self.encoder.encode(table)?;
        let views = encoded.views(UsedBy::Trees);
        let sources = encoded.sources(UsedBy::Trees);
        let Some(explainer) = self.explainers().first() else {
            return Ok(vec![0.0; pairs.len()]);
        };
        let outputs = self.trees()[0].outputs();
        let encoded_of = |source: usize| -> Vec<usize> {
            (0..sources.len())
                .filter(|&column| sources[column] == source)
                .collect()
        };
        let strength = |&(a, b): &(usize, usize)| {
            let mut sums = vec![0.0; table.rows];
            let (firsts, seconds) = (encoded_of(a), encoded_of(b));
            let pairs = firsts
                .iter()
                .flat_map(|&a| seconds.iter().map(move |&b| (a, b)));
            for (first, second) in pairs {
                let Ok(values) = explainer.interaction(&views, first, second) else {
                    continue;
                };
                let of_rows = values.iter().step_by(outputs.max(1));
                let of_rows = sums.iter_mut().zip(of_rows);
                of_rows.for_each(|(sum, value)| *sum += 2.0 * value);
            }
            let sum: f64 = sums.iter().map(|sum| sum.abs()).sum();
            self.share() * sum / table.rows.max(1) as f64
        };
        Ok(pairs.iter().map(strength).collect())
    }
}

impl Explanation {
    /// Adds `share` of contributions to the outputs from `first` on; `values` are rows × outputs ×
    /// encoded columns, each of which belongs to its source.
    fn add(&mut self, share: f64, first: usize, base: &[f64], values: &[f64], sources: &[usize]) {
        for (output, value) in base.iter().enumerate() {
            self.base[first + output] += share * value;
        }
        let (outputs, columns) = (self.base.len(), self.columns);
        let rows = values.chunks_exact((base.len() * sources.len()).max(1));
        for (row, values) in rows.enumerate() {
            for (output, values) in values.chunks_exact(sources.len()).enumerate() {
                let start = (row * outputs + first + output) * columns;
                let to = &mut self.values[start..start + columns];
                for (&source, value) in sources.iter().zip(values) {
                    to[source] += share * value;
                }
            }
        }
    }
}
