//! Grows one tree, leaf by leaf: the leaf whose split gains most is split next.
//!
//! Of a split's children only the smaller has its histogram filled; the other's is the parent's less
//! that. With several threads, leaves that are next in the queue are split ahead. Since all sums are
//! exact this changes nothing: a split that the queue does not reach is undone.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeSet;

use rayon::prelude::*;

use super::histogram::{Filler, Rows, Sums, subtract};
use super::interactions::allowed;
use super::split::{Finder, Place, Split, Test};

/// A leaf with fewer rows is split by one thread, beside others.
const SHARED_ROWS: usize = 1 << 16;
/// Rows that one task divides.
const TASK_ROWS: usize = 1 << 15;
/// Bytes for the histograms of leaves; those that gain least are filled again when needed.
const HISTOGRAM_BYTES: usize = 16 << 20;

/// A node of a tree as grown: codes, not values.
pub(super) struct Node {
    /// The split; `None` for a leaf.
    pub split: Option<Split>,
    /// Index of the left child; the right one follows it.
    pub left: u32,
    pub sums: Sums,
}

/// A tree, and the rows in its leaves.
pub(super) struct Grown {
    pub nodes: Vec<Node>,
    pub leaves: Vec<Leaf>,
}

/// A leaf and its rows.
pub(super) struct Leaf {
    /// Index of its node.
    pub node: usize,
    /// Each ascending; all of them make the leaf.
    pub rows: Vec<Vec<u32>>,
    /// Bounds of its value, in units of quantized gradients.
    pub bounds: [f64; 2],
}

/// A leaf that may be split.
struct Candidate {
    rows: Vec<u32>,
    /// Whether `rows` are all rows of the table.
    is_whole: bool,
    depth: usize,
    /// The columns tested on the way; left empty if all may meet.
    path: Vec<usize>,
    place: Place,
    /// Empty if there is none.
    histogram: Vec<Sums>,
    split: Option<Split>,
    /// What the split gives, once it is made.
    children: Option<Box<[Candidate; 2]>>,
}

/// What a tree is grown from.
pub(super) struct Grower<'a> {
    pub finder: Finder<'a>,
    pub filler: &'a Filler<'a>,
    /// Quantized gradients of every row.
    pub pairs: &'a [u32],
    /// For each column whether the tree may use it.
    pub used: &'a [bool],
}

/// The leaves that may be split, that with the largest gain first, then in the order of their nodes.
type Queue = BTreeSet<(Reverse<u64>, usize)>;

