//! Further tables whose columns are added to the rows of the source, in the same way for training and prediction:
//! `prepare` writes them into the parts, `predict` looks them up by what the model remembers of the parameters.
//!
//! Of a table with times only rows *before* the time of a row of the source are added to it, so that nothing is
//! learned from the future. polars has no join that aggregates up to a time of each row; rows are ordered by time once,
//! and what each aggregate is after every row is kept, so that a row costs a binary search.

mod aggregate;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::aggregate::Value;
use self::table::{Joined, Moment};
use super::cells::{NumberCell, Spelling};
use super::columns::{self, value_of};
use super::details::Details;
use super::params::DataBlock;
use super::params::join::JoinBlock;
use super::read::RawColumn;
use crate::exit;
use crate::project::Project;
use models::tabular::ColumnKind;
use scoring::tabular::Cell;
use tables::clock::DateFormat;
use tables::{Column, Kind, Reading, Row, Rows};

/// What a model remembers of the tables that were joined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Column of the source with the time of each row, if there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time: Option<String>,
    /// How times are written, if not as YYYY-MM-DD.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub format: Option<DateFormat>,
    /// As in the parameters.
    pub tables: BTreeMap<String, JoinBlock>,
}

impl Spec {
    /// That of the parameters, if they name tables; times of the source are written in this format.
    pub fn of(params: &DataBlock, format: Option<DateFormat>) -> Option<Self> {
        (!params.join.is_empty()).then(|| Self {
            time: params.time.clone(),
            format,
            tables: params.join.clone(),
        })
    }

    /// The table that a column comes from, if it is joined.
    pub fn table_of(&self, column: &str) -> Option<&str> {
        let is_of = |name: &&String| {
            let rest = column.strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        // Of `a` and `a.b`, the longer one.
        let of = self.tables.keys().filter(is_of);
        of.max_by_key(|name| name.len()).map(String::as_str)
    }

    /// Whether a column of the source is looked at.
    pub fn is_key(&self, column: &str) -> bool {
        let is_key = |block: &JoinBlock| block.on.contains_key(column);
        self.time.as_deref() == Some(column) || self.tables.values().any(is_key)
    }

    /// The same without the tables of these names.
    pub fn without(mut self, names: &[String]) -> Self {
        self.tables.retain(|name, _| !names.contains(name));
        self
    }
}

/// Tables in memory, ready to be joined.
pub struct Joiner {
    spec: Spec,
    spelling: Spelling,
    tables: Vec<Joined>,
    /// Columns of the source that are looked at: each key once, and the time last.
    wanted: Vec<String>,
    /// For each table the places of its keys among them.
    keys: Vec<Vec<usize>>,
    /// The time's.
    time: Option<usize>,
}

/// The rows of a table that have a key without a row in a joined one, where it should have one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unmatched {
    /// Rows with a key.
    pub rows: usize,
    /// Those whose key the joined table does not have.
    pub count: usize,
    /// The first such key, as a person reads it.
    pub example: String,
}

impl Joiner {
    /// Reads the tables of `spec`, whose paths `path` completes.
    ///
    /// # Errors
    /// See [`Joined::read`].
    pub fn open(
        spec: Spec,
        path: impl Fn(&str) -> PathBuf,
        reading: Reading,
        spelling: &Spelling,
    ) -> Result<Self> {
        let table = |(name, block): (&String, &JoinBlock)| {
            Joined::read(name, block, &path(&block.source), reading, spelling)
        };
        let tables: Vec<Joined> = spec.tables.iter().map(table).collect::<Result<_>>()?;
        let mut wanted: Vec<String> = Vec::new();
        let mut place = |column: &String| match wanted.iter().position(|name| name == column) {
            Some(place) => place,
            None => {
                wanted.push(column.clone());
                wanted.len() - 1
            }
        };
        let of_table = |block: &JoinBlock| block.on.keys().map(&mut place).collect();
        let keys = spec.tables.values().map(of_table).collect();
        let has_times = tables.iter().any(Joined::has_times);
        let time = spec.time.as_ref().filter(|_| has_times).map(&mut place);
        Ok(Self {
            spelling: spelling.clone(),
            tables,
            wanted,
            keys,
            time,
            spec,
        })
    }

