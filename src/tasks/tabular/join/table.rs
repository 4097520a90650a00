//! One joined table in memory: its rows by key, ordered by time, and what they add to a row of the source.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use anyhow::Result;

use super::aggregate::{Accumulator, Value};
use crate::exit;
use crate::tasks::tabular::cells::Spelling;
use crate::tasks::tabular::columns::{DAY, time_format, value_of};
use crate::tasks::tabular::params::join::{Aggregate, JoinBlock};
use crate::tasks::tabular::read::{self, Cells, Raw, Rules, refuse};
use models::tabular::{ColumnKind, MISSING, Words};
use tables::Reading;

/// A joined table.
pub struct Joined {
    /// Names of the added columns.
    pub names: Vec<String>,
    /// Whether a key has one row at most, so that a key without one is worth a warning.
    pub is_lookup: bool,
    /// Number of rows without a key, or without a time where there are times.
    pub left_out: usize,
    /// For each added column what it is of.
    plans: Vec<Plan>,
    /// The rows of each key, as a range of `rows`.
    keys: HashMap<String, Range<usize>>,
    /// Rows by key, then by time, then as in the file.
    rows: Vec<usize>,
    /// Their times, if the parameters name a column.
    times: Option<Times>,
    /// Rows before a time count from so long before it on.
    within: Option<f64>,
    columns: Vec<Cells>,
    /// For each added column what it is after each of `rows` of a key; empty with `within`.
    running: Vec<Vec<Value>>,
}

/// The times of rows.
struct Times {
    /// In the order of the rows; seconds, or what the numbers count.
    values: Vec<f64>,
    /// Whether they are dates, rather than numbers.
    are_dates: bool,
}

/// What an added column is of.
#[derive(Clone, Copy)]
enum Plan {
    /// The number of rows.
    Count,
    /// The time since the latest.
    Since,
    /// The values of a column.
    Values(usize, Aggregate),
}

/// The time of a row of the source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Seconds, or what the numbers count.
    pub value: f64,
    /// Whether it is written as a date.
    pub is_date: bool,
}

impl Joined {
    /// Reads the table `name`.
    ///
    /// # Errors
    /// A table that cannot be read, lacks a column, holds words where numbers are wanted, or has several rows of a
    /// key and no word on what becomes of them.
    pub fn read(
        name: &str,
        block: &JoinBlock,
        path: &Path,
        reading: Reading,
        spelling: &Spelling,
    ) -> Result<Self> {
        let rules = Rules {
            spelling: spelling.clone(),
            // As numbers, long keys would lose digits.
            as_words: block.on.values().cloned().collect(),
        };
        let raw = read::read(path, reading, &rules)?;
        let find = |column: &str, key: &str| find(&raw, column, name, key, path);
        let keys: Vec<usize> = { block.on.iter() }
            .map(|(of_source, column)| find(column, &format!("on.{of_source}")))
            .collect::<Result<_>>()?;
        let time = { block.time.as_deref() }
            .map(|column| find(column, "time"))
            .transpose()?;
        let (names, plans) = plans(name, block, &raw, path)?;
        let times = { time }
            .map(|column| times(&raw.columns[column].cells))
            .transpose()
            .map_err(|reason| {
                let column = block.time.as_deref().unwrap_or_default();
                refuse(path, format!("column `{column}`: {reason}"))
            })?;
        let (keys, rows) = by_key(&raw, &keys, times.as_ref());
        let mut joined = Self {
            names,
            is_lookup: !block.is_to_many() && block.time.is_none(),
            left_out: raw.rows - rows.len(),
            plans,
            keys,
            times: times.map(|times| times.of(&rows)),
            rows,
            within: block.within,
            columns: raw.columns.into_iter().map(|column| column.cells).collect(),
            running: Vec::new(),
        };
        if joined.is_lookup {
            joined.refuse_repeated(name, path)?;
        }
        if joined.within.is_none() {
            joined.running = joined.run();
        }
        Ok(joined)
    }

