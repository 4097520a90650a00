//! The raw table of `tabular` row by row, and what the split is based on: target, group, time, and the weight, which
//! is only checked.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use anyhow::Result;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::columns::value_of;
use super::params::{DataBlock, Params, TargetKind};
use super::read::{NumberCell, number_cell, word_cell};
use crate::exit;
use crate::params::choice::Choice;
use crate::pipeline::prepare::{BadRows, write_part};
use models::tabular::{ColumnKind, Words};
use tables::{Column, ReadError, ReadErrorKind, Row, Rows, Source};

/// Rows with all their columns, and the values that the split is based on.
pub struct Table {
    pub columns: Vec<Column>,
    pub rows: Rows,
    /// The target, as words.
    pub target: Words,
    /// A hash of the cells of each row.
    pub hashes: Vec<u64>,
    /// The group of each row, if the parameters name a column.
    pub groups: Vec<Option<u64>>,
    /// The time of each row, likewise; NaN is missing.
    pub times: Vec<f64>,
    /// Rows whose target is a word for nothing or not finite: bad among numbers, a class of its own among words.
    doubtful: Vec<ReadError>,
}

/// Indices of the cells that are used.
struct Places {
    target: usize,
    group: Option<usize>,
    time: Option<usize>,
    weight: Option<usize>,
}

impl Places {
    fn find(source: &dyn Source, params: &DataBlock) -> Result<Self, ReadError> {
        let find = |name: &Option<String>| name.as_deref().map(|name| source.column(name));
        Ok(Self {
            target: source.column(&params.target)?,
            group: find(&params.group).transpose()?,
            time: find(&params.time).transpose()?,
            weight: find(&params.weight).transpose()?,
        })
    }
}

/// Reads a whole source.
///
/// # Errors
/// If there are bad rows: names the first and counts all.
pub fn read(path: &Path, params: &Params) -> Result<Table> {
    let data = &params.data;
    let mut source = tables::open_with(path, data.reading())?;
    let places = Places::find(source.as_ref(), data)?;
    let mut table = Table {
        columns: source.columns().to_vec(),
        rows: Rows::default(),
        target: Words::default(),
        hashes: Vec::new(),
        groups: Vec::new(),
        times: Vec::new(),
        doubtful: Vec::new(),
    };
    let mut index = HashMap::new();
    let mut bad = BadRows::default();
    let mut row = Row::new();
    loop {
        match source.read(&mut row) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                let ends = !error.is_record();
                bad.add(error);
                if ends {
                    break;
                }
                continue;
            }
        }
        if let Err(error) = table.add(&row, source.as_ref(), &places, data, &mut index) {
            bad.add(error);
        }
    }
    if table.is_of_numbers(data) {
        table.doubtful.drain(..).for_each(|error| bad.add(error));
    }
    bad.refuse()?;
    if table.rows.is_empty() {
        return Err(exit::data(format!("{} holds no rows", path.display())));
    }
    Ok(table)
}

impl Table {
    /// Adds the last row of a source.
    fn add(
        &mut self,
        row: &Row,
        source: &dyn Source,
        places: &Places,
        params: &DataBlock,
        index: &mut HashMap<String, u32>,
    ) -> Result<(), ReadError> {
        let label = self.label(row, source, places.target, params)?;
        self.groups.push(match places.group {
            Some(group) => tables::group_cell(row, group, source)?.map(|g| xxh3_64(g.as_bytes())),
            None => None,
        });
        if let Some(cell) = places.time {
            self.times.push(time(row, source, cell, params)?);
        }
        if let Some(cell) = places.weight {
            check_weight(row, source, cell, params)?;
        }
        let next = self.target.words.len() as u32;
        let code = *index.entry(label).or_insert_with_key(|label| {
            self.target.words.push(label.clone());
            next
        });
        self.target.codes.push(code);
        let mut hash = Xxh3::new();
        for (_, text) in row.cells() {
            hash.update(text.as_bytes());
            hash.update(&[0]);
        }
        self.hashes.push(hash.digest());
        self.rows.push(row);
        Ok(())
    }

    /// The target of the last row, as a word.
    fn label(
        &mut self,
        row: &Row,
        source: &dyn Source,
        cell: usize,
        params: &DataBlock,
    ) -> Result<String, ReadError> {
        let label = tables::label_cell(row, cell, source)?;
        let refuse = |kind| source.place(row, cell).error(kind);
        let Some(label) = word_cell(&label, &params.missing) else {
            return Err(refuse(ReadErrorKind::EmptyLabel));
        };
        match number_cell(&label, &params.missing) {
            NumberCell::Number(number) if number.is_finite() => {}
            NumberCell::Number(_) => {
                let reason = format!("`{label}` is not a finite number");
                self.doubtful.push(refuse(ReadErrorKind::Unusable(reason)));
            }
            NumberCell::Missing => self.doubtful.push(refuse(ReadErrorKind::EmptyLabel)),
            NumberCell::Other if wants_numbers(params) => {
                let reason = format!(
                    "`{}` is not a number, which tabular.data.kind says of the target",
                    tables::shown(&label)
                );
                return Err(refuse(ReadErrorKind::Unusable(reason)));
            }
            NumberCell::Other => {}
        }
        Ok(label.into_owned())
    }

    /// Whether the target holds numbers, apart from doubtful words.
    fn is_of_numbers(&self, params: &DataBlock) -> bool {
        let cell = |word: &String| number_cell(word, &params.missing);
        let mut words = self.target.words.iter().map(cell).peekable();
        let is_other = |cell: NumberCell| cell == NumberCell::Other;
        let is_class = params.kind == Choice::Given(TargetKind::Classes);
        wants_numbers(params) || (!is_class && words.peek().is_some() && !words.any(is_other))
    }

    /// Writes some of the rows as a part.
    pub fn write(&self, path: &Path, rows: &[usize]) -> io::Result<()> {
        let fill = |&number: &usize, row: &mut Row| self.rows.get(number, row);
        write_part(path, &self.columns, rows, fill)
    }
}

/// Whether the parameters say that the target is a number.
fn wants_numbers(params: &DataBlock) -> bool {
    matches!(params.kind, Choice::Given(kind) if kind != TargetKind::Classes)
}

/// The time of the last row; NaN if there is none.
fn time(row: &Row, source: &dyn Source, cell: usize, params: &DataBlock) -> Result<f64, ReadError> {
    let text = row.text(cell).trim();
    let number = number_cell(text, &params.missing);
    let value = match number {
        NumberCell::Missing => return Ok(f64::NAN),
        NumberCell::Number(number) => Ok(Some(number)),
        NumberCell::Other => value_of(text, ColumnKind::Time),
    };
    let refuse = |reason: String| {
        let reason = format!(
            "{reason}, as tabular.data.time needs: YYYY-MM-DD, with a time of day or without"
        );
        source
            .place(row, cell)
            .error(ReadErrorKind::Unusable(reason))
    };
    value.map(|value| value.unwrap_or(f64::NAN)).map_err(refuse)
}

fn check_weight(
    row: &Row,
    source: &dyn Source,
    cell: usize,
    params: &DataBlock,
) -> Result<(), ReadError> {
    let text = row.text(cell).trim();
    match number_cell(text, &params.missing) {
        NumberCell::Number(weight) if weight >= 0.0 && weight.is_finite() => Ok(()),
        _ => {
            let reason = format!("`{}` is not a weight of 0 or more", tables::shown(text));
            Err(source
                .place(row, cell)
                .error(ReadErrorKind::Unusable(reason)))
        }
    }
}
