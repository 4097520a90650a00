//! Where the series of a table are: a row a value, with columns that name the series, or a row a time, with a
//! column of values for each of them. What is not said is inferred from the head of the table, and told.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::params::DataBlock;
use crate::columns::Role;
use crate::params::{Invalid, require};
use crate::project::Project;
use crate::talk::Talk;
use tables::{
    NotNumber, Peeked, ReadError, Row, SeriesColumns, SeriesLayout, Source, number, shown, spelling,
};

/// The column that names a series unless it is said otherwise.
pub const ID: &str = "unique_id";

/// How a table holds its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// A row a value.
    Long,
    /// A row a time, with a column of values for each series.
    Wide,
}

/// The name of a column, or a list of names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "the name of a column, or a list of names of columns"
)]
pub enum Names {
    /// One.
    One(String),
    /// A list.
    Many(Vec<String>),
}

impl Names {
    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            Names::One(name) => std::slice::from_ref(name),
            Names::Many(names) => names,
        }
    }
}

/// What was said of where series are.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Absent: as the columns say.
    pub layout: Option<Layout>,
    /// Absent: one series.
    pub id: Option<Names>,
    pub time: String,
    pub value: Names,
}

/// Rows of the head of a table that are looked at, and the bytes of it.
const HEAD: usize = 1000;
const HEAD_BYTES: usize = 1 << 20;

impl Shape {
    /// As `params.yaml` says.
    pub fn of(data: &DataBlock) -> Self {
        Self {
            layout: data.layout.given(),
            id: data.id.clone(),
            time: data.time.clone(),
            value: data.value.clone(),
        }
    }

    /// That what was said goes together.
    ///
    /// # Errors
    /// The key whose value does not.
    pub fn check(self) -> Result<Self, Invalid> {
        let ids: &[String] = self.id.as_ref().map_or(&[], Names::all);
        let no_list =
            |names: Option<&Names>| matches!(names, Some(Names::Many(names)) if names.is_empty());
        require(!no_list(self.id.as_ref()), "ts.data.id", || {
            "name columns, or write null where there is one series".to_owned()
        })?;
        require(!no_list(Some(&self.value)), "ts.data.value", || {
            "name at least one column".to_owned()
        })?;
        let mut seen = HashSet::new();
        let all = ids.iter().chain([&self.time]);
        for (name, key) in all
            .map(|name| (name, "ts.data.id"))
            .chain(self.value.all().iter().map(|name| (name, "ts.data.value")))
        {
            require(seen.insert(name.as_str()), key, || {
                format!("the column `{}` is named twice", shown(name))
            })?;
        }
        if let Some(Names::Many(ids)) = &self.id {
            let of_forecasts = |id: &&String| {
                ["ds", "mean"].contains(&id.as_str())
                    || id.starts_with("lo-")
                    || id.starts_with("hi-")
            };
            let taken = ids.iter().find(of_forecasts);
            require(taken.is_none(), "ts.data.id", || {
                format!(
                    "forecasts have a column `{}` of their own; give that of the ids another name",
                    taken.map_or("", |id| id)
                )
            })?;
        }
        let is_list = matches!(self.value, Names::Many(_));
        require(
            !(is_list && self.layout == Some(Layout::Long)),
            "ts.data.value",
            || "a list of columns is for ts.data.layout: wide".to_owned(),
        )?;
        let wide = is_list || self.layout == Some(Layout::Wide);
        require(!wide || !self.names_ids(), "ts.data.id", || {
            "in a wide table each column is a series, so that it has no id: write null".to_owned()
        })?;
        Ok(self)
    }

    /// Whether somebody named columns of ids.
    fn names_ids(&self) -> bool {
        match &self.id {
            None => false,
            Some(Names::One(name)) => name != ID,
            Some(Names::Many(_)) => true,
        }
    }

    /// The columns of a table, by what was said and, where nothing was, by what its head holds.
    ///
    /// # Errors
    /// Names a column that is not there.
    pub fn columns(&self, source: &mut Peeked, talk: &Talk) -> Result<SeriesColumns, ReadError> {
        let (columns, note) = self.settle(source)?;
        if let Some(note) = note {
            talk.note(format!("ts: {}: {note}", source.file()));
        }
        Ok(columns)
    }

