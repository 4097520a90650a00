//! The columns of two tables, read in blocks by all threads: what the reference holds, and how the rows of the other one
//! fall on its bins, window by window. A column is read by one thread at a time, block after block, so that the result
//! depends on the files alone.

use std::path::Path;

use anyhow::Result;
use monitoring::drift::{ColumnReference, NumberSketch, Window, WordSketch};
use rayon::prelude::*;

use super::windows::{Placing, Windows};
use crate::exit;
use crate::talk::Talk;
use tables::blocks::{Block, Blocks, Head};
use tables::profile::Groups;
use tables::{Kind, ReadError, Reading, spelling};

/// Share of the values of a column that must be numbers, by its first rows, for it to hold numbers.
const NUMBERS: f64 = 0.9;
/// The same for times.
const TIMES: f64 = 0.9;

/// What a column of the reference is compared by.
pub enum Compared {
    /// Its bins.
    Bins(ColumnReference),
    /// It is not compared, and why.
    LeftOut(String),
}

/// A column of the reference.
pub struct Referred {
    pub name: String,
    pub compared: Compared,
    /// Whether its values are numbers.
    pub is_number: bool,
}

/// A reference that was read completely.
pub struct Reference {
    pub rows: u64,
    pub columns: Vec<Referred>,
}

/// A table that was counted on the bins of a reference.
pub struct Counted {
    pub rows: u64,
    /// Its columns, in order.
    pub names: Vec<String>,
    pub windows: Windows,
    /// For each column of the reference that is compared and that the table has: its number and its windows.
    pub columns: Vec<(usize, Vec<Window>)>,
}

/// What is read of a column of the reference.
enum Sketch {
    /// Nothing was read yet.
    New,
    Numbers(NumberSketch),
    Words(WordSketch),
    LeftOut(&'static str),
}

/// Why times are not compared.
const MOVES: &str = "a time, which moves by itself; --by reads windows off it";
/// Why a column without any value is not.
const EMPTY: &str = "no row of the reference has a value";

/// The value of a cell, as it is compared.
#[derive(Clone, Copy)]
enum Cell<'a> {
    Missing,
    Number(f64),
    Word(&'a str),
}

fn cell<'a>(block: &'a Block, groups: &Groups, group: usize, column: usize) -> Cell<'a> {
    let known = &groups.groups()[group];
    let text = block.text(known.first as usize, column);
    let value = groups.value(known.first as usize);
    match value {
        None => Cell::Missing,
        Some(value) if value.class.is_number() => Cell::Number(value.number),
        Some(_) if spelling::is_missing_number(Kind::Text, text.trim()) => Cell::Missing,
        Some(_) => Cell::Word(text),
    }
}

/// Reads the reference.
///
/// # Errors
/// What cannot be read, a bad row (exit 4), or a table without rows.
pub fn read(path: &Path, reading: Reading, left_out: &[String], talk: &Talk) -> Result<Reference> {
    let mut blocks = Blocks::open_with(path, reading)?;
    let head = blocks.head().clone();
    let mut sketches: Vec<Sketch> = head.columns.iter().map(|_| Sketch::New).collect();
    for (sketch, column) in sketches.iter_mut().zip(&head.columns) {
        if left_out.contains(&column.name) {
            *sketch = Sketch::LeftOut("as was asked");
        }
    }
    let bar = talk.progress("reading the reference", None);
    let rows = each_batch(
        &mut blocks,
        &head,
        &vec![true; head.columns.len()],
        |_, batch| {
            sketches.par_iter_mut().enumerate().for_each_init(
                Groups::default,
                |groups, (column, sketch)| {
                    for block in batch {
                        sketch.take(groups, block, column, &head);
                    }
                },
            );
        },
        |rows| bar.set_position(rows),
    )?;
    bar.finish_and_clear();
    if rows == 0 {
        return Err(exit::data(format!(
            "{}: there are no rows to compare with",
            path.display()
        )));
    }
    let columns = head.columns.iter().zip(sketches).map(|(column, sketch)| {
        let is_number = matches!(sketch, Sketch::Numbers(_));
        let compared = match sketch {
            Sketch::Numbers(sketch) => sketch.finish().map_err(|reason| reason.to_string()),
            Sketch::Words(sketch) => sketch.finish().map_err(|reason| reason.to_string()),
            Sketch::LeftOut(reason) => Err(reason.to_owned()),
            Sketch::New => Err(EMPTY.to_owned()),
        };
        Referred {
            name: column.name.clone(),
            is_number,
            compared: match compared {
                Ok(reference) => Compared::Bins(reference),
                Err(reason) => Compared::LeftOut(reason),
            },
        }
    });
    Ok(Reference {
        rows,
        columns: columns.collect(),
    })
}

