//! Decodes photos to gray pictures within bounds of memory, and lists the photos of a folder.
//!
//! Only the luma plane of a JPEG file is decoded (`jpeg`), PNG is decoded row by row (`png`); other
//! formats go through the `image` crate (`raster`). Gray is luma as defined by JPEG and OpenCV:
//! 0.299 R + 0.587 G + 0.114 B.

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

/// Maximum number of pixels of a photo: above the largest cameras, and small enough for memory.
pub const MAX_PIXELS: u64 = 128 << 20;
/// Maximum size of a file in bytes.
pub const MAX_BYTES: u64 = 512 << 20;
/// Minimum side in pixels: the widest filter needs it at a quarter of the size.
pub const MIN_SIDE: usize = 16;
/// Photos that need more bytes than this for decoding are decoded one at a time.
const LARGE: u64 = 64 << 20;

/// A gray picture as stored: `orientation` is not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gray {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Brightness row by row, from 0 (black) to 255 (white).
    pub pixels: Vec<u8>,
    /// EXIF orientation, 1 to 8: 1 is upright, 6 must be rotated clockwise, and so on; 1 if missing
    /// or invalid.
    pub orientation: u8,
    /// The format it was decoded from.
    pub format: PhotoFormat,
}

/// A supported format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhotoFormat {
    /// JPEG, baseline or progressive.
    Jpeg,
    /// PNG; the first frame of an animation.
    Png,
    /// WebP.
    Webp,
    /// BMP.
    Bmp,
    /// TIFF.
    Tiff,
    /// GIF; the first frame of an animation.
    Gif,
}

impl PhotoFormat {
    /// The format's name in lower case, as used in tables and reports.
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
    /// The file system returned an error.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A folder, a device or a pipe.
    #[error("not a file")]
    NotFile,
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// The content does not start like any [`PhotoFormat`].
    #[error("not a supported image (JPEG, PNG, WebP, BMP, TIFF, GIF)")]
    UnknownFormat,
    /// The file ends before its last pixel.
    #[error("the file is truncated")]
    Truncated,
    /// The decoder failed, with the reason.
    #[error("the file is damaged: {0}")]
    Damaged(String),
    /// An unsupported variant of a format, which is named.
    #[error("{0}: not supported; save the photo as JPEG or PNG")]
    Unsupported(String),
    /// More pixels than [`MAX_PIXELS`].
    #[error("{width} x {height} pixels exceed the limit of {} megapixels", MAX_PIXELS >> 20)]
    TooLarge {
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
    },
    /// A file larger than [`MAX_BYTES`].
    #[error("the file is larger than the limit of {} MiB", MAX_BYTES >> 20)]
    TooManyBytes,
    /// A side shorter than [`MIN_SIDE`].
    #[error("{width} x {height} pixels are too few to judge; each side needs at least {MIN_SIDE}")]
    TooSmall {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// All pixels have this value.
    #[error("every pixel is {}, so there is nothing to judge", shade(*.0))]
    Uniform(u8),
}

fn shade(pixel: u8) -> &'static str {
    match pixel {
        0..=8 => "black",
        247..=255 => "white",
        _ => "the same gray",
    }
}

/// Decodes photos; any number of threads can share one decoder.
///
/// It bounds their memory: photos that need more than 64 MiB for colours or coefficients are
/// decoded one at a time. So `n` threads hold at most `n` times 64 MiB and one large photo (at most
/// 17 bytes per pixel of [`MAX_PIXELS`]), plus each thread's file and gray picture. Each decoder of
/// a program has its own bound.
#[derive(Debug, Default)]
pub struct Decoder {
    turn: Mutex<()>,
}

impl Decoder {
    /// Creates an idle decoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads and decodes the photo at `path`.
    ///
    /// # Errors
    /// What is wrong with the file, without its name.
    pub fn read(&self, path: &Path) -> Result<Gray, PhotoError> {
        self.decode(&bytes(path)?)
    }

    /// Decodes the bytes of a photo in any supported format; the format is detected from the
    /// content.
    ///
    /// # Errors
    /// If the bytes cannot be decoded, or the picture is too large, too small, or uniform.
    ///
    /// # Examples
    /// ```
    /// use easylife_images::{Decoder, PhotoError};
    ///
    /// let decoder = Decoder::new();
    /// assert!(matches!(decoder.decode(b""), Err(PhotoError::Empty)));
    /// assert!(matches!(decoder.decode(b"text"), Err(PhotoError::UnknownFormat)));
    /// let cut = decoder.decode(b"\x89PNG\r\n\x1a\n").unwrap_err();
    /// assert!(!cut.to_string().is_empty());
    /// ```
    pub fn decode(&self, bytes: &[u8]) -> Result<Gray, PhotoError> {
        // Users' files may make a decoder panic; that must not end the whole batch.
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

    /// Runs `decode`, which needs about `bytes` of memory; large ones run one at a time.
    fn in_turn<T>(&self, bytes: u64, decode: impl FnOnce() -> T) -> T {
        // A panic in another photo's decoder leaves no state that this one could see.
        let turn = || self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let _turn = (bytes > LARGE).then(turn);
        decode()
    }
}

/// Reads a regular file. A device or a pipe could block forever.
///
/// # Errors
/// [`PhotoError::Io`], or if the path is not a file, or the file is empty or larger than
/// [`MAX_BYTES`].
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

/// Checks a size before memory is allocated for it.
fn check_size(width: u64, height: u64) -> Result<(), PhotoError> {
    match width.checked_mul(height) {
        Some(0) => Err(PhotoError::Damaged("the width or height is 0".to_owned())),
        Some(pixels) if pixels <= MAX_PIXELS => Ok(()),
        _ => Err(PhotoError::TooLarge { width, height }),
    }
}

/// Luma of RGB in integers, rounded: weights of ITU-R BT.601 in units of 2^-16.
fn luma(r: u8, g: u8, b: u8) -> u8 {
    let sum = 19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b);
    ((sum + (1 << 15)) >> 16) as u8
}

#[cfg(test)]
mod tests;
