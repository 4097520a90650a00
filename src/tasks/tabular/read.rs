//! Reads a table column by column: each as numbers if all its cells are numbers, otherwise as words.
//!
//! A whole number with leading zeros (`007`) is a word: it is a code, and as a number it would lose them.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use rayon::prelude::*;

use super::cells::{NumberCell, Spelling};
use super::params::{ColumnUse, DataBlock, TargetKind};
use crate::exit;
use crate::params::choice::Choice;
use models::tabular::{MISSING, Words};
use tables::Reading;
use tables::blocks::{Block, Blocks, Head, Piece};

/// Pieces of a table that are parsed at a time, for each thread.
const PIECES: usize = 4;

/// A table, before it is known what its columns hold.
#[derive(Clone, Debug)]
pub struct Raw {
    pub rows: usize,
    pub columns: Vec<RawColumn>,
}

/// A column as it was read.
#[derive(Clone, Debug)]
pub struct RawColumn {
    pub name: String,
    pub cells: Cells,
}

/// The cells of a column, one per row.
#[derive(Clone, Debug)]
pub enum Cells {
    /// NaN is missing.
    Numbers(Vec<f64>),
    Words(Words),
}

/// How cells are understood.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub spelling: Spelling,
    /// Columns that are not to be read as numbers, though all their cells are.
    pub as_words: Vec<String>,
}

impl Rules {
    /// Those of the parameters: what is a category or a text is not read as numbers, which would lose digits.
    pub fn of(params: &DataBlock) -> Self {
        let is_word = |used: &ColumnUse| matches!(used, ColumnUse::Category | ColumnUse::Text);
        let columns = params.columns.iter().filter(|(_, used)| is_word(used));
        let mut as_words: Vec<String> = columns.map(|(name, _)| name.clone()).collect();
        if params.kind == Choice::Given(TargetKind::Classes) {
            as_words.push(params.target.clone());
        }
        Self {
            spelling: Spelling::of(params),
            as_words,
        }
    }
}

