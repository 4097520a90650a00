//! How fast a photo is decoded and measured, one thread: painted photos of the sample, as JPEG.

use divan::counter::ItemsCount;
use easylife::tasks::cv::sample::photo::{VERSIONS, Version};
use images::{Decoder, Gray};
use models::cv::{Plane, Scores, Scratch, WORKING_SIDE};

fn main() {
    divan::main();
}

/// Files of a few scenes, sharp and blurred.
fn files() -> Vec<Vec<u8>> {
    let versions =
        (0..3).flat_map(|scene| (0..VERSIONS.len()).map(move |version| (scene, version)));
    versions
        .map(|(scene, version)| {
            let painted = Version {
                seed: 42,
                scene,
                version,
                largest: WORKING_SIDE,
            };
            painted.painted().jpeg
        })
        .collect()
}

fn photos() -> Vec<Gray> {
    let decoder = Decoder::new();
    let read = |file: &Vec<u8>| match decoder.decode(file) {
        Ok(gray) => gray,
        Err(error) => panic!("the sample cannot be read: {error}"),
    };
    files().iter().map(read).collect()
}

fn pixels(photos: &[Gray]) -> usize {
    photos.iter().map(|photo| photo.pixels.len()).sum()
}

#[divan::bench(sample_count = 50)]
fn decode_pixels(bencher: divan::Bencher) {
    let (files, decoder) = (files(), Decoder::new());
    bencher
        .counter(ItemsCount::new(pixels(&photos())))
        .bench_local(|| {
            files
                .iter()
                .map(|file| decoder.decode(file).is_ok())
                .collect::<Vec<_>>()
        });
}

#[divan::bench(sample_count = 50)]
fn score_pixels(bencher: divan::Bencher) {
    let photos = photos();
    let mut scratch = Scratch::default();
    bencher
        .counter(ItemsCount::new(pixels(&photos)))
        .bench_local(|| {
            let mut sum = 0.0;
            for photo in &photos {
                let plane = Plane::new(&photo.pixels, photo.width, photo.height);
                sum += Scores::measure(plane, &mut scratch).laplacian_variance();
            }
            sum
        });
}
