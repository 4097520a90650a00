//! The first rows of a table of one's own: how it is read, and which columns could have which role by what
//! their cells hold.

use std::path::Path;

use anyhow::Result;

use crate::columns::Role;
use crate::exit;
use tables::clock::{self, Candidates};
use tables::{Decimal, Kind, ReadErrorKind, Reading, Row, Source, spelling};

/// Rows that are looked at.
const HEAD: usize = 1000;

/// In the order in which numbers are counted.
const DECIMALS: [Decimal; 2] = [Decimal::Point, Decimal::Comma];

/// The first rows of a table.
pub(super) struct Head {
    pub(super) names: Vec<String>,
    facts: Vec<Facts>,
    rows: usize,
}

/// What the first cells of a column hold.
#[derive(Clone, Default)]
struct Facts {
    filled: usize,
    /// Numbers as programs write them, with a decimal point and with a decimal comma.
    numbers: [usize; 3],
    /// Numbers without a fraction.
    whole: usize,
    times: usize,
    /// Times that are read in a format only, and the formats that read them all.
    unread: usize,
    formats: Candidates,
    /// With two words or more.
    sentences: usize,
    photos: usize,
    distinct: std::collections::BTreeSet<String>,
}

impl Head {
    /// Of a file, and what must be said so that it is read as it is.
    pub(super) fn read(path: &Path) -> Result<(Head, Reading)> {
        let (mut source, mut reading) = open(path)?;
        let names: Vec<String> = source
            .columns()
            .iter()
            .map(|column| column.name.clone())
            .collect();
        let mut head = Head {
            facts: vec![Facts::default(); names.len()],
            names,
            rows: 0,
        };
        let mut row = Row::new();
        while head.rows < HEAD && source.read(&mut row)? {
            head.rows += 1;
            for (facts, (kind, text)) in head.facts.iter_mut().zip(row.cells()) {
                facts.add(kind, text);
            }
        }
        if head.rows == 0 {
            return Err(exit::data(format!("{}: there are no rows", path.display())));
        }
        let recognised = source.recognised();
        reading.encoding = recognised.encoding;
        reading.delimiter = recognised.delimiter;
        reading.decimal = head.decimal();
        Ok((head, reading))
    }

    /// What marks the decimals of its numbers, where some are read only so, and none only otherwise.
    fn decimal(&self) -> Option<Decimal> {
        let all = |facts: &Facts, kind: usize| facts.is_nearly_all(facts.numbers[kind]);
        let needs = |kind: usize| {
            let mut facts = self.facts.iter();
            facts.any(|facts| all(facts, kind) && !all(facts, 0) && !all(facts, 3 - kind))
        };
        match [needs(1), needs(2)] {
            [true, false] => Some(DECIMALS[0]),
            [false, true] => Some(DECIMALS[1]),
            _ => None,
        }
    }

    /// Whether a column may name series, alone or with others: it is filled, and its values repeat.
    pub(super) fn may_name_series(&self, column: usize) -> bool {
        let facts = &self.facts[column];
        let whole = !facts.is_number() || facts.is_nearly_all(facts.whole);
        facts.fits(Role::Series, self.rows) && whole
    }

    /// The formats that read the times of a column; `None` where they are read without one.
    pub(super) fn dates(&self, column: &str) -> Option<&Candidates> {
        let facts = self.facts_of(column)?;
        facts.is_nearly_all(facts.unread).then_some(&facts.formats)
    }

    /// The cells of a column, each once, sorted.
    pub(super) fn texts(&self, column: &str) -> impl Iterator<Item = &str> {
        let facts = self.facts_of(column).into_iter();
        facts.flat_map(|facts| facts.distinct.iter().map(String::as_str))
    }

    fn facts_of(&self, column: &str) -> Option<&Facts> {
        let index = self.names.iter().position(|name| name == column)?;
        self.facts.get(index)
    }

    /// Whether a column holds numbers.
    pub(super) fn is_number(&self, column: usize) -> bool {
        self.facts[column].is_number()
    }

