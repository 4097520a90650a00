//! Grows one tree, leaf by leaf: the leaf whose split gains most is split next.
//!
//! Of a split's children only the smaller has its histogram filled; the other's is the parent's less
//! that. The first leaves, which are few and large, are split by all threads together; then each
//! thread takes the best leaf that nobody has. Since all sums are exact, and leaves are split in one
//! order (see `frontier`), neither changes the tree.

use std::borrow::Cow;

use super::crew;
use super::frontier::{Candidate, Claim, Frontier, Grown, Next};
use super::histogram::Filler;
use super::interactions::allowed;
use super::rows::NodeRows;
use super::split::{Finder, Place, Split};
use super::sums::{Bin, Histogram, Sums, subtract};

/// A leaf with fewer rows is split by one thread, beside others.
const SHARED_ROWS: usize = 1 << 16;
/// Codes of a table that are worth a thread of their own; tests share out small tables too.
const THREAD_CODES: usize = if cfg!(test) { 1 } else { 1 << 16 };
/// Bytes for the histograms of leaves; those that gain least are filled again when needed.
const HISTOGRAM_BYTES: usize = 16 << 20;

/// What a tree is grown from.
pub(super) struct Grower<'a> {
    pub finder: Finder<'a>,
    pub filler: &'a Filler<'a>,
    /// For each column whether the tree may use it.
    pub used: &'a [bool],
}

impl Grower<'_> {
    /// Grows a tree.
    pub fn grow<'r>(&self, rows: NodeRows<'r>) -> Grown<'r> {
        let threads = self.threads(rows.len());
        let max_leaves = self.finder.options.leaves;
        let mut frontier = Frontier::new(self.root(rows, threads > 1), max_leaves);
        while let (leaves, SHARED_ROWS..) = frontier.open()
            && leaves < threads
            && let Next::Split(mut claim) = frontier.next()
        {
            self.split(&mut claim, true);
            frontier.put(*claim);
        }
        let give_back = |histogram| self.filler.give_back(histogram);
        let budget = self.budget();
        let frontier = crew::work(
            frontier,
            threads,
            |claim| self.split(claim, false),
            |frontier| frontier.forget(budget, give_back),
        );
        frontier.finish(give_back)
    }

    /// How many threads are worth it.
    fn threads(&self, rows: usize) -> usize {
        let codes = rows * self.finder.columns.len() + self.filler.layout.len();
        rayon::current_num_threads().min(1 + codes / THREAD_CODES)
    }

    fn root<'r>(&self, rows: NodeRows<'r>, is_shared: bool) -> Candidate<'r> {
        let histogram = self.filler.fill(rows.list(), self.used, is_shared);
        let sums = match self.finder.columns.first() {
            // Every column's bins sum to the same.
            Some(&column) => total(&histogram[self.filler.layout.column(column)]),
            None => Sums {
                rows: rows.len() as i64,
                ..Sums::default()
            },
        };
        let place = Place {
            sums,
            bounds: [f64::NEG_INFINITY, f64::INFINITY],
        };
        let mut root = Candidate::new(rows, 0, Vec::new(), place);
        root.histogram = histogram;
        if self.may_split(&root) {
            let columns = self.finder.columns;
            root.split = self
                .finder
                .find(&root.histogram, &place, columns, is_shared);
        }
        root
    }

    fn may_split(&self, candidate: &Candidate) -> bool {
        let options = self.finder.options;
        candidate.depth < options.depth && candidate.rows.len() / 2 >= options.min_rows
    }

    /// How many histograms fit the budget.
    fn budget(&self) -> usize {
        let bytes = (self.filler.layout.len() * size_of::<Bin>()).max(1);
        (HISTOGRAM_BYTES / bytes).max(2)
    }

    /// Divides the rows of a leaf, and finds the splits of its children if growth goes on.
    fn split(&self, claim: &mut Claim, is_shared: bool) {
        let parent = &mut claim.candidate;
        let Some(split) = &parent.split else {
            return;
        };
        let [left, right] = self.divide(std::mem::take(&mut parent.rows), split, is_shared);
        let (mut low, mut high) = (parent.place.bounds, parent.place.bounds);
        let sign = self.finder.options.monotone.get(split.column);
        match sign.copied().unwrap_or(0) {
            0 => {}
            sign if sign > 0 => (low[1], high[0]) = (split.middle, split.middle),
            _ => (low[0], high[1]) = (split.middle, split.middle),
        }
        let path = self.path_after(parent, split.column);
        let child = |rows, sums, bounds| {
            let place = Place { sums, bounds };
            Candidate::new(rows, parent.depth + 1, path.clone(), place)
        };
        let mut children = [
            child(left, split.left, low),
            child(right, split.right, high),
        ];
        let histogram = std::mem::take(&mut parent.histogram);
        match claim.go_on && children.iter().any(|child| self.may_split(child)) {
            true => self.search(&mut children, histogram, is_shared),
            false => self.filler.give_back(histogram),
        }
        claim.children = Some(children);
    }

    /// The rows that go left and those that go right.
    fn divide<'r>(&self, rows: NodeRows<'r>, split: &Split, is_shared: bool) -> [NodeRows<'r>; 2] {
        let codes = self.finder.bins.column(split.column);
        let goes_left = std::array::from_fn(|code| split.test.goes_left(code as u8));
        rows.divide(codes, &goes_left, split.left.rows as usize, is_shared)
    }

    /// Finds the splits of two children, given the histogram of their parent unless it was dropped.
    fn search(&self, children: &mut [Candidate; 2], mut parent: Histogram, is_shared: bool) {
        let fill = |child: &Candidate| self.filler.fill(child.rows.list(), self.used, is_shared);
        let smaller = usize::from(children[1].rows.len() < children[0].rows.len());
        children[smaller].histogram = fill(&children[smaller]);
        children[1 - smaller].histogram = match parent.is_empty() {
            true => fill(&children[1 - smaller]),
            false => {
                subtract(&mut parent, &children[smaller].histogram);
                parent
            }
        };
        let columns = self.columns_after(&children[0].path);
        for child in children {
            if self.may_split(child) {
                let (histogram, place) = (&child.histogram, &child.place);
                child.split = self.finder.find(histogram, place, &columns, is_shared);
            }
            if child.split.is_none() {
                self.filler.give_back(std::mem::take(&mut child.histogram));
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
}

fn total(bins: &[Bin]) -> Sums {
    let mut total = Sums::default();
    bins.iter().for_each(|bin| total += bin.sums());
    total
}
