//! Decodes the picture: units of blocks, luma to pixels, everything else skipped.

use std::rc::Rc;

use super::bits::{Bits, Reader};
use super::header::{Component, Header};
use super::huffman::{END, LOOK, Leaps, NOWHERE, Numbers, Skips};
use super::idct::{self, Pair};
use super::{Damage, Fault};

/// Table lookups between refills: the last of them still needs [`LOOK`] bits.
const LOOKS: u32 = 56 / LOOK;

/// Row-major index within a block of the numbers in file order (figure A.6). Indices past the last,
/// as far as a table entry can point, lead to unused places.
const PLACES: [u8; 64 + 256] = {
    let mut table = [NOWHERE as u8; 64 + 256];
    let (mut x, mut y, mut place) = (0, 0, 0);
    while place < 64 {
        table[place] = 8 * y + x;
        let up = (x + y) % 2 == 0;
        match (up, x, y) {
            (true, 7, _) => y += 1,
            (true, _, 0) => x += 1,
            (false, _, 7) => x += 1,
            (false, 0, _) => y += 1,
            (true, ..) => (x, y) = (x + 1, y - 1),
            (false, ..) => (x, y) = (x - 1, y + 1),
        }
        place += 1;
    }
    table
};

/// A component that is skipped.
struct Other {
    blocks: usize,
    first: Rc<Skips>,
    rest: Rc<Leaps>,
}

/// The state of turning a scan into pixels.
struct Scan<'a> {
    bits: Bits<'a>,
    luma: Component,
    first: Skips,
    rest: Numbers,
    /// Dequantization factor of each number of a block, row by row.
    factors: [i16; 64],
    others: Vec<Other>,
    /// DC number of the previous block, divided by its factor.
    predicted: i32,
    /// Blocks waiting for their transform, and how many.
    pair: Pair,
    waiting: usize,
    /// Pixel rows of one row of units.
    strip: Vec<u8>,
    stride: usize,
}

/// Decodes the luma plane of the file.
pub(super) fn luma(file: &[u8], header: &Header) -> Result<Vec<u8>, Fault> {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2") {
        // SAFETY: the processor has both.
        return unsafe { luma_avx2(file, header) };
    }
    luma_portable(file, header)
}

