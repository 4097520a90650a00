//! Columns of a table in memory: as numbers, or as words that are numbered in the order of their appearance.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use rayon::prelude::*;

use super::columns::each_batch;
use super::windows::{Placing, Windows};
use crate::exit;
use tables::blocks::{Block, Blocks, Head};
use tables::profile::Groups;
use tables::{Reading, spelling};

/// The number of a missing word.
pub const MISSING: u32 = u32::MAX;

/// How a column is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As {
    /// Numbers; NaN for what is none.
    Numbers,
    Words,
}

/// A column in memory.
pub struct Gathered {
    pub name: String,
    place: usize,
    read_as: As,
    /// Of numbers.
    pub numbers: Vec<f64>,
    /// Of words: the number of each row's.
    pub codes: Vec<u32>,
    /// The words by their numbers: as labels are compared, without white space around them, whole numbers in their
    /// canonical spelling.
    pub words: Vec<String>,
    index: HashMap<String, u32>,
}

/// Some columns of a table, and the window of each row.
pub struct Rows {
    pub columns: Vec<Gathered>,
    pub window_of: Vec<u32>,
    pub windows: Windows,
}

/// Reads columns.
///
/// # Errors
/// What cannot be read, a bad row (exit 4), or a column that is not there (exit 2).
pub fn gather(
    path: &Path,
    reading: Reading,
    wanted: &[(String, As)],
    placing: &Placing,
) -> Result<Rows> {
    let mut blocks = Blocks::open_with(path, reading)?;
    let head = blocks.head().clone();
    let mut windows = Windows::new(placing, &head)?;
    let mut columns = Vec::with_capacity(wanted.len());
    for (name, read_as) in wanted {
        let place = head.find(name).ok_or_else(|| {
            exit::usage(format!("{}: there is no column `{name}`", path.display()))
        })?;
        columns.push(Gathered {
            name: name.clone(),
            place,
            read_as: *read_as,
            numbers: Vec::new(),
            codes: Vec::new(),
            words: Vec::new(),
            index: HashMap::new(),
        });
    }
    let mut needed = vec![false; head.columns.len()];
    columns
        .iter()
        .for_each(|column| needed[column.place] = true);
    if let Placing::Time { column, .. } = placing {
        needed[head.find(column).unwrap_or(0)] = true;
    }
    let (mut window_of, mut failed) = (Vec::new(), None);
    each_batch(
        &mut blocks,
        &head,
        &needed,
        |first, batch| {
            match windows.place(first, batch, &head) {
                Ok(placed) => window_of.extend(placed.into_iter().flatten()),
                Err(error) => failed = failed.take().or(Some(error)),
            }
            columns
                .par_iter_mut()
                .for_each_init(Groups::default, |groups, column| {
                    batch
                        .iter()
                        .for_each(|block| column.take(groups, block, &head));
                });
        },
        |_| {},
    )?;
    match failed {
        Some(error) => Err(error),
        None => Ok(Rows {
            columns,
            window_of,
            windows,
        }),
    }
}

impl Gathered {
    fn take(&mut self, groups: &mut Groups, block: &Block, head: &Head) {
        groups.fill(block, self.place, false, head.decimal);
        match self.read_as {
            As::Numbers => {
                let number = |row: usize| {
                    let value = groups.value(row).filter(|value| value.class.is_number());
                    value.map_or(f64::NAN, |value| value.number)
                };
                self.numbers.extend((0..block.rows()).map(number));
            }
            As::Words => {
                let code = |first: u32| {
                    let text = block.text(first as usize, self.place).trim();
                    if spelling::is_absent(tables::Kind::Text, text) {
                        return MISSING;
                    }
                    let word = spelling::plain(text);
                    if let Some(&code) = self.index.get(word) {
                        return code;
                    }
                    let code = self.words.len() as u32;
                    self.words.push(word.to_owned());
                    self.index.insert(word.to_owned(), code);
                    code
                };
                let codes: Vec<u32> = groups
                    .groups()
                    .iter()
                    .map(|group| group.first)
                    .map(code)
                    .collect();
                let of_row = groups.of_row().iter();
                self.codes
                    .extend(of_row.map(|&group| codes[group as usize]));
            }
        }
    }

    /// The number, in `known`, of each row's word; [`MISSING`] for one that is not among them.
    pub fn coded_as(&self, known: &[String]) -> Vec<u32> {
        let place = |word: &String| known.iter().position(|other| other == word);
        let index: HashMap<&String, usize> = match known.len() {
            0..=8 => HashMap::new(),
            _ => known
                .iter()
                .enumerate()
                .map(|(at, word)| (word, at))
                .collect(),
        };
        let of = |word: &String| match index.is_empty() {
            true => place(word),
            false => index.get(word).copied(),
        };
        let codes: Vec<u32> = self
            .words
            .iter()
            .map(|word| of(word).map_or(MISSING, |at| at as u32))
            .collect();
        let of_row = self.codes.iter();
        of_row
            .map(|&code| codes.get(code as usize).copied().unwrap_or(MISSING))
            .collect()
    }
}
