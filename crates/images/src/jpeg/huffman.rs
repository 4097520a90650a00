//! Huffman codes: tables that decode a code and the number after it in one lookup (Annex F.2.2).
//!
//! A code stands for a run of zeros and the size of a number, whose bits follow. If both fit into
//! [`LOOK`] bits, as most do, a table indexed by those bits gives the number itself.

use std::ops::Range;

use super::bits::Reader;

/// Number of bits looked up at once.
pub(super) const LOOK: u32 = 10;

/// A table as it is stored in the file.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Spec {
    /// Number of codes of each length, 1 to 16.
    pub counts: [u8; 16],
    /// Their symbols: a run of zeros in the upper half, the size of a number in the lower.
    pub symbols: Vec<u8>,
}

/// Calls `put` with class (0 DC, 1 AC), number and content of each table of a segment (B.2.4.2).
/// `None` if the segment is invalid, or as soon as `put` returns that.
pub(super) fn specs(
    mut segment: &[u8],
    mut put: impl FnMut(usize, usize, Spec) -> Option<()>,
) -> Option<()> {
    while let [which, rest @ ..] = segment {
        let (counts, rest) = rest.split_first_chunk::<16>()?;
        let symbols = counts.iter().map(|&count| usize::from(count)).sum();
        let (symbols, rest) = rest.split_at_checked(symbols)?;
        let (class, id) = (usize::from(which >> 4), usize::from(which & 15));
        if class > 1 || id > 3 || symbols.len() > 256 {
            return None;
        }
        let (counts, symbols) = (*counts, symbols.to_vec());
        put(class, id, Spec { counts, symbols })?;
        segment = rest;
    }
    Some(())
}

/// The codes of a table. All codes of a length follow each other (Annex C).
struct Codes {
    /// End of the codes of each length, left-aligned in 16 bits.
    ends: [u32; 17],
    /// Offset to add to a code of each length to get the index of its symbol.
    places: [i32; 17],
    symbols: Vec<u8>,
}

impl Codes {
    /// Returns `None` if there are more codes than their lengths allow.
    fn new(spec: &Spec) -> Option<Codes> {
        let (mut ends, mut places) = ([0; 17], [0; 17]);
        let (mut code, mut place) = (0u32, 0);
        for length in 1..=16 {
            let count = spec.counts[length - 1];
            places[length] = place - (code >> (16 - length)) as i32;
            code += u32::from(count) << (16 - length);
            place += i32::from(count);
            ends[length] = code;
        }
        (code <= 1 << 16 && place as usize == spec.symbols.len()).then(|| Codes {
            ends,
            places,
            symbols: spec.symbols.clone(),
        })
    }

    /// Calls `put` for every code of at most [`LOOK`] bits with its symbol, its length, and the
    /// range of [`LOOK`]-bit sequences that begin with it.
    fn spread(&self, mut put: impl FnMut(u8, u32, Range<usize>)) {
        let mut at = 0;
        for length in 1..=LOOK {
            let end = self.ends[length as usize] as usize >> (16 - LOOK);
            while at < end {
                let code = (at >> (LOOK - length)) as i32;
                let symbol = self.symbols[(code + self.places[length as usize]) as usize];
                let next = at + (1 << (LOOK - length));
                put(symbol, length, at..next);
                at = next;
            }
        }
    }

    /// The code at the start of 16 bits: symbol and length.
    #[inline(never)]
    fn find(&self, bits: u32) -> Option<(u8, u32)> {
        let length = (1..=16).find(|&length| bits < self.ends[length])?;
        let place = (bits >> (16 - length)) as i32 + self.places[length];
        Some((self.symbols[place as usize], length as u32))
    }
}

/// Decoding table of a component whose numbers are needed.
pub(super) struct Numbers {
    /// Indexed by [`LOOK`] bits.
    pub table: Box<[Entry; 1 << LOOK]>,
    codes: Codes,
}

/// The decoded content of [`LOOK`] bits: up to two codes with their numbers.
///
/// From the lowest byte: the total number of bits; the offsets of the first and the second number
/// from the current place; how far the place moves; and two bytes for each number. A missing number
/// gets the offset [`NOWHERE`]. If not even one code and its number fit, the lowest byte is 0 and
/// the next two are the bits of the code and its symbol, or 0 as well.
#[derive(Clone, Copy)]
pub(super) struct Entry(u64);

/// Past every place of a block.
pub(super) const NOWHERE: usize = 64;
/// How far the end of a block moves the place.
pub(super) const END: usize = 128;

