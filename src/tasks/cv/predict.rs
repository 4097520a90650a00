//! Scoring of `cv`: for each row's photo `prediction`, `probability`, `score` and `error`.

mod list;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::predict::{Job, Pace, Port, Predict, Reject, Request, Scorer};
use crate::talk::Talk;
use crate::tasks::cv::Cv;
use crate::tasks::cv::details::Details;
use crate::tasks::cv::features::Measurer;
use artifact::Header;
use images::{Decoder, PhotoError};
use models::cv::{Class, FEATURES, Model};
use tables::{Column, DataType, Format, Kind, Row};

/// The column of paths.
pub(super) const PATH: &str = "path";

struct PhotoScorer {
    model: Model,
    decoder: Decoder,
    /// Column of the path.
    path: usize,
    /// The folder that relative paths start from.
    folder: PathBuf,
    columns: Vec<Column>,
}

impl Predict for Cv {
    fn job(model: Model, _: &Header<Details>, request: &Request, talk: &Talk) -> Result<Job> {
        Job::beside(list::open(request, talk)?, |input| {
            Ok(PhotoScorer {
                model,
                decoder: Decoder::new(),
                path: tables::find_column(input, PATH)?,
                folder: table_folder(request.input.as_ref()),
                columns: vec![
                    Column::typed("prediction", DataType::Text),
                    Column::typed("probability", DataType::Float),
                    Column::typed("score", DataType::Float),
                    Column::typed("error", DataType::Text),
                ],
            })
        })
    }
}

/// The folder of an input that is a table; empty for everything else.
fn table_folder(input: Option<&Port>) -> PathBuf {
    match input {
        Some(Port::File(path)) if Format::of_path(path).is_some() && !path.is_dir() => {
            path.parent().unwrap_or(Path::new("")).to_owned()
        }
        _ => PathBuf::new(),
    }
}

impl Scorer for PhotoScorer {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn score(&self, rows: &mut [Row]) -> Vec<(usize, Reject)> {
        let mut measurer = Measurer::new(&self.decoder);
        for row in rows {
            match self.features(row, &mut measurer) {
                Ok(features) => self.push_prediction(row, &features),
                Err(error) => push_error(row, &error),
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
}

impl PhotoScorer {
    fn features(
        &self,
        row: &Row,
        measurer: &mut Measurer<'_>,
    ) -> Result<[f64; FEATURES], PhotoError> {
        let bytes = images::bytes(&self.folder.join(row.text(self.path)))?;
        Ok(measurer.measure(&bytes)?.features())
    }

    fn push_prediction(&self, row: &mut Row, features: &[f64; FEATURES]) {
        let sharp = self.model.probability(features);
        let prediction = Class::from_probability(sharp);
        let probability = match prediction {
            Class::Sharp => sharp,
            Class::Blurred => 1.0 - sharp,
        };
        row.push(Kind::Text, prediction.as_str());
        row.push_number(probability);
        row.push_number(self.model.log_odds(features));
        row.push(Kind::Null, "");
    }
}

/// Empty cells, and the reason in the last.
fn push_error(row: &mut Row, error: &PhotoError) {
    for _ in 0..3 {
        row.push(Kind::Null, "");
    }
    row.push(Kind::Text, &error.to_string());
}
