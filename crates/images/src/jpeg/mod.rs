//! JPEG: the luma plane alone.
//!
//! Baseline Huffman coding in gray or YCbCr, which nearly all cameras and phones write, is decoded
//! here: [`header`] parses the markers, [`scan`] goes through the blocks with the tables of
//! [`huffman`] over [`bits`], and [`idct`] turns them into the same pixels as libjpeg. The bits of
//! the colours are only skipped. Every other kind of file goes to zune-jpeg.
//!
//! A file whose picture data do not end exactly at the last block is damaged. Decoders fill in the
//! rest as well as they can (libjpeg with a warning), and the filled area would be judged as part
//! of the photo. Here every scan is read to its end; [`check`] does so for files that zune-jpeg
//! decodes, which notices little.

mod bits;
mod check;
#[cfg(test)]
mod damage;
mod header;
mod huffman;
mod idct;
mod markers;
mod scan;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use self::check::Checked;
use self::header::Header;
use super::{Decoder, Gray, MAX_PIXELS, PhotoError, PhotoFormat, check_size, luma};

/// Maximum number of passes in a progressive file; more than real files have would only cost time.
const MAX_SCANS: usize = 64;

/// What is wrong with entropy-coded data: bytes were lost or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Damage {
    #[error("the picture contains an invalid code")]
    Code,
    #[error("the picture ends before its last block")]
    Short,
    #[error("the file ends before the picture")]
    Cut,
    #[error("the picture continues after its last block")]
    Left,
    #[error("a restart marker is missing or out of order")]
    Restart,
}

impl From<Damage> for PhotoError {
    fn from(damage: Damage) -> PhotoError {
        match damage {
            Damage::Cut => PhotoError::Truncated,
            _ => PhotoError::Damaged(format!("{damage}; replace it with an intact copy")),
        }
    }
}

/// Why the fast path gives no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A kind of file that it does not decode.
    Other,
    Damaged(Damage),
}

impl From<Damage> for Fault {
    fn from(damage: Damage) -> Fault {
        Fault::Damaged(damage)
    }
}

pub(super) fn decode(bytes: &[u8], turns: &Decoder) -> Result<Gray, PhotoError> {
    match baseline(bytes) {
        Ok(gray) => Ok(gray),
        Err(Fault::Other) => other(bytes, turns),
        Err(Fault::Damaged(damage)) => Err(damage.into()),
    }
}

/// Decodes a file of the kind that is supported here.
fn baseline(bytes: &[u8]) -> Result<Gray, Fault> {
    let header = Header::of(bytes).ok_or(Fault::Other)?;
    if (header.width * header.height) as u64 > MAX_PIXELS {
        return Err(Fault::Other);
    }
    Ok(Gray {
        width: header.width,
        height: header.height,
        pixels: scan::luma(bytes, &header)?,
        orientation: header.exif.map_or(1, super::raster::orientation),
        format: PhotoFormat::Jpeg,
    })
}

/// Decodes every other kind of file with zune-jpeg.
fn other(bytes: &[u8], turns: &Decoder) -> Result<Gray, PhotoError> {
    let checked = check::check(bytes)?;
    let bytes = without(bytes, &checked);
    let options = DecoderOptions::default()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .set_strict_mode(true)
        .jpeg_set_max_scans(MAX_SCANS)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let info = decoder
        .info()
        .ok_or_else(|| PhotoError::Damaged("the header is missing".to_owned()))?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    check_size(width as u64, height as u64)?;
    let in_luma = matches!(
        decoder.input_colorspace(),
        Some(ColorSpace::YCbCr | ColorSpace::Luma)
    );
    if !in_luma {
        decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::RGB));
    }
    let pixels = turns.in_turn(memory(checked.progressive, width, height, in_luma), || {
        let pixels = decoder.decode().map_err(damaged)?;
        Ok::<_, PhotoError>(if in_luma { pixels } else { gray(&pixels) })
    })?;
    if pixels.len() != width * height {
        return Err(PhotoError::Damaged("pixels are missing".to_owned()));
    }
    let orientation = decoder
        .exif()
        .map_or(1, |exif| super::raster::orientation(exif));
    Ok(Gray {
        width,
        height,
        pixels,
        orientation,
        format: PhotoFormat::Jpeg,
    })
}

fn damaged(error: DecodeErrors) -> PhotoError {
    PhotoError::Damaged(format!("{error:?}").replace('\n', " "))
}

fn gray(rgb: &[u8]) -> Vec<u8> {
    rgb.chunks_exact(3)
        .map(|p| luma(p[0], p[1], p[2]))
        .collect()
}

/// The file without the bytes between its segments, which zune-jpeg refuses.
fn without<'a>(file: &'a [u8], checked: &Checked) -> Cow<'a, [u8]> {
    if checked.skipped.is_empty() {
        return Cow::Borrowed(file);
    }
    let (mut kept, mut from) = (Vec::with_capacity(file.len()), 0);
    for skipped in &checked.skipped {
        kept.extend_from_slice(&file[from..skipped.start]);
        from = skipped.end;
    }
    kept.extend_from_slice(&file[from..]);
    Cow::Owned(kept)
}

/// Approximate memory needed for decoding, in bytes.
fn memory(progressive: bool, width: usize, height: usize, in_luma: bool) -> u64 {
    let pixels = (width * height) as u64;
    match (progressive, in_luma) {
        (true, _) => 8 * pixels,
        (false, true) => 0, // one plane; every format needs that much
        (false, false) => 4 * pixels,
    }
}
