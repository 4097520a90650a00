//! A painted scene with the statistics of photos.
//!
//! Leaves of all sizes fall one over the other, each with an edge, a shade and a texture (Lee, Mumford
//! and Huang, "Occlusion models for natural images", IJCV 41, 2001): edges and a spectrum near 1/f
//! come out by themselves. Lines of strokes stand for writing, wires and hair. In some scenes the
//! background is out of focus, which does not make a photo blurred.

use image::{GrayImage, Luma};
use imageproc::drawing::{draw_filled_ellipse_mut, draw_line_segment_mut, draw_polygon_mut};
use imageproc::point::Point;
use imageproc::rect::Rect;

use super::{Blur, Canvas, resize};
use crate::tasks::draw::Draw;

/// Sides of the photos, landscape or portrait.
const SIDES: [(u32, u32); 6] = [
    (320, 240),
    (352, 352),
    (448, 320),
    (512, 384),
    (640, 432),
    (800, 600),
];
/// The canvas is this many times as large as the photo, so that edges fall between pixels as in a lens.
const FINER: u32 = 2;
/// Side of the square of a texture, which repeats.
const TEXTURE: usize = 256;

pub(super) fn paint(draw: &mut Draw) -> Canvas {
    let &(a, b) = draw.choose(&SIDES);
    let (width, height) = if draw.chance(0.3) { (b, a) } else { (a, b) };
    let mut painter = Painter::new(draw, width * FINER, height * FINER);
    let leaves = draw.log_uniform(60.0, 600.0) as usize;
    let subject = if draw.chance(0.35) {
        leaves / 3
    } else {
        leaves
    };
    painter.leaves(draw, leaves - subject, 1.0);
    if subject < leaves {
        let strength = draw.log_uniform(1.0, 3.0);
        painter.canvas = Blur::Disk { strength }.apply(&painter.canvas);
        painter.leaves(draw, subject, 0.35);
    } else {
        painter.leaves(draw, subject, 1.0);
    }
    for _ in 0..draw.below(4) {
        painter.strokes(draw);
    }
    lens(draw, &resize::halved(&painter.canvas))
}

struct Painter {
    canvas: Canvas,
    /// 255 where the current leaf is, 0 elsewhere.
    mask: GrayImage,
    textures: Vec<Vec<f32>>,
}

impl Painter {
    fn new(draw: &mut Draw, width: u32, height: u32) -> Painter {
        let textures = (0..3).map(|_| texture(draw)).collect();
        let mut painter = Painter {
            canvas: Canvas::new(width, height),
            mask: GrayImage::from_pixel(width, height, Luma([255])),
            textures,
        };
        painter.fill(draw, Rect::at(0, 0).of_size(width, height));
        painter.mask = GrayImage::new(width, height);
        painter
    }

    /// Leaves of all sizes, none much more frequent than others in the area it covers; within the
    /// middle `share` of the canvas.
    fn leaves(&mut self, draw: &mut Draw, count: usize, share: f64) {
        let (width, height) = (
            f64::from(self.canvas.width()),
            f64::from(self.canvas.height()),
        );
        let largest = 0.3 * width.min(height);
        for _ in 0..count {
            // Density r^-3 between the ends, by inversion.
            let (low, high) = (1.0 / (largest * largest), 1.0 / 16.0);
            let radius = 1.0 / draw.uniform(low, high).sqrt();
            let place = |draw: &mut Draw, side: f64| {
                (side * (0.5 + share * draw.uniform(-0.5, 0.5))) as i32
            };
            let centre = (place(draw, width), place(draw, height));
            self.leaf(draw, centre, radius);
        }
    }

    fn leaf(&mut self, draw: &mut Draw, (x, y): (i32, i32), radius: f64) {
        let ratio = draw.log_uniform(0.4, 1.0);
        if draw.chance(0.4) {
            let (a, b) = (radius as i32, (radius * ratio) as i32);
            draw_filled_ellipse_mut(&mut self.mask, (x, y), a.max(1), b.max(1), Luma([255]));
        } else {
            let corners = polygon(draw, (x, y), radius, ratio);
            if corners.len() < 3 {
                return;
            }
            draw_polygon_mut(&mut self.mask, &corners, Luma([255]));
        }
        let reach = radius as i32 + 2;
        let side = 2 * reach as u32 + 1;
        let all = Rect::at(0, 0).of_size(self.mask.width(), self.mask.height());
        let around = Rect::at(x - reach, y - reach).of_size(side, side);
        if let Some(within) = all.intersect(around) {
            self.fill(draw, within);
        }
    }