    /// The tables that rows with the columns `has` are joined with before a model answers them; `None` if there are
    /// none, or if the rows bring all their columns themselves.
    ///
    /// # Errors
    /// Rows that bring some columns of a table; see [`Joiner::open`]; a table that has lost a column of the model.
    pub fn of_model(
        details: &Details,
        has: impl Fn(&str) -> bool,
        project: Option<&Project>,
        reading: Reading,
    ) -> Result<Option<Self>> {
        let Some(spec) = details.join.clone() else {
            return Ok(None);
        };
        let used: Vec<String> = { columns::used(&details.columns).into_iter() }
            .map(|used| used.name)
            .collect();
        let mut brought = Vec::new();
        for name in spec.tables.keys() {
            let of_table: Vec<&String> = { used.iter() }
                .filter(|column| spec.table_of(column) == Some(name))
                .collect();
            let (given, absent): (Vec<&String>, Vec<&String>) =
                of_table.into_iter().partition(|column| has(column));
            match (given.first(), absent.first()) {
                (Some(given), Some(absent)) => {
                    return Err(exit::data(format!(
                        "the rows have the column `{given}` of the joined table {name}, but not `{absent}`; give all \
                         of its columns, or none, so that they are looked up"
                    )));
                }
                (_, None) => brought.push(name.clone()),
                (None, Some(_)) => {}
            }
        }
        let spec = spec.without(&brought);
        if spec.tables.is_empty() {
            return Ok(None);
        }
        let path = |source: &str| match project {
            Some(project) => project.path(source),
            None => PathBuf::from(source),
        };
        let joiner = Self::open(spec, path, reading, &details.spelling)?;
        let names: Vec<&str> = joiner.names().collect();
        let is_lost = |column: &&String| {
            let table = joiner.spec.table_of(column);
            table.is_some() && !names.contains(&column.as_str())
        };
        if let Some(lost) = used.iter().find(is_lost) {
            let table = joiner.spec.table_of(lost).unwrap_or_default();
            return Err(exit::data(format!(
                "{} no longer has what `{lost}` is made of, which the model predicts from",
                joiner.spec.tables[table].source
            )));
        }
        Ok(Some(joiner))
    }

