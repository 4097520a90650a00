//! The rows that are put together of an explained row and background rows.

use std::collections::HashMap;

use super::Composite;
use crate::tabular::table::{Column, MISSING, Table, Values, Words};

/// An explained row and background rows, in one table: composites choose among their values.
pub struct Pool {
    /// The background rows, and last the explained one.
    rows: Table,
}

impl Pool {
    /// Of the first row of `explained` and all rows of `background`; `None` unless both have the same
    /// columns and there is such a row.
    pub fn new(explained: &Table, background: &Table) -> Option<Pool> {
        if explained.rows == 0 || explained.columns.len() != background.columns.len() {
            return None;
        }
        let pairs = background.columns.iter().zip(&explained.columns);
        let columns = pairs.map(|(background, explained)| {
            let is_same = background.name == explained.name && background.kind == explained.kind;
            Some(Column {
                name: background.name.clone(),
                kind: background.kind,
                values: appended(&background.values, &explained.values).filter(|_| is_same)?,
            })
        });
        Some(Pool {
            rows: Table {
                rows: background.rows + 1,
                columns: columns.collect::<Option<_>>()?,
            },
        })
    }

    /// Number of background rows.
    pub fn background(&self) -> usize {
        self.rows.rows - 1
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.rows.columns.len()
    }

    /// The table of these rows.
    ///
    /// # Panics
    /// If a background row does not exist.
    pub fn table(&self, composites: &[Composite]) -> Table {
        let explained = self.background() as u32;
        let column = |(place, column): (usize, &Column)| {
            let row = |composite: &Composite| match composite.known[place] {
                true => explained,
                false => composite.background as u32,
            };
            let rows: Vec<u32> = composites.iter().map(row).collect();
            Column {
                name: column.name.clone(),
                kind: column.kind,
                values: column.values.select(&rows),
            }
        };
        Table {
            rows: composites.len(),
            columns: self.rows.columns.iter().enumerate().map(column).collect(),
        }
    }
}

/// Values with the first of others behind them; `None` if they are of another kind.
fn appended(values: &Values, others: &Values) -> Option<Values> {
    Some(match (values, others) {
        (Values::Numbers(numbers), Values::Numbers(others)) => {
            Values::Numbers([&numbers[..], &others[..1]].concat())
        }
        (Values::Texts(texts), Values::Texts(others)) => {
            Values::Texts([&texts[..], &others[..1]].concat())
        }
        (Values::Words(words), Values::Words(others)) => {
            let mut joined = Joined::default();
            let mut codes: Vec<u32> = { words.codes.iter() }
                .map(|&code| joined.code(words, code))
                .collect();
            codes.push(joined.code(others, others.codes[0]));
            Values::Words(Words {
                codes,
                words: joined.words,
            })
        }
        _ => return None,
    })
}

/// The words that occur, which may be few of a long list.
#[derive(Default)]
struct Joined<'w> {
    codes: HashMap<&'w str, u32>,
    words: Vec<String>,
}

impl<'w> Joined<'w> {
    fn code(&mut self, of: &'w Words, code: u32) -> u32 {
        if code == MISSING {
            return MISSING;
        }
        let word = of.words[code as usize].as_str();
        *self.codes.entry(word).or_insert_with(|| {
            self.words.push(word.to_owned());
            self.words.len() as u32 - 1
        })
    }
}
