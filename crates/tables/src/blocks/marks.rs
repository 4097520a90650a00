//! Finds the ends of cells and records of a CSV text, and properties of the text, in one pass, 64
//! bytes at a time: cells are so short that a separate search for each end would be slow. Quotes
//! are tracked one by one, so that bytes inside quoted cells do not count as ends.

/// Positions of delimiters and line ends outside quotes, in a growing text.
#[derive(Debug)]
pub(super) struct Marks {
    /// Delimiters and line ends, the first `found` of them; the rest is scratch space.
    places: Vec<u32>,
    found: usize,
    /// Which of them are line ends, the first `ended` of them.
    ends: Vec<u32>,
    ended: usize,
    /// Position up to which the text has been scanned.
    seen: usize,
    /// Whether that position is inside a quoted cell.
    quoted: bool,
    /// Properties of the last byte.
    last: Last,
    pub like: Like,
}

/// What the previous byte implies for the next one.
#[derive(Clone, Copy, Debug)]
struct Last {
    /// A quote would open a cell: after a delimiter, a line end, or at the start.
    opens: bool,
    /// A quote that closed a cell; another one turns both into a quote character.
    closed: bool,
    /// A carriage return.
    returned: bool,
}

/// Properties of a whole text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Like {
    /// Number of line ends, including those in quoted cells.
    pub lines: usize,
    pub ascii: bool,
    pub returns: bool,
    /// Whether there are NUL bytes, carriage returns not before a line feed, or text after a
    /// closing quote.
    pub odd: bool,
}

/// Number of bytes processed together.
const CHUNK: usize = 64;
/// Number of positions written without checking the count: more are rare, so the branch is
/// predictable.
const USUAL: usize = 12;

impl Default for Marks {
    fn default() -> Marks {
        Marks {
            places: Vec::new(),
            found: 0,
            ends: Vec::new(),
            ended: 0,
            seen: 0,
            quoted: false,
            last: Last {
                opens: true,
                closed: false,
                returned: false,
            },
            like: Like {
                lines: 0,
                ascii: true,
                returns: false,
                odd: false,
            },
        }
    }
}

impl Marks {
    /// Clears the text, keeping the memory.
    pub fn clear(&mut self) {
        *self = Marks {
            places: std::mem::take(&mut self.places),
            ends: std::mem::take(&mut self.ends),
            ..Marks::default()
        };
    }

    /// Memory in bytes.
    pub fn memory(&self) -> usize {
        4 * (self.places.capacity() + self.ends.capacity())
    }

    /// Scans the new part of a text that starts with a record: whole chunks, or everything if
    /// nothing will follow (`whole`).
    pub fn scan(&mut self, bytes: &[u8], delimiter: u8, whole: bool) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("bmi1")
        {
            // SAFETY: the processor supports it.
            return unsafe { self.scan_avx2(bytes, delimiter, whole) };
        }
        self.scan_with(bytes, delimiter, whole, words::bits);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,popcnt,bmi1")]
    fn scan_avx2(&mut self, bytes: &[u8], delimiter: u8, whole: bool) {
        self.scan_with(bytes, delimiter, whole, |chunk, delimiter| {
            avx2::bits(chunk, delimiter)
        });
    }

    #[inline(always)]
    fn scan_with(
        &mut self,
        bytes: &[u8],
        delimiter: u8,
        whole: bool,
        bits: impl Fn(&[u8; CHUNK], u8) -> Bits,
    ) {
        let (chunks, rest) = bytes[self.seen..].as_chunks::<CHUNK>();
        for chunk in chunks {
            self.make_room();
            self.take(bits(chunk, delimiter), u64::MAX);
        }
        if whole {
            let mut last = [b'x'; CHUNK];
            last[..rest.len()].copy_from_slice(rest);
            self.make_room();
            self.take(bits(&last, delimiter), (1 << rest.len()) - 1);
            self.end(bytes);
        }
    }

    fn make_room(&mut self) {
        if self.places.len() <= self.found + 2 * CHUNK {
            self.places.resize(2 * (self.found + 2 * CHUNK), 0);
        }
        if self.ends.len() <= self.ended + 2 * CHUNK {
            self.ends.resize(2 * (self.ended + 2 * CHUNK), 0);
        }
    }

    /// Processes the next chunk, of which the bytes in `valid` exist.
    #[inline(always)]
    fn take(&mut self, bits: Bits, valid: u64) {
        let around = bits.delimiters | bits.newlines | bits.returns;
        let inside = match bits.quotes == 0 && !self.last.closed {
            true => u64::from(self.quoted).wrapping_neg(),
            false => self.follow(bits.quotes, around, valid),
        };
        let like = &mut self.like;
        like.lines += bits.newlines.count_ones() as usize;
        like.ascii &= !bits.high;
        if bits.returns != 0 || self.last.returned {
            let behind = bits.returns << 1 | u64::from(self.last.returned);
            like.odd |= behind & valid & !bits.newlines != 0;
            like.returns = true;
        }
        like.odd |= bits.nul;
        self.last.opens = around >> 63 != 0;
        self.last.returned = bits.returns >> 63 != 0;
        let marks = (bits.delimiters | bits.newlines) & !inside;
        self.put_ends(bits.newlines & !inside, marks);
        self.put(marks);
        self.seen += CHUNK;
    }

