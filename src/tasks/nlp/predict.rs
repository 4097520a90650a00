//! Batch scoring of `nlp`: adds `prediction`, `probability` and, optionally, a column per class.

use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;

use super::scoring::Scorer;
use crate::predict::{AnswerOptions, Job, Predict, Reject, Request, RowScorer};
use crate::project::Project;
use crate::talk::Talk;
use crate::tasks::nlp::Nlp;
use crate::tasks::nlp::details::Details;
use artifact::Header;
use models::nlp::{Model, Scratch};
use scoring::{Score, nlp};
use tables::{Column, DataType, Kind, ReadErrorKind, Row};

struct TextRows {
    scorer: Scorer,
    /// Index of the cell with the text.
    text: usize,
    text_name: String,
    all_classes: bool,
    columns: Vec<Column>,
    /// Buffers reused by all tasks of the thread pool.
    spare: Mutex<Vec<Scratch>>,
}

impl Predict for Nlp {
    const OPTIONS: &'static [&'static str] = &["--all-classes"];

    fn job(
        _: Option<&Project>,
        model: Model,
        header: &Header<Details>,
        request: &Request,
        talk: &Talk,
    ) -> Result<Job> {
        // Without a project, the column is that of the model's training data.
        let text_name = &header.details.data.text;
        Job::per_row(
            crate::predict::open(request, &[text_name], talk)?,
            |input| {
                let text = tables::find_column(input, text_name)?;
                Ok(TextRows::new(
                    Scorer::new(model),
                    text,
                    text_name,
                    &request.options,
                ))
            },
        )
    }
}

impl RowScorer for TextRows {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn score(&self, rows: &mut [Row]) -> Vec<(usize, Reject)> {
        let mut scratch = self.spare().pop().unwrap_or_default();
        let requests: Vec<nlp::Request<'_>> = rows.iter().map(|row| self.request(row)).collect();
        let answers = self.scorer.score(&requests, &mut scratch);
        self.spare().push(scratch);
        let mut rejects = Vec::new();
        for (index, (row, answer)) in rows.iter_mut().zip(answers).enumerate() {
            match answer {
                Ok(answer) => self.append(row, &answer),
                Err(refusal) => {
                    let mut reject = Reject::of(&refusal, row.line(), &self.text_name);
                    // Cells that are not texts were not passed to the scorer.
                    if let Err(kind) = self.text(row) {
                        reject.reason = kind.to_string();
                    }
                    rejects.push((index, reject));
                }
            }
        }
        rejects
    }
}

impl TextRows {
    fn new(scorer: Scorer, text: usize, text_name: &str, options: &AnswerOptions) -> Self {
        let mut columns = vec![
            Column::typed("prediction", DataType::Text),
            Column::typed("probability", DataType::Float),
        ];
        if options.all_classes {
            let classes = scorer.classes().iter();
            columns.extend(classes.map(|c| Column::typed(c, DataType::Float)));
        }
        Self {
            scorer,
            text,
            text_name: text_name.to_owned(),
            all_classes: options.all_classes,
            columns,
            spare: Mutex::default(),
        }
    }

    /// Ignores a poisoned lock: every text overwrites the buffers.
    fn spare(&self) -> MutexGuard<'_, Vec<Scratch>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request<'a>(&self, row: &'a Row) -> nlp::Request<'a> {
        nlp::Request {
            text: self.text(row).ok(),
        }
    }

    fn text<'a>(&self, row: &'a Row) -> Result<&'a str, ReadErrorKind> {
        tables::text_of(row.kind(self.text), row.text(self.text))
    }

    fn append(&self, row: &mut Row, answer: &nlp::Answer<'_>) {
        row.push(Kind::Text, answer.label);
        row.push_number(answer.probability);
        if self.all_classes {
            for &probability in &answer.probabilities {
                row.push_number(probability);
            }
        }
    }
}
