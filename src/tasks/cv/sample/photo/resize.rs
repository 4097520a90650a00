//! Makes canvases smaller and larger.

use image::Luma;

use super::Canvas;

/// Means of 2 × 2 pixels; an odd last row or column is repeated.
pub(super) fn halved(canvas: &Canvas) -> Canvas {
    let (width, height) = canvas.dimensions();
    Canvas::from_fn(width.div_ceil(2), height.div_ceil(2), |x, y| {
        let at = |dx: u32, dy: u32| {
            let (x, y) = ((2 * x + dx).min(width - 1), (2 * y + dy).min(height - 1));
            canvas.get_pixel(x, y).0[0]
        };
        Luma([(at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1)) / 4.0])
    })
}

/// The canvas at a larger size, by cubic convolution (Keys 1981, a = -1/2), first along the rows,
/// then along the columns.
pub(super) fn to(canvas: &Canvas, width: u32, height: u32) -> Canvas {
    let rows: Vec<Vec<f32>> = canvas
        .as_raw()
        .chunks_exact(canvas.width() as usize)
        .map(|row| along(row, width as usize))
        .collect();
    let taps = taps(rows.len(), height as usize);
    let mut pixels = Vec::with_capacity(width as usize * height as usize);
    for (places, weights) in taps {
        let four = places.map(|place| &rows[place]);
        pixels.extend((0..width as usize).map(|x| {
            let terms = four.iter().zip(weights);
            terms.map(|(row, weight)| row[x] * weight).sum::<f32>()
        }));
    }
    Canvas::from_raw(width, height, pixels).expect("width times height pixels")
}

fn along(row: &[f32], length: usize) -> Vec<f32> {
    taps(row.len(), length)
        .map(|(places, weights)| {
            let terms = places.iter().zip(weights);
            terms.map(|(&place, weight)| row[place] * weight).sum()
        })
        .collect()
}

/// The four pixels of `from` that each of `to` pixels is made of, and their weights.
fn taps(from: usize, to: usize) -> impl Iterator<Item = ([usize; 4], [f32; 4])> {
    let scale = from as f64 / to as f64;
    (0..to).map(move |pixel| {
        let at = (pixel as f64 + 0.5) * scale - 0.5;
        let t = at - at.floor();
        let place = |offset: i64| (at.floor() as i64 + offset).clamp(0, from as i64 - 1) as usize;
        let weights = [
            ((-0.5 * t + 1.0) * t - 0.5) * t,
            (1.5 * t - 2.5) * t * t + 1.0,
            ((-1.5 * t + 2.0) * t + 0.5) * t,
            (0.5 * t - 0.5) * t * t,
        ];
        let places = [-1, 0, 1, 2].map(place);
        (places, weights.map(|weight| weight as f32))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_stays_a_slope() {
        let canvas = Canvas::from_fn(12, 9, |x, y| Luma([(3 * x + 7 * y) as f32]));
        let larger = to(&canvas, 30, 27);
        for (x, y) in [(8, 9), (15, 13), (20, 17)] {
            let (u, v) = ((x as f32 + 0.5) * 0.4 - 0.5, (y as f32 + 0.5) / 3.0 - 0.5);
            let found = larger.get_pixel(x, y).0[0];
            assert!((found - 3.0 * u - 7.0 * v).abs() < 1e-3, "{found}");
        }
    }

    #[test]
    fn half_the_size_is_the_mean_of_four() {
        let canvas = Canvas::from_fn(3, 2, |x, y| Luma([(x + 10 * y) as f32]));
        let half = halved(&canvas);
        assert_eq!((half.width(), half.height()), (2, 1));
        assert_eq!(
            [half.get_pixel(0, 0).0[0], half.get_pixel(1, 0).0[0]],
            [5.5, 7.0]
        );
    }
}
