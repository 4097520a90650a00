//! A fitted ensemble as flat arrays, and what makes such arrays valid.
//!
//! Trees are stored one after the other. Siblings are neighbours and come after their parent, so that
//! one index describes both and no path can return to where it was.

use super::bins::Bins;
use super::cuts::{Coding, MAX_BINS};
use super::frontier::Grown;
use super::loss::Link;
use super::split::Test;

/// The arrays of an ensemble, for those that save or translate it.
///
/// Node arrays have one entry per node of all trees; a node is named by its index in its tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// From margins to predictions.
    pub link: Link,
    /// The margin of each output before the first tree; tree t adds to output t modulo their number.
    pub start: Vec<f64>,
    /// For each column 1 if it holds categories, 0 if it holds numbers.
    pub kinds: Vec<u8>,
    /// Where the cuts of each column begin, and the end of the last.
    pub cut_starts: Vec<u32>,
    /// Ascending within a column; `f64::MAX` stands for infinity.
    pub cuts: Vec<f64>,
    /// Where the categories of each column begin, and the end of the last.
    pub category_starts: Vec<u32>,
    /// The bin of each category; 0 for rare ones, as for those beyond the end.
    pub category_bins: Vec<u8>,
    /// Where each tree begins, and the end of the last.
    pub tree_starts: Vec<u32>,
    /// The left child, which the right one follows; 0 for a leaf.
    pub lefts: Vec<u32>,
    /// The column that a node tests.
    pub columns: Vec<u32>,
    /// For numbers the index, in its column, of the cut up to which values go left; for categories
    /// the index of the set of bins that go left.
    pub tests: Vec<u32>,
    /// For numbers 1 if missing values go left.
    pub missing_left: Vec<u8>,
    /// Sets of bins, 4 × 64 bits each; bit 255 is for missing values.
    pub sets: Vec<u64>,
    /// What a leaf adds to the margin.
    pub values: Vec<f64>,
    /// Number of training rows that reached a node.
    pub rows: Vec<u32>,
    /// Sum of their Hessians, as quantized.
    pub hessians: Vec<f64>,
    /// By how much a split lowered the regularized training loss; 0 for a leaf.
    pub gains: Vec<f64>,
}

/// Boosted trees.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    parts: Parts,
}

/// Why arrays are no ensemble, or columns cannot be scored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnsembleError {
    /// An array contradicts another, or itself.
    #[error("`{part}` of the trees: {reason}")]
    Invalid {
        /// The field of [`Parts`].
        part: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The number of columns differs from that in training.
    #[error("expected {expected} columns, got {got}")]
    Columns {
        /// Number of columns in training.
        expected: usize,
        /// Number of columns given.
        got: usize,
    },
    /// Numbers where categories were trained, or the other way round.
    #[error("column {column} was trained as {expected}")]
    Kind {
        /// Index of the column.
        column: usize,
        /// `numbers` or `categories`.
        expected: &'static str,
    },
    /// A column has another number of rows than the first.
    #[error("column {column} has another number of rows than column 0")]
    Length {
        /// Index of the column.
        column: usize,
    },
    /// Explanations need a path's columns to fit 64 bits.
    #[error("a path tests more than 64 columns, which cannot be explained")]
    LongPath,
    /// Interventional explanations need rows to compare with.
    #[error("the background has no rows")]
    Background,
}

/// A test of a node, with its cut as a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NodeTest<'a> {
    /// Values up to the cut go left, and missing ones if so learned.
    Cut {
        /// `f64::MAX` stands for infinity.
        cut: f64,
        /// Whether missing values go left.
        missing_left: bool,
    },
    /// Bins whose bit is set go left.
    Set(&'a [u64; 4]),
}

impl Ensemble {
    /// Checks arrays, for example of a model file, and makes them an ensemble.
    ///
    /// # Errors
    /// If an array has another length than the others imply, an index is out of range, a node has not
    /// exactly one parent, cuts are not ascending, or a number is not finite. A valid ensemble can be
    /// scored and explained without panic.
    pub fn from_parts(parts: Parts) -> Result<Ensemble, EnsembleError> {
        match parts.flaw() {
            Some((part, reason)) => Err(EnsembleError::Invalid { part, reason }),
            None => Ok(Ensemble { parts }),
        }
    }

    /// The arrays.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The arrays, moved out.
    pub fn into_parts(self) -> Parts {
        self.parts
    }

