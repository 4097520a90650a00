//! Seeded sample photos: a painted scene, sharp or blurred, as a camera would take it.
//!
//! A photo depends only on the seed, the number of its scene and its version. `scene` paints,
//! `blur` spreads points, `resize` makes photos as large as cameras do, which are soft at every pixel,
//! and `camera` adds contrast, noise and the losses of JPEG. Blur and camera work on real sharp photos
//! as well ([`Version::of`]).

mod blur;
mod camera;
mod resize;
mod scene;

use image::{ImageBuffer, Luma};

pub use blur::Blur;

use crate::tasks::draw::Draw;
use models::cv::{Class, WORKING_SIDE};

/// Brightness, 0 to 255, not rounded.
type Canvas = ImageBuffer<Luma<f32>, Vec<f32>>;

/// The versions of each scene, in this order.
pub const VERSIONS: [&str; 4] = [Class::Sharp.as_str(), "gaussian", "disk", "motion"];

/// Range of the strength of blurs: standard deviation of the spread of a point, in pixels.
const STRENGTH: (f64, f64) = (0.6, 8.0);
/// The share of motions that are a shaking hand's, not a straight line.
const SHAKEN: f64 = 0.5;
/// The share of photos that are as large as cameras make them, if they may be.
const FULL_SIZE: f64 = 0.15;
/// How many times as large as the scene such a photo is looked at.
const FULL: (f64, f64) = (0.7, 1.3);

/// One sample photo.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplePhoto {
    /// A JPEG file.
    pub jpeg: Vec<u8>,
    pub blur: Option<Blur>,
}

/// A version of a scene, determined by the seed, the number of the scene and that of the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    pub seed: u64,
    pub scene: u64,
    /// An index into [`VERSIONS`].
    pub version: usize,
    /// Longest side of a painted photo in pixels.
    pub largest: usize,
}

impl Version {
    /// Its blur, which can be drawn without painting.
    pub fn blur(&self) -> Option<Blur> {
        let draw = &mut self.draw(b"blur\0\0\0\0");
        let strength = draw.log_uniform(STRENGTH.0, STRENGTH.1);
        let strength = (strength * 100.0).round() / 100.0;
        match VERSIONS[self.version] {
            "gaussian" => Some(Blur::Gaussian { strength }),
            "disk" => Some(Blur::Disk { strength }),
            "motion" => {
                let angle = draw.uniform(0.0, std::f64::consts::PI);
                let seed = draw.below(1 << 30) as u64;
                Some(match draw.chance(SHAKEN) {
                    true => Blur::Shake { strength, seed },
                    false => Blur::Motion { strength, angle },
                })
            }
            _ => None,
        }
    }

    /// This version of a painted scene.
    pub fn painted(&self) -> SamplePhoto {
        let scene = Version {
            version: 0,
            ..*self
        };
        let scene = scene::paint(&mut scene.draw(b"scene\0\0\0"));
        let size = self.size(scene.dimensions());
        self.taken(scene, size)
    }

    /// The size of a photo of a scene of this size, in pixels.
    fn size(&self, (width, height): (u32, u32)) -> (u32, u32) {
        let draw = &mut self.draw(b"size\0\0\0\0");
        let longer = f64::from(width.max(height));
        let largest = self.largest as f64;
        if self.largest <= WORKING_SIDE || !draw.chance(FULL_SIZE) {
            return (width, height);
        }
        // Some times twice a size that is not halved further and not much above the scene's.
        let seen = longer * draw.uniform(FULL.0, FULL.1);
        let seen = seen.clamp(WORKING_SIDE as f64 / 2.0 + 1.0, WORKING_SIDE as f64);
        let doublings = (libm::log2(largest / seen) as usize).max(1);
        // The largest cost most, and once halved they differ least.
        let doublings = draw.below(doublings).min(draw.below(doublings));
        let side = (seen * f64::from(2u32 << doublings)).min(largest);
        let scaled = |pixels: u32| (f64::from(pixels) * side / longer).round() as u32;
        (scaled(width), scaled(height))
    }

    /// This version of a real sharp photo, given as its gray pixels.
    ///
    /// # Panics
    /// If there are not `width` × `height` pixels.
    pub fn of(&self, pixels: &[u8], width: usize, height: usize) -> SamplePhoto {
        let pixels = pixels.iter().map(|&pixel| f32::from(pixel)).collect();
        let canvas = Canvas::from_raw(width as u32, height as u32, pixels);
        let size = (width as u32, height as u32);
        self.taken(canvas.expect("width times height pixels"), size)
    }

    fn taken(&self, scene: Canvas, (width, height): (u32, u32)) -> SamplePhoto {
        let blur = self.blur();
        let seen = blur.map_or_else(|| scene.clone(), |blur| blur.apply(&scene));
        let seen = match seen.dimensions() == (width, height) {
            true => seen,
            false => resize::to(&seen, width, height),
        };
        SamplePhoto {
            jpeg: camera::take(seen, &mut self.draw(b"camera\0\0")),
            blur,
        }
    }

    /// The draws for one purpose, independent of those for others.
    fn draw(&self, purpose: &[u8; 8]) -> Draw {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(purpose);
        key[16] = self.version as u8;
        Draw::new(key, self.scene)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_is_a_function_of_its_numbers() {
        let version = |scene, version| Version {
            seed: 1,
            scene,
            version,
            largest: WORKING_SIDE,
        };
        let photo = version(3, 2).painted();
        assert_eq!(photo, version(3, 2).painted());
        assert_ne!(photo.jpeg, version(4, 2).painted().jpeg);
        assert!(matches!(photo.blur, Some(Blur::Disk { strength }) if strength >= 0.8));
        assert_eq!(version(3, 0).blur(), None);
    }

    #[test]
    fn blur_takes_detail_from_a_real_photo() {
        let pixels: Vec<u8> = (0..64 * 64).map(|i| (i * 7919 % 256) as u8).collect();
        let length = |version| {
            let version = Version {
                seed: 1,
                scene: 0,
                version,
                largest: WORKING_SIDE,
            };
            version.of(&pixels, 64, 64).jpeg.len()
        };
        assert!(length(0) > length(1));
    }
}
