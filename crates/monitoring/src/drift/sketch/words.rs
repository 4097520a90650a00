//! A column of words or texts of the reference, read once.

use xxhash_rust::xxh3::xxh3_64;

use super::buckets::{Add, Buckets};
use super::distinct::Distinct;
use super::numbers::{RARE, ranges_of};
use super::sample::{Sample, Text};
use super::{LeftOut, MergeError, decides};
use crate::drift::label::Name;
use crate::drift::reference::{Bins, Bits, ColumnReference, Rest, Texts, Words};

/// Up to this many words are all listed, if none of them is rare.
const MOST_LISTED: usize = 40;
/// Number of words listed if there are more, or rare ones.
const TOP: usize = 24;
/// If more of the bits for seen words are set, most new words would look like seen ones.
const FULLEST: usize = Bits::LEN * 3 / 5;
/// Number of bits set for the words of texts: what one new word in four looks like a known one.
const KNOWN_TOKENS: usize = Bits::LEN / 4;
/// Below this many rows, no column is taken for an identifier.
const FEWEST_ROWS_OF_IDS: u64 = 20;
/// Mean number of spaces from which words are texts, unless many are equal.
const SPACES_OF_TEXT: u64 = 3;

/// Reads a column of words, categories or texts; [`WordSketch::finish`] makes the reference.
///
/// # Examples
/// ```
/// use monitoring::drift::{Kind, WordSketch};
///
/// let mut sketch = WordSketch::new(0);
/// (0..100).for_each(|row| sketch.add(Some(if row % 3 == 0 { "red" } else { "blue" })));
/// let reference = sketch.finish().unwrap();
/// assert_eq!(reference.kind(), Kind::Word);
/// assert_eq!(reference.counts()[..2], [66, 34]); // blue, red
/// ```
#[derive(Clone, Debug)]
pub struct WordSketch {
    rows: u64,
    first_row: u64,
    buckets: Buckets<Word>,
    distinct: Distinct,
    missing: Parts,
    spaces: u64,
    sample: Sample,
}

/// Numbers of rows that decide about bins, and of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Parts {
    deciding: u64,
    others: u64,
}

impl Parts {
    fn add_row(&mut self, decides: bool) {
        match decides {
            true => self.deciding += 1,
            false => self.others += 1,
        }
    }

    fn all(self) -> u64 {
        self.deciding + self.others
    }
}

/// The rows of a word; of several if their hashes share a bucket. The name is then that of the
/// word with most of the rows, if there is one (majority vote of Boyer and Moore).
#[derive(Clone, Debug, Default)]
struct Word {
    rows: Parts,
    hash: u64,
    votes: u64,
    name: Name,
}

impl Add for Word {
    fn add(&mut self, other: Word) {
        self.rows.deciding += other.rows.deciding;
        self.rows.others += other.rows.others;
        if self.hash == other.hash {
            self.votes += other.votes;
        } else if (other.votes, other.hash) > (self.votes, self.hash) {
            let votes = other.votes - self.votes;
            (self.hash, self.votes, self.name) = (other.hash, votes, other.name);
        } else {
            self.votes -= other.votes;
        }
    }
}

impl WordSketch {
    /// A sketch of the rows from number `first_row` (0 for a whole table).
    pub fn new(first_row: u64) -> WordSketch {
        WordSketch {
            rows: 0,
            first_row,
            buckets: Buckets::default(),
            distinct: Distinct::default(),
            missing: Parts::default(),
            spaces: 0,
            sample: Sample::default(),
        }
    }

    /// Adds the word or text of the next row; `None` if it is missing.
    pub fn add(&mut self, word: Option<&str>) {
        let row = self.first_row + self.rows;
        self.rows += 1;
        self.sample.add(row, word);
        let decides = decides(row);
        let Some(word) = word else {
            return self.missing.add_row(decides);
        };
        let hash = xxh3_64(word.as_bytes());
        self.spaces += word.bytes().filter(|&byte| byte == b' ').count() as u64;
        let entry = self.buckets.entry(hash);
        let is_new = entry.rows.all() == 0;
        entry.rows.add_row(decides);
        if entry.votes > 0 && entry.hash == hash {
            entry.votes += 1;
        } else if entry.votes > 0 {
            entry.votes -= 1;
        } else {
            (entry.hash, entry.votes, entry.name) = (hash, 1, Name::new(word));
        }
        if is_new || self.buckets.shift() > 0 {
            self.distinct.insert(hash);
        }
    }

    /// Adds the rows after the last one.
    ///
    /// Counts and bins are those of one sketch of all rows. With more than 4,096 distinct words, the
    /// name shown for a bin that several equally rare words share may depend on where the parts
    /// begin, so divide a table into the same parts for any number of threads.
    ///
    /// # Errors
    /// If `next` begins with another row.
    pub fn merge(&mut self, next: WordSketch) -> Result<(), MergeError> {
        let expected = self.first_row + self.rows;
        if next.first_row != expected {
            let got = next.first_row;
            return Err(MergeError::NotNext { expected, got });
        }
        self.rows += next.rows;
        self.buckets.merge(next.buckets);
        self.distinct.merge(&next.distinct);
        self.missing.deciding += next.missing.deciding;
        self.missing.others += next.missing.others;
        self.spaces += next.spaces;
        self.sample.merge(next.sample);
        Ok(())
    }

