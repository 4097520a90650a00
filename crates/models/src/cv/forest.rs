//! A random forest over all features (Breiman 2001), grown by smartcore, stored and evaluated here.
//!
//! smartcore grows the trees one after the other, each from its own seed, so threads change
//! nothing. Its regression trees are used because their leaves hold the share of sharp photos,
//! which ranks photos more finely than a vote. The trees are copied from smartcore into plain
//! arrays: a model file then holds tensors that can be checked, and evaluating them needs no
//! library.

use smartcore::ensemble::random_forest_regressor::{
    RandomForestRegressor, RandomForestRegressorParameters,
};
use smartcore::linalg::basic::matrix::DenseMatrix;

use super::features::FEATURES;
use crate::kernels::math::ln;
use crate::state::{State, StateError};

/// Number of features considered per split: about the square root of all.
const CHOICES: usize = 5;
/// Maximum depth of a tree, which bounds the size of a model for any number of photos.
const MAX_DEPTH: u16 = 12;
/// Minimum number of photos in a leaf.
const MIN_LEAF: usize = 3;
/// Added to both shares before taking log-odds, which stay finite even if all trees agree.
const PROBABILITY_FLOOR: f64 = 0.01;
/// Marks a leaf in `yes` and `no`: no node points back to the first.
const NONE: u32 = 0;

/// Trees, stored one after the other in the same arrays.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Forest {
    /// Index where each tree starts, and the end of the last.
    starts: Vec<u32>,
    /// The feature each node tests.
    features: Vec<u8>,
    /// If the feature is at most this value, `yes` is the next node, otherwise `no`; both are
    /// relative to the tree's start.
    splits: Vec<f64>,
    yes: Vec<u32>,
    no: Vec<u32>,
    /// Share of sharp photos among the training photos that reached each node.
    shares: Vec<f64>,
}

/// A node as smartcore serializes it.
#[derive(serde::Deserialize)]
struct Node {
    output: f64,
    split_feature: usize,
    split_value: Option<f64>,
    true_child: Option<u32>,
    false_child: Option<u32>,
}

#[derive(serde::Deserialize)]
struct Tree {
    nodes: Vec<Node>,
}

#[derive(serde::Deserialize)]
struct Trees {
    trees: Vec<Tree>,
}

#[derive(serde::Deserialize)]
struct Grown {
    forest_regressor: Trees,
}

impl Forest {
    /// Grows `trees` trees; photos are drawn for each in proportion to `costs`.
    ///
    /// # Panics
    /// If smartcore fails, which it cannot for photos with finite features.
    pub fn fit(
        rows: &[&[f64; FEATURES]],
        sharp: &[bool],
        costs: &[f64],
        trees: usize,
        seed: u64,
    ) -> Forest {
        let values: Vec<f64> = rows.iter().flat_map(|row| row.iter().copied()).collect();
        let matrix = DenseMatrix::new(rows.len(), FEATURES, values, false);
        let labels: Vec<f64> = sharp
            .iter()
            .map(|&sharp| f64::from(u8::from(sharp)))
            .collect();
        let options = RandomForestRegressorParameters::default()
            .with_n_trees(trees)
            .with_m(CHOICES)
            .with_max_depth(MAX_DEPTH)
            .with_min_samples_leaf(MIN_LEAF)
            .with_seed(seed);
        let grown = matrix
            .and_then(|x| RandomForestRegressor::fit_with_weights(&x, &labels, costs, options))
            .expect("photos and features that a forest can be grown from");
        // Its fields are private, but its serialized form is not.
        let written = serde_json::to_value(&grown).expect("a forest of numbers");
        let grown: Grown = serde_json::from_value(written).expect("the forest of smartcore 0.7");
        Forest::of(&grown.forest_regressor.trees)
    }

    fn of(trees: &[Tree]) -> Forest {
        let mut forest = Forest {
            starts: vec![0],
            features: Vec::new(),
            splits: Vec::new(),
            yes: Vec::new(),
            no: Vec::new(),
            shares: Vec::new(),
        };
        for tree in trees {
            for node in &tree.nodes {
                let split = (node.split_value, node.true_child, node.false_child);
                let (split, yes, no) = match split {
                    (Some(split), Some(yes), Some(no)) => (split, yes, no),
                    _ => (0.0, NONE, NONE),
                };
                forest.features.push(node.split_feature as u8);
                forest.splits.push(split);
                forest.yes.push(yes);
                forest.no.push(no);
                forest.shares.push(node.output.clamp(0.0, 1.0));
            }
            forest.starts.push(forest.features.len() as u32);
        }
        forest
    }

