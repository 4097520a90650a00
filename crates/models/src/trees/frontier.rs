//! A tree under growth: the leaves that may be split, in the order of what their splits gain.
//!
//! Leaves are split in this order and in no other, so a tree has the same nodes for any number of
//! threads. What a split gives may be worked out ahead, and what the splits of its children give: it
//! waits until the order reaches it, and is thrown away if the tree is full before.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::rows::{NodeRows, Row};
use super::split::{Place, Split, Test};
use super::sums::{Histogram, Sums};

/// A node of a tree as grown: codes, not values.
pub(super) struct Node {
    /// The split; `None` for a leaf.
    pub split: Option<Split>,
    /// Index of the left child; the right one follows it.
    pub left: u32,
    pub sums: Sums,
}

/// A tree, and the rows in its leaves.
pub(super) struct Grown<'a> {
    pub nodes: Vec<Node>,
    pub leaves: Vec<Leaf<'a>>,
}

/// A leaf and its rows.
pub(super) struct Leaf<'a> {
    /// Index of its node.
    pub node: usize,
    /// Each ascending; all of them make the leaf.
    pub rows: Vec<&'a [Row]>,
    /// Bounds of its value, in units of quantized gradients.
    pub bounds: [f64; 2],
}

/// A leaf that may be split.
pub(super) struct Candidate<'a> {
    /// Empty once the leaf is divided.
    pub rows: NodeRows<'a>,
    pub depth: usize,
    /// The columns tested on the way; left empty if all may meet.
    pub path: Vec<usize>,
    pub place: Place,
    /// Empty if there is none.
    pub histogram: Histogram,
    pub split: Option<Split>,
}

impl<'a> Candidate<'a> {
    /// A leaf whose split is not known yet.
    pub fn new(rows: NodeRows<'a>, depth: usize, path: Vec<usize>, place: Place) -> Candidate<'a> {
        Candidate {
            rows,
            depth,
            path,
            place,
            histogram: Histogram::new(),
            split: None,
        }
    }

    /// The bits of what the split gains, which are in the order of these positive numbers.
    fn gain(&self) -> Option<u64> {
        self.split.as_ref().map(|split| split.gain.to_bits())
    }
}

/// What a thread that grows a tree does next.
pub(super) enum Next<'a> {
    Split(Box<Claim<'a>>),
    /// Waits until another thread has split its leaf.
    Wait,
    Done,
}

/// A leaf that a thread splits.
pub(super) struct Claim<'a> {
    slot: usize,
    pub candidate: Candidate<'a>,
    /// Whether the children may be split.
    pub go_on: bool,
    /// What the split gives.
    pub children: Option<[Candidate<'a>; 2]>,
}

/// A leaf of the tree, a node that was one, or what may become one.
struct Slot<'a> {
    /// `None` while a thread has it.
    candidate: Option<Candidate<'a>>,
    /// What its split gains (see [`Candidate::gain`]).
    gain: Option<u64>,
    /// Once it is worked out, the slot of the left child; that of the right one follows it.
    children: Option<usize>,
}

/// A tree under growth.
pub(super) struct Frontier<'a> {
    nodes: Vec<Node>,
    /// For each node its slot.
    of_nodes: Vec<usize>,
    slots: Vec<Slot<'a>>,
    /// The leaves that may be split, that with the largest gain first, then in the order of their
    /// nodes.
    queue: BTreeSet<(Reverse<u64>, usize)>,
    leaves: usize,
    max_leaves: usize,
}

impl<'a> Frontier<'a> {
    /// A tree of one leaf.
    pub fn new(root: Candidate<'a>, max_leaves: usize) -> Frontier<'a> {
        let mut frontier = Frontier {
            nodes: Vec::with_capacity(2 * max_leaves.min(1 << 12)),
            of_nodes: Vec::new(),
            slots: Vec::new(),
            queue: BTreeSet::new(),
            leaves: 1,
            max_leaves,
        };
        let sums = root.place.sums;
        frontier.add_slot(root);
        frontier.add_node(0, sums);
        frontier
    }

    fn add_slot(&mut self, candidate: Candidate<'a>) {
        self.slots.push(Slot {
            gain: candidate.gain(),
            candidate: Some(candidate),
            children: None,
        });
    }

    fn add_node(&mut self, slot: usize, sums: Sums) {
        if let Some(gain) = self.slots[slot].gain {
            self.queue.insert((Reverse(gain), self.nodes.len()));
        }
        self.nodes.push(Node {
            split: None,
            left: 0,
            sums,
        });
        self.of_nodes.push(slot);
    }

    /// Number of leaves that may be split, and number of rows of the next.
    pub fn open(&self) -> (usize, usize) {
        let next = self.queue.first();
        let next = next.and_then(|&(_, node)| self.slots[self.of_nodes[node]].candidate.as_ref());
        let rows = next.map_or(0, |candidate| candidate.rows.len());
        (self.queue.len(), rows)
    }

    /// The first that nobody has split yet, in the order of splits as far as it is known: children
    /// that were worked out ahead are in it, those of leaves that other threads have are not.
    pub fn next(&mut self) -> Next<'a> {
        let left = self.max_leaves - self.leaves;
        if left == 0 || self.queue.is_empty() {
            return Next::Done;
        }
        let mut queue = self.queue.iter().peekable();
        let mut ahead: BinaryHeap<(u64, Reverse<usize>)> = BinaryHeap::new();
        // What is further behind cannot be reached.
        for place in 0..left {
            let first = queue.peek().map(|(gain, _)| gain.0);
            let is_ahead = ahead.peek().map(|&(gain, _)| gain) > first;
            let slot = match is_ahead {
                true => ahead.pop().map(|(_, slot)| slot.0),
                false => queue.next().map(|&(_, node)| self.of_nodes[node]),
            };
            let Some(slot) = slot else {
                break;
            };
            if let Some(left) = self.slots[slot].children {
                for child in [left, left + 1] {
                    let gain = self.slots[child].gain;
                    ahead.extend(gain.map(|gain| (gain, Reverse(child))));
                }
            } else if let Some(candidate) = self.slots[slot].candidate.take() {
                return Next::Split(Box::new(Claim {
                    slot,
                    candidate,
                    // All that are before a leaf of the queue are split before it. Not so for others:
                    // the order of equal gains is not known before they are in the queue.
                    go_on: is_ahead || place + 1 < left,
                    children: None,
                }));
            }
        }
        Next::Wait
    }