impl Raw {
    /// The column with a name.
    pub fn find(&self, name: &str) -> Option<&RawColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl Cells {
    /// The word of a row, as the table spells it; numbers in their shortest spelling. `None` if it is missing.
    pub fn word(&self, row: usize) -> Option<String> {
        match self {
            Cells::Numbers(numbers) => spell(numbers[row]),
            Cells::Words(words) => match words.codes[row] {
                MISSING => None,
                code => Some(words.words[code as usize].clone()),
            },
        }
    }

    /// As words: numbers in their shortest spelling.
    pub fn into_words(self) -> Words {
        let numbers = match self {
            Cells::Words(words) => return words,
            Cells::Numbers(numbers) => numbers,
        };
        let mut interned = Interned::default();
        let code = |number: f64| match spell(number) {
            None => MISSING,
            Some(word) => interned.code(&word),
        };
        let codes = numbers.into_iter().map(code).collect();
        Words {
            codes,
            words: interned.words,
        }
    }
}

/// A number as a word; `None` if it is missing.
fn spell(number: f64) -> Option<String> {
    (!number.is_nan()).then(|| format!("{number}"))
}

/// Reads a file or a folder.
///
/// # Errors
/// A table that cannot be read, or bad records in it.
pub fn read(path: &Path, reading: Reading, rules: &Rules) -> Result<Raw> {
    let mut rules = rules.clone();
    loop {
        match read_once(path, reading, &rules)? {
            Read::Whole(raw) => return Ok(raw),
            // A column had only numbers in one piece and words in the next: once more, as words.
            Read::Mixed(names) => rules.as_words.extend(names),
        }
    }
}

enum Read {
    Whole(Raw),
    Mixed(Vec<String>),
}

fn read_once(path: &Path, reading: Reading, rules: &Rules) -> Result<Read> {
    let mut blocks = Blocks::open_with(path, reading)?;
    let head = blocks.head().clone();
    let as_words: Vec<bool> = { head.columns.iter() }
        .map(|column| rules.as_words.contains(&column.name))
        .collect();
    let mut growing: Vec<Growing> = head.columns.iter().map(|_| Growing::default()).collect();
    let mut rows = 0;
    loop {
        let batch = next_batch(&mut blocks)?;
        if batch.is_empty() {
            break;
        }
        let parse = |piece: Piece| look_at(piece, &head, &as_words, &rules.spelling);
        let looked: Vec<Looked> = batch.into_par_iter().map(parse).collect();
        for mut looked in looked {
            if let Some(error) = looked.block.take_bad().into_iter().next() {
                return Err(error.into());
            }
            rows += looked.block.rows();
            for (growing, part) in growing.iter_mut().zip(looked.parts) {
                growing.add(part);
            }
            blocks.reuse(looked.block);
        }
    }
    let names = head.columns.iter().map(|column| column.name.clone());
    let mixed: Vec<String> = { names.clone().zip(&growing) }
        .filter(|(_, growing)| growing.is_mixed)
        .map(|(name, _)| name)
        .collect();
    if !mixed.is_empty() {
        return Ok(Read::Mixed(mixed));
    }
    let columns = names.zip(growing).map(|(name, growing)| RawColumn {
        name,
        cells: growing.finish(rows),
    });
    Ok(Read::Whole(Raw {
        rows,
        columns: columns.collect(),
    }))
}

fn next_batch(blocks: &mut Blocks) -> Result<Vec<Piece>> {
    let size = PIECES * rayon::current_num_threads();
    let mut batch = Vec::with_capacity(size);
    while batch.len() < size {
        match blocks.next_piece()? {
            Some(piece) => batch.push(piece),
            None => break,
        }
    }
    Ok(batch)
}

/// A parsed piece.
struct Looked {
    block: Block,
    parts: Vec<Part>,
}

/// The cells of a column in one piece.
enum Part {
    /// All are missing.
    Empty(usize),
    Numbers(Vec<f64>),
    Words(Words),
}

fn look_at(piece: Piece, head: &Head, as_words: &[bool], spelling: &Spelling) -> Looked {
    let block = piece.parse(head);
    let part = |(column, &as_words): (usize, &bool)| {
        match as_words {
            true => None,
            false => numbers(&block, column, spelling),
        }
        .unwrap_or_else(|| words(&block, column, spelling))
    };
    let parts = as_words.iter().enumerate().map(part).collect();
    Looked { block, parts }
}

/// The cells as numbers, unless one is neither a number nor missing.
fn numbers(block: &Block, column: usize, spelling: &Spelling) -> Option<Part> {
    let mut numbers = Vec::with_capacity(block.rows());
    let mut is_empty = true;
    for row in 0..block.rows() {
        numbers.push(match spelling.number(block.text(row, column)) {
            NumberCell::Missing => f64::NAN,
            NumberCell::Number(number) => {
                is_empty = false;
                number
            }
            NumberCell::Other => return None,
        });
    }
    // Words for nothing are categories in a column of words.
    let is_blank = |row| block.bytes_of(row, column).is_empty();
    Some(match is_empty && (0..block.rows()).all(is_blank) {
        true => Part::Empty(block.rows()),
        false => Part::Numbers(numbers),
    })
}

fn words(block: &Block, column: usize, spelling: &Spelling) -> Part {
    let mut interned = Interned::default();
    let code = |row: usize| match spelling.word(block.text(row, column)) {
        None => MISSING,
        Some(word) => interned.code(&word),
    };
    let codes: Vec<u32> = (0..block.rows()).map(code).collect();
    match codes.iter().all(|&code| code == MISSING) {
        true => Part::Empty(codes.len()),
        false => Part::Words(Words {
            codes,
            words: interned.words,
        }),
    }
}

/// Different words in the order of their first occurrence.
#[derive(Default)]
struct Interned {
    index: HashMap<String, u32>,
    words: Vec<String>,
}

impl Interned {
    fn code(&mut self, word: &str) -> u32 {
        if let Some(&code) = self.index.get(word) {
            return code;
        }
        let code = self.words.len() as u32;
        self.index.insert(word.to_owned(), code);
        self.words.push(word.to_owned());
        code
    }
}

/// A column of the pieces so far.
#[derive(Default)]
struct Growing {
    cells: Option<Cells>,
    /// Rows before the first that is not missing.
    empty: usize,
    interned: Interned,
    is_mixed: bool,
}

impl Growing {
    fn add(&mut self, part: Part) {
        match (&mut self.cells, part) {
            (None, Part::Empty(rows)) => self.empty += rows,
            (None, Part::Numbers(numbers)) => {
                let mut all = vec![f64::NAN; self.empty];
                all.extend(numbers);
                self.cells = Some(Cells::Numbers(all));
            }
            (None, Part::Words(words)) => {
                let codes = vec![MISSING; self.empty];
                let words_of = Vec::new();
                self.cells = Some(Cells::Words(Words {
                    codes,
                    words: words_of,
                }));
                self.add(Part::Words(words));
            }
            (Some(Cells::Numbers(all)), Part::Empty(rows)) => {
                all.resize(all.len() + rows, f64::NAN);
            }
            (Some(Cells::Numbers(all)), Part::Numbers(numbers)) => all.extend(numbers),
            (Some(Cells::Words(all)), Part::Empty(rows)) => {
                all.codes.resize(all.codes.len() + rows, MISSING);
            }
            (Some(Cells::Words(all)), Part::Words(words)) => {
                let codes: Vec<u32> = { words.words.iter() }
                    .map(|word| self.interned.code(word))
                    .collect();
                all.codes.extend(words.codes.iter().map(|&code| match code {
                    MISSING => MISSING,
                    code => codes[code as usize],
                }));
            }
            (Some(_), _) => self.is_mixed = true,
        }
    }

