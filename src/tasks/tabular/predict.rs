//! Batch scoring of `tabular`: adds `prediction` and, for classes, `probability`, for numbers the ends of the
//! intervals, for quantiles a column each; and reasons, if they are asked for.

use anyhow::Result;

use super::scoring::{Scorer, outputs};
use crate::outcome::number::signed;
use crate::predict::{AnswerOptions, Job, Predict, Reject, Request, RowScorer};
use crate::project::Project;
use crate::talk::Talk;
use crate::tasks::tabular::Tabular;
use crate::tasks::tabular::details::Details;
use artifact::Header;
use models::tabular::Model;
use scoring::tabular::{self, Answer, Cell, Prediction};
use scoring::{Refusal, Score};
use tables::{Column, DataType, Kind, Row};

struct TableRows {
    scorer: Scorer,
    /// The cell of each column of the model.
    cells: Vec<usize>,
    all_classes: bool,
    reasons: usize,
    columns: Vec<Column>,
}

impl Predict for Tabular {
    const OPTIONS: &'static [&'static str] = &["--all-classes", "--explain"];

    fn job(
        _: Option<&Project>,
        model: Model,
        header: &Header<Details>,
        request: &Request,
        talk: &Talk,
    ) -> Result<Job> {
        let details = &header.details;
        let names: Vec<String> = model.columns().map(|(name, _)| name.to_owned()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let scorer = Scorer::new(model, details)?.reading(request.reading.decimal);
        Job::per_row(
            crate::predict::open_numbers(request, &names, details.spelling.decimal, talk)?,
            |input| {
                let cells = names.iter().map(|name| tables::find_column(input, name));
                let cells = cells.collect::<Result<_, _>>()?;
                Ok(TableRows::new(scorer, cells, details, &request.options))
            },
        )
    }
}

impl TableRows {
    fn new(scorer: Scorer, cells: Vec<usize>, details: &Details, options: &AnswerOptions) -> Self {
        let target = scorer.model().target();
        let names = outputs(target, &details.model.intervals);
        let is_class = !target.classes().is_empty();
        let mut columns: Vec<Column> = { names.iter() }
            .map(|name| match is_class && name == "prediction" {
                true => Column::typed(name, DataType::Text),
                false => Column::typed(name, DataType::Float),
            })
            .collect();
        if options.all_classes {
            let classes = target.classes().iter();
            let name =
                |class: &String| Column::typed(format!("probability_{class}"), DataType::Float);
            columns.extend(classes.map(name));
        }
        let reasons = options.reasons.unwrap_or(0);
        let reason = |number: usize| Column::typed(format!("reason_{number}"), DataType::Text);
        columns.extend((1..=reasons).map(reason));
        Self {
            scorer: scorer.explaining(reasons),
            cells,
            all_classes: options.all_classes,
            reasons,
            columns,
        }
    }

    fn request<'a>(&self, row: &'a Row) -> tabular::Request<'a> {
        let cell = |&cell: &usize| match row.is_missing(cell) {
            true => Cell::Missing,
            false => Cell::Text(row.text(cell)),
        };
        tabular::Request {
            cells: self.cells.iter().map(cell).collect(),
        }
    }

    fn append(&self, row: &mut Row, answer: &Answer<'_>) {
        match &answer.prediction {
            Prediction::Class {
                label,
                probability,
                probabilities,
                ..
            } => {
                row.push(Kind::Text, label);
                row.push_number(*probability);
                if self.all_classes {
                    probabilities.iter().for_each(|&p| row.push_number(p));
                }
            }
            Prediction::Number { value, intervals } => {
                row.push_number(*value);
                intervals
                    .iter()
                    .flatten()
                    .for_each(|&end| row.push_number(end));
            }
            Prediction::Quantiles(values) => values.iter().for_each(|&v| row.push_number(v)),
        }
        for number in 0..self.reasons {
            match answer.reasons.get(number) {
                Some(reason) => row.push(Kind::Text, &spell(reason)),
                None => row.push(Kind::Null, ""),
            }
        }
    }
}

/// A reason as a person reads it: `plan = basic (+0.412)`.
pub(super) fn spell(reason: &tabular::Reason<'_>) -> String {
    let (column, value) = (reason.column, &reason.value);
    format!("{column} = {value} ({})", signed(reason.contribution, 3))
}

impl RowScorer for TableRows {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn score(&self, rows: &mut [Row]) -> Vec<(usize, Reject)> {
        let requests: Vec<tabular::Request<'_>> =
            rows.iter().map(|row| self.request(row)).collect();
        let answers: Vec<Result<Answer<'_>, Refusal>> = self.scorer.score(&requests, &mut ());
        let mut rejects = Vec::new();
        for (index, (row, answer)) in rows.iter_mut().zip(answers).enumerate() {
            match answer {
                Ok(answer) => self.append(row, &answer),
                Err(refusal) => rejects.push((
                    index,
                    Reject {
                        line: Some(row.line()),
                        ..Reject::because(refusal.reason)
                    },
                )),
            }
        }
        rejects
    }
}