    /// Tracks the quotes of a chunk; returns which bytes are inside them, without the closing ones.
    #[inline(never)]
    fn follow(&mut self, quotes: u64, around: u64, valid: u64) -> u64 {
        let openers = around << 1 | u64::from(self.last.opens);
        let mut inside = u64::from(self.quoted).wrapping_neg();
        let (mut closed, mut rest) = (0, quotes);
        let behind = |closed: u64| closed << 1 | u64::from(self.last.closed);
        while rest != 0 {
            let quote = rest & rest.wrapping_neg();
            rest ^= quote;
            // A quote inside of a bare cell is only a character.
            let opens = (openers | behind(closed)) & quote != 0;
            if self.quoted || opens {
                inside ^= quote.wrapping_neg();
                closed |= if self.quoted { quote } else { 0 };
                self.quoted = !self.quoted;
            }
        }
        self.like.odd |= behind(closed) & valid & !(around | quotes) != 0;
        self.last.closed = closed >> 63 != 0;
        inside
    }

    /// Records which marks are line ends.
    #[inline(always)]
    fn put_ends(&mut self, mut newlines: u64, marks: u64) {
        // Writes the first one unconditionally.
        loop {
            let first = newlines & newlines.wrapping_neg();
            let before = marks & first.wrapping_sub(1);
            self.ends[self.ended] = self.found as u32 + before.count_ones();
            self.ended += usize::from(first != 0);
            newlines ^= first;
            if newlines == 0 {
                return;
            }
        }
    }

    /// Records the position of each bit.
    #[inline(always)]
    fn put(&mut self, mut marks: u64) {
        let count = marks.count_ones() as usize;
        let base = self.seen as u32;
        let room = &mut self.places[self.found..][..CHUNK + 8];
        let mut write = |places: &mut [u32]| {
            for place in places {
                *place = base + marks.trailing_zeros();
                marks &= marks.wrapping_sub(1);
            }
        };
        let (usual, more) = room.split_at_mut(USUAL);
        write(usual);
        if count > USUAL {
            let (eights, _) = more.as_chunks_mut::<8>();
            for eight in &mut eights[..(count - USUAL).div_ceil(8)] {
                write(eight);
            }
        }
        self.found += count;
    }

    /// Ends the last line if it has no line end.
    fn end(&mut self, bytes: &[u8]) {
        let end = self.boundary().unwrap_or(0);
        if end < bytes.len() && !self.quoted {
            self.ends[self.ended] = self.found as u32;
            self.places[self.found] = bytes.len() as u32;
            (self.ended, self.found) = (self.ended + 1, self.found + 1);
        }
    }

    pub fn quoted(&self) -> bool {
        self.quoted
    }

    /// Start of the last record, whose end has not been seen yet: after the last line end outside
    /// quotes.
    pub fn boundary(&self) -> Option<usize> {
        let &end = self.ends().last()?;
        Some(self.places[end as usize] as usize + 1)
    }

    /// Delimiters and line ends outside quotes, including those after the boundary.
    pub fn places(&self) -> &[u32] {
        &self.places[..self.found]
    }

    /// Which of the positions are line ends.
    pub fn ends(&self) -> &[u32] {
        &self.ends[..self.ended]
    }
}

/// Classifies the bytes of a chunk, one bit per byte.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bits {
    quotes: u64,
    delimiters: u64,
    newlines: u64,
    returns: u64,
    /// Whether any byte is NUL, and whether any is not ASCII.
    nul: bool,
    high: bool,
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::{Bits, CHUNK};

    #[target_feature(enable = "avx2")]
    #[inline]
    pub fn bits(chunk: &[u8; CHUNK], delimiter: u8) -> Bits {
        let (halves, _) = chunk.as_chunks::<32>();
        // SAFETY: the load is of 32 existing bytes, at any address.
        let load = |half: &[u8; 32]| unsafe { _mm256_loadu_si256(half.as_ptr().cast()) };
        let [low, high] = [load(&halves[0]), load(&halves[1])];
        let mask = |half: __m256i| u64::from(_mm256_movemask_epi8(half) as u32);
        let equal = |byte: u8| {
            let byte = _mm256_set1_epi8(byte as i8);
            [low, high].map(|half| _mm256_cmpeq_epi8(half, byte))
        };
        let both = |[low, high]: [__m256i; 2]| mask(low) | mask(high) << 32;
        let lowest = _mm256_min_epu8(low, high);
        let returns = equal(b'\r');
        // Most texts have none, so one test suffices.
        let returns = match mask(_mm256_or_si256(returns[0], returns[1])) {
            0 => 0,
            _ => both(returns),
        };
        Bits {
            quotes: both(equal(b'"')),
            delimiters: both(equal(delimiter)),
            newlines: both(equal(b'\n')),
            returns,
            nul: mask(_mm256_cmpeq_epi8(lowest, _mm256_setzero_si256())) != 0,
            high: mask(_mm256_or_si256(low, high)) != 0,
        }
    }
}

