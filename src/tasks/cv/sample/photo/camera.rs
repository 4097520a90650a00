//! From light to a file: contrast, brightness, the noise of a sensor, JPEG.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::Canvas;
use crate::tasks::draw::Draw;

/// Contrast against the scene's own, and what is added to its mean.
const CONTRAST: (f64, f64) = (0.45, 1.2);
const BRIGHTNESS: (f64, f64) = (-20.0, 20.0);
/// Standard deviation of the noise of a pixel.
const NOISE: (f64, f64) = (0.0, 5.0);
/// JPEG quality, ends included.
const QUALITY: (usize, usize) = (60, 95);

/// A JPEG file of what is on the canvas.
pub(super) fn take(canvas: Canvas, draw: &mut Draw) -> Vec<u8> {
    let (width, height) = canvas.dimensions();
    let contrast = draw.uniform(CONTRAST.0, CONTRAST.1);
    let brightness = draw.uniform(BRIGHTNESS.0, BRIGHTNESS.1);
    let noise = draw.uniform(NOISE.0, NOISE.1);
    let quality = QUALITY.0 + draw.below(QUALITY.1 - QUALITY.0 + 1);
    let light = canvas.into_raw();
    let sum: f64 = light.iter().map(|&value| f64::from(value)).sum();
    let mean = sum / light.len() as f64;
    let pixels: Vec<u8> = light
        .iter()
        .map(|&value| {
            let seen = (f64::from(value) - mean) * contrast + mean + brightness;
            (seen + noise * draw.normal()).round().clamp(0.0, 255.0) as u8
        })
        .collect();
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality as u8)
        .write_image(&pixels, width, height, ExtendedColorType::L8)
        .expect("pixels of the right number are written into memory");
    file
}