    /// The key of some cells; `None` if one of them is missing.
    pub fn key<'t>(cells: impl IntoIterator<Item = Option<&'t str>>) -> Option<String> {
        let mut key = String::new();
        for cell in cells {
            let cell = cell?;
            // With their lengths, several cells are told from one that holds what is between them.
            let _ = write!(key, "{}:{cell}", cell.len()); // a String takes everything
        }
        Some(key)
    }

    /// Whether there are rows of a key.
    pub fn has(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// Whether rows are compared with a time of the source.
    pub fn has_times(&self) -> bool {
        self.times.is_some()
    }

    /// A word of a column, if the added column at `place` holds words.
    pub fn word(&self, place: usize, code: u32) -> &str {
        match self.plans[place] {
            Plan::Values(column, _) => match &self.columns[column] {
                Cells::Words(words) => &words.words[code as usize],
                Cells::Numbers(_) => "",
            },
            Plan::Count | Plan::Since => "",
        }
    }

    /// Values of the added column at `place` as cells of a column.
    pub fn as_cells<'v>(&self, place: usize, values: impl Iterator<Item = &'v Value>) -> Cells {
        let words = match self.plans[place] {
            Plan::Values(column, Aggregate::First | Aggregate::Last) => match &self.columns[column]
            {
                Cells::Words(words) => Some(&words.words),
                Cells::Numbers(_) => None,
            },
            _ => None,
        };
        match words {
            Some(words) => {
                let code = |value: &Value| match value {
                    Value::Word(code) => *code,
                    Value::Missing | Value::Number(_) => MISSING,
                };
                Cells::Words(Words {
                    codes: values.map(code).collect(),
                    words: words.clone(),
                })
            }
            None => {
                let number = |value: &Value| match value {
                    Value::Number(number) => *number,
                    Value::Missing | Value::Word(_) => f64::NAN,
                };
                Cells::Numbers(values.map(number).collect())
            }
        }
    }

    /// The cells that are added to a row with this key and time, one for each of the names. Without a key, or without
    /// a time where one is needed, nothing is known, and all are missing.
    ///
    /// # Errors
    /// A number where the table has dates, or the other way round.
    pub fn cells(&self, key: Option<&str>, moment: Option<Moment>) -> Result<Vec<Value>, String> {
        let nothing = || Ok(vec![Value::Missing; self.plans.len()]);
        let Some(key) = key else {
            return nothing();
        };
        let all = self.keys.get(key).cloned().unwrap_or(0..0);
        let Some(times) = &self.times else {
            return Ok(self.of_rows(all, None));
        };
        let Some(Moment { value, is_date }) = moment else {
            return nothing();
        };
        if is_date != times.are_dates {
            let kind = |is_date| if is_date { "dates" } else { "numbers" };
            return Err(format!(
                "the times of the rows are {}, those of the joined table {}",
                kind(is_date),
                kind(times.are_dates)
            ));
        }
        let known = &times.values[all.clone()];
        let end = known.partition_point(|&time| time < value);
        let start = self.within.map_or(0, |within| {
            known.partition_point(|&time| time < value - within * times.unit())
        });
        let range = all.start + start.min(end)..all.start + end;
        Ok(self.of_rows(range, Some(value)))
    }

    /// The added cells for some rows of a key.
    fn of_rows(&self, range: Range<usize>, now: Option<f64>) -> Vec<Value> {
        let cell = |(place, plan): (usize, &Plan)| match (plan, self.running.get(place)) {
            (Plan::Count, _) => Value::Number(range.len() as f64),
            (Plan::Since, _) => self.since(&range, now),
            (Plan::Values(_, how), _) if range.is_empty() => Accumulator::new(*how).value(),
            (Plan::Values(..), Some(running)) => running[range.end - 1],
            (Plan::Values(column, how), None) => {
                let mut all = Accumulator::new(*how);
                let rows = &self.rows[range.clone()];
                rows.iter()
                    .for_each(|&row| all.add(self.value(*column, row)));
                all.value()
            }
        };
        self.plans.iter().enumerate().map(cell).collect()
    }

    fn since(&self, range: &Range<usize>, now: Option<f64>) -> Value {
        match (&self.times, now) {
            (Some(times), Some(now)) if !range.is_empty() => {
                Value::of((now - times.values[range.end - 1]) / times.unit())
            }
            _ => Value::Missing,
        }
    }

    /// What each added column is after each row of a key.
    fn run(&self) -> Vec<Vec<Value>> {
        let column = |plan: &Plan| {
            let Plan::Values(column, how) = *plan else {
                return Vec::new();
            };
            let mut running = vec![Value::Missing; self.rows.len()];
            for range in self.keys.values() {
                let mut all = Accumulator::new(how);
                for place in range.clone() {
                    all.add(self.value(column, self.rows[place]));
                    running[place] = all.value();
                }
            }
            running
        };
        self.plans.iter().map(column).collect()
    }

    fn value(&self, column: usize, row: usize) -> Value {
        match &self.columns[column] {
            Cells::Numbers(numbers) => Value::of(numbers[row]),
            Cells::Words(words) => match words.codes[row] {
                MISSING => Value::Missing,
                code => Value::Word(code),
            },
        }
    }

    fn refuse_repeated(&self, name: &str, path: &Path) -> Result<()> {
        let repeated = self.keys.values().filter(|range| range.len() > 1);
        // The first in the file, whatever the order of the map.
        let Some(rows) = repeated
            .map(|range| [self.rows[range.start], self.rows[range.start + 1]])
            .min()
        else {
            return Ok(());
        };
        Err(refuse(
            path,
            format!(
                "rows {} and {} (after the header) have the same key; say what becomes of several rows, in \
                 tabular.data.join.{name}: aggregate, count or since, or with `time` the latest is taken",
                rows[0] + 1,
                rows[1] + 1
            ),
        ))
    }
}

