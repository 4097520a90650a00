//! Blurs as spreads of a point: Gaussian, the disk of a lens out of focus, the line of something that
//! moves, the path of a hand that shakes.

use super::{Canvas, resize};
use crate::tasks::draw::Draw;

/// A blur. `strength` is the standard deviation of its spread in pixels (of a motion: along it), so
/// that kinds compare.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Blur {
    Gaussian {
        strength: f64,
    },
    Disk {
        strength: f64,
    },
    /// At `angle` from the row, in radians.
    Motion {
        strength: f64,
        angle: f64,
    },
    /// A path of which every `seed` is another; `strength` is along its longer axis.
    Shake {
        strength: f64,
        seed: u64,
    },
}

/// Points a pixel is cut into along each axis where a shape's share of it is wanted.
const PARTS: usize = 8;
/// Points along a line or a path.
const POINTS: usize = 512;
/// Nodes of a path of shaking, between which it is straight.
const NODES: usize = 24;
/// Round blurs stronger than this leave nothing that half the pixels could not hold.
const STRONG: f64 = 3.0;

impl Blur {
    pub fn kind(&self) -> &'static str {
        match self {
            Blur::Gaussian { .. } => "gaussian",
            Blur::Disk { .. } => "disk",
            Blur::Motion { .. } => "motion",
            Blur::Shake { .. } => "shake",
        }
    }

    pub fn strength(&self) -> f64 {
        match *self {
            Blur::Gaussian { strength }
            | Blur::Disk { strength }
            | Blur::Motion { strength, .. }
            | Blur::Shake { strength, .. } => strength,
        }
    }

    /// The same blur of a picture at half the size.
    fn half(&self) -> Option<Blur> {
        match *self {
            Blur::Gaussian { strength } if strength > STRONG => Some(Blur::Gaussian {
                strength: strength / 2.0,
            }),
            Blur::Disk { strength } if strength > STRONG => Some(Blur::Disk {
                strength: strength / 2.0,
            }),
            _ => None,
        }
    }

    pub(super) fn apply(&self, canvas: &Canvas) -> Canvas {
        if let Some(half) = self.half() {
            let (width, height) = canvas.dimensions();
            return resize::to(&half.apply(&resize::halved(canvas)), width, height);
        }
        if let Blur::Gaussian { strength } = *self {
            return imageproc::filter::separable_filter_equal(canvas, &gaussian(strength));
        }
        let (weights, side) = self.kernel();
        correlate(canvas, &weights, side)
    }

    /// Weights of sum 1, row by row, and the odd side of their square.
    fn kernel(&self) -> (Vec<f32>, usize) {
        let (weights, side) = match *self {
            Blur::Gaussian { strength } => {
                let along = gaussian(strength);
                let both = along.iter().flat_map(|a| along.iter().map(move |b| a * b));
                return (both.collect(), along.len());
            }
            Blur::Disk { strength } => disk(2.0 * strength),
            Blur::Motion { strength, angle } => trace(&line(strength, angle)),
            Blur::Shake { strength, seed } => trace(&shake(strength, seed)),
        };
        let sum: f64 = weights.iter().sum();
        (
            weights.iter().map(|weight| (weight / sum) as f32).collect(),
            side,
        )
    }
}

/// Sums of weighted pixels round each pixel, those of the edge repeated beyond it. Many weights of a
/// line are 0 and cost nothing.
fn correlate(canvas: &Canvas, weights: &[f32], side: usize) -> Canvas {
    let (width, height, half) = (canvas.width() as usize, canvas.height() as usize, side / 2);
    let mut wide = Vec::with_capacity(height * (width + 2 * half));
    for row in canvas.as_raw().chunks_exact(width) {
        wide.extend(std::iter::repeat_n(row[0], half));
        wide.extend_from_slice(row);
        wide.extend(std::iter::repeat_n(row[width - 1], half));
    }
    let mut sums = vec![0.0f32; width * height];
    for (y, sums) in sums.chunks_exact_mut(width).enumerate() {
        for (down, weights) in weights.chunks_exact(side).enumerate() {
            let from = (y + down).saturating_sub(half).min(height - 1);
            let row = &wide[from * (width + 2 * half)..][..width + 2 * half];
            for (right, &weight) in weights
                .iter()
                .enumerate()
                .filter(|(_, weight)| **weight != 0.0)
            {
                for (sum, pixel) in sums.iter_mut().zip(&row[right..]) {
                    *sum += pixel * weight;
                }
            }
        }
    }
    Canvas::from_raw(canvas.width(), canvas.height(), sums).expect("width times height sums")
}