    pub fn trees(&self) -> usize {
        self.starts.len() - 1
    }

    /// The nodes that a photo passes in the tree that starts at `start`, from the root to a leaf.
    fn path(&self, start: u32, photo: &[f64; FEATURES]) -> impl Iterator<Item = usize> {
        let mut next = Some(start as usize);
        std::iter::from_fn(move || {
            let node = next?;
            let below = match photo[usize::from(self.features[node])] <= self.splits[node] {
                true => self.yes[node],
                false => self.no[node],
            };
            next = (below != NONE).then_some((start + below) as usize);
            Some(node)
        })
    }

    /// Log-odds of the mean share over all trees.
    pub fn log_odds(&self, photo: &[f64; FEATURES]) -> f64 {
        let starts = &self.starts[..self.trees()];
        let shares = starts.iter().map(|&start| {
            let leaf = self.path(start, photo).last();
            leaf.map_or(0.5, |leaf| self.shares[leaf])
        });
        let mean = shares.sum::<f64>() / self.trees() as f64;
        ln((mean + PROBABILITY_FLOOR) / (1.0 - mean + PROBABILITY_FLOOR))
    }

    /// How much each feature changed the mean share on the way from the roots to the leaves
    /// (Saabas, "Interpreting random forests", 2014).
    pub fn contributions(&self, photo: &[f64; FEATURES]) -> [f64; FEATURES] {
        let mut moved = [0.0; FEATURES];
        for &start in &self.starts[..self.trees()] {
            let nodes: Vec<usize> = self.path(start, photo).collect();
            for step in nodes.windows(2) {
                let by = self.shares[step[1]] - self.shares[step[0]];
                moved[usize::from(self.features[step[0]])] += by / self.trees() as f64;
            }
        }
        moved
    }

    pub fn add_to(&self, state: &mut State) {
        state.insert_u32("forest.starts", &[self.starts.len()], self.starts.clone());
        state.insert_u8(
            "forest.features",
            &[self.features.len()],
            self.features.clone(),
        );
        state.insert_f64("forest.splits", &[self.splits.len()], self.splits.clone());
        state.insert_u32("forest.yes", &[self.yes.len()], self.yes.clone());
        state.insert_u32("forest.no", &[self.no.len()], self.no.clone());
        state.insert_f64("forest.shares", &[self.shares.len()], self.shares.clone());
    }

    /// Evaluation terminates for any tensors, since children come after their parents.
    ///
    /// # Errors
    /// If a tensor is missing or does not describe valid trees.
    pub fn from_state(state: &State) -> Result<Forest, StateError> {
        let starts = state.u32s("forest.starts", &[None])?;
        let features = state.u8s("forest.features", &[None])?;
        let nodes = [Some(features.len())];
        let forest = Forest {
            starts: starts.to_vec(),
            features: features.to_vec(),
            splits: state.f64s("forest.splits", &nodes)?.to_vec(),
            yes: state.u32s("forest.yes", &nodes)?.to_vec(),
            no: state.u32s("forest.no", &nodes)?.to_vec(),
            shares: state.f64s("forest.shares", &nodes)?.to_vec(),
        };
        match forest.flaw() {
            None => Ok(forest),
            Some((name, reason)) => Err(StateError::Invalid {
                name: name.to_owned(),
                reason: reason.to_owned(),
            }),
        }
    }