    /// The same, and what is to be said of it.
    pub(super) fn settle(
        &self,
        source: &mut Peeked,
    ) -> Result<(SeriesColumns, Option<String>), ReadError> {
        let ids: &[String] = self.id.as_ref().map_or(&[], Names::all);
        let time = source.column(&self.time)?;
        let wide = |series: Vec<String>| SeriesColumns {
            time: self.time.clone(),
            layout: SeriesLayout::Wide { series },
        };
        let value = match (&self.value, self.layout) {
            (Names::Many(series), _) => return Ok((wide(series.clone()), None)),
            (Names::One(_), Some(Layout::Wide)) => return Ok((wide(others(source, time)), None)),
            (Names::One(value), _) => value,
        };
        let long = |ids: &[String]| SeriesColumns {
            time: self.time.clone(),
            layout: SeriesLayout::Long {
                ids: ids.to_vec(),
                value: value.clone(),
            },
        };
        let has = |name: &String| source.column(name).is_ok();
        let (has_value, has_ids) = (has(value), ids.iter().all(has));
        if has_value && has_ids {
            return Ok((long(ids), None));
        }
        let may_be = self.layout.is_none() && !self.names_ids();
        if may_be && has_value && times_differ(source, time) {
            let note = format!(
                "there is no column `{ID}`, so that all rows are one series, `{}` (ts.data.id: null says so)",
                shown(value)
            );
            return Ok((long(&[]), Some(note)));
        }
        let named = has_ids && !ids.is_empty();
        if may_be && !has_value && !named && is_wide(source, time) {
            let series = others(source, time);
            let note = format!(
                "each of {} columns is taken for a series ({}): ts.data.layout: wide says so",
                series.len(),
                listed(&series)
            );
            return Ok((wide(series), Some(note)));
        }
        // One of them is not there.
        for name in ids.iter().chain([value]) {
            source.column(name)?;
        }
        Ok((long(ids), None))
    }
}

/// `data` with the columns that its source has, where these follow from its head; otherwise as it is.
pub(super) fn settled(project: &Project, shape: &Shape, data: &mut DataBlock) {
    let Ok(source) = tables::open_with(&project.path(&data.source), data.reading()) else {
        return;
    };
    let Ok((columns, _)) = shape.settle(&mut Peeked::new(source)) else {
        return;
    };
    match columns.layout {
        SeriesLayout::Long { ids, .. } if ids.is_empty() => data.id = None,
        SeriesLayout::Long { .. } => {}
        SeriesLayout::Wide { series } => {
            data.id = None;
            data.value = Names::Many(series);
        }
    }
}

/// Every column but the time.
fn others(source: &dyn Source, time: usize) -> Vec<String> {
    let names = source.columns().iter().enumerate();
    let names = names.filter(|(cell, _)| *cell != time);
    names.map(|(_, column)| column.name.clone()).collect()
}

/// The first rows of a table that may be looked at.
fn head(source: &mut Peeked) -> impl Iterator<Item = &Row> {
    let mut bytes = 0;
    for ahead in 0..HEAD {
        match source.peek(ahead) {
            Some(row) if bytes < HEAD_BYTES => bytes += row.bytes(),
            _ => break,
        }
    }
    source.held()
}

/// Whether no time of the head comes twice: rows of several series repeat them.
fn times_differ(source: &mut Peeked, time: usize) -> bool {
    let mut seen = HashSet::new();
    let times = head(source).map(|row| row.text(time).trim().to_owned());
    times.into_iter().all(|time| seen.insert(time))
}

/// Whether each column but the time may be a series: none is called as ids are, all hold numbers.
fn is_wide(source: &mut Peeked, time: usize) -> bool {
    let names = others(source, time);
    let is_id = |name: &String| Role::Series.is_usual_name(name);
    if names.is_empty() || names.iter().any(is_id) || !times_differ(source, time) {
        return false;
    }
    let decimal = source.decimal();
    let mut filled = false;
    let all = head(source).all(|row| {
        row.cells().enumerate().all(|(cell, (kind, text))| {
            let absent = cell == time || spelling::is_missing_number(kind, text);
            filled |= !absent;
            absent || !matches!(number(text, decimal), Err(NotNumber::Other))
        })
    });
    all && filled
}

fn listed(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text: Vec<String> = names.iter().take(SHOWN).map(|name| shown(name)).collect();
    if names.len() > SHOWN {
        text.push(format!("and {} more", names.len() - SHOWN));
    }
    text.join(", ")
}