    /// A digest of the tables: answers depend on them.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn digest(&self, project: Option<&Project>) -> Result<String> {
        let mut all = String::new();
        for block in self.spec.tables.values() {
            let path = match project {
                Some(project) => project.path(&block.source),
                None => PathBuf::from(&block.source),
            };
            let files = match path.is_dir() {
                true => tables::folder_files(&path)?,
                false => vec![path],
            };
            for file in files {
                all += &files::digest::file(&file)?;
            }
        }
        Ok(files::digest::bytes(all.as_bytes()))
    }

    /// Columns of the source that must be there.
    pub fn wanted(&self) -> &[String] {
        &self.wanted
    }

    /// The names of the columns that are added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tables
            .iter()
            .flat_map(|table| table.names.iter().map(String::as_str))
    }

    /// The cells that are added to a row of the source, one for each name, given the cells of the wanted columns.
    ///
    /// # Errors
    /// A time that is none.
    pub fn cells(&self, given: &[Option<&str>]) -> Result<Vec<Cell<'_>>, String> {
        let values = self.values(given)?;
        let mut places = self.tables.iter().flat_map(|table| {
            let places = 0..table.names.len();
            places.map(move |place| (table, place))
        });
        let cell = |value: &Value| {
            let from = places.next();
            match (*value, from) {
                (Value::Number(number), _) => Cell::Number(number),
                (Value::Word(code), Some((table, place))) => Cell::Text(table.word(place, code)),
                (Value::Missing | Value::Word(_), _) => Cell::Missing,
            }
        };
        Ok(values.iter().map(cell).collect())
    }

    fn values(&self, given: &[Option<&str>]) -> Result<Vec<Value>, String> {
        let moment = match self.time {
            Some(place) => self.moment(given[place].unwrap_or(""))?,
            None => None,
        };
        let mut values = Vec::new();
        for (table, keys) in self.tables.iter().zip(&self.keys) {
            let key = self.key(keys, given);
            values.extend(table.cells(key.as_deref(), moment)?);
        }
        Ok(values)
    }

    /// The key of a row, as joined tables spell it.
    fn key(&self, places: &[usize], given: &[Option<&str>]) -> Option<String> {
        let words: Vec<_> = { places.iter() }
            .map(|&place| given[place].and_then(|text| self.spelling.word(text)))
            .collect();
        Joined::key(words.iter().map(Option::as_deref))
    }

    /// The time that a cell of the source holds; `None` if it is missing.
    fn moment(&self, text: &str) -> Result<Option<Moment>, String> {
        if let NumberCell::Number(value) = self.spelling.number(text) {
            let is_date = false;
            return Ok(Some(Moment { value, is_date }));
        }
        let Some(word) = self.spelling.word(text) else {
            return Ok(None);
        };
        let time = value_of(&word, ColumnKind::Time, self.spec.format.as_ref())?;
        Ok(time.map(|value| Moment {
            value,
            is_date: true,
        }))
    }

    /// For each table of one row a key, the rows whose key it does not have.
    fn count_unmatched(&self, given: &[Option<&str>], counts: &mut [Unmatched]) {
        let tables = self.tables.iter().zip(&self.keys);
        for ((table, keys), unmatched) in tables.zip(counts) {
            let Some(key) = self.key(keys, given) else {
                continue;
            };
            unmatched.rows += 1;
            if !table.has(&key) {
                if unmatched.count == 0 {
                    let words: Vec<&str> =
                        { keys.iter() }.filter_map(|&place| given[place]).collect();
                    unmatched.example = words.join(", ");
                }
                unmatched.count += 1;
            }
        }
    }

    /// The first joined table of one row a key that does not have the key of a row, and that key.
    pub fn unmatched(&self, given: &[Option<&str>]) -> Option<(&str, String)> {
        let mut counts = vec![Unmatched::default(); self.tables.len()];
        self.count_unmatched(given, &mut counts);
        let names = self.spec.tables.keys().zip(&self.tables).zip(counts);
        let mut missed = names.filter(|((_, table), missed)| table.is_lookup && missed.count > 0);
        missed
            .next()
            .map(|((name, _), missed)| (name.as_str(), missed.example))
    }

    /// The added columns of a whole table.
    ///
    /// # Errors
    /// A time that is none, with the row; a table that has the key of no row; a column of the source with the name of
    /// an added one.
    pub fn join(self, columns: &[Column], rows: &Rows, path: &Path) -> Result<Added> {
        let find = |name: &String| {
            let place = columns.iter().position(|column| column.name == *name);
            place.ok_or_else(|| {
                exit::data(format!(
                    "{}: there is no column `{name}`, which tabular.data.join joins on",
                    path.display()
                ))
            })
        };
        let places: Vec<usize> = self.wanted.iter().map(find).collect::<Result<_>>()?;
        let of_join = |column: &&Column| self.spec.table_of(&column.name).is_some();
        if let Some(taken) = columns.iter().find(of_join) {
            let name = self.spec.table_of(&taken.name).unwrap_or_default();
            return Err(exit::data(format!(
                "{}: the column `{}` has a name as tabular.data.join.{name} gives them; call the join or the column \
                 by another name",
                path.display(),
                taken.name
            )));
        }
        let chunk = |first: &usize| self.join_chunk(rows, *first, &places);
        let firsts: Vec<usize> = (0..rows.len()).step_by(CHUNK).collect();
        let chunks: Vec<Result<Chunk, String>> = firsts.par_iter().map(chunk).collect();
        let mut values = Vec::with_capacity(rows.len() * self.names().count());
        let mut unmatched = vec![Unmatched::default(); self.tables.len()];
        for chunk in chunks {
            let (more, counts) = chunk.map_err(|reason| super::read::refuse(path, reason))?;
            values.extend(more);
            for (all, more) in unmatched.iter_mut().zip(counts) {
                all.add(more);
            }
        }
        self.refuse_unmatched(&unmatched, path)?;
        Ok(Added {
            joiner: self,
            values,
            unmatched,
        })
    }

    fn join_chunk(&self, rows: &Rows, first: usize, places: &[usize]) -> Result<Chunk, String> {
        let mut unmatched = vec![Unmatched::default(); self.tables.len()];
        let mut values = Vec::new();
        let mut row = Row::new();
        for number in first..(first + CHUNK).min(rows.len()) {
            rows.get(number, &mut row);
            let given = given(&row, places);
            let added = self.values(&given);
            values
                .extend(added.map_err(|reason| {
                    format!("row {} (after the header): {reason}", number + 1)
                })?);
            self.count_unmatched(&given, &mut unmatched);
        }
        Ok((values, unmatched))
    }

    /// Refuses a join that adds nothing to any row: the columns hold other things.
    fn refuse_unmatched(&self, unmatched: &[Unmatched], path: &Path) -> Result<()> {
        for ((name, block), missed) in self.spec.tables.iter().zip(unmatched) {
            if missed.rows > 0 && missed.count == missed.rows {
                return Err(exit::data(format!(
                    "{}: no row has a key that is in {} (the first is `{}`); look at tabular.data.join.{name}.on",
                    path.display(),
                    block.source,
                    tables::shown(&missed.example)
                )));
            }
        }
        Ok(())
    }
}

