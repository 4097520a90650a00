//! Checks the entropy-coded data of a file that zune-jpeg decodes, which fills in what is missing and
//! ignores what is left over.
//!
//! Every scan is read to its end, sequential or progressive, by the conditions under which
//! libjpeg-turbo warns: an invalid code, a scan that ends before its last block or goes on after it, a
//! restart marker that is missing or out of order. Only where numbers are is remembered, since a
//! refinement has a bit for each of them (Annex G).

use std::ops::Range;

use super::bits::{Bits, Reader};
use super::huffman::{Leaps, Skips, Spec, Symbols, specs};
use super::markers::Markers;
use super::{Damage, MAX_PIXELS, MAX_SCANS, PhotoError};

/// What the markers state.
#[derive(Default)]
pub(super) struct Checked {
    /// Whether the coefficients of the whole picture are kept until the last pass.
    pub progressive: bool,
    /// Bytes between segments, which belong to nothing.
    pub skipped: Vec<Range<usize>>,
}

/// Checks all scans. What is not understood here is left to the decoder.
pub(super) fn check(file: &[u8]) -> Result<Checked, PhotoError> {
    let mut checked = Checked::default();
    let mut state = Some(State::default());
    let mut markers = Markers::new(file);
    let mut scans = 0;
    loop {
        let marker = markers.next().ok_or(PhotoError::Truncated)?;
        if !marker.skipped.is_empty() {
            checked.skipped.push(marker.skipped);
        }
        let segment = marker.segment;
        let understood = state.as_mut().is_none_or(|state| match marker.code {
            0xc0..=0xc2 => state.frame(marker.code, segment).is_some(),
            0xc4 => state.tables(segment).is_some(),
            0xdd => state.restart(segment).is_some(),
            0xc3 | 0xc5..=0xcf => false, // lossless, hierarchical or arithmetic
            _ => true,
        });
        if !understood {
            state = None;
        }
        match marker.code {
            0xc2 | 0xc6 | 0xca | 0xce => checked.progressive = true,
            0xd9 if scans > 0 => return Ok(checked),
            0xd9 => return Err(PhotoError::Truncated), // the end before the picture
            0xda => scans += 1,
            _ => continue,
        }
        if marker.code != 0xda {
            continue;
        }
        let scan = state.as_ref().and_then(|state| state.scan(segment));
        match (state.as_mut(), scan.filter(|_| scans <= MAX_SCANS)) {
            (Some(state), Some(scan)) => {
                let end = state.read(file, marker.end, &scan)?;
                markers.resume(end);
            }
            _ => state = None, // the search for the end marker goes on
        }
    }
}

/// A component of the picture.
struct Component {
    id: u8,
    /// Blocks of a unit, horizontally and vertically.
    across: usize,
    down: usize,
    /// Blocks of a scan of this component alone.
    columns: usize,
    rows: usize,
    /// For each block, units being whole: a bit for each number that is not 0.
    numbers: Vec<u64>,
    stride: usize,
}

/// What has been collected from the segments so far.
#[derive(Default)]
struct State {
    progressive: bool,
    components: Vec<Component>,
    /// Units of the picture, horizontally and vertically.
    units: (usize, usize),
    /// Four DC tables, then four AC tables.
    tables: [Option<Spec>; 8],
    /// Units between restart markers; 0 if there are none.
    restart: usize,
}

/// A scan header.
struct Scan {
    /// Indices of the components.
    components: Vec<usize>,
    first: Vec<First>,
    rest: Rest,
    band: (u32, u32),
}

/// How the number at place 0 of a block is read.
enum First {
    None,
    Number(Skips),
    /// One more bit of it.
    Bit,
}

/// How the other numbers are read.
enum Rest {
    None,
    /// All of them, by a table for each component.
    Sequential(Vec<Leaps>),
    First(Symbols),
    Refinement(Symbols),
}

