//! Which columns of a stranger's table name its series: the fewest that tell its rows of one time apart, or
//! none, or each column is a series.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Result;

use super::head::Head;
use super::own::Chosen;
use crate::columns::Role;
use tables::{Reading, Row, spelling};

/// Cells that are read to find out.
const HASHES: usize = 1 << 21;

/// Hashes of the cells that count: of each row its time, then those of the columns that may name series.
pub(super) struct Rows {
    time: usize,
    columns: Vec<usize>,
    hashes: Vec<u64>,
}

impl Rows {
    /// Of the source, whose column of times is `time`.
    pub fn read(head: &Head, path: &Path, reading: Reading, time: &str) -> Result<Self> {
        let mut source = tables::open_with(path, reading)?;
        let time = source.column(time)?;
        let may_name = |&column: &usize| column != time && head.may_name_series(column);
        let columns: Vec<usize> = (0..head.names.len()).filter(may_name).collect();
        let mut hashes = Vec::new();
        let mut row = Row::new();
        while hashes.len() < HASHES && source.read(&mut row)? {
            if spelling::is_absent(row.kind(time), row.text(time)) {
                continue;
            }
            for &column in [time].iter().chain(&columns) {
                hashes.push(tables::blocks::hash(row.text(column).trim().as_bytes()));
            }
        }
        Ok(Self {
            time,
            columns,
            hashes,
        })
    }

    /// Rows of a time that comes before among those with the same cells in `columns`.
    fn repeated(&self, columns: &[usize]) -> usize {
        let places: Vec<usize> = { columns.iter() }
            .filter_map(|column| self.columns.iter().position(|known| known == column))
            .map(|place| place + 1)
            .collect();
        let mut seen = HashSet::new();
        let rows = self.hashes.chunks(self.columns.len() + 1);
        let again = rows.filter(|row| {
            let key: Vec<u64> = places.iter().map(|&place| row[place]).collect();
            !seen.insert((row[0], key))
        });
        again.count()
    }

    /// Whether each column but the time is a series: two or more, all numbers, none of which is called as values
    /// or ids usually are, in rows of different times.
    pub fn are_wide(&self, head: &Head) -> bool {
        let others = || (0..head.names.len()).filter(|&column| column != self.time);
        let is_usual_name =
            |role: Role| others().any(|column| role.is_usual_name(&head.names[column]));
        others().count() > 1
            && others().all(|column| head.is_number(column))
            && !is_usual_name(Role::Value)
            && !is_usual_name(Role::Series)
            && self.repeated(&[]) == 0
    }

    /// The fewest columns, without `value`, that tell rows of one time apart as well as all of them do.
    pub fn ids(&self, head: &Head, value: &str, key: &str) -> Chosen {
        let mut chosen: Vec<usize> = self.columns.clone();
        chosen.retain(|&column| head.names[column] != value);
        let names: Vec<&str> = { chosen.iter() }
            .map(|&column| head.names[column].as_str())
            .collect();
        let usual = Role::Series.guess(&names, &[]);
        let found = |columns: &[usize]| {
            let names: Vec<String> = { columns.iter() }
                .map(|&column| head.names[column].clone())
                .collect();
            Chosen::names(key, &names, false)
        };
        let least = self.repeated(&chosen);
        if self.repeated(&[]) == least {
            // A column of the usual name may have one value so far.
            let usual = |&&column: &&usize| Role::Series.is_usual_name(&head.names[column]);
            return match chosen.iter().find(usual) {
                Some(&column) => found(&[column]),
                None => Chosen::yaml(key, "null".to_owned(), false),
            };
        }
        // One alone, of the usual name before others; otherwise what can be spared is left out: numbers before
        // texts, names that say nothing before those that do, the last before the first.
        let is_usual_name = |column: &usize| Some(head.names[*column].as_str()) == usual;
        let mut one: Vec<usize> = chosen.clone();
        one.sort_by_key(|column| (!is_usual_name(column), head.is_number(*column), *column));
        if let Some(&column) = one
            .iter()
            .find(|&&column| self.repeated(&[column]) == least)
        {
            return found(&[column]);
        }
        let mut spared: Vec<usize> = chosen.clone();
        let says = |column: usize| {
            Role::Series
                .guess(&[head.names[column].as_str()], &[])
                .is_some()
        };
        spared.sort_by_key(|&column| {
            (
                says(column),
                !head.is_number(column),
                std::cmp::Reverse(column),
            )
        });
        for column in spared {
            let without: Vec<usize> = { chosen.iter().copied() }
                .filter(|other| *other != column)
                .collect();
            if self.repeated(&without) == least {
                chosen = without;
            }
        }
        found(&chosen)
    }
}

/// The keys of a wide table; `id` is that of the columns that name series.
pub(super) fn wide(id: &str) -> [Chosen; 2] {
    [
        Chosen::yaml(&id.replace(".id", ".layout"), "wide".to_owned(), false),
        Chosen::yaml(id, "null".to_owned(), false),
    ]
}