    /// Number of columns in training.
    pub fn columns(&self) -> usize {
        self.parts.kinds.len()
    }

    /// Number of margins per row.
    pub fn outputs(&self) -> usize {
        self.parts.start.len()
    }

    /// Number of trees.
    pub fn trees(&self) -> usize {
        self.parts.tree_starts.len() - 1
    }

    /// The trees of the first rounds; all if there are fewer.
    pub fn truncated(&self, rounds: usize) -> Ensemble {
        let mut parts = self.parts.clone();
        let trees = (rounds * self.outputs()).min(self.trees());
        parts.tree_starts.truncate(trees + 1);
        let nodes = parts.tree_starts[trees] as usize;
        let indices = [
            &mut parts.lefts,
            &mut parts.columns,
            &mut parts.tests,
            &mut parts.rows,
        ];
        indices
            .into_iter()
            .for_each(|of_nodes| of_nodes.truncate(nodes));
        parts.missing_left.truncate(nodes);
        let numbers = [&mut parts.values, &mut parts.hessians, &mut parts.gains];
        numbers
            .into_iter()
            .for_each(|of_nodes| of_nodes.truncate(nodes));
        Ensemble { parts }
    }

    /// From margins to predictions.
    pub fn link(&self) -> Link {
        self.parts.link
    }

    /// The test of a node, given by its index among all nodes; `None` for a leaf.
    pub fn test(&self, node: usize) -> Option<(usize, NodeTest<'_>)> {
        let parts = &self.parts;
        if *parts.lefts.get(node)? == 0 {
            return None;
        }
        let (column, test) = (parts.columns[node] as usize, parts.tests[node] as usize);
        let test = match parts.kinds[column] {
            0 => NodeTest::Cut {
                cut: parts.cuts[parts.cut_starts[column] as usize + test],
                missing_left: parts.missing_left[node] == 1,
            },
            _ => NodeTest::Set(&parts.sets.as_chunks().0[test]),
        };
        Some((column, test))
    }

    /// Total gain of the splits by each column.
    pub fn importances(&self) -> Vec<f64> {
        let mut gains = vec![0.0; self.columns()];
        for (node, left) in self.parts.lefts.iter().enumerate() {
            if *left != 0 {
                gains[self.parts.columns[node] as usize] += self.parts.gains[node];
            }
        }
        gains
    }

    /// How values of a column become the codes that tests are about.
    pub(super) fn coding(&self, column: usize) -> Coding {
        let parts = &self.parts;
        match parts.kinds[column] {
            0 => Coding::Numbers(parts.cuts[range(&parts.cut_starts, column)].to_vec()),
            _ => Coding::Categories {
                bins: parts.category_bins[range(&parts.category_starts, column)].to_vec(),
                count: MAX_BINS,
            },
        }
    }
}

/// The part of an array that belongs to an entry of its starts.
pub(super) fn range(starts: &[u32], index: usize) -> std::ops::Range<usize> {
    starts[index] as usize..starts[index + 1] as usize
}

type Flaw = (&'static str, &'static str);

impl Parts {
    /// Adds the cuts at the ends of the bins that are used, and the categories of columns that are.
    fn add_codings(&mut self, bins: &Bins, used: &[Vec<u8>]) {
        for (coding, used) in bins.codings.iter().zip(used) {
            match coding {
                Coding::Numbers(cuts) => {
                    let used = used.iter().map(|&bin| cuts[usize::from(bin)]);
                    self.cuts.extend(used);
                }
                Coding::Categories { bins, .. } if !used.is_empty() => {
                    self.category_bins.extend_from_slice(bins);
                }
                Coding::Categories { .. } => {}
            }
            self.cut_starts.push(self.cuts.len() as u32);
            self.category_starts.push(self.category_bins.len() as u32);
        }
    }

    /// Sets the test of a node, given the bins at whose ends its column is cut.
    fn set_test(&mut self, node: usize, test: Test, used: &[u8]) {
        match test {
            Test::Cut { bin, missing_left } => {
                self.tests[node] = used.partition_point(|&used| used < bin) as u32;
                self.missing_left[node] = missing_left.into();
            }
            Test::Set(set) => {
                self.tests[node] = (self.sets.len() / 4) as u32;
                self.sets.extend(set);
            }
        }
    }

    fn flaw(&self) -> Option<Flaw> {
        self.columns_flaw()
            .or_else(|| self.lengths_flaw())
            .or_else(|| self.numbers_flaw())
            .or_else(|| {
                let trees = 0..self.tree_starts.len() - 1;
                trees.into_iter().find_map(|tree| self.tree_flaw(tree))
            })
    }

