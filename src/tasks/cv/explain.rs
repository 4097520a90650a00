//! Explanation of `cv`: the contributions of the scores, and which parts of the photo are sharp.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::exit;
use crate::explain::{Explain, Explainer, How};
use crate::outcome::Outcome;
use crate::outcome::number::{fixed, signed};
use crate::project::Project;
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
    fn explainer<'a>(
        _: Option<&'a Project>,
        model: &'a Model,
        _: &'a artifact::Header<Self::Details>,
        how: &How,
    ) -> Result<Explainer<'a>> {
        let top = how.top;
        Ok(Box::new(move |input: &str| -> Result<Box<dyn Outcome>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_score_is_described_in_words() {
        for name in NAMES {
            let meaning = describe(name);
            assert!(!meaning.contains('_'), "{name}: {meaning}");
        }
        assert_eq!(
            describe("tiles_fourth_less_4"),
            "finest detail, in the direction with less (4th differences) at a quarter of it, in the \
             sharpest tenth of the photo"
        );
        let meanings: std::collections::BTreeSet<String> = NAMES.map(describe).into();
        assert_eq!(
            meanings.len(),
            NAMES.len(),
            "two scores have the same meaning"
        );
    }

    #[test]
    fn the_map_is_stretched_beside_the_photo_over_a_legend() {
        let photo = Thumbnail {
            width: 32,
            height: 4,
            pixels: vec![7; 128],
        };
        let map = Thumbnail {
            width: 2,
            height: 2,
            pixels: vec![10, 20, 30, 40],
        };
        let picture = side_by_side(&photo, &map);
        assert_eq!((picture.width, picture.height), (64, 4 + LEGEND));
        let at = |x: usize, y: usize| picture.pixels[y * 64 + x];
        assert_eq!([at(0, 0), at(31, 3)], [7, 7]);
        assert_eq!(
            [at(32, 0), at(47, 1), at(48, 0), at(63, 1)],
            [10, 10, 20, 20]
        );
        assert_eq!([at(32, 2), at(63, 3)], [30, 40]);
        // The legend: white frame, dark on the left of the map's half, bright on its right.
        assert_eq!([at(0, 12), at(33, 12), at(40, 4)], [255, 255, 255]);
        assert_eq!(at(48, 12), 127, "the middle");
        assert!(at(34, 12) < 20 && at(61, 12) > 225);
    }

    #[test]
    fn a_photo_smaller_than_a_tile_has_a_black_map() {
        let photo = Thumbnail {
            width: 3,
            height: 1,
            pixels: vec![9; 3],
        };
        let none = Thumbnail {
            width: 0,
            height: 0,
            pixels: Vec::new(),
        };
        assert_eq!(side_by_side(&photo, &none).pixels[..6], [9, 9, 9, 0, 0, 0]);
    }

    fn explanation(tiles: Vec<Vec<f64>>) -> Explanation {
        Explanation {
            path: "a.jpg".to_owned(),
            prediction: Class::Sharp,
            probability: 0.75,
            score: 1.0986,
            laplacian_variance: 12.345,
            size: [1600, 1200],
            judged_at: [800, 600],
            trained_on: Sizes {
                smallest: 320,
                largest: 800,
            },
            warning: None,
            reasons: vec![Reason {
                score: "laplacian_variance",
                meaning: describe("laplacian_variance"),
                value: 12.0,
                weight: Some(0.5),
                contribution: 6.0,
            }],
            others: Others {
                scores: 2,
                contribution: -0.5,
            },
            bias: Some(-4.4014),
            tiles,
            sharp_tiles: 0.5,
        }
    }

    #[test]
    fn an_explanation_adds_up_in_words() {
        let text = explanation(Vec::new()).to_string();
        assert!(
            text.starts_with("a.jpg: sharp  (0.7500)\n  score 1.0986, "),
            "{text}"
        );
        assert!(text.contains(
            "1600 x 1200 pixels, judged at 800 x 600; the model was trained on 320 to 800\n"
        ));
        assert!(text.contains("  +6.0000  laplacian_variance"));
        assert!(text.contains("  -0.5000  and 2 more, together\n"));
        assert!(text.contains("  -4.4014  (constant"));
        assert!(!text.contains("where it is sharp"), "no map without tiles");
    }

    #[test]
    fn every_second_row_of_tiles_is_a_row_of_letters() {
        let row = vec![-99.0, -10.0, 0.0, 10.0, 99.0];
        let text = explanation(vec![row.clone(), vec![0.0; 5], row]).to_string();
        let map: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("  |"))
            .collect();
        assert_eq!(map, ["  |  +@@|", "  |  +@@|"]);
        let wide = explanation(vec![vec![10.0; 121]; 6]).to_string();
        let map: Vec<&str> = wide
            .lines()
            .filter(|line| line.starts_with("  |"))
            .collect();
        assert_eq!(map.len(), 1, "every third column, every sixth row");
        assert_eq!(map[0].matches('@').count(), 41);
    }
}
