//! Evaluation of `tabular`: metrics by what the target is, slices by any column, and what the model relies on.

mod classes;
mod influence;
mod numbers;
mod slices;

use std::io;

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

use super::columns;
use super::data::Data;
use super::details::Details;
use super::report::{ColumnLine, Mean, Scales, TabularReport, Trial, page};
use super::scoring::cost_matrix;
use super::train::describe;
use crate::eval::compare::Recorded;
use crate::eval::plots::{Plot, table};
use crate::eval::{Evaluate, Evaluation, Headline, Overview};
use crate::exit;
use crate::talk::Talk;
use crate::tasks::tabular::Tabular;
use artifact::Header;
use models::tabular::cost::CostMatrix;
use models::tabular::{Answers, Model, Table, Target};

impl Evaluate for Tabular {
    const RECORDED: Recorded = Recorded::Table {
        file: "rows.csv",
        id: "row",
        units: "rows",
    };
    const OVERVIEW: Overview = Overview {
        title: "Tables",
        figures: &[
            Headline::number("roc_auc", "ROC AUC"),
            Headline::share("accuracy", "Accuracy"),
            Headline::number("rmse", "RMSE"),
            Headline::number("pinball", "Pinball loss"),
        ],
    };

    fn is_empty(test: &Data) -> bool {
        test.raw.rows == 0
    }

    fn evaluate(
        model: &Model,
        header: &Header<Details>,
        test: &Data,
        seed: u64,
        talk: &Talk,
    ) -> Result<Evaluation> {
        let part = Part::new(model, &header.details, test, talk)?;
        let mut report = TabularReport {
            target: header.details.target.clone(),
            scales: part.scales(),
            trials: trials(&header.details),
            columns: lines(&header.details),
            train_rows: Some(header.provenance.training.rows),
            test_rows: Some(part.table.rows as u64),
            ..TabularReport::default()
        };
        let mut measured = match model.target() {
            Target::Classes(_) => classes::measure(&part, &mut report, seed)?,
            Target::Number | Target::Count => numbers::measure(&part, &mut report, seed)?,
            Target::Quantiles(levels) => numbers::quantiles(&part, levels, &mut report)?,
        };
        slices::add(&part, test, &mut report, &mut measured.metrics)?;
        influence::add(&part, &mut report, seed)?;
        let importance = report.importance.iter().map(|of| Line {
            column: &of.column,
            loss_increase: of.permutation.as_ref().map(|mean| mean.value),
            contribution: of.contribution,
        });
        measured.plots.push(("importance.csv", table(importance)?));
        measured.metrics["rows"] = json!(part.table.rows);
        Ok(Evaluation {
            metrics: measured.metrics,
            plots: measured.plots,
            page: page(&report),
        })
    }
}

/// A line of `plots/tabular/importance.csv`.
#[derive(Serialize)]
struct Line<'a> {
    column: &'a str,
    loss_increase: Option<f64>,
    contribution: f64,
}

/// Metrics, and the files of `plots/tabular`.
struct Measured {
    metrics: Value,
    plots: Vec<(&'static str, Plot)>,
}

/// The test part and what the model answers to it.
struct Part<'a> {
    model: &'a Model,
    details: &'a Details,
    table: Table,
    /// For classes the index among `names`.
    actual: Vec<f64>,
    /// The model's classes, then those that only the test part has.
    names: Vec<String>,
    weights: Option<Vec<f64>>,
    answers: Answers,
    cost: Option<CostMatrix>,
}

impl<'a> Part<'a> {
    fn new(model: &'a Model, details: &'a Details, test: &Data, talk: &Talk) -> Result<Self> {
        let mut names = model.target().classes().to_vec();
        let known = test.actual(model.target())?;
        let words = test.column(&details.target, "tabular.data.target")?;
        let mut actual = Vec::with_capacity(known.len());
        for (row, value) in known.into_iter().enumerate() {
            actual.push(match value {
                Some(value) => value,
                None => {
                    let name = words.cells.word(row).unwrap_or_default();
                    let place = names.iter().position(|other| *other == name);
                    let place = place.unwrap_or_else(|| {
                        names.push(name);
                        names.len() - 1
                    });
                    place as f64
                }
            });
        }
        let unseen = &names[model.target().classes().len()..];
        if !unseen.is_empty() {
            talk.warn(format!(
                "classes of the test part that are unknown to the model count as wrong: {}",
                unseen.join(", ")
            ));
        }
        let (table, wrong) =
            columns::table(&mut test.raw.clone(), &columns::used(&details.columns))
                .map_err(|error| exit::data(format!("{}: {error}", test.path.display())))?;
        if let Some(first) = wrong.first() {
            talk.warn(format!(
                "{} cells of the test part do not hold what their column should and count as missing, the first: \
                 {}:{}, column `{}`: {}",
                wrong.len(),
                test.path.display(),
                first.row + 2,
                first.column,
                first.reason
            ));
        }
        Ok(Self {
            answers: model.answer(&table)?,
            cost: cost_matrix(&details.model.cost, model.target().classes())?,
            weights: test.weights()?,
            model,
            details,
            table,
            actual,
            names,
        })
    }

