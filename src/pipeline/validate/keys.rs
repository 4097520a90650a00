//! Groups rows by key in bounded memory: a record per row, with a hash of the key and other relevant values, in
//! partitions that are spilled to a temporary file when they grow, and sorted one by one. Used for uniqueness,
//! duplicates, contradictions, leakage and series.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use rayon::prelude::*;

use tables::blocks::Spot;

/// What is kept of a row. After sorting, records of one key are adjacent.
pub(crate) trait Record: Copy + Send + Sync {
    /// Bytes in the file.
    const BYTES: usize;

    fn key(&self) -> u64;

    /// The record as words, for [`Record::from_words`].
    fn words(&self) -> impl Iterator<Item = u64>;

    fn from_words(words: impl FnMut() -> u64) -> Self;

    /// Sorts records of several keys.
    fn sort(records: &mut [Self]);
}

/// A row by the hash of its key; `tag` is another relevant value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Keyed {
    pub key: u64,
    pub spot: Spot,
    pub tag: u32,
}

impl Record for Keyed {
    const BYTES: usize = 24;

    fn key(&self) -> u64 {
        self.key
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        [self.key, self.spot.0, u64::from(self.tag)].into_iter()
    }

    fn from_words(mut next: impl FnMut() -> u64) -> Self {
        Keyed {
            key: next(),
            spot: Spot(next()),
            tag: next() as u32,
        }
    }

    fn sort(records: &mut [Self]) {
        records.sort_unstable();
    }
}

const PARTITIONS: usize = 64;
/// Bytes in memory before they are spilled to the file.
const IN_MEMORY: usize = 24 << 20;

/// Rows by their keys.
pub(crate) type Keys = Partitions<Keyed>;

/// Records of a table by their keys.
pub(crate) struct Partitions<R> {
    partitions: Vec<Vec<R>>,
    held: usize,
    limit: usize,
    /// The file, and for each stretch of it the partition and the length in bytes.
    spilled: Option<(File, Vec<(usize, usize)>)>,
}

impl<R: Record> Default for Partitions<R> {
    fn default() -> Self {
        Partitions::with_limit(IN_MEMORY / R::BYTES)
    }
}

/// Rows that repeat a key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Repeats {
    /// Number of rows after the first of their key.
    pub count: u64,
    /// The first of them, each with the first row of its key.
    pub rows: Vec<(Spot, Spot)>,
}

impl<R: Record> Partitions<R> {
    fn with_limit(limit: usize) -> Self {
        Partitions {
            partitions: vec![Vec::new(); PARTITIONS],
            held: 0,
            limit,
            spilled: None,
        }
    }

    /// Adds rows.
    pub fn extend(&mut self, rows: &[R]) -> io::Result<()> {
        for &row in rows {
            self.partitions[(row.key() >> 58) as usize].push(row);
        }
        self.held += rows.len();
        if self.held > self.limit {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        let (file, stretches) = match &mut self.spilled {
            Some(spilled) => spilled,
            none => none.insert((tempfile::tempfile()?, Vec::new())),
        };
        let mut bytes = Vec::new();
        for (partition, rows) in self.partitions.iter_mut().enumerate() {
            bytes.clear();
            let words = rows.iter().flat_map(Record::words);
            words.for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
            rows.clear();
            file.write_all(&bytes)?;
            stretches.push((partition, bytes.len()));
        }
        self.held = 0;
        Ok(())
    }

    /// Visits all groups of rows with the same key, each sorted; returns what is gathered per partition, in order.
    pub fn each<T: Default + Send>(
        &mut self,
        look: impl Fn(&[R], &mut T) + Sync,
    ) -> io::Result<Vec<T>> {
        let work = |mut rows: Vec<R>| {
            R::sort(&mut rows);
            let mut gathered = T::default();
            let groups = rows.chunk_by(|a, b| a.key() == b.key());
            groups.for_each(|group| look(group, &mut gathered));
            gathered
        };
        if self.spilled.is_none() {
            let partitions = self.partitions.par_iter();
            return Ok(partitions.map(|rows| work(rows.clone())).collect());
        }
        (0..PARTITIONS)
            .map(|partition| Ok(work(self.load(partition)?)))
            .collect()
    }

    /// The rows of a partition, from the file and from memory.
    fn load(&mut self, partition: usize) -> io::Result<Vec<R>> {
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
                let mut words = bytes.as_chunks::<8>().0.iter();
                let mut next = || words.next().map_or(0, |word| u64::from_le_bytes(*word));
                rows.extend((0..length / R::BYTES).map(|_| R::from_words(&mut next)));
            }
            at += length as u64;
        }
        Ok(rows)
    }
}

impl Keys {
    /// Rows whose key occurred before, in the groups of rows with one key for which `counts` is true; groups are
    /// sorted by place. At most `shown` rows are named.
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
                if repeats.rows.len() > 4 * shown + 64 {
                    repeats.keep_first(shown);
                }
            }
        })?;
        let mut all = Repeats::default();
        for repeats in found {
            all.count += repeats.count;
            all.rows.extend(repeats.rows);
        }
        all.keep_first(shown);
        Ok(all)
    }
}

impl Repeats {
    pub fn keep_first(&mut self, shown: usize) {
        self.rows.sort_unstable();
        self.rows.truncate(shown);
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
        let lines = found[0].rows.iter().map(|(a, b)| (a.line(), b.line()));
        let expected = [(702, 2), (703, 3), (704, 4), (705, 5), (706, 6)];
        assert_eq!(lines.collect::<Vec<_>>(), expected);
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
