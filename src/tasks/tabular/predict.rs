//! Batch scoring of `tabular`: adds `prediction` and, for classes, `probability`, for numbers the ends of the
//! intervals, for quantiles a column each; and reasons, if they are asked for.

use std::sync::Arc;

use anyhow::Result;

use super::join::{Joiner, given};
use super::scoring::{Scorer, outputs};
use crate::outcome::number::signed;
use crate::predict::{AnswerOptions, Job, Predict, Reject, Request, RowScorer, Unknown};
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
    inputs: Inputs,
    all_classes: bool,
    reasons: usize,
    columns: Vec<Column>,
}

impl Predict for Tabular {
    const OPTIONS: &'static [&'static str] = &["--all-classes", "--explain"];

    fn job(
        project: Option<&Project>,
        model: Model,
        header: &Header<Details>,
        request: &Request,
        talk: &Talk,
    ) -> Result<Job> {
        let details = &header.details;
        let names: Vec<String> = model.columns().map(|(name, _)| name.to_owned()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let scorer = Scorer::new(model, details)?.reading(request.reading.decimal);
        let source = crate::predict::open_numbers(request, &names, details.spelling.decimal, talk)?;
        let has = |name: &str| source.columns().iter().any(|column| column.name == name);
        let joiner = Joiner::for_rows(details, scorer.columns(), has, project)?;
        let context = { joiner.as_ref() }
            .map(Joiner::digest)
            .transpose()?
            .unwrap_or_default();
        let unmatched = Arc::new(Unknown::looked_up(
            "rows have a key that a joined table does not have, so its columns are missing there; the tables",
        ));
        let job = Job::per_row(source, |input| {
            let inputs = Inputs::find(&names, joiner, input, unmatched.clone())?;
            Ok(TableRows::new(scorer, inputs, details, &request.options))
        })?;
        Ok(Job {
            context,
            unknown: Some(unmatched),
            ..job
        })
    }
}

/// Where the cells of the model's columns are.
struct Inputs {
    /// For each column of the model.
    origins: Vec<Origin>,
    joiner: Option<Joiner>,
    /// The cells that the joiner looks at.
    wanted: Vec<usize>,
    /// Rows that it has nothing for.
    unmatched: Arc<Unknown>,
}

enum Origin {
    /// A cell of the row.
    Row(usize),
    /// A cell that is joined to it.
    Joined(usize),
}

impl Inputs {
    fn find(
        names: &[&str],
        joiner: Option<Joiner>,
        input: &[Column],
        unmatched: Arc<Unknown>,
    ) -> Result<Self> {
        let joined: Vec<&str> = joiner.iter().flat_map(Joiner::names).collect();
        let origin = |name: &&str| match joined.iter().position(|joined| joined == name) {
            Some(place) => Ok(Origin::Joined(place)),
            None => tables::find_column(input, name).map(Origin::Row),
        };
        let origins = names.iter().map(origin).collect::<Result<_, _>>()?;
        let wanted = joiner.iter().flat_map(Joiner::wanted);
        let wanted = wanted.map(|name| tables::find_column(input, name));
        Ok(Self {
            origins,
            wanted: wanted.collect::<Result<_, _>>()?,
            joiner,
            unmatched,
        })
    }

    /// The cells of a row.
    fn request<'a>(&'a self, row: &'a Row) -> Result<tabular::Request<'a>, String> {
        let joined = match &self.joiner {
            None => Vec::new(),
            Some(joiner) => {
                let (cells, missed) = joiner.look_up(&given(row, &self.wanted))?;
                if let Some(name) = missed {
                    self.unmatched.add(row.line(), name);
                }
                cells
            }
        };
        let cell = |origin: &Origin| match *origin {
            Origin::Row(cell) if row.is_missing(cell) => Cell::Missing,
            Origin::Row(cell) => Cell::Text(row.text(cell)),
            Origin::Joined(place) => joined[place],
        };
        Ok(tabular::Request {
            cells: self.origins.iter().map(cell).collect(),
        })
    }
}

impl TableRows {
    fn new(scorer: Scorer, inputs: Inputs, details: &Details, options: &AnswerOptions) -> Self {
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
            inputs,
            all_classes: options.all_classes,
            reasons,
            columns,
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
        let (mut requests, mut refusals) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows.iter() {
            let (request, refusal) = match self.inputs.request(row) {
                Ok(request) => (request, None),
                // Answered as a row without cells, whose answer is not used.
                Err(reason) => (tabular::Request { cells: Vec::new() }, Some(reason)),
            };
            requests.push(request);
            refusals.push(refusal);
        }
        let answers: Vec<Result<Answer<'_>, Refusal>> = self.scorer.score(&requests, &mut ());
        let answers = answers.into_iter().zip(refusals);
        let answers: Vec<_> = answers
            .map(|(answer, refusal)| match refusal {
                Some(reason) => Err(Refusal::invalid(reason)),
                None => answer,
            })
            .collect();
        drop(requests);
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
