//! Histograms of gradients: for each bin of each column the sums over the rows of a node.
//!
//! While rows are added, gradient, Hessian and number of rows of a bin are packed into one 64-bit
//! integer, so that a row costs one addition per column:
//!
//! | bits | 63..39 | 38..14 | 13..0 |
//! |---|---|---|---|
//! | holds | gradient, signed | Hessian | rows |
//!
//! [`FLUSH`] = 8192 rows fit: 8192 ≤ 2^14 - 1, 8192 × 4095 < 2^25, 8192 × 2047 < 2^24. Then the packed
//! sums are added to wide ones, which hold 2^31 rows (2^31 × 4095 < 2^43). All are integers: any
//! order of rows and any division into tasks gives the same sums.

use std::ops::{AddAssign, Range, Sub, SubAssign};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::bins::{Bins, Block};
use super::cuts::MISSING;

/// Rows between two additions of packed to wide sums.
const FLUSH: usize = 8192;
/// Rows whose codes are gathered before they are added: gathering alone keeps many loads of memory
/// under way.
const BATCH: usize = 512;
/// Columns whose packed sums are filled together: 16 KB of sums stay in the first cache.
const GROUP: usize = 8;
/// Rows that are worth a task of their own.
const TASK_ROWS: usize = 16384;

/// Sums over the rows of a bin or a node, in quantized units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub g: i64,
    pub h: i64,
    pub rows: i64,
}

impl AddAssign for Sums {
    #[inline]
    fn add_assign(&mut self, other: Sums) {
        self.g += other.g;
        self.h += other.h;
        self.rows += other.rows;
    }
}

impl SubAssign for Sums {
    #[inline]
    fn sub_assign(&mut self, other: Sums) {
        *self = *self - other;
    }
}

impl Sub for Sums {
    type Output = Sums;

    #[inline]
    fn sub(self, other: Sums) -> Sums {
        Sums {
            g: self.g - other.g,
            h: self.h - other.h,
            rows: self.rows - other.rows,
        }
    }
}

/// Adds a histogram to another.
fn add_to(to: &mut [Sums], part: &[Sums]) {
    to.iter_mut().zip(part).for_each(|(to, part)| *to += *part);
}

/// Subtracts the histogram of one child from its parent's, which leaves the other child's.
pub(super) fn subtract(from: &mut [Sums], part: &[Sums]) {
    from.iter_mut()
        .zip(part)
        .for_each(|(from, part)| *from -= *part);
}

/// The packed form of a row's pair (see `gradients`).
#[inline]
fn packed(pair: u32) -> i64 {
    (i64::from(pair as i32 >> 16) << 39) + (i64::from(pair & 0xffff) << 14) + 1
}

#[inline]
fn unpacked(sums: i64) -> Sums {
    Sums {
        g: sums >> 39,
        h: (sums >> 14) & 0x1ff_ffff,
        rows: sums & 0x3fff,
    }
}

/// Where the bins of each column lie in a histogram; the bin of missing values is the last of each.
pub(super) struct Layout {
    starts: Vec<usize>,
}

impl Layout {
    pub fn of(bins: &Bins) -> Layout {
        let mut starts = vec![0];
        for coding in &bins.codings {
            starts.push(starts[starts.len() - 1] + coding.bins() + 1);
        }
        Layout { starts }
    }

    /// Number of bins of all columns.
    pub fn len(&self) -> usize {
        self.starts[self.starts.len() - 1]
    }

    /// The bins of a column.
    #[inline]
    pub fn column(&self, column: usize) -> Range<usize> {
        self.starts[column]..self.starts[column + 1]
    }
}

/// The rows of a node.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    /// All rows of the table in this range.
    Range(usize, usize),
    /// These rows.
    List(&'a [u32]),
}

impl<'a> Rows<'a> {
    pub fn len(&self) -> usize {
        match self {
            Rows::Range(from, to) => to - from,
            Rows::List(rows) => rows.len(),
        }
    }

    fn part(&self, from: usize, to: usize) -> Rows<'a> {
        match self {
            Rows::Range(first, _) => Rows::Range(first + from, first + to),
            Rows::List(rows) => Rows::List(&rows[from..to]),
        }
    }
}

/// Fills histograms; keeps the room for packed sums between calls.
pub(super) struct Filler<'a> {
    bins: &'a Bins,
    pub layout: Layout,
    room: Mutex<Vec<Packed>>,
}

/// Packed sums of a block: 256 codes per lane, all zero between uses.
type Packed = Box<[[i64; 256]; 32]>;