/// The added cells of some rows, and what was not found.
type Chunk = (Vec<Value>, Vec<Unmatched>);

/// Rows that are joined at a time.
const CHUNK: usize = 4096;

/// The cells of a row at some places.
pub fn given<'r>(row: &'r Row, places: &[usize]) -> Vec<Option<&'r str>> {
    let cell = |&place: &usize| (!row.is_missing(place)).then(|| row.text(place));
    places.iter().map(cell).collect()
}

impl Unmatched {
    fn add(&mut self, more: Unmatched) {
        if self.count == 0 {
            self.example = more.example;
        }
        self.rows += more.rows;
        self.count += more.count;
    }
}

/// The cells that are added to the rows of a table.
pub struct Added {
    joiner: Joiner,
    /// Row by row.
    values: Vec<Value>,
    unmatched: Vec<Unmatched>,
}

impl Added {
    /// What to warn about: rows without a row in a table that should have one.
    pub fn warnings(&self) -> Vec<String> {
        let tables = self.joiner.spec.tables.iter().zip(&self.joiner.tables);
        let missed = tables
            .zip(&self.unmatched)
            .filter(|((_, table), missed)| table.is_lookup && missed.count > 0);
        let warning = |(((name, block), _), missed): (((&String, &JoinBlock), _), &Unmatched)| {
            format!(
                "tabular.data.join.{name}: {} of {} rows have a key that is not in {} (the first: `{}`); its columns \
                 are missing there",
                missed.count,
                missed.rows,
                block.source,
                tables::shown(&missed.example)
            )
        };
        missed.map(warning).collect()
    }

    /// The added columns.
    pub fn columns(&self) -> Vec<Column> {
        self.joiner.names().map(Column::new).collect()
    }

    /// The added columns with their cells.
    pub fn into_columns(self) -> Vec<RawColumn> {
        let tables = self.joiner.tables.iter();
        let places =
            tables.flat_map(|table| (0..table.names.len()).map(move |place| (table, place)));
        let width = self.joiner.names().count();
        let column = |(column, (table, place)): (usize, (&Joined, usize))| RawColumn {
            name: table.names[place].clone(),
            cells: table.as_cells(place, self.values.iter().skip(column).step_by(width)),
        };
        places.enumerate().map(column).collect()
    }

    /// Appends the added cells of row `number` to it, as the source would spell them.
    pub fn append(&self, number: usize, row: &mut Row) {
        let width = self.joiner.names().count();
        let values = &self.values[number * width..(number + 1) * width];
        let mut values = values.iter();
        for table in &self.joiner.tables {
            for place in 0..table.names.len() {
                match values.next() {
                    Some(Value::Number(value)) => {
                        row.push(Kind::Number, &self.joiner.spelling.spell(*value));
                    }
                    Some(Value::Word(code)) => row.push(Kind::Text, table.word(place, *code)),
                    Some(Value::Missing) | None => row.push(Kind::Null, ""),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