impl Times {
    /// Those of some rows.
    fn of(self, rows: &[usize]) -> Self {
        Self {
            values: rows.iter().map(|&row| self.values[row]).collect(),
            ..self
        }
    }

    /// What `within` and `since` count: days of dates, or the unit of numbers.
    fn unit(&self) -> f64 {
        match self.are_dates {
            true => DAY,
            false => 1.0,
        }
    }
}

fn find(raw: &Raw, column: &str, name: &str, key: &str, path: &Path) -> Result<usize> {
    let place = raw.columns.iter().position(|found| found.name == column);
    place.ok_or_else(|| {
        let names: Vec<&str> = raw.columns.iter().map(|c| c.name.as_str()).collect();
        refuse(
            path,
            format!(
                "there is no column `{column}`, which tabular.data.join.{name}.{key} names; it has: {}",
                names.join(", ")
            ),
        )
    })
}

/// The names of the added columns, and what they are of.
fn plans(
    name: &str,
    block: &JoinBlock,
    raw: &Raw,
    path: &Path,
) -> Result<(Vec<String>, Vec<Plan>)> {
    let mut columns = Vec::new();
    if block.count {
        columns.push((format!("{name}.count"), Plan::Count));
    }
    if block.since {
        columns.push((format!("{name}.since"), Plan::Since));
    }
    for (column, list) in &block.aggregate {
        let key = format!("aggregate.{column}");
        let place = find(raw, column, name, &key, path)?;
        for &how in list {
            if how.wants_numbers() {
                refuse_words(&raw.columns[place].cells, how, column, name, path)?;
            }
            let named = format!("{name}.{column}.{}", how.as_str());
            columns.push((named, Plan::Values(place, how)));
        }
    }
    if !block.is_to_many() {
        let apart = |column: &str| {
            block.on.values().any(|key| key == column) || block.time.as_deref() == Some(column)
        };
        let all = raw.columns.iter().map(|column| &column.name);
        let chosen: Vec<&String> = match block.columns.is_empty() {
            true => all.filter(|column| !apart(column)).collect(),
            false => block.columns.iter().collect(),
        };
        for column in chosen {
            let place = find(raw, column, name, "columns", path)?;
            columns.push((
                format!("{name}.{column}"),
                Plan::Values(place, Aggregate::Last),
            ));
        }
    }
    if columns.is_empty() {
        return Err(exit::usage(format!(
            "tabular.data.join.{name} adds no column: {} has only the columns that are joined on",
            path.display()
        )));
    }
    Ok(columns.into_iter().unzip())
}