/// Like [`luma`], for every processor.
pub(super) fn luma_portable(file: &[u8], header: &Header) -> Result<Vec<u8>, Fault> {
    let mut scan = Scan::new(file, header).ok_or(Fault::Other)?;
    scan.run(file, header, idct::portable)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi2")]
fn luma_avx2(file: &[u8], header: &Header) -> Result<Vec<u8>, Fault> {
    let both = |pair: &Pair, factors: &[i16; 64], out: &mut [u8], stride: usize| {
        idct::avx2::both(pair, factors, out, stride);
    };
    let mut scan = Scan::new(file, header).ok_or(Fault::Other)?;
    scan.run(file, header, both)
}

impl<'a> Scan<'a> {
    fn new(file: &'a [u8], header: &Header) -> Option<Scan<'a>> {
        let (luma, others) = header.components.split_first()?;
        let spec = |table: usize| header.tables.get(table)?.as_ref();
        let mut factors = [0; 64];
        for (place, factor) in PLACES.iter().zip(header.quantization) {
            factors[usize::from(*place)] = factor as i16;
        }
        let mut skipped: Vec<Other> = Vec::new();
        for (number, component) in others.iter().enumerate() {
            // Both colours usually share their tables.
            let same = |table: fn(&Component) -> usize| {
                others[..number]
                    .iter()
                    .position(|before| table(before) == table(component))
            };
            let (first, rest) = (same(|c| c.dc), same(|c| c.ac));
            skipped.push(Other {
                blocks: component.across * component.down,
                first: match first {
                    Some(before) => skipped[before].first.clone(),
                    None => Rc::new(Skips::new(spec(component.dc)?)?),
                },
                rest: match rest {
                    Some(before) => skipped[before].rest.clone(),
                    None => Rc::new(Leaps::new(spec(component.ac)?)?),
                },
            });
        }
        let stride = header.width.div_ceil(8 * luma.across) * 8 * luma.across;
        Some(Scan {
            bits: Bits::new(file, header.scan),
            luma: *luma,
            first: Skips::new(spec(luma.dc)?)?,
            rest: Numbers::pairs(spec(luma.ac)?)?,
            factors,
            others: skipped,
            predicted: 0,
            pair: Pair::new(),
            waiting: 0,
            strip: vec![0; stride * 8 * luma.down],
            stride,
        })
    }

    #[inline(always)]
    fn run(
        &mut self,
        file: &[u8],
        header: &Header,
        transform: impl Fn(&Pair, &[i16; 64], &mut [u8], usize) + Copy,
    ) -> Result<Vec<u8>, Fault> {
        let mut pixels = Vec::with_capacity(header.width * header.height);
        let units = self.stride / (8 * self.luma.across);
        let (mut left, mut restarts) = (header.restart, 0);
        for top in (0..header.height).step_by(8 * self.luma.down) {
            for unit in 0..units {
                if header.restart > 0 {
                    if left == 0 {
                        self.bits.restart(0xd0 | (restarts % 8))?;
                        restarts = restarts.wrapping_add(1);
                        left = header.restart;
                        self.predicted = 0;
                    }
                    left -= 1;
                }
                self.bits.reserve()?;
                self.unit(unit, transform).ok_or(Damage::Code)?;
            }
            flush(
                &mut self.pair,
                &mut self.waiting,
                &self.factors,
                &mut self.strip,
                self.stride,
                transform,
            );
            let rows = self.strip.chunks_exact(self.stride);
            for row in rows.take(header.height - top) {
                pixels.extend_from_slice(&row[..header.width]);
            }
        }
        let end = self.bits.end()?;
        match file.get(end..end + 2) {
            Some([0xff, 0xd9]) => Ok(pixels),
            // More scans, or a height that follows later: left to the other decoder.
            _ => Err(Fault::Other),
        }
    }

    #[inline(always)]
    fn unit(
        &mut self,
        unit: usize,
        transform: impl Fn(&Pair, &[i16; 64], &mut [u8], usize),
    ) -> Option<()> {
        let mut reader = self.bits.reader();
        for down in 0..self.luma.down {
            for across in 0..self.luma.across {
                let left = 8 * (unit * self.luma.across + across);
                let place = 8 * down * self.stride + left;
                let numbers = &mut self.pair.blocks[self.waiting & 1].0;
                let tables = (&self.first, &self.rest);
                if !block(&mut reader, tables, &mut self.predicted, numbers)? {
                    idct::flat(
                        numbers[0].wrapping_mul(self.factors[0]),
                        &mut self.strip,
                        place,
                        self.stride,
                    );
                    continue;
                }
                self.pair.places[self.waiting & 1] = place;
                self.waiting += 1;
                if self.waiting == 2 {
                    flush(
                        &mut self.pair,
                        &mut self.waiting,
                        &self.factors,
                        &mut self.strip,
                        self.stride,
                        &transform,
                    );
                }
            }
        }
        for other in &self.others {
            for _ in 0..other.blocks {
                if !(other.first.first(&mut reader) && other.rest.rest(&mut reader)) {
                    return None;
                }
            }
        }
        let position = reader.position;
        self.bits.resume(position);
        Some(())
    }
}

/// Reads a block; returns whether it has more than its DC number.
#[inline(always)]
fn block(
    reader: &mut Reader,
    (first, rest): (&Skips, &Numbers),
    predicted: &mut i32,
    numbers: &mut [i16; 256],
) -> Option<bool> {
    *predicted = predicted.wrapping_add(first.number(reader)?);
    numbers[0] = *predicted as i16;
    let table = &*rest.table;
    let mut place = 1;
    loop {
        reader.refill();
        for _ in 0..LOOKS {
            let word = reader.word();
            let entry = table[(word >> (64 - LOOK)) as usize];
            let [a, b] = entry.numbers();
            numbers[usize::from(PLACES[place + entry.first()])] = a;
            numbers[usize::from(PLACES[place + entry.second()])] = b;
            let next = place + entry.moves();
            if entry.bits() == 0 || next >= 64 {
                if (END..END + 64).contains(&next) {
                    reader.skip(entry.bits());
                    return Some(next > END + 1);
                }
                reader.refill();
                let run = rest.one(entry, reader.word())?;
                reader.skip(run.bits);
                place += run.zeros + 1;
                if run.number != 0 {
                    numbers[usize::from(PLACES[place - 1])] = run.number as i16;
                } else if run.zeros == 0 {
                    return Some(place > 2);
                } else if run.zeros != 15 {
                    return None;
                }
                if place >= 64 {
                    return (place == 64).then_some(true);
                }
                break;
            }
            reader.skip(entry.bits());
            place = next;
        }
    }
}

/// Transforms the waiting blocks.
#[inline(always)]
fn flush(
    pair: &mut Pair,
    waiting: &mut usize,
    factors: &[i16; 64],
    strip: &mut [u8],
    stride: usize,
    transform: impl Fn(&Pair, &[i16; 64], &mut [u8], usize),
) {
    if *waiting == 1 {
        pair.places[1] = pair.places[0];
        pair.blocks[1] = pair.blocks[0];
    }
    if *waiting > 0 {
        transform(pair, factors, strip, stride);
        pair.clear();
        *waiting = 0;
    }
}
