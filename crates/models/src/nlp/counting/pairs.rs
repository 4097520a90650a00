//! Hash tables that number pairs of numbers: one for counting, one for known pairs.

use crate::kernels::hash::mix;
use crate::nlp::text::strings::NONE;

/// Nonzero keys, numbered in order of appearance; open addressing.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    pub keys: Vec<u64>,
    /// Keys and numbers; the length is 0 or a power of two, at most half full.
    slots: Vec<(u64, u32)>,
}

impl Numbers {
    /// The number of a key, which is added if it is new.
    #[inline]
    pub fn insert(&mut self, key: u64) -> u32 {
        if 2 * self.keys.len() >= self.slots.len() {
            self.grow();
        }
        let place = self.place(key);
        let slot = &mut self.slots[place];
        if slot.0 == 0 {
            *slot = (key, self.keys.len() as u32);
            self.keys.push(key);
        }
        slot.1
    }

    #[inline]
    fn place(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        // Uses different bits than the sketch that selected the keys.
        let mut at = (mix(key) >> 32) as usize & mask;
        while self.slots[at].0 != key && self.slots[at].0 != 0 {
            at = (at + 1) & mask;
        }
        at
    }

    /// Enlarges the table; keys are reinserted in order, so that frequent ones are found at once.
    #[cold]
    fn grow(&mut self) {
        self.slots = vec![(0, 0); (4 * self.keys.len()).next_power_of_two().max(1024)];
        for number in 0..self.keys.len() {
            let key = self.keys[number];
            let place = self.place(key);
            self.slots[place] = (key, number as u32);
        }
    }
}

/// Maps pairs of numbers to numbers: open addressing, at most half full, behind a bit filter that
/// fits in a core's cache and rejects most unknown pairs.
#[derive(Clone, Debug)]
pub struct Pairs {
    bits: Vec<u64>,
    /// Both numbers of a pair and its own number; [`NONE`] if free.
    slots: Vec<[u32; 3]>,
}

impl Pairs {
    /// Allocates room for this many pairs.
    pub fn with_capacity(pairs: usize) -> Pairs {
        let slots = (2 * pairs).next_power_of_two().max(4);
        Pairs {
            bits: vec![0; (slots * 8).div_ceil(64).next_power_of_two()],
            slots: vec![[NONE; 3]; slots],
        }
    }

    /// Assigns a number other than [`NONE`] to a pair. There must be room.
    pub fn insert(&mut self, pair: (u32, u32), number: u32) {
        let (word, bit) = self.bit(pair);
        self.bits[word] |= bit;
        let place = self.place(pair);
        self.slots[place] = [pair.0, pair.1, number];
    }

    /// False only if the pair is unknown.
    #[inline]
    pub fn may_hold(&self, pair: (u32, u32)) -> bool {
        let (word, bit) = self.bit(pair);
        self.bits[word] & bit != 0
    }

    /// Returns the number of a pair and true, or [`NONE`] and whether it is certainly unknown.
    /// Looks at one slot without a branch, so that a processor can overlap many look-ups. This
    /// finds nearly all pairs.
    #[inline]
    pub fn glance(&self, pair: (u32, u32)) -> (u32, bool) {
        let [first, second, number] = self.slots[self.home(pair)];
        let same = (first == pair.0) & (second == pair.1);
        (if same { number } else { NONE }, same | (number == NONE))
    }

    /// The number of a pair, if it is known.
    #[inline]
    pub fn find(&self, pair: (u32, u32)) -> Option<u32> {
        let [.., number] = self.slots[self.place(pair)];
        (number != NONE).then_some(number)
    }

    #[inline]
    fn bit(&self, pair: (u32, u32)) -> (usize, u64) {
        let hash = mix(join(pair)) >> 32;
        let word = (hash >> 6) as usize & (self.bits.len() - 1);
        (word, 1 << (hash & 63))
    }

    /// The slot where the search for a pair starts.
    #[inline]
    fn home(&self, pair: (u32, u32)) -> usize {
        mix(join(pair)) as usize & (self.slots.len() - 1)
    }

    /// The slot of a pair, or the free slot where it belongs.
    #[inline]
    fn place(&self, pair: (u32, u32)) -> usize {
        let mut at = self.home(pair);
        loop {
            let [first, second, number] = self.slots[at];
            if number == NONE || (first, second) == pair {
                return at;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }
}

/// Combines both numbers; 0 only for [`NONE`] twice, which is looked up but never stored.
#[inline]
pub fn join((first, second): (u32, u32)) -> u64 {
    (u64::from(first) << 32 | u64::from(second)).wrapping_add(1)
}

pub fn split(key: u64) -> (u32, u32) {
    let pair = key - 1;
    ((pair >> 32) as u32, pair as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_found_again() {
        let mut pairs = Pairs::with_capacity(100);
        (0..100).for_each(|i| pairs.insert((i % 10, i / 10), i));
        assert!((0..100).all(|i| pairs.find((i % 10, i / 10)) == Some(i)));
        assert!((0..100).all(|i| pairs.may_hold((i % 10, i / 10))));
        assert_eq!(pairs.find((10, 0)), None);
        for pair in (0..1000).map(|i| (i % 13, i / 13)) {
            match pairs.glance(pair) {
                (number, true) => assert_eq!(number, pairs.find(pair).unwrap_or(NONE)),
                (number, false) => assert_eq!(number, NONE),
            }
        }
        let turned_away = (10..1010).filter(|&i| !pairs.may_hold((i, 3))).count();
        assert!(turned_away > 800, "{turned_away}");
    }
}