impl Grower<'_> {
    /// Grows a tree from ascending rows.
    pub fn grow(&self, rows: Vec<u32>) -> Grown {
        let max_leaves = self.finder.options.leaves;
        let mut nodes = Vec::with_capacity(2 * max_leaves.min(1 << 12));
        let mut candidates: Vec<Option<Candidate>> = Vec::new();
        let mut queue = Queue::new();
        let add = |candidate: Candidate,
                   nodes: &mut Vec<Node>,
                   candidates: &mut Vec<Option<Candidate>>,
                   queue: &mut Queue| {
            if let Some(split) = &candidate.split {
                // The bits of positive numbers are in their order.
                queue.insert((Reverse(split.gain.to_bits()), nodes.len()));
            }
            nodes.push(Node {
                split: None,
                left: 0,
                sums: candidate.place.sums,
            });
            candidates.push(Some(candidate));
        };
        add(self.root(rows), &mut nodes, &mut candidates, &mut queue);
        for leaves in 1..max_leaves {
            let Some(&(_, node)) = queue.first() else {
                break;
            };
            self.split_ahead(&queue, &mut candidates, max_leaves - leaves);
            queue.pop_first();
            let Some(candidate) = candidates[node].take() else {
                break;
            };
            nodes[node].left = nodes.len() as u32;
            nodes[node].split = candidate.split;
            for child in candidate.children.map(|pair| *pair).into_iter().flatten() {
                add(child, &mut nodes, &mut candidates, &mut queue);
            }
            self.forget(&queue, &mut candidates);
        }
        let leaves = candidates.into_iter().enumerate();
        let leaves = leaves.filter_map(|(node, candidate)| Some(candidate?.into_leaf(node)));
        let leaves = leaves.collect();
        Grown { nodes, leaves }
    }

    fn root(&self, rows: Vec<u32>) -> Candidate {
        let mut root = Candidate {
            is_whole: rows.len() == self.finder.bins.rows(),
            rows,
            depth: 0,
            path: Vec::new(),
            place: Place {
                sums: Sums::default(),
                bounds: [f64::NEG_INFINITY, f64::INFINITY],
            },
            histogram: Vec::new(),
            split: None,
            children: None,
        };
        root.histogram = self.fill(&root);
        root.place.sums = match self.finder.columns.first() {
            // Every column's bins sum to the same.
            Some(&column) => total(&root.histogram[self.filler.layout.column(column)]),
            None => Sums {
                rows: root.rows.len() as i64,
                ..Sums::default()
            },
        };
        if self.may_split(&root) {
            root.split = self
                .finder
                .find(&root.histogram, &root.place, self.finder.columns);
        }
        root
    }

    fn fill(&self, candidate: &Candidate) -> Vec<Sums> {
        let rows = match candidate.is_whole {
            true => Rows::Range(0, candidate.rows.len()),
            false => Rows::List(&candidate.rows),
        };
        self.filler.fill(self.pairs, rows, self.used)
    }

    fn may_split(&self, candidate: &Candidate) -> bool {
        let options = self.finder.options;
        candidate.depth < options.depth && candidate.rows.len() / 2 >= options.min_rows
    }

    /// Makes the split that is next, and with more threads those that are likely to follow.
    fn split_ahead(&self, queue: &Queue, candidates: &mut [Option<Candidate>], splits_left: usize) {
        let is_open = |candidates: &[Option<Candidate>], node: usize| {
            let candidate = candidates[node].as_ref();
            candidate.is_some_and(|candidate| candidate.children.is_none())
        };
        let mut next = queue.iter().map(|&(_, node)| node);
        let Some(first) = next.next().filter(|&node| is_open(candidates, node)) else {
            return;
        };
        let is_small = |candidates: &[Option<Candidate>], node: usize| {
            let candidate = candidates[node].as_ref();
            candidate.is_some_and(|candidate| candidate.rows.len() < SHARED_ROWS)
        };
        let threads = rayon::current_num_threads();
        let ahead = match threads > 1 && is_small(candidates, first) {
            true => (2 * threads - 1).min(splits_left - 1),
            false => 0,
        };
        let mut chosen = vec![first];
        let more = next.filter(|&node| is_open(candidates, node) && is_small(candidates, node));
        chosen.extend(more.take(ahead));
        let mut taken: Vec<(usize, Candidate)> = chosen
            .into_iter()
            .filter_map(|node| Some((node, candidates[node].take()?)))
            .collect();
        let go_on = splits_left > 1;
        match &mut taken[..] {
            [(_, only)] => self.split(only, go_on),
            several => several
                .par_iter_mut()
                .for_each(|(_, candidate)| self.split(candidate, go_on)),
        }
        for (node, candidate) in taken {
            candidates[node] = Some(candidate);
        }
    }

    /// Drops the histograms that are beyond the budget.
    fn forget(&self, queue: &Queue, candidates: &mut [Option<Candidate>]) {
        let bytes = (self.filler.layout.len() * size_of::<Sums>()).max(1);
        let keep = (HISTOGRAM_BYTES / bytes).max(2);
        for &(_, node) in queue.iter().skip(keep) {
            if let Some(candidate) = &mut candidates[node] {
                candidate.histogram = Vec::new();
            }
        }
    }

    /// Divides the rows of a leaf, and finds the splits of its children if growth goes on.
    fn split(&self, parent: &mut Candidate, go_on: bool) {
        let Some(split) = &parent.split else {
            return;
        };
        let [left, right] = self.divide(&parent.rows, split);
        parent.rows = Vec::new();
        let (mut low, mut high) = (parent.place.bounds, parent.place.bounds);
        let sign = self.finder.options.monotone.get(split.column);
        match sign.copied().unwrap_or(0) {
            0 => {}
            sign if sign > 0 => (low[1], high[0]) = (split.middle, split.middle),
            _ => (low[0], high[1]) = (split.middle, split.middle),
        }
        let path = self.path_after(parent, split.column);
        let child = |rows, sums, bounds| Candidate {
            rows,
            is_whole: false,
            depth: parent.depth + 1,
            path: path.clone(),
            place: Place { sums, bounds },
            histogram: Vec::new(),
            split: None,
            children: None,
        };
        let mut children = [
            child(left, split.left, low),
            child(right, split.right, high),
        ];
        if go_on && children.iter().any(|child| self.may_split(child)) {
            self.search(&mut children, std::mem::take(&mut parent.histogram));
        }
        parent.histogram = Vec::new();
        parent.children = Some(Box::new(children));
    }

    /// Finds the splits of two children, given the histogram of their parent unless it was dropped.
    fn search(&self, children: &mut [Candidate; 2], mut parent: Vec<Sums>) {
        let smaller = usize::from(children[1].rows.len() < children[0].rows.len());
        children[smaller].histogram = self.fill(&children[smaller]);
        children[1 - smaller].histogram = match parent.is_empty() {
            true => self.fill(&children[1 - smaller]),
            false => {
                subtract(&mut parent, &children[smaller].histogram);
                parent
            }
        };
        let columns = self.columns_after(&children[0].path);
        for child in children {
            if self.may_split(child) {
                child.split = self.finder.find(&child.histogram, &child.place, &columns);
            }
            if child.split.is_none() {
                child.histogram = Vec::new();
            }
        }
    }

    /// The columns tested on the way to the children of a node.
    fn path_after(&self, parent: &Candidate, column: usize) -> Vec<usize> {
        let mut path = parent.path.clone();
        if !self.finder.options.interactions.is_empty() && !path.contains(&column) {
            path.push(column);
        }
        path
    }

    /// The columns that may be tested after those of a path.
    fn columns_after(&self, path: &[usize]) -> Cow<'_, [usize]> {
        let finder = &self.finder;
        match path.is_empty() {
            true => Cow::Borrowed(finder.columns),
            false => {
                let sets = &finder.options.interactions;
                let all = finder.bins.columns();
                Cow::Owned(allowed(sets, path, finder.columns, all))
            }
        }
    }

    /// The rows that go left and those that go right, both in their order.
    fn divide(&self, rows: &[u32], split: &Split) -> [Vec<u32>; 2] {
        let codes = self.finder.bins.column(split.column);
        let goes_left: [bool; 256] = std::array::from_fn(|code| split.test.goes_left(code as u8));
        let divide = |rows: &[u32], left: usize, right: usize| {
            // One more place each, because every row is written to both sides.
            let mut sides = [vec![0; left + 1], vec![0; right + 1]];
            let [mut l, mut r] = [0, 0];
            for &row in rows {
                let is_left = goes_left[usize::from(codes[row as usize])];
                sides[0][l.min(left)] = row;
                sides[1][r.min(right)] = row;
                l += usize::from(is_left);
                r += usize::from(!is_left);
            }
            sides[0].truncate(l);
            sides[1].truncate(r);
            sides
        };
        if rows.len() < SHARED_ROWS || rayon::current_num_threads() == 1 {
            return divide(rows, split.left.rows as usize, split.right.rows as usize);
        }
        let parts: Vec<[Vec<u32>; 2]> = rows
            .par_chunks(TASK_ROWS)
            .map(|rows| divide(rows, rows.len(), rows.len()))
            .collect();
        [0, 1].map(|side| {
            let parts: Vec<&[u32]> = parts.iter().map(|part| &part[side][..]).collect();
            parts.concat()
        })
    }
}

fn total(bins: &[Sums]) -> Sums {
    let mut total = Sums::default();
    bins.iter().for_each(|sums| total += *sums);
    total
}

impl Candidate {
    fn into_leaf(self, node: usize) -> Leaf {
        let rows = match self.children {
            None => vec![self.rows],
            Some(children) => children.into_iter().map(|child| child.rows).collect(),
        };
        Leaf {
            node,
            rows,
            bounds: self.place.bounds,
        }
    }
}

impl Grown {
    /// The leaf that a row of the table ends in.
    pub fn leaf_of(&self, bins: &super::bins::Bins, row: usize) -> usize {
        let mut node = 0;
        while let Some(split) = &self.nodes[node].split {
            let is_left = split.test.goes_left(bins.column(split.column)[row]);
            node = self.nodes[node].left as usize + usize::from(!is_left);
        }
        node
    }

    /// The column that a node tests, and how; `None` for a leaf.
    pub fn test(&self, node: usize) -> Option<(usize, Test)> {
        let split = self.nodes[node].split.as_ref();
        split.map(|split| (split.column, split.test))
    }
}
