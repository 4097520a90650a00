//! Weights of n-grams in a text: term frequency times inverse document frequency, as scikit-learn.
//!
//! idf = ln((1 + texts) / (1 + df)) + 1; tf is the count, or 1 + ln(count); rows have Euclidean
//! norm one. Both idf and values are rounded to `f32`, which is what is stored, so that a loaded
//! model computes what the fitted one did.

use crate::models::kernels::math::ln;

/// Fitted weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Tfidf {
    idf: Vec<f32>,
    sublinear: bool,
}

impl Tfidf {
    /// Weights of features that stand in `frequencies` of `texts` texts.
    pub fn fit(frequencies: &[u32], texts: usize, sublinear: bool) -> Tfidf {
        let texts = 1.0 + texts as f64;
        let idf = |df: &u32| (ln(texts / (1.0 + f64::from(*df))) + 1.0) as f32;
        Tfidf {
            idf: frequencies.iter().map(idf).collect(),
            sublinear,
        }
    }

    /// Weights as they were stored.
    pub fn from_idf(idf: Vec<f32>, sublinear: bool) -> Tfidf {
        Tfidf { idf, sublinear }
    }

    /// One a feature.
    pub fn idf(&self) -> &[f32] {
        &self.idf
    }

    /// True where tf is 1 + ln(count).
    pub fn sublinear(&self) -> bool {
        self.sublinear
    }

    /// Replaces `values` by the weights of a row of features and how often each occurs.
    pub fn weigh(&self, indices: &[u32], counts: &[u32], values: &mut Vec<f32>) {
        let raw =
            |(&index, &count): (&u32, &u32)| self.tf(count) * f64::from(self.idf[index as usize]);
        let row = || indices.iter().zip(counts).map(raw);
        let norm = row().map(|value| value * value).sum::<f64>().sqrt();
        values.clear();
        values.extend(row().map(|value| (value / norm) as f32));
    }

    fn tf(&self, count: u32) -> f64 {
        if self.sublinear && count > 1 {
            1.0 + ln(f64::from(count))
        } else {
            f64::from(count)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two texts, `good film` and `good good`: df 2 and 1 of 2.
    #[test]
    fn by_hand() {
        let tfidf = Tfidf::fit(&[1, 2], 2, false);
        // ln(3/2) + 1 and ln(3/3) + 1.
        assert_eq!(tfidf.idf(), [1.405_465_1, 1.0]);
        let mut values = Vec::new();
        tfidf.weigh(&[0, 1], &[1, 1], &mut values);
        let norm = (1.405_465_1_f64 * 1.405_465_1 + 1.0).sqrt();
        assert!((f64::from(values[0]) - 1.405_465_1 / norm).abs() < 1e-7);
        assert!((f64::from(values[1]) - 1.0 / norm).abs() < 1e-7);
        tfidf.weigh(&[1], &[2], &mut values);
        assert_eq!(values, [1.0]);
    }

    #[test]
    fn sublinear_counts_grow_slowly() {
        let mut values = Vec::new();
        Tfidf::fit(&[2, 2], 2, true).weigh(&[0, 1], &[1, 4], &mut values);
        // 1 + ln 4 = 2.3863 times the other.
        assert!((f64::from(values[1]) / f64::from(values[0]) - 2.386_294_361).abs() < 1e-6);
    }
}
