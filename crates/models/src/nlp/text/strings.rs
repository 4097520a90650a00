//! Strings concatenated in one buffer, and a table that numbers distinct ones.
//!
//! Used instead of `HashMap<String, u32>`: most words fit into eight bytes and nearly all others
//! into sixteen, which are then compared as integers; longer ones are found by xxh3 and verified by
//! their bytes. A look-up allocates nothing. Numbers follow the order of insertion, so nothing
//! depends on the hash.

use xxhash_rust::xxh3::xxh3_64;

use super::swar;
use crate::kernels::hash::mix;

/// No number: an unknown string, an n-gram that is too rare, or the end of a text.
pub const NONE: u32 = u32::MAX;

/// Strings by number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Strings {
    bytes: Vec<u8>,
    /// End of each string in `bytes`.
    ends: Vec<usize>,
}

impl Strings {
    /// Number of strings.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of a string.
    #[inline]
    pub fn get(&self, number: usize) -> &[u8] {
        let start = if number == 0 {
            0
        } else {
            self.ends[number - 1]
        };
        &self.bytes[start..self.ends[number]]
    }

    /// All strings in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|number| self.get(number))
    }

    /// Keeps some of the strings, in order.
    pub fn keep(&self, kept: &[bool]) -> Strings {
        let mut strings = Strings::default();
        let some = self.iter().zip(kept).filter(|(_, kept)| **kept);
        some.for_each(|(string, _)| strings.push(string));
        strings
    }

    /// Appends a string.
    pub fn push(&mut self, string: &[u8]) {
        self.bytes.extend_from_slice(string);
        self.ends.push(self.bytes.len());
    }
}

/// The key by which a string is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// The first eight bytes, little-endian, if there are at most sixteen; otherwise the hash.
    head: u64,
    /// The second eight bytes, if there are at most sixteen.
    tail: u64,
    len: u32,
}

impl Key {
    /// The key of a string whose first and second eight bytes are `heads`, padded with zeros.
    #[inline]
    pub fn with_heads(string: &[u8], heads: [u64; 2]) -> Key {
        let [head, tail] = if string.len() <= 16 {
            heads
        } else {
            [xxh3_64(string), 0]
        };
        Key {
            head,
            tail,
            len: string.len() as u32,
        }
    }

    /// The key of a string.
    #[inline]
    pub fn of(string: &[u8]) -> Key {
        let rest = string.get(8..).unwrap_or_default();
        Key::with_heads(string, [swar::load(string), swar::load(rest)])
    }

    #[inline]
    fn hash(self) -> u64 {
        let tail = self.tail.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mix(self.head ^ tail ^ (u64::from(self.len) << 56))
    }
}

/// Distinct strings, numbered in order of insertion; open addressing.
#[derive(Clone, Debug)]
pub struct Table {
    strings: Strings,
    /// The tail of each string's key.
    tails: Vec<u64>,
    /// The slots, a power of two, at most three quarters of them used.
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    head: u64,
    len: u32,
    /// The string's number plus one; 0 if free.
    number: u32,
}

const FREE: Slot = Slot {
    head: 0,
    len: 0,
    number: 0,
};

impl Default for Table {
    fn default() -> Table {
        Table {
            strings: Strings::default(),
            tails: Vec::new(),
            slots: vec![FREE; 64],
        }
    }
}

impl Table {
    /// The strings by number.
    pub fn strings(&self) -> &Strings {
        &self.strings
    }

    /// Number of strings.
    pub fn len(&self) -> usize {
        self.strings.len()
    }

    /// The number of a string, if it is known.
    #[inline]
    pub fn find(&self, string: &[u8], key: Key) -> Option<u32> {
        self.probe(string, key).ok()
    }