/// Weights of a Gaussian along one axis, of sum 1, to 3.5 standard deviations.
fn gaussian(strength: f64) -> Vec<f32> {
    let half = (3.5 * strength).ceil() as i32;
    let at = |x: f64| libm::exp(-x * x / (2.0 * strength * strength));
    // Means over pixels, not values at their centres: narrow ones would come out too narrow.
    let parts = |x: i32| -> f64 {
        let offsets = (0..PARTS).map(|part| (part as f64 + 0.5) / PARTS as f64 - 0.5);
        offsets.map(|offset| at(f64::from(x) + offset)).sum()
    };
    let weights: Vec<f64> = (-half..=half).map(parts).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| (weight / sum) as f32).collect()
}

/// A disk, whose standard deviation along one axis is half its radius: the points of each pixel that
/// are in it.
fn disk(radius: f64) -> (Vec<f64>, usize) {
    let half = radius.ceil() as usize;
    let side = 2 * half + 1;
    let mut weights = vec![0.0; side * side];
    let at = |part: usize| (part as f64 + 0.5) / PARTS as f64 - 0.5 - half as f64;
    for y in 0..side * PARTS {
        for x in 0..side * PARTS {
            if at(x) * at(x) + at(y) * at(y) <= radius * radius {
                weights[y / PARTS * side + x / PARTS] += 1.0;
            }
        }
    }
    (weights, side)
}

/// Points of a line, whose standard deviation is its length over the root of 12.
fn line(strength: f64, angle: f64) -> Vec<(f64, f64)> {
    let length = 12.0f64.sqrt() * strength;
    (0..POINTS)
        .map(|point| {
            let along = ((point as f64 + 0.5) / POINTS as f64 - 0.5) * length;
            (along * libm::cos(angle), along * libm::sin(angle))
        })
        .collect()
}

/// Points of a path: a hand drifts, and its velocity wanders.
fn shake(strength: f64, seed: u64) -> Vec<(f64, f64)> {
    let mut key = [0; 32];
    key[..5].copy_from_slice(b"shake");
    let draw = &mut Draw::new(key, seed);
    let drift = draw.uniform(0.0, 4.0);
    let mut velocity = (drift * draw.normal(), drift * draw.normal());
    let mut place = (0.0, 0.0);
    let nodes: Vec<(f64, f64)> = (0..NODES)
        .map(|_| {
            velocity = (velocity.0 + draw.normal(), velocity.1 + draw.normal());
            place = (place.0 + velocity.0, place.1 + velocity.1);
            place
        })
        .collect();
    let points = (0..POINTS).map(|point| {
        let at = point as f64 / POINTS as f64 * (NODES - 1) as f64;
        let (from, to, part) = (nodes[at as usize], nodes[at as usize + 1], at.fract());
        let between = |a: f64, b: f64| a + part * (b - a);
        (between(from.0, to.0), between(from.1, to.1))
    });
    scaled(points.collect(), strength)
}

/// Moves points round the origin, and scales them to a standard deviation along their longer axis.
fn scaled(points: Vec<(f64, f64)>, strength: f64) -> Vec<(f64, f64)> {
    let mean =
        |value: fn(&(f64, f64)) -> f64| points.iter().map(value).sum::<f64>() / points.len() as f64;
    let centre = (mean(|point| point.0), mean(|point| point.1));
    let centred = points
        .iter()
        .map(|(x, y)| (x - centre.0, y - centre.1))
        .collect::<Vec<_>>();
    let mean = |value: fn(&(f64, f64)) -> f64| {
        centred.iter().map(value).sum::<f64>() / points.len() as f64
    };
    let (xx, yy, xy) = (
        mean(|point| point.0 * point.0),
        mean(|point| point.1 * point.1),
        mean(|point| point.0 * point.1),
    );
    let longer = 0.5 * (xx + yy + ((xx - yy) * (xx - yy) + 4.0 * xy * xy).sqrt());
    let scale = strength / longer.sqrt();
    centred
        .iter()
        .map(|(x, y)| (scale * x, scale * y))
        .collect()
}

