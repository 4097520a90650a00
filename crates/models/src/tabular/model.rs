//! The fitted model: a table to margins, answers and intervals.

use std::sync::OnceLock;

use rayon::prelude::*;

use super::calibration::Calibration;
use super::conformal::Conformal;
use super::encode::{EncodeError, Encoded, EncodedColumn, EncodedValues, Encoder, UsedBy};
use super::linear::Linear;
use super::table::{ColumnKind, Table};
use super::target::Target;
use crate::trees::{Ensemble, Explainer, Scorer};

/// Rows whose margins are turned into answers by one task.
const CHUNK: usize = 4096;

/// A fitted model of a table.
pub struct Model {
    pub(super) encoder: Encoder,
    pub(super) target: Target,
    pub(super) members: Members,
    pub(super) calibration: Calibration,
    pub(super) conformal: Option<Conformal>,
    /// What is added to each quantile, so that its share of held-out rows is below it; empty for other
    /// targets.
    pub(super) shifts: Vec<f64>,
    explainers: OnceLock<Vec<Explainer>>,
}

/// The models that are averaged, on the scale of margins.
pub(super) struct Members {
    /// One, or one per quantile; none if the linear model is alone.
    pub trees: Vec<Ensemble>,
    pub linear: Option<Linear>,
    /// Weight of the trees, 1 if they are alone.
    pub share: f64,
    scorers: Vec<Scorer>,
}

/// An encoded column that the trees test.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeColumn<'m> {
    /// That of the column of the table, with what it is of it.
    pub name: String,
    /// Whether it holds codes of words, otherwise numbers.
    pub is_category: bool,
    /// The words, by code; any other word has the code after the last.
    pub words: &'m [String],
    /// If the column holds the mean target of a word instead: of each word, of any other one, and of a
    /// missing one, in the single precision of XGBoost and on the sides of the trees' cuts where they are.
    pub means: Vec<f64>,
}

/// The answers to the rows of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// Rows × [`Target::outputs`].
    pub margins: Vec<f64>,
    /// Rows × [`Target::answers`]: probabilities of all classes, or numbers.
    pub values: Vec<f64>,
}

impl Members {
    pub fn new(trees: Vec<Ensemble>, linear: Option<Linear>, share: f64) -> Members {
        Members {
            scorers: trees.iter().map(Ensemble::scorer).collect(),
            trees,
            linear,
            share,
        }
    }

    /// Rows × outputs.
    pub fn margins(&self, encoded: &Encoded, outputs: usize) -> Vec<f64> {
        let views = encoded.views(UsedBy::Trees);
        let mut margins = vec![0.0; encoded.rows * outputs];
        let ensembles = self.scorers.len();
        for (number, scorer) in self.scorers.iter().enumerate() {
            // Columns are those of the encoder, so they fit.
            let own = scorer.margins(&views).unwrap_or_default();
            place(&mut margins, &own, outputs, ensembles, number);
        }
        let Some(linear) = &self.linear else {
            return margins;
        };
        // Likewise, and there are columns.
        let views = encoded.views(UsedBy::Linear);
        let own = linear.margins(&views).unwrap_or_default();
        if self.scorers.is_empty() {
            return own;
        }
        for (margin, own) in margins.iter_mut().zip(own) {
            *margin = self.share * *margin + (1.0 - self.share) * own;
        }
        margins
    }
}

/// Copies the margins of ensemble `number` of `ensembles` to their places in rows × `outputs`.
fn place(to: &mut [f64], from: &[f64], outputs: usize, ensembles: usize, number: usize) {
    if ensembles == 1 {
        to.copy_from_slice(from);
        return;
    }
    for (row, value) in to.chunks_exact_mut(outputs).zip(from) {
        row[number] = *value;
    }
}

impl Model {
    pub(super) fn new(
        encoder: Encoder,
        target: Target,
        members: Members,
        calibration: Calibration,
        conformal: Option<Conformal>,
        shifts: Vec<f64>,
    ) -> Model {
        Model {
            encoder,
            target,
            members,
            calibration,
            conformal,
            shifts,
            explainers: OnceLock::new(),
        }
    }

