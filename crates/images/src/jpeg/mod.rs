//! JPEG: the luma plane alone.
//!
//! Baseline Huffman coding in gray or YCbCr, which nearly all cameras and phones write, is decoded
//! here: [`header`] parses the markers, [`scan`] goes through the blocks with the tables of
//! [`huffman`] over [`bits`], and [`idct`] turns them into the same pixels as libjpeg. The bits of
//! the colours are only skipped. Every other kind of file goes to zune-jpeg.
//!
//! A file whose picture data do not end exactly at the last block is damaged. Decoders fill in the
//! rest as well as they can (libjpeg with a warning), and the filled area would be judged as part
//! of the photo.

mod bits;
mod header;
mod huffman;
mod idct;
mod scan;
#[cfg(test)]
mod tests;

use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use self::header::Header;
use self::scan::Fault;
use super::{Decoder, Gray, MAX_PIXELS, PhotoError, PhotoFormat, check_size, luma};

/// Maximum number of passes in a progressive file; more than real files have would only cost time.
const MAX_SCANS: usize = 64;

pub(super) fn decode(bytes: &[u8], turns: &Decoder) -> Result<Gray, PhotoError> {
    match baseline(bytes) {
        Ok(gray) => Ok(gray),
        Err(Fault::Other) => other(bytes, turns),
        Err(Fault::Damaged) => {
            Layout::of(bytes)?; // truncated?
            let reason = "the picture data are corrupt; replace the file with an intact copy";
            Err(PhotoError::Damaged(reason.to_owned()))
        }
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
    let layout = Layout::of(bytes)?;
    let options = DecoderOptions::default()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .set_strict_mode(true)
        .jpeg_set_max_scans(MAX_SCANS)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
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
    let pixels = turns.in_turn(layout.memory(width, height, in_luma), || {
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

/// What the markers before the picture state.
struct Layout {
    /// Whether the coefficients of the whole picture are kept until the last pass.
    progressive: bool,
}

impl Layout {
    /// Walks the markers to the first scan and searches for the end marker after it. Decoders fill
    /// missing parts of a picture with gray, which would be judged as part of the photo.
    fn of(bytes: &[u8]) -> Result<Layout, PhotoError> {
        let mut progressive = false;
        let mut at = 2;
        loop {
            while bytes.get(at..at + 2) == Some(&[0xff, 0xff]) {
                at += 1; // fill bytes
            }
            let &[0xff, marker] = bytes.get(at..at + 2).ok_or(PhotoError::Truncated)? else {
                return Err(PhotoError::Damaged(format!("no marker at byte {at}")));
            };
            at += 2;
            match marker {
                0xd9 => return Err(PhotoError::Truncated), // the end before the picture
                0x01 | 0xd0..=0xd8 => continue,            // markers without a length
                0xc2 | 0xc6 | 0xca | 0xce => progressive = true,
                _ => {}
            }
            let length = bytes.get(at..at + 2).ok_or(PhotoError::Truncated)?;
            at += usize::from(u16::from_be_bytes([length[0], length[1]]));
            if marker == 0xda {
                break;
            }
        }
        let picture = bytes.get(at..).ok_or(PhotoError::Truncated)?;
        // Inside the picture 0xff is followed by 0 or a restart marker. The end marker is searched
        // from the end of the file, since some cameras store more data after it.
        match memchr::memmem::rfind(picture, &[0xff, 0xd9]) {
            Some(_) => Ok(Layout { progressive }),
            None => Err(PhotoError::Truncated),
        }
    }

    /// Approximate memory needed for decoding, in bytes.
    fn memory(&self, width: usize, height: usize, in_luma: bool) -> u64 {
        let pixels = (width * height) as u64;
        match (self.progressive, in_luma) {
            (true, _) => 8 * pixels,
            (false, true) => 0, // one plane; every format needs that much
            (false, false) => 4 * pixels,
        }
    }
}
