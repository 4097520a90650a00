//! Scoring: rows become codes, and 64 rows pass through a tree together: through a small tree by
//! renaming leaves (see `rename`), through a large one row by row.
//!
//! A missing value has the largest code; where it goes left, 1 is added to both sides of the
//! comparison, which makes the code wrap around to 0. In a walk a leaf is its own left child, and all
//! codes go left there.

use std::ops::Range;

use rayon::prelude::*;

use super::bins::Coder;
use super::columns::{self, Column};
use super::cuts::Coding;
use super::ensemble::{Ensemble, EnsembleError, NodeTest, range};
use super::loss::Link;
use super::rename::{NO_SET, Renaming, has_sets, rename, rename_with_sets};

/// Rows that pass through trees together.
pub(super) const BLOCK: usize = 64;
/// Blocks of one task.
const TASK_BLOCKS: usize = 16;
/// Rows that walk through a large tree side by side.
const WALKERS: usize = 8;
/// Trees of more leaves are walked; at most 256, so that leaf numbers fit one byte.
const SMALL_TREE: usize = 256;

/// The codes of a column in a block of rows.
pub(super) type Lane = [u8; BLOCK];

/// An ensemble prepared for scoring, which is worth keeping for more than one call.
///
/// # Examples
/// ```
/// use easylife_models::trees::{BinOptions, Bins, Column, Loss, Options, Target};
///
/// let x: Vec<f32> = (0..100).map(|i| i as f32).collect();
/// let y: Vec<f64> = x.iter().map(|&x| f64::from(u8::from(x > 40.0))).collect();
/// let bins = Bins::new(&[Column::F32(&x)], &BinOptions::default()).unwrap();
/// let trees = Options::of(Loss::Logistic).fit(&bins, &Target::new(&y)).unwrap();
/// let scorer = trees.scorer();
/// let low = scorer.predict(&[Column::F64(&[7.0])]).unwrap();
/// let high = scorer.predict(&[Column::F64(&[77.0])]).unwrap();
/// assert!(low[0] < 0.01 && high[0] > 0.99);
/// ```
pub struct Scorer {
    kinds: Vec<u8>,
    /// The columns that any node tests, ascending.
    pub(super) used: Vec<usize>,
    codings: Vec<Coding>,
    start: Vec<f64>,
    link: Link,
    trees: Vec<Tree>,
    steps: Vec<Step>,
    /// What each leaf adds, in the order of the leaves' numbers.
    leaf_values: Vec<f64>,
    /// Bins that go left, for the nodes of trees with categories.
    sets: Vec<[u64; 4]>,
    /// Splits of small trees, parents first.
    renamings: Vec<Renaming>,
}

struct Tree {
    /// Index of its first node.
    first: usize,
    /// And the end of its last.
    end: usize,
    /// Index of its first leaf.
    first_leaf: usize,
    /// Its renamings; none if the tree is large.
    renamings: Range<usize>,
    /// Whether a split is by a set.
    has_sets: bool,
}

#[derive(Clone, Copy)]
struct Step {
    /// The next node if the code is at most the limit, else the one after it; counted from the
    /// tree's first.
    left: u32,
    /// Index of the column among those used.
    lane: u32,
    limit: u8,
    /// Added to the code before it is compared.
    shift: u8,
    kind: Kind,
}

/// What a node does with a code.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Compare,
    /// Looks it up in a set.
    Set(u32),
    /// Nothing: it is a leaf, with this number.
    Leaf(u32),
}

impl Step {
    /// The next node for a code.
    #[inline]
    fn next(self, code: u8, sets: &[[u64; 4]]) -> u32 {
        match self.kind {
            Kind::Set(set) => {
                let bits = sets[set as usize];
                let is_left = bits[usize::from(code >> 6)] >> (code & 63) & 1;
                self.left + 1 - is_left as u32
            }
            _ => self.left + u32::from(code.wrapping_add(self.shift) > self.limit),
        }
    }

    /// For each row 255 if it goes left, else 0.
    #[inline]
    fn mask(self, codes: &Lane, sets: &[[u64; 4]]) -> Lane {
        let mut mask = [0; BLOCK];
        match self.kind {
            Kind::Set(_) => {
                for (to, &code) in mask.iter_mut().zip(codes) {
                    *to = u8::from(self.next(code, sets) == self.left).wrapping_neg();
                }
            }
            _ => {
                let (shift, limit) = (self.shift, self.limit);
                for (to, &code) in mask.iter_mut().zip(codes) {
                    *to = u8::from(code.wrapping_add(shift) <= limit).wrapping_neg();
                }
            }
        }
        mask
    }
}