/// Spreads points over the four pixels around each.
fn trace(points: &[(f64, f64)]) -> (Vec<f64>, usize) {
    let reach = points.iter().flat_map(|(x, y)| [x.abs(), y.abs()]);
    let half = reach.fold(0.0, f64::max).ceil() as usize + 1;
    let side = 2 * half + 1;
    let mut weights = vec![0.0; side * side];
    for (x, y) in points {
        let (x, y) = (x + half as f64, y + half as f64);
        let (left, top) = (x.floor(), y.floor());
        let (right, below) = (x - left, y - top);
        let at = top as usize * side + left as usize;
        weights[at] += (1.0 - right) * (1.0 - below);
        weights[at + 1] += right * (1.0 - below);
        weights[at + side] += (1.0 - right) * below;
        weights[at + side + 1] += right * below;
    }
    (weights, side)
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;

    /// Variances of the spread along the row and the column.
    fn variances(blur: Blur) -> (f64, f64) {
        let (weights, side) = blur.kernel();
        let mut found = (0.0, 0.0);
        for (i, &weight) in weights.iter().enumerate() {
            let at = |i: usize| i as f64 - (side / 2) as f64;
            found.0 += f64::from(weight) * at(i % side).powi(2);
            found.1 += f64::from(weight) * at(i / side).powi(2);
        }
        found
    }

    #[test]
    fn strength_is_the_standard_deviation() {
        let strength = 2.0;
        for blur in [Blur::Gaussian { strength }, Blur::Disk { strength }] {
            let (x, y) = variances(blur);
            assert!((x.sqrt() - 2.0).abs() < 0.05, "{blur:?}: {x}");
            assert!((x - y).abs() < 1e-4);
        }
        let (x, y) = variances(Blur::Motion {
            strength,
            angle: 0.0,
        });
        assert!((x.sqrt() - 2.0).abs() < 0.05 && y < 0.3, "{x} {y}");
        for seed in 0..5 {
            // The variance along the longer axis is at least the larger, at most the sum.
            let (x, y) = variances(Blur::Shake { strength, seed });
            assert!(x.max(y) < 4.5 && x + y > 3.9, "{x} {y}");
        }
    }

    #[test]
    fn a_strong_blur_at_half_the_size_is_the_same_blur() {
        let light = |x, y| {
            if (x / 9 + y / 7) % 2 == 0 {
                40.0
            } else {
                200.0
            }
        };
        let canvas = Canvas::from_fn(64, 64, |x, y| Luma([light(x, y)]));
        let strength = 3.5;
        for blur in [Blur::Gaussian { strength }, Blur::Disk { strength }] {
            let (weights, side) = blur.kernel();
            let (exact, quick) = (correlate(&canvas, &weights, side), blur.apply(&canvas));
            // Away from the edge, where pixels are repeated at another size; of a contrast of 160.
            for y in 16..48 {
                for x in 16..48 {
                    let apart = exact.get_pixel(x, y).0[0] - quick.get_pixel(x, y).0[0];
                    assert!(apart.abs() < 3.0, "{blur:?} at {x}, {y}: {apart}");
                }
            }
        }
    }

    #[test]
    fn a_blur_moves_and_loses_nothing() {
        let mut canvas = Canvas::new(21, 21);
        canvas.put_pixel(10, 10, Luma([1000.0]));
        for strength in [0.8, 1.7] {
            let blurred = Blur::Motion {
                strength,
                angle: 0.7,
            }
            .apply(&canvas);
            let sum: f32 = blurred.as_raw().iter().sum();
            assert!((sum - 1000.0).abs() < 0.1, "{sum}");
            assert_eq!(blurred.get_pixel(9, 9), blurred.get_pixel(11, 11));
        }
    }
}
