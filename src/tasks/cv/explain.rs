//! Explanation of `cv`: the contributions of the scores, and which parts of the photo are sharp.

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
use crate::tasks::cv::scoring;
use images::Decoder;
use images::thumbnail::Thumbnail;
use models::cv::{Class, Model, NAMES, Sizes};

/// Longer side of the photo in a picture, in pixels.
const SIDE: usize = 640;
/// Height of the strip that explains the shades of a picture.
const LEGEND: usize = 16;
/// Characters from blurred to sharp.
const SHADES: &[u8] = b" .:-=+*#%@";
/// Maximum number of columns of the map in characters.
const COLUMNS: usize = 60;

#[derive(Serialize)]
struct Explanation {
    path: String,
    prediction: Class,
    probability: f64,
    /// Log-odds of sharp: bias and the contributions of all scores.
    score: f64,
    laplacian_variance: f64,
    /// Width and height of the photo, and those at which it is judged.
    size: [usize; 2],
    judged_at: [usize; 2],
    /// Longer sides of the training photos at the size at which they were judged.
    trained_on: Sizes,
    /// Why the answer may be wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    reasons: Vec<Reason>,
    /// The remaining scores, and their total contribution.
    others: Others,
    /// The constant term, with which the contributions sum to the score; absent for a forest.
    #[serde(skip_serializing_if = "Option::is_none")]
    bias: Option<f64>,
    /// Log-odds of each tile as if it were a photo, upright, a list per row.
    tiles: Vec<Vec<f64>>,
    /// Share of tiles that look sharp.
    sharp_tiles: f64,
}

#[derive(Serialize)]
struct Others {
    scores: usize,
    contribution: f64,
}

#[derive(Serialize)]
struct Reason {
    score: &'static str,
    /// What the score measures, in words.
    meaning: String,
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
                meaning: describe(NAMES[feature]),
                value: features[feature],
                weight: model.weights().map(|weights| weights[feature]),
                contribution: contributions[feature],
            })
            .filter(|reason| reason.weight.unwrap_or(reason.contribution) != 0.0)
            .collect();
        reasons.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
        let rest = reasons.split_off(top.min(reasons.len()));
        let others = Others {
            scores: rest.len(),
            contribution: rest.iter().map(|reason| reason.contribution).sum(),
        };
        let bias = model.weights().map(|weights| {
            let terms = weights.iter().zip(&features);
            model.log_odds(&features) - terms.map(|(weight, value)| weight * value).sum::<f64>()
        });
        let map = photo.tile_map(model);
        let log_odds = |shade: &u8| (f64::from(*shade) / 127.5 - 1.0) * TILE_RANGE;
        let count = map.pixels.iter().filter(|shade| **shade >= 128).count();
        Ok(Box::new(Explanation {
            path: input.to_owned(),
            prediction: Class::from_probability(sharp),
            probability: sharp.max(1.0 - sharp),
            score: model.log_odds(&features),
            laplacian_variance: photo.scores.laplacian_variance(),
            size: [photo.gray.width, photo.gray.height],
            judged_at: [photo.scores.width, photo.scores.height],
            trained_on: model.sizes(),
            warning: scoring::warning(model, &photo.gray),
            reasons,
            others,
            bias,
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

/// What a score measures, in words. Its name consists of the measure and the scale, for all or for the sharpest tiles.
fn describe(name: &str) -> String {
    if name == "laplacian_variance" {
        return "variance of the Laplacian: how much edges vary".to_owned();
    }
    let (region, name) = match name.strip_prefix("tiles_") {
        Some(name) => ("in the sharpest tenth of the photo", name),
        None => ("in the whole photo", name),
    };
    let (measure, scale) = name.rsplit_once('_').unwrap_or((name, "1"));
    let measure = match measure {
        "laplacian" => "fine edges (Laplacian)",
        "gradient" => "slopes (gradient)",
        "modified_laplacian" => "fine edges by direction (modified Laplacian)",
        "mixed" => "corners (mixed differences)",
        "fourth_more" => "finest detail, in the direction with more (4th differences)",
        "fourth_less" => "finest detail, in the direction with less (4th differences)",
        other => other,
    };
    match scale {
        "2" => format!("{measure} at half of the size judged, {region}"),
        "4" => format!("{measure} at a quarter of it, {region}"),
        _ => format!("{measure} at the size judged, {region}"),
    }
}

/// The photo, and to its right the map stretched to the same size.
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
    with_legend(Thumbnail {
        width: 2 * width,
        height,
        pixels,
    })
}

/// Adds a strip below the map with its shades, from blurred on the left to sharp on the right, in a white frame, as a
/// legend without text.
fn with_legend(mut picture: Thumbnail) -> Thumbnail {
    let (width, start) = (picture.width, picture.width / 2);
    for y in 0..LEGEND {
        for x in 0..width {
            let frame = y < 2 || y + 2 >= LEGEND || x < start + 2 || x + 2 >= width;
            let shade = (x.saturating_sub(start) * 255 / (width - start).max(1)).min(255) as u8;
            picture.pixels.push(if frame { 255 } else { shade });
        }
    }
    picture.height += LEGEND;
    picture
}

impl Explanation {
    /// The size of the photo, that at which it is judged, and whether the model knows it.
    fn write_sizes(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let [width, height] = self.size;
        let [judged_width, judged_height] = self.judged_at;
        write!(f, "  {width} x {height} pixels")?;
        if self.size != self.judged_at {
            write!(f, ", judged at {judged_width} x {judged_height}")?;
        }
        let Sizes { smallest, largest } = self.trained_on;
        writeln!(f, "; the model was trained on {smallest} to {largest}")?;
        match &self.warning {
            Some(warning) => writeln!(f, "  warning: {warning}"),
            None => Ok(()),
        }
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
        self.write_sizes(f)?;
        let what = match self.bias {
            Some(_) => "what each score adds to the score; above 0 speaks for sharp",
            None => "what each score adds to the share of sharp photos in the forest's leaves",
        };
        writeln!(f, "  {what}:")?;
        for reason in &self.reasons {
            let contribution = signed(reason.contribution, 4);
            writeln!(
                f,
                "  {contribution:>9}  {:<26} {}",
                reason.score, reason.meaning
            )?;
        }
        if self.others.scores > 0 {
            let contribution = signed(self.others.contribution, 4);
            writeln!(
                f,
                "  {contribution:>9}  and {} more, together",
                self.others.scores
            )?;
        }
        if let Some(bias) = self.bias {
            writeln!(
                f,
                "  {:>9}  (constant, for a photo whose scores are all 0)",
                signed(bias, 4)
            )?;
        }
        if !self.tiles.is_empty() {
            writeln!(
                f,
                "  where it is sharp, from ` ` (blurred) over `=` to `@` (sharp):"
            )?;
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
