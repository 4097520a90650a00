//! Strings end to end in one buffer, and a table that numbers distinct ones.
//!
//! Our own instead of `HashMap<String, u32>`: most words fit into eight bytes, which are then key and
//! proof in one comparison; longer ones are found by xxh3 and verified by their bytes. A look-up
//! allocates nothing. Numbers follow the order of insertion, so nothing depends on the hash.

use xxhash_rust::xxh3::xxh3_64;

use crate::models::kernels::hash::mix;

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

    /// Some of the strings, in order.
    pub fn keep(&self, kept: &[bool]) -> Strings {
        let mut strings = Strings::default();
        let some = self.iter().zip(kept).filter(|(_, kept)| **kept);
        some.for_each(|(string, _)| strings.push(string));
        strings
    }

    /// Adds a string at the end.
    pub fn push(&mut self, string: &[u8]) {
        self.bytes.extend_from_slice(string);
        self.ends.push(self.bytes.len());
    }
}

/// What a string is found by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// The bytes themselves, little-endian, of up to eight; the hash of more.
    bits: u64,
    len: u32,
}

impl Key {
    /// The key of a string whose first eight bytes, or all, are `head`.
    #[inline]
    pub(super) fn with_head(string: &[u8], head: u64) -> Key {
        let bits = if string.len() <= 8 {
            head
        } else {
            xxh3_64(string)
        };
        Key {
            bits,
            len: string.len() as u32,
        }
    }

    /// The key of a string.
    #[inline]
    pub fn of(string: &[u8]) -> Key {
        let mut head = [0; 8];
        let len = string.len().min(8);
        head[..len].copy_from_slice(&string[..len]);
        Key::with_head(string, u64::from_le_bytes(head))
    }

    #[inline]
    fn hash(self) -> u64 {
        mix(self.bits ^ (u64::from(self.len) << 56))
    }
}

/// Distinct strings, numbered in order of insertion: open addressing.
#[derive(Clone, Debug)]
pub struct Table {
    strings: Strings,
    /// A power of two of slots, at most three quarters of them taken.
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    bits: u64,
    len: u32,
    /// The string's number plus one; 0: free.
    number: u32,
}

const FREE: Slot = Slot {
    bits: 0,
    len: 0,
    number: 0,
};

impl Default for Table {
    fn default() -> Table {
        Table {
            strings: Strings::default(),
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

    /// The number of a string, where it is known.
    #[inline]
    pub fn find(&self, string: &[u8], key: Key) -> Option<u32> {
        self.probe(string, key).ok()
    }

    /// The number of a string, a new one where it is new.
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
        self.slots[slot] = Slot {
            bits: key.bits,
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
            if slot.bits == key.bits
                && slot.len == key.len
                && (key.len <= 8 || self.strings.get(number as usize) == string)
            {
                return Ok(number);
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let mut slots = vec![FREE; 2 * self.slots.len()];
        let mask = slots.len() - 1;
        for slot in self.slots.iter().filter(|slot| slot.number != 0) {
            let mut at = Key {
                bits: slot.bits,
                len: slot.len,
            }
            .hash() as usize
                & mask;
            while slots[at].number != 0 {
                at = (at + 1) & mask;
            }
            slots[at] = *slot;
        }
        self.slots = slots;
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
            assert_eq!(
                table.find(word.as_bytes(), Key::of(word.as_bytes())),
                Some(number as u32)
            );
        }
        assert_eq!(table.find(b"w", Key::of(b"w")), None);
        assert_eq!(table.find(b"", Key::of(b"")), None);
    }

    #[test]
    fn a_prefix_is_another_string() {
        let mut table = Table::default();
        for word in ["abcdefgh", "abcdefghi", "abcdefg", "", "\0", "\0\0"] {
            table.insert(word.as_bytes(), Key::of(word.as_bytes()));
        }
        assert_eq!(table.len(), 6);
    }
}
