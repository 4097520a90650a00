//! Further tables whose columns are added to the rows of the source, in the same way for training and prediction:
//! `prepare` writes them into the parts, `predict` looks them up by what the model remembers of the parameters.
//!
//! Of a table with times only rows *before* the time of a row of the source are added to it, so that nothing is
//! learned from the future. The joins of polars that are in use here do not aggregate up to a time of each row; rows are
//! ordered by time once, and what each aggregate is after every row is kept, so that a row costs a binary search.

mod aggregate;
mod table;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::aggregate::Value;
use self::table::{Joined, Moment};
use super::cells::{NumberCell, Spelling};
use super::columns::{self, Used, value_of};
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
    /// How the tables are read.
    pub reading: Reading,
    /// As in the parameters.
    pub tables: BTreeMap<String, JoinBlock>,
}

impl Spec {
    /// That of the parameters, if they name tables; times of the source are written in this format.
    pub fn of(params: &DataBlock, format: Option<DateFormat>) -> Option<Self> {
        (!params.join.is_empty()).then(|| Self {
            time: params.time.clone(),
            format,
            reading: params.reading(),
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

    /// The tables whose columns rows with the columns `has` bring themselves, or that a model with the columns `used`
    /// does not look at.
    ///
    /// # Errors
    /// Rows that bring some columns of a table and lack others.
    pub fn brought(&self, used: &[Used], has: impl Fn(&str) -> bool) -> Result<Vec<&str>> {
        let mut brought = Vec::new();
        for name in self.tables.keys() {
            let of_table = { used.iter() }
                .map(|used| used.name.as_str())
                .filter(|column| self.table_of(column) == Some(name));
            let (given, absent): (Vec<&str>, Vec<&str>) = of_table.partition(|column| has(column));
            match (given.first(), absent.first()) {
                (Some(given), Some(absent)) => {
                    return Err(exit::data(format!(
                        "the rows have the column `{given}` of the joined table {name}, but not `{absent}`; give all \
                         of its columns, or none, so that they are looked up"
                    )));
                }
                (_, None) => brought.push(name.as_str()),
                (None, Some(_)) => {}
            }
        }
        Ok(brought)
    }
}

/// Tables in memory, ready to be joined.
pub struct Joiner {
    spec: Spec,
    /// The files or folders, in the order of the tables.
    paths: Vec<PathBuf>,
    spelling: Spelling,
    tables: Vec<Joined>,
    /// Columns of the source that are looked at: each key once, and the time last.
    wanted: Vec<String>,
    /// For each table the places of its keys among them.
    keys: Vec<Vec<usize>>,
    /// The time's.
    time: Option<usize>,
}

/// The cells that are added to a row, one for each name, and for each table whether it has rows of the row's key;
/// `None` if the row has no key.
struct Found {
    values: Vec<Value>,
    known: Vec<Option<bool>>,
}

/// The rows of a table that have a key without a row in a joined one.
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
    /// Reads the tables of `spec`, whose paths start at the project, or at the working folder without one.
    ///
    /// # Errors
    /// See [`Joined::read`].
    pub fn open(spec: Spec, project: Option<&Project>, spelling: &Spelling) -> Result<Self> {
        let path = |block: &JoinBlock| match project {
            Some(project) => project.path(&block.source),
            None => PathBuf::from(&block.source),
        };
        let paths: Vec<PathBuf> = spec.tables.values().map(path).collect();
        let table = |((name, block), path): ((&String, &JoinBlock), &PathBuf)| {
            Joined::read(name, block, path, spec.reading, spelling)
        };
        let tables: Vec<Joined> = { spec.tables.iter().zip(&paths) }
            .map(table)
            .collect::<Result<_>>()?;
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
            paths,
            tables,
            wanted,
            keys,
            time,
            spec,
        })
    }

    /// The tables that a model with the columns `used` needs.
    ///
    /// # Errors
    /// See [`Joiner::open`]; a table that has lost a column of the model.
    fn of_model(
        spec: Spec,
        used: &[Used],
        project: Option<&Project>,
        spelling: &Spelling,
    ) -> Result<Self> {
        let joiner = Self::open(spec, project, spelling)?;
        for used in used {
            let Some(table) = joiner.spec.table_of(&used.name) else {
                continue;
            };
            if !joiner.names().any(|name| name == used.name) {
                return Err(exit::data(format!(
                    "{} no longer has what `{}` is made of, which the model predicts from",
                    joiner.spec.tables[table].source, used.name
                )));
            }
        }
        Ok(joiner)
    }

