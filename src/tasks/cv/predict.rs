//! Batch scoring of `cv`: adds `prediction`, `probability`, `score`, `warning` and `error` for the photo of each row.

mod list;

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::scoring::Scorer;
use crate::predict::{Job, Pace, Port, Predict, Reject, Request, RowScorer};
use crate::project::Project;
use crate::talk::Talk;
use crate::tasks::cv::Cv;
use crate::tasks::cv::details::Details;
use artifact::Header;
use models::cv::{Model, Scratch};
use scoring::Score;
use scoring::cv::Answer;
use tables::{Column, DataType, Format, Kind, ReadErrorKind, Row};

/// The column of paths.
pub(super) const PATH: &str = "path";

struct PhotoRows {
    scorer: Scorer,
    /// Index of the cell with the path.
    path: usize,
    /// The folder that relative paths start from.
    folder: PathBuf,
    columns: Vec<Column>,
}

impl Predict for Cv {
    const WARNED: &'static str = "photos are much smaller or larger than those that the model was trained on, and may \
        be judged wrongly: see the column `warning`";
    const OPTIONS: &'static [&'static str] = &[];

    fn job(
        _: Option<&Project>,
        model: Model,
        _: &Header<Details>,
        request: &Request,
        talk: &Talk,
    ) -> Result<Job> {
        Job::per_row(list::open(request, talk)?, |input| {
            Ok(PhotoRows {
                scorer: Scorer::new(model),
                path: tables::find_column(input, PATH)?,
                folder: table_folder(request.input.as_ref()),
                columns: vec![
                    Column::typed("prediction", DataType::Text),
                    Column::typed("probability", DataType::Float),
                    Column::typed("score", DataType::Float),
                    Column::typed("warning", DataType::Text),
                    Column::typed("error", DataType::Text),
                ],
            })
        })
    }
}

/// The folder of an input that is a table; otherwise empty.
fn table_folder(input: Option<&Port>) -> PathBuf {
    match input {
        Some(Port::File(path)) if Format::of_path(path).is_some() && !path.is_dir() => {
            path.parent().unwrap_or(Path::new("")).to_owned()
        }
        _ => PathBuf::new(),
    }
}

impl RowScorer for PhotoRows {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn score(&self, rows: &mut [Row]) -> Vec<(usize, Reject)> {
        let mut scratch = Scratch::default();
        for row in rows {
            match self.answer_photo(row, &mut scratch) {
                Ok(answer) => append(row, &answer),
                Err(reason) => append_error(row, &reason),
            }
        }
        Vec::new()
    }

    /// A photo takes some milliseconds.
    fn pace(&self) -> Pace {
        Pace {
            task: 1,
            batch: 128,
            checkpoint: 512,
        }
    }

    fn failed(&self, row: &Row) -> bool {
        row.kind(row.len() - 1) != Kind::Null
    }

    fn warned(&self, row: &Row) -> bool {
        row.kind(row.len() - 2) != Kind::Null
    }
}

impl PhotoRows {
    /// Only one photo at a time is in memory, since photos may be large.
    fn answer_photo(&self, row: &Row, scratch: &mut Scratch) -> Result<Answer, String> {
        let path = tables::text_of(row.kind(self.path), row.text(self.path))
            .and_then(|path| match path.trim().is_empty() {
                true => Err(ReadErrorKind::MissingText),
                false => Ok(files::names::find(&self.folder, path)),
            })
            .map_err(|kind| kind.to_string())?;
        let photo = images::bytes(&path).map_err(|error| error.to_string())?;
        let mut answers = self
            .scorer
            .score(&[scoring::cv::Request { photo: &photo }], scratch);
        answers.remove(0).map_err(|refusal| refusal.reason)
    }
}

fn append(row: &mut Row, answer: &Answer) {
    row.push(Kind::Text, answer.label);
    row.push_number(answer.probability);
    row.push_number(answer.score);
    match &answer.warning {
        Some(warning) => row.push(Kind::Text, warning),
        None => row.push(Kind::Null, ""),
    }
    row.push(Kind::Null, "");
}

/// Appends the reason instead of an answer.
fn append_error(row: &mut Row, reason: &str) {
    for _ in 0..4 {
        row.push(Kind::Null, "");
    }
    row.push(Kind::Text, reason);
}