impl Entry {
    /// The entry of a single code, for the bits that it begins.
    fn one(symbol: u8, length: u32, bits: u32) -> Entry {
        let (zeros, size) = (u64::from(symbol >> 4), u32::from(symbol & 15));
        let all = length + size;
        let nowhere = NOWHERE as u64;
        match (zeros, size) {
            (0, 0) => Entry(u64::from(all) | nowhere << 8 | nowhere << 16 | (END as u64) << 24),
            (15, 0) => Entry(u64::from(all) | nowhere << 8 | nowhere << 16 | 16 << 24),
            (_, 1..) if all <= LOOK => {
                let number = number(u64::from(bits) << (64 - LOOK + length), size);
                let number = u64::from(number as i16 as u16) << 32;
                Entry(u64::from(all) | zeros << 8 | nowhere << 16 | (zeros + 1) << 24 | number)
            }
            _ => Entry(u64::from(length) << 8 | u64::from(symbol) << 16),
        }
    }

    /// Appends the number, or the end of the block, that follows.
    fn and(self, next: Entry) -> Entry {
        let moved = u64::from(self.moves() as u8);
        let second = match next.first() {
            NOWHERE => NOWHERE as u64,
            zeros => moved + zeros as u64,
        };
        Entry(
            u64::from(self.bits() + next.bits())
                | (self.0 & 0xff00)
                | second << 16
                | (moved + next.moves() as u64) << 24
                | (self.0 & 0xffff << 32)
                | (next.0 & 0xffff << 32) << 16,
        )
    }

    #[inline(always)]
    pub fn bits(self) -> u32 {
        (self.0 & 255) as u32
    }

    #[inline(always)]
    pub fn first(self) -> usize {
        (self.0 >> 8 & 255) as usize
    }

    #[inline(always)]
    pub fn second(self) -> usize {
        (self.0 >> 16 & 255) as usize
    }

    #[inline(always)]
    pub fn moves(self) -> usize {
        (self.0 >> 24 & 255) as usize
    }

    #[inline(always)]
    pub fn numbers(self) -> [i16; 2] {
        [(self.0 >> 32) as i16, (self.0 >> 48) as i16]
    }
}

/// The number of `size` bits at the start of `word` (F.2.2.1, EXTEND): if it begins with 0, it is
/// negative and all its bits are inverted.
#[inline(always)]
fn number(word: u64, size: u32) -> i32 {
    let bits = (word >> 1 >> (63 - size)) as i32;
    if word >> 63 == 0 {
        bits - (1 << size) + 1
    } else {
        bits
    }
}

/// What a code stands for.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub zeros: usize,
    /// 0 if there is no number: the end of the block, or 16 zeros.
    pub number: i32,
    /// Bits of the code and its number.
    pub bits: u32,
}

impl Numbers {
    /// Builds a table of single codes.
    pub fn single(spec: &Spec) -> Option<Numbers> {
        let codes = Codes::new(spec)?;
        let mut table = Box::new([Entry(0); 1 << LOOK]);
        codes.spread(|symbol, length, entries| {
            for bits in entries {
                table[bits] = Entry::one(symbol, length, bits as u32);
            }
        });
        Some(Numbers { table, codes })
    }

    /// Builds a table of pairs, as far as they fit.
    pub fn pairs(spec: &Spec) -> Option<Numbers> {
        let Numbers { table: one, codes } = Numbers::single(spec)?;
        let mut table = one.clone();
        for (bits, entry) in table.iter_mut().enumerate() {
            if entry.bits() == 0 || entry.first() == NOWHERE {
                continue;
            }
            let next = one[bits << entry.bits() & ((1 << LOOK) - 1)];
            // Only known bits determine what follows.
            if (1..=LOOK - entry.bits()).contains(&next.bits()) && next.moves() != 16 {
                *entry = entry.and(next);
            }
        }
        Some(Numbers { table, codes })
    }

    /// Decodes one code and its number at the start of `word`, at most 31 bits. `None` if there is
    /// no such code.
    #[inline(always)]
    pub fn one(&self, entry: Entry, word: u64) -> Option<Run> {
        let (symbol, length) = match (entry.bits(), entry.first()) {
            (0, 1..) => (entry.second() as u8, entry.first() as u32),
            _ => self.codes.find((word >> 48) as u32)?,
        };
        let size = u32::from(symbol & 15);
        Some(Run {
            zeros: usize::from(symbol >> 4),
            number: match size {
                0 => 0,
                size => number(word << length, size),
            },
            bits: length + size,
        })
    }
}

/// Decoding table of single codes, mostly to skip their numbers.
pub(super) struct Skips {
    /// Indexed by [`LOOK`] bits. From the lowest byte: bits of code and number, places in the
    /// block; then a flag for the end of the block, and the bits of the code alone. 0 means a
    /// longer code.
    table: Box<[u32; 1 << LOOK]>,
    codes: Codes,
}

const LAST: u32 = 1 << 16;
const CODE: u32 = 17;

