//! Upper bounds for how often keys occur: a table of small counters shared between keys.
//!
//! A count-min sketch of one row (Cormode and Muthukrishnan 2005): a key's counter is at least its
//! own count, so a key with a low counter is certainly rare. Counters saturate at 255.

use crate::kernels::hash::mix;

/// Maximum number of counters: 4 MB fit in a cache shared by all cores.
const MAX_COUNTERS: usize = 1 << 22;

/// Counts of keys, never too low.
#[derive(Clone, Debug)]
pub struct Sketch {
    counters: Vec<u8>,
}

impl Sketch {
    /// Sized for about this many keys.
    pub fn new(keys: usize) -> Sketch {
        let counters = keys.next_power_of_two().min(MAX_COUNTERS);
        Sketch {
            counters: vec![0; counters],
        }
    }

    /// Counts a key if `counts` is true, without a branch.
    #[inline]
    pub fn add(&mut self, key: u64, counts: bool) {
        let place = self.place(key);
        self.counters[place] = self.counters[place].saturating_add(u8::from(counts));
    }

    /// False only if the key occurs less than `least` times.
    #[inline]
    pub fn may_reach(&self, key: u64, least: u8) -> bool {
        self.counters[self.place(key)] >= least
    }

    /// Adds the counters of another sketch of the same size. The order of merging does not matter.
    pub fn merge(mut self, other: &Sketch) -> Sketch {
        let both = self.counters.iter_mut().zip(&other.counters);
        both.for_each(|(own, other)| *own = own.saturating_add(*other));
        self
    }

    /// Number of counters for each count.
    pub fn histogram(&self) -> [usize; 256] {
        let mut histogram = [0; 256];
        self.counters
            .iter()
            .for_each(|&count| histogram[usize::from(count)] += 1);
        histogram
    }

    #[inline]
    fn place(&self, key: u64) -> usize {
        mix(key) as usize & (self.counters.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_never_too_low() {
        let mut sketch = Sketch::new(64);
        let times = |key: u64| key % 7;
        (0..300).for_each(|key| (0..times(key)).for_each(|_| sketch.add(key, true)));
        assert!((0..300).all(|key| sketch.may_reach(key, times(key) as u8)));
        assert!(!Sketch::new(64).may_reach(5, 1));
        let merged = sketch.clone().merge(&sketch);
        assert!((0..300).all(|key| merged.may_reach(key, 2 * times(key) as u8)));
        assert_eq!(merged.histogram().iter().sum::<usize>(), 64);
    }

    #[test]
    fn counters_stop_at_the_top() {
        let mut sketch = Sketch::new(1);
        (0..1000).for_each(|_| sketch.add(3, true));
        (0..1000).for_each(|_| sketch.add(4, false));
        assert!(sketch.may_reach(3, 255));
        assert!(sketch.clone().merge(&sketch).may_reach(3, 255));
    }
}