    /// Gives what the mask marks within `area` a shade, a slope and a texture, and clears the mask.
    fn fill(&mut self, draw: &mut Draw, area: Rect) {
        let shade = draw.uniform(15.0, 240.0);
        let slope = (draw.uniform(-0.15, 0.15), draw.uniform(-0.15, 0.15));
        let strength = draw.log_uniform(1.0, 45.0);
        let texture = &self.textures[draw.below(self.textures.len())];
        let shift = (draw.below(TEXTURE), draw.below(TEXTURE));
        let (left, top) = (area.left() as u32, area.top() as u32);
        for y in top..top + area.height() {
            for x in left..left + area.width() {
                if self.mask.get_pixel(x, y).0[0] == 0 {
                    continue;
                }
                self.mask.put_pixel(x, y, Luma([0]));
                let row = (y as usize + shift.1) % TEXTURE;
                let grain = texture[row * TEXTURE + (x as usize + shift.0) % TEXTURE];
                let (dx, dy) = (f64::from(x - left), f64::from(y - top));
                let light = shade + slope.0 * dx + slope.1 * dy + strength * f64::from(grain);
                self.canvas
                    .put_pixel(x, y, Luma([light.clamp(0.0, 255.0) as f32]));
            }
        }
    }

    /// A block of short strokes in lines, as writing.
    fn strokes(&mut self, draw: &mut Draw) {
        let (width, height) = (self.canvas.width() as usize, self.canvas.height() as usize);
        let (left, top) = (draw.below(width) as f32, draw.below(height) as f32);
        let size = draw.uniform(6.0, 24.0) as f32;
        let ink = Luma([draw.uniform(0.0, 255.0) as f32]);
        for line in 0..2 + draw.below(5) {
            for letter in 0..4 + draw.below(20) {
                let (x, y) = (left + letter as f32 * size, top + line as f32 * 1.8 * size);
                for _ in 0..2 {
                    let end = |draw: &mut Draw, at: f32| at + size * draw.uniform(0.0, 0.8) as f32;
                    let from = (end(draw, x), end(draw, y));
                    let to = (end(draw, x), end(draw, y));
                    // Two pixels of the fine canvas are one of the photo.
                    draw_line_segment_mut(&mut self.canvas, from, to, ink);
                    let right_of = |(x, y): (f32, f32)| (x + 1.0, y);
                    draw_line_segment_mut(&mut self.canvas, right_of(from), right_of(to), ink);
                }
            }
        }
    }
}

/// Corners at random distances from the centre, in order round it, none at the same place as the
/// one before.
fn polygon(draw: &mut Draw, (x, y): (i32, i32), radius: f64, ratio: f64) -> Vec<Point<i32>> {
    let turn = draw.uniform(0.0, std::f64::consts::TAU);
    let count = 3 + draw.below(6);
    let mut corners: Vec<Point<i32>> = Vec::with_capacity(count);
    for corner in 0..count {
        let angle = turn + std::f64::consts::TAU * corner as f64 / count as f64;
        let distance = radius * draw.uniform(ratio, 1.0);
        let dx = (distance * libm::cos(angle)) as i32;
        let dy = (distance * libm::sin(angle)) as i32;
        corners.push(Point::new(x + dx, y + dy));
    }
    corners.dedup();
    while corners.len() > 1 && corners.first() == corners.last() {
        corners.pop();
    }
    corners
}

/// Octaves of noise of mean 0, each of half the size and `persistence` times the strength of the one
/// before: a half is a spectrum of 1/f.
fn texture(draw: &mut Draw) -> Vec<f32> {
    let persistence = draw.uniform(0.4, 0.9) as f32;
    let mut texture = vec![0.0f32; TEXTURE * TEXTURE];
    let mut strength = 1.0f32;
    let mut squares = 0.0f32;
    for cell in [64, 32, 16, 8, 4, 2, 1] {
        let cells = TEXTURE / cell;
        let lattice: Vec<f32> = (0..cells * cells)
            .map(|_| draw.uniform(-1.0, 1.0) as f32)
            .collect();
        // Between points of the lattice first along its rows, then from row to row.
        let along: Vec<Vec<f32>> = lattice
            .chunks_exact(cells)
            .map(|row| {
                let at = |x: usize| {
                    let part = (x % cell) as f32 / cell as f32;
                    row[x / cell] * (1.0 - part) + row[(x / cell + 1) % cells] * part
                };
                (0..TEXTURE).map(at).collect()
            })
            .collect();
        for (y, values) in texture.chunks_exact_mut(TEXTURE).enumerate() {
            let part = (y % cell) as f32 / cell as f32;
            let (upper, lower) = (&along[y / cell], &along[(y / cell + 1) % cells]);
            for ((value, upper), lower) in values.iter_mut().zip(upper).zip(lower) {
                *value += strength * (upper * (1.0 - part) + lower * part);
            }
        }
        squares += strength * strength;
        strength *= persistence;
    }
    let scale = 1.0 / squares.sqrt();
    texture.iter_mut().for_each(|value| *value *= scale);
    texture
}

/// A good lens is not perfect, and cameras sharpen.
fn lens(draw: &mut Draw, canvas: &Canvas) -> Canvas {
    let soft = Blur::Gaussian {
        strength: draw.uniform(0.2, 0.55),
    };
    let mut seen = soft.apply(canvas);
    if draw.chance(0.4) {
        let amount = draw.uniform(0.2, 1.0) as f32;
        let wide = Blur::Gaussian { strength: 1.0 }.apply(&seen);
        for (pixel, wide) in seen.pixels_mut().zip(wide.pixels()) {
            pixel.0[0] += amount * (pixel.0[0] - wide.0[0]);
        }
    }
    seen
}
