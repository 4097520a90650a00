//! Which rows have a key that another row has, in bounded memory: 64-bit hashes with the places of
//! their rows, in partitions that go to a temporary file when they become many, each sorted by
//! itself. Serves uniqueness, duplicates, contradictions and leakage.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use rayon::prelude::*;

use crate::data::blocks::Spot;

/// A row by the hash of its key; `tag` is what else matters of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Keyed {
    pub key: u64,
    pub spot: Spot,
    pub tag: u32,
}

const PARTITIONS: usize = 64;
/// Rows in memory before they go to the file: about 24 MB.
const IN_MEMORY: usize = 1 << 20;
/// Bytes of a row in the file.
const RECORD: usize = 20;

/// Rows by their keys.
pub struct Keys {
    partitions: Vec<Vec<Keyed>>,
    held: usize,
    limit: usize,
    /// The file, and which partition each stretch of it belongs to, with its length in bytes.
    spilled: Option<(File, Vec<(usize, usize)>)>,
}

impl Default for Keys {
    fn default() -> Self {
        Keys::with_limit(IN_MEMORY)
    }
}

/// Rows that repeat a key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Repeats {
    /// How many rows come after the first of their key.
    pub count: u64,
    /// The first so many of them, each with the first row of its key.
    pub rows: Vec<(Spot, Spot)>,
}

impl Keys {
    fn with_limit(limit: usize) -> Keys {
        Keys {
            partitions: vec![Vec::new(); PARTITIONS],
            held: 0,
            limit,
            spilled: None,
        }
    }

    /// Adds rows.
    pub fn extend(&mut self, rows: &[Keyed]) -> io::Result<()> {
        for &row in rows {
            self.partitions[(row.key >> 58) as usize].push(row);
        }
        self.held += rows.len();
        if self.held > self.limit {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        if self.spilled.is_none() {
            self.spilled = Some((tempfile::tempfile()?, Vec::new()));
        }
        let Some((file, stretches)) = &mut self.spilled else {
            return Ok(()); // made one just above
        };
        let mut bytes = Vec::new();
        for (partition, rows) in self.partitions.iter_mut().enumerate() {
            bytes.clear();
            for row in rows.iter() {
                bytes.extend_from_slice(&row.key.to_le_bytes());
                bytes.extend_from_slice(&row.spot.0.to_le_bytes());
                bytes.extend_from_slice(&row.tag.to_le_bytes());
            }
            rows.clear();
            file.write_all(&bytes)?;
            stretches.push((partition, bytes.len()));
        }
        self.held = 0;
        Ok(())
    }

    /// Rows whose key came before, of those groups of rows with one key that `counts` holds for: a
    /// group is sorted by place. At most `shown` rows are named.
    pub fn repeats(
        &mut self,
        shown: usize,
        counts: impl Fn(&[Keyed]) -> bool + Sync,
    ) -> io::Result<Repeats> {
        let found = self.each(|group, repeats: &mut Repeats| {
            if group.len() > 1 && counts(group) {
                repeats.count += group.len() as u64 - 1;
                let rows = group[1..].iter().take(shown);
                repeats
                    .rows
                    .extend(rows.map(|row| (row.spot, group[0].spot)));
                keep_first(&mut repeats.rows, shown);
            }
        })?;
        let mut all = Repeats::default();
        for repeats in found {
            all.count += repeats.count;
            all.rows.extend(repeats.rows);
        }
        all.rows.sort_unstable();
        all.rows.truncate(shown);
        Ok(all)
    }

    /// Goes through all groups of rows with one key, sorted by place; what is gathered comes a
    /// partition at a time, in their order.
    pub fn each<T: Default + Send>(
        &mut self,
        look: impl Fn(&[Keyed], &mut T) + Sync,
    ) -> io::Result<Vec<T>> {
        let work = |mut rows: Vec<Keyed>| {
            rows.sort_unstable();
            let mut gathered = T::default();
            rows.chunk_by(|a, b| a.key == b.key)
                .for_each(|group| look(group, &mut gathered));
            gathered
        };
        if self.spilled.is_none() {
            return Ok(self
                .partitions
                .par_iter()
                .map(|rows| work(rows.clone()))
                .collect());
        }
        (0..PARTITIONS)
            .map(|partition| Ok(work(self.load(partition)?)))
            .collect()
    }

    /// The rows of a partition, from the file and from memory.
    fn load(&mut self, partition: usize) -> io::Result<Vec<Keyed>> {
        let mut rows = self.partitions[partition].clone();
        let Some((file, stretches)) = &mut self.spilled else {
            return Ok(rows);
        };
        let (mut at, mut bytes) = (0, Vec::new());
        for &(of, length) in stretches.iter() {
            if of == partition {
                file.seek(SeekFrom::Start(at))?;
                bytes.resize(length, 0);
                file.read_exact(&mut bytes)?;
                rows.extend(bytes.as_chunks::<RECORD>().0.iter().map(record));
            }
            at += length as u64;
        }
        Ok(rows)
    }
}

fn keep_first(rows: &mut Vec<(Spot, Spot)>, shown: usize) {
    if rows.len() > 4 * shown + 64 {
        rows.sort_unstable();
        rows.truncate(shown);
    }
}

fn record(bytes: &[u8; RECORD]) -> Keyed {
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[at..at + 8]);
        u64::from_le_bytes(word)
    };
    Keyed {
        key: word(0),
        spot: Spot(word(8)),
        tag: u32::from_le_bytes([bytes[16], bytes[17], bytes[18], bytes[19]]),
    }
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    fn rows(count: u64) -> Vec<Keyed> {
        let row = |i: u64| Keyed {
            key: xxh3_64(&(i % 700).to_le_bytes()),
            spot: Spot::new(0, i + 2),
            tag: (i % 3) as u32,
        };
        (0..count).map(row).collect()
    }

    #[test]
    fn repeats_are_found_in_memory_and_in_the_file() {
        let mut found = Vec::new();
        for limit in [10, 100_000] {
            let mut keys = Keys::with_limit(limit);
            for chunk in rows(1000).chunks(37) {
                keys.extend(chunk).unwrap();
            }
            assert_eq!(keys.spilled.is_some(), limit == 10);
            found.push(keys.repeats(5, |_| true).unwrap());
        }
        assert_eq!(found[0], found[1]);
        assert_eq!(found[0].count, 300);
        let lines: Vec<(u64, u64)> = found[0]
            .rows
            .iter()
            .map(|(a, b)| (a.line(), b.line()))
            .collect();
        assert_eq!(lines, [(702, 2), (703, 3), (704, 4), (705, 5), (706, 6)]);
    }

    #[test]
    fn groups_can_be_chosen() {
        let mut keys = Keys::default();
        keys.extend(&rows(1000)).unwrap();
        // Row i and row i + 700 differ in their tags: 700 is no multiple of 3.
        let differ = |group: &[Keyed]| group.iter().any(|row| row.tag != group[0].tag);
        assert_eq!(keys.repeats(1, differ).unwrap().count, 300);
        assert_eq!(keys.repeats(1, |group| !differ(group)).unwrap().count, 0);
    }
}