    /// Takes a leaf back, with its children, and makes the splits that are next in the queue.
    pub fn put(&mut self, claim: Claim<'a>) {
        self.slots[claim.slot].candidate = Some(claim.candidate);
        if let Some(children) = claim.children {
            self.slots[claim.slot].children = Some(self.slots.len());
            children.into_iter().for_each(|child| self.add_slot(child));
        }
        while self.leaves < self.max_leaves && self.split_first().is_some() {}
    }

    /// Makes the split that is next, if it is worked out.
    fn split_first(&mut self) -> Option<()> {
        let &(_, node) = self.queue.first()?;
        let slot = &mut self.slots[self.of_nodes[node]];
        let left = slot.children?;
        let split = slot.candidate.as_mut()?.split.take()?;
        self.queue.pop_first();
        let (left_sums, right_sums) = (split.left, split.right);
        self.nodes[node].left = self.nodes.len() as u32;
        self.nodes[node].split = Some(split);
        self.leaves += 1;
        self.add_node(left, left_sums);
        self.add_node(left + 1, right_sums);
        Some(())
    }

    /// Takes histograms away from leaves that cannot be reached any more, and from the last ones in
    /// the queue, beyond a number to keep.
    pub fn forget(&mut self, keep: usize, mut give_back: impl FnMut(Histogram)) {
        // The leaves before them are split first.
        while self.queue.len() > self.max_leaves - self.leaves {
            if let Some((_, node)) = self.queue.pop_last() {
                let slot = self.of_nodes[node];
                self.histograms(slot, &mut |histogram| give_back(std::mem::take(histogram)));
            }
        }
        if self.slots.len() - self.nodes.len() + self.queue.len() <= keep {
            return;
        }
        let slots: Vec<usize> = self
            .queue
            .iter()
            .map(|&(_, node)| self.of_nodes[node])
            .collect();
        let mut kept = 0;
        for slot in slots {
            self.histograms(slot, &mut |histogram| {
                kept += 1;
                if kept > keep {
                    give_back(std::mem::take(histogram));
                }
            });
        }
    }

    /// Visits the histograms that there are of a slot, and of what its splits give.
    fn histograms(&mut self, slot: usize, visit: &mut impl FnMut(&mut Histogram)) {
        let candidate = self.slots[slot].candidate.iter_mut();
        let histograms = candidate.map(|candidate| &mut candidate.histogram);
        histograms
            .filter(|histogram| !histogram.is_empty())
            .for_each(&mut *visit);
        if let Some(left) = self.slots[slot].children {
            self.histograms(left, visit);
            self.histograms(left + 1, visit);
        }
    }

    /// The tree; all histograms are given back.
    pub fn finish(mut self, mut give_back: impl FnMut(Histogram)) -> Grown<'a> {
        self.histograms(0, &mut |histogram| give_back(std::mem::take(histogram)));
        let mut leaves = Vec::with_capacity(self.leaves);
        for node in 0..self.nodes.len() {
            if self.nodes[node].split.is_none() {
                let slot = self.of_nodes[node];
                let bounds = self.slots[slot].candidate.as_ref();
                let bounds = bounds.map(|candidate| candidate.place.bounds);
                let mut rows = Vec::new();
                self.take_rows(slot, &mut rows);
                leaves.push(Leaf {
                    node,
                    rows,
                    bounds: bounds.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]),
                });
            }
        }
        Grown {
            leaves,
            nodes: self.nodes,
        }
    }

    /// Collects the rows of a slot, also those that were divided ahead.
    fn take_rows(&mut self, slot: usize, to: &mut Vec<&'a [Row]>) {
        match self.slots[slot].children {
            Some(left) => (left..left + 2).for_each(|child| self.take_rows(child, to)),
            None => {
                let candidate = self.slots[slot].candidate.take();
                to.extend(candidate.map(|candidate| candidate.rows.into_list()));
            }
        }
    }
}

impl Grown<'_> {
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
