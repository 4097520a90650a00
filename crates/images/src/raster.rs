//! Decodes everything except JPEG and most PNG with the `image` crate, and converts each pixel
//! format to gray.

use std::io::Cursor;

use image::error::{ImageError, LimitErrorKind};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::{Decoder, Gray, PhotoError, PhotoFormat, check_size, luma, png};

/// Memory that a decoder may allocate besides the pixels, and the size of the widest pixel (RGBA,
/// 32-bit).
const ALLOWANCE: u64 = 64 << 20;
const WIDEST_PIXEL: u64 = 16;

pub(super) fn decode(bytes: &[u8], turns: &Decoder) -> Result<Gray, PhotoError> {
    let format = image::guess_format(bytes).map_err(|_| PhotoError::UnknownFormat)?;
    let format_here = known(format).ok_or(PhotoError::UnknownFormat)?;
    if format == ImageFormat::Png
        && let Some(gray) = png::decode(bytes, turns)?
    {
        return Ok(gray);
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    check_size(u64::from(width), u64::from(height))?;
    // An invalid orientation does not prevent decoding.
    let orientation = decoder.orientation().map_or(1, Orientation::to_exif);
    let memory = decoder.total_bytes() + u64::from(width) * u64::from(height);
    let pixels = turns.in_turn(memory, || {
        DynamicImage::from_decoder(decoder)
            .map(gray)
            .map_err(damaged)
    })?;
    Ok(Gray {
        width: width as usize,
        height: height as usize,
        pixels,
        orientation,
        format: format_here,
    })
}

fn known(format: ImageFormat) -> Option<PhotoFormat> {
    match format {
        ImageFormat::Png => Some(PhotoFormat::Png),
        ImageFormat::WebP => Some(PhotoFormat::Webp),
        ImageFormat::Bmp => Some(PhotoFormat::Bmp),
        ImageFormat::Tiff => Some(PhotoFormat::Tiff),
        ImageFormat::Gif => Some(PhotoFormat::Gif),
        _ => None,
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(super::MAX_PIXELS * WIDEST_PIXEL + ALLOWANCE);
    limits
}

fn damaged(error: ImageError) -> PhotoError {
    match error {
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            PhotoError::Truncated
        }
        ImageError::Unsupported(error) => PhotoError::Unsupported(error.to_string()),
        ImageError::Limits(error) if error.kind() == LimitErrorKind::InsufficientMemory => {
            PhotoError::Damaged("decoding needs more memory than allowed".to_owned())
        }
        error => PhotoError::Damaged(error.to_string().replace('\n', " ")),
    }
}

/// EXIF orientation, 1 to 8; 1 if missing or invalid.
pub(super) fn orientation(exif: &[u8]) -> u8 {
    Orientation::from_exif_chunk(exif).map_or(1, Orientation::to_exif)
}

/// Luma of every pixel. Transparency is dropped; 16 bits are rounded to 8.
fn gray(image: DynamicImage) -> Vec<u8> {
    match image {
        DynamicImage::ImageLuma8(image) => image.into_raw(),
        DynamicImage::ImageLumaA8(image) => image.pixels().map(|p| p.0[0]).collect(),
        DynamicImage::ImageRgb8(image) => image
            .pixels()
            .map(|p| luma(p.0[0], p.0[1], p.0[2]))
            .collect(),
        DynamicImage::ImageRgba8(image) => image
            .pixels()
            .map(|p| luma(p.0[0], p.0[1], p.0[2]))
            .collect(),
        DynamicImage::ImageLuma16(image) => image.pixels().map(|p| eight(p.0[0])).collect(),
        DynamicImage::ImageLumaA16(image) => image.pixels().map(|p| eight(p.0[0])).collect(),
        DynamicImage::ImageRgb16(image) => image
            .pixels()
            .map(|p| luma16([p.0[0], p.0[1], p.0[2]]))
            .collect(),
        DynamicImage::ImageRgba16(image) => image
            .pixels()
            .map(|p| luma16([p.0[0], p.0[1], p.0[2]]))
            .collect(),
        // Floating point: the crate maps 0 to 1 onto 16 bits.
        other => gray(DynamicImage::ImageRgb16(other.to_rgb16())),
    }
}

/// 16 bits to 8, rounded: 65535 is 255.
pub(super) fn eight(value: u16) -> u8 {
    ((u32::from(value) * 255 + 32_767) / 65_535) as u8
}

pub(super) fn luma16([r, g, b]: [u16; 3]) -> u8 {
    luma(eight(r), eight(g), eight(b))
}