    fn finish(self, rows: usize) -> Cells {
        match self.cells {
            None => Cells::Numbers(vec![f64::NAN; rows]),
            Some(Cells::Words(words)) => Cells::Words(Words {
                codes: words.codes,
                words: self.interned.words,
            }),
            Some(numbers) => numbers,
        }
    }
}

/// An error about cells of the table at `path`: the data break a rule.
pub fn refuse(path: &Path, reason: impl std::fmt::Display) -> anyhow::Error {
    exit::data(format!("{}: {reason}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Raw {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, text).unwrap();
        read(&path, Reading::default(), &Rules::default()).unwrap()
    }

    fn words(raw: &Raw, column: usize) -> Vec<Option<String>> {
        (0..raw.rows)
            .map(|row| raw.columns[column].cells.word(row))
            .collect()
    }

    #[test]
    fn columns_are_numbers_if_all_their_cells_are() {
        let raw = table("a,b,c,d\n1,x,,007\nNA,2,,1\n3,,,2\n");
        assert!(matches!(&raw.columns[0].cells, Cells::Numbers(n) if n[0] == 1.0 && n[1].is_nan()));
        let of = |word: &str| Some(word.to_owned());
        assert_eq!(words(&raw, 1), [of("x"), of("2"), None]);
        assert_eq!(words(&raw, 2), [None, None, None]);
        assert_eq!(words(&raw, 3), [of("007"), of("1"), of("2")]);
    }

    #[test]
    fn a_word_far_down_makes_words_of_all() {
        let mut text = "a,b\n".to_owned();
        for row in 0..200_000 {
            text += &format!("{row},{}\n", if row < 10 { "" } else { "3.0" });
        }
        text += "end,4\n";
        let raw = table(&text);
        assert_eq!(raw.columns[0].cells.word(12), Some("12".to_owned()));
        assert_eq!(raw.columns[0].cells.word(200_000), Some("end".to_owned()));
        assert!(
            matches!(&raw.columns[1].cells, Cells::Numbers(n) if n[0].is_nan() && n[10] == 3.0)
        );
        assert_eq!(raw.rows, 200_001);
    }
}
