//! Decodes PNG files row by row, so that the colours of a large photo are never in memory at once.
//!
//! Interlaced and animated files, whose rows are not in order, are left to the `image` crate.

use std::io::{Cursor, ErrorKind};

use png::{BitDepth, ColorType, DecodingError, Limits, Transformations};

use super::raster::{eight, luma16};
use super::{Gray, PhotoError, PhotoFormat, check_size, luma, raster};

/// Memory that the decoder may allocate for itself, in bytes; its default.
const ALLOWANCE: usize = 64 << 20;

/// The picture in `bytes`; `None` if its rows are not in order.
pub(super) fn decode(bytes: &[u8], turns: &super::Decoder) -> Result<Option<Gray>, PhotoError> {
    let limits = Limits { bytes: ALLOWANCE };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::EXPAND);
    let header = decoder.read_header_info().map_err(damaged)?;
    let (width, height) = header.size();
    check_size(u64::from(width), u64::from(height))?;
    let mut reader = decoder.read_info().map_err(damaged)?;
    let info = reader.info();
    if info.interlaced || info.animation_control.is_some() {
        return Ok(None);
    }
    let exif = info.exif_metadata.as_deref();
    let orientation = exif.map_or(1, raster::orientation);
    let (color, depth) = reader.output_color_type();
    let (width, height) = (width as usize, height as usize);
    let pixels = turns.in_turn((width * height) as u64, || {
        let mut pixels = Vec::with_capacity(width * height);
        while let Some(row) = reader.next_row().map_err(damaged)? {
            append(color, depth, row.data(), &mut pixels)?;
        }
        Ok::<_, PhotoError>(pixels)
    })?;
    if pixels.len() != width * height {
        return Err(PhotoError::Truncated);
    }
    Ok(Some(Gray {
        width,
        height,
        pixels,
        orientation,
        format: PhotoFormat::Png,
    }))
}

/// Appends the luma of a row's pixels. Transparency is dropped; 16 bits (high byte first) are
/// rounded to 8.
fn append(
    color: ColorType,
    depth: BitDepth,
    row: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), PhotoError> {
    let wide = |p: &[u8], channel: usize| u16::from_be_bytes([p[2 * channel], p[2 * channel + 1]]);
    match (color, depth, color.samples()) {
        (ColorType::Grayscale, BitDepth::Eight, _) => out.extend_from_slice(row),
        (ColorType::GrayscaleAlpha, BitDepth::Eight, _) => {
            out.extend(row.chunks_exact(2).map(|p| p[0]));
        }
        (ColorType::Rgb | ColorType::Rgba, BitDepth::Eight, samples) => {
            out.extend(row.chunks_exact(samples).map(|p| luma(p[0], p[1], p[2])));
        }
        (ColorType::Grayscale | ColorType::GrayscaleAlpha, BitDepth::Sixteen, samples) => {
            out.extend(row.chunks_exact(2 * samples).map(|p| eight(wide(p, 0))));
        }
        (ColorType::Rgb | ColorType::Rgba, BitDepth::Sixteen, samples) => {
            let rgb = |p: &[u8]| luma16([wide(p, 0), wide(p, 1), wide(p, 2)]);
            out.extend(row.chunks_exact(2 * samples).map(rgb));
        }
        // Lower bit depths and palettes have been expanded by now.
        (color, depth, _) => {
            return Err(PhotoError::Unsupported(format!(
                "{color:?}, {depth:?} bits"
            )));
        }
    }
    Ok(())
}

fn damaged(error: DecodingError) -> PhotoError {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            PhotoError::Truncated
        }
        DecodingError::LimitsExceeded => {
            PhotoError::Damaged("decoding needs more memory than allowed".to_owned())
        }
        error => PhotoError::Damaged(error.to_string().replace('\n', " ")),
    }
}
