//! Gathers the rows that break a rule, block by block, and makes findings of them.

use crate::report::validate::{Finding, Level, Offender};
use tables::blocks::{Block, Head, Spot};
use tables::profile::summary::truncate;

/// The first rows that break a rule, with their values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    pub rows: Vec<(Spot, String)>,
    shown: usize,
}

impl Places {
    pub fn of(
        rows: impl Iterator<Item = usize>,
        block: &Block,
        column: usize,
        shown: usize,
    ) -> Places {
        let rows = rows.take(shown);
        let rows = rows.map(|row| (block.spot(row), truncate(block.text(row, column))));
        Places {
            rows: rows.collect(),
            shown,
        }
    }
}

/// The number of rows that break a rule, and the first of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathered {
    pub count: u64,
    pub places: Places,
}

impl Gathered {
    pub fn new(shown: usize) -> Gathered {
        Gathered {
            count: 0,
            places: Places {
                rows: Vec::new(),
                shown,
            },
        }
    }

    /// An empty one that shows as many rows.
    pub fn like(&self) -> Gathered {
        Gathered::new(self.places.shown)
    }

    /// Adds those of any other block; keeps the first by place.
    pub fn merge_by_place(&mut self, other: Gathered) {
        self.count += other.count;
        self.places.rows.extend(other.places.rows);
        self.places.rows.sort();
        self.places.rows.truncate(self.places.shown);
    }

    pub fn add(&mut self, spot: Spot, value: impl FnOnce() -> String) {
        self.count += 1;
        if self.places.rows.len() < self.places.shown {
            self.places.rows.push((spot, truncate(&value())));
        }
    }

    /// Adds those of the next block.
    pub fn merge(&mut self, next: Gathered) {
        self.count += next.count;
        let room = self.places.shown.saturating_sub(self.places.rows.len());
        self.places
            .rows
            .extend(next.places.rows.into_iter().take(room));
    }
}

/// Builds a finding.
pub(crate) struct FindingBuilder<'a> {
    pub head: &'a Head,
    pub rule: &'a str,
    pub level: Level,
    pub column: Option<usize>,
}

impl FindingBuilder<'_> {
    /// A finding with gathered rows.
    pub fn finding(&self, message: String, gathered: &Gathered) -> Finding {
        let rows = gathered.places.rows.iter();
        self.with_rows(
            message,
            gathered.count,
            rows.map(|(spot, value)| (*spot, value.clone())),
        )
    }

    /// A finding with rows and a value for each.
    pub fn with_rows(
        &self,
        message: String,
        count: u64,
        rows: impl Iterator<Item = (Spot, String)>,
    ) -> Finding {
        let name = self
            .column
            .map(|column| self.head.columns[column].name.clone());
        let offender = |(spot, value): (Spot, String)| Offender {
            file: self.head.file(spot).to_owned(),
            line: Some(spot.line()).filter(|&line| line > 0),
            column: name.clone(),
            value,
            text: None,
        };
        Finding {
            level: self.level,
            rule: self.rule.to_owned(),
            column: name.clone(),
            message,
            count,
            rows: rows.map(offender).collect(),
        }
    }

    /// A finding that is not about rows.
    pub fn general(&self, message: String) -> Finding {
        self.with_rows(message, 0, std::iter::empty())
    }
}