/// Counts the other table.
///
/// # Errors
/// What cannot be read, a bad row (exit 4), or more windows than anybody can look at.
pub fn count(
    reference: &Reference,
    path: &Path,
    reading: Reading,
    placing: &Placing,
    talk: &Talk,
) -> Result<Counted> {
    let mut blocks = Blocks::open_with(path, reading)?;
    let head = blocks.head().clone();
    let mut windows = Windows::new(placing, &head)?;
    let mut columns = Vec::new();
    for (number, referred) in reference.columns.iter().enumerate() {
        if let (Compared::Bins(bins), Some(place)) = (&referred.compared, head.find(&referred.name))
        {
            columns.push((number, place, bins, Vec::<Window>::new()));
        }
    }
    let bar = talk.progress("reading the rows to compare", None);
    let mut failed = None;
    let rows = each_batch(
        &mut blocks,
        &head,
        &vec![true; head.columns.len()],
        |first, batch| {
            let placed = match windows.place(first, batch, &head) {
                Ok(placed) => placed,
                Err(error) => {
                    failed.get_or_insert(error);
                    return;
                }
            };
            let count = windows.len();
            columns.par_iter_mut().for_each_init(
                Groups::default,
                |groups, (_, place, bins, counts)| {
                    counts.resize_with(count, || Window::new(bins));
                    for (block, window_of) in batch.iter().zip(&placed) {
                        groups.fill(block, *place, false, head.decimal);
                        add(groups, block, (*place, bins), window_of, counts);
                    }
                },
            );
        },
        |rows| bar.set_position(rows),
    )?;
    bar.finish_and_clear();
    if let Some(error) = failed {
        return Err(error);
    }
    let count = windows.len();
    let columns = columns.into_iter().map(|(number, _, bins, mut counts)| {
        counts.resize_with(count, || Window::new(bins));
        (number, counts)
    });
    Ok(Counted {
        rows,
        names: head
            .columns
            .iter()
            .map(|column| column.name.clone())
            .collect(),
        columns: columns.collect(),
        windows,
    })
}

/// Counts the rows of a column of a block, each in its window.
fn add(
    groups: &Groups,
    block: &Block,
    (column, bins): (usize, &ColumnReference),
    window_of: &[u32],
    counts: &mut [Window],
) {
    let bin_of = |group: usize| match cell(block, groups, group, column) {
        Cell::Missing => bins.bin_of_number(None),
        Cell::Number(number) if is_number(bins) => bins.bin_of_number(Some(number)),
        // In a column of words a number is a word.
        Cell::Number(_) => {
            let first = groups.groups()[group].first as usize;
            bins.bin_of_word(Some(block.text(first, column)))
        }
        Cell::Word(word) => bins.bin_of_word(Some(word)),
    };
    let bin_of: Vec<usize> = (0..groups.groups().len()).map(bin_of).collect();
    for (&group, &window) in groups.of_row().iter().zip(window_of) {
        counts[window as usize].add(bin_of[group as usize]);
    }
}

fn is_number(bins: &ColumnReference) -> bool {
    bins.kind() == monitoring::drift::Kind::Number
}

impl Sketch {
    fn take(&mut self, groups: &mut Groups, block: &Block, column: usize, head: &Head) {
        if matches!(self, Sketch::LeftOut(_)) {
            return;
        }
        groups.fill(block, column, false, head.decimal);
        if matches!(self, Sketch::New) {
            *self = Sketch::of(groups);
        }
        let cells = (0..groups.groups().len()).map(|group| cell(block, groups, group, column));
        match self {
            Sketch::Numbers(sketch) => {
                let cells: Vec<Cell> = cells.collect();
                for &group in groups.of_row() {
                    match cells[group as usize] {
                        Cell::Missing => sketch.add(None),
                        Cell::Number(number) => sketch.add(Some(number)),
                        Cell::Word(_) => sketch.add_not_a_number(),
                    }
                }
            }
            Sketch::Words(sketch) => {
                let text = |group: usize| block.text(groups.groups()[group].first as usize, column);
                let words = cells.enumerate().map(|(group, cell)| match cell {
                    Cell::Missing => None,
                    Cell::Number(_) => Some(text(group)),
                    Cell::Word(word) => Some(word),
                });
                let words: Vec<Option<&str>> = words.collect();
                for &group in groups.of_row() {
                    sketch.add(words[group as usize]);
                }
            }
            Sketch::New | Sketch::LeftOut(_) => {}
        }
    }

    /// What a column holds, by its first rows.
    fn of(groups: &Groups) -> Sketch {
        let (mut all, mut numbers, mut times) = (0, 0, 0);
        for (group, value) in groups.values() {
            let Some(value) = value else { continue };
            let count = u64::from(group.count);
            all += count;
            numbers += if value.class.is_number() { count } else { 0 };
            times += if value.class.is_time() { count } else { 0 };
        }
        let is = |part: u64, share: f64| all > 0 && part as f64 >= share * all as f64;
        match (is(times, TIMES), is(numbers, NUMBERS)) {
            (true, _) => Sketch::LeftOut(MOVES),
            (_, true) => Sketch::Numbers(NumberSketch::new(0)),
            _ if all == 0 => Sketch::Numbers(NumberSketch::new(0)),
            _ => Sketch::Words(WordSketch::new(0)),
        }
    }
}

/// Passes on the blocks of a table, some at a time, with the number of the first row; returns the number of rows. This
/// thread splits off the next ones while the others parse.
pub fn each_batch(
    blocks: &mut Blocks,
    head: &Head,
    wanted: &[bool],
    mut take: impl FnMut(u64, &[Block]),
    mut progress: impl FnMut(u64),
) -> Result<u64> {
    let size = (4 * rayon::current_num_threads()).min(16);
    let mut rows = 0;
    loop {
        let mut pieces = Vec::with_capacity(size);
        while pieces.len() < size {
            match blocks.next_piece()? {
                Some(piece) => pieces.push(piece),
                None => break,
            }
        }
        if pieces.is_empty() {
            return Ok(rows);
        }
        let parsed = pieces
            .into_par_iter()
            .map(|piece| piece.parse_some(head, wanted));
        let mut batch: Vec<Block> = parsed.collect();
        if let Some(error) = batch.iter_mut().find_map(first_bad) {
            return Err(error.into());
        }
        take(rows, &batch);
        rows += batch.iter().map(|block| block.rows() as u64).sum::<u64>();
        progress(rows);
        batch.into_iter().for_each(|block| blocks.reuse(block));
    }
}

fn first_bad(block: &mut Block) -> Option<ReadError> {
    block.take_bad().into_iter().next()
}
