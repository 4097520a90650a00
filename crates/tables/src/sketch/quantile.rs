//! Quantiles of a stream: levels of values, where each value stands for twice as many as one on the
//! level below. A full level is sorted and every second value moves up, odd and even ones
//! alternating. So the sketch needs no random numbers, two of them can be merged, and the error of
//! a rank is bounded with certainty.
//!
//! The scheme is that of Manku, Rajagopalan and Lindsay (1998) with the merging of Agarwal et al.,
//! "Mergeable summaries" (2013).

/// A sketch of finite numbers.
#[derive(Clone, Debug)]
pub struct Quantiles {
    /// Number of values that a level holds before it is halved.
    capacity: usize,
    levels: Vec<Level>,
    count: u64,
    error: u64,
    /// Variance of a rank due to the values left out by [`Quantiles::insert_some`].
    variance: u64,
}

#[derive(Clone, Debug, Default)]
struct Level {
    values: Vec<f64>,
    /// Which of two neighbours moves up next.
    odd: bool,
}

impl Quantiles {
    /// Creates a sketch whose ranks have an error of at most about `log2(count / capacity) /
    /// capacity` of the count.
    ///
    /// # Examples
    /// ```
    /// use easylife_tables::sketch::Quantiles;
    ///
    /// let mut sketch = Quantiles::new(256);
    /// for value in 0..100_000 {
    ///     sketch.insert(f64::from(value), 1);
    /// }
    /// let median = sketch.ranks().quantile(0.5).unwrap();
    /// assert!((median - 50_000.0).abs() <= sketch.error() as f64);
    /// assert!(sketch.error() < 5_000); // 5 % of the values, at most
    /// ```
    pub fn new(capacity: usize) -> Quantiles {
        Quantiles {
            capacity: capacity.max(2),
            levels: Vec::new(),
            count: 0,
            error: 0,
            variance: 0,
        }
    }

    /// Adds a value with its count.
    ///
    /// A count of n costs as many steps as n has bits set, not n.
    pub fn insert(&mut self, value: f64, times: u64) {
        self.count += times;
        let mut left = times;
        while left > 0 {
            let level = left.trailing_zeros() as usize;
            left &= left - 1;
            self.level(level).values.push(value);
            self.halve_from(level);
        }
    }

    /// Adds a chunk of values with their counts. One of `2^shift` consecutive values stands for
    /// all, drawn with `seed` so that no pattern in their order biases the result: with many chunks
    /// that is as good, and leaves far fewer to sort.
    ///
    /// # Panics
    /// If `shift` is 64 or more.
    pub fn insert_some(&mut self, values: &[(f64, u64)], shift: u32, seed: u64) {
        let total: u64 = values.iter().map(|&(_, times)| times).sum();
        let mut draw = Draw(seed);
        let (mut index, mut up_to, mut weight) = (0, 0, 0);
        for start in (0..total).step_by(1 << shift) {
            let window = (total - start).min(1 << shift);
            let chosen = start + draw.below(window);
            while up_to + values[index].1 <= chosen {
                self.insert(values[index].0, weight);
                (up_to, weight) = (up_to + values[index].1, 0);
                index += 1;
            }
            weight += window;
            // Variance of whether one of the window's values below a bound is chosen, at most.
            self.variance += window * window / 4;
        }
        if weight > 0 {
            self.insert(values[index].0, weight);
        }
    }

    /// Adds the values of another sketch.
    ///
    /// Counts and errors add up. The result depends on the order of merging, so merge in the order of the
    /// file.
    pub fn merge(&mut self, next: &Quantiles) {
        self.count += next.count;
        self.error += next.error;
        self.variance += next.variance;
        for (index, level) in next.levels.iter().enumerate() {
            self.level(index).values.extend_from_slice(&level.values);
            self.halve_from(index);
        }
    }

    fn level(&mut self, index: usize) -> &mut Level {
        if self.levels.len() <= index {
            self.levels.resize_with(index + 1, Level::default);
        }
        &mut self.levels[index]
    }

