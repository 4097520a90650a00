//! Faults in photos.

use std::collections::BTreeMap;

use serde_json::Value;

use super::support::Workdir;
use super::{Draw, Expected, SEEDS, assert_reported, at, change_column, check_parts, general};

/// A gray photo with some structure, `light` around which brightness.
fn photo(seed: u32, side: u32, light: f64, spread: f64) -> Vec<u8> {
    let image = image::GrayImage::from_fn(side, side, |x, y| {
        let wave = f64::from((x * (3 + seed % 7) + y * (5 + seed % 11)) % 64) / 64.0 - 0.5;
        image::Luma([(light + spread * wave + f64::from((x * y + seed) % 3)) as u8])
    });
    let mut bytes = Vec::new();
    let mut out = std::io::Cursor::new(&mut bytes);
    image.write_to(&mut out, image::ImageFormat::Png).unwrap();
    bytes
}

/// Photos of a table, by row.
struct Album {
    rows: Vec<(String, String)>,
    files: BTreeMap<String, Vec<u8>>,
}

fn album() -> Album {
    let names = (0..24u32).map(|i| (format!("p{i:02}.png"), i));
    let files = names
        .clone()
        .map(|(name, i)| (name, photo(i, 64, 120.0, 160.0)));
    Album {
        rows: names
            .map(|(name, i)| (name, ["sharp", "blurred"][i as usize % 2].to_owned()))
            .collect(),
        files: files.collect(),
    }
}

type Spoil = fn(&mut Album, usize) -> Expected;

const CV: &[(&str, Spoil)] = &[
    ("file missing", |album, row| {
        album.files.remove(&album.rows[row].0);
        at("missing", row)
    }),
    ("file empty", |album, row| {
        album.put(row, Vec::new());
        at("unreadable", row)
    }),
    ("file cut short", |album, row| {
        let half = album.bytes(row).len() / 2;
        let cut = album.bytes(row)[..half].to_vec();
        album.put(row, cut);
        at("unreadable", row)
    }),
    ("no photo", |album, row| {
        album.put(row, b"just some text, and no photo".to_vec());
        at("unreadable", row)
    }),
    ("photo of a few pixels", |album, row| {
        album.put(row, photo(1, 8, 120.0, 160.0));
        at("unreadable", row)
    }),
    ("all of one gray", |album, row| {
        let image = image::GrayImage::from_pixel(64, 64, image::Luma([77]));
        let mut bytes = Vec::new();
        image
            .write_to(
                &mut std::io::Cursor::new(&mut bytes),
                image::ImageFormat::Png,
            )
            .unwrap();
        album.put(row, bytes);
        at("unreadable", row)
    }),
    ("small photo", |album, row| {
        album.put(row, photo(1, 24, 120.0, 160.0));
        at("range", row)
    }),
    ("dark photo", |album, row| {
        album.put(row, photo(1, 64, 6.0, 10.0));
        at("range", row)
    }),
    ("bright photo", |album, row| {
        album.put(row, photo(1, 64, 247.0, 10.0));
        at("range", row)
    }),
    ("photo without contrast", |album, row| {
        album.put(row, photo(1, 64, 120.0, 2.0));
        at("range", row)
    }),
    ("photo much larger than the others", |album, row| {
        album.put(row, photo(1, 400, 120.0, 160.0));
        at("odd_size", row)
    }),
    ("the same file again", |album, row| {
        let bytes = album.bytes(row - 2).to_vec();
        album.put(row, bytes);
        at("duplicates", row)
    }),
    ("the same file under another label", |album, row| {
        let bytes = album.bytes(row - 1).to_vec();
        album.put(row, bytes);
        at("conflicts", row)
    }),
    ("label that is none", |album, row| {
        album.rows[row].1 = "soft".to_owned();
        at("labels", row)
    }),
    ("label missing", |album, row| {
        album.rows[row].1 = String::new();
        at("labels", row)
    }),
    ("one class", |album, _| {
        album
            .rows
            .iter_mut()
            .for_each(|row| row.1 = "sharp".to_owned());
        general("classes")
    }),
];

impl Album {
    fn put(&mut self, row: usize, bytes: Vec<u8>) {
        self.files.insert(self.rows[row].0.clone(), bytes);
    }

    fn bytes(&self, row: usize) -> &[u8] {
        &self.files[&self.rows[row].0]
    }

    fn write(&self, dir: &Workdir) {
        let _ = std::fs::remove_dir_all(dir.path("photos"));
        for (name, bytes) in &self.files {
            dir.write(&format!("photos/{name}"), bytes);
        }
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|(path, label)| format!("{path},{label}\n"))
            .collect();
        dir.write("photos/list.csv", format!("path,label\n{}", rows.concat()));
    }
}

fn check_photos(dir: &Workdir) -> String {
    let ran = dir.run(&["validate", "cv", "-S", "cv.data.source=photos/list.csv"]);
    assert!(ran.code == 0 || ran.code == 4, "{ran:?}");
    dir.read("reports/validate/cv.json")
}

#[test]
fn every_fault_in_photos_is_reported_with_its_row() {
    let dir = Workdir::project();
    album().write(&dir);
    let report: Value = serde_json::from_str(&check_photos(&dir)).unwrap();
    assert_eq!(report["findings"], Value::Array(vec![]), "clean photos");
    for (name, spoil) in CV {
        for seed in 0..3 {
            let mut album = album();
            let row = 2 + Draw(seed).below(22);
            let expected = spoil(&mut album, row);
            album.write(&dir);
            assert_reported(
                &check_photos(&dir),
                &expected,
                &format!("{name}, seed {seed}"),
            );
        }
    }
}

#[test]
fn a_test_photo_that_looks_like_a_training_photo_is_leakage() {
    let dir = Workdir::project();
    album().write(&dir);
    let source = ["-S", "cv.data.source=photos/list.csv"];
    dir.ok(&[&["prepare", "cv"], &source[..]].concat());
    let args = ["cv", source[0], source[1]];
    assert!(check_parts(&dir, &args).contains("\"findings\": []"));
    let train = dir.read("data/processed/cv/train.csv");
    let hash = |text: &str, row: usize| {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let at = reader.headers().unwrap().iter().position(|n| n == "dhash");
        let record = reader.records().nth(row).unwrap().unwrap();
        u64::from_str_radix(&record[at.unwrap()], 16).unwrap()
    };
    let clean = dir.read("data/processed/cv/test.csv");
    for seed in 0..SEEDS {
        let mut draw = Draw(seed);
        let row = draw.below(clean.lines().count() - 1);
        let like = hash(&train, draw.below(train.lines().count() - 1));
        // Four bits may differ, no more.
        let near = (0..4).fold(like, |hash, bit| hash ^ (1 << (16 * bit + draw.below(16))));
        dir.write("data/processed/cv/test.csv", &clean);
        change_column(&dir, "data/processed/cv/test.csv", "dhash", |r, cell| {
            if r == row {
                format!("{near:016x}")
            } else {
                cell.to_owned()
            }
        });
        let name = format!("look-alike, seed {seed}");
        assert_reported(&check_parts(&dir, &args), &at("leakage", row), &name);
    }
}
