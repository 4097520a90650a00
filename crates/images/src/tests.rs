//! Tests that formats agree, and that invalid files are refused.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};

use super::*;

fn picture() -> RgbImage {
    RgbImage::from_fn(40, 30, |x, y| {
        image::Rgb([(x * 6) as u8, (y * 8) as u8, ((x + y) * 3) as u8])
    })
}

fn bytes_of(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image
        .write_to(&mut Cursor::new(&mut bytes), format)
        .unwrap();
    bytes
}

fn jpeg(image: &GrayImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 90)
        .encode_image(image)
        .unwrap();
    bytes
}

fn decode(bytes: &[u8]) -> Result<Gray, PhotoError> {
    Decoder::new().decode(bytes)
}

fn refused(bytes: &[u8]) -> String {
    decode(bytes).unwrap_err().to_string()
}

#[test]
fn lossless_formats_and_pixel_types_agree() {
    let image = DynamicImage::ImageRgb8(picture());
    let expected: Vec<u8> = picture()
        .pixels()
        .map(|p| luma(p.0[0], p.0[1], p.0[2]))
        .collect();
    for format in [
        ImageFormat::Png,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::WebP,
    ] {
        let gray = decode(&bytes_of(&image, format)).unwrap();
        assert_eq!((gray.width, gray.height), (40, 30), "{format:?}");
        assert_eq!(gray.pixels, expected, "{format:?}");
    }
    // 16 bits hold 8 exactly; transparency is dropped.
    for image in [
        DynamicImage::ImageRgb16(image.to_rgb16()),
        DynamicImage::ImageRgba8(image.to_rgba8()),
        DynamicImage::ImageRgba16(image.to_rgba16()),
    ] {
        assert_eq!(
            decode(&bytes_of(&image, ImageFormat::Png)).unwrap().pixels,
            expected
        );
    }
    let gray = GrayImage::from_raw(40, 30, expected.clone()).unwrap();
    for image in [
        DynamicImage::ImageLuma8(gray.clone()),
        DynamicImage::ImageLuma16(DynamicImage::ImageLuma8(gray.clone()).to_luma16()),
    ] {
        assert_eq!(
            decode(&bytes_of(&image, ImageFormat::Png)).unwrap().pixels,
            expected
        );
    }
    assert_eq!(
        decode(&bytes_of(&image, ImageFormat::Gif)).unwrap().format,
        PhotoFormat::Gif
    );
}

#[test]
fn a_jpeg_is_close_to_what_it_was_made_of() {
    let gray = DynamicImage::ImageRgb8(picture()).to_luma8();
    let decoded = decode(&jpeg(&gray)).unwrap();
    let far = decoded
        .pixels
        .iter()
        .zip(gray.as_raw())
        .filter(|(a, b)| a.abs_diff(**b) > 12);
    assert_eq!(far.count(), 0);
}

#[test]
fn the_weights_of_gray_are_those_of_the_standard() {
    // 0.299, 0.587 and 0.114 of 255.
    assert_eq!(
        [luma(255, 0, 0), luma(0, 255, 0), luma(0, 0, 255)],
        [76, 150, 29]
    );
    assert_eq!((luma(255, 255, 255), luma(9, 9, 9)), (255, 9));
}

#[test]
fn each_kind_of_bad_file_has_its_message() {
    let whole = jpeg(&DynamicImage::ImageRgb8(picture()).to_luma8());
    for length in [3, 20, whole.len() / 2, whole.len() - 3] {
        assert_eq!(
            refused(&whole[..length]),
            "the file is truncated",
            "{length}"
        );
    }
    assert_eq!(refused(b""), "the file is empty");
    assert!(refused(b"just some text\n").starts_with("not a supported image"));
    let tiny = bytes_of(
        &DynamicImage::ImageLuma8(GrayImage::new(1, 1)),
        ImageFormat::Png,
    );
    assert!(refused(&tiny).starts_with("1 x 1 pixels are too few"));
    for (shade, name) in [(0, "black"), (255, "white"), (100, "the same gray")] {
        let flat = GrayImage::from_pixel(40, 40, image::Luma([shade]));
        let message = refused(&bytes_of(&DynamicImage::ImageLuma8(flat), ImageFormat::Png));
        assert_eq!(
            message,
            format!("every pixel is {name}, so there is nothing to judge")
        );
    }
    let png = bytes_of(&DynamicImage::ImageRgb8(picture()), ImageFormat::Png);
    assert!(decode(&png[..png.len() / 2]).is_err());
}