    /// Halves level `index` if it is full, and those above that become full.
    fn halve_from(&mut self, mut index: usize) {
        while self.levels[index].values.len() >= self.capacity {
            let level = &mut self.levels[index];
            match index {
                0 => level.values.sort_unstable_by(f64::total_cmp),
                _ => level.values.sort_by(f64::total_cmp), // made of sorted runs: these are merged
            }
            // A value without a partner stays.
            let single = match level.values.len() % 2 {
                1 => level.values.pop(),
                _ => None,
            };
            let start = usize::from(level.odd);
            level.odd = !level.odd;
            let up: Vec<f64> = level
                .values
                .iter()
                .skip(start)
                .step_by(2)
                .copied()
                .collect();
            level.values.clear();
            level.values.extend(single);
            self.error += 1 << index;
            self.level(index + 1).values.extend(up);
            index += 1;
        }
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Maximum error of a rank: certain, except for four standard deviations if values were drawn.
    pub fn error(&self) -> u64 {
        self.error + (4.0 * (self.variance as f64).sqrt()).ceil() as u64
    }

    /// The values in order, for queries.
    pub fn ranks(&self) -> Ranks {
        let levels = self.levels.iter().enumerate();
        let weighted = levels
            .flat_map(|(index, level)| level.values.iter().map(move |&value| (value, 1 << index)));
        Ranks::new(weighted.collect())
    }
}

/// Pseudo-random numbers: SplitMix64 (Steele, Lea and Flood 2014).
struct Draw(u64);

impl Draw {
    /// A number in `0..end`, for small `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((word ^ word >> 31) >> 32) * end) >> 32
    }
}

/// Numbers in order, each with its weight.
#[derive(Clone, Debug, Default)]
pub struct Ranks {
    values: Vec<f64>,
    /// Cumulative weight up to and including each.
    up_to: Vec<u64>,
}

impl Ranks {
    /// From weighted values, in any order.
    pub fn new(mut weighted: Vec<(f64, u64)>) -> Ranks {
        weighted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut total = 0;
        let up_to = weighted.iter().map(|&(_, weight)| {
            total += weight;
            total
        });
        let up_to = up_to.collect();
        Ranks {
            values: weighted.into_iter().map(|(value, _)| value).collect(),
            up_to,
        }
    }

    fn count(&self) -> u64 {
        self.up_to.last().copied().unwrap_or(0)
    }