    fn flaw(&self) -> Option<(&'static str, &'static str)> {
        let nodes = self.features.len();
        let ends = (self.starts.first(), self.starts.last());
        let ascending = self.starts.windows(2).all(|pair| pair[0] < pair[1]);
        if ends.0 != Some(&0) || ends.1.map(|&end| end as usize) != Some(nodes) || !ascending {
            return Some(("forest.starts", "not the starts of non-empty trees"));
        }
        if self.starts.len() < 2 {
            return Some(("forest.starts", "has no trees"));
        }
        if self
            .features
            .iter()
            .any(|&feature| usize::from(feature) >= FEATURES)
        {
            return Some(("forest.features", "not a feature index"));
        }
        if self.shares.iter().any(|share| !(0.0..=1.0).contains(share)) {
            return Some(("forest.shares", "not between 0 and 1"));
        }
        for tree in self.starts.windows(2) {
            for node in 0..tree[1] - tree[0] {
                let place = (tree[0] + node) as usize;
                let (yes, no) = (self.yes[place], self.no[place]);
                let leaf = yes == NONE && no == NONE;
                let is_later = |child: u32| child > node && child < tree[1] - tree[0];
                if !(leaf || is_later(yes) && is_later(no)) {
                    return Some(("forest.yes", "not the index of a later node of its tree"));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Photos that are sharp if features 3 and 7 agree, which no linear model can learn.
    fn photos() -> (Vec<[f64; FEATURES]>, Vec<bool>) {
        let number = |i: u32, step: u32| f64::from(i * step % 101) / 50.0 - 1.0;
        (0..400)
            .map(|i| {
                let mut row: [f64; FEATURES] = std::array::from_fn(|f| number(i, 7 + f as u32));
                (row[3], row[7]) = (number(i, 37), number(i, 59));
                (row, (row[3] > 0.0) == (row[7] > 0.0))
            })
            .unzip()
    }

    fn grown(seed: u64) -> Forest {
        let (rows, sharp) = photos();
        let rows: Vec<&[f64; FEATURES]> = rows.iter().collect();
        Forest::fit(&rows, &sharp, &vec![1.0; sharp.len()], 40, seed)
    }

    #[test]
    fn it_learns_what_a_linear_model_cannot() {
        let (rows, sharp) = photos();
        let forest = grown(7);
        let right = rows
            .iter()
            .zip(&sharp)
            .filter(|(row, sharp)| (forest.log_odds(row) > 0.0) == **sharp);
        assert!(right.count() > 360);
    }

    #[test]
    fn a_seed_repeats_on_any_number_of_threads_and_another_does_not() {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| grown(7))
        };
        assert_eq!(on(1), on(8));
        assert_ne!(grown(7), grown(8));
    }

    #[test]
    fn contributions_lead_from_the_prior_to_the_answer() {
        let (rows, _) = photos();
        let forest = grown(7);
        let first: f64 = forest.starts[..40]
            .iter()
            .map(|&start| forest.shares[start as usize])
            .sum();
        for row in &rows[..20] {
            let moved = forest.contributions(row);
            let mean = first / 40.0 + moved.iter().sum::<f64>();
            let log_odds = ((mean + PROBABILITY_FLOOR) / (1.0 - mean + PROBABILITY_FLOOR)).ln();
            assert!((log_odds - forest.log_odds(row)).abs() < 1e-9);
        }
    }

    fn state(forest: &Forest) -> State {
        let mut state = State::default();
        forest.add_to(&mut state);
        state
    }

    #[test]
    fn a_saved_forest_is_the_same_forest() {
        let forest = grown(7);
        assert_eq!(Forest::from_state(&state(&forest)).unwrap(), forest);
    }

    #[test]
    fn hostile_trees_are_refused() {
        let refused = |change: fn(&mut Forest)| {
            let mut forest = grown(7);
            change(&mut forest);
            Forest::from_state(&state(&forest)).unwrap_err().to_string()
        };
        let child = "tensor `forest.yes`: not the index of a later node of its tree";
        assert_eq!(refused(|f| f.yes[1] = 1), child, "itself, forever");
        assert_eq!(refused(|f| f.no[0] = u32::MAX), child, "beyond the end");
        assert_eq!(refused(|f| f.no[0] = f.starts[1]), child, "in another tree");
        assert_eq!(refused(|f| f.yes[0] = 0), child, "half a leaf");
        let starts = "tensor `forest.starts`: not the starts of non-empty trees";
        assert_eq!(refused(|f| f.starts[1] = f.starts[2]), starts);
        assert_eq!(refused(|f| f.starts[0] = 1), starts);
        assert_eq!(refused(|f| *f.starts.last_mut().unwrap() += 1), starts);
        assert_eq!(refused(|f| f.starts.clear()), starts);
        assert!(refused(|f| f.features[0] = FEATURES as u8).contains("forest.features"));
        assert!(refused(|f| f.shares[0] = 1.5).contains("forest.shares"));
        assert!(refused(|f| f.splits[0] = f64::NAN).contains("not finite"));
        assert!(refused(|f| f.yes.truncate(9)).contains("has shape"));
        let empty = |f: &mut Forest| {
            *f = Forest::of(&[]);
        };
        assert_eq!(refused(empty), "tensor `forest.starts`: has no trees");
    }
}