    /// The tables that rows with the columns `has` are joined with before a model answers them; `None` if they bring
    /// all their columns themselves.
    ///
    /// # Errors
    /// See [`Spec::brought`] and [`Joiner::open`]; a table that has lost a column of the model.
    pub fn for_rows(
        details: &Details,
        used: &[Used],
        has: impl Fn(&str) -> bool,
        project: Option<&Project>,
    ) -> Result<Option<Self>> {
        let Some(spec) = &details.join else {
            return Ok(None);
        };
        let brought = spec.brought(used, has)?;
        let mut spec = spec.clone();
        spec.tables
            .retain(|name, _| !brought.contains(&name.as_str()));
        if spec.tables.is_empty() {
            return Ok(None);
        }
        Self::of_model(spec, used, project, &details.spelling).map(Some)
    }

    /// A digest of the tables: answers depend on them.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn digest(&self) -> Result<String> {
        let mut all = String::new();
        for path in &self.paths {
            let files = match path.is_dir() {
                true => tables::folder_files(path)?,
                false => vec![path.clone()],
            };
            for file in files {
                all += &files::digest::file(&file)?;
            }
        }
        Ok(files::digest::bytes(all.as_bytes()))
    }

    /// What to warn about: rows of the tables that are added to nothing.
    pub fn warnings(&self) -> Vec<String> {
        let tables = self.spec.tables.iter().zip(&self.tables);
        let left_out = tables.filter(|(_, table)| table.left_out > 0);
        let warning = |((name, block), table): ((&String, &JoinBlock), &Joined)| {
            format!(
                "tabular.data.join.{name}: {} of {} without a key{} are added to nothing",
                crate::report::format::counted(table.left_out as u64, "row", "rows"),
                block.source,
                if table.has_times() { " or a time" } else { "" }
            )
        };
        left_out.map(warning).collect()
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

    /// The cells that are added to a row of the source, one for each name, given the cells of the wanted columns; and
    /// the first table of one row a key that does not have the row's.
    ///
    /// # Errors
    /// A time that is none.
    pub fn look_up(&self, given: &[Option<&str>]) -> Result<(Vec<Cell<'_>>, Option<&str>), String> {
        let found = self.find(given, self.spec.format.as_ref())?;
        let mut values = found.values.iter();
        let mut cells = Vec::with_capacity(values.len());
        for table in &self.tables {
            for (place, value) in (0..table.names.len()).zip(&mut values) {
                cells.push(match *value {
                    Value::Missing => Cell::Missing,
                    Value::Number(number) => Cell::Number(number),
                    Value::Word(code) => Cell::Text(table.word(place, code)),
                });
            }
        }
        let mut tables = self.spec.tables.keys().zip(&self.tables).zip(found.known);
        let missed = tables.find(|((_, table), known)| table.is_lookup && *known == Some(false));
        Ok((cells, missed.map(|((name, _), _)| name.as_str())))
    }

    fn find(&self, given: &[Option<&str>], format: Option<&DateFormat>) -> Result<Found, String> {
        let at = |reason| match self.time {
            Some(place) => format!("column `{}`: {reason}", self.wanted[place]),
            None => reason,
        };
        let moment = match self.time {
            Some(place) => self
                .moment(given[place].unwrap_or(""), format)
                .map_err(at)?,
            None => None,
        };
        let (mut values, mut known) = (Vec::new(), Vec::with_capacity(self.tables.len()));
        for (table, keys) in self.tables.iter().zip(&self.keys) {
            let key = self.key(keys, given);
            known.push(key.as_ref().map(|key| table.has(key)));
            values.extend(table.cells(key.as_deref(), moment).map_err(at)?);
        }
        Ok(Found { values, known })
    }

    /// The key of a row, as joined tables spell it.
    fn key(&self, places: &[usize], given: &[Option<&str>]) -> Option<String> {
        let words: Vec<_> = { places.iter() }
            .map(|&place| given[place].and_then(|text| self.spelling.word(text)))
            .collect();
        Joined::key(words.iter().map(Option::as_deref))
    }

    /// The time that a cell of the source holds; `None` if it is missing.
    fn moment(&self, text: &str, format: Option<&DateFormat>) -> Result<Option<Moment>, String> {
        if let NumberCell::Number(value) = self.spelling.number(text) {
            let is_date = false;
            return Ok(Some(Moment { value, is_date }));
        }
        let Some(word) = self.spelling.word(text) else {
            return Ok(None);
        };
        let time = value_of(&word, ColumnKind::Time, format)?;
        Ok(time.map(|value| Moment {
            value,
            is_date: true,
        }))
    }

    /// The added columns of a whole table, whose times are written in this format.
    ///
    /// # Errors
    /// A time that is none, with the row; a table that has the key of no row; a column of the source with the name of
    /// an added one.
    pub fn join(
        self: &Arc<Self>,
        columns: &[Column],
        rows: &Rows,
        format: Option<&DateFormat>,
        path: &Path,
    ) -> Result<Added> {
        let find = |name: &String| {
            let place = columns.iter().position(|column| column.name == *name);
            place.ok_or_else(|| {
                exit::data(format!(
                    "{}: column `{name}` is absent, but tabular.data.join joins on it",
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
        let chunk = |first: &usize| self.join_chunk(rows, *first, &places, format);
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
            joiner: self.clone(),
            values,
            unmatched,
        })
    }

    fn join_chunk(
        &self,
        rows: &Rows,
        first: usize,
        places: &[usize],
        format: Option<&DateFormat>,
    ) -> Result<Chunk, String> {
        let mut unmatched = vec![Unmatched::default(); self.tables.len()];
        let mut values = Vec::new();
        let mut row = Row::new();
        for number in first..(first + CHUNK).min(rows.len()) {
            rows.get(number, &mut row);
            let given = given(&row, places);
            let found = self.find(&given, format);
            let found = found
                .map_err(|reason| format!("row {} (after the header), {reason}", number + 1))?;
            values.extend(found.values);
            let counts = unmatched.iter_mut().zip(&self.keys).zip(found.known);
            counts.for_each(|((counts, keys), known)| counts.count(known, keys, &given));
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

/// A key as a person reads it.
fn spell_key(keys: &[usize], given: &[Option<&str>]) -> String {
    let words: Vec<&str> = keys.iter().filter_map(|&place| given[place]).collect();
    words.join(", ")
}

impl Unmatched {
    /// Adds a row with these cells, whose key is known, unknown or absent.
    fn count(&mut self, known: Option<bool>, keys: &[usize], given: &[Option<&str>]) {
        if known == Some(false) {
            if self.count == 0 {
                self.example = spell_key(keys, given);
            }
            self.count += 1;
        }
        self.rows += usize::from(known.is_some());
    }

    fn add(&mut self, more: Unmatched) {
        if self.count == 0 {
            self.example = more.example;
        }
        self.rows += more.rows;
        self.count += more.count;
    }
}

/// The joined tables of a model whose rows come one by one, read when the first row needs them.
pub struct Lookup<'a> {
    details: &'a Details,
    used: Vec<Used>,
    project: Option<&'a Project>,
    joiner: OnceCell<Joiner>,
}

impl<'a> Lookup<'a> {
    /// Those of a model with these details.
    pub fn new(details: &'a Details, project: Option<&'a Project>) -> Self {
        Self {
            details,
            used: columns::used(&details.columns),
            project,
            joiner: OnceCell::new(),
        }
    }

    /// What was joined, if anything.
    pub fn spec(&self) -> Option<&'a Spec> {
        self.details.join.as_ref()
    }

    /// The columns that are added to a row, with their cells, given the cells that it has by name; nothing of tables
    /// whose columns it brings itself.
    ///
    /// # Errors
    /// See [`Joiner::for_rows`]; a time that is none.
    pub fn look_up(
        &self,
        has: impl Fn(&str) -> bool,
        text: impl Fn(&str) -> Option<String>,
    ) -> Result<Vec<(&str, Cell<'_>)>> {
        let Some(spec) = self.spec() else {
            return Ok(Vec::new());
        };
        let brought = spec.brought(&self.used, has)?;
        if brought.len() == spec.tables.len() {
            return Ok(Vec::new());
        }
        let joiner = match self.joiner.get() {
            Some(joiner) => joiner,
            None => {
                let (spec, spelling) = (spec.clone(), &self.details.spelling);
                let joiner = Joiner::of_model(spec, &self.used, self.project, spelling)?;
                self.joiner.get_or_init(|| joiner)
            }
        };
        let given: Vec<Option<String>> = { joiner.wanted.iter() }.map(|name| text(name)).collect();
        let given: Vec<Option<&str>> = given.iter().map(Option::as_deref).collect();
        let (cells, _) = joiner.look_up(&given).map_err(exit::data)?;
        let is_wanted = |(name, _): &(&str, Cell<'_>)| {
            let table = spec.table_of(name);
            table.is_some_and(|table| !brought.contains(&table))
        };
        Ok(joiner.names().zip(cells).filter(is_wanted).collect())
    }
}

/// The cells that are added to the rows of a table.
pub struct Added {
    joiner: Arc<Joiner>,
    /// Row by row.
    values: Vec<Value>,
    unmatched: Vec<Unmatched>,
}

impl Added {
    /// What to warn about: rows whose key a table of one row a key does not have.
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
