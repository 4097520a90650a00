//! Blur as light does it: before the brightest is clipped and before a camera's curve.
//!
//! A lamp is many times brighter than white. Out of focus it becomes a white disk with a rim, and a
//! moving camera draws it as a white line with edges: a blurred photo with sharp edges in it.

use super::{Blur, Canvas};
use crate::tasks::draw::Draw;

/// The share of photos with light brighter than white.
const BRIGHT: f64 = 0.5;
/// Brightness above which a pixel may be a lamp, and how many times its light is then more.
const LAMP: (f64, f64) = (190.0, 250.0);
const TIMES: (f64, f64) = (1.5, 20.0);
/// The curve of a camera, roughly that of sRGB.
const GAMMA: f32 = 2.2;

/// The scene as a camera sees it through a blur; every version of a photo has its own lamps.
pub(super) fn seen(mut scene: Canvas, blur: Option<Blur>, draw: &mut Draw) -> Canvas {
    let times = draw.log_uniform(TIMES.0, TIMES.1) as f32;
    let lamp = draw.uniform(LAMP.0, LAMP.1) as f32;
    let blurred = |scene: &Canvas| blur.map(|blur| blur.apply(scene));
    if !draw.chance(BRIGHT) {
        return blurred(&scene).unwrap_or(scene);
    }
    for pixel in scene.pixels_mut() {
        let value = pixel.0[0];
        // From where lamps begin to white the light rises to all of it, without a step.
        let share = ((value - lamp) / (255.0 - lamp)).clamp(0.0, 1.0);
        let light = libm::powf(value.max(0.0) / 255.0, GAMMA);
        pixel.0[0] = light * (1.0 + share * (times - 1.0));
    }
    let mut seen = blurred(&scene).unwrap_or(scene);
    for pixel in seen.pixels_mut() {
        pixel.0[0] = 255.0 * libm::powf(pixel.0[0].clamp(0.0, 1.0), 1.0 / GAMMA);
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Luma;

    #[test]
    fn a_lamp_is_drawn_as_a_line_with_edges() {
        let mut scene = Canvas::from_pixel(64, 64, Luma([40.0]));
        scene.put_pixel(32, 32, Luma([255.0]));
        let blur = Blur::Motion {
            strength: 3.0,
            angle: 0.0,
        };
        let brightest = |seed: u8| {
            let seen = seen(scene.clone(), Some(blur), &mut Draw::new([seed; 32], 0));
            seen.pixels().map(|pixel| pixel.0[0]).fold(0.0, f32::max)
        };
        let found: Vec<f32> = (0..20).map(brightest).collect();
        assert!(found.iter().any(|&light| light > 200.0), "{found:?}");
        assert!(found.iter().any(|&light| light < 100.0), "{found:?}");
    }
}
