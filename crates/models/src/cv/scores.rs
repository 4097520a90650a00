//! Measures the sharpness of a gray picture: sums over the whole and over tiles, at three scales.
//!
//! A photo is judged at the size that it is looked at, not pixel by pixel: one of 12 megapixels is
//! soft at every pixel and sharp on a screen. So it is halved until its longer side is at most
//! [`WORKING_SIDE`]. Halving takes means of 2 × 2 pixels and nothing else, so a photo at double size
//! is measured like the photo itself.

use super::plane::Plane;
use super::tile::{Sums, TILE, measure};

/// Number of scales: working size, half and quarter of it.
pub const SCALES: usize = 3;
/// The longest side of a photo at its working size: about what a page or a phone shows.
pub const WORKING_SIDE: usize = 800;
/// A panorama is not halved to less than this height (or width).
const SHORTEST: usize = 64;

/// The sums at one scale.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scale {
    /// Sums over all pixels.
    pub whole: Sums,
    /// Sums over each whole tile, row by row; each covers the same part of the picture at every
    /// scale. Pixels right of and below the last whole tile count only in `whole`.
    pub tiles: Vec<Sums>,
}

/// All sums of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Width in pixels at the working size.
    pub width: usize,
    /// Height in pixels at the working size.
    pub height: usize,
    /// Number of whole tiles per row.
    pub columns: usize,
    /// Number of rows of whole tiles.
    pub rows: usize,
    /// Working size, half and quarter of it; empty if the picture is too small for a scale.
    pub scales: [Scale; SCALES],
}

/// Buffers reused from picture to picture.
#[derive(Debug, Default)]
pub struct Scratch {
    working: Vec<u8>,
    half: Vec<u8>,
    quarter: Vec<u8>,
}

/// How many times a photo is halved to its working size.
///
/// # Examples
/// ```
/// use easylife_models::cv::halvings;
///
/// assert_eq!(halvings(800, 600), 0);
/// assert_eq!(halvings(4000, 3000), 3); // to 500 × 375
/// // A panorama stays at least 64 pixels high.
/// assert_eq!(halvings(10_000, 200), 1);
/// ```
pub fn halvings(width: usize, height: usize) -> u32 {
    let (longer, shorter) = (width.max(height), width.min(height));
    let too_large =
        |halvings: &u32| longer >> halvings > WORKING_SIDE && shorter >> (halvings + 1) >= SHORTEST;
    (0..).take_while(too_large).count() as u32
}

