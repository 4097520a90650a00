//! Answers of `cv` on the terminal: a photo, sharp or blurred, with the evidence.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::features::Measurer;
use super::scoring::Scorer;
use crate::outcome::number::fixed;
use crate::predict::Request;
use crate::predict::ask::{Ask, Input};
use crate::project::Project;
use crate::talk::Talk;
use crate::task::Loaded;
use crate::tasks::cv::Cv;
use images::Decoder;
use models::cv::Scratch;
use scoring::{Score, cv};

/// A classified photo.
#[derive(Serialize)]
pub struct Answer {
    path: String,
    prediction: &'static str,
    probability: f64,
    /// Log-odds of sharp.
    score: f64,
    laplacian_variance: f64,
    /// The threshold on the variance alone from which a photo counts as sharp.
    laplacian_threshold: f64,
    /// Share of tiles that look sharp; absent for a photo smaller than a tile.
    #[serde(skip_serializing_if = "Option::is_none")]
    sharp_tiles: Option<f64>,
    /// Why the answer may be wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

impl Ask for Cv {
    const INPUT: Input = Input::File;

    type Answer = Answer;

    fn answer(
        _: Option<&Project>,
        loaded: Loaded<Self>,
        request: &Request,
        _: &Talk,
    ) -> Result<Vec<Result<Answer, String>>> {
        let scorer = Scorer::new(loaded.model);
        let asked = request.asked.iter();
        Ok(asked.map(|path| answer_photo(&scorer, path)).collect())
    }
}

fn answer_photo(scorer: &Scorer, path: &str) -> Result<Answer, String> {
    let photo = images::bytes(&files::names::find(Path::new(""), path))
        .map_err(|error| error.to_string())?;
    let mut scratch = Scratch::default();
    let answer = (scorer.score(&[cv::Request { photo: &photo }], &mut scratch))
        .remove(0)
        .map_err(|refusal| refusal.reason)?;
    let measurement = (Measurer::reusing(&Decoder::new(), scratch).measure(&photo))
        .map_err(|error| error.to_string())?;
    let model = scorer.model();
    let tiles = model.tile_log_odds(&measurement.scores);
    let sharp = tiles.iter().filter(|log_odds| **log_odds > 0.0).count();
    Ok(Answer {
        path: path.to_owned(),
        prediction: answer.label,
        probability: answer.probability,
        score: answer.score,
        laplacian_variance: measurement.scores.laplacian_variance(),
        laplacian_threshold: libm::exp(model.threshold()),
        sharp_tiles: (!tiles.is_empty()).then(|| sharp as f64 / tiles.len() as f64),
        warning: answer.warning,
    })
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            path, prediction, ..
        } = self;
        let probability = fixed(self.probability, 4);
        let score = fixed(self.score, 2);
        writeln!(
            f,
            "{path}: {prediction}  {probability}  (score {score}; above 0 is sharp)"
        )?;
        let alone = match self.laplacian_variance >= self.laplacian_threshold {
            true => "sharp, being at least",
            false => "blurred, being below",
        };
        write!(
            f,
            "  variance of the Laplacian {}: on its own {alone} {}",
            fixed(self.laplacian_variance, 1),
            fixed(self.laplacian_threshold, 1),
        )?;
        match self.sharp_tiles {
            Some(share) => writeln!(f, "; {:.0} % of the photo looks sharp", 100.0 * share)?,
            None => writeln!(f, "; the photo is too small for a map of its sharp parts")?,
        }
        match &self.warning {
            Some(warning) => writeln!(f, "  warning: {warning}"),
            None => Ok(()),
        }
    }
}
