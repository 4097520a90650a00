//! Explanations of what is answered itself, the calibrated probability or the number, by Kernel SHAP or LIME.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use super::Others;
use crate::exit;
use crate::explain::Method;
use crate::outcome::number::{figure, signed};
use crate::tasks::tabular::scoring::value_shown;
use models::tabular::surrogate::{Composite, KernelShap, Lime, Pool, SurrogateError};
use models::tabular::{EncodeError, Model, Table, Target};

/// The largest number of columns: least squares over them take the square of it in memory, and its cube in time.
const MOST_COLUMNS: usize = 1000;

/// Why an answer is what it is, approximately.
#[derive(Serialize)]
pub struct Approximation {
    /// The class, or the number.
    prediction: String,
    method: Method,
    /// What the contributions add to.
    of: &'static str,
    /// That of the answer.
    value: f64,
    /// Background rows.
    background_rows: usize,
    /// Kernel SHAP: the mean over the background rows, to which the contributions add. LIME: what the local model
    /// says if all values are replaced.
    base: f64,
    /// The share of the variance near the row that the local model explains; only LIME has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    r2: Option<f64>,
    reasons: Vec<Reason>,
    others: Others,
}

/// What a column contributed.
#[derive(Serialize)]
struct Reason {
    column: String,
    value: String,
    contribution: f64,
    /// By the draw of coalitions or samples; 0 if all were asked for.
    standard_error: f64,
}

/// A surrogate's findings, one of each per column.
struct Found {
    base: f64,
    contributions: Vec<f64>,
    standard_errors: Vec<f64>,
    r2: Option<f64>,
}

impl Found {
    /// By the method, from answers to so many columns of so many background rows.
    fn by(
        method: Method,
        (columns, count): (usize, usize),
        seed: u64,
        answer: impl FnMut(&[Composite]) -> Result<Vec<f64>, EncodeError>,
    ) -> Result<Self> {
        if columns > MOST_COLUMNS {
            return Err(exit::usage(format!(
                "{columns} columns are too many for this method, which takes up to {MOST_COLUMNS}; use --method exact \
                 or interventional"
            )));
        }
        let found = match method {
            Method::Lime => {
                let lime = Lime::of(seed);
                let lime = Lime {
                    samples: lime.samples.max(10 * columns),
                    ..lime
                };
                lime.explain(columns, count, answer).map(|local| Self {
                    base: local.intercept,
                    contributions: local.coefficients,
                    standard_errors: local.standard_errors,
                    r2: Some(local.r2),
                })
            }
            _ => {
                let shap = KernelShap::of(columns, seed);
                let shap = KernelShap {
                    coalitions: shap.coalitions.max(8 * columns),
                    ..shap
                };
                shap.explain(columns, count, answer).map(|game| Self {
                    base: game.base,
                    contributions: game.values,
                    standard_errors: game.standard_errors,
                    r2: None,
                })
            }
        };
        found.map_err(|error: SurrogateError<EncodeError>| exit::data(error.to_string()))
    }
}

/// What is explained: one of the values of an answer.
pub struct Asked {
    /// As it is shown.
    pub prediction: String,
    /// Its place among the values.
    pub place: usize,
}

impl Approximation {
    /// Explains the answer to a row, a table with one row.
    pub fn of(
        model: &Model,
        method: Method,
        row: &Table,
        background: &Table,
        asked: Asked,
        (seed, top): (u64, usize),
    ) -> Result<Self> {
        let pool = Pool::new(row, background).ok_or_else(|| exit::data("no row to explain"))?;
        let width = model.target().answers();
        let answer = |rows: &[Composite]| -> Result<Vec<f64>, EncodeError> {
            let answers = model.answer(&pool.table(rows))?.values;
            Ok(answers
                .iter()
                .skip(asked.place)
                .step_by(width)
                .copied()
                .collect())
        };
        let (columns, count) = (pool.columns(), pool.background());
        let found = Found::by(method, (columns, count), seed, answer)?;
        let value = model.answer(row)?.values[asked.place];
        let mut order: Vec<usize> = (0..columns).collect();
        let strength = |&column: &usize| found.contributions[column].abs();
        order.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
        let (shown, rest) = order.split_at(top.min(columns));
        let reason = |&place: &usize| Reason {
            column: row.columns[place].name.clone(),
            value: value_shown(&row.columns[place], 0),
            contribution: found.contributions[place],
            standard_error: found.standard_errors[place],
        };
        Ok(Self {
            prediction: asked.prediction,
            method,
            of: match model.target() {
                Target::Classes(_) => "probability",
                Target::Number | Target::Count => "number",
                Target::Quantiles(_) => "quantile",
            },
            value,
            background_rows: count,
            base: found.base,
            r2: found.r2,
            reasons: shown.iter().map(reason).collect(),
            others: Others {
                columns: rest.len(),
                contribution: rest.iter().map(|&place| found.contributions[place]).sum(),
            },
        })
    }
}

impl fmt::Display for Approximation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(
            f,
            "{}  ({} {})",
            self.prediction,
            self.of,
            figure(self.value)
        )?;
        for reason in &self.reasons {
            let (contribution, error) = (signed(reason.contribution, 4), reason.standard_error);
            // Nothing was drawn where there is no error.
            let error = match error {
                0.0 => " ".repeat(8),
                error => format!("± {error:.4}"),
            };
            let Reason { column, value, .. } = reason;
            writeln!(f, "  {contribution:>9} {error}  {column} = {value}")?;
        }
        let line = |f: &mut fmt::Formatter, value: f64, what: &str| {
            writeln!(f, "  {:>9}           {what}", signed(value, 4))
        };
        if self.others.columns > 0 {
            let what = format!("and {} more, together", self.others.columns);
            line(f, self.others.contribution, &what)?;
        }
        let rows = self.background_rows;
        match self.r2 {
            None => {
                line(
                    f,
                    self.base,
                    &format!("(the mean of {rows} background rows)"),
                )?;
                line(f, self.value, &format!("= {}", self.of))
            }
            Some(r2) => {
                line(f, self.base, "(the local model, all values replaced)")?;
                let what = format!(
                    "explains {:.1} % of the variance near the row, from {rows} background rows",
                    100.0 * r2
                );
                writeln!(f, "  the local model {what}")
            }
        }
    }
}
