//! The rows of a tree's nodes, in two buffers that serve tree after tree.
//!
//! A node has the same part of both buffers: its rows are in one, and the other is the room into which
//! they are divided, those that go left first. For its children the buffers change places, so that a
//! division writes each row once, and nodes that are divided at the same time never meet.
//!
//! A row's quantized gradients go with its index: found by the index, they would cost as many misses
//! of the cache as its codes.

use rayon::prelude::*;

/// Rows that one task divides.
const TASK_ROWS: usize = 1 << 15;

/// A row of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub index: u32,
    /// Its quantized gradient and Hessian (see `gradients`).
    pub pair: u32,
}

/// The two buffers.
#[derive(Default)]
pub(super) struct RowBuffers {
    rows: Vec<Row>,
    room: Vec<Row>,
}

impl RowBuffers {
    /// Lists the rows of a tree; their pairs are left to be set.
    pub fn list(&mut self, indices: impl Iterator<Item = u32>) -> &mut [Row] {
        self.rows.clear();
        let rows = indices.map(|index| Row { index, pair: 0 });
        self.rows.extend(rows);
        &mut self.rows
    }

    /// Room for all rows of a table, left to be listed.
    pub fn all(&mut self, rows: usize) -> &mut [Row] {
        self.rows.resize(rows, Row::default());
        &mut self.rows
    }

    /// The rows that are listed, as those of a root.
    pub fn root(&mut self) -> NodeRows<'_> {
        self.room.resize(self.rows.len(), Row::default());
        NodeRows {
            rows: &mut self.rows,
            room: &mut self.room,
        }
    }
}

/// The rows of a node, ascending, and room to divide them.
#[derive(Default)]
pub(super) struct NodeRows<'a> {
    rows: &'a mut [Row],
    room: &'a mut [Row],
}

impl<'a> NodeRows<'a> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows.
    pub fn list(&self) -> &[Row] {
        self.rows
    }

    /// The rows, for as long as the buffers live.
    pub fn into_list(self) -> &'a [Row] {
        self.rows
    }

    /// The rows that go left and those that go right, both in their order. `left` is the number of
    /// the former, `goes_left` says which codes go there; with `is_shared` all threads do it.
    pub fn divide(
        self,
        codes: &[u8],
        goes_left: &[bool; 256],
        left: usize,
        is_shared: bool,
    ) -> [NodeRows<'a>; 2] {
        let is_left = |row: Row| goes_left[usize::from(codes[row.index as usize])];
        match is_shared {
            false => divide_alone(self.rows, is_left, self.room, left),
            true => divide_shared(self.rows, is_left, self.room, left),
        }
        let (from_left, from_right) = self.rows.split_at_mut(left);
        let (to_left, to_right) = self.room.split_at_mut(left);
        let child = |rows, room| NodeRows { rows, room };
        [child(to_left, from_left), child(to_right, from_right)]
    }
}

/// Writes the rows that go left to the beginning of `to`, and the others from `left` on.
fn divide_alone(rows: &[Row], is_left: impl Fn(Row) -> bool, to: &mut [Row], left: usize) {
    let (mut l, mut r) = (0, left);
    for &row in rows {
        // Where a row goes is chosen without a branch, which would often be predicted wrongly.
        let goes_left = is_left(row);
        let place = if goes_left { l } else { r };
        if let Some(to) = to.get_mut(place) {
            *to = row;
        }
        l += usize::from(goes_left);
        r += usize::from(!goes_left);
    }
}

/// Does the same in parts, each of which writes to places of its own, known once all parts have
/// counted what goes left.
fn divide_shared(rows: &[Row], is_left: impl Fn(Row) -> bool + Sync, to: &mut [Row], left: usize) {
    let parts = rows.par_chunks(TASK_ROWS);
    let counts: Vec<usize> = parts
        .map(|rows| rows.iter().filter(|&&row| is_left(row)).count())
        .collect();
    let (mut left, mut right) = to.split_at_mut(left);
    let mut tasks = Vec::with_capacity(counts.len());
    for (rows, count) in rows.chunks(TASK_ROWS).zip(counts) {
        let (to_left, rest) = left.split_at_mut(count);
        left = rest;
        let (to_right, rest) = right.split_at_mut(rows.len() - count);
        right = rest;
        tasks.push((rows, to_left, to_right));
    }
    let tasks = tasks.into_par_iter();
    tasks.for_each(|(rows, to_left, to_right)| {
        let (mut l, mut r) = (0, 0);
        for &row in rows {
            // Again without a branch: to both sides, where the next of the side overwrites it.
            let goes_left = is_left(row);
            to_left.get_mut(l).into_iter().for_each(|to| *to = row);
            to_right.get_mut(r).into_iter().for_each(|to| *to = row);
            l += usize::from(goes_left);
            r += usize::from(!goes_left);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_divided_in_their_order() {
        let count = 3 * TASK_ROWS + 7;
        let codes: Vec<u8> = (0..count).map(|row| (row * row / 5 % 3) as u8).collect();
        let goes_left: [bool; 256] = std::array::from_fn(|code| code == 1);
        let listed = || (0..count as u32).filter(|row| row % 7 != 2);
        let of_side = |side: bool| -> Vec<u32> {
            let is_there = |row: &u32| (codes[*row as usize] == 1) == side;
            listed().filter(is_there).collect()
        };
        let (left, right) = (of_side(true), of_side(false));
        let indices = |rows: &[Row]| -> Vec<u32> {
            // What belongs to a row stays with it.
            assert!(rows.iter().all(|row| row.pair == row.index + 1));
            rows.iter().map(|row| row.index).collect()
        };
        for is_shared in [false, true] {
            let mut buffers = RowBuffers::default();
            let rows = buffers.list(listed());
            rows.iter_mut().for_each(|row| row.pair = row.index + 1);
            let root = buffers.root();
            let [first, second] = root.divide(&codes, &goes_left, left.len(), is_shared);
            assert_eq!(indices(first.list()), left);
            assert_eq!(indices(second.list()), right);
            // A child's children go back into the first buffer.
            let ones = vec![1; count];
            let [all, none] = first.divide(&ones, &goes_left, left.len(), is_shared);
            assert_eq!(indices(all.into_list()), left);
            assert_eq!(none.len(), 0);
        }
    }
}
