//! Item-based nearest neighbours: for each item, other items taken by the same users, by cosine
//! similarity of their rows, plain or with TF-IDF weights, or by BM25 weights (Robertson and
//! Zaragoza 2009, with items as documents and users as terms).

use rayon::prelude::*;

use super::interactions::{History, Interactions};
use super::top::Top;
use crate::kernels::math;

/// Similarity of two items.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Similarity {
    /// Cosine of the items' rows of users.
    Cosine,
    /// Cosine of rows in which users with fewer items have more weight.
    Tfidf,
    /// Sum over shared users of their BM25 weights for both items.
    Bm25,
}

/// Hyperparameters.
#[derive(
    Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(default, deny_unknown_fields)]
pub struct KnnOptions {
    /// Number of neighbours kept per item.
    pub neighbours: usize,
    /// Similarity by which neighbours are ranked.
    pub similarity: Similarity,
}

impl Default for KnnOptions {
    fn default() -> Self {
        Self {
            neighbours: 200,
            similarity: Similarity::Cosine,
        }
    }
}

/// BM25 saturation: how quickly further occurrences stop mattering.
const SATURATION: f64 = 1.2;
/// BM25 length normalization: the share of an item's length that is removed.
const LENGTH: f64 = 0.75;

/// The neighbours of each item, nearest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbours(pub(super) Interactions);

impl KnnOptions {
    /// Finds the nearest neighbours of every item.
    pub fn fit(&self, taken: &Interactions) -> Neighbours {
        let users = taken.transposed();
        let weigh = self.weights(taken, &users);
        let lists: Vec<(Vec<u32>, Vec<f32>)> = (0..taken.width())
            .into_par_iter()
            .map_init(
                || vec![0.0f64; taken.width()],
                |sums, item| self.nearest(item, taken, &users, &weigh, sums),
            )
            .collect();
        let mut out = Interactions::new(taken.width());
        for (items, weights) in &lists {
            out.push(items, weights);
        }
        Neighbours(out)
    }

    /// The weight of an interaction from its own weight, its item and its user.
    fn weights(
        &self,
        taken: &Interactions,
        users: &Interactions,
    ) -> impl Fn(f32, usize, usize) -> f64 + Sync + use<> {
        let similarity = self.similarity;
        let items = taken.width() as f64;
        let rarity: Vec<f64> = taken
            .counts()
            .into_iter()
            .map(|count| match similarity {
                Similarity::Cosine => 1.0,
                _ => math::ln((1.0 + items) / (1.0 + count as f64)),
            })
            .collect();
        let lengths: Vec<f64> = users
            .rows()
            .map(|row| {
                let entries = row.items.iter().zip(row.weights);
                let entries = entries.map(|(&user, &w)| (rarity[user as usize], f64::from(w)));
                match similarity {
                    Similarity::Bm25 => entries.map(|(_, w)| w).sum(),
                    _ => entries.map(|(r, w)| r * w * r * w).sum::<f64>().sqrt(),
                }
            })
            .collect();
        let mean = lengths.iter().sum::<f64>() / lengths.len().max(1) as f64;
        move |weight, item, user| {
            let weight = f64::from(weight);
            match similarity {
                // A user who took everything has no idf, and an item taken only by such users has
                // no length.
                Similarity::Cosine | Similarity::Tfidf if lengths[item] > 0.0 => {
                    rarity[user] * weight / lengths[item]
                }
                Similarity::Cosine | Similarity::Tfidf => 0.0,
                Similarity::Bm25 => {
                    let norm = 1.0 - LENGTH + LENGTH * lengths[item] / mean;
                    rarity[user] * weight * (SATURATION + 1.0) / (SATURATION * norm + weight)
                }
            }
        }
    }

    fn nearest(
        &self,
        item: usize,
        taken: &Interactions,
        users: &Interactions,
        weigh: &(impl Fn(f32, usize, usize) -> f64 + Sync),
        sums: &mut [f64],
    ) -> (Vec<u32>, Vec<f32>) {
        let mut touched = Vec::new();
        let row = users.row(item);
        for (&user, &weight) in row.items.iter().zip(row.weights) {
            let user = user as usize;
            let own = weigh(weight, item, user);
            let others = taken.row(user);
            for (&other, &weight) in others.items.iter().zip(others.weights) {
                let sum = &mut sums[other as usize];
                if *sum == 0.0 {
                    touched.push(other);
                }
                *sum += own * weigh(weight, other as usize, user);
            }
        }
        let mut top = Top::new(self.neighbours);
        for other in touched {
            let sum = std::mem::take(&mut sums[other as usize]);
            if other as usize != item && sum > 0.0 {
                top.push(other, sum as f32);
            }
        }
        top.sorted()
            .iter()
            .map(|scored| (scored.item, scored.score))
            .unzip()
    }
}

impl Neighbours {
    /// Keeps the nearest `neighbours` of each item.
    pub fn nearest(&self, neighbours: usize) -> Neighbours {
        let mut out = Interactions::new(self.0.width());
        for row in self.0.rows() {
            let kept = row.items.len().min(neighbours);
            out.push(&row.items[..kept], &row.weights[..kept]);
        }
        Neighbours(out)
    }

    /// Adds the scores of the history's neighbours to `out`.
    pub fn add_scores(&self, history: History<'_>, out: &mut [f32]) {
        for (&item, &weight) in history.items.iter().zip(history.weights) {
            let near = self.0.row(item as usize);
            for (&other, &similarity) in near.items.iter().zip(near.weights) {
                out[other as usize] += weight * similarity;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_worked_out_by_hand() {
        let mut taken = Interactions::new(3);
        taken.push(&[0, 1], &[1.0, 1.0]);
        taken.push(&[0, 1, 2], &[1.0, 1.0, 1.0]);
        taken.push(&[0], &[1.0]);
        let near = KnnOptions::default().fit(&taken).0;
        // Item 0 has three users, item 1 two, both shared: 2 / sqrt(3 · 2).
        assert_eq!(near.row(0).items, [1, 2]);
        assert!((near.row(0).weights[0] - 2.0 / 6f32.sqrt()).abs() < 1e-6);
        assert!((near.row(0).weights[1] - 1.0 / 3f32.sqrt()).abs() < 1e-6);
        assert_eq!(Neighbours(near).nearest(1).0.row(0).items, [1]);
        let one = KnnOptions {
            neighbours: 1,
            similarity: Similarity::Bm25,
        }
        .fit(&taken)
        .0;
        // A user who took everything has no weight in BM25, and nobody else took item 2.
        assert_eq!(one.counts(), [1, 1, 0]);
    }
}
