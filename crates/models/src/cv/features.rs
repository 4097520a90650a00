//! Scores as the numbers that models weigh: logarithms of mean energies.
//!
//! Contrast multiplies every energy alike, so that it moves all logarithms by the same amount, and a
//! difference of two (a ratio of energies) not at all: the ratio of a fine filter to a coarse one, of
//! full size to half size, of second to first differences. A linear model over the logarithms weighs
//! every such ratio at once, and keeps what is left of contrast only where it helps.

use super::scores::{SCALES, Scale, Scores};
use super::tile::Sums;
use crate::kernels::math::ln;

/// Number of features.
pub const FEATURES: usize = 25;
/// Where the logarithm of the variance of the Laplacian stands.
pub const LAPLACIAN_VARIANCE: usize = 0;
/// Features of one region: the part of [`NAMES`] for the whole and again for the sharpest tiles.
const REGION: usize = (FEATURES - 1) / 2;
/// One of so many tiles is among the sharpest.
const SHARPEST: usize = 10;
/// Added to mean energies: about what rounding to whole numbers leaves in them.
const FLOOR: f64 = 0.05;

/// Names of the features: measure and scale (1 full, 2 half, 4 a quarter).
pub const NAMES: [&str; FEATURES] = [
    "laplacian_variance",
    "laplacian_1",
    "gradient_1",
    "modified_laplacian_1",
    "mixed_1",
    "fourth_more_1",
    "fourth_less_1",
    "laplacian_2",
    "gradient_2",
    "modified_laplacian_2",
    "laplacian_4",
    "gradient_4",
    "modified_laplacian_4",
    "tiles_laplacian_1",
    "tiles_gradient_1",
    "tiles_modified_laplacian_1",
    "tiles_mixed_1",
    "tiles_fourth_more_1",
    "tiles_fourth_less_1",
    "tiles_laplacian_2",
    "tiles_gradient_2",
    "tiles_modified_laplacian_2",
    "tiles_laplacian_4",
    "tiles_gradient_4",
    "tiles_modified_laplacian_4",
];

/// A sum of [`Sums`] by its place.
type Energy = fn(&Sums) -> u64;

const SECOND: [Energy; 3] = [
    |sums| sums.laplacian_squared,
    |sums| sums.gradient_squared,
    |sums| sums.modified_laplacian,
];

impl Scores {
    /// The features of [`NAMES`]. A photo smaller than a tile is its own sharpest tile; a scale that
    /// there is not has the floor.
    pub fn features(&self) -> [f64; FEATURES] {
        let mut features = [0.0; FEATURES];
        features[LAPLACIAN_VARIANCE] = ln(self.laplacian_variance() + FLOOR);
        let (whole, tiles) = features[1..].split_at_mut(REGION);
        region(whole, |scale, energy| {
            mean(&self.scales[scale].whole, energy)
        });
        region(tiles, |scale, energy| sharpest(&self.scales[scale], energy));
        features
    }

    /// The features of one tile, as if it were a photo.
    pub fn tile_features(&self, tile: usize) -> [f64; FEATURES] {
        let mut features = [0.0; FEATURES];
        let sums = |scale: usize| &self.scales[scale].tiles[tile];
        // Its own mean is near nothing, so that the variance is the mean square.
        features[LAPLACIAN_VARIANCE] = ln(mean(sums(0), SECOND[0]) + FLOOR);
        let (whole, tiles) = features[1..].split_at_mut(REGION);
        region(whole, |scale, energy| mean(sums(scale), energy));
        tiles.copy_from_slice(whole);
        features
    }
}

/// Fills the features of a region whose mean energies `at` gives. The two directions of the fourth
/// differences are ordered by size, so that turning a photo changes nothing.
fn region(out: &mut [f64], at: impl Fn(usize, Energy) -> f64) {
    let log = |scale, energy| ln(at(scale, energy) + FLOOR);
    let (x, y) = (
        log(0, |sums| sums.fourth_x_squared),
        log(0, |sums| sums.fourth_y_squared),
    );
    let full = SECOND.map(|energy| log(0, energy));
    out[..3].copy_from_slice(&full);
    out[3..6].copy_from_slice(&[log(0, |sums| sums.mixed_squared), x.max(y), x.min(y)]);
    for scale in 1..SCALES {
        let from = 3 * (scale + 1);
        out[from..from + 3].copy_from_slice(&SECOND.map(|energy| log(scale, energy)));
    }
}

fn mean(sums: &Sums, energy: Energy) -> f64 {
    energy(sums) as f64 / sums.pixels.max(1) as f64
}

/// Mean energy of the tiles that have most of it: what is in focus may be a small part of a photo.
fn sharpest(scale: &Scale, energy: Energy) -> f64 {
    if scale.tiles.is_empty() {
        return mean(&scale.whole, energy);
    }
    let mut energies: Vec<u64> = scale.tiles.iter().map(energy).collect();
    let count = ((energies.len() + SHARPEST / 2) / SHARPEST).max(1);
    let rest = energies.len() - count;
    let (_, _, most) = if rest == 0 {
        (&mut [][..], &mut 0, &mut energies[..])
    } else {
        energies.select_nth_unstable(rest - 1)
    };
    let pixels = count as u64 * scale.tiles[0].pixels;
    most.iter().sum::<u64>() as f64 / pixels as f64
}