    fn columns_flaw(&self) -> Option<Flaw> {
        let columns = self.kinds.len();
        if self.kinds.iter().any(|&kind| kind > 1) {
            return Some(("kinds", "neither 0 nor 1"));
        }
        if !are_starts(&self.cut_starts, columns, self.cuts.len()) {
            return Some(("cut_starts", "not the starts of each column's cuts"));
        }
        if !are_starts(&self.category_starts, columns, self.category_bins.len()) {
            return Some((
                "category_starts",
                "not the starts of each column's categories",
            ));
        }
        for column in 0..columns {
            let cuts = &self.cuts[range(&self.cut_starts, column)];
            let is_ascending = cuts.windows(2).all(|pair| pair[0] < pair[1]);
            if !is_ascending || cuts.iter().any(|cut| !cut.is_finite()) {
                return Some(("cuts", "not finite and ascending"));
            }
            let is_last_infinity = cuts.last() == Some(&f64::MAX);
            if cuts.len() > MAX_BINS - usize::from(!is_last_infinity) {
                return Some(("cuts", "more than a code of one byte can tell apart"));
            }
        }
        None
    }

    fn lengths_flaw(&self) -> Option<Flaw> {
        let nodes = self.lefts.len();
        let (first, last) = (self.tree_starts.first(), self.tree_starts.last());
        let is_ascending = self.tree_starts.windows(2).all(|pair| pair[0] < pair[1]);
        if first != Some(&0) || last.map(|&end| end as usize) != Some(nodes) || !is_ascending {
            return Some(("tree_starts", "not the starts of trees with nodes"));
        }
        if self.start.is_empty() || !(self.tree_starts.len() - 1).is_multiple_of(self.start.len()) {
            return Some(("start", "not one margin per tree of a round"));
        }
        let lengths = [
            ("columns", self.columns.len()),
            ("tests", self.tests.len()),
            ("missing_left", self.missing_left.len()),
            ("values", self.values.len()),
            ("rows", self.rows.len()),
            ("hessians", self.hessians.len()),
            ("gains", self.gains.len()),
        ];
        if let Some((part, _)) = lengths.iter().find(|(_, length)| *length != nodes) {
            return Some((part, "not one entry per node"));
        }
        if !self.sets.len().is_multiple_of(4) {
            return Some(("sets", "not four numbers per set"));
        }
        None
    }

    fn numbers_flaw(&self) -> Option<Flaw> {
        let numbers = [
            ("start", &self.start),
            ("values", &self.values),
            ("hessians", &self.hessians),
            ("gains", &self.gains),
        ];
        let is_finite = |numbers: &[f64]| numbers.iter().all(|number| number.is_finite());
        let flawed = numbers.iter().find(|(_, numbers)| !is_finite(numbers));
        flawed.map(|(part, _)| (*part, "not finite"))
    }

    fn tree_flaw(&self, tree: usize) -> Option<Flaw> {
        let nodes = range(&self.tree_starts, tree);
        let (first, size) = (nodes.start, nodes.len());
        let mut has_parent = vec![false; size];
        for node in nodes {
            let left = self.lefts[node] as usize;
            if left == 0 {
                continue;
            }
            if left <= node - first || left + 1 >= size {
                return Some(("lefts", "not the index of later nodes of the tree"));
            }
            if has_parent[left] || has_parent[left + 1] {
                return Some(("lefts", "a node with two parents"));
            }
            (has_parent[left], has_parent[left + 1]) = (true, true);
            if let Some(flaw) = self.test_flaw(node) {
                return Some(flaw);
            }
        }
        match has_parent.iter().skip(1).all(|&has| has) {
            true => self.rows_flaw(first..first + size),
            false => Some(("lefts", "a node without a parent")),
        }
    }

    fn rows_flaw(&self, nodes: std::ops::Range<usize>) -> Option<Flaw> {
        let first = nodes.start;
        let is_wrong = |node: usize| {
            let left = first + self.lefts[node] as usize;
            let children = [self.rows[left], self.rows[left + 1]];
            let sum = u64::from(children[0]) + u64::from(children[1]);
            children.contains(&0) || sum != u64::from(self.rows[node])
        };
        let mut inner = nodes.filter(|&node| self.lefts[node] != 0);
        let flaw = ("rows", "not the sum over both children");
        inner.any(is_wrong).then_some(flaw)
    }

