//! The bits of a scan: stuffing taken out a window at a time, then read up to 56 bits at once.
//!
//! Within entropy-coded data 0xff is followed by a 0 that means nothing, or by a marker that ends the
//! segment. Both are dealt with while a window is filled, so that reading never looks at bytes.

/// Most bytes of one block: 64 codes of 16 bits, each with 15 bits behind it.
const BLOCK_BYTES: usize = 248;
/// Most blocks of a minimum coded unit (B.2.3 of the standard).
pub(super) const MOST_BLOCKS: usize = 10;
/// Bytes that must be there before a unit is read, and zeros behind the last byte of a segment:
/// what a unit can take, and a whole word more.
const RESERVE: usize = MOST_BLOCKS * BLOCK_BYTES + 8;
/// Bytes that a window holds: little enough to stay in the nearest cache.
const WINDOW: usize = 8 << 10;

/// Reads the entropy-coded segments of a scan.
pub(super) struct Bits<'a> {
    file: &'a [u8],
    /// Next byte of the file that is not in the window.
    next: usize,
    /// At a marker, or at the end of the file: this segment has no more bytes.
    stopped: bool,
    window: Box<[u8; WINDOW + RESERVE]>,
    /// Bytes of the segment in the window.
    end: usize,
    position: Position,
}

impl<'a> Bits<'a> {
    /// Reads from byte `start` of `file` on.
    pub fn new(file: &'a [u8], start: usize) -> Bits<'a> {
        Bits {
            file,
            next: start,
            stopped: false,
            window: Box::new([0; WINDOW + RESERVE]),
            end: 0,
            position: Position::default(),
        }
    }

    /// Makes sure that the window holds a whole unit, or zeros where the segment ends.
    #[inline(always)]
    pub fn reserve(&mut self) {
        if self.end < self.position.at + RESERVE && !self.stopped {
            self.fill();
        }
    }

    #[inline(never)]
    fn fill(&mut self) {
        self.window.copy_within(self.position.at..self.end, 0);
        self.end -= self.position.at;
        self.position.at = 0;
        while !self.stopped && self.end < WINDOW {
            let most = (self.next + WINDOW - self.end).min(self.file.len());
            let bytes = &self.file[self.next..most];
            let plain = memchr::memchr(0xff, bytes).unwrap_or(bytes.len());
            self.window[self.end..self.end + plain].copy_from_slice(&bytes[..plain]);
            self.end += plain;
            self.next += plain;
            match self.file.get(self.next..self.next + 2) {
                Some([0xff, 0]) if self.end < WINDOW => {
                    self.window[self.end] = 0xff;
                    self.end += 1;
                    self.next += 2;
                }
                Some([0xff, 0]) => break,
                Some([0xff, _]) => self.stopped = true,
                Some(_) => {}                // the window is full
                None => self.stopped = true, // a whole file ends with a marker
            }
        }
        if self.stopped {
            self.window[self.end..self.end + RESERVE].fill(0);
        }
    }

    /// Ends a segment: true where every whole byte of it was read and the marker `code` follows,
    /// behind which the next segment begins.
    pub fn finish(&mut self, code: u8) -> bool {
        self.fill_to_the_end();
        // Where bits were read ahead of a window that has just been filled, the other decoder judges.
        let read = (8 * self.position.at as u64).checked_sub(u64::from(self.position.count));
        let Some(read) = read else {
            return false;
        };
        let there = 8 * self.end as u64;
        let whole = self.stopped && read <= there && there - read < 8;
        if !whole || self.file.get(self.next..self.next + 2) != Some(&[0xff, code]) {
            return false;
        }
        *self = Bits {
            next: self.next + 2,
            stopped: false,
            end: 0,
            position: Position::default(),
            window: std::mem::replace(&mut self.window, Box::new([0; WINDOW + RESERVE])),
            ..*self
        };
        true
    }

    fn fill_to_the_end(&mut self) {
        if !self.stopped {
            self.fill();
        }
    }

    /// Reading goes on from here; [`Bits::resume`] takes it back.
    #[inline(always)]
    pub fn reader(&self) -> Reader<'_> {
        Reader {
            window: &self.window,
            position: self.position,
        }
    }

    #[inline(always)]
    pub fn resume(&mut self, position: Position) {
        self.position = position;
    }
}

/// How far a segment is read.
#[derive(Clone, Copy, Default)]
pub(super) struct Position {
    /// Next byte of the window that does not count as read.
    at: usize,
    /// The bits to be read next, from the highest on. Below the first `count` stand some that will
    /// be read again from the window.
    word: u64,
    count: u32,
}

/// Reads within the window; small enough to stay in registers.
pub(super) struct Reader<'a> {
    window: &'a [u8; WINDOW + RESERVE],
    pub position: Position,
}

impl Reader<'_> {
    /// At least 56 bits from now on. Branch-free (F. Giesen, "Reading bits in far too many ways"):
    /// the word it loads is known since the refill before, so that only one shift waits for the last
    /// code.
    #[inline(always)]
    pub fn refill(&mut self) {
        let Position { at, word, count } = &mut self.position;
        let Some(bytes) = self.window.get(*at..*at + 8) else {
            return; // never: `reserve` leaves a word more
        };
        let next = u64::from_be_bytes(bytes.try_into().expect("eight bytes"));
        *word |= next >> (*count & 63);
        *at += ((63 - *count) >> 3) as usize;
        *count |= 56;
    }

    /// The next N bits, which a refill has made sure of.
    #[inline(always)]
    pub fn peek<const N: u32>(&self) -> usize {
        (self.position.word >> (64 - N)) as usize
    }

    /// All of them, the next the highest.
    #[inline(always)]
    pub fn word(&self) -> u64 {
        self.position.word
    }

    #[inline(always)]
    pub fn skip(&mut self, bits: u32) {
        self.position.word <<= bits & 63;
        self.position.count = self.position.count.wrapping_sub(bits);
    }
}
