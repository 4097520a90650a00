//! Photos as gray pictures: which files are photos, and their pixels within bounds of memory.
//!
//! Of a JPEG file only the luma plane is decoded (`jpeg`), PNG row by row (`png`); other formats go
//! through the crate `image` (`raster`). Gray is luma as JPEG and OpenCV define it: 0.299 R + 0.587 G + 0.114 B.

#![deny(missing_docs)]

pub mod hash;
mod jpeg;
pub mod list;
mod png;
mod raster;
pub mod thumbnail;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use files::foreign;

/// Most pixels of a photo that is decoded: beyond the largest cameras, below what fills a memory.
pub const MAX_PIXELS: u64 = 128 << 20;
/// Largest file that is read.
pub const MAX_BYTES: u64 = 512 << 20;
/// Shortest side that can be judged: the widest filter at a quarter of the size needs it.
pub const MIN_SIDE: usize = 16;
/// Photos that need more bytes than this while they are decoded take turns.
const LARGE: u64 = 64 << 20;

/// A gray picture as it is stored: `orientation` is not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gray {
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row by row, 0 black to 255 white.
    pub pixels: Vec<u8>,
    /// Of EXIF, 1 to 8: 1 upright, 6 to be turned clockwise, ...; 1 where there is none that makes
    /// sense.
    pub orientation: u8,
    /// What it was decoded from.
    pub format: PhotoFormat,
}

/// A format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhotoFormat {
    /// JPEG, baseline or progressive.
    Jpeg,
    /// PNG; of an animation the first picture.
    Png,
    /// WebP.
    Webp,
    /// BMP.
    Bmp,
    /// TIFF.
    Tiff,
    /// GIF; of an animation the first picture.
    Gif,
}

impl PhotoFormat {
    /// Its name in lower case, as tables and reports have it.
    pub fn as_str(self) -> &'static str {
        match self {
            PhotoFormat::Jpeg => "jpeg",
            PhotoFormat::Png => "png",
            PhotoFormat::Webp => "webp",
            PhotoFormat::Bmp => "bmp",
            PhotoFormat::Tiff => "tiff",
            PhotoFormat::Gif => "gif",
        }
    }
}

/// Why a photo cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum PhotoError {
    /// The file system says so.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A folder, a device or a pipe.
    #[error("not a file")]
    NotFile,
    /// No bytes.
    #[error("the file is empty")]
    Empty,
    /// It begins like none of [`PhotoFormat`].
    #[error("no photo: none of JPEG, PNG, WebP, BMP, TIFF, GIF begins like this")]
    UnknownFormat,
    /// It ends before its last pixel.
    #[error("the file is cut short")]
    Truncated,
    /// The decoder stopped, for the reason given.
    #[error("the file is damaged: {0}")]
    Damaged(String),
    /// A rare kind of its format, which is named.
    #[error("{0}: not supported; save the photo as JPEG or PNG")]
    Unsupported(String),
    /// More than [`MAX_PIXELS`].
    #[error("{width} x {height} pixels are more than the {} megapixels that are read", MAX_PIXELS >> 20)]
    TooLarge {
        /// Pixels a row.
        width: u64,
        /// Rows.
        height: u64,
    },
    /// More than [`MAX_BYTES`].
    #[error("the file is larger than the {} MiB that are read", MAX_BYTES >> 20)]
    TooManyBytes,
    /// A side shorter than [`MIN_SIDE`].
    #[error("{width} x {height} pixels are too few to judge; {MIN_SIDE} on each side are needed")]
    TooSmall {
        /// Pixels a row.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// All pixels have this value.
    #[error("every pixel is {}: nothing to judge", shade(*.0))]
    Uniform(u8),
}

fn shade(pixel: u8) -> &'static str {
    match pixel {
        0..=8 => "black",
        247..=255 => "white",
        _ => "of one gray",
    }
}

/// Decodes photos, for any number of threads that share it.
///
/// It bounds their memory: of the photos that need more than 64 MiB for colours or coefficients while
/// they are decoded, one at a time is. So `n` threads hold at most `n` times 64 MiB and one large photo
/// (17 bytes a pixel of [`MAX_PIXELS`] at most), beside each thread's file and gray picture. A program
/// with several decoders has the bound of each.
#[derive(Debug, Default)]
pub struct Decoder {
    turn: Mutex<()>,
}

impl Decoder {
    /// A decoder with nothing under way.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads and decodes the photo at `path`.
    ///
    /// # Errors
    /// Says what is wrong with the file, without its name.
    pub fn read(&self, path: &Path) -> Result<Gray, PhotoError> {
        self.decode(&bytes(path)?)
    }

    /// Decodes the bytes of a photo of any format that can be read; its name does not matter.
    ///
    /// # Errors
    /// Also where there are too many or too few pixels, or all are the same.
    pub fn decode(&self, bytes: &[u8]) -> Result<Gray, PhotoError> {
        // Decoders are fed what people find on disks: a panic in one must not end the whole batch.
        let gray = foreign::run(|| self.any_format(bytes))
            .unwrap_or_else(|panicked| Err(PhotoError::Damaged(panicked.to_string())))?;
        let Gray { width, height, .. } = gray;
        if width.min(height) < MIN_SIDE {
            return Err(PhotoError::TooSmall { width, height });
        }
        match gray.pixels[0] {
            first if gray.pixels.iter().all(|&pixel| pixel == first) => {
                Err(PhotoError::Uniform(first))
            }
            _ => Ok(gray),
        }
    }

    fn any_format(&self, bytes: &[u8]) -> Result<Gray, PhotoError> {
        match bytes {
            [] => Err(PhotoError::Empty),
            [0xff, 0xd8, ..] => jpeg::decode(bytes, self),
            _ => raster::decode(bytes, self),
        }
    }

    /// Runs `decode`, which needs about `bytes` of memory; one at a time where that is much.
    fn in_turn<T>(&self, bytes: u64, decode: impl FnOnce() -> T) -> T {
        // A photo that made its decoder panic has changed nothing that the next one needs.
        let turn = || self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let _turn = (bytes > LARGE).then(turn);
        decode()
    }
}

/// The bytes of a regular file. A device or a pipe could keep a reader waiting for ever.
///
/// # Errors
/// [`PhotoError::Io`], or that it is not a file, is empty, or is longer than [`MAX_BYTES`].
pub fn bytes(path: &Path) -> Result<Vec<u8>, PhotoError> {
    let length = match std::fs::metadata(path)? {
        file if !file.is_file() => return Err(PhotoError::NotFile),
        file => file.len(),
    };
    if length > MAX_BYTES {
        return Err(PhotoError::TooManyBytes);
    }
    let mut bytes = Vec::with_capacity(length as usize + 1);
    File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)?;
    match bytes.len() as u64 {
        0 => Err(PhotoError::Empty),
        length if length > MAX_BYTES => Err(PhotoError::TooManyBytes),
        _ => Ok(bytes),
    }
}

/// Refuses a size before anything is allocated for it.
fn check_size(width: u64, height: u64) -> Result<(), PhotoError> {
    match width.checked_mul(height) {
        Some(0) => Err(PhotoError::Damaged("a side of no pixels".to_owned())),
        Some(pixels) if pixels <= MAX_PIXELS => Ok(()),
        _ => Err(PhotoError::TooLarge { width, height }),
    }
}

/// Luma of RGB in whole numbers, rounded: weights of ITU-R BT.601 in units of 2^-16.
fn luma(r: u8, g: u8, b: u8) -> u8 {
    let sum = 19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b);
    ((sum + (1 << 15)) >> 16) as u8
}

#[cfg(test)]
mod tests;
