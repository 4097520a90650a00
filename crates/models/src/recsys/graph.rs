//! A linear filter on the graph of users and items, after GF-CF (Shen et al. 2021), without
//! training: scores are x B R' A R C + weight · x C' V V' C'', where R is the interaction matrix,
//! A, B and C are powers of the lengths of users and items, and V are the largest right singular
//! vectors of the normalized matrix D_u^-½ R D_i^-½, an ideal low-pass filter.
//!
//! The first term goes through the user's neighbours, so no item-item matrix is ever formed.

use super::interactions::{History, Interactions};
use super::svd::{Sparse, largest};
use crate::kernels::math;
use crate::kernels::small::add_rows;

/// Rounds of the filter that finds V; the scores depend on the subspace more than on each vector.
const ROUNDS: usize = 2;

/// Hyperparameters of the filter.
#[derive(
    Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(default, deny_unknown_fields)]
pub struct GraphOptions {
    /// Power of a neighbour's length by which its vote is divided.
    pub user: f64,
    /// Power of the length of an observed item by which it is divided.
    pub taken: f64,
    /// Power of the length of a scored item by which its score is divided.
    pub scored: f64,
    /// Number of singular vectors of the low-pass filter; 0 disables it.
    pub factors: usize,
    /// Weight of the low-pass filter.
    pub low_pass: f64,
}

impl Default for GraphOptions {
    fn default() -> Self {
        Self {
            user: 0.6,
            taken: 0.6,
            scored: 0.35,
            factors: 256,
            low_pass: 0.2,
        }
    }
}

/// A filter, ready to score.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    pub(super) options: GraphOptions,
    /// Number of vectors.
    pub(super) rank: usize,
    /// V, items × rank.
    pub(super) vectors: Vec<f32>,
    /// Recomputed from the interactions, not saved.
    pub(super) powers: Powers,
}

/// Powers of the lengths of rows and columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Powers {
    /// The users of each item.
    users: Interactions,
    user: Vec<f32>,
    taken: Vec<f32>,
    scored: Vec<f32>,
    /// Length^½ of items.
    root: Vec<f32>,
}

/// Buffers for scoring one user.
#[derive(Default)]
pub struct Scratch {
    /// Similarity of each user; zeros between calls.
    near: Vec<f32>,
    touched: Vec<u32>,
}

impl GraphOptions {
    /// Prepares the filter of `taken`; `seed` starts the search for V.
    pub fn fit(&self, taken: &Interactions, seed: u64) -> Graph {
        let powers = Powers::new(self, taken);
        let (rank, vectors) = match self.factors {
            0 => (0, Vec::new()),
            factors => {
                let (a, transposed) = normalized(taken, &powers.users);
                let svd = largest(&a, &transposed, factors, ROUNDS, seed);
                (svd.rank, svd.vectors.iter().map(|&x| x as f32).collect())
            }
        };
        Graph {
            options: *self,
            rank,
            vectors,
            powers,
        }
    }
}

impl Graph {
    /// The same vectors with different options.
    pub fn with(&self, options: GraphOptions, taken: &Interactions) -> Graph {
        Graph {
            powers: Powers::new(&options, taken),
            options,
            ..self.clone()
        }
    }
}

/// Sum of each row's weights, bounded slightly above 0.
fn lengths(taken: &Interactions) -> Vec<f64> {
    taken
        .rows()
        .map(|row| row.weights.iter().map(|&w| f64::from(w)).sum::<f64>())
        .map(|length| if length > 0.0 { length } else { 1.0 })
        .collect()
}

/// D_u^-½ R D_i^-½ and its transpose.
fn normalized(taken: &Interactions, users: &Interactions) -> (Sparse, Sparse) {
    let root = |rows: &Interactions| -> Vec<f64> {
        lengths(rows)
            .iter()
            .map(|length| 1.0 / length.sqrt())
            .collect()
    };
    let (of_user, of_item) = (root(taken), root(users));
    let scaled = |rows: &Interactions, own: &[f64], other: &[f64]| Sparse {
        starts: rows.starts().to_vec(),
        columns: rows.items().to_vec(),
        values: rows
            .rows()
            .zip(own)
            .flat_map(|(row, own)| {
                let entries = row.items.iter().zip(row.weights);
                entries.map(move |(&item, &w)| f64::from(w) * own * other[item as usize])
            })
            .collect(),
        width: rows.width(),
    };
    (
        scaled(taken, &of_user, &of_item),
        scaled(users, &of_item, &of_user),
    )
}

