//! A borrowed gray picture, and the same at smaller sizes.

/// Brightness of pixels, 0 (black) to 255 (white), row by row without gaps.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    pixels: &'a [u8],
    width: usize,
    height: usize,
}

impl<'a> Plane<'a> {
    /// # Panics
    /// If `pixels` does not have width × height values, or is empty.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::cv::Plane;
    ///
    /// let pixels = [0, 100, 50, 50, 1, 2];
    /// let plane = Plane::new(&pixels, 3, 2);
    /// assert_eq!(plane.row(1), [50, 1, 2]);
    /// assert!(!plane.is_uniform());
    /// // Half of it: the mean of 0, 100, 50 and 1, rounded; the odd column is left out.
    /// let mut buffer = Vec::new();
    /// assert_eq!(plane.half(&mut buffer).unwrap().row(0), [38]);
    /// ```
    pub fn new(pixels: &'a [u8], width: usize, height: usize) -> Plane<'a> {
        assert_eq!(
            pixels.len(),
            width * height,
            "expected width times height pixels"
        );
        assert!(!pixels.is_empty(), "expected at least one pixel");
        Plane {
            pixels,
            width,
            height,
        }
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// One row of pixels.
    pub fn row(&self, y: usize) -> &'a [u8] {
        &self.pixels[y * self.width..(y + 1) * self.width]
    }

    /// Whether all pixels have the same brightness.
    pub fn is_uniform(&self) -> bool {
        self.pixels.iter().all(|&pixel| pixel == self.pixels[0])
    }

    /// The picture with both sides halved `halvings` times: means of squares of pixels, rounded half
    /// up once, without the last columns and rows that fill no square. `out` holds it unless it is
    /// the picture itself.
    ///
    /// # Panics
    /// If nothing would remain, or for more than 8 halvings.
    pub(super) fn shrunk<'b>(self, halvings: u32, out: &'b mut Vec<u8>) -> Plane<'b>
    where
        'a: 'b,
    {
        assert!(halvings <= 8, "sums of a column must fit into 16 bits");
        if halvings == 0 {
            return self;
        }
        let side = 1 << halvings;
        let (width, height) = (self.width >> halvings, self.height >> halvings);
        let mut columns = vec![0u16; width * side];
        out.clear();
        for y in 0..height {
            columns.fill(0);
            for row in 0..side {
                let row = self.row(y * side + row);
                for (sum, &pixel) in columns.iter_mut().zip(row) {
                    *sum += u16::from(pixel);
                }
            }
            out.extend(columns.chunks_exact(side).map(|columns| {
                let sum: u32 = columns.iter().map(|&sum| u32::from(sum)).sum();
                ((sum + (1 << (2 * halvings - 1))) >> (2 * halvings)) as u8
            }));
        }
        Plane::new(out, width, height)
    }

    /// Writes the means of 2 × 2 pixels, rounded half up, to `out`: half the width and height,
    /// without an odd last column or row. `None` if nothing would remain.
    pub fn half<'b>(&self, out: &'b mut Vec<u8>) -> Option<Plane<'b>> {
        let (width, height) = (self.width / 2, self.height / 2);
        if width == 0 || height == 0 {
            return None;
        }
        out.clear();
        out.resize(width * height, 0);
        for (y, out) in out.chunks_exact_mut(width).enumerate() {
            mean_pairs(self.row(2 * y), self.row(2 * y + 1), out);
        }
        Some(Plane::new(out, width, height))
    }
}

/// The index of a pixel outside a row of `len`, mirrored at the middle of the border pixel, like
/// OpenCV's `BORDER_REFLECT_101` (`dcb|abcd|cba`). A row of one pixel is repeated.
pub(super) fn reflect(index: isize, len: usize) -> usize {
    if (index as usize) < len {
        return index as usize; // nearly always, and without the division below
    }
    let period = 2 * (len as isize - 1);
    if period == 0 {
        return 0;
    }
    let index = index.rem_euclid(period);
    index.min(period - index) as usize
}

fn mean_pairs(upper: &[u8], lower: &[u8], out: &mut [u8]) {
    let (upper, _) = upper.as_chunks::<2>();
    let (lower, _) = lower.as_chunks::<2>();
    // Two pixels in a 16-bit number: a form that compilers vectorize.
    let pair = |pixels: &[u8; 2]| {
        let both = u16::from_le_bytes(*pixels);
        (both & 0xff) + (both >> 8)
    };
    for (out, (a, b)) in out.iter_mut().zip(upper.iter().zip(lower)) {
        *out = ((pair(a) + pair(b) + 2) >> 2) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_are_mirrored_at_the_last_pixel() {
        let at = |len, range: std::ops::Range<isize>| -> Vec<usize> {
            range.map(|i| reflect(i, len)).collect()
        };
        assert_eq!(at(4, -3..7), [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]);
        assert_eq!(at(2, -3..5), [1, 0, 1, 0, 1, 0, 1, 0]);
        assert_eq!(at(1, -2..3), [0; 5]);
    }

    #[test]
    fn half_size_is_the_mean_of_four() {
        let pixels = [1, 3, 9, 5, 6, 9, 7, 7, 7];
        let mut out = Vec::new();
        let half = Plane::new(&pixels, 3, 3).half(&mut out).unwrap();
        assert_eq!((half.width(), half.height(), half.row(0)), (1, 1, &[4][..])); // 15 / 4
        assert!(Plane::new(&[1, 2], 2, 1).half(&mut Vec::new()).is_none());
    }

    #[test]
    fn shrinking_takes_means_of_squares() {
        let pixels: Vec<u8> = (0..9 * 5).map(|i| (i * i % 256) as u8).collect();
        let plane = Plane::new(&pixels, 9, 5);
        let mut out = Vec::new();
        let quarter = plane.shrunk(2, &mut out);
        assert_eq!((quarter.width(), quarter.height()), (2, 1));
        for x in 0..2 {
            let square = (0..4).flat_map(|y| &plane.row(y)[4 * x..4 * x + 4]);
            let sum: u32 = square.map(|&pixel| u32::from(pixel)).sum();
            assert_eq!(u32::from(quarter.row(0)[x]), (sum + 8) / 16);
        }
        let (mut once, mut half) = (Vec::new(), Vec::new());
        let shrunk = plane.shrunk(1, &mut once);
        assert_eq!(shrunk.row(1), plane.half(&mut half).unwrap().row(1));
        assert_eq!(plane.shrunk(0, &mut out).row(4), plane.row(4));
        // The largest sum of a column.
        let white = vec![255; 256 * 256];
        assert_eq!(
            Plane::new(&white, 256, 256).shrunk(8, &mut out).row(0),
            [255]
        );
    }

    #[test]
    fn one_different_pixel_is_not_uniform() {
        assert!(Plane::new(&[7; 6], 3, 2).is_uniform());
        assert!(!Plane::new(&[7, 7, 7, 7, 7, 8], 3, 2).is_uniform());
    }
}
