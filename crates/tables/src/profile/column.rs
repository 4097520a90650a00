//! Accumulated statistics of one column over blocks of a table.

use super::group::{Group, Groups};
use super::value::{CLASSES, Class, understand_with};
use crate::Decimal;
use crate::blocks::{Block, Spot};
use crate::sketch::{Distinct, Frequent, Moments, Quantiles, Ranks};

/// Number of values of a class that are kept with their positions.
const EXAMPLES: usize = 5;

/// Memory limits of a column: less if there are many columns.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Number of distinct values that are counted exactly, and the size of their texts in bytes.
    exact: usize,
    bytes: usize,
    /// Number of counters for frequent values if there are more.
    keep: usize,
    /// Number of values per level of the quantile sketch.
    capacity: usize,
    /// Number of bits of the sketch of distinct values.
    precision: u32,
}

impl Budget {
    /// Limits for a table with this many columns, which stays below about 150 MB in total.
    pub fn of(columns: usize) -> Budget {
        let columns = columns.max(1);
        Budget {
            exact: ((256 << 10) / columns).clamp(32, 8192),
            bytes: ((32 << 20) / columns).clamp(2 << 10, 1 << 20),
            keep: ((8 << 10) / columns).clamp(16, 256),
            capacity: ((128 << 10) / columns).clamp(64, 2048) & !1,
            precision: ((40 << 20) / columns).ilog2().clamp(10, 16),
        }
    }
}

/// Numbers of one kind: their moments and quantiles.
#[derive(Clone, Debug)]
pub struct Numbers {
    /// Count, extremes, mean and deviation.
    pub moments: Moments,
    quantiles: Quantiles,
}

impl Numbers {
    fn new(budget: Budget) -> Numbers {
        Numbers {
            moments: Moments::default(),
            quantiles: Quantiles::new(budget.capacity),
        }
    }

    /// Adds those of the next block, after this many rows.
    fn merge(&mut self, next: &Counted, before: u64) {
        self.moments.merge(&next.moments);
        // One of two, four or eight stands for all if there are that many.
        let shift = (before / ALL).checked_ilog2().map_or(0, |twice| twice + 1);
        match shift.min(3) {
            0 => {
                let values = next.values.iter();
                values.for_each(|&(value, times)| self.quantiles.insert(value, times));
            }
            shift => self.quantiles.insert_some(&next.values, shift, before),
        }
    }
}

/// Number of rows that count fully for the quantiles.
const ALL: u64 = 1 << 16;

/// Numbers of one kind in one block, each with its count.
struct Counted {
    values: Vec<(f64, u64)>,
    moments: Moments,
}

impl Counted {
    fn new(values: Vec<(f64, u64)>) -> Counted {
        Counted {
            moments: Moments::of(&values),
            values,
        }
    }
}

/// The statistics of a column in one block.
pub struct Part {
    /// The non-empty values.
    groups: Vec<Group>,
    nulls: u64,
    /// Number of values of class float that are not finite.
    infinite: u64,
    classes: [u64; CLASSES.len()],
    /// Groups of the first distinct values of each class.
    examples: [Vec<u32>; CLASSES.len()],
    numbers: Counted,
    times: Counted,
    lengths: Counted,
}

impl Part {
    /// The statistics of the column that `groups` was filled with.
    pub fn of(groups: &Groups, block: &Block, column: usize) -> Part {
        let (mut numbers, mut times, mut lengths) = (Vec::new(), Vec::new(), Lengths::default());
        let mut examples = [const { Vec::new() }; CLASSES.len()];
        let (mut nulls, mut infinite, mut classes) = (0, 0, [0; CLASSES.len()]);
        let mut kept = Vec::with_capacity(groups.groups().len());
        for (group, value) in groups.values() {
            let count = u64::from(group.count);
            let Some(value) = value else {
                nulls += count;
                continue;
            };
            let class = value.class as usize;
            classes[class] += count;
            if examples[class].len() < EXAMPLES {
                examples[class].push(kept.len() as u32);
            }
            kept.push(*group);
            lengths.push(block.letters(group.first as usize, column), count);
            match value.class {
                _ if !value.number.is_finite() => infinite += count,
                class if class.is_number() => numbers.push((value.number, count)),
                class if class.is_time() => times.push((value.number, count)),
                _ => {}
            }
        }
        Part {
            groups: kept,
            nulls,
            infinite,
            classes,
            examples,
            numbers: Counted::new(numbers),
            times: Counted::new(times),
            lengths: Counted::new(lengths.counted()),
        }
    }
}

/// Lengths of texts; common ones are counted in an array.
struct Lengths {
    usual: [u64; 512],
    long: Vec<(f64, u64)>,
}

impl Default for Lengths {
    fn default() -> Self {
        Lengths {
            usual: [0; 512],
            long: Vec::new(),
        }
    }
}

impl Lengths {
    fn push(&mut self, length: usize, times: u64) {
        match self.usual.get_mut(length) {
            Some(count) => *count += times,
            None => self.long.push((length as f64, times)),
        }
    }

    fn counted(self) -> Vec<(f64, u64)> {
        let usual = self
            .usual
            .iter()
            .enumerate()
            .filter(|(_, times)| **times > 0);
        let usual = usual.map(|(length, &times)| (length as f64, times));
        usual.chain(self.long).collect()
    }
}

