//! Shapley values of the game that one path from root to leaf is.
//!
//! A path tests d columns. For column j let z_j be the share of training rows that pass all its tests
//! on the path, given that they reach them, and let the pattern say whether the row itself passes
//! them (o_j = 1 or 0). A coalition S gives v Π_{j in S} o_j Π_{j not in S} z_j for a leaf of value v.
//! With A = Π z_j over the columns that the row fails, and c_k the coefficients of
//! Π (z_j + t) over those that it passes, a failed column gets
//!
//! -v A Σ_k w_k c_k,   w_k = k! (d - 1 - k)! / d!
//!
//! and a passed column i gets v A (1 - z_i) Σ_k w_k q_k, with q the coefficients after division by
//! (z_i + t). Division from the highest coefficient down multiplies errors by z_i < 1: it is stable.

use super::ensemble::{Ensemble, EnsembleError};

/// Columns of a path that a pattern has bits for.
const MAX_COLUMNS: usize = 64;

/// A path from the root to a leaf, with repeated columns merged.
pub(super) struct Path {
    /// The leaf's value.
    pub value: f64,
    /// The columns, as indices among those used.
    pub lanes: Vec<u32>,
    /// Share of rows that pass each column's tests.
    shares: Vec<f64>,
    /// Node, whether the path goes left there, and which of the columns it tests.
    steps: Vec<(u32, bool, u8)>,
}

/// Weights of coalitions by size.
pub(super) struct Weights {
    /// n! from 0 on.
    factorials: Vec<f64>,
    /// For each number of columns d, the weights k! (d - 1 - k)! / d! for k below d.
    shapley: Vec<Vec<f64>>,
}

impl Weights {
    /// Weights for up to this many columns.
    pub fn new(columns: usize) -> Weights {
        let mut factorials = vec![1.0];
        for n in 1..=columns.max(1) {
            factorials.push(factorials[n - 1] * n as f64);
        }
        let shapley = (0..=columns).map(|d| {
            let weight = |k| factorials[k] * factorials[d - 1 - k] / factorials[d];
            (0..d).map(weight).collect()
        });
        Weights {
            shapley: shapley.collect(),
            factorials,
        }
    }

    /// Weight k! (d - 2 - k)! / (2 (d - 1)!) of a coalition of k in the interaction of two others.
    fn interaction(&self, d: usize, k: usize) -> f64 {
        0.5 * self.factorials[k] * self.factorials[d - 2 - k] / self.factorials[d - 1]
    }
}

impl Path {
    /// The paths of the tree with these nodes.
    pub fn all(
        ensemble: &Ensemble,
        nodes: std::ops::Range<usize>,
        used: &[usize],
    ) -> Result<Vec<Path>, EnsembleError> {
        let (parts, first) = (ensemble.parts(), nodes.start);
        let mut parents = vec![0; nodes.len()];
        for node in nodes.clone().filter(|&node| parts.lefts[node] != 0) {
            let left = parts.lefts[node] as usize;
            (parents[left], parents[left + 1]) = (node - first, node - first);
        }
        let is_leaf = |node: &usize| parts.lefts[*node] == 0;
        let path = |leaf: usize| {
            let mut path = Path {
                value: parts.values[leaf],
                lanes: Vec::new(),
                shares: Vec::new(),
                steps: Vec::new(),
            };
            let mut node = leaf - first;
            while node != 0 {
                let parent = parents[node];
                let is_left = node == parts.lefts[first + parent] as usize;
                let column = parts.columns[first + parent] as usize;
                let lane = used.partition_point(|&used| used < column) as u32;
                let rows = [node, parent].map(|node| f64::from(parts.rows[first + node]));
                path.push(parent as u32, is_left, lane, rows[0] / rows[1]);
                node = parent;
            }
            match path.lanes.len() > MAX_COLUMNS {
                true => Err(EnsembleError::LongPath),
                false => Ok(path),
            }
        };
        nodes.clone().filter(is_leaf).map(path).collect()
    }

    fn push(&mut self, node: u32, is_left: bool, lane: u32, share: f64) {
        let slot = self.lanes.iter().position(|&other| other == lane);
        let slot = slot.unwrap_or_else(|| {
            self.lanes.push(lane);
            self.shares.push(1.0);
            self.lanes.len() - 1
        });
        self.shares[slot] *= share;
        // Paths of more columns than patterns have bits are refused afterwards.
        self.steps.push((node, is_left, slot.min(255) as u8));
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.lanes.len()
    }

    /// Share of the training rows in the leaf.
    pub fn share(&self) -> f64 {
        self.shares.iter().product()
    }

    /// The pattern of each row: a bit per column that is set if the row passes its tests. `masks` has
    /// for each 64 rows and each node a bit per row that goes left.
    pub fn patterns(&self, masks: &[Vec<u64>], rows: usize) -> Vec<u64> {
        let mut patterns = vec![0; rows];
        let mut passed = [u64::MAX; MAX_COLUMNS];
        let passed = &mut passed[..self.columns()];
        for (word, patterns) in patterns.chunks_mut(64).enumerate() {
            passed.fill(u64::MAX);
            for &(node, is_left, slot) in &self.steps {
                let mask = masks[word][node as usize];
                passed[usize::from(slot)] &= if is_left { mask } else { !mask };
            }
            for (slot, mask) in passed.iter().enumerate() {
                for (row, pattern) in patterns.iter_mut().enumerate() {
                    *pattern |= (mask >> row & 1) << slot;
                }
            }
        }
        patterns
    }