    /// The reference.
    ///
    /// # Errors
    /// If there were no rows, or nearly all words differ and are not texts.
    pub fn finish(self) -> Result<ColumnReference, LeftOut> {
        if self.rows == 0 {
            return Err(LeftOut::NoRows);
        }
        let present = self.rows - self.missing.all();
        let distinct = self.distinct.estimate();
        let is_text = self.spaces >= SPACES_OF_TEXT * present && distinct >= 0.3 * present as f64;
        if present > 0 && is_text {
            return Ok(text_reference(self.sample));
        }
        if present >= FEWEST_ROWS_OF_IDS && distinct >= 0.9 * present as f64 {
            return Err(LeftOut::Identifier);
        }
        let (shift, words) = self.buckets.into_sorted();
        let are_few = shift == 0 && words.len() <= MOST_LISTED;
        Ok(
            match are_few && words.iter().all(|word| word.1.rows.all() >= RARE) {
                true => every_word(words, self.missing),
                false => top_words(shift, words, self.missing),
            },
        )
    }
}

/// All words are listed, and all rows are counted.
fn every_word(mut words: Vec<(u64, Word)>, missing: Parts) -> ColumnReference {
    words.sort_by_key(|(key, word)| (std::cmp::Reverse(word.rows.all()), *key));
    let counts = words.iter().map(|(_, word)| word.rows.all());
    // No other word was seen, so there are new ones only.
    let counts = counts.chain([0, 0, missing.all()]).collect();
    let listed = words.into_iter().map(|(key, word)| (key, word.name));
    let bins = Words::new(0, listed.collect(), Rest::New);
    ColumnReference::new(Bins::Words(bins), counts)
}

/// The words that are most frequent in the deciding rows are listed; the other rows are counted.
fn top_words(shift: u32, mut words: Vec<(u64, Word)>, missing: Parts) -> ColumnReference {
    words.sort_by_key(|(key, word)| (std::cmp::Reverse(word.rows.deciding), *key));
    let end = words.partition_point(|(_, word)| word.rows.deciding >= 2);
    let rest = words.split_off(end.min(TOP));
    let mut seen = Bits::default();
    let has_been_seen = rest.iter().filter(|(_, word)| word.rows.deciding > 0);
    has_been_seen.for_each(|(key, _)| seen.set(key << shift));
    let rest_is = match seen.len() <= FULLEST {
        true => Rest::Seen(seen),
        false => Rest::Other,
    };
    let (mut known, mut new) = (0, 0);
    for (key, word) in &rest {
        match rest_is.is_new(key << shift) {
            true => new += word.rows.others,
            false => known += word.rows.others,
        }
    }
    let counts = words.iter().map(|(_, word)| word.rows.others);
    let counts = counts.chain([known, new, missing.others]).collect();
    let listed = words.into_iter().map(|(key, word)| (key, word.name));
    let bins = Words::new(shift, listed.collect(), rest_is);
    ColumnReference::new(Bins::Words(bins), counts)
}

/// Cells by length and by the share of words unknown to the deciding texts.
fn text_reference(sample: Sample) -> ColumnReference {
    let (deciding, others): (Vec<_>, Vec<_>) = sample.into_rows().partition(|row| decides(row.0));
    let known = known_tokens(deciding.iter().filter_map(|(_, text)| text.as_ref()));
    let texts = others.iter().filter_map(|(_, text)| text.as_ref());
    let pairs: Vec<(f64, f64)> = texts
        .map(|text| {
            let unknown = text.tokens.iter().filter(|&&hash| !known.has_low(hash));
            (
                f64::from(text.length),
                Texts::share(unknown.count(), text.tokens.len()),
            )
        })
        .collect();
    let cut = |values: &mut dyn Iterator<Item = f64>, parts: f64| {
        let mut sorted: Vec<(f64, u64)> = values.map(|value| (value, 1)).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        sorted.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            kept.1 += if is_same { next.1 } else { 0 };
            is_same
        });
        ranges_of(&sorted, (pairs.len() as f64 / parts).max(1.0)).0
    };
    let lengths = cut(&mut pairs.iter().map(|pair| pair.0), Texts::LENGTHS);
    let shares = cut(&mut pairs.iter().map(|pair| pair.1), Texts::SHARES);
    let bins = Texts::new(lengths, shares, known);
    let mut counts = vec![0; bins.cells() + 1];
    for &(length, share) in &pairs {
        counts[bins.cell(length, share)] += 1;
    }
    counts[bins.cells()] = (others.len() - pairs.len()) as u64;
    ColumnReference::new(Bins::Texts(bins), counts)
}

/// The tokens that occur in most texts, in two at least.
fn known_tokens<'a>(texts: impl Iterator<Item = &'a Text>) -> Bits {
    let mut occurrences: Vec<u32> = Vec::new();
    for text in texts {
        let mut tokens = text.tokens.to_vec();
        tokens.sort_unstable();
        tokens.dedup();
        occurrences.extend(tokens);
    }
    occurrences.sort_unstable();
    let runs = occurrences.chunk_by(|a, b| a == b);
    let mut runs: Vec<(usize, u32)> = runs.map(|run| (run.len(), run[0])).collect();
    runs.retain(|&(texts, _)| texts >= 2);
    runs.sort_by_key(|&(texts, hash)| (std::cmp::Reverse(texts), hash));
    let mut known = Bits::default();
    for (_, hash) in runs {
        if known.len() >= KNOWN_TOKENS {
            break;
        }
        known.set_low(hash);
    }
    known
}