impl<'a> Filler<'a> {
    pub fn new(bins: &'a Bins) -> Filler<'a> {
        Filler {
            bins,
            layout: Layout::of(bins),
            room: Mutex::new(Vec::new()),
        }
    }

    /// The histogram of rows; columns that are not used stay empty where that saves time.
    pub fn fill(&self, pairs: &[u32], rows: Rows, used: &[bool]) -> Vec<Sums> {
        let threads = rayon::current_num_threads();
        let tasks = (rows.len() / TASK_ROWS).clamp(1, threads);
        let mut histogram = vec![Sums::default(); self.layout.len()];
        if tasks == 1 {
            self.fill_part(pairs, rows, used, &mut histogram);
            return histogram;
        }
        let end = |task: usize| rows.len() * task / tasks;
        let parts: Vec<Vec<Sums>> = (0..tasks)
            .into_par_iter()
            .map(|task| {
                let mut part = vec![Sums::default(); self.layout.len()];
                let rows = rows.part(end(task), end(task + 1));
                self.fill_part(pairs, rows, used, &mut part);
                part
            })
            .collect();
        for part in parts {
            add_to(&mut histogram, &part);
        }
        histogram
    }

    fn fill_part(&self, pairs: &[u32], rows: Rows, used: &[bool], to: &mut [Sums]) {
        let taken = self.lock().pop();
        let mut room = taken.unwrap_or_else(|| {
            let zeros = vec![[0; 256]; 32].into_boxed_slice();
            zeros.try_into().expect("32 lanes")
        });
        for block in &self.bins.blocks {
            let columns = block.first..block.first + block.used;
            if used[columns].contains(&true) {
                match block.width {
                    32 => self.fill_block::<32>(block, pairs, rows, &mut room, to),
                    16 => self.fill_block::<16>(block, pairs, rows, &mut room, to),
                    8 => self.fill_block::<8>(block, pairs, rows, &mut room, to),
                    _ => self.fill_block::<4>(block, pairs, rows, &mut room, to),
                }
            }
        }
        self.lock().push(room);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Packed>> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fill_block<const WIDTH: usize>(
        &self,
        block: &Block,
        pairs: &[u32],
        rows: Rows,
        room: &mut Packed,
        to: &mut [Sums],
    ) {
        let (table, _) = block.codes.as_chunks::<WIDTH>();
        let (mut codes, mut values) = ([[0; WIDTH]; BATCH], [0; BATCH]);
        for from in (0..rows.len()).step_by(FLUSH) {
            let end = (from + FLUSH).min(rows.len());
            for first in (from..end).step_by(BATCH) {
                let last = (first + BATCH).min(end);
                let codes = match rows.part(first, last) {
                    Rows::Range(from, to) => {
                        let pairs = pairs[from..to].iter();
                        values
                            .iter_mut()
                            .zip(pairs)
                            .for_each(|(v, pair)| *v = packed(*pair));
                        &table[from..to]
                    }
                    Rows::List(rows) => {
                        let to = codes.iter_mut().zip(&mut values);
                        for (&row, (codes, value)) in rows.iter().zip(to) {
                            *codes = table[row as usize];
                            *value = packed(pairs[row as usize]);
                        }
                        &codes[..rows.len()]
                    }
                };
                add(codes, &values, block.used, room);
            }
            self.flush(block, room, to);
        }
    }

    /// Adds the packed sums of a block to the wide ones, and makes them zero.
    fn flush(&self, block: &Block, room: &mut Packed, to: &mut [Sums]) {
        // Lanes that pad a block have been added to, always with code 0.
        room[block.used..]
            .iter_mut()
            .for_each(|packed| packed[0] = 0);
        for (lane, packed) in room.iter_mut().enumerate().take(block.used) {
            let to = &mut to[self.layout.column(block.first + lane)];
            let Some((missing, to)) = to.split_last_mut() else {
                continue;
            };
            for (to, packed) in to.iter_mut().zip(packed.iter_mut()) {
                *to += unpacked(*packed);
                *packed = 0;
            }
            *missing += unpacked(packed[usize::from(MISSING)]);
            packed[usize::from(MISSING)] = 0;
        }
    }
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
    use super::*;

    #[test]
    fn packed_sums_hold_the_largest_values() {
        for (g, h) in [(2047, 4095), (-2047, 4095), (-2047, 0), (0, 0)] {
            let pair = (g << 16) as u32 | h;
            let mut sum = 0;
            for _ in 0..FLUSH {
                sum += packed(pair);
            }
            let n = FLUSH as i64;
            let expected = Sums {
                g: i64::from(g) * n,
                h: i64::from(h) * n,
                rows: n,
            };
            assert_eq!(unpacked(sum), expected);
        }
    }

    #[test]
    fn histograms_are_sums_by_bin() {
        let rows = 20_000;
        for columns in [1, 4, 5, 13, 28, 45] {
            let value = |column: usize, row: usize| match (row * (column + 3) + row / 7) % 97 {
                0 => f32::NAN,
                value => value as f32,
            };
            let table: Vec<Vec<f32>> = (0..columns)
                .map(|column| (0..rows).map(|row| value(column, row)).collect())
                .collect();
            let table: Vec<Column> = table.iter().map(|values| Column::F32(values)).collect();
            let bins = Bins::new(&table, &BinOptions::default()).unwrap();
            let pairs: Vec<u32> = (0..rows)
                .map(|row| (((row as i32 % 4001) - 2000) << 16) as u32 | (row as u32 % 4000))
                .collect();
            let filler = Filler::new(&bins);
            // Room that was used before is clean.
            filler.fill(&pairs, Rows::Range(0, 100), &vec![true; columns]);
            let odd: Vec<u32> = (0..rows as u32).filter(|row| row % 2 == 1).collect();
            let all: Vec<u32> = (0..rows as u32).collect();
            let used = vec![true; columns];
            for (rows, listed) in [(Rows::Range(0, rows), &all), (Rows::List(&odd), &odd)] {
                let got = filler.fill(&pairs, rows, &used);
                let mut expected = vec![Sums::default(); filler.layout.len()];
                for column in 0..columns {
                    let to = &mut expected[filler.layout.column(column)];
                    let codes = bins.column(column);
                    for &row in listed {
                        let code = usize::from(codes[row as usize]);
                        let [g, h] = unpack(pairs[row as usize]);
                        let bin = code.min(to.len() - 1);
                        to[bin] += Sums { g, h, rows: 1 };
                    }
                }
                assert_eq!(got, expected);
            }
        }
    }
}