    /// The loss of the trials, for margins of the model.
    fn loss(&self, margins: &[f64]) -> f64 {
        let target = self.model.target();
        let outputs = target.outputs();
        let classes = target.classes().len();
        let rows = margins.chunks_exact(outputs).zip(&self.actual).enumerate();
        let (mut sum, mut all) = (0.0, 0.0);
        for (row, (margins, &actual)) in rows {
            // A class that the model does not know has no loss that is finite.
            if classes > 0 && actual as usize >= classes {
                continue;
            }
            let weight = self.weights.as_ref().map_or(1.0, |weights| weights[row]);
            sum += weight * target.loss(actual, margins);
            all += weight;
        }
        sum / if all > 0.0 { all } else { 1.0 }
    }

    /// What the axes of the page are.
    fn scales(&self) -> Scales {
        let target = &self.details.target;
        let last = self.model.target().classes().last();
        let (contribution, prediction, shares) = match self.model.target() {
            Target::Classes(names) if names.len() == 2 => {
                let last = last.map_or("", String::as_str);
                let contribution = format!("log-odds of {last}");
                (contribution, format!("probability of {last}"), true)
            }
            Target::Classes(names) => {
                let first = &names[0];
                (
                    format!("score of {first}"),
                    format!("probability of {first}"),
                    true,
                )
            }
            Target::Count => (format!("logarithm of {target}"), target.clone(), false),
            Target::Number => (target.clone(), target.clone(), false),
            Target::Quantiles(_) => {
                let name = format!("middle quantile of {target}");
                (name.clone(), name, false)
            }
        };
        Scales {
            loss: self.model.target().loss_name().to_owned(),
            contribution,
            prediction,
            shares,
        }
    }

    /// The answer that stands for a row on a page: the probability of the last of two classes or of the first of
    /// more, the number, or the middle quantile.
    fn shown_answer(&self) -> usize {
        match self.model.target() {
            Target::Classes(names) if names.len() == 2 => 1,
            Target::Classes(_) | Target::Number | Target::Count => 0,
            Target::Quantiles(levels) => levels.len() / 2,
        }
    }

    /// The margin that stands for it.
    fn shown_output(&self) -> usize {
        match self.model.target() {
            Target::Quantiles(levels) => levels.len() / 2,
            _ => 0,
        }
    }
}

/// The models that were compared on held-out rows.
fn trials(details: &Details) -> Vec<Trial> {
    let search = &details.search;
    let trial = |tried: &super::details::Tried| {
        let chosen = tried.member == details.chosen.member;
        Trial {
            name: tried.member.as_str().to_owned(),
            settings: match chosen {
                true => describe(&details.chosen),
                false => String::new(),
            },
            loss: Mean {
                value: tried.loss,
                standard_error: tried.standard_error,
            },
            difference: (tried.difference > 0.0).then_some(Mean {
                value: tried.difference,
                standard_error: tried.difference_error,
            }),
            chosen,
        }
    };
    search.members.iter().map(trial).collect()
}

/// What became of the columns of the table.
fn lines(details: &Details) -> Vec<ColumnLine> {
    let line = |column: &columns::Decided| ColumnLine {
        name: column.name.clone(),
        kind: column.role.as_str().to_owned(),
        used: column.role.kind().is_some(),
        about: column.because.clone(),
        missing: column.missing,
    };
    details.columns.iter().map(line).collect()
}

/// A table of results row by row: its number and actual value, so that other rows are not taken for these, and
/// figures whose means are metrics.
fn rows_table(
    actual: impl Iterator<Item = String>,
    figures: &[(&str, Vec<f64>)],
) -> io::Result<Plot> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let names = figures.iter().map(|(name, _)| *name);
    out.write_record(std::iter::once("row").chain(names))?;
    for (row, actual) in actual.enumerate() {
        let values = figures
            .iter()
            .map(|(_, values)| format!("{:?}", values[row]));
        out.write_record(std::iter::once(format!("{}: {actual}", row + 1)).chain(values))?;
    }
    crate::eval::plots::in_memory(out)
}
