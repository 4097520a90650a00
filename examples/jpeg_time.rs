//! CPU time of the JPEG decoder beside zune-jpeg's, luma only, on the files given as arguments.
//!
//! Prints the median of five runs in turn, in seconds for all files: decoded at full size, and decoded
//! and scored at the working size as `predict cv` does. `zune, checked` is what other kinds of files
//! take: every scan is read to its end before zune-jpeg decodes. It is measured by a segment that our
//! decoder leaves to zune-jpeg.

use images::{Decoder, Gray};
use models::cv::{Plane, Scores, Scratch};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

const RUNS: usize = 5;

/// A segment that nothing is known about.
const UNKNOWN: [u8; 4] = [0xff, 0xf7, 0, 2];

/// A name, files and how they are decoded.
type Way<'a> = (&'a str, &'a [Vec<u8>], &'a dyn Fn(&[u8]) -> Gray);

fn main() {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let files: Vec<Vec<u8>> = paths
        .iter()
        .map(|path| std::fs::read(path).expect(path))
        .collect();
    let others: Vec<Vec<u8>> = files
        .iter()
        .map(|file| [&file[..2], &UNKNOWN, &file[2..]].concat())
        .collect();
    let decoder = Decoder::new();
    let ours = |file: &[u8]| decoder.decode(file).expect("a photo");
    let ways: [Way; 3] = [
        ("easylife", &files, &ours),
        ("zune-jpeg", &files, &zune),
        ("zune-jpeg, checked", &others, &ours),
    ];
    println!(
        "{} files\n\n| | full size | with scores |\n|---|---|---|",
        files.len()
    );
    let mut times = vec![[Vec::new(), Vec::new()]; ways.len()];
    for _ in 0..RUNS {
        for ((_, files, decode), times) in ways.iter().zip(&mut times) {
            times[0].push(cpu(|| {
                files.iter().map(|file| decode(file).pixels.len()).sum()
            }));
            times[1].push(cpu(|| files.iter().map(|file| score(&decode(file))).sum()));
        }
    }
    for ((name, ..), times) in ways.iter().zip(&mut times) {
        let [full, scored] = times.each_mut().map(|times| median(times));
        println!("| {name} | {full:.3} s | {scored:.3} s |");
    }
}

fn zune(file: &[u8]) -> Gray {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    let pixels = decoder.decode().expect("a photo");
    let (width, height) = decoder.dimensions().expect("a header");
    Gray {
        width,
        height,
        pixels,
        orientation: 1,
        format: images::PhotoFormat::Jpeg,
    }
}

fn score(photo: &Gray) -> usize {
    let plane = Plane::new(&photo.pixels, photo.width, photo.height);
    let scores = Scores::measure(plane, &mut Scratch::default());
    usize::from(scores.laplacian_variance() > 0.0)
}

/// CPU seconds of this thread.
fn cpu(work: impl FnOnce() -> usize) -> f64 {
    let now = || {
        let spent = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
        spent
            .split(' ')
            .next()
            .and_then(|ns| ns.parse::<f64>().ok())
            .expect("nanoseconds")
            / 1e9
    };
    let start = now();
    std::hint::black_box(work());
    now() - start
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
