//! Decodes each photo named on stdin and prints its error, or `-`: what `tools/jpeg-damage` compares
//! with libjpeg-turbo.
//!
//! With the argument `zune` the decoder is zune-jpeg alone, luma only and strict.

use std::io::BufRead;
use std::path::Path;

use easylife_images::Decoder;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

fn main() {
    let zune = std::env::args().nth(1).as_deref() == Some("zune");
    let decoder = Decoder::new();
    for path in std::io::stdin().lock().lines().map_while(Result::ok) {
        let error = match zune {
            true => by_zune(Path::new(&path)),
            false => decoder
                .read(Path::new(&path))
                .err()
                .map(|error| error.to_string()),
        };
        println!("{}", error.as_deref().unwrap_or("-"));
    }
}

fn by_zune(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&bytes), options);
    decoder
        .decode()
        .err()
        .map(|error| format!("{error:?}").replace('\n', " "))
}
