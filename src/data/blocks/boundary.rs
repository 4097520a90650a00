//! Where records of a CSV text end. Only quotes and line ends are looked at, so that the one thread
//! that must see every byte in order is far faster than those that parse.

use memchr::{memchr, memrchr};

/// Finds the last record boundary of a text that grows.
pub(super) struct Cutter {
    delimiter: u8,
    /// Up to where the text has been seen.
    seen: usize,
    /// Whether `seen` is inside of a quoted cell.
    quoted: bool,
    /// Start of a record: behind the last line end outside of quotes.
    boundary: Option<usize>,
}

impl Cutter {
    /// For a text that starts with a record.
    pub fn new(delimiter: u8) -> Cutter {
        Cutter {
            delimiter,
            seen: 0,
            quoted: false,
            boundary: None,
        }
    }

    /// Looks at what is new in `bytes`; `whole` when nothing will follow.
    pub fn scan(&mut self, bytes: &[u8], whole: bool) {
        while self.seen < bytes.len() {
            let found = memchr(b'"', &bytes[self.seen..]).map(|at| self.seen + at);
            let progress = match self.quoted {
                true => self.inside(bytes, found, whole),
                false => self.outside(bytes, found),
            };
            if !progress {
                return;
            }
        }
    }

    fn outside(&mut self, bytes: &[u8], quote: Option<usize>) -> bool {
        let end = quote.unwrap_or(bytes.len());
        if let Some(at) = memrchr(b'\n', &bytes[self.seen..end]) {
            self.boundary = Some(self.seen + at + 1);
        }
        self.seen = end;
        if let Some(quote) = quote {
            // A quote inside of a bare cell is only a character.
            let before = quote.checked_sub(1).map(|at| bytes[at]);
            self.quoted = before.is_none_or(|b| b == self.delimiter || b == b'\n' || b == b'\r');
            self.seen += 1;
        }
        true
    }

    /// False when what follows decides whether the quote found ends the cell.
    fn inside(&mut self, bytes: &[u8], quote: Option<usize>, whole: bool) -> bool {
        let Some(quote) = quote else {
            self.seen = bytes.len();
            return true;
        };
        match bytes.get(quote + 1) {
            None if !whole => {
                self.seen = quote;
                return false;
            }
            Some(b'"') => self.seen = quote + 2,
            _ => {
                self.seen = quote + 1;
                self.quoted = false;
            }
        }
        true
    }

    pub fn quoted(&self) -> bool {
        self.quoted
    }

    pub fn boundary(&self) -> Option<usize> {
        self.boundary
    }
}
