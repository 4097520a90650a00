//! Scores as features for the models: logarithms of mean energies.
//!
//! Contrast multiplies all energies by the same factor, so it shifts all logarithms equally and
//! cancels in the difference of two (a ratio of energies): of a fine filter to a coarse one, of
//! full size to half size, of second to first differences. A linear model over the logarithms
//! weights all such ratios at once, and uses what remains of contrast only where it helps.

use super::scores::{SCALES, Scale, Scores};
use super::tile::Sums;
use crate::kernels::math::ln;

/// Number of features.
pub const FEATURES: usize = 25;
/// Index of the logarithm of the variance of the Laplacian.
pub const LAPLACIAN_VARIANCE: usize = 0;
/// Number of features of one region: the whole photo, or its sharpest tiles.
const REGION: usize = (FEATURES - 1) / 2;
/// One in this many tiles counts as sharpest.
const SHARPEST: usize = 10;
/// Added to mean energies: about the error of rounding to whole numbers.
const FLOOR: f64 = 0.05;

/// Names of the features: measure and scale (1 working size, 2 half of it, 4 a quarter).
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

/// Selects a sum from [`Sums`].
type Energy = fn(&Sums) -> u64;

const SECOND: [Energy; 3] = [
    |sums| sums.laplacian_squared,
    |sums| sums.gradient_squared,
    |sums| sums.modified_laplacian,
];

impl Scores {
    /// The features listed in [`NAMES`]. A photo smaller than a tile is its own sharpest tile; a
    /// missing scale gets the floor.
    ///
    /// Each is the natural logarithm of a mean energy per pixel plus 0.05, in squared steps of brightness
    /// (0 to 255), so a uniform photo has ln 0.05 everywhere. Sharpest are the tenth of the tiles with the
    /// most energy, at least one.
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
    ///
    /// `tile` counts row by row. The features of the sharpest tiles are those of the whole.
    ///
    /// # Panics
    /// If there is no such tile.
    pub fn tile_features(&self, tile: usize) -> [f64; FEATURES] {
        let mut features = [0.0; FEATURES];
        let sums = |scale: usize| &self.scales[scale].tiles[tile];
        // The mean is close to zero, so the variance is the mean square.
        features[LAPLACIAN_VARIANCE] = ln(mean(sums(0), SECOND[0]) + FLOOR);
        let (whole, tiles) = features[1..].split_at_mut(REGION);
        region(whole, |scale, energy| mean(sums(scale), energy));
        tiles.copy_from_slice(whole);
        features
    }
}

/// Computes the features of a region whose mean energies are given by `at`. The two directions of
/// the fourth differences are sorted by size, so that rotating a photo changes nothing.
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

/// Mean energy of the tiles with the most energy, since the part in focus may be small.
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