impl State {
    fn frame(&mut self, code: u8, segment: &[u8]) -> Option<()> {
        let (&[8, h1, h0, w1, w0, count], rest) = segment.split_first_chunk::<6>()? else {
            return None;
        };
        let height = usize::from(u16::from_be_bytes([h1, h0]));
        let width = usize::from(u16::from_be_bytes([w1, w0]));
        let sampled = |c: &[u8]| (1..=4).contains(&(c[1] >> 4)) && (1..=4).contains(&(c[1] & 15));
        let fits = (1..=MAX_PIXELS).contains(&((width * height) as u64));
        if !self.components.is_empty()
            || !fits
            || !(1..=4).contains(&count)
            || rest.len() != 3 * usize::from(count)
            || !rest.chunks_exact(3).all(sampled)
        {
            return None;
        }
        self.progressive = code == 0xc2;
        let samples = || {
            rest.chunks_exact(3)
                .map(|c| (usize::from(c[1] >> 4), usize::from(c[1] & 15)))
        };
        let most = (samples().map(|s| s.0).max()?, samples().map(|s| s.1).max()?);
        self.units = (width.div_ceil(8 * most.0), height.div_ceil(8 * most.1));
        for (c, (across, down)) in rest.chunks_exact(3).zip(samples()) {
            let stride = self.units.0 * across;
            let blocks = if self.progressive {
                stride * self.units.1 * down
            } else {
                0
            };
            self.components.push(Component {
                id: c[0],
                across,
                down,
                columns: (width * across).div_ceil(8 * most.0),
                rows: (height * down).div_ceil(8 * most.1),
                numbers: vec![0; blocks],
                stride,
            });
        }
        Some(())
    }

    fn tables(&mut self, segment: &[u8]) -> Option<()> {
        specs(segment, |class, id, spec| {
            self.tables[4 * class + id] = Some(spec);
            Some(())
        })
    }

    fn restart(&mut self, segment: &[u8]) -> Option<()> {
        self.restart = usize::from(u16::from_be_bytes(segment.try_into().ok()?));
        Some(())
    }

    /// Parses a scan header (B.2.3).
    fn scan(&self, segment: &[u8]) -> Option<Scan> {
        let (&count, rest) = segment.split_first()?;
        let (chosen, &[start, end, precision]) = rest.split_at_checked(2 * usize::from(count))?
        else {
            return None;
        };
        let mut components = Vec::new();
        for chosen in chosen.chunks_exact(2) {
            components.push(self.components.iter().position(|c| c.id == chosen[0])?);
        }
        let blocks: usize = components
            .iter()
            .map(|&c| self.components[c].across * self.components[c].down)
            .sum();
        if components.is_empty() || (count > 1 && blocks > super::bits::MOST_BLOCKS) {
            return None;
        }
        let spec = |class: usize, chosen: &[u8]| {
            let id = if class == 0 {
                chosen[1] >> 4
            } else {
                chosen[1] & 15
            };
            self.tables.get(4 * class + usize::from(id))?.as_ref()
        };
        let chosen = || chosen.chunks_exact(2);
        let refines = precision >> 4 > 0;
        let first = |chosen| match (start, refines && self.progressive) {
            (1.., _) => Some(First::None),
            (0, true) => Some(First::Bit),
            (0, false) => Some(First::Number(Skips::new(spec(0, chosen)?)?)),
        };
        let symbols = || Symbols::new(spec(1, chosen().next()?)?);
        let rest = match (self.progressive, start, end) {
            (false, 0, 63) => Rest::Sequential(
                chosen()
                    .map(|chosen| Leaps::new(spec(1, chosen)?))
                    .collect::<Option<_>>()?,
            ),
            (true, 0, 0) => Rest::None,
            (true, 1.., ..=63) if start <= end && count == 1 => match refines {
                true => Rest::Refinement(symbols()?),
                false => Rest::First(symbols()?),
            },
            _ => return None,
        };
        Some(Scan {
            components,
            first: chosen().map(first).collect::<Option<_>>()?,
            rest,
            band: (u32::from(start), u32::from(end)),
        })
    }

