//! Sharpness of a gray picture in numbers: sums over the whole and over tiles, at three scales.

use super::plane::Plane;
use super::tile::{Patch, Sums, TILE};

/// Full size, a half and a quarter of it.
pub const SCALES: usize = 3;

/// Sums of one scale.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scale {
    /// Over all pixels.
    pub whole: Sums,
    /// Over each whole tile, row by row; the same part of the picture at every scale. Pixels right
    /// of the last whole tile and below it count in `whole` alone.
    pub tiles: Vec<Sums>,
}

/// All sums of one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Pixels of the full size.
    pub width: usize,
    pub height: usize,
    /// Whole tiles in a row and in a column of them.
    pub columns: usize,
    pub rows: usize,
    pub scales: [Scale; SCALES],
}

/// Memory that measuring one picture after the other can share.
#[derive(Debug, Default)]
pub struct Scratch {
    half: Vec<u8>,
    quarter: Vec<u8>,
}

impl Scores {
    /// Measures a picture. Every pixel of a scale is read once; sums are whole numbers.
    pub fn measure(plane: Plane, scratch: &mut Scratch) -> Scores {
        let mut scales: [Scale; SCALES] = Default::default();
        scales[0] = scale(&plane, TILE, true);
        if let Some(half) = plane.half(&mut scratch.half) {
            scales[1] = scale(&half, TILE / 2, false);
            if let Some(quarter) = half.half(&mut scratch.quarter) {
                scales[2] = scale(&quarter, TILE / 4, false);
            }
        }
        Scores {
            width: plane.width(),
            height: plane.height(),
            columns: plane.width() / TILE,
            rows: plane.height() / TILE,
            scales,
        }
    }

    /// Variance of the Laplacian over all pixels, from the exact sums: what OpenCV's
    /// `Laplacian(gray, CV_64F).var()` is (Pech-Pacheco et al., ICPR 2000).
    pub fn laplacian_variance(&self) -> f64 {
        let sums = &self.scales[0].whole;
        let pixels = i128::from(sums.pixels);
        let squares = pixels * i128::from(sums.laplacian_squared);
        let variance = squares - i128::from(sums.laplacian).pow(2);
        variance as f64 / (pixels * pixels) as f64
    }
}

/// Sums of one scale in tiles of `side`.
fn scale(plane: &Plane, side: usize, fine: bool) -> Scale {
    let (columns, rows) = (plane.width() / side, plane.height() / side);
    let mut scale = Scale {
        whole: Sums::default(),
        tiles: Vec::with_capacity(columns * rows),
    };
    let mut patch = Patch::new();
    for y in (0..plane.height()).step_by(side) {
        let height = side.min(plane.height() - y);
        for x in (0..plane.width()).step_by(side) {
            let width = side.min(plane.width() - x);
            patch.take(plane, (x, y), width, height);
            let sums = patch.sums(fine);
            scale.whole.add(&sums);
            if width == side && height == side {
                scale.tiles.push(sums);
            }
        }
    }
    scale
}