/// A value and its first occurrence.
#[derive(Clone, Debug)]
pub struct Example {
    /// The position.
    pub spot: Spot,
    /// The text as written there.
    pub text: String,
}

/// The statistics of a column over all blocks so far.
#[derive(Clone, Debug)]
pub struct Column {
    budget: Budget,
    /// The decimal mark of its numbers, if specified.
    decimal: Option<Decimal>,
    /// Number of rows so far.
    pub rows: u64,
    /// Number of empty cells.
    pub nulls: u64,
    /// Number of values of class float that are not finite.
    pub infinite: u64,
    classes: [u64; CLASSES.len()],
    examples: [Vec<Example>; CLASSES.len()],
    /// Values and their counts: all of them, or the most frequent if there are too many.
    pub frequent: Frequent,
    /// Used only if there are too many values to count.
    distinct: Option<Distinct>,
    /// Statistics of the finite numbers.
    pub numbers: Numbers,
    /// Statistics of dates and times, in seconds since 1970.
    pub times: Numbers,
    /// Statistics of text lengths in characters.
    pub lengths: Numbers,
}

impl Column {
    pub(super) fn new(budget: Budget, decimal: Option<Decimal>) -> Column {
        Column {
            budget,
            decimal,
            rows: 0,
            nulls: 0,
            infinite: 0,
            classes: [0; CLASSES.len()],
            examples: [const { Vec::new() }; CLASSES.len()],
            frequent: Frequent::new(budget.exact, budget.bytes, budget.keep),
            distinct: None,
            numbers: Numbers::new(budget),
            times: Numbers::new(budget),
            lengths: Numbers::new(budget),
        }
    }

    /// Adds the same column of the next block.
    pub(super) fn merge(&mut self, part: &Part, block: &Block, column: usize) {
        let before = self.rows;
        self.rows += block.rows() as u64;
        self.nulls += part.nulls;
        self.infinite += part.infinite;
        for class in 0..CLASSES.len() {
            self.classes[class] += part.classes[class];
            let room = EXAMPLES - self.examples[class].len();
            let examples = part.examples[class].iter().take(room).map(|&group| {
                let row = part.groups[group as usize].first as usize;
                Example {
                    spot: block.spot(row),
                    text: block.text(row, column).to_owned(),
                }
            });
            self.examples[class].extend(examples);
        }
        self.count_values(part, block, column);
        self.numbers.merge(&part.numbers, before);
        self.times.merge(&part.times, before);
        self.lengths.merge(&part.lengths, before);
    }

    fn count_values(&mut self, part: &Part, block: &Block, column: usize) {
        let counts = part.groups.iter();
        let counts = counts.map(|group| (group.hash, u64::from(group.count)));
        self.frequent.add(counts, |index| {
            block.bytes_of(part.groups[index].first as usize, column)
        });
        if self.frequent.is_exact() {
            return;
        }
        let sketch = self.distinct.get_or_insert_with(|| {
            let mut sketch = Distinct::new(self.budget.precision);
            self.frequent.hashes().for_each(|hash| sketch.insert(hash));
            sketch
        });
        part.groups
            .iter()
            .for_each(|group| sketch.insert(group.hash));
    }

    /// Number of values of a class.
    pub fn of_class(&self, class: Class) -> u64 {
        self.classes[class as usize]
    }

    /// The first distinct values of a class.
    pub fn examples(&self, class: Class) -> &[Example] {
        &self.examples[class as usize]
    }

    /// The narrowest class that includes every value; `None` without values.
    pub fn class(&self) -> Option<Class> {
        let seen = |class: &Class| self.of_class(*class) > 0;
        let mut classes = CLASSES.into_iter().filter(seen);
        let first = classes.next()?;
        Some(classes.fold(first, |all, class| match (all, class) {
            _ if class.holds(all) && class != Class::Text => class,
            _ if all.holds(class) => all,
            _ => Class::Text,
        }))
    }

    /// The number of distinct values, and whether it is exact.
    pub fn distinct(&self) -> (u64, bool) {
        match &self.distinct {
            None => (self.frequent.len() as u64, true),
            Some(sketch) => {
                // There cannot be more than rows.
                let estimate = sketch.estimate().round() as u64;
                (estimate.min(self.rows - self.nulls), false)
            }
        }
    }

    /// The numbers, times or lengths in order, and the maximum error of a rank.
    pub fn ranks(&self, class: Class) -> (Ranks, u64) {
        let sketch = match class {
            _ if class.is_number() => &self.numbers.quantiles,
            _ if class.is_time() => &self.times.quantiles,
            _ => &self.lengths.quantiles,
        };
        if sketch.error() == 0 || !self.frequent.is_exact() || class == Class::Text {
            return (sketch.ranks(), sketch.error());
        }
        // Every value was counted, so this is exact for any number of rows.
        let values = self.frequent.counters().filter_map(|counter| {
            let value = understand_with(counter.text.as_bytes(), self.decimal);
            let wanted = value.class == class || class.holds(value.class);
            (wanted && value.number.is_finite()).then_some((value.number, counter.count))
        });
        (Ranks::new(values.collect()), 0)
    }
}