    /// Reads a scan from byte `start` on; returns where the marker after it is.
    fn read(&mut self, file: &[u8], start: usize, scan: &Scan) -> Result<usize, Damage> {
        let mut bits = Bits::new(file, start);
        let alone = scan.components.len() == 1;
        let (columns, rows) = match (alone, &self.components[scan.components[0]]) {
            (true, only) => (only.columns, only.rows),
            (false, _) => self.units,
        };
        let (mut left, mut restarts, mut ends) = (self.restart, 0, 0);
        for unit in 0..columns * rows {
            if self.restart > 0 {
                if left == 0 {
                    bits.restart(0xd0 | (restarts % 8))?;
                    restarts = restarts.wrapping_add(1);
                    (left, ends) = (self.restart, 0);
                }
                left -= 1;
            }
            bits.reserve()?;
            let mut reader = bits.reader();
            for (place, &component) in scan.components.iter().enumerate() {
                let component = &mut self.components[component];
                let blocks = if alone {
                    1
                } else {
                    component.across * component.down
                };
                let at = unit / columns * component.stride + unit % columns;
                let mut none = 0;
                // Where the numbers are matters only in scans of one component.
                let numbers = component.numbers.get_mut(at).unwrap_or(&mut none);
                for _ in 0..blocks {
                    scan.block(&mut reader, place, numbers, &mut ends)
                        .ok_or(Damage::Code)?;
                }
            }
            let position = reader.position;
            bits.resume(position);
        }
        bits.end()
    }
}

impl Scan {
    /// Reads a block; `None` if its codes are invalid or lead past its last place.
    #[inline(always)]
    fn block(
        &self,
        bits: &mut Reader,
        place: usize,
        numbers: &mut u64,
        ends: &mut u32,
    ) -> Option<()> {
        match &self.first[place] {
            First::None => {}
            First::Number(table) => table.first(bits).then_some(())?,
            First::Bit => {
                bits.refill();
                bits.skip(1);
            }
        }
        match &self.rest {
            Rest::None => Some(()),
            Rest::Sequential(tables) => tables[place].rest(bits).then_some(()),
            Rest::First(_) | Rest::Refinement(_) if *ends > 0 && *numbers == 0 => {
                *ends -= 1;
                Some(())
            }
            Rest::First(table) => self.numbers(bits, table, numbers, ends),
            Rest::Refinement(table) => self.refine(bits, table, numbers, ends),
        }
    }

    /// Reads the first bits of the numbers of a band (G.1.2.2).
    fn numbers(
        &self,
        bits: &mut Reader,
        table: &Symbols,
        numbers: &mut u64,
        ends: &mut u32,
    ) -> Option<()> {
        if *ends > 0 {
            *ends -= 1;
            return Some(());
        }
        let (mut place, end) = self.band;
        while place <= end {
            match table.read(bits)? {
                (15, 0) => place += 16,
                (run, 0) => {
                    *ends = (1 << run) + bits.take(run) - 1;
                    return Some(());
                }
                (run, size) => {
                    place += run;
                    bits.skip(size);
                    if place > end {
                        return None;
                    }
                    *numbers |= 1 << place;
                    place += 1;
                }
            }
        }
        (place == end + 1).then_some(())
    }

    /// Reads one more bit of the numbers of a band, and new numbers (G.1.2.3).
    fn refine(
        &self,
        bits: &mut Reader,
        table: &Symbols,
        numbers: &mut u64,
        ends: &mut u32,
    ) -> Option<()> {
        let (mut place, end) = self.band;
        while *ends == 0 && place <= end {
            let (run, size) = table.read(bits)?;
            match size {
                0 if run < 15 => {
                    *ends = (1 << run) + bits.take(run);
                    break;
                }
                0 => {}
                1 => bits.skip(1),
                _ => return None,
            }
            // Past the run; numbers that have a bit here do not count.
            let mut free = !*numbers & band(place, end);
            for _ in 0..run {
                free &= free.wrapping_sub(1);
            }
            let next = free.trailing_zeros().min(end + 1);
            corrections(bits, *numbers, place, next - 1);
            place = next;
            if size == 1 {
                if place > end {
                    return None;
                }
                *numbers |= 1 << place;
            }
            place += 1;
        }
        if *ends > 0 {
            corrections(bits, *numbers, place, end);
            *ends -= 1;
        }
        Some(())
    }
}

/// A bit for each place from `start` to `end`, none if they are in reverse.
fn band(start: u32, end: u32) -> u64 {
    let below = |place: u32| 1u64.checked_shl(place).map_or(u64::MAX, |bit| bit - 1);
    below(end + 1) & !below(start)
}

/// Skips a bit for each of the numbers from `start` to `end`.
#[inline(always)]
fn corrections(bits: &mut Reader, numbers: u64, start: u32, end: u32) {
    let mut count = (numbers & band(start, end)).count_ones();
    while count > 0 {
        bits.refill();
        let some = count.min(48);
        bits.skip(some);
        count -= some;
    }
}