/// A header that claims 60,000 × 60,000 pixels must not allocate memory.
#[test]
fn a_header_with_too_many_pixels_is_refused() {
    let mut whole = jpeg(&DynamicImage::ImageRgb8(picture()).to_luma8());
    let frame = whole
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap();
    for side in [frame + 5, frame + 7] {
        whole[side..side + 2].copy_from_slice(&60_000u16.to_be_bytes());
    }
    let message = "60000 x 60000 pixels exceed the limit of 128 megapixels";
    assert_eq!(refused(&whole), message);
    let mut bmp = bytes_of(&DynamicImage::ImageRgb8(picture()), ImageFormat::Bmp);
    for side in [18, 22] {
        bmp[side..side + 4].copy_from_slice(&60_000u32.to_le_bytes());
    }
    assert!(decode(&bmp).is_err());
}

/// An EXIF segment with the given orientation, or with invalid content.
fn with_exif(jpeg: &[u8], orientation: Option<u8>) -> Vec<u8> {
    let mut exif = b"Exif\0\0".to_vec();
    match orientation {
        Some(orientation) => {
            exif.extend(b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0");
            exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
        }
        None => exif.extend(b"MM\0\x2a\xff\xff\xff\xff broken"),
    }
    let mut out = jpeg[..2].to_vec();
    out.extend([0xff, 0xe1]);
    out.extend(((exif.len() + 2) as u16).to_be_bytes());
    out.extend(exif);
    out.extend(&jpeg[2..]);
    out
}

#[test]
fn orientation_is_read_and_broken_exif_is_ignored() {
    let plain = jpeg(&DynamicImage::ImageRgb8(picture()).to_luma8());
    assert_eq!(decode(&with_exif(&plain, Some(6))).unwrap().orientation, 6);
    let broken = decode(&with_exif(&plain, None)).unwrap();
    assert_eq!(broken, decode(&plain).unwrap());
}

#[test]
fn thumbnails_stand_upright() {
    // 2 x 1 pixels of 20 x 20: dark at the left, bright at the right.
    let gray = |orientation| Gray {
        width: 40,
        height: 20,
        pixels: (0..800)
            .map(|i| if i % 40 < 20 { 10 } else { 200 })
            .collect(),
        orientation,
        format: PhotoFormat::Jpeg,
    };
    let small = |orientation| {
        let thumbnail = thumbnail::Thumbnail::of(&gray(orientation), 2);
        (thumbnail.width, thumbnail.height, thumbnail.pixels)
    };
    assert_eq!(small(1), (2, 1, vec![10, 200]));
    assert_eq!(small(3), (2, 1, vec![200, 10]));
    assert_eq!(small(6), (1, 2, vec![10, 200]));
    assert_eq!(small(8), (1, 2, vec![200, 10]));
}

/// Damaged bytes give a picture or an error. `decode` would catch a panic, so this calls what is below it.
#[test]
fn a_flipped_byte_never_panics() {
    let files = [
        jpeg(&DynamicImage::ImageRgb8(picture()).to_luma8()),
        bytes_of(&DynamicImage::ImageRgb8(picture()), ImageFormat::Png),
        bytes_of(&DynamicImage::ImageRgb8(picture()), ImageFormat::Tiff),
    ];
    for file in files {
        for at in (0..file.len()).step_by(7) {
            let mut bytes = file.clone();
            bytes[at] ^= 0xff;
            let _ = Decoder::new().any_format(&bytes);
            let _ = Decoder::new().any_format(&file[..at]);
        }
    }
}

#[test]
fn large_photos_take_turns_in_one_decoder_only() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let (decoder, under_way, most) = (Decoder::new(), AtomicUsize::new(0), AtomicUsize::new(0));
    let large = || {
        decoder.in_turn(LARGE + 1, || {
            let now = under_way.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            std::thread::yield_now();
            under_way.fetch_sub(1, Ordering::SeqCst);
        });
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..200).for_each(|_| large()));
        }
    });
    assert_eq!(most.load(Ordering::SeqCst), 1);
    // Neither a small photo nor another decoder's photo waits.
    decoder.in_turn(LARGE + 1, || {
        decoder.in_turn(LARGE, || Decoder::new().in_turn(LARGE + 1, || ()));
    });
}