/// The entry of [`Skips`] for a code of `length` bits. A run without a number that is neither the
/// end nor 16 zeros leads past the block, where it is detected.
fn skip(symbol: u8, length: u32) -> u32 {
    let (zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    let (places, end) = match (zeros, size) {
        (0, 0) => (0, LAST),
        (15, 0) => (16, 0),
        (_, 0) => (128, 0),
        _ => (zeros + 1, 0),
    };
    (length + size) | places << 8 | end | length << CODE
}

impl Skips {
    pub fn new(spec: &Spec) -> Option<Skips> {
        let codes = Codes::new(spec)?;
        let mut table = Box::new([0; 1 << LOOK]);
        codes.spread(|symbol, length, entries| table[entries].fill(skip(symbol, length)));
        Some(Skips { table, codes })
    }

    /// Skips the number at place 0; false if there is no such code.
    #[inline(always)]
    pub fn first(&self, bits: &mut Reader) -> bool {
        bits.refill();
        let entry = self.entry(bits);
        bits.skip(entry & 255);
        entry != 0
    }

    /// Reads the number at place 0.
    #[inline(always)]
    pub fn number(&self, bits: &mut Reader) -> Option<i32> {
        bits.refill();
        let entry = self.entry(bits);
        let (all, code) = (entry & 255, entry >> CODE);
        let number = number(bits.word() << code, all - code);
        bits.skip(all);
        (entry != 0).then_some(number)
    }

    /// Returns 0 if there is no such code.
    #[inline(always)]
    fn entry(&self, bits: &Reader) -> u32 {
        match self.table[bits.peek::<LOOK>()] {
            0 => self.long(bits),
            entry => entry,
        }
    }

    #[inline(never)]
    fn long(&self, bits: &Reader) -> u32 {
        let found = self.codes.find(bits.peek::<16>() as u32);
        found.map_or(0, |(symbol, length)| skip(symbol, length))
    }
}

/// Table of codes whose numbers are skipped, as many at once as [`LOOK`] bits hold.
pub(super) struct Leaps {
    /// Sums of entries of [`Skips`].
    table: Box<[u32; 1 << LOOK]>,
    one: Skips,
}

impl Leaps {
    pub fn new(spec: &Spec) -> Option<Leaps> {
        let one = Skips::new(spec)?;
        let mut table = one.table.clone();
        for (bits, entry) in table.iter_mut().enumerate() {
            *entry &= (1 << CODE) - 1;
            // The next code must be known, but not the number after it.
            while *entry != 0 && *entry & LAST == 0 && *entry >> 8 < 64 && *entry & 255 < LOOK {
                let taken = *entry & 255;
                let next = one.table[bits << taken & ((1 << LOOK) - 1)];
                if next == 0 || next >> CODE > LOOK - taken {
                    break;
                }
                *entry += next & ((1 << CODE) - 1);
            }
        }
        Some(Leaps { table, one })
    }

    /// Skips the numbers of a block from place 1; false if they are not a valid block.
    #[inline(always)]
    pub fn rest(&self, bits: &mut Reader) -> bool {
        let mut place = 1;
        while place < 64 {
            bits.refill();
            let mut entry = self.table[bits.peek::<LOOK>()];
            // Codes after place 63 belong to another block.
            if entry == 0 || place + (entry >> 8 & 255) > 63 {
                entry = self.one.entry(bits);
            }
            bits.skip(entry & 255);
            place += entry >> 8 & 255;
            if entry == 0 || entry & LAST != 0 {
                return entry != 0;
            }
        }
        place == 64
    }
}

/// Table of codes alone; their numbers are read by the caller.
pub(super) struct Symbols {
    /// Indexed by [`LOOK`] bits: the length of the code, then its symbol. 0 means a longer code.
    table: Box<[(u8, u8); 1 << LOOK]>,
    codes: Codes,
}

impl Symbols {
    pub fn new(spec: &Spec) -> Option<Symbols> {
        let codes = Codes::new(spec)?;
        let mut table = Box::new([(0, 0); 1 << LOOK]);
        codes.spread(|symbol, length, entries| table[entries].fill((length as u8, symbol)));
        Some(Symbols { table, codes })
    }

    /// Reads a symbol: a run of zeros and the size of a number. `None` if there is no such code.
    #[inline(always)]
    pub fn read(&self, bits: &mut Reader) -> Option<(u32, u32)> {
        bits.refill();
        let (symbol, length) = match self.table[bits.peek::<LOOK>()] {
            (0, _) => self.codes.find(bits.peek::<16>() as u32)?,
            (length, symbol) => (symbol, u32::from(length)),
        };
        bits.skip(length);
        Some((u32::from(symbol >> 4), u32::from(symbol & 15)))
    }
}