fn refuse_words(
    cells: &Cells,
    how: Aggregate,
    column: &str,
    name: &str,
    path: &Path,
) -> Result<()> {
    let Cells::Words(words) = cells else {
        return Ok(());
    };
    let is_word = |word: &&String| value_of(word, ColumnKind::Number, None).is_err();
    let word = words.words.iter().find(is_word);
    let word = word.map_or("", String::as_str);
    let code = words.words.iter().position(|other| other == word);
    let row = words
        .codes
        .iter()
        .position(|&found| Some(found as usize) == code);
    Err(refuse(
        path,
        format!(
            "column `{column}` has the word `{}` in row {} (after the header), but {} in \
             tabular.data.join.{name}.aggregate wants numbers; if it stands for a missing value, name it in \
             tabular.data.missing",
            tables::shown(word),
            row.unwrap_or(0) + 1,
            how.as_str()
        ),
    ))
}

/// The times of a column, in the order of the file; NaN is missing.
fn times(cells: &Cells) -> Result<Times, String> {
    let words = match cells {
        Cells::Numbers(numbers) => {
            return Ok(Times {
                values: numbers.clone(),
                are_dates: false,
            });
        }
        Cells::Words(words) => words,
    };
    let format = time_format(&words.words)?;
    let time = |word: &String| {
        let time = value_of(word, ColumnKind::Time, format.as_ref());
        time.map(|time| time.unwrap_or(f64::NAN))
    };
    let of_word: Vec<f64> = words.words.iter().map(time).collect::<Result<_, _>>()?;
    let value = |&code: &u32| match code {
        MISSING => f64::NAN,
        code => of_word[code as usize],
    };
    Ok(Times {
        values: words.codes.iter().map(value).collect(),
        are_dates: true,
    })
}

/// The rows of each key; those without a key, or without a time where there are times, are left out.
fn by_key(
    raw: &Raw,
    keys: &[usize],
    times: Option<&Times>,
) -> (HashMap<String, Range<usize>>, Vec<usize>) {
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut rows: Vec<(usize, usize)> = Vec::new();
    for row in 0..raw.rows {
        let words: Vec<Option<String>> = { keys.iter() }
            .map(|&column| raw.columns[column].cells.word(row))
            .collect();
        let Some(key) = Joined::key(words.iter().map(Option::as_deref)) else {
            continue;
        };
        if times.is_some_and(|times| times.values[row].is_nan()) {
            continue;
        }
        let next = numbers.len();
        rows.push((*numbers.entry(key).or_insert(next), row));
    }
    let time = |row: usize| times.map_or(0.0, |times| times.values[row]);
    rows.sort_by(|a, b| {
        { a.0.cmp(&b.0) }
            .then(time(a.1).total_cmp(&time(b.1)))
            .then(a.1.cmp(&b.1))
    });
    let range = |number: usize| {
        rows.partition_point(|row| row.0 < number)..rows.partition_point(|row| row.0 <= number)
    };
    let ranges = { numbers.into_iter() }
        .map(|(key, number)| (key, range(number)))
        .collect();
    (ranges, rows.into_iter().map(|(_, row)| row).collect())
}
