//! The bins of a column, and which of them a value belongs to.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::bits::Bits;
use crate::drift::label::{BinLabel, Name};
use crate::drift::texts::{MOST_TOKENS, tokens};

/// The bins of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Bins {
    /// Intervals of numbers, far outside, not a number, missing.
    Ranges(Ranges),
    /// These numbers in ascending order, another one, not a number, missing.
    Values(Vec<f64>),
    /// Listed words, other words, new words, missing.
    Words(Words),
    /// Cells of length and share of unknown words, missing.
    Texts(Texts),
}

/// Intervals of numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranges {
    /// Upper ends, which belong to the interval below; the last interval has none.
    ends: Vec<f64>,
    /// Beyond these a number is far outside of what the reference had.
    far: (f64, f64),
}

/// Words by their hashes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Number of low bits of a hash that do not matter.
    shift: u32,
    /// Hashes without these.
    keys: Vec<u64>,
    names: Vec<Name>,
    rest: Rest,
}

/// What is known of words that are not listed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// The reference had none of them.
    New,
    /// It had these.
    Seen(Bits),
    /// It had too many to tell.
    Other,
}

/// Texts by their number of characters and the share of their words that the reference lacks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    lengths: Vec<f64>,
    shares: Vec<f64>,
    known: Bits,
}

impl Rest {
    /// Whether the reference did not have a word of this hash.
    pub fn is_new(&self, hash: u64) -> bool {
        match self {
            Rest::New => true,
            Rest::Seen(seen) => !seen.has(hash),
            Rest::Other => false,
        }
    }
}

impl Ranges {
    /// Intervals for a reference with these extremes.
    pub fn new(ends: Vec<f64>, min: f64, max: f64) -> Ranges {
        // As far outside as the reference's numbers are from each other.
        let span = max - min;
        let far = ((min - span).max(f64::MIN), (max + span).min(f64::MAX));
        Ranges { ends, far }
    }

    fn of(&self, value: f64) -> usize {
        let is_far = value < self.far.0 || value > self.far.1 || value.is_infinite();
        match is_far {
            true => self.ends.len() + 1,
            false => self.ends.partition_point(|&end| end < value),
        }
    }
}

impl Words {
    /// Words by their hashes without `shift` low bits.
    pub fn new(shift: u32, listed: Vec<(u64, Name)>, rest: Rest) -> Words {
        let (keys, names) = listed.into_iter().unzip();
        Words {
            shift,
            keys,
            names,
            rest,
        }
    }

    fn of(&self, word: &str) -> usize {
        let hash = xxh3_64(word.as_bytes());
        let key = hash >> self.shift;
        let listed = self.keys.iter().position(|&listed| listed == key);
        let bucket = key << self.shift;
        listed.unwrap_or_else(|| self.keys.len() + usize::from(self.rest.is_new(bucket)))
    }
}

impl Texts {
    /// Number of intervals of the length, and of the share of unknown words.
    pub const LENGTHS: f64 = 5.0;
    /// Number of intervals of the share of unknown words.
    pub const SHARES: f64 = 4.0;

    /// Cells between these ends of intervals.
    pub fn new(lengths: Vec<f64>, shares: Vec<f64>, known: Bits) -> Texts {
        Texts {
            lengths,
            shares,
            known,
        }
    }

    /// The share of unknown words; 0 in a text without words.
    pub fn share(unknown: usize, all: usize) -> f64 {
        unknown as f64 / all.max(1) as f64
    }

    /// Number of cells.
    pub fn cells(&self) -> usize {
        (self.lengths.len() + 1) * (self.shares.len() + 1)
    }

    /// The cell of a text with this length and share.
    pub fn cell(&self, length: f64, share: f64) -> usize {
        let row = self.lengths.partition_point(|&end| end < length);
        let column = self.shares.partition_point(|&end| end < share);
        row * (self.shares.len() + 1) + column
    }

    fn of(&self, text: &str) -> usize {
        let (mut unknown, mut all) = (0, 0);
        tokens(text, MOST_TOKENS, |hash| {
            all += 1;
            unknown += usize::from(!self.known.has_low(hash as u32));
        });
        self.cell(text.chars().count() as f64, Texts::share(unknown, all))
    }
}