/// The same, eight bytes at a time.
mod words {
    use super::{Bits, CHUNK};

    pub fn bits(chunk: &[u8; CHUNK], delimiter: u8) -> Bits {
        let (words, _) = chunk.as_chunks::<8>();
        let words = words.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let mask = |byte: u8| {
            let found = words
                .clone()
                .map(|word| zeros(word ^ (u64::from(byte) * EACH)));
            // Gathers the lowest bit of each byte in the highest byte.
            let gathered =
                found.map(|found| (found >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56);
            let places = gathered
                .enumerate()
                .map(|(index, bits)| bits << (8 * index));
            places.fold(0, |all, bits| all | bits)
        };
        Bits {
            quotes: mask(b'"'),
            delimiters: mask(delimiter),
            newlines: mask(b'\n'),
            returns: mask(b'\r'),
            nul: mask(0) != 0,
            high: !chunk.is_ascii(),
        }
    }

    /// One in each byte.
    const EACH: u64 = 0x0101_0101_0101_0101;

    /// The highest bit of each byte that is zero, and no other (Warren, "Hacker's Delight", 6-1).
    fn zeros(word: u64) -> u64 {
        let low = 0x7f * EACH;
        !(((word & low) + low) | word | low)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is outside quotes, byte by byte.
    fn expected(bytes: &[u8]) -> (Vec<u32>, bool) {
        let (mut marks, mut quoted, mut before) = (Vec::new(), false, b'\n');
        for (at, &byte) in bytes.iter().enumerate() {
            match byte {
                b'"' if quoted => {
                    quoted = false;
                    before = b'"';
                    continue;
                }
                b'"' if b",\n\r\"".contains(&before) => quoted = true,
                b',' | b'\n' if !quoted => marks.push(at as u32),
                _ => {}
            }
            // A quote that does not close a cell does not open one.
            before = if byte == b'"' { b'x' } else { byte };
        }
        (marks, quoted)
    }

    fn found(bytes: &[u8], first: usize, scan: impl Fn(&mut Marks, &[u8], bool)) -> Marks {
        let mut marks = Marks::default();
        scan(&mut marks, &bytes[..first / CHUNK * CHUNK], false);
        scan(&mut marks, bytes, true);
        marks
    }

    proptest! {
        #[test]
        fn every_end_outside_of_quotes_is_found(text in "[ab,\n\r\"]{0,300}", first in 0usize..300) {
            let bytes = text.as_bytes();
            let (mut expected, quoted) = expected(bytes);
            if !quoted && !bytes.is_empty() && bytes.last() != Some(&b'\n') {
                expected.push(bytes.len() as u32);
            }
            let first = first.min(bytes.len());
            let marks = found(bytes, first, |marks, bytes, whole| marks.scan(bytes, b',', whole));
            prop_assert_eq!(marks.places(), &expected);
            prop_assert_eq!(marks.quoted(), quoted);
            let ends = marks.ends().iter().map(|&end| marks.places()[end as usize] as usize);
            let ends: Vec<usize> = ends.collect();
            let is_end = |&&at: &&u32| bytes.get(at as usize) != Some(&b',');
            let of_lines = expected.iter().filter(is_end).map(|&at| at as usize);
            prop_assert_eq!(ends, of_lines.collect::<Vec<_>>());
            prop_assert_eq!(marks.like.lines, text.matches('\n').count());
            let words = found(bytes, first, |marks, bytes, whole| {
                marks.scan_with(bytes, b',', whole, words::bits);
            });
            prop_assert_eq!(marks.places(), words.places());
            prop_assert_eq!(format!("{:?}", marks.like), format!("{:?}", words.like));
        }

        #[test]
        fn what_a_text_is_like_is_seen(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let marks = found(&bytes, 64.min(bytes.len()), |marks, bytes, whole| {
                marks.scan(bytes, b',', whole);
            });
            prop_assert_eq!(marks.like.ascii, bytes.is_ascii());
            prop_assert_eq!(marks.like.returns, bytes.contains(&b'\r'));
            let lone = bytes.windows(2).any(|pair| pair[0] == b'\r' && pair[1] != b'\n');
            prop_assert!(marks.like.odd || !(lone || bytes.contains(&0)));
        }

        #[test]
        fn words_and_registers_find_the_same(chunk in prop::collection::vec(any::<u8>(), 64)) {
            let chunk: &[u8; 64] = chunk[..].try_into().unwrap();
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                for delimiter in [b',', chunk[3]] {
                    // SAFETY: the processor has AVX2.
                    let found = unsafe { avx2::bits(chunk, delimiter) };
                    prop_assert_eq!(found, words::bits(chunk, delimiter));
                }
            }
        }
    }
}
