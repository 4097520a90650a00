//! Reads a table column by column: each as numbers if all its cells are numbers, otherwise as words.
//!
//! A whole number with leading zeros (`007`) is a word: it is a code, and as a number it would lose them.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use rayon::prelude::*;

use super::params::{ColumnUse, DataBlock, TargetKind};
use crate::exit;
use crate::params::choice::Choice;
use models::tabular::{MISSING, Words};
use tables::blocks::{Block, Blocks, Head, Piece};
use tables::profile::understand;
use tables::{Reading, spelling};

/// Pieces of a table that are parsed at a time, for each thread.
const PIECES: usize = 4;
/// From here on doubles do not tell whole numbers apart: 2^53.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

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
    /// Words for a missing value, besides the usual ones.
    pub missing: Vec<String>,
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
            missing: params.missing.clone(),
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

/// What a cell is, if it is to be a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NumberCell {
    Missing,
    Number(f64),
    /// Neither.
    Other,
}

/// Reads a cell as a number. Infinity is one; `NaN` and the usual words for nothing are missing.
pub fn number_cell(text: &str, missing: &[String]) -> NumberCell {
    let trimmed = text.trim();
    if trimmed.is_empty() || missing.iter().any(|word| word == trimmed) {
        return NumberCell::Missing;
    }
    let value = understand(trimmed.as_bytes());
    match value.class.is_number() {
        true if value.number.is_nan() => NumberCell::Missing,
        true if has_leading_zeros(trimmed) => NumberCell::Other,
        true => NumberCell::Number(value.number),
        false if spelling::is_missing_word(trimmed) => NumberCell::Missing,
        false => NumberCell::Other,
    }
}

/// A cell as a word: without white space around it, a number in its shortest spelling, so that `1.0` in one
/// file and `1` in the next are the same. `None` if it is missing.
pub fn word_cell<'a>(text: &'a str, missing: &[String]) -> Option<std::borrow::Cow<'a, str>> {
    let trimmed = text.trim();
    if trimmed.is_empty() || missing.iter().any(|word| word == trimmed) {
        return None;
    }
    let first = trimmed.as_bytes()[0];
    if first.is_ascii_digit() || b"+-.".contains(&first) {
        let value = understand(trimmed.as_bytes());
        let is_exact = value.number.abs() < LARGEST_EXACT;
        if value.class.is_number() && is_exact && !has_leading_zeros(trimmed) {
            return Some(format!("{}", value.number).into());
        }
    }
    Some(trimmed.into())
}

fn has_leading_zeros(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text).as_bytes();
    digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit()
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
        let parse = |piece: Piece| look_at(piece, &head, &as_words, &rules.missing);
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

fn look_at(piece: Piece, head: &Head, as_words: &[bool], missing: &[String]) -> Looked {
    let block = piece.parse(head);
    let part = |(column, &as_words): (usize, &bool)| {
        match as_words {
            true => None,
            false => numbers(&block, column, missing),
        }
        .unwrap_or_else(|| words(&block, column, missing))
    };
    let parts = as_words.iter().enumerate().map(part).collect();
    Looked { block, parts }
}

/// The cells as numbers, unless one is neither a number nor missing.
fn numbers(block: &Block, column: usize, missing: &[String]) -> Option<Part> {
    let mut numbers = Vec::with_capacity(block.rows());
    let mut is_empty = true;
    for row in 0..block.rows() {
        numbers.push(match number_cell(block.text(row, column), missing) {
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

fn words(block: &Block, column: usize, missing: &[String]) -> Part {
    let mut interned = Interned::default();
    let code = |row: usize| match word_cell(block.text(row, column), missing) {
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
    fn cells_are_numbers_missing_or_words() {
        let cell = |text| number_cell(text, &["?".to_owned()]);
        assert_eq!(cell(" 1.5e3 "), NumberCell::Number(1500.0));
        assert_eq!(cell("inf"), NumberCell::Number(f64::INFINITY));
        assert_eq!(cell("0.5"), NumberCell::Number(0.5));
        assert_eq!(cell("0"), NumberCell::Number(0.0));
        for text in ["", "NA", "NaN", "null", "?"] {
            assert_eq!(cell(text), NumberCell::Missing, "{text}");
        }
        for text in ["x", "007", "-01", "1,5", "2024-01-01"] {
            assert_eq!(cell(text), NumberCell::Other, "{text}");
        }
    }

    #[test]
    fn words_have_one_spelling() {
        let cell = |text| word_cell(text, &[]).map(std::borrow::Cow::into_owned);
        assert_eq!(cell(" a b "), Some("a b".to_owned()));
        assert_eq!(cell("1.0"), Some("1".to_owned()));
        assert_eq!(cell("007"), Some("007".to_owned()));
        assert_eq!(cell("-x"), Some("-x".to_owned()));
        assert_eq!(cell(" "), None);
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
