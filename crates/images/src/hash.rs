//! A perceptual hash: hashes of photos that look alike differ in few bits.

use super::Gray;

/// Largest number of differing bits at which two photos count as alike.
pub const NEAR: u32 = 4;
/// The column of a prepared split that holds the hash.
pub const COLUMN: &str = "dhash";
/// Size of the grid in which the brightness of horizontal neighbours is compared.
const COLUMNS: usize = 9;
const ROWS: usize = 8;

/// The difference hash ("dHash", Krawetz 2013): one bit for each of 8 × 8 pairs of horizontally
/// adjacent cells, set if the right one is brighter. Size, contrast, compression and blur hardly
/// change it.
///
/// # Examples
/// ```
/// use easylife_images::hash::{NEAR, difference};
/// use easylife_images::{Gray, PhotoFormat};
///
/// let photo = |gain: usize| Gray {
///     width: 90,
///     height: 80,
///     pixels: (0..90 * 80).map(|i| ((i % 90) * (i / 90) / gain % 256) as u8).collect(),
///     orientation: 1,
///     format: PhotoFormat::Png,
/// };
/// // Half the contrast is the same photo.
/// let bits = difference(&photo(40)) ^ difference(&photo(80));
/// assert!(bits.count_ones() <= NEAR);
/// ```
pub fn difference(photo: &Gray) -> u64 {
    let mut hash = 0;
    for row in 0..ROWS {
        let cells: Vec<u64> = (0..COLUMNS)
            .map(|column| cell(photo, column, row))
            .collect();
        for pair in cells.windows(2) {
            hash = hash << 1 | u64::from(pair[1] > pair[0]);
        }
    }
    hash
}

/// Formats a hash as hexadecimal digits.
pub fn spelled(hash: u64) -> String {
    format!("{hash:016x}")
}

/// Parses a hash written by [`spelled`].
pub fn read(text: &str) -> Option<u64> {
    let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u64::from_str_radix(text, 16).ok())?
}

/// Mean brightness of a cell, in 1/256.
fn cell(photo: &Gray, column: usize, row: usize) -> u64 {
    let ends = |at: usize, of: usize, side: usize| {
        let start = at * side / of;
        start..((at + 1) * side / of).max(start + 1)
    };
    let (xs, ys) = (
        ends(column, COLUMNS, photo.width),
        ends(row, ROWS, photo.height),
    );
    let pixels = (xs.len() * ys.len()) as u64;
    let rows = ys.map(|y| &photo.pixels[y * photo.width..][xs.clone()]);
    let sum: u64 = rows.flatten().map(|&pixel| u64::from(pixel)).sum();
    sum * 256 / pixels
}

#[cfg(test)]
mod tests {
    use super::super::PhotoFormat;
    use super::*;

    fn photo(width: usize, height: usize, light: impl Fn(usize, usize) -> usize) -> Gray {
        let pixels = (0..width * height).map(|i| light(i % width, i / width) as u8);
        Gray {
            width,
            height,
            pixels: pixels.collect(),
            orientation: 1,
            format: PhotoFormat::Png,
        }
    }

    #[test]
    fn a_slope_sets_every_bit_or_none() {
        assert_eq!(difference(&photo(90, 40, |x, _| 2 * x)), u64::MAX);
        assert_eq!(difference(&photo(90, 40, |x, _| 200 - 2 * x)), 0);
    }

    #[test]
    fn size_and_contrast_hardly_matter_and_content_does() {
        let light = |x: usize, y: usize| (x * x / 97 + y * y / 31 + x * y / 53) % 200;
        let small = difference(&photo(180, 160, light));
        let dim = difference(&photo(180, 160, |x, y| light(x, y) / 2 + 30));
        assert!((small ^ dim).count_ones() <= NEAR);
        let other = difference(&photo(180, 160, |x, y| light(y, 3 * x)));
        assert!((small ^ other).count_ones() > 4 * NEAR);
    }

    #[test]
    fn what_is_written_is_read() {
        for hash in [0, 1, 0xfedc_ba98_7654_3210, u64::MAX] {
            assert_eq!(read(&spelled(hash)), Some(hash));
        }
        assert_eq!([read(""), read("12"), read("000000000000000g")], [None; 3]);
        assert_eq!(read("+00000000000000f"), None);
    }
}
