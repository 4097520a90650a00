//! Scoring of `cv`: a photo a row, `prediction`, `probability`, `score` and `error`.

mod list;

use std::path::PathBuf;

use anyhow::Result;

use super::{Options, Pace, Predict, Reject, Request, Scorer};
use crate::artifact::Header;
use crate::data::image::{self, PhotoError};
use crate::data::{self, Column, DataType, Kind, Row, Source};
use crate::models::cv::{FEATURES, Model, Plane, Scores, Scratch};
use crate::talk::Talk;
use crate::task::Cv;

/// The column of paths.
const PATH: &str = "path";

struct PhotoScorer {
    model: Model,
    /// Which cell holds the path.
    path: usize,
    /// Where relative paths start.
    folder: PathBuf,
    columns: Vec<Column>,
}

impl Predict for Cv {
    fn scorer(
        model: Model,
        _: &Header,
        input: &[Column],
        options: &Options,
    ) -> Result<Box<dyn Scorer>> {
        Ok(Box::new(PhotoScorer {
            model,
            path: data::find_column(input, PATH)?,
            folder: options.folder.clone(),
            columns: vec![
                Column::typed("prediction", DataType::Text),
                Column::typed("probability", DataType::Float),
                Column::typed("score", DataType::Float),
                Column::typed("error", DataType::Text),
            ],
        }))
    }

    fn open(request: &Request, talk: &Talk) -> Result<Box<dyn Source>> {
        list::open(request, talk)
    }
}

impl Scorer for PhotoScorer {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn score(&self, rows: &mut [Row]) -> Vec<(usize, Reject)> {
        let mut scratch = Scratch::default();
        for row in rows {
            match self.features(row, &mut scratch) {
                Ok(features) => self.answer(row, &features),
                Err(error) => refuse(row, &error),
            }
        }
        Vec::new()
    }

    /// A photo is some milliseconds of work.
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
    fn features(&self, row: &Row, scratch: &mut Scratch) -> Result<[f64; FEATURES], PhotoError> {
        let photo = image::read(&self.folder.join(row.text(self.path)))?;
        let plane = Plane::new(&photo.pixels, photo.width, photo.height);
        Ok(Scores::measure(plane, scratch).features())
    }

    fn answer(&self, row: &mut Row, features: &[f64; FEATURES]) {
        let sharp = self.model.probability(features);
        let (prediction, probability) = match sharp >= 0.5 {
            true => ("sharp", sharp),
            false => ("blurred", 1.0 - sharp),
        };
        row.push(Kind::Text, prediction);
        row.push_float(probability);
        row.push_float(self.model.log_odds(features));
        row.push(Kind::Null, "");
    }
}

/// No answer but the reason.
fn refuse(row: &mut Row, error: &PhotoError) {
    for _ in 0..3 {
        row.push(Kind::Null, "");
    }
    row.push(Kind::Text, &error.to_string());
}
