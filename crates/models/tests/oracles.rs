//! The same figures by libraries of other authors: filters of imageproc 0.27, metrics and the eigenvalues of
//! smartcore 0.7. (linfa's logistic regression is beside ours, in `src/linear/oracle.rs`.)

use easylife_models::cv::{Plane, Scores, Scratch};
use easylife_models::kernels::eigen;
use easylife_models::metrics::classification;
use imageproc::definitions::Image;
use imageproc::filter::laplacian_filter;
use imageproc::gradients::{horizontal_sobel, vertical_sobel};
use imageproc::image::{GrayImage, Luma};
use proptest::prelude::*;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linalg::traits::evd::EVDDecomposable;
use smartcore::metrics::{accuracy, f1, precision, recall, roc_auc_score};

/// A picture with one more pixel on each side, mirrored about the border pixel: ours mirrors, imageproc repeats.
fn mirrored(pixels: &[u8], width: usize, height: usize) -> GrayImage {
    let within = |at: u32, side: usize| match (at as usize, side) {
        (_, 1) => 0,
        (0, _) => 1,
        (at, side) if at > side => side - 2,
        (at, _) => at - 1,
    };
    GrayImage::from_fn(width as u32 + 2, height as u32 + 2, |x, y| {
        Luma([pixels[within(y, height) * width + within(x, width)]])
    })
}

/// Values of a filtered picture without its border.
fn inner(image: &Image<Luma<i16>>) -> impl Iterator<Item = i64> {
    let (right, bottom) = (image.width() - 1, image.height() - 1);
    let pixels = image.enumerate_pixels();
    pixels
        .filter(move |(x, y, _)| (1..right).contains(x) && (1..bottom).contains(y))
        .map(|(_, _, pixel)| i64::from(pixel.0[0]))
}

fn squares(image: &Image<Luma<i16>>) -> u64 {
    inner(image).map(|value| (value * value) as u64).sum()
}

/// A picture of some width and height; wider and higher than a tile, or narrower than a vector.
fn pictures() -> impl Strategy<Value = (Vec<u8>, usize, usize)> {
    (1..80_usize, 1..80_usize).prop_flat_map(|(width, height)| {
        let pixels = prop::collection::vec(any::<u8>(), width * height);
        (pixels, Just(width), Just(height))
    })
}

/// Rows of labels 0 to 2 and probabilities of three classes, many of them equal.
fn scored() -> impl Strategy<Value = Vec<(u32, [u8; 3])>> {
    prop::collection::vec((0..3_u32, prop::array::uniform3(1..6_u8)), 1..60)
}

proptest! {
    #[test]
    fn laplacian_and_gradient_are_those_of_imageproc((pixels, width, height) in pictures()) {
        let plane = Plane::new(&pixels, width, height);
        let ours = Scores::measure(plane, &mut Scratch::default()).scales[0].whole;
        let picture = mirrored(&pixels, width, height);
        let laplacian = laplacian_filter(&picture);
        prop_assert_eq!(ours.laplacian, inner(&laplacian).sum::<i64>());
        prop_assert_eq!(ours.laplacian_squared, squares(&laplacian));
        let gradient = squares(&horizontal_sobel(&picture)) + squares(&vertical_sobel(&picture));
        prop_assert_eq!(ours.gradient_squared, gradient);
    }

    #[test]
    fn the_area_under_the_curve_is_that_of_smartcore(
        rows in prop::collection::vec((any::<bool>(), 0..9_u8), 2..80)
    ) {
        let positive: Vec<bool> = rows.iter().map(|row| row.0).collect();
        let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.1) / 7.0).collect();
        let Some(ours) = classification::roc_auc(&positive, &scores) else {
            return Ok(()); // smartcore divides by zero
        };
        let labels: Vec<f64> = positive.iter().map(|&yes| f64::from(u8::from(yes))).collect();
        let theirs = roc_auc_score(&labels, &scores);
        prop_assert!((ours - theirs).abs() < 1e-12, "{} {}", ours, theirs);
    }

    #[test]
    fn rates_of_each_class_are_those_of_smartcore(rows in scored()) {
        let names = ["a", "b", "c"].map(str::to_owned);
        let actual: Vec<u32> = rows.iter().map(|row| row.0).collect();
        let shares = rows.iter().flat_map(|(_, parts)| {
            let total: u8 = parts.iter().sum();
            parts.map(|part| f64::from(part) / f64::from(total))
        });
        let probabilities: Vec<f64> = shares.collect();
        let ours = classification::measure(&names, &actual, &probabilities);
        let predicted: Vec<u32> = probabilities
            .chunks(3)
            .map(|row| classification::most_probable(row) as u32)
            .collect();
        prop_assert!((ours.accuracy - accuracy(&actual, &predicted)).abs() < 1e-12);
        for (class, ours) in (0..).zip(&ours.classes) {
            let is = |labels: &[u32]| -> Vec<f64> {
                labels.iter().map(|&label| f64::from(u8::from(label == class))).collect()
            };
            let (actual, predicted) = (is(&actual), is(&predicted));
            if !actual.contains(&1.0) || !actual.contains(&0.0) {
                continue; // smartcore takes other means where one of two classes is absent
            }
            for (ours, theirs) in [
                (ours.precision, precision(&actual, &predicted)),
                (ours.recall, recall(&actual, &predicted)),
                (ours.f1, f1(&actual, &predicted, 1.0)),
            ] {
                // Over nothing, ours is 0, as scikit-learn's.
                let theirs = if theirs.is_nan() { 0.0 } else { theirs };
                prop_assert!((ours - theirs).abs() < 1e-12, "class {}: {} {}", class, ours, theirs);
            }
        }
    }

    #[test]
    fn eigenvalues_are_those_of_smartcore(
        n in 1..9_usize,
        values in prop::collection::vec(-9..10_i8, 64),
    ) {
        let at = |i: usize, j: usize| f64::from(values[i.max(j) * 8 + i.min(j)]);
        let rows: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| at(i, j)).collect()).collect();
        let (ours, vectors) = eigen::symmetric(&rows.concat(), n);
        let mut theirs = DenseMatrix::from_2d_vec(&rows).unwrap().evd(true).unwrap().d;
        theirs.sort_by(|a, b| b.total_cmp(a));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            prop_assert!((ours - theirs).abs() < 1e-9, "{} {}", ours, theirs);
        }
        // Each vector has its value: A v = λ v.
        for (value, vector) in ours.iter().zip(vectors.chunks(n)) {
            for (i, entry) in vector.iter().enumerate() {
                let product: f64 = (0..n).map(|j| at(i, j) * vector[j]).sum();
                prop_assert!((product - value * entry).abs() < 1e-9);
            }
        }
    }
}
