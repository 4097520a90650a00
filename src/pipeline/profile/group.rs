//! The different values of one column in one block. Everything that follows from a value alone is
//! then found out once for each, not once for each row.

use xxhash_rust::xxh3::xxh3_64;

use super::value::{Value, understand};
use crate::data::blocks::Block;

/// A value, and in how many rows it stands.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// xxh3 of its text: the same on every machine.
    pub hash: u64,
    /// The first row of the block with it.
    pub first: u32,
    pub count: u32,
}

/// Values of a column, by their first rows. Kept between columns, so that its memory is used again.
#[derive(Default)]
pub struct Groups {
    /// Number of a group by its hash; open addressing.
    slots: Vec<u32>,
    groups: Vec<Group>,
    /// Of each group; `None` for the empty text.
    values: Vec<Option<Value>>,
    /// The group of each row.
    of_row: Vec<u32>,
}

const FREE: u32 = u32::MAX;

impl Groups {
    /// Takes up a column of a block in place of the former one.
    pub fn fill(&mut self, block: &Block, column: usize) {
        let rows = block.rows();
        self.groups.clear();
        self.of_row.clear();
        self.slots.clear();
        self.slots.resize((2 * rows).next_power_of_two(), FREE);
        for row in 0..rows {
            let group = self.find(block, column, row);
            self.groups[group as usize].count += 1;
            self.of_row.push(group);
        }
        self.values.clear();
        let text = |group: &Group| block.bytes_of(group.first as usize, column);
        let understood = self.groups.iter().map(|group| match text(group) {
            [] => None,
            text => Some(understand(text)),
        });
        self.values.extend(understood);
    }

    fn find(&mut self, block: &Block, column: usize, row: usize) -> u32 {
        let text = block.bytes_of(row, column);
        let hash = xxh3_64(text);
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let group = self.slots[slot];
            if group == FREE {
                self.slots[slot] = self.groups.len() as u32;
                self.groups.push(Group {
                    hash,
                    first: row as u32,
                    count: 0,
                });
                return self.slots[slot];
            }
            let known = self.groups[group as usize];
            if known.hash == hash && block.bytes_of(known.first as usize, column) == text {
                return group;
            }
            slot = (slot + 1) & mask;
        }
    }

    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// All groups with their values; `None` is the empty text.
    pub fn values(&self) -> impl Iterator<Item = (&Group, Option<Value>)> {
        self.groups.iter().zip(self.values.iter().copied())
    }

    /// The group of each row.
    pub fn of_row(&self) -> &[u32] {
        &self.of_row
    }

    /// The value of a row.
    pub fn value(&self, row: usize) -> Option<Value> {
        self.values[self.of_row[row] as usize]
    }
}