impl Ensemble {
    /// Prepares scoring.
    pub fn scorer(&self) -> Scorer {
        let parts = self.parts();
        let mut used: Vec<usize> = (0..parts.lefts.len())
            .filter(|&node| parts.lefts[node] != 0)
            .map(|node| parts.columns[node] as usize)
            .collect();
        used.sort_unstable();
        used.dedup();
        let mut scorer = Scorer {
            kinds: parts.kinds.clone(),
            codings: used.iter().map(|&column| self.coding(column)).collect(),
            start: parts.start.clone(),
            link: parts.link,
            trees: Vec::with_capacity(self.trees()),
            steps: Vec::with_capacity(parts.lefts.len()),
            leaf_values: Vec::new(),
            sets: parts.sets.as_chunks().0.to_vec(),
            renamings: Vec::new(),
            used,
        };
        for tree in 0..self.trees() {
            let nodes = range(&parts.tree_starts, tree);
            scorer.add_tree(self, nodes);
        }
        scorer
    }

    fn step(&self, node: usize, first: usize, leaf: u32, used: &[usize]) -> Step {
        let step = Step {
            left: (node - first) as u32,
            lane: 0,
            limit: u8::MAX,
            shift: 0,
            kind: Kind::Leaf(leaf),
        };
        let Some((column, test)) = self.test(node) else {
            return step;
        };
        let step = Step {
            left: self.parts().lefts[node],
            lane: used.partition_point(|&used| used < column) as u32,
            kind: Kind::Compare,
            ..step
        };
        let test_index = self.parts().tests[node];
        match test {
            NodeTest::Cut { missing_left, .. } => Step {
                limit: test_index as u8 + u8::from(missing_left),
                shift: u8::from(missing_left),
                ..step
            },
            NodeTest::Set(_) => Step {
                kind: Kind::Set(test_index),
                ..step
            },
        }
    }

    /// Margins of rows, rows × outputs; see [`Scorer::margins`].
    ///
    /// # Errors
    /// If the columns are not those of training in number and kind.
    pub fn margins(&self, columns: &[Column]) -> Result<Vec<f64>, EnsembleError> {
        self.scorer().margins(columns)
    }

    /// Predictions of rows, rows × outputs; see [`Scorer::predict`].
    ///
    /// # Errors
    /// If the columns are not those of training in number and kind.
    pub fn predict(&self, columns: &[Column]) -> Result<Vec<f64>, EnsembleError> {
        self.scorer().predict(columns)
    }
}

impl Scorer {
    /// Adds a tree with these nodes; the leaves are numbered in the order in which splits make them.
    fn add_tree(&mut self, of: &Ensemble, nodes: Range<usize>) {
        let (parts, first) = (of.parts(), nodes.start);
        let mut leaf_of = vec![0; nodes.len()];
        let (mut leaves, first_renaming) = (1, self.renamings.len());
        let is_small = nodes.len() < 2 * SMALL_TREE;
        for node in nodes.clone() {
            let leaf = leaf_of[node - first];
            let step = of.step(node, first, leaf, &self.used);
            self.steps.push(step);
            if let Kind::Leaf(_) = step.kind {
                continue;
            }
            let left = step.left as usize;
            (leaf_of[left], leaf_of[left + 1]) = (leaf, leaves);
            if is_small {
                self.renamings.push(Renaming {
                    lane: step.lane,
                    set: match step.kind {
                        Kind::Set(set) => set,
                        _ => NO_SET,
                    },
                    limit: step.limit,
                    shift: step.shift,
                    leaf: leaf as u8,
                    change: (leaf ^ leaves) as u8,
                });
            }
            leaves += 1;
        }
        let first_leaf = self.leaf_values.len();
        self.leaf_values.resize(first_leaf + leaves as usize, 0.0);
        for node in nodes.clone().filter(|&node| parts.lefts[node] == 0) {
            self.leaf_values[first_leaf + leaf_of[node - first] as usize] = parts.values[node];
        }
        self.trees.push(Tree {
            first,
            end: nodes.end,
            first_leaf,
            has_sets: has_sets(&self.renamings[first_renaming..]),
            renamings: first_renaming..self.renamings.len(),
        });
    }

    /// Number of margins per row.
    pub fn outputs(&self) -> usize {
        self.start.len()
    }

    /// Margins of rows, rows × outputs: the start and what each tree adds, in the order of the trees.
    ///
    /// Categories that training did not see count as rare ones.
    ///
    /// # Errors
    /// If the columns are not those of training in number and kind, or differ in length.
    pub fn margins(&self, columns: &[Column]) -> Result<Vec<f64>, EnsembleError> {
        let rows = self.check(columns)?;
        let outputs = self.start.len();
        let coders = self.coders(columns);
        let mut margins = vec![0.0; rows * outputs];
        let tasks = margins
            .par_chunks_mut(TASK_BLOCKS * BLOCK * outputs)
            .enumerate();
        tasks.for_each_init(
            || self.lanes(),
            |lanes, (task, margins)| {
                let blocks = margins.chunks_mut(BLOCK * outputs).enumerate();
                for (block, margins) in blocks {
                    let first = (task * TASK_BLOCKS + block) * BLOCK;
                    self.encode(&coders, first, margins.len() / outputs, lanes);
                    self.add_trees(lanes, margins);
                }
            },
        );
        Ok(margins)
    }