    /// Coefficients of Π (z_j + t) over the columns that the pattern passes, lowest first, and Π z_j
    /// over the others; `without` is left out of both.
    fn polynomial(&self, pattern: u64, without: &[usize]) -> ([f64; MAX_COLUMNS + 1], usize, f64) {
        let mut coefficients = [0.0; MAX_COLUMNS + 1];
        coefficients[0] = 1.0;
        let (mut degree, mut failed) = (0, 1.0);
        for (slot, share) in self.shares.iter().enumerate() {
            if without.contains(&slot) {
                continue;
            }
            if pattern >> slot & 1 == 0 {
                failed *= share;
                continue;
            }
            degree += 1;
            for k in (1..=degree).rev() {
                coefficients[k] = coefficients[k] * share + coefficients[k - 1];
            }
            coefficients[0] *= share;
        }
        (coefficients, degree, failed)
    }

    /// Path-dependent Shapley values of the path's columns.
    pub fn shapley(&self, pattern: u64, weights: &Weights, to: &mut [f64]) {
        let (coefficients, degree, failed) = self.polynomial(pattern, &[]);
        let weights = &weights.shapley[self.columns()];
        let scale = self.value * failed;
        // Zero weight beyond the end: if all columns are passed, none needs the value.
        let sum: f64 = weights
            .iter()
            .zip(&coefficients[..=degree])
            .map(|(w, c)| w * c)
            .sum();
        for (slot, (to, share)) in to.iter_mut().zip(&self.shares).enumerate() {
            *to = -scale * sum;
            if pattern >> slot & 1 == 1 {
                let (mut quotient, mut sum) = (0.0, 0.0);
                for k in (1..=degree).rev() {
                    quotient = coefficients[k] - share * quotient;
                    sum += weights[k - 1] * quotient;
                }
                *to = scale * (1.0 - share) * sum;
            }
        }
    }

    /// Path-dependent interaction of two different columns of the path.
    pub fn interaction(&self, pattern: u64, a: usize, b: usize, weights: &Weights) -> f64 {
        let (coefficients, degree, failed) = self.polynomial(pattern, &[a, b]);
        let gain = |slot: usize| f64::from((pattern >> slot & 1) as u8) - self.shares[slot];
        let d = self.columns();
        let sum: f64 = (0..=degree)
            .map(|k| weights.interaction(d, k) * coefficients[k])
            .sum();
        self.value * failed * gain(a) * gain(b) * sum
    }

    /// Interventional Shapley values of the path's columns: the mean over the background.
    ///
    /// Against one background row only columns that exactly one of both passes matter, and the leaf
    /// only if each column is passed by one. With p passed by the row alone and q by the other, the
    /// former get (p - 1)! q! / (p + q)! each, the latter -p! (q - 1)! / (p + q)!.
    pub fn interventional(
        &self,
        pattern: u64,
        background: &Background,
        weights: &Weights,
        to: &mut [f64],
    ) {
        to.fill(0.0);
        let all = match self.columns() {
            MAX_COLUMNS => u64::MAX,
            columns => (1 << columns) - 1,
        };
        let factorials = &weights.factorials;
        for &(other, share) in &background.patterns {
            if pattern | other != all {
                continue;
            }
            let (ours, theirs) = (pattern & !other, other & !pattern);
            let (p, q) = (ours.count_ones() as usize, theirs.count_ones() as usize);
            let scale = self.value * share / factorials[p + q];
            if p > 0 {
                let gain = scale * factorials[p - 1] * factorials[q];
                bits(ours).for_each(|slot| to[slot] += gain);
            }
            if q > 0 {
                let loss = scale * factorials[p] * factorials[q - 1];
                bits(theirs).for_each(|slot| to[slot] -= loss);
            }
        }
    }
}

/// Indices of the bits that are set.
fn bits(mut pattern: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let slot = (pattern != 0).then(|| pattern.trailing_zeros() as usize)?;
        pattern &= pattern - 1;
        Some(slot)
    })
}

/// The patterns of a background table on one path, with their shares of its rows.
pub(super) struct Background {
    patterns: Vec<(u64, f64)>,
    rows: usize,
}

impl Background {
    pub fn new(rows: usize) -> Background {
        Background {
            patterns: Vec::new(),
            rows,
        }
    }

    /// Adds the patterns of some rows.
    pub fn add(&mut self, patterns: &[u64]) {
        let patterns = patterns.iter().map(|&pattern| (pattern, 1.0));
        self.patterns.extend(patterns);
        self.merge();
    }

    /// Turns counts into shares.
    pub fn finish(&mut self) {
        let rows = self.rows as f64;
        self.patterns
            .iter_mut()
            .for_each(|(_, count)| *count /= rows);
    }

    /// Counts equal patterns once.
    fn merge(&mut self) {
        self.patterns.sort_unstable_by_key(|(pattern, _)| *pattern);
        self.patterns.dedup_by(|from, to| {
            let is_same = from.0 == to.0;
            if is_same {
                to.1 += from.1;
            }
            is_same
        });
    }
}
