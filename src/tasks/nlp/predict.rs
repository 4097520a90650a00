//! Scoring of `nlp`: `prediction`, `probability` and, if asked for, one column a class.

use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;

use crate::predict::{Job, Options, Predict, Reject, Request, Scorer};
use crate::talk::Talk;
use crate::tasks::nlp::Nlp;
use crate::tasks::nlp::details::Details;
use artifact::Header;
use models::metrics::classification::most_probable;
use models::nlp::{Model, Scratch};
use tables::{Column, DataType, Kind, Row};

struct TextScorer {
    model: Model,
    /// Which cell holds the text.
    text: usize,
    text_name: String,
    all_classes: bool,
    columns: Vec<Column>,
    /// Buffers between tasks: what has grown once serves all.
    spare: Mutex<Vec<Scratch>>,
}

impl Predict for Nlp {
    fn job(model: Model, header: &Header<Details>, request: &Request, _: &Talk) -> Result<Job> {
        // The model knows the column it was trained on; without a project nothing else does.
        let text_name = &header.details.data.text;
        Job::beside(crate::predict::open(request)?, |input| {
            let text = tables::find_column(input, text_name)?;
            Ok(TextScorer::new(model, text, text_name, &request.options))
        })
    }
}

impl Scorer for TextScorer {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn score(&self, rows: &mut [Row]) -> Vec<(usize, Reject)> {
        let mut scratch = self.spare().pop().unwrap_or_default();
        let mut probabilities = vec![0.0; self.model.classes().len()];
        let mut rejects = Vec::new();
        for (index, row) in rows.iter_mut().enumerate() {
            if row.kind(self.text) == Kind::Null {
                rejects.push((index, self.missing(row)));
                continue;
            }
            let text = row.text(self.text);
            self.model
                .probabilities(text, &mut scratch, &mut probabilities);
            self.append(row, &probabilities);
        }
        self.spare().push(scratch);
        rejects
    }
}

impl TextScorer {
    fn new(model: Model, text: usize, text_name: &str, options: &Options) -> Self {
        let mut columns = vec![
            Column::typed("prediction", DataType::Text),
            Column::typed("probability", DataType::Float),
        ];
        if options.all_classes {
            let classes = model.classes().iter();
            columns.extend(classes.map(|c| Column::typed(c, DataType::Float)));
        }
        Self {
            model,
            text,
            text_name: text_name.to_owned(),
            all_classes: options.all_classes,
            columns,
            spare: Mutex::default(),
        }
    }

    /// A task that panicked has left no buffer half filled: each text fills them anew.
    fn spare(&self) -> MutexGuard<'_, Vec<Scratch>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, row: &mut Row, probabilities: &[f64]) {
        let best = most_probable(probabilities);
        row.push(Kind::Text, &self.model.classes()[best]);
        row.push_number(probabilities[best]);
        if self.all_classes {
            for &probability in probabilities {
                row.push_number(probability);
            }
        }
    }

    fn missing(&self, row: &Row) -> Reject {
        Reject {
            line: Some(row.line()),
            column: Some(self.text_name.clone()),
            reason: "the text is missing".to_owned(),
        }
    }
}