    /// Returns the number of a string and true, or [`NONE`] and whether it is certainly unknown.
    /// Looks at one slot without a branch, so that a processor can overlap many look-ups. This
    /// settles nearly all strings.
    #[inline]
    pub fn glance(&self, key: Key) -> (u32, bool) {
        let slot = self.slots[key.hash() as usize & (self.slots.len() - 1)];
        let free = slot.number == 0;
        let number = slot.number.wrapping_sub(1);
        // For a short string any tail will do; the first is close by.
        let long = key.len > 8;
        let tail = self.tails.get(if long { number as usize } else { 0 });
        let tails = !long | (tail.copied().unwrap_or_default() == key.tail);
        let same =
            (slot.head == key.head) & (slot.len == key.len) & (key.len <= 16) & tails & !free;
        (if same { number } else { NONE }, same | free)
    }

    /// The number of a string, which is added if it is new.
    #[inline]
    pub fn insert(&mut self, string: &[u8], key: Key) -> u32 {
        match self.probe(string, key) {
            Ok(number) => number,
            Err(slot) => self.add(string, key, slot),
        }
    }

    fn add(&mut self, string: &[u8], key: Key, slot: usize) -> u32 {
        let number = u32::try_from(self.len()).expect("fewer than 2^32 distinct strings");
        self.strings.push(string);
        self.tails.push(key.tail);
        self.slots[slot] = Slot {
            head: key.head,
            len: key.len,
            number: number + 1,
        };
        if 4 * self.len() > 3 * self.slots.len() {
            self.grow();
        }
        number
    }

    /// The number of a string, or the slot where it belongs.
    #[inline]
    fn probe(&self, string: &[u8], key: Key) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let mut at = key.hash() as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.number == 0 {
                return Err(at);
            }
            let number = slot.number - 1;
            if slot.head == key.head
                && slot.len == key.len
                && (key.len <= 8 || self.is_same(number as usize, string, key))
            {
                return Ok(number);
            }
            at = (at + 1) & mask;
        }
    }

    /// Whether a string of more than eight bytes equals the one with this number, whose slot has
    /// the same head and length.
    #[inline]
    fn is_same(&self, number: usize, string: &[u8], key: Key) -> bool {
        self.tails[number] == key.tail && (key.len <= 16 || self.strings.get(number) == string)
    }

    /// Enlarges the table. Strings are reinserted in order: frequent words come early and are then
    /// found at once.
    fn grow(&mut self) {
        let larger = vec![FREE; 2 * self.slots.len()];
        let mut slots = std::mem::replace(&mut self.slots, larger);
        slots.retain(|slot| slot.number != 0);
        slots.sort_unstable_by_key(|slot| slot.number);
        let mask = self.slots.len() - 1;
        for (slot, &tail) in slots.into_iter().zip(&self.tails) {
            let Slot { head, len, .. } = slot;
            let mut at = Key { head, tail, len }.hash() as usize & mask;
            while self.slots[at].number != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_order_of_insertion() {
        let mut table = Table::default();
        let words: Vec<String> = (0..5000)
            .map(|i| format!("w{}{i}", "x".repeat(i % 13)))
            .collect();
        for round in 0..2 {
            for (number, word) in words.iter().enumerate() {
                let word = word.as_bytes();
                assert_eq!(
                    table.insert(word, Key::of(word)),
                    number as u32,
                    "round {round}"
                );
            }
        }
        assert_eq!(table.len(), 5000);
        for (number, word) in words.iter().enumerate() {
            assert_eq!(table.strings().get(number), word.as_bytes());
            let key = Key::of(word.as_bytes());
            assert_eq!(table.find(word.as_bytes(), key), Some(number as u32));
            match table.glance(key) {
                (found, true) => assert_eq!(found, number as u32),
                (found, false) => assert_eq!(found, NONE),
            }
        }
        assert_eq!(table.find(b"w", Key::of(b"w")), None);
        assert_eq!(table.find(b"", Key::of(b"")), None);
    }

    #[test]
    fn a_prefix_is_another_string() {
        let mut table = Table::default();
        let long = "abcdefghijklmnopqrstuvwxyz";
        let prefixes = (0..=long.len()).map(|end| &long[..end]);
        let others = ["\0", "\0\0", "abcdefghijklmnopqrstuvwxyA"];
        for word in prefixes.chain(others) {
            table.insert(word.as_bytes(), Key::of(word.as_bytes()));
        }
        assert_eq!(table.len(), long.len() + 1 + others.len());
    }
}