impl Scores {
    /// Measures a picture at its working size. Every pixel of a scale is read once; sums are
    /// integers.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::cv::{Plane, Scores, Scratch};
    ///
    /// // Stripes two pixels wide are sharper than a slope.
    /// let (mut stripes, mut slope) = (Vec::new(), Vec::new());
    /// for i in 0..64 * 64 {
    ///     stripes.push(if i % 4 < 2 { 0 } else { 255 });
    ///     slope.push(4 * (i % 64) as u8);
    /// }
    /// let variance = |pixels: &[u8]| {
    ///     Scores::measure(Plane::new(pixels, 64, 64), &mut Scratch::default()).laplacian_variance()
    /// };
    /// assert!(variance(&stripes) > 100.0 * variance(&slope));
    /// ```
    pub fn measure(plane: Plane, scratch: &mut Scratch) -> Scores {
        let halvings = halvings(plane.width(), plane.height());
        let plane = plane.shrunk(halvings, &mut scratch.working);
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

    /// Variance of the Laplacian over all pixels, from exact sums: OpenCV's `Laplacian(gray,
    /// CV_64F).var()` (Pech-Pacheco et al., ICPR 2000).
    pub fn laplacian_variance(&self) -> f64 {
        let sums = &self.scales[0].whole;
        let pixels = i128::from(sums.pixels);
        let squares = pixels * i128::from(sums.laplacian_squared);
        let variance = squares - i128::from(sums.laplacian).pow(2);
        variance as f64 / (pixels * pixels) as f64
    }
}

/// Computes the sums of one scale in tiles of `side`.
fn scale(plane: &Plane, side: usize, fine: bool) -> Scale {
    let (whole, tiles) = measure(plane, side, fine);
    Scale { whole, tiles }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(width: usize, height: usize) -> Scores {
        let pixel = |i: usize| ((i * i % 251 + i * 7 % 5) % 256) as u8;
        let pixels: Vec<u8> = (0..width * height).map(pixel).collect();
        Scores::measure(Plane::new(&pixels, width, height), &mut Scratch::default())
    }

    /// `cv2.Laplacian(p, cv2.CV_64F, ksize=1).var()` of OpenCV 5.0.0 and NumPy 2.4.6, whose
    /// floating-point sums are not exact in the last digits.
    #[test]
    fn the_variance_of_the_laplacian_is_that_of_opencv() {
        for (width, height, expected) in [
            (1, 1, 0.0),
            (2, 3, 409.4722222222222),
            (33, 40, 106227.93103248393),
            (97, 71, 102385.58923204472),
            (640, 480, 96648.82894180191),
        ] {
            let variance = measured(width, height).laplacian_variance();
            let close = (variance - expected).abs() <= 1e-13 * expected;
            assert!(close, "{width} x {height}: {variance}, not {expected}");
        }
    }

    #[test]
    fn a_large_photo_is_measured_at_the_size_that_it_is_looked_at() {
        let small: Vec<u8> = (0..640 * 400usize).map(|i| (i * i % 251) as u8).collect();
        let double: Vec<u8> = (0..1280 * 800)
            .map(|i| small[i / 1280 / 2 * 640 + i % 1280 / 2])
            .collect();
        let measured = |pixels: &[u8], width, height| {
            let plane = Plane::new(pixels, width, height);
            Scores::measure(plane, &mut Scratch::default())
        };
        assert_eq!(measured(&double, 1280, 800), measured(&small, 640, 400));
        let sizes = [
            (800, 600),
            (801, 600),
            (6000, 4000),
            (12_000, 600),
            (30, 900),
        ];
        let found = sizes.map(|(width, height)| halvings(width, height));
        assert_eq!(found, [0, 1, 3, 3, 0], "a panorama keeps its height");
    }

    #[test]
    fn tiles_are_the_same_part_at_every_scale() {
        let scores = measured(100, 70);
        assert_eq!((scores.columns, scores.rows), (3, 2));
        for (scale, pixels) in scores.scales.iter().zip([32 * 32, 16 * 16, 8 * 8]) {
            assert_eq!(scale.tiles.len(), 6);
            assert!(scale.tiles.iter().all(|tile| tile.pixels == pixels));
        }
        assert_eq!(scores.scales[0].whole.pixels, 7000);
        assert_eq!(scores.scales[2].whole.pixels, 25 * 17);
    }

    #[test]
    fn half_the_contrast_keeps_ratios_and_turning_keeps_everything() {
        let (width, height) = (96, 64);
        let light = |x: usize, y: usize| 2 * ((x * x / 7 + y * 5 + x * y / 3) % 100);
        let features = |pixels: Vec<u8>, width, height| {
            let plane = Plane::new(&pixels, width, height);
            Scores::measure(plane, &mut Scratch::default()).features()
        };
        let full: Vec<u8> = (0..width * height)
            .map(|i| light(i % width, i / width) as u8)
            .collect();
        let faint = full.iter().map(|pixel| pixel / 2 + 50).collect();
        let turned = (0..width * height)
            .map(|i| light(i / height, i % height) as u8)
            .collect();
        let (a, b) = (
            features(full.clone(), width, height),
            features(faint, width, height),
        );
        // Laplacian over gradient, at full size.
        assert!((a[1] - a[2] - (b[1] - b[2])).abs() < 1e-3, "{a:?} {b:?}");
        let turned = features(turned, height, width);
        for (place, (a, b)) in a.iter().zip(&turned).enumerate() {
            assert!((a - b).abs() < 1e-12, "feature {place}: {a} {b}");
        }
    }
}