    /// The value at `share` of the way from the smallest to the largest, with linear interpolation
    /// as in numpy's default. `None` without values.
    ///
    /// # Examples
    /// ```
    /// use easylife_tables::sketch::Ranks;
    ///
    /// // 10 once, 20 three times.
    /// let ranks = Ranks::new(vec![(20.0, 3), (10.0, 1)]);
    /// assert_eq!(ranks.quantile(0.0), Some(10.0));
    /// assert_eq!(ranks.quantile(0.5), Some(20.0));
    /// assert_eq!(ranks.quantile(1.0 / 6.0), Some(15.0)); // half of the way to the second
    /// assert_eq!(Ranks::new(Vec::new()).quantile(0.5), None);
    /// ```
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let last = self.count().checked_sub(1)?;
        let place = share.clamp(0.0, 1.0) * last as f64;
        let (low, high) = (self.at(place.floor() as u64), self.at(place.ceil() as u64));
        let part = place - place.floor();
        // Not low + (high - low) * part, which can overflow between the extremes.
        Some(low * (1.0 - part) + high * part)
    }

    /// The value with `rank` values before it.
    fn at(&self, rank: u64) -> f64 {
        let index = self.up_to.partition_point(|&up_to| up_to <= rank);
        self.values[index.min(self.values.len() - 1)]
    }

    /// Number of values below `value`.
    pub fn below(&self, value: f64) -> u64 {
        match self.values.partition_point(|&v| v < value) {
            0 => 0,
            index => self.up_to[index - 1],
        }
    }

    /// Counts in `bins` bins of equal width from the smallest to the largest value; the last one
    /// includes its end. Empty without values; a single bin if all are equal.
    ///
    /// # Examples
    /// ```
    /// use easylife_tables::sketch::Ranks;
    ///
    /// let ranks = Ranks::new(vec![(0.0, 2), (4.0, 1), (5.0, 1), (10.0, 1)]);
    /// assert_eq!(ranks.histogram(2), [3, 2]); // 5 is in the second bin
    /// assert_eq!(Ranks::new(vec![(3.0, 7)]).histogram(2), [7]);
    /// ```
    pub fn histogram(&self, bins: usize) -> Vec<u64> {
        let (Some(&min), Some(&max)) = (self.values.first(), self.values.last()) else {
            return Vec::new();
        };
        if min == max {
            return vec![self.count()];
        }
        let edge = |bin: usize| {
            let part = bin as f64 / bins as f64;
            min * (1.0 - part) + max * part
        };
        let mut before = 0;
        let counts = (1..=bins).map(|bin| {
            let up_to = match bin == bins {
                true => self.count(),
                false => self.below(edge(bin)),
            };
            let counted = up_to - before;
            before = up_to;
            counted
        });
        counts.collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers without a pattern, the same each time.
    fn noise(count: usize) -> impl Iterator<Item = f64> {
        let mut state = 1u64;
        (0..count).map(move |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        })
    }

    /// The largest error of a rank in the sketch.
    fn worst(sketch: &Quantiles, sorted: &[f64]) -> u64 {
        let ranks = sketch.ranks();
        let step = (sorted.len() / 997).max(1);
        let apart = sorted.iter().step_by(step).map(|&value| {
            let exact = sorted.partition_point(|&v| v < value) as u64;
            exact.abs_diff(ranks.below(value))
        });
        apart.max().unwrap_or(0)
    }

    #[test]
    fn small_streams_are_exact_as_numpy_has_them() {
        let mut sketch = Quantiles::new(64);
        [3.0, 1.0, 2.0, 10.0]
            .iter()
            .for_each(|&value| sketch.insert(value, 1));
        // numpy 2.3: quantile([3, 1, 2, 10], [0, .25, .5, .9, 1])
        let expected = [1.0, 1.75, 2.5, 7.9, 10.0];
        for (share, expected) in [0.0, 0.25, 0.5, 0.9, 1.0].into_iter().zip(expected) {
            let found = sketch.ranks().quantile(share).unwrap();
            assert!((found - expected).abs() < 1e-12, "{share}: {found}");
        }
        assert_eq!(sketch.error(), 0);
        assert_eq!(Quantiles::new(8).ranks().quantile(0.5), None);
    }

    #[test]
    fn a_million_ranks_are_within_a_thousandth() {
        for order in ["noise", "rising", "falling"] {
            let mut values: Vec<f64> = noise(1_000_000).collect();
            match order {
                "rising" => values.sort_by(f64::total_cmp),
                "falling" => values.sort_by(|a, b| b.total_cmp(a)),
                _ => {}
            }
            let mut sketch = Quantiles::new(2048);
            values.iter().for_each(|&value| sketch.insert(value, 1));
            values.sort_by(f64::total_cmp);
            let worst = worst(&sketch, &values);
            assert!(worst <= 1_000, "{order}: {worst} of a million");
            assert!(
                worst <= sketch.error() && sketch.error() < 10_000,
                "{order}"
            );
        }
    }

    #[test]
    fn one_of_eight_drawn_is_within_a_hundredth() {
        for order in ["noise", "rising", "by turns"] {
            let mut values: Vec<f64> = noise(1_000_000).collect();
            match order {
                "rising" => values.sort_by(f64::total_cmp),
                // Every eighth value is large: choosing each eighth would see all or none of them.
                "by turns" => values.iter_mut().step_by(8).for_each(|value| *value += 1.0),
                _ => {}
            }
            let mut sketch = Quantiles::new(2048);
            for (seed, chunk) in values.chunks(2_750).enumerate() {
                let counted: Vec<(f64, u64)> = chunk.iter().map(|&value| (value, 1)).collect();
                sketch.insert_some(&counted, 3, seed as u64);
            }
            assert_eq!(sketch.count(), 1_000_000);
            values.sort_by(f64::total_cmp);
            let worst = worst(&sketch, &values);
            assert!(worst <= 3_000, "{order}: {worst} of a million");
            assert!(
                worst <= sketch.error() && sketch.error() < 20_000,
                "{order}"
            );
        }
    }

    #[test]
    fn drawn_values_stand_for_all() {
        let mut sketch = Quantiles::new(64);
        sketch.insert_some(&[(1.0, 100), (2.0, 1), (3.0, 3), (4.0, 900)], 3, 1);
        let ranks = sketch.ranks();
        assert_eq!(sketch.count(), 1004);
        assert!(ranks.below(4.0).abs_diff(104) <= 8, "{}", ranks.below(4.0));
        sketch.insert_some(&[], 3, 1);
        assert_eq!(sketch.count(), 1004);
    }

    #[test]
    fn histograms_count_every_value() {
        let ranks = Ranks::new(vec![(0.0, 1), (1.0, 2), (5.0, 1), (10.0, 3)]);
        assert_eq!(ranks.histogram(2), [3, 4]);
        assert_eq!(Ranks::new(vec![(7.0, 3)]).histogram(5), [3]);
        assert!(Ranks::default().histogram(5).is_empty());
    }

    proptest! {
        #[test]
        fn merged_sketches_are_within_their_error(
            parts in prop::collection::vec(prop::collection::vec((0u16..500, 1u64..9), 0..200), 1..12)
        ) {
            let mut merged = Quantiles::new(16);
            let mut all = Vec::new();
            for part in &parts {
                let mut sketch = Quantiles::new(16);
                for &(value, times) in part {
                    sketch.insert(f64::from(value), times);
                    all.extend(std::iter::repeat_n(f64::from(value), times as usize));
                }
                merged.merge(&sketch);
            }
            all.sort_by(f64::total_cmp);
            prop_assert_eq!(merged.count(), all.len() as u64);
            prop_assert_eq!(merged.ranks().count(), all.len() as u64);
            prop_assert!(worst(&merged, &all) <= merged.error());
        }
    }
}