impl Powers {
    pub fn new(options: &GraphOptions, taken: &Interactions) -> Self {
        let users = taken.transposed();
        let power = |lengths: &[f64], exponent: f64| -> Vec<f32> {
            let power = |&length: &f64| math::pow(length, exponent) as f32;
            lengths.iter().map(power).collect()
        };
        let items = lengths(&users);
        Powers {
            user: power(&lengths(taken), -options.user),
            taken: power(&items, -options.taken),
            scored: power(&items, -options.scored),
            root: power(&items, 0.5),
            users,
        }
    }
}

impl Graph {
    /// The low-pass coordinates of a history: x D^-½ V.
    pub fn project(&self, history: History<'_>, out: &mut [f32]) {
        out.fill(0.0);
        let rows = history
            .items
            .iter()
            .zip(history.weights)
            .map(|(&item, &weight)| {
                let row = &self.vectors[item as usize * self.rank..][..self.rank];
                (weight / self.powers.root[item as usize], row)
            });
        add_rows(out, rows);
    }

    /// The matrix that maps the coordinates to scores of all items: items × rank.
    pub fn back(&self) -> Vec<f32> {
        let weight = self.options.low_pass as f32;
        self.vectors
            .chunks_exact(self.rank.max(1))
            .zip(&self.powers.root)
            .flat_map(|(row, root)| row.iter().map(move |x| x * root * weight))
            .collect()
    }

    /// Adds the votes of the history's neighbours to `out`, which may contain the low-pass scores.
    pub fn add_votes(
        &self,
        taken: &Interactions,
        history: History<'_>,
        scratch: &mut Scratch,
        votes: &mut [f32],
        out: &mut [f32],
    ) {
        scratch.near.resize(taken.users(), 0.0);
        for (&item, &weight) in history.items.iter().zip(history.weights) {
            let vote = weight * self.powers.taken[item as usize];
            let users = self.powers.users.row(item as usize);
            for (&user, &weight) in users.items.iter().zip(users.weights) {
                let near = &mut scratch.near[user as usize];
                if *near == 0.0 {
                    scratch.touched.push(user);
                }
                *near += vote * weight;
            }
        }
        votes.fill(0.0);
        for user in scratch.touched.drain(..) {
            let near = std::mem::take(&mut scratch.near[user as usize]);
            let vote = near * self.powers.user[user as usize];
            let row = taken.row(user as usize);
            for (&item, &weight) in row.items.iter().zip(row.weights) {
                votes[item as usize] += vote * weight;
            }
        }
        for ((out, vote), scale) in out.iter_mut().zip(votes).zip(&self.powers.scored) {
            *out += *vote * scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::clusters;
    use super::*;

    /// Votes by the definition, in dense loops.
    #[test]
    fn votes_are_the_product_of_the_matrices() {
        let taken = clusters(30, 20);
        let options = GraphOptions {
            user: 0.9,
            taken: 0.5,
            scored: 0.3,
            factors: 4,
            ..GraphOptions::default()
        };
        let graph = options.fit(&taken, 1);
        let entry = |user: usize, item: usize| {
            let row = taken.row(user);
            let at = row.items.iter().position(|&i| i as usize == item);
            at.map_or(0.0, |at| f64::from(row.weights[at]))
        };
        let of_user = |u: usize| (0..20).map(|i| entry(u, i)).sum::<f64>();
        let of_item = |i: usize| (0..30).map(|u| entry(u, i)).sum::<f64>().max(1.0);
        let (mut votes, mut out) = (vec![0.0; 20], vec![0.0; 20]);
        graph.add_votes(
            &taken,
            taken.row(4),
            &mut Scratch::default(),
            &mut votes,
            &mut out,
        );
        #[allow(clippy::needless_range_loop)] // the formula's index
        for item in 0..20 {
            let mut expected = 0.0;
            for i in 0..20 {
                for u in 0..30 {
                    expected += entry(4, i) * entry(u, i) * entry(u, item)
                        / (of_item(i).powf(0.5) * of_user(u).powf(0.9) * of_item(item).powf(0.3));
                }
            }
            assert!((expected - f64::from(out[item])).abs() < 1e-5, "{item}");
        }
    }
}
