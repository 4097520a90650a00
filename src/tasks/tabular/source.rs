//! The raw table of `tabular` row by row, and what the split is based on: target, group, time, and the weight, which
//! is only checked.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::cells::{NumberCell, Spelling};
use super::columns::{time_format, value_of};
use super::join::{Added, Joiner};
use super::params::{DataBlock, Params, TargetKind};
use crate::exit;
use crate::params::choice::Choice;
use crate::pipeline::prepare::{BadRows, write_part};
use models::tabular::{ColumnKind, Words};
use tables::clock::DateFormat;
use tables::{Column, Place, ReadError, ReadErrorKind, Row, Rows, Source};

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
    /// Rows whose time is not written as YYYY-MM-DD, with how it is, and the place of the first.
    odd_times: Vec<(usize, String)>,
    first_odd: Option<Place>,
    /// How times are written, if not as YYYY-MM-DD.
    format: Option<DateFormat>,
}

/// Indices of the cells that are used.
struct Places {
    target: usize,
    group: Option<usize>,
    time: Option<usize>,
    weight: Option<usize>,
    /// How cells are spelled; and words once they have been read, whose numbers are plain.
    spelling: Spelling,
    plain: Spelling,
}

impl Places {
    fn find(source: &dyn Source, params: &DataBlock) -> Result<Self, ReadError> {
        let find = |name: &Option<String>| name.as_deref().map(|name| source.column(name));
        Ok(Self {
            target: source.column(&params.target)?,
            group: find(&params.group).transpose()?,
            time: find(&params.time).transpose()?,
            weight: find(&params.weight).transpose()?,
            spelling: Spelling::of(params),
            plain: Spelling {
                decimal: None,
                ..Spelling::of(params)
            },
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
        odd_times: Vec::new(),
        first_odd: None,
        format: None,
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
    if let Err(error) = table.read_odd_times() {
        bad.add(error);
    }
    if table.is_of_numbers(data, &places.plain) {
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
        let label = self.label(row, source, places, params)?;
        self.groups.push(match places.group {
            Some(group) => tables::group_cell(row, group, source)?.map(|g| xxh3_64(g.as_bytes())),
            None => None,
        });
        if let Some(cell) = places.time {
            let time = self.time(row, source, cell, &places.spelling);
            self.times.push(time);
        }
        if let Some(cell) = places.weight {
            check_weight(row, source, cell, &places.spelling)?;
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
        places: &Places,
        params: &DataBlock,
    ) -> Result<String, ReadError> {
        let label = tables::label_cell(row, places.target, source)?;
        let refuse = |kind| source.place(row, places.target).error(kind);
        let Some(label) = places.spelling.word(&label) else {
            return Err(refuse(ReadErrorKind::EmptyLabel));
        };
        match places.plain.number(&label) {
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

    /// The time of the last row; NaN if there is none, and for now if it is written in another way.
    fn time(&mut self, row: &Row, source: &dyn Source, cell: usize, spelling: &Spelling) -> f64 {
        let text = row.text(cell).trim();
        match (
            spelling.number(text),
            value_of(text, ColumnKind::Time, None),
        ) {
            (NumberCell::Missing, _) => f64::NAN,
            (NumberCell::Number(number), _) => number,
            (NumberCell::Other, Ok(time)) => time.unwrap_or(f64::NAN),
            (NumberCell::Other, Err(_)) => {
                self.first_odd
                    .get_or_insert_with(|| source.place(row, cell));
                self.odd_times.push((self.times.len(), text.to_owned()));
                f64::NAN
            }
        }
    }

    /// Reads the times that are written in another way, if all are, and in one.
    fn read_odd_times(&mut self) -> Result<(), ReadError> {
        let Some(place) = self.first_odd.take() else {
            return Ok(());
        };
        let mut words: Vec<String> = self
            .odd_times
            .iter()
            .map(|(_, word)| word.clone())
            .collect();
        words.sort_unstable();
        words.dedup();
        let refuse = |reason: String| {
            let first = tables::shown(&self.odd_times[0].1);
            let reason = format!(
                "`{first}` is not a time for tabular.data.time: {reason}; write YYYY-MM-DD"
            );
            place.clone().error(ReadErrorKind::Unusable(reason))
        };
        if self.times.iter().any(|time| !time.is_nan()) {
            return Err(refuse("others are written as YYYY-MM-DD".to_owned()));
        }
        let format = time_format(&words).map_err(refuse)?;
        for (row, word) in &self.odd_times {
            let time = value_of(word, ColumnKind::Time, format.as_ref());
            self.times[*row] = time.map_err(refuse)?.unwrap_or(f64::NAN);
        }
        self.format = format;
        Ok(())
    }

    /// Whether the target holds numbers, apart from doubtful words.
    fn is_of_numbers(&self, params: &DataBlock, plain: &Spelling) -> bool {
        let cell = |word: &String| plain.number(word);
        let mut words = self.target.words.iter().map(cell).peekable();
        let is_other = |cell: NumberCell| cell == NumberCell::Other;
        let is_class = params.kind == Choice::Given(TargetKind::Classes);
        wants_numbers(params) || (!is_class && words.peek().is_some() && !words.any(is_other))
    }

    /// The cells that other tables add to the rows.
    ///
    /// # Errors
    /// See [`Joiner::join`].
    pub fn join(&self, joiner: &Arc<Joiner>, path: &Path) -> Result<Added> {
        joiner.join(&self.columns, &self.rows, self.format.as_ref(), path)
    }

    /// Writes some of the rows as a part, with the cells that were added to them.
    pub fn write(&self, path: &Path, rows: &[usize], added: Option<&Added>) -> io::Result<()> {
        let mut columns = self.columns.clone();
        columns.extend(added.iter().flat_map(|added| added.columns()));
        let fill = |&number: &usize, row: &mut Row| {
            self.rows.get(number, row);
            if let Some(added) = added {
                added.append(number, row);
            }
        };
        write_part(path, &columns, rows, fill)
    }
}

/// Whether the parameters say that the target is a number.
fn wants_numbers(params: &DataBlock) -> bool {
    matches!(params.kind, Choice::Given(kind) if kind != TargetKind::Classes)
}

fn check_weight(
    row: &Row,
    source: &dyn Source,
    cell: usize,
    spelling: &Spelling,
) -> Result<(), ReadError> {
    let text = row.text(cell).trim();
    match spelling.number(text) {
        NumberCell::Number(weight) if weight >= 0.0 && weight.is_finite() => Ok(()),
        _ => {
            let reason = format!("`{}` is not a weight of 0 or more", tables::shown(text));
            Err(source
                .place(row, cell)
                .error(ReadErrorKind::Unusable(reason)))
        }
    }
}
