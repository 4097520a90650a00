//! Small upright gray PNG pictures of photos, for pages and explanations.

use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::Gray;

/// Gray pixels, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Brightness from 0 (black) to 255 (white), `width` × `height` values.
    pub pixels: Vec<u8>,
}

impl Thumbnail {
    /// Scales the photo, upright, to at most `side` pixels on its longer side: each pixel is the
    /// mean of the pixels it covers.
    pub fn of(photo: &Gray, side: usize) -> Thumbnail {
        let step = photo.width.max(photo.height).div_ceil(side).max(1);
        let (width, height) = (photo.width.div_ceil(step), photo.height.div_ceil(step));
        let mut pixels = Vec::with_capacity(width * height);
        for y in (0..photo.height).step_by(step) {
            for x in (0..photo.width).step_by(step) {
                pixels.push(mean(photo, x, y, step));
            }
        }
        let stored = Thumbnail {
            width,
            height,
            pixels,
        };
        stored.upright(photo.orientation)
    }

    /// Rotates and mirrors as EXIF's `orientation` requires.
    ///
    /// 1 to 8 as in EXIF 2.3; another number changes nothing.
    ///
    /// # Examples
    /// ```
    /// use easylife_images::thumbnail::Thumbnail;
    ///
    /// let photo = Thumbnail { width: 2, height: 1, pixels: vec![10, 20] };
    /// let turned = photo.clone().upright(6); // by 90 degrees, clockwise
    /// assert_eq!((turned.width, turned.height, turned.pixels), (1, 2, vec![10, 20]));
    /// assert_eq!(photo.clone().upright(2).pixels, [20, 10]); // mirrored
    /// assert_eq!(photo.clone().upright(9), photo);
    /// ```
    pub fn upright(self, orientation: u8) -> Thumbnail {
        let (w, h) = (self.width, self.height);
        let turned = (5..=8).contains(&orientation);
        let (width, height) = if turned { (h, w) } else { (w, h) };
        let mut pixels = Vec::with_capacity(w * h);
        for y in 0..height {
            for x in 0..width {
                let (x, y) = match orientation {
                    2 => (w - 1 - x, y),
                    3 => (w - 1 - x, h - 1 - y),
                    4 => (x, h - 1 - y),
                    5 => (y, x),
                    6 => (y, h - 1 - x),
                    7 => (w - 1 - y, h - 1 - x),
                    8 => (w - 1 - y, x),
                    _ => (x, y),
                };
                pixels.push(self.pixels[y * w + x]);
            }
        }
        Thumbnail {
            width,
            height,
            pixels,
        }
    }

    /// Encodes a PNG file, with the same bytes on every run.
    pub fn png(&self) -> Vec<u8> {
        let mut out = Vec::new();
        PngEncoder::new_with_quality(
            Cursor::new(&mut out),
            CompressionType::Default,
            FilterType::Adaptive,
        )
        .write_image(
            &self.pixels,
            self.width as u32,
            self.height as u32,
            ExtendedColorType::L8,
        )
        .expect("a picture of the right length is written into memory");
        out
    }
}

fn mean(photo: &Gray, x: usize, y: usize, step: usize) -> u8 {
    let (right, below) = ((x + step).min(photo.width), (y + step).min(photo.height));
    let sum: u64 = (y..below)
        .flat_map(|y| &photo.pixels[y * photo.width + x..y * photo.width + right])
        .map(|&pixel| u64::from(pixel))
        .sum();
    let count = ((right - x) * (below - y)) as u64;
    ((sum + count / 2) / count) as u8
}
