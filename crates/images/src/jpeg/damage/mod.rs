//! Damaged files: the same verdicts as libjpeg-turbo's warnings, and a test for each fault.
//!
//! The photos of this folder are painted, and `damages.csv` states what libjpeg-turbo says of their
//! damages; both are written by `tools/jpeg-damage --fixture`, which compares real photos as well.

use image::ImageFormat;
use proptest::prelude::*;

use super::*;

macro_rules! photo {
    ($name:literal) => {
        (
            concat!($name, ".jpg"),
            include_bytes!(concat!($name, ".jpg")),
        )
    };
}
/// Baseline and progressive; gray, 4:2:0 and 4:4:4; with and without restart markers.
const PHOTOS: [(&str, &[u8]); 12] = [
    photo!("baseline_gray"),
    photo!("baseline_gray_restarts"),
    photo!("baseline_420"),
    photo!("baseline_420_restarts"),
    photo!("baseline_444"),
    photo!("baseline_444_restarts"),
    photo!("progressive_gray"),
    photo!("progressive_gray_restarts"),
    photo!("progressive_420"),
    photo!("progressive_420_restarts"),
    photo!("progressive_444"),
    photo!("progressive_444_restarts"),
];

fn photo(name: &str) -> &'static [u8] {
    PHOTOS.iter().find(|photo| photo.0 == name).expect(name).1
}

fn error(file: &[u8]) -> Option<String> {
    let decoded = decode(file, &Decoder::new());
    decoded.err().map(|error| error.to_string())
}

/// A line of `damages.csv`: the damaged file, and whether libjpeg-turbo warns.
fn damaged(line: &str) -> (Vec<u8>, bool) {
    let [name, at, removed, inserted, warnings] =
        line.split(',').collect::<Vec<_>>().try_into().expect(line);
    let (at, removed): (usize, usize) = (at.parse().unwrap(), removed.parse().unwrap());
    let digits = inserted.as_bytes().chunks(2);
    let inserted: Vec<u8> = digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let file = photo(name);
    let file = [&file[..at], &inserted, &file[at + removed..]].concat();
    (file, !warnings.is_empty())
}

/// libjpeg-turbo 2.1.5. Where it is silent, easylife may find more: numbers past the last place of a
/// block, and a few bytes after the last block, which libjpeg has already read. Zeros after the last
/// block are padding here.
#[test]
fn verdicts_are_those_of_libjpeg_turbo() {
    let damages = include_str!("damages.csv").lines().skip(2);
    let (mut agree, mut missed) = (0, Vec::new());
    for line in damages.clone() {
        let (file, warned) = damaged(line);
        match (warned, error(&file).is_some()) {
            (true, false) => missed.push(line),
            (false, true) => {}
            _ => agree += 1,
        }
    }
    assert!(missed.len() <= 1, "{missed:#?}");
    assert!(agree * 100 >= 95 * damages.count(), "{agree}");
}

#[test]
fn photos_without_damage_have_no_error() {
    for (name, file) in PHOTOS {
        assert_eq!(error(file), None, "{name}");
        let same = image::load_from_memory_with_format(file, ImageFormat::Jpeg);
        assert!(same.is_ok(), "{name}");
    }
}

/// Offset of the last marker `code`.
fn last(file: &[u8], code: u8) -> usize {
    memchr::memmem::rfind(file, &[0xff, code]).expect("the marker")
}

/// Nine tenths of the blocks were missing, and the photo was judged: zeros after the end decode.
#[test]
fn a_picture_that_ends_long_before_its_last_block_is_damaged() {
    for (name, file) in PHOTOS {
        let short = [&file[..last(file, 0xda) + 40], &[0xff, 0xd9]].concat();
        let expected = match name.contains("restarts") {
            true => "the file is damaged: ",
            false => "the file is damaged: the picture ends before its last block",
        };
        assert!(
            error(&short).is_some_and(|error| error.starts_with(expected)),
            "{name}"
        );
    }
    // More than a window of zeros after the end.
    let picture = image::GrayImage::from_fn(2000, 1500, |x, y| image::Luma([(x * y % 251) as u8]));
    let mut file = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Jpeg).unwrap();
    let mut file = file.into_inner();
    file.truncate(file.len() / 10);
    file.extend([0xff, 0xd9]);
    let expected = "the picture ends before its last block";
    assert!(error(&file).is_some_and(|error| error.contains(expected)));
}

/// zune-jpeg skips them.
#[test]
fn a_progressive_picture_with_bytes_left_over_is_damaged() {
    let file = photo("progressive_420.jpg");
    let (scans, end) = file.split_at(last(file, 0xd9));
    let longer = [scans, &[1, 2, 3], end].concat();
    let reason = "the file is damaged: the picture continues after its last block; replace it with an intact copy";
    assert_eq!(error(&longer).as_deref(), Some(reason));
    let padded = [scans, &[0; 3], end].concat();
    assert_eq!(error(&padded), None);
}

/// zune-jpeg takes the gray that it fills in for the picture.
#[test]
fn a_truncated_file_is_truncated() {
    for (name, file) in PHOTOS {
        for cut in [
            file.len() - 1,
            file.len() - 2,
            file.len() - 30,
            last(file, 0xda) + 3,
        ] {
            let found = error(&file[..cut]);
            assert_eq!(
                found.as_deref(),
                Some("the file is truncated"),
                "{name}, {cut}"
            );
        }
    }
}

/// As libjpeg does, which warns of them.
#[test]
fn bytes_between_segments_are_skipped() {
    for (name, file) in PHOTOS {
        let whole = decode(file, &Decoder::new()).unwrap();
        let first = 4 + usize::from(u16::from_be_bytes([file[4], file[5]]));
        for between in [&b"some bytes"[..], &[0, 0, 0xff, 0, 7], &[0xff, 0xff], &[1]] {
            let more = [&file[..first], between, &file[first..]].concat();
            let found = decode(&more, &Decoder::new()).expect(name);
            assert_eq!(found, whole, "{name}");
        }
    }
    // Also between the table and the header of a later scan.
    let file = photo("progressive_444.jpg");
    let scan = last(file, 0xda);
    assert_eq!(check::check(file).unwrap().skipped, []);
    let more = [&file[..scan], b"more", &file[scan..]].concat();
    assert_eq!(error(&more), None);
}

/// Libjpeg takes 0xff 0xff 0 for a single 0xff of the picture.
#[test]
fn fill_bytes_may_stand_before_a_stuffed_byte() {
    for name in ["baseline_444.jpg", "progressive_444.jpg"] {
        let file = photo(name);
        let start = memchr::memmem::find(file, &[0xff, 0xda]).unwrap();
        let stuffed = start + memchr::memmem::find(&file[start..], &[0xff, 0]).expect(name);
        let filled = [&file[..stuffed], &[0xff], &file[stuffed..]].concat();
        assert_eq!(error(&filled), None, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Both ways to read a scan give the same verdict.
    #[test]
    fn the_check_of_other_files_agrees_with_the_fast_path(
        photo in prop::sample::select(&PHOTOS[..6]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut file = photo.1.to_vec();
        let scan = last(&file, 0xda) + 14;
        for (at, value) in damage {
            *at.get_mut(&mut file[scan..]) = value;
        }
        match baseline(&file) {
            Ok(_) => prop_assert!(check::check(&file).is_ok()),
            Err(Fault::Other) => {}
            Err(Fault::Damaged(damage)) => {
                let found = check::check(&file).err().map(|error| error.to_string());
                prop_assert_eq!(found, Some(PhotoError::from(damage).to_string()));
            }
        }
    }
}
