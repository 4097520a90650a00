//! Blurs as spreads of a point: Gaussian, the disk of a lens out of focus, the line of a moving hand.

use super::Canvas;

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
}

/// Points a pixel is cut into along each axis where a shape's share of it is wanted.
const PARTS: usize = 8;
/// Points along a line.
const POINTS: usize = 256;

impl Blur {
    pub fn kind(&self) -> &'static str {
        match self {
            Blur::Gaussian { .. } => "gaussian",
            Blur::Disk { .. } => "disk",
            Blur::Motion { .. } => "motion",
        }
    }

    pub fn strength(&self) -> f64 {
        match *self {
            Blur::Gaussian { strength }
            | Blur::Disk { strength }
            | Blur::Motion { strength, .. } => strength,
        }
    }

    pub(super) fn apply(&self, canvas: &Canvas) -> Canvas {
        if let Blur::Gaussian { strength } = *self {
            return imageproc::filter::separable_filter_equal(canvas, &gaussian(strength));
        }
        let (weights, side) = self.kernel();
        correlate(canvas, &weights, side)
    }

    /// Weights of sum 1, row by row, and the odd side of their square.
    fn kernel(&self) -> (Vec<f32>, usize) {
        // Standard deviations: a disk's along one axis is half its radius, a line's its length over
        // the root of 12.
        let reach = match *self {
            Blur::Gaussian { strength } => {
                let along = gaussian(strength);
                let both = along.iter().flat_map(|a| along.iter().map(move |b| a * b));
                return (both.collect(), along.len());
            }
            Blur::Disk { strength } => 2.0 * strength,
            Blur::Motion { strength, .. } => 3.0f64.sqrt() * strength + 1.0,
        };
        let half = reach.ceil() as usize;
        let side = 2 * half + 1;
        let mut weights = vec![0.0; side * side];
        match *self {
            Blur::Motion { strength, angle } => line(&mut weights, half, strength, angle),
            Blur::Gaussian { .. } => {} // returned above
            Blur::Disk { strength } => points(&mut weights, half, |squared| {
                f64::from(u8::from(squared <= 4.0 * strength * strength))
            }),
        }
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

/// Adds up `weight` of the squared distance over points in every pixel.
fn points(weights: &mut [f64], half: usize, weight: impl Fn(f64) -> f64) {
    let side = 2 * half + 1;
    let at = |part: usize| (part as f64 + 0.5) / PARTS as f64 - 0.5 - half as f64;
    for y in 0..side * PARTS {
        for x in 0..side * PARTS {
            let (dx, dy) = (at(x), at(y));
            weights[y / PARTS * side + x / PARTS] += weight(dx * dx + dy * dy);
        }
    }
}

/// Spreads points of a line over the four pixels around each.
fn line(weights: &mut [f64], half: usize, strength: f64, angle: f64) {
    let side = 2 * half + 1;
    let length = 12.0f64.sqrt() * strength;
    for point in 0..POINTS {
        let along = ((point as f64 + 0.5) / POINTS as f64 - 0.5) * length;
        let x = half as f64 + along * libm::cos(angle);
        let y = half as f64 + along * libm::sin(angle);
        let (left, top) = (x.floor(), y.floor());
        let (right, below) = (x - left, y - top);
        let at = top as usize * side + left as usize;
        weights[at] += (1.0 - right) * (1.0 - below);
        weights[at + 1] += right * (1.0 - below);
        weights[at + side] += (1.0 - right) * below;
        weights[at + side + 1] += right * below;
    }
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