impl Bins {
    /// Number of bins.
    pub fn len(&self) -> usize {
        match self {
            Bins::Ranges(ranges) => ranges.ends.len() + 4,
            Bins::Values(values) => values.len() + 3,
            Bins::Words(words) => words.keys.len() + 3,
            Bins::Texts(texts) => texts.cells() + 1,
        }
    }

    #[inline]
    pub fn of_number(&self, value: Option<f64>) -> usize {
        let Some(value) = value else {
            return self.len() - 1;
        };
        match self {
            Bins::Ranges(_) | Bins::Values(_) if value.is_nan() => self.len() - 2,
            Bins::Ranges(ranges) => ranges.of(value),
            Bins::Values(values) => {
                let index = values.partition_point(|&listed| listed < value);
                match values.get(index) == Some(&value) {
                    true => index,
                    false => values.len(),
                }
            }
            Bins::Words(_) => self.len() - 2,
            Bins::Texts(texts) => texts.cells() - 1,
        }
    }

    #[inline]
    pub fn of_word(&self, word: Option<&str>) -> usize {
        let Some(word) = word else {
            return self.len() - 1;
        };
        match self {
            Bins::Ranges(_) | Bins::Values(_) => self.len() - 2,
            Bins::Words(words) => words.of(word),
            Bins::Texts(texts) => texts.of(word),
        }
    }

    pub fn labels(&self) -> Vec<BinLabel> {
        let intervals = |ends: &[f64]| {
            let above = std::iter::once(None).chain(ends.iter().copied().map(Some));
            let up_to = ends.iter().copied().map(Some).chain([None]);
            above.zip(up_to).collect::<Vec<_>>()
        };
        match self {
            Bins::Ranges(ranges) => {
                let all = intervals(&ranges.ends).into_iter();
                let all = all.map(|(above, up_to)| BinLabel::Range { above, up_to });
                let (below, above) = ranges.far;
                let far = BinLabel::FarOutside { below, above };
                let specials = [far, BinLabel::NotANumber, BinLabel::Missing];
                all.chain(specials).collect()
            }
            Bins::Values(values) => {
                let all = values.iter().map(|&value| BinLabel::Value { value });
                let specials = [
                    BinLabel::OtherValue,
                    BinLabel::NotANumber,
                    BinLabel::Missing,
                ];
                all.chain(specials).collect()
            }
            Bins::Words(words) => {
                let all = words.names.iter().map(|name| BinLabel::Word {
                    word: name.as_str().to_owned(),
                });
                let specials = [BinLabel::OtherWords, BinLabel::NewWords, BinLabel::Missing];
                all.chain(specials).collect()
            }
            Bins::Texts(texts) => {
                let shares = intervals(&texts.shares);
                let rows = intervals(&texts.lengths).into_iter();
                let all = rows.flat_map(|(longer_than, up_to)| {
                    shares.iter().map(move |&share| BinLabel::Text {
                        longer_than,
                        up_to,
                        unknown_above: share.0,
                        unknown_up_to: share.1,
                    })
                });
                all.chain([BinLabel::Missing]).collect()
            }
        }
    }

    pub fn orders(&self) -> Vec<Vec<Option<u32>>> {
        let order = |level: &dyn Fn(usize) -> Option<usize>| {
            let all = (0..self.len()).map(|bin| level(bin).map(|level| level as u32));
            all.collect::<Vec<Option<u32>>>()
        };
        match self {
            Bins::Ranges(ranges) => vec![order(&|bin| (bin <= ranges.ends.len()).then_some(bin))],
            Bins::Values(values) => vec![order(&|bin| (bin < values.len()).then_some(bin))],
            Bins::Words(_) => Vec::new(),
            Bins::Texts(texts) => {
                let (cells, width) = (texts.cells(), texts.shares.len() + 1);
                vec![
                    order(&|bin| (bin < cells).then_some(bin / width)),
                    order(&|bin| (bin < cells).then_some(bin % width)),
                ]
            }
        }
    }

    /// Whether the parts fit together, in what was stored.
    pub fn is_valid(&self) -> bool {
        let ascend = |ends: &[f64]| {
            ends.iter().all(|end| end.is_finite()) && ends.is_sorted_by(|a, b| a < b)
        };
        match self {
            Bins::Ranges(ranges) => ascend(&ranges.ends),
            Bins::Values(values) => ascend(values),
            Bins::Words(words) => words.shift <= 52 && words.keys.len() == words.names.len(),
            Bins::Texts(texts) => ascend(&texts.lengths) && ascend(&texts.shares),
        }
    }
}