    /// What is predicted.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Names and kinds of the columns that tables must have, in their order.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&str, ColumnKind)> {
        self.encoder.columns()
    }

    /// The known words of a category column, ascending.
    pub fn words(&self, column: usize) -> &[String] {
        self.encoder.words(column)
    }

    /// The prediction intervals, for numbers and counts.
    pub fn conformal(&self) -> Option<&Conformal> {
        self.conformal.as_ref()
    }

    /// How margins of classes become probabilities.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// The trees: one ensemble, or one per quantile.
    pub fn trees(&self) -> &[Ensemble] {
        &self.members.trees
    }

    /// The linear model, if it has a part.
    pub fn linear(&self) -> Option<&Linear> {
        self.members.linear.as_ref()
    }

    /// Weight of the trees in the average: 1 if they are alone, 0 if the linear model is.
    pub fn share(&self) -> f64 {
        self.members.share
    }

    /// The encoded columns that the trees test, in their order.
    pub fn tree_columns(&self) -> Vec<TreeColumn<'_>> {
        let empty = self.encoder.empty();
        // The table has the columns of the encoder.
        let encoded = self.encoder.encode(&empty).map(|encoded| {
            let columns = encoded.of(UsedBy::Trees);
            let single = |place: usize, mean: f64| match self.trees().first() {
                Some(trees) => f64::from(trees.single_for_xgboost(place, mean)),
                None => mean,
            };
            let column = |(place, column): (usize, &EncodedColumn<'_>)| {
                let is_category = matches!(column.values, EncodedValues::Codes(_));
                let means = self.encoder.means(column);
                let means: Vec<f64> = { means.into_iter() }
                    .map(|mean| single(place, mean))
                    .collect();
                let has_words = is_category || !means.is_empty();
                TreeColumn {
                    name: column.name.clone(),
                    is_category,
                    words: match has_words {
                        true => self.encoder.words(column.source),
                        false => &[],
                    },
                    means,
                }
            };
            columns.enumerate().map(column).collect()
        });
        encoded.unwrap_or_default()
    }

    /// Answers every row of a table, with the same bits for any number of threads and however the
    /// rows are divided into tables.
    ///
    /// # Errors
    /// If the table does not have the columns of training, in their order.
    pub fn answer(&self, table: &Table) -> Result<Answers, EncodeError> {
        let margins = self.margins(table)?;
        let values = self.values(&margins);
        Ok(Answers { margins, values })
    }

    /// Margins before calibration, rows × outputs.
    ///
    /// # Errors
    /// If the table does not have the columns of training, in their order.
    pub fn margins(&self, table: &Table) -> Result<Vec<f64>, EncodeError> {
        let encoded = self.encoder.encode(table)?;
        Ok(self.members.margins(&encoded, self.target.outputs()))
    }

    /// What margins say: probabilities of all classes, or numbers.
    pub fn values(&self, margins: &[f64]) -> Vec<f64> {
        let (outputs, width) = (self.target.outputs(), self.target.answers());
        let mut values = vec![0.0; margins.len() / outputs * width];
        let from = margins.par_chunks(CHUNK * outputs);
        let to = values.par_chunks_mut(CHUNK * width);
        to.zip(from).for_each(|(to, from)| {
            for (to, from) in to.chunks_exact_mut(width).zip(from.chunks_exact(outputs)) {
                self.value(from, to);
            }
        });
        values
    }

    fn value(&self, margins: &[f64], to: &mut [f64]) {
        if let (Target::Classes(_), [margin]) = (&self.target, margins) {
            let mut probability = [*margin];
            self.calibration.apply(&mut probability);
            to.copy_from_slice(&[1.0 - probability[0], probability[0]]);
            return;
        }
        to.copy_from_slice(margins);
        to.iter_mut()
            .zip(&self.shifts)
            .for_each(|(value, shift)| *value += shift);
        match self.target {
            Target::Classes(_) => self.calibration.apply(to),
            _ => self.target.answer(to),
        }
    }

    /// Prepared on first use: most models are never asked why.
    pub(super) fn explainers(&self) -> &[Explainer] {
        self.explainers.get_or_init(|| {
            let trees = self.members.trees.iter();
            // A path of more than 64 columns is refused when the model is made.
            trees
                .filter_map(|trees| Explainer::new(trees).ok())
                .collect()
        })
    }
}