    fn test_flaw(&self, node: usize) -> Option<Flaw> {
        let (column, test) = (self.columns[node] as usize, self.tests[node] as usize);
        match self.kinds.get(column) {
            None => Some(("columns", "not the index of a column")),
            Some(0) if test >= range(&self.cut_starts, column).len() => {
                Some(("tests", "not the index of a cut"))
            }
            Some(1) if test >= self.sets.len() / 4 => Some(("tests", "not the index of a set")),
            _ if self.missing_left[node] > 1 => Some(("missing_left", "neither 0 nor 1")),
            _ => None,
        }
    }
}

fn are_starts(starts: &[u32], entries: usize, end: usize) -> bool {
    starts.len() == entries + 1
        && starts[0] == 0
        && starts[entries] as usize == end
        && starts.windows(2).all(|pair| pair[0] <= pair[1])
}

/// Trees as they are grown: tests by the bins of the training table.
pub(super) struct Grove {
    tree_starts: Vec<u32>,
    nodes: Vec<GroveNode>,
    columns: usize,
}

struct GroveNode {
    test: Option<(usize, Test)>,
    left: u32,
    value: f64,
    rows: u32,
    hessian: f64,
    gain: f64,
}

impl Grove {
    pub fn new(columns: usize) -> Grove {
        Grove {
            tree_starts: vec![0],
            nodes: Vec::new(),
            columns,
        }
    }

    /// Adds a tree with the values of its leaves.
    pub fn add(&mut self, grown: &Grown, values: &[f64], units: [f64; 2]) {
        let first = self.nodes.len();
        let nodes = grown.nodes.iter().enumerate();
        self.nodes.extend(nodes.map(|(index, node)| {
            let gain = node.split.as_ref().map_or(0.0, |split| split.gain);
            GroveNode {
                test: grown.test(index),
                left: node.left,
                value: 0.0,
                rows: node.sums.rows as u32,
                hessian: (node.sums.h as f64 * units[1]).min(f64::MAX),
                gain: (gain * units[0] * units[0]).min(f64::MAX),
            }
        }));
        for (leaf, value) in grown.leaves.iter().zip(values) {
            self.nodes[first + leaf.node].value = *value;
        }
        self.tree_starts.push(self.nodes.len() as u32);
    }

    /// The first `trees` trees, with the cuts and categories that they use.
    pub fn into_ensemble(
        mut self,
        trees: usize,
        bins: &Bins,
        start: Vec<f64>,
        link: Link,
    ) -> Ensemble {
        self.tree_starts.truncate(trees + 1);
        self.nodes.truncate(self.tree_starts[trees] as usize);
        let used = self.used_bins();
        let nodes = self.nodes.len();
        let mut parts = Parts {
            link,
            start,
            kinds: (0..self.columns)
                .map(|column| bins.is_categories(column).into())
                .collect(),
            cut_starts: vec![0],
            cuts: Vec::new(),
            category_starts: vec![0],
            category_bins: Vec::new(),
            tree_starts: self.tree_starts,
            lefts: self.nodes.iter().map(|node| node.left).collect(),
            columns: vec![0; nodes],
            tests: vec![0; nodes],
            missing_left: vec![0; nodes],
            sets: Vec::new(),
            values: self.nodes.iter().map(|node| node.value).collect(),
            rows: self.nodes.iter().map(|node| node.rows).collect(),
            hessians: self.nodes.iter().map(|node| node.hessian).collect(),
            gains: self.nodes.iter().map(|node| node.gain).collect(),
        };
        parts.add_codings(bins, &used);
        for (index, node) in self.nodes.iter().enumerate() {
            if let Some((column, test)) = node.test {
                parts.columns[index] = column as u32;
                parts.set_test(index, test, &used[column]);
            }
        }
        Ensemble { parts }
    }

    /// For each column the bins at whose ends it is cut, ascending; for categories just bin 0, if it
    /// is used.
    fn used_bins(&self) -> Vec<Vec<u8>> {
        let mut used = vec![Vec::new(); self.columns];
        for (column, test) in self.nodes.iter().filter_map(|node| node.test) {
            used[column].push(match test {
                Test::Cut { bin, .. } => bin,
                Test::Set(_) => 0,
            });
        }
        for bins in &mut used {
            bins.sort_unstable();
            bins.dedup();
        }
        used
    }
}
