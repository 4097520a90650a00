//! Reads the bits of a scan: byte stuffing is removed one window at a time, then up to 56 bits are
//! read at once.
//!
//! In entropy-coded data 0xff is followed either by a stuffed 0 or by a marker that ends the
//! segment. Both are handled while a window is filled, so reading never inspects bytes.

use super::Damage;

/// Maximum size of one block in bytes: 64 codes of 16 bits, each followed by 15 bits.
const BLOCK_BYTES: usize = 248;
/// Maximum number of blocks in a minimum coded unit (B.2.3 of the standard).
pub(super) const MOST_BLOCKS: usize = 10;
/// Bytes that must be available before a unit is read, and zeros after the last byte of a segment:
/// the maximum size of a unit plus one word.
const RESERVE: usize = MOST_BLOCKS * BLOCK_BYTES + 8;
/// Size of the window in bytes, small enough for the first-level cache.
const WINDOW: usize = 8 << 10;

/// Reads the entropy-coded segments of a scan.
pub(super) struct Bits<'a> {
    file: &'a [u8],
    /// Next byte of the file that is not in the window.
    next: usize,
    /// Set at a marker or at the end of the file: this segment has no more bytes.
    stopped: bool,
    window: Box<[u8; WINDOW + RESERVE]>,
    /// Bytes of the segment in the window.
    end: usize,
    position: Position,
}

impl<'a> Bits<'a> {
    /// Reads from byte `start` of `file`.
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

    /// Ensures that the window holds a whole unit, or zeros where the segment ends.
    #[inline(always)]
    pub fn reserve(&mut self) -> Result<(), Damage> {
        match self.end < self.position.at + RESERVE {
            true => self.refill(),
            false => Ok(()),
        }
    }

    /// A word is loaded before it is needed, so the position may be that far behind the end.
    #[inline(never)]
    fn refill(&mut self) -> Result<(), Damage> {
        match self.stopped {
            true if self.position.at > self.end + 8 => Err(self.short()),
            true => Ok(()),
            false => {
                self.fill();
                Ok(())
            }
        }
    }

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
                Some([0xff, 0xff]) => self.next += 1, // a fill byte
                Some([0xff, _]) => self.stopped = true,
                Some(_) => {}                // the window is full
                None => self.stopped = true, // a whole file ends with a marker
            }
        }
        if self.stopped {
            self.window[self.end..self.end + RESERVE].fill(0);
        }
    }

    /// Why a segment has no more bytes.
    fn short(&self) -> Damage {
        match self.next + 1 < self.file.len() {
            true => Damage::Short,
            false => Damage::Cut,
        }
    }

    /// The place of the marker after this segment, every whole byte of which must have been read.
    /// Zeros before the marker are padding, as some cameras write it.
    pub fn end(&mut self) -> Result<usize, Damage> {
        if !self.stopped {
            self.fill();
        }
        // The unread bytes of the window, including bits read ahead, which may belong to earlier
        // bytes.
        let ahead = i64::from(self.position.count);
        let unread = 8 * (self.end as i64 - self.position.at as i64) + ahead;
        if unread < 0 {
            return Err(self.short());
        }
        if !self.stopped || (unread >= 8 && !self.is_zero(unread as u64)) {
            return Err(Damage::Left);
        }
        Ok(self.next)
    }

    /// Ends a segment as [`Bits::end`] does; the restart marker `code` must follow, after which the
    /// next segment starts.
    pub fn restart(&mut self, code: u8) -> Result<(), Damage> {
        let marker = self.end()?;
        if self.file.get(marker..marker + 2) != Some(&[0xff, code]) {
            return Err(Damage::Restart);
        }
        self.next += 2;
        self.stopped = false;
        self.end = 0;
        self.position = Position::default();
        Ok(())
    }

    /// Whether the unread whole bytes are 0: those read ahead and those in the window.
    fn is_zero(&self, unread: u64) -> bool {
        let Position { at, word, count } = self.position;
        let (last, ahead) = (unread % 8, u64::from(count).min(unread).min(64));
        let ahead = match ahead.checked_sub(last) {
            Some(bits @ 1..) => word << last >> (64 - bits),
            _ => 0,
        };
        let rest = self.window.get(at..self.end).unwrap_or_default();
        ahead == 0 && rest.iter().all(|&byte| byte == 0)
    }

    /// Continues reading from here; [`Bits::resume`] takes the position back.
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

/// How far a segment has been read.
#[derive(Clone, Copy, Default)]
pub(super) struct Position {
    /// Next byte of the window that does not count as read.
    at: usize,
    /// The bits to read next, from the highest. Below the first `count` bits are some that will be
    /// read again from the window.
    word: u64,
    count: u32,
}

/// Reads within the window; small enough to stay in registers.
pub(super) struct Reader<'a> {
    window: &'a [u8; WINDOW + RESERVE],
    pub position: Position,
}

impl Reader<'_> {
    /// Ensures that at least 56 bits are available. Branch-free (F. Giesen, "Reading bits in far
    /// too many ways"): the word it loads is known since the previous refill, so only one shift
    /// depends on the last code.
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

    /// The next N bits; call [`Reader::refill`] first.
    #[inline(always)]
    pub fn peek<const N: u32>(&self) -> usize {
        (self.position.word >> (64 - N)) as usize
    }

    /// Reads at most 16 bits; call [`Reader::refill`] first.
    #[inline(always)]
    pub fn take(&mut self, bits: u32) -> u32 {
        let taken = (self.position.word >> 1 >> (63 - bits)) as u32;
        self.skip(bits);
        taken
    }

    /// All bits, the next one highest.
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
