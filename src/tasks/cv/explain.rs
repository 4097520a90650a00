//! Explanation of `cv`: which scores decided, and which parts of the photo are sharp.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::exit;
use crate::explain::Explain;
use crate::outcome::Outcome;
use crate::outcome::number::{fixed, signed};
use crate::tasks::cv::Cv;
use crate::tasks::cv::features::{Measurement, Measurer, TILE_RANGE};
use images::Decoder;
use images::thumbnail::Thumbnail;
use models::cv::{Class, Model, NAMES};

/// Longer side of the photo in a picture, in pixels.
const SIDE: usize = 640;
/// From blurred to sharp, in letters.
const SHADES: &[u8] = b" .:-=+*#%@";
/// Most columns of the map in letters.
const COLUMNS: usize = 60;

#[derive(Serialize)]
struct Explanation {
    path: String,
    prediction: Class,
    probability: f64,
    /// Log-odds of sharp: bias and the contributions of all scores.
    score: f64,
    laplacian_variance: f64,
    reasons: Vec<Reason>,
    /// Log-odds of each tile as if it were a photo, upright, a list a row.
    tiles: Vec<Vec<f64>>,
    /// Share of tiles that look sharp.
    sharp_tiles: f64,
}

#[derive(Serialize)]
struct Reason {
    score: &'static str,
    value: f64,
    /// Absent for a forest.
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<f64>,
    /// To the log-odds; for a forest, to the share of sharp photos in its leaves.
    contribution: f64,
}

fn measure(input: &str) -> Result<Measurement> {
    images::bytes(&files::names::find(Path::new(""), input))
        .and_then(|bytes| Measurer::new(&Decoder::new()).measure(&bytes))
        .map_err(|error| exit::data(format!("{input}: {error}")))
}

impl Explain for Cv {
    fn explain(model: &Model, input: &str, top: usize) -> Result<Box<dyn Outcome>> {
        let photo = measure(input)?;
        let features = photo.features();
        let sharp = model.probability(&features);
        let contributions = model.contributions(&features);
        let mut reasons: Vec<Reason> = (0..NAMES.len())
            .map(|feature| Reason {
                score: NAMES[feature],
                value: features[feature],
                weight: model.weights().map(|weights| weights[feature]),
                contribution: contributions[feature],
            })
            .filter(|reason| reason.weight.unwrap_or(reason.contribution) != 0.0)
            .collect();
        reasons.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
        reasons.truncate(top);
        let map = photo.tile_map(model);
        let log_odds = |shade: &u8| (f64::from(*shade) / 127.5 - 1.0) * TILE_RANGE;
        let count = map.pixels.iter().filter(|shade| **shade >= 128).count();
        Ok(Box::new(Explanation {
            path: input.to_owned(),
            prediction: Class::from_probability(sharp),
            probability: sharp.max(1.0 - sharp),
            score: model.log_odds(&features),
            laplacian_variance: photo.scores.laplacian_variance(),
            reasons,
            tiles: map
                .pixels
                .chunks(map.width.max(1))
                .map(|row| row.iter().map(log_odds).collect())
                .collect(),
            sharp_tiles: count as f64 / map.pixels.len().max(1) as f64,
        }))
    }

    fn picture(model: &Model, input: &str) -> Result<Option<Vec<u8>>> {
        let photo = measure(input)?;
        let left = Thumbnail::of(&photo.gray, SIDE);
        Ok(Some(side_by_side(&left, &photo.tile_map(model)).png()))
    }
}

/// The photo, and at its right the map stretched to the same size.
fn side_by_side(left: &Thumbnail, map: &Thumbnail) -> Thumbnail {
    let (width, height) = (left.width, left.height);
    let mut pixels = Vec::with_capacity(2 * width * height);
    for y in 0..height {
        pixels.extend(&left.pixels[y * width..(y + 1) * width]);
        pixels.extend((0..width).map(|x| {
            let at = (y * map.height / height) * map.width + x * map.width / width;
            map.pixels.get(at).copied().unwrap_or(0) // a photo smaller than a tile has no map
        }));
    }
    Thumbnail {
        width: 2 * width,
        height,
        pixels,
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(
            f,
            "{}: {}  ({:.4})",
            self.path, self.prediction, self.probability
        )?;
        writeln!(
            f,
            "  score {}, variance of the Laplacian {:.2}, {:.0}% of the tiles sharp",
            fixed(self.score, 4),
            self.laplacian_variance,
            100.0 * self.sharp_tiles
        )?;
        for reason in &self.reasons {
            let contribution = signed(reason.contribution, 4);
            writeln!(f, "  {contribution:>9}  {}", reason.score)?;
        }
        // Letters are about twice as high as wide: every second row.
        let step = self
            .tiles
            .first()
            .map_or(1, |row| row.len().div_ceil(COLUMNS))
            .max(1);
        for row in self.tiles.iter().step_by(2 * step) {
            let letters: String = row
                .iter()
                .step_by(step)
                .map(|log_odds| {
                    let share = (log_odds / TILE_RANGE + 1.0) / 2.0;
                    let most = SHADES.len() - 1;
                    char::from(SHADES[((share * most as f64).round() as usize).min(most)])
                })
                .collect();
            writeln!(f, "  |{letters}|")?;
        }
        Ok(())
    }
}
