//! Weights of n-grams in a text: term frequency times inverse document frequency, as in
//! scikit-learn.
//!
//! idf = ln((1 + texts) / (1 + df)) + 1; tf is the count, or 1 + ln(count); rows have a given
//! Euclidean norm. Both idf and values are rounded to `f32`, the stored precision, so that a loaded
//! model computes the same as the fitted one.

use super::quantize::{self, Precision};
use crate::kernels::math::ln;
use crate::kernels::reduce::dot_alone;

/// Counts below this have their tf looked up instead of computed.
const TABLE: usize = 256;

/// Fitted weights.
#[derive(Clone, Debug)]
pub struct Tfidf {
    idf: Vec<f32>,
    /// The step of rounded idf values: they are 1 plus multiples of it.
    step: Option<f32>,
    sublinear: bool,
    /// tf of small counts.
    tf: Vec<f64>,
}

impl Tfidf {
    /// Fits the weights of features with document frequencies `frequencies` in `texts` texts.
    pub fn fit(frequencies: &[u32], texts: usize, sublinear: bool, precision: Precision) -> Tfidf {
        let texts = 1.0 + texts as f64;
        let idf = |df: &u32| (ln(texts / (1.0 + f64::from(*df))) + 1.0) as f32;
        let mut idf: Vec<f32> = frequencies.iter().map(idf).collect();
        let step = match precision {
            Precision::Single => None,
            Precision::Eight => Some(quantize::round_idf(&mut idf)),
        };
        Tfidf::from_idf(idf, step, sublinear)
    }

    /// Restores weights from stored values.
    pub fn from_idf(idf: Vec<f32>, step: Option<f32>, sublinear: bool) -> Tfidf {
        let tf = (0..TABLE as u32)
            .map(|count| tf(count, sublinear))
            .collect();
        Tfidf {
            idf,
            step,
            sublinear,
            tf,
        }
    }

    /// Keeps some of the features.
    pub fn keep(&self, kept: &[bool]) -> Tfidf {
        let idf = self.idf.iter().zip(kept).filter(|(_, kept)| **kept);
        Tfidf::from_idf(
            idf.map(|(idf, _)| *idf).collect(),
            self.step,
            self.sublinear,
        )
    }

    /// The step of rounded idf values: they are 1 plus multiples of it.
    pub fn step(&self) -> Option<f32> {
        self.step
    }

    /// One per feature.
    pub fn idf(&self) -> &[f32] {
        &self.idf
    }

    /// Whether tf is 1 + ln(count).
    pub fn sublinear(&self) -> bool {
        self.sublinear
    }

    /// Appends to `values` the weights of a row of features with their counts, scaled to the
    /// Euclidean norm `norm`; `first` is the index of the first feature. `raw` is a buffer.
    pub fn weigh(
        &self,
        first: u32,
        indices: &[u32],
        counts: &[u32],
        norm: f64,
        raw: &mut Vec<f64>,
        values: &mut Vec<f32>,
    ) {
        raw.clear();
        raw.extend(indices.iter().zip(counts).map(|(&index, &count)| {
            let known = self.tf.get(count as usize).copied();
            let idf = self.idf[(index - first) as usize];
            known.unwrap_or_else(|| tf(count, self.sublinear)) * f64::from(idf)
        }));
        let scale = norm / dot_alone(raw, raw).sqrt();
        values.extend(raw.iter().map(|value| (value * scale) as f32));
    }
}

fn tf(count: u32, sublinear: bool) -> f64 {
    if sublinear && count > 1 {
        1.0 + ln(f64::from(count))
    } else {
        f64::from(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weigh(tfidf: &Tfidf, indices: &[u32], counts: &[u32]) -> Vec<f32> {
        let mut values = Vec::new();
        tfidf.weigh(0, indices, counts, 1.0, &mut Vec::new(), &mut values);
        values
    }

    /// Two texts, `good film` and `good good`: df 2 and 1 of 2.
    #[test]
    fn by_hand() {
        let tfidf = Tfidf::fit(&[1, 2], 2, false, Precision::Single);
        // ln(3/2) + 1 and ln(3/3) + 1.
        assert_eq!(tfidf.idf(), [1.405_465_1, 1.0]);
        let values = weigh(&tfidf, &[0, 1], &[1, 1]);
        let norm = (1.405_465_1_f64 * 1.405_465_1 + 1.0).sqrt();
        assert!((f64::from(values[0]) - 1.405_465_1 / norm).abs() < 1e-7);
        assert!((f64::from(values[1]) - 1.0 / norm).abs() < 1e-7);
        assert_eq!(weigh(&tfidf, &[1], &[2]), [1.0]);
        assert!(weigh(&tfidf, &[], &[]).is_empty());
    }

    #[test]
    fn sublinear_counts_grow_slowly() {
        let tfidf = Tfidf::fit(&[2, 2], 2, true, Precision::Single);
        let values = weigh(&tfidf, &[0, 1], &[1, 4]);
        // 1 + ln 4 = 2.3863 times the other.
        assert!((f64::from(values[1]) / f64::from(values[0]) - 2.386_294_361).abs() < 1e-6);
        let values = weigh(&tfidf, &[0, 1], &[1, 1000]);
        assert!((f64::from(values[1]) / f64::from(values[0]) - 7.907_755_279).abs() < 1e-5);
    }
}
