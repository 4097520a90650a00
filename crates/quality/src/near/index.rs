//! The texts that are searched: their shingle sets and band keys, each distinct set once.

use std::collections::HashMap;

use rayon::prelude::*;

use super::minhash::{MinHash, Plan};
use super::shingle::{Scratch, Shingles, fingerprint};
use super::{NearError, Options};

/// Texts that are held at a time while they are read.
const BLOCK: usize = 8192;
/// The entry of texts without words.
pub(super) const NONE: u32 = u32::MAX;

/// Texts among which near-duplicates are searched for. Made by [`Options::texts`].
///
/// Rows are numbered from 0 in the order in which they are added.
pub struct Texts {
    shingles: Shingles,
    threshold: f64,
    plan: Plan,
    minhash: MinHash,
    /// The entry of each row: its distinct set, or [`NONE`].
    entries: Vec<u32>,
    /// The first row of each entry.
    pub(super) first_rows: Vec<u32>,
    by_fingerprint: HashMap<u64, u32>,
    blocks: Vec<Block>,
}

/// Up to [`BLOCK`] entries. Blocks do not move when more are added, so memory does not double.
#[derive(Default)]
struct Block {
    /// Where each entry's set ends.
    ends: Vec<usize>,
    sets: Vec<u32>,
    /// Bands of the first entry, bands of the second, ...
    keys: Vec<u32>,
}

impl Texts {
    pub(super) fn new(options: &Options) -> Self {
        let plan = Plan::for_threshold(options.threshold);
        Self {
            shingles: options.shingles,
            threshold: options.threshold,
            plan,
            minhash: MinHash::new(plan, options.seed),
            entries: Vec::new(),
            first_rows: Vec::new(),
            by_fingerprint: HashMap::new(),
            blocks: Vec::new(),
        }
    }

    /// Adds texts. Only some thousand of them are held at a time.
    ///
    /// # Errors
    /// More than `u32::MAX - 1` texts in all.
    pub fn extend<S: AsRef<str> + Send + Sync>(
        &mut self,
        texts: impl IntoIterator<Item = S>,
    ) -> Result<(), NearError> {
        let mut texts = texts.into_iter();
        loop {
            let block: Vec<S> = texts.by_ref().take(BLOCK).collect();
            if block.is_empty() {
                return Ok(());
            }
            if self.entries.len() + block.len() >= NONE as usize {
                return Err(NearError::TooMany);
            }
            self.add(&block);
        }
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no text was added.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How signatures are banded, and so which share of pairs is found.
    pub fn plan(&self) -> Plan {
        self.plan
    }

    pub(super) fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Number of distinct sets.
    pub(super) fn distinct(&self) -> u32 {
        self.first_rows.len() as u32
    }

    pub(super) fn entries(&self) -> &[u32] {
        &self.entries
    }

    pub(super) fn set(&self, entry: u32) -> &[u32] {
        let (block, place) = self.place(entry);
        let start = if place == 0 { 0 } else { block.ends[place - 1] };
        &block.sets[start..block.ends[place]]
    }

    /// The entry's key in every band.
    pub(super) fn keys(&self, entry: u32) -> &[u32] {
        let (block, place) = self.place(entry);
        &block.keys[place * self.plan.bands..][..self.plan.bands]
    }

    fn place(&self, entry: u32) -> (&Block, usize) {
        let entry = entry as usize;
        (&self.blocks[entry / BLOCK], entry % BLOCK)
    }

    fn add<S: AsRef<str> + Sync>(&mut self, texts: &[S]) {
        let shingles = self.shingles;
        let sets: Vec<(Vec<u32>, u64)> = texts
            .par_iter()
            .map_init(Scratch::default, |scratch, text| {
                let set = shingles.set(text.as_ref(), scratch);
                let fingerprint = fingerprint(&set);
                (set, fingerprint)
            })
            .collect();
        let mut new = Vec::new();
        for (set, fingerprint) in sets {
            let row = self.entries.len() as u32;
            if set.is_empty() {
                self.entries.push(NONE);
                continue;
            }
            let next = self.first_rows.len() as u32;
            let entry = *self.by_fingerprint.entry(fingerprint).or_insert(next);
            self.entries.push(entry);
            if entry == next {
                self.first_rows.push(row);
                new.push(set);
            }
        }
        let bands = self.plan.bands;
        let keys: Vec<u32> = new
            .par_chunks(64)
            .flat_map_iter(|sets| {
                let (mut minima, mut keys) = (Vec::new(), Vec::with_capacity(bands * sets.len()));
                for set in sets {
                    self.minhash.keys(set, &mut minima, &mut keys);
                }
                keys
            })
            .collect();
        for (set, keys) in new.iter().zip(keys.chunks_exact(bands)) {
            self.push(set, keys);
        }
    }

    /// Appends an entry to the last block, or to a new one.
    fn push(&mut self, set: &[u32], keys: &[u32]) {
        if self
            .blocks
            .last()
            .is_none_or(|block| block.ends.len() == BLOCK)
        {
            if let Some(full) = self.blocks.last_mut() {
                full.sets.shrink_to_fit();
            }
            self.blocks.push(Block {
                keys: Vec::with_capacity(BLOCK * self.plan.bands),
                ..Block::default()
            });
        }
        if let Some(block) = self.blocks.last_mut() {
            block.sets.extend_from_slice(set);
            block.ends.push(block.sets.len());
            block.keys.extend_from_slice(keys);
        }
    }
}
