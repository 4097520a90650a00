//! Compares this decoder with OpenCV and zune-jpeg, with and without vectors, and on damaged files.

use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, RgbImage};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;

fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as i32, y as i32);
        let noise = (x * 7919 + y * 104_729 + x * y * 31) % 97;
        let edge = if (x / 11 + y / 7) % 2 == 0 { 120 } else { 0 };
        let light = |shift: i32| (edge + noise + x * 2 + shift).rem_euclid(256) as u8;
        image::Rgb([light(0), light(y), light(90)])
    })
}

fn encoded(width: u32, height: u32, quality: u8, gray: bool) -> Vec<u8> {
    let image = picture(width, height);
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    let written = match gray {
        true => {
            let gray = image::DynamicImage::ImageRgb8(image).to_luma8();
            encoder.encode(&gray, width, height, ExtendedColorType::L8)
        }
        false => encoder.encode(&image, width, height, ExtendedColorType::Rgb8),
    };
    written.unwrap();
    bytes
}

fn corpus(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/photo");
    std::fs::read(folder.join(name)).unwrap()
}

/// Their transforms round differently, by at most one.
fn agrees(file: &[u8], name: &str) {
    let (here, there) = (
        baseline(file).expect(name),
        other(file, &Decoder::new()).expect(name),
    );
    assert_eq!(
        (here.width, here.height),
        (there.width, there.height),
        "{name}"
    );
    assert_eq!(here.orientation, there.orientation, "{name}");
    let differences = here
        .pixels
        .iter()
        .zip(&there.pixels)
        .map(|(a, b)| a.abs_diff(*b));
    assert!(differences.max() <= Some(1), "{name}");
}

#[test]
fn every_size_and_quality_agrees_with_zune() {
    for (width, height) in [(1, 1), (8, 8), (17, 9), (40, 30), (64, 33), (255, 130)] {
        for quality in [1, 20, 50, 75, 92, 100] {
            for gray in [false, true] {
                let name = format!("{width} x {height}, {quality}, {gray}");
                agrees(&encoded(width, height, quality, gray), &name);
            }
        }
    }
}

/// Sums and SHA-256 of the pixels of `cv2.imread(file, cv2.IMREAD_GRAYSCALE)`, OpenCV 5.0.0 with
/// libjpeg-turbo 3.1.2: every sampling of the colours, restart markers, tables made for the picture.
#[test]
fn pixels_are_those_of_opencv() {
    for (name, sum, digest) in [
        ("baseline.jpg", 79_825, "f99ff5d907996bd0"),
        ("gray.jpg", 79_874, "8620cb37ba7cf2cd"),
        ("restart_420.jpg", 100_962, "61748850ff072252"),
        ("optimized_422.jpg", 100_910, "434d226a2373a8fd"),
        ("sampling_440.jpg", 100_916, "8862a827ea000ff2"),
        ("sampling_411.jpg", 100_713, "e1560ccfd9e345c9"),
        ("sampling_444.jpg", 100_886, "2ed3f77002020a54"),
    ] {
        let pixels = baseline(&corpus(name)).expect(name).pixels;
        let total: u64 = pixels.iter().map(|&pixel| u64::from(pixel)).sum();
        let hash = Sha256::digest(&pixels);
        let start: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((total, start.as_str()), (sum, digest), "{name}");
        agrees(&corpus(name), name);
    }
}

/// Every sixth pixel of every sixth row from OpenCV 5.0.0, which converts CMYK to RGB and that to
/// gray as is done here; the rounding differs.
#[test]
fn cmyk_is_as_bright_as_in_opencv() {
    let gray = decode(&corpus("cmyk.jpg"), &Decoder::new()).unwrap();
    let expected: [[u8; 6]; 4] = [
        [2, 14, 26, 40, 52, 65],
        [33, 50, 66, 83, 100, 117],
        [64, 85, 105, 129, 119, 139],
        [97, 121, 147, 142, 165, 163],
    ];
    for (row, expected) in expected.iter().enumerate() {
        let row = &gray.pixels[6 * row * gray.width..][..gray.width];
        for (got, expected) in row.iter().step_by(6).zip(expected) {
            assert!(got.abs_diff(*expected) <= 2, "{row:?}, {expected:?}");
        }
    }
}

#[test]
fn other_kinds_are_left_to_zune() {
    assert!(baseline(&corpus("progressive.jpg")).is_err());
    assert!(baseline(&corpus("cmyk.jpg")).is_err());
    assert!(decode(&corpus("progressive.jpg"), &Decoder::new()).is_ok());
}

#[test]
fn truncated_files_are_refused() {
    let file = encoded(64, 48, 85, false);
    for length in 0..file.len() {
        assert!(baseline(&file[..length]).is_err(), "{length}");
    }
    // After its end marker a file may contain anything.
    assert!(baseline(&[&file[..], b"more"].concat()).is_ok());
}

/// Some cameras pad the picture with zeros, or the end marker with 0xff.
#[test]
fn padding_before_the_end_is_not_damage() {
    let file = encoded(64, 48, 85, false);
    let (picture, end) = file.split_at(file.len() - 2);
    let whole = decode(&file, &Decoder::new()).unwrap().pixels;
    for padding in [&[0; 5][..], &[0xff; 3], &[0, 0, 0xff]] {
        let padded = [picture, padding, end].concat();
        assert_eq!(decode(&padded, &Decoder::new()).unwrap().pixels, whole);
    }
    let strange = [picture, &[1, 2], end].concat();
    assert!(decode(&strange, &Decoder::new()).is_err());
}

/// Removed and inserted markers are detected, whether or not the picture decodes.
#[test]
fn restart_markers_must_come_in_their_order() {
    let file = corpus("restart_420.jpg");
    let marker = |code: u8| {
        file.windows(2)
            .position(|pair| pair == [0xff, code])
            .unwrap()
    };
    let (first, second) = (marker(0xd0), marker(0xd1));
    let mut swapped = file.clone();
    swapped[first + 1] = 0xd1;
    swapped[second + 1] = 0xd0;
    assert!(baseline(&swapped).is_err());
    assert!(baseline(&[&file[..first], &file[first + 2..]].concat()).is_err());
    assert!(baseline(&[&file[..first], &file[second..]].concat()).is_err());
}

/// The files that the tests damage.
fn files() -> Vec<Vec<u8>> {
    let names = [
        "restart_420.jpg",
        "optimized_422.jpg",
        "sampling_411.jpg",
        "gray.jpg",
        "progressive.jpg",
        "cmyk.jpg",
    ];
    let mut files: Vec<Vec<u8>> = names.iter().map(|name| corpus(name)).collect();
    files.push(encoded(200, 120, 92, false));
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// A damaged file gives an answer or an error, never a crash; the answer is the same without
    /// vectors, and has the same size as zune-jpeg's, if that gives one.
    #[test]
    fn damaged_files_do_no_harm(
        file in prop::sample::select(files()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut file = file;
        for (at, value) in damage {
            *at.get_mut(&mut file) = value;
        }
        let header = Header::of(&file).filter(|header| header.width * header.height < 1 << 20);
        if let Some(header) = header {
            prop_assert_eq!(scan::luma(&file, &header), scan::luma_portable(&file, &header));
        }
        if let (Ok(here), Ok(there)) = (baseline(&file), other(&file, &Decoder::new())) {
            prop_assert_eq!((here.width, here.height), (there.width, there.height));
        }
    }
}