    /// The column of a role: by name among those whose cells could be it, or the only one that could.
    pub(super) fn guess(&self, role: Role, taken: &[&str]) -> Option<&str> {
        let columns = self.names.iter().map(String::as_str).zip(&self.facts);
        let fitting: Vec<(&str, &Facts)> = columns
            .filter(|(name, facts)| !taken.contains(name) && facts.fits(role, self.rows))
            .collect();
        let names: Vec<&str> = fitting.iter().map(|(name, _)| *name).collect();
        role.guess(&names, taken).or_else(|| match role {
            // One that need not be there is not taken for what it may not be.
            Role::Rating => None,
            // Any whole number may be a time; what is written as a date is one.
            Role::Time => only(&names).or_else(|| {
                let dates = fitting.iter().filter(|(_, facts)| !facts.is_number());
                only(&dates.map(|(name, _)| *name).collect::<Vec<_>>())
            }),
            _ => only(&names),
        })
    }
}

fn only<'a>(names: &[&'a str]) -> Option<&'a str> {
    match names {
        [only] => Some(only),
        _ => None,
    }
}

impl Facts {
    fn add(&mut self, kind: Kind, text: &str) {
        if spelling::is_absent(kind, text) {
            return;
        }
        let text = text.trim();
        self.filled += 1;
        self.numbers[0] += usize::from(text.parse::<f64>().is_ok());
        for (count, decimal) in self.numbers[1..].iter_mut().zip(DECIMALS) {
            let plain = kind != Kind::Text && text.parse::<f64>().is_ok();
            *count += usize::from(plain || decimal.read(text).is_some());
        }
        self.whole += usize::from(text.parse::<i64>().is_ok());
        if clock::parse(text).is_ok() {
            self.times += 1;
        } else if clock::looks_like_time(text) {
            self.unread += 1;
            self.formats.add(text);
        }
        self.sentences += usize::from(text.split_whitespace().nth(1).is_some());
        let name = text.to_ascii_lowercase();
        let ends = [
            ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif",
        ];
        self.photos += usize::from(ends.iter().any(|end| name.ends_with(end)));
        self.distinct.insert(text.to_owned());
    }

    fn is_nearly_all(&self, count: usize) -> bool {
        self.filled > 0 && 20 * count >= 19 * self.filled
    }

    fn is_number(&self) -> bool {
        self.numbers.iter().any(|&count| self.is_nearly_all(count))
    }

    /// Whether a column may have a role, by its first `rows` cells.
    fn fits(&self, role: Role, rows: usize) -> bool {
        let nearly_all = |count: usize| self.is_nearly_all(count);
        let repeats = self.distinct.len() < rows.max(2) / 2 + 1;
        match role {
            Role::Text => 2 * self.sentences > self.filled,
            Role::Label => self.distinct.len() > 1 && repeats && 2 * self.sentences <= self.filled,
            Role::Path => nearly_all(self.photos),
            Role::User | Role::Item => self.distinct.len() > 1 && 2 * self.sentences <= self.filled,
            Role::Rating | Role::Value => self.is_number(),
            Role::Time => nearly_all(self.times + self.unread),
            Role::Series => repeats && self.filled == rows,
            // A number or a class; an id or a text says nothing that can be learned.
            Role::Target => {
                self.distinct.len() > 1
                    && (self.is_number() || repeats)
                    && 2 * self.sentences <= self.filled
            }
        }
    }
}

/// Opens a table with the delimiter that it has, and without a header line where the first one is a row.
fn open(path: &Path) -> Result<(Box<dyn Source>, Reading)> {
    let mut reading = Reading::default();
    loop {
        match tables::open_with(path, reading) {
            Ok(source) if reading.header && source.first_line_is_data() => reading.header = false,
            Ok(source) => return Ok((source, reading)),
            Err(error) => match *error.kind {
                ReadErrorKind::FirstLineIsData(_) if reading.header => reading.header = false,
                _ => return Err(error.into()),
            },
        }
    }
}
