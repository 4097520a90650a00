//! Fills the histograms of nodes: gathers the codes of rows, and adds what `sums` packs.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::bins::{Bins, Block};
use super::cuts::MISSING;
use super::rows::Row;
use super::sums::{Bin, FLUSH, Histogram, Layout, add_to, packed};

/// Rows whose codes are gathered before they are added: gathering alone keeps many loads of memory
/// under way.
const BATCH: usize = 256;
/// Columns whose packed sums are filled together: 16 KB of sums stay in the first cache.
const GROUP: usize = 8;
/// Rows that are worth a task of their own.
const TASK_ROWS: usize = 16384;

/// Fills histograms; keeps histograms and the room for packed sums between calls.
pub(super) struct Filler<'a> {
    bins: &'a Bins,
    pub layout: Layout,
    room: Mutex<Vec<Packed>>,
    spare: Mutex<Vec<Histogram>>,
}

/// Packed sums of a block: 256 codes per lane, all zero between uses.
type Packed = Box<[[i64; 256]; 32]>;

impl<'a> Filler<'a> {
    pub fn new(bins: &'a Bins) -> Filler<'a> {
        Filler {
            bins,
            layout: Layout::of(bins),
            room: Mutex::new(Vec::new()),
            spare: Mutex::new(Vec::new()),
        }
    }

    /// The histogram of rows; columns that are not used stay empty where that saves time. With
    /// `is_shared` all threads fill it.
    pub fn fill(&self, rows: &[Row], used: &[bool], is_shared: bool) -> Histogram {
        let threads = match is_shared {
            true => rayon::current_num_threads(),
            false => 1,
        };
        let tasks = (rows.len() / TASK_ROWS).clamp(1, threads);
        let end = |task: usize| rows.len() * task / tasks;
        let part = |task: usize| {
            let mut part = self.take();
            self.fill_part(&rows[end(task)..end(task + 1)], used, &mut part);
            part
        };
        if tasks == 1 {
            return part(0);
        }
        let parts: Vec<Histogram> = (0..tasks).into_par_iter().map(part).collect();
        let sum = parts.into_iter().reduce(|mut sum, part| {
            add_to(&mut sum, &part);
            self.give_back(part);
            sum
        });
        sum.unwrap_or_default()
    }

    /// A histogram with anything in it.
    fn take(&self) -> Histogram {
        let mut taken = lock(&self.spare).pop().unwrap_or_default();
        taken.resize(self.layout.len(), Bin::default());
        taken
    }

    /// Takes a histogram back, to be filled again.
    pub fn give_back(&self, histogram: Histogram) {
        if !histogram.is_empty() {
            lock(&self.spare).push(histogram);
        }
    }

    fn fill_part(&self, rows: &[Row], used: &[bool], to: &mut [Bin]) {
        let taken = lock(&self.room).pop();
        let mut room = taken.unwrap_or_else(|| {
            let zeros = vec![[0; 256]; 32].into_boxed_slice();
            zeros.try_into().expect("32 lanes")
        });
        for block in &self.bins.blocks {
            let columns = block.first..block.first + block.used;
            let is_used = used[columns].contains(&true);
            match block.width {
                _ if !is_used || rows.is_empty() => self.clear(block, to),
                32 => self.fill_block::<32>(block, rows, &mut room, to),
                16 => self.fill_block::<16>(block, rows, &mut room, to),
                8 => self.fill_block::<8>(block, rows, &mut room, to),
                _ => self.fill_block::<4>(block, rows, &mut room, to),
            }
        }
        lock(&self.room).push(room);
    }

    fn fill_block<const WIDTH: usize>(
        &self,
        block: &Block,
        rows: &[Row],
        room: &mut Packed,
        to: &mut [Bin],
    ) {
        let (table, _) = block.codes().as_chunks::<WIDTH>();
        let (mut codes, mut values) = ([[0; WIDTH]; BATCH], [0; BATCH]);
        for (turn, rows) in rows.chunks(FLUSH).enumerate() {
            for rows in rows.chunks(BATCH) {
                let pairs = values.iter_mut().zip(rows);
                pairs.for_each(|(value, row)| *value = packed(row.pair));
                let codes = match neighbours(rows) {
                    Some(rows) => &table[rows],
                    None => {
                        let gathered = codes.iter_mut().zip(rows);
                        gathered.for_each(|(codes, row)| *codes = table[row.index as usize]);
                        &codes[..rows.len()]
                    }
                };
                add(codes, &values, block.used, room);
            }
            self.flush(block, room, to, turn == 0);
        }
    }

    fn clear(&self, block: &Block, to: &mut [Bin]) {
        for column in block.first..block.first + block.used {
            to[self.layout.column(column)].fill(Bin::default());
        }
    }

    /// Adds the packed sums of a block to the wide ones, unless these are the first, and makes them
    /// zero.
    fn flush(&self, block: &Block, room: &mut Packed, to: &mut [Bin], is_first: bool) {
        // Lanes that pad a block have been added to, always with code 0.
        room[block.used..]
            .iter_mut()
            .for_each(|packed| packed[0] = 0);
        for (lane, packed) in room.iter_mut().enumerate().take(block.used) {
            let to = &mut to[self.layout.column(block.first + lane)];
            let Some((last, to)) = to.split_last_mut() else {
                continue;
            };
            let (packed, missing) = packed.split_at_mut(usize::from(MISSING));
            let bins = to
                .iter_mut()
                .zip(packed)
                .chain(std::iter::once(last).zip(missing));
            for (to, packed) in bins {
                let bin = Bin::of_packed(std::mem::take(packed));
                match is_first {
                    true => *to = bin,
                    false => *to += bin,
                }
            }
        }
    }
}

/// The range that ascending rows are, if none is missing between them.
fn neighbours(rows: &[Row]) -> Option<Range<usize>> {
    let (first, last) = (rows.first()?.index as usize, rows.last()?.index as usize);
    (last - first + 1 == rows.len()).then_some(first..last + 1)
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds rows to the packed sums of the first lanes.
fn add<const WIDTH: usize>(
    codes: &[[u8; WIDTH]],
    values: &[i64; BATCH],
    used: usize,
    room: &mut Packed,
) {
    for first in (0..used).step_by(GROUP) {
        // A group that is at most half used needs half of the additions.
        match used - first {
            5.. if first + 8 <= WIDTH => add_lanes::<WIDTH, 8>(codes, values, first, room),
            _ => add_lanes::<WIDTH, 4>(codes, values, first, room),
        }
    }
}

#[inline(never)]
fn add_lanes<const WIDTH: usize, const LANES: usize>(
    codes: &[[u8; WIDTH]],
    values: &[i64; BATCH],
    first: usize,
    room: &mut Packed,
) {
    let Some(sums) = room[first..].first_chunk_mut::<LANES>() else {
        return;
    };
    for (codes, &value) in codes.iter().zip(values) {
        let Some(codes) = codes[first..].first_chunk::<LANES>() else {
            return;
        };
        for (sums, &code) in sums.iter_mut().zip(codes) {
            sums[usize::from(code)] += value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bins::BinOptions;
    use super::super::columns::Column;
    use super::super::gradients::unpack;
    use super::super::sums::Sums;
    use super::*;

    #[test]
    fn histograms_are_sums_by_bin() {
        let rows = 20_000;
        for columns in [1, 4, 5, 13, 28, 45] {
            let value = |column: u32, row: u32| match (row * (column + 3) + row / 7) % 97 {
                0 => f32::NAN,
                value => value as f32,
            };
            let table: Vec<Vec<f32>> = (0..columns as u32)
                .map(|column| (0..rows).map(|row| value(column, row)).collect())
                .collect();
            let table: Vec<Column> = table.iter().map(|values| Column::F32(values)).collect();
            let bins = Bins::new(&table, &BinOptions::default()).unwrap();
            let row = |index: u32| {
                let (g, h) = (index as i32 % 4001 - 2000, index % 4000);
                let pair = (g << 16) as u32 | h;
                Row { index, pair }
            };
            let filler = Filler::new(&bins);
            let used = vec![true; columns];
            let all: Vec<Row> = (0..rows).map(row).collect();
            let odd: Vec<Row> = (0..rows).filter(|row| row % 2 == 1).map(row).collect();
            // Room that was used before is clean.
            filler.give_back(filler.fill(&all[..100], &used, false));
            for rows in [&all, &odd] {
                let mut expected = vec![Sums::default(); filler.layout.len()];
                for column in 0..columns {
                    let to = &mut expected[filler.layout.column(column)];
                    let codes = bins.column(column);
                    for row in rows {
                        let code = usize::from(codes[row.index as usize]);
                        let [g, h] = unpack(row.pair);
                        let bin = code.min(to.len() - 1);
                        to[bin] += Sums { g, h, rows: 1 };
                    }
                }
                for is_shared in [false, true] {
                    let got = filler.fill(rows, &used, is_shared);
                    let sums: Vec<Sums> = got.iter().map(|bin| bin.sums()).collect();
                    assert_eq!(sums, expected);
                    filler.give_back(got);
                }
            }
        }
    }
}
