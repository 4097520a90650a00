//! Turns the bytes of a photo into features and into a map of its sharp tiles.

use images::thumbnail::Thumbnail;
use images::{Decoder, Gray, PhotoError};
use models::cv::{FEATURES, Model, Plane, Scores, Scratch};

/// Log-odds of a tile beyond which its shade does not change.
pub(super) const TILE_RANGE: f64 = 10.0;

/// Measures photos one by one with the same buffers. Each thread has its own; the decoder, which bounds the memory of
/// large photos, is shared by the whole batch.
pub(super) struct Measurer<'a> {
    decoder: &'a Decoder,
    scratch: Scratch,
}

/// A photo and its scores.
pub(super) struct Measurement {
    pub gray: Gray,
    pub scores: Scores,
}

impl<'a> Measurer<'a> {
    pub fn new(decoder: &'a Decoder) -> Self {
        Self::reusing(decoder, Scratch::default())
    }

    /// Reuses the buffers of an earlier one.
    pub fn reusing(decoder: &'a Decoder, scratch: Scratch) -> Self {
        Self { decoder, scratch }
    }

    /// The buffers, to be used again.
    pub fn into_scratch(self) -> Scratch {
        self.scratch
    }

    /// Decodes a photo file that is in memory, and measures it.
    pub fn measure(&mut self, bytes: &[u8]) -> Result<Measurement, PhotoError> {
        let gray = self.decoder.decode(bytes)?;
        let plane = Plane::new(&gray.pixels, gray.width, gray.height);
        let scores = Scores::measure(plane, &mut self.scratch);
        Ok(Measurement { gray, scores })
    }
}

impl Measurement {
    /// The features that a model weighs.
    pub fn features(&self) -> [f64; FEATURES] {
        self.scores.features()
    }

    /// Each tile as a pixel, upright: black blurred, white sharp. Empty for a photo smaller than a tile.
    pub fn tile_map(&self, model: &Model) -> Thumbnail {
        let shade = |log_odds: &f64| {
            let shade = (log_odds / TILE_RANGE + 1.0) * 127.5;
            shade.round().clamp(0.0, 255.0) as u8
        };
        Thumbnail {
            width: self.scores.columns,
            height: self.scores.rows,
            pixels: model
                .tile_log_odds(&self.scores)
                .iter()
                .map(shade)
                .collect(),
        }
        .upright(self.gray.orientation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::cv::sample::photo::Version;

    #[test]
    fn buffers_of_an_earlier_photo_change_nothing() {
        let photo = |scene| {
            let version = Version {
                seed: 1,
                scene,
                version: 0,
                largest: 800,
            };
            version.painted().jpeg
        };
        let decoder = Decoder::new();
        let mut used = Measurer::new(&decoder);
        used.measure(&photo(1)).unwrap();
        let after_another = used.measure(&photo(2)).unwrap().features();
        let alone = Measurer::new(&decoder)
            .measure(&photo(2))
            .unwrap()
            .features();
        assert_eq!(after_another, alone);
        assert!(matches!(used.measure(b""), Err(PhotoError::Empty)));
    }
}