    /// Predictions of rows, rows × outputs: probabilities for classes, means for counts.
    ///
    /// # Errors
    /// As for [`Scorer::margins`].
    pub fn predict(&self, columns: &[Column]) -> Result<Vec<f64>, EnsembleError> {
        let mut margins = self.margins(columns)?;
        if self.link != Link::Identity {
            let rows = margins.par_chunks_mut(self.start.len());
            rows.for_each(|margins| self.link.apply(margins));
        }
        Ok(margins)
    }

    /// The number of rows of columns that can be scored.
    pub(super) fn check(&self, columns: &[Column]) -> Result<usize, EnsembleError> {
        if columns.len() != self.kinds.len() {
            return Err(EnsembleError::Columns {
                expected: self.kinds.len(),
                got: columns.len(),
            });
        }
        let kinds = columns.iter().zip(&self.kinds);
        let mut kinds = kinds.map(|(column, kind)| column.is_categories() == (*kind == 1));
        if let Some(column) = kinds.position(|is_same| !is_same) {
            let expected = ["numbers", "categories"][usize::from(self.kinds[column])];
            return Err(EnsembleError::Kind { column, expected });
        }
        columns::rows(columns).map_err(|column| EnsembleError::Length { column })
    }

    pub(super) fn coders<'a>(&'a self, columns: &[Column<'a>]) -> Vec<Coder<'a>> {
        let codings = self.used.iter().zip(&self.codings);
        codings
            .map(|(&column, coding)| Coder::new(&columns[column], coding))
            .collect()
    }

    /// Room for the codes of a block.
    pub(super) fn lanes(&self) -> Vec<Lane> {
        vec![[0; BLOCK]; self.used.len().max(1)]
    }

    /// Writes the codes of some rows.
    pub(super) fn encode(&self, coders: &[Coder], first: usize, rows: usize, lanes: &mut [Lane]) {
        for (lane, coder) in lanes.iter_mut().zip(coders) {
            coder.encode(first, &mut lane[..rows]);
        }
    }

    /// For each node of a tree and each row of a block, 255 if it goes left there, else 0.
    pub(super) fn masks<'a>(
        &'a self,
        tree: usize,
        lanes: &'a [Lane],
    ) -> impl Iterator<Item = Lane> + 'a {
        let steps = &self.steps[self.trees[tree].first..self.trees[tree].end];
        let mask = |step: &Step| step.mask(&lanes[step.lane as usize], &self.sets);
        steps.iter().map(mask)
    }

    fn add_trees(&self, lanes: &[Lane], margins: &mut [f64]) {
        let outputs = self.start.len();
        for margins in margins.chunks_exact_mut(outputs) {
            margins.copy_from_slice(&self.start);
        }
        for (index, tree) in self.trees.iter().enumerate() {
            let steps = &self.steps[tree.first..tree.end];
            let renamings = &self.renamings[tree.renamings.clone()];
            let leaves = match steps.len() == 2 * renamings.len() + 1 {
                true if tree.has_sets => rename_with_sets(renamings, &self.sets, lanes),
                true => rename(renamings, lanes),
                false => self.walk(steps, lanes),
            };
            let margins = margins[index % outputs..].iter_mut().step_by(outputs);
            let values = &self.leaf_values[tree.first_leaf..];
            for (margin, leaf) in margins.zip(leaves) {
                *margin += values[leaf as usize];
            }
        }
    }

    /// The number of each row's leaf in any tree.
    fn walk(&self, steps: &[Step], lanes: &[Lane]) -> [u32; BLOCK] {
        let mut leaves = [0; BLOCK];
        for (group, leaves) in leaves.chunks_exact_mut(WALKERS).enumerate() {
            let mut at = [0_u32; WALKERS];
            loop {
                let before = at;
                for (walker, at) in at.iter_mut().enumerate() {
                    let step = steps[*at as usize];
                    let code = lanes[step.lane as usize][group * WALKERS + walker];
                    *at = step.next(code, &self.sets);
                }
                if at == before {
                    break;
                }
            }
            for (leaf, at) in leaves.iter_mut().zip(at) {
                if let Kind::Leaf(number) = steps[at as usize].kind {
                    *leaf = number;
                }
            }
        }
        leaves
    }
}
