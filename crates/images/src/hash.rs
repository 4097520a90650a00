//! A perceptual hash: photos that look alike have hashes that differ in few bits.

use super::Gray;

/// Photos whose hashes differ in no more bits than this look alike.
pub const NEAR: u32 = 4;
/// The column of a prepared part that holds it.
pub const COLUMN: &str = "dhash";
/// Brightness is compared between neighbours of so many cells in a row, in so many rows.
const COLUMNS: usize = 9;
const ROWS: usize = 8;

/// The difference hash ("dHash", Krawetz 2013): a bit for each of 8 × 8 pairs of neighbouring cells,
/// set where the right one is brighter. Size, contrast and compression hardly change it, nor does
/// blur.
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

/// A hash as it is written, in hexadecimal digits.
pub fn spelled(hash: u64) -> String {
    format!("{hash:016x}")
}

/// A hash that [`spelled`] wrote.
pub fn read(text: &str) -> Option<u64> {
    (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok())?
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
    }
}
