//! Scores as features for the models: logarithms of mean energies.
//!
//! Contrast multiplies all energies by the same factor, so it shifts all logarithms equally and
//! cancels in the difference of two (a ratio of energies): of a fine filter to a coarse one, of
//! one scale to the next, of second to first differences. A linear model over the logarithms
//! weights all such ratios at once, and uses what remains of contrast only where it helps.

use super::scores::{SCALES, Scale, Scores};
use super::tile::Sums;
use crate::kernels::math::ln;

/// Number of features.
pub const FEATURES: usize = 1 + 2 * REGION + FLAT;
/// Index of the logarithm of the variance of the Laplacian.
pub const LAPLACIAN_VARIANCE: usize = 0;
/// Number of features of one region: the whole photo, or its sharpest tiles.
const REGION: usize = 2 * FINE + COARSE;
/// Of these at working size and at half of it; at a quarter there is no finest detail left.
const FINE: usize = 7;
const COARSE: usize = 4;
/// Number of features of the flattest tiles.
const FLAT: usize = 2 * SCALES;
/// One in this many tiles counts as sharpest, or as flattest.
const TENTH: usize = 10;
/// Added to mean energies: about the error of rounding to whole numbers.
const FLOOR: f64 = 0.05;

/// Names of the features: region, measure and scale (1 working size, 2 half, 4 a quarter).
pub const NAMES: [&str; FEATURES] = [
    "laplacian_variance",
    "laplacian_1",
    "gradient_1",
    "gradient_least_1",
    "modified_laplacian_1",
    "mixed_1",
    "fourth_more_1",
    "fourth_less_1",
    "laplacian_2",
    "gradient_2",
    "gradient_least_2",
    "modified_laplacian_2",
    "mixed_2",
    "fourth_more_2",
    "fourth_less_2",
    "laplacian_4",
    "gradient_4",
    "gradient_least_4",
    "modified_laplacian_4",
    "tiles_laplacian_1",
    "tiles_gradient_1",
    "tiles_gradient_least_1",
    "tiles_modified_laplacian_1",
    "tiles_mixed_1",
    "tiles_fourth_more_1",
    "tiles_fourth_less_1",
    "tiles_laplacian_2",
    "tiles_gradient_2",
    "tiles_gradient_least_2",
    "tiles_modified_laplacian_2",
    "tiles_mixed_2",
    "tiles_fourth_more_2",
    "tiles_fourth_less_2",
    "tiles_laplacian_4",
    "tiles_gradient_4",
    "tiles_gradient_least_4",
    "tiles_modified_laplacian_4",
    "flat_laplacian_1",
    "flat_gradient_1",
    "flat_laplacian_2",
    "flat_gradient_2",
    "flat_laplacian_4",
    "flat_gradient_4",
];

/// A mean energy of a region, from its [`Sums`].
type Energy = fn(&Sums) -> f64;

/// The measures of each scale.
const ENERGIES: [Energy; COARSE] = [
    |sums| sums.laplacian_squared as f64,
    |sums| sums.gradient_squared as f64,
    least_gradient,
    |sums| sums.modified_laplacian as f64,
];

/// The measures of [`FLAT`].
const FLAT_ENERGIES: [Energy; 2] = [ENERGIES[0], ENERGIES[1]];

/// The smaller eigenvalue of the structure tensor: the energy of the gradient in the direction that
/// has least of it, which is the one along which a photo is blurred by motion.
fn least_gradient(sums: &Sums) -> f64 {
    let (xx, xy) = (sums.gradient_x_squared as f64, sums.gradient_product as f64);
    let yy = sums.gradient_squared as f64 - xx;
    let apart = ((xx - yy).powi(2) + 4.0 * xy * xy).sqrt();
    (0.5 * (xx + yy - apart)).max(0.0)
}

impl Scores {
    /// The features listed in [`NAMES`]. A photo smaller than a tile is its own sharpest and
    /// flattest tile; a missing scale gets the floor.
    pub fn features(&self) -> [f64; FEATURES] {
        let mut features = [0.0; FEATURES];
        features[LAPLACIAN_VARIANCE] = ln(self.laplacian_variance() + FLOOR);
        let (whole, tiles) = features[1..=2 * REGION].split_at_mut(REGION);
        region(whole, |scale, energy| {
            mean(&self.scales[scale].whole, energy)
        });
        region(tiles, |scale, energy| {
            extreme(&self.scales[scale], energy, Extreme::Most)
        });
        self.flat(&mut features);
        features
    }

    /// The features of one tile, as if it were a photo with as much noise as this one.
    pub fn tile_features(&self, tile: usize) -> [f64; FEATURES] {
        let mut features = [0.0; FEATURES];
        let sums = |scale: usize| &self.scales[scale].tiles[tile];
        // The mean is close to zero, so the variance is the mean square.
        features[LAPLACIAN_VARIANCE] = ln(mean(sums(0), ENERGIES[0]) + FLOOR);
        let (whole, tiles) = features[1..=2 * REGION].split_at_mut(REGION);
        region(whole, |scale, energy| mean(sums(scale), energy));
        tiles.copy_from_slice(whole);
        self.flat(&mut features);
        features
    }

    /// Writes the features of the flattest tiles, where there is little but noise.
    fn flat(&self, features: &mut [f64; FEATURES]) {
        let out = features[1 + 2 * REGION..].chunks_exact_mut(FLAT_ENERGIES.len());
        for (scale, out) in self.scales.iter().zip(out) {
            for (out, energy) in out.iter_mut().zip(FLAT_ENERGIES) {
                *out = ln(extreme(scale, energy, Extreme::Least) + FLOOR);
            }
        }
    }
}

/// Computes the features of a region whose mean energies are given by `at`. The two directions of
/// the fourth differences are sorted by size, so that rotating a photo changes nothing.
fn region(out: &mut [f64], at: impl Fn(usize, Energy) -> f64) {
    let log = |scale, energy| ln(at(scale, energy) + FLOOR);
    for (scale, out) in out.chunks_mut(FINE).enumerate() {
        out[..COARSE].copy_from_slice(&ENERGIES.map(|energy| log(scale, energy)));
        if let Some(fine) = out.get_mut(COARSE..FINE) {
            let (x, y) = (
                log(scale, |sums| sums.fourth_x_squared as f64),
                log(scale, |sums| sums.fourth_y_squared as f64),
            );
            let mixed = log(scale, |sums| sums.mixed_squared as f64);
            fine.copy_from_slice(&[mixed, x.max(y), x.min(y)]);
        }
    }
}

fn mean(sums: &Sums, energy: Energy) -> f64 {
    energy(sums) / sums.pixels.max(1) as f64
}

#[derive(Clone, Copy)]
enum Extreme {
    Most,
    Least,
}

/// Mean energy of the tenth of the tiles with the most energy (the part in focus may be small), or
/// with the least.
fn extreme(scale: &Scale, energy: Energy, extreme: Extreme) -> f64 {
    if scale.tiles.is_empty() {
        return mean(&scale.whole, energy);
    }
    let mut energies: Vec<f64> = scale.tiles.iter().map(energy).collect();
    // The chosen tiles are added in order of energy, so that no order of tiles changes the sum.
    energies.sort_unstable_by(f64::total_cmp);
    let count = ((energies.len() + TENTH / 2) / TENTH).max(1);
    let chosen = match extreme {
        Extreme::Most => &energies[energies.len() - count..],
        Extreme::Least => &energies[..count],
    };
    let pixels = count as u64 * scale.tiles[0].pixels;
    chosen.iter().sum::<f64>() / pixels as f64
}
