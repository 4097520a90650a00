//! Log-count ratios of features: how one-sided each is, counted as in naive Bayes.
//!
//! After Wang and Manning, "Baselines and Bigrams: Simple, Good Sentiment and Topic
//! Classification", ACL 2012, who multiply features by r = ln((p / |p|) / (q / |q|)), where p
//! counts the texts of the class that contain the feature and q those of the others, both plus one.
//! Three things differ:
//! - |r| scales the weights instead of the rows, which is the same model (the sign goes into the
//!   weight), leaves the rows unchanged, and gives each class its own ratios under a softmax;
//! - counts are smoothed towards the value expected from the class's size, not towards one half:
//!   with many classes a feature absent from one would otherwise look like strong evidence;
//! - |r| is raised to a power below one, between the paper's model and the plain one.

use crate::kernels::math::{exp, ln};
use crate::linear::outputs;
use crate::sparse::Matrix;

/// Added to every count and to its expected value.
const SMOOTHING: f64 = 0.5;

/// |r|^power of every feature for every output: features × outputs.
///
/// `blocks` are the ends of the blocks of features, which are counted separately. Only rows with
/// `counts` true are used.
pub fn scale(
    rows: &Matrix,
    labels: &[u32],
    classes: usize,
    blocks: &[usize],
    power: f64,
    counts: &dyn Fn(usize) -> bool,
) -> Vec<f64> {
    let texts = texts(rows, labels, classes, counts);
    let outputs = outputs(classes);
    let first = classes - outputs; // one output stands for the second of two classes
    let mut scale = Vec::with_capacity(rows.columns() * outputs);
    let mut start = 0;
    for &end in blocks {
        let block = &texts[start * classes..end * classes];
        let shares = shares(block, classes);
        for feature in block.chunks_exact(classes) {
            let all: f64 = feature.iter().map(|&texts| f64::from(texts)).sum();
            for class in first..classes {
                let ratio = ratio(f64::from(feature[class]), all, shares[class]).abs();
                scale.push(if ratio > 0.0 {
                    exp(power * ln(ratio))
                } else {
                    0.0
                });
            }
        }
        start = end;
    }
    scale
}

/// ln of the ratio of observed to expected texts of the class among `all` texts with a feature,
/// relative to that of the other classes.
fn ratio(of_class: f64, all: f64, share: f64) -> f64 {
    let expected = all * share;
    let own = ln((of_class + SMOOTHING) / (expected + SMOOTHING));
    own - ln((all - of_class + SMOOTHING) / (all - expected + SMOOTHING))
}

/// Number of texts of each class that contain each feature: features × classes.
fn texts(
    rows: &Matrix,
    labels: &[u32],
    classes: usize,
    counts: &dyn Fn(usize) -> bool,
) -> Vec<u32> {
    let mut texts = vec![0; rows.columns() * classes];
    for (row, &label) in labels.iter().enumerate().filter(|(row, _)| counts(*row)) {
        for &feature in rows.row(row).0 {
            texts[feature as usize * classes + label as usize] += 1;
        }
    }
    texts
}

/// Each class's share of all counts.
fn shares(texts: &[u32], classes: usize) -> Vec<f64> {
    let mut own = vec![0_u64; classes];
    for feature in texts.chunks_exact(classes) {
        let counts = own.iter_mut().zip(feature);
        counts.for_each(|(own, &texts)| *own += u64::from(texts));
    }
    let all: u64 = own.iter().sum();
    own.iter()
        .map(|&own| own as f64 / all.max(1) as f64)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(columns: usize, rows: &[&[u32]]) -> Matrix {
        let mut matrix = Matrix::new(columns);
        for features in rows {
            matrix.push(features, &vec![1.0; features.len()]);
        }
        matrix
    }

    /// Feature 0 in both texts of class 0 and in one of class 1, feature 1 in one of class 1.
    #[test]
    fn by_hand() {
        let rows = rows(2, &[&[0], &[0], &[0, 1], &[]]);
        let scale = scale(&rows, &[0, 0, 1, 1], 2, &[2], 1.0, &|_| true);
        // Class 1 has 2 of 4 counts: 1.5 of feature 0 are expected, 0.5 of feature 1.
        let first = (1.5_f64 / 2.0).ln() - (2.5_f64 / 2.0).ln();
        let second = (1.5_f64 / 1.0).ln() - (0.5_f64 / 1.0).ln();
        let expected = [first.abs(), second.abs()];
        assert!(
            scale
                .iter()
                .zip(expected)
                .all(|(got, want)| (got - want).abs() < 1e-14)
        );
    }

    #[test]
    fn a_feature_as_frequent_as_expected_is_worth_nothing() {
        let rows = rows(1, &[&[0], &[0], &[0]]);
        assert_eq!(scale(&rows, &[0, 1, 2], 3, &[1], 0.5, &|_| true), [0.0; 3]);
    }

    #[test]
    fn blocks_are_counted_by_themselves() {
        let both = rows(2, &[&[0, 1], &[1]]);
        let alone = rows(1, &[&[0], &[]]);
        let both = scale(&both, &[0, 1], 2, &[1, 2], 0.5, &|_| true);
        assert_eq!(both[0], scale(&alone, &[0, 1], 2, &[1], 0.5, &|_| true)[0]);
    }
}
