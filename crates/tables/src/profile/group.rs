//! The distinct values of one column in one block, so that everything that depends on a value alone
//! is computed once per distinct value instead of once per row.

use std::ops::Range;

use super::value::{Value, understand_with};
use crate::Decimal;
use crate::blocks::Block;

/// A distinct value and its number of rows.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Hash of its text, as from [`crate::blocks::hash`].
    pub hash: u64,
    /// The first row of the block with this value.
    pub first: u32,
    /// Number of rows of the block with this value.
    pub count: u32,
}

/// The distinct values of a column in order of appearance. Reused for the next column to keep its
/// memory.
#[derive(Default)]
pub struct Groups {
    /// Open addressing by hash: its upper half, and the group number plus 1; 0 is free.
    slots: Vec<u64>,
    groups: Vec<Group>,
    /// The value of each group; `None` for the empty text.
    values: Vec<Option<Value>>,
    /// The group of each row.
    of_row: Vec<u32>,
}

/// Number of rows that decide whether searching for equal values is worthwhile.
const TRIED: usize = 384;

const UPPER: u64 = u64::MAX << 32;

impl Groups {
    /// Replaces the content by a column of a block. Unless `exact`, a value may have several groups
    /// if few values repeat. `decimal` is the decimal mark of its numbers, if specified.
    pub fn fill(&mut self, block: &Block, column: usize, exact: bool, decimal: Option<Decimal>) {
        self.groups.clear();
        self.of_row.clear();
        self.slots.clear();
        self.slots.resize((2 * block.rows()).next_power_of_two(), 0);
        let tried = TRIED.min(block.rows());
        self.group(block, column, 0..tried);
        match exact || 4 * self.groups.len() < 3 * TRIED {
            true => self.group(block, column, tried..block.rows()),
            false => self.each_alone(block, column, tried..block.rows()),
        }
        self.values.clear();
        let text = |group: &Group| block.bytes_of(group.first as usize, column);
        let understood = self.groups.iter().map(|group| match text(group) {
            [] => None,
            text => Some(understand_with(text, decimal)),
        });
        self.values.extend(understood);
    }

    fn group(&mut self, block: &Block, column: usize, rows: Range<usize>) {
        for (row, hash) in rows.clone().zip(block.hashes(column, rows)) {
            let group = self.find(block, column, row, hash);
            self.groups[group as usize].count += 1;
            self.of_row.push(group);
        }
    }

    fn each_alone(&mut self, block: &Block, column: usize, rows: Range<usize>) {
        for (row, hash) in rows.clone().zip(block.hashes(column, rows)) {
            self.of_row.push(self.groups.len() as u32);
            let (first, count) = (row as u32, 1);
            self.groups.push(Group { hash, first, count });
        }
    }

    #[inline]
    fn find(&mut self, block: &Block, column: usize, row: usize, hash: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let mut place = hash as usize & mask;
        loop {
            let slot = self.slots[place];
            if slot == 0 {
                let group = self.groups.len() as u32;
                self.slots[place] = hash & UPPER | u64::from(group + 1);
                let first = row as u32;
                self.groups.push(Group {
                    hash,
                    first,
                    count: 0,
                });
                return group;
            }
            let group = slot as u32 - 1;
            if (slot ^ hash) & UPPER == 0 {
                let known = self.groups[group as usize];
                if known.hash == hash && block.same(column, known.first as usize, row) {
                    return group;
                }
            }
            place = (place + 1) & mask;
        }
    }

    /// All groups, in order of their first rows.
    #[inline]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// All groups with their values; `None` is the empty text.
    #[inline]
    pub fn values(&self) -> impl Iterator<Item = (&Group, Option<Value>)> {
        self.groups.iter().zip(self.values.iter().copied())
    }

    /// The group of each row, as an index into [`Groups::groups`].
    #[inline]
    pub fn of_row(&self) -> &[u32] {
        &self.of_row
    }

    /// The value of a row of the block; `None` if its text is empty.
    #[inline]
    pub fn value(&self, row: usize) -> Option<Value> {
        self.values[self.of_row[row] as usize]
    }
}
