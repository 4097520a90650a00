//! From light to a file: contrast, brightness, the noise and grain of a sensor, JPEG.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::{Blur, Canvas};
use crate::tasks::draw::Draw;

/// Contrast against the scene's own, and what is added to its mean.
const CONTRAST: (f64, f64) = (0.45, 1.2);
const BRIGHTNESS: (f64, f64) = (-20.0, 20.0);
/// Standard deviation of the noise of a pixel. With more, photos are told by noise, and
/// mild blur no longer (docs/adr/018).
const NOISE: (f64, f64) = (0.0, 5.0);
/// The share of photos whose noise is grainy, as after a camera's denoising, and how wide grains are.
const GRAINY: f64 = 0.4;
const GRAIN: (f64, f64) = (0.4, 1.2);
/// JPEG quality, ends included.
const QUALITY: (usize, usize) = (60, 95);

/// A JPEG file of what is on the canvas.
pub(super) fn take(canvas: Canvas, draw: &mut Draw) -> Vec<u8> {
    let (width, height) = canvas.dimensions();
    let contrast = draw.uniform(CONTRAST.0, CONTRAST.1);
    let brightness = draw.uniform(BRIGHTNESS.0, BRIGHTNESS.1);
    let noise = noise(width, height, draw);
    let quality = QUALITY.0 + draw.below(QUALITY.1 - QUALITY.0 + 1);
    let light = canvas.into_raw();
    let sum: f64 = light.iter().map(|&value| f64::from(value)).sum();
    let mean = sum / light.len() as f64;
    let pixels: Vec<u8> = light
        .iter()
        .zip(noise.as_raw())
        .map(|(&value, &noise)| {
            let seen = (f64::from(value) - mean) * contrast + mean + brightness;
            (seen + f64::from(noise)).round().clamp(0.0, 255.0) as u8
        })
        .collect();
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality as u8)
        .write_image(&pixels, width, height, ExtendedColorType::L8)
        .expect("pixels of the right number are written into memory");
    file
}

/// The noise of every pixel.
fn noise(width: u32, height: u32, draw: &mut Draw) -> Canvas {
    let strength = draw.uniform(NOISE.0, NOISE.1);
    let grain = draw.uniform(GRAIN.0, GRAIN.1);
    let grainy = draw.chance(GRAINY);
    let values = (0..width * height).map(|_| (strength * draw.normal()) as f32);
    let noise = Canvas::from_raw(width, height, values.collect());
    let noise = noise.expect("width times height values");
    match grainy {
        true => Blur::Gaussian { strength: grain }.apply(&noise),
        false => noise,
    }
}
