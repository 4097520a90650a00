//! How a table holds its series: a row per value, with columns that name the series, or a row per time, with a column of
//! values for each series. What is not given is inferred from the first rows, with a note.

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

/// Default name of the column of ids.
pub const ID: &str = "unique_id";

/// How a table holds its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// A row per value.
    Long,
    /// A row per time, with a column of values for each series.
    Wide,
}

/// The name of a column, or a list of names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "the name of a column, or a list of names of columns"
)]
pub enum Names {
    /// One name.
    One(String),
    /// A list of names.
    Many(Vec<String>),
}

impl Names {
    /// All names.
    pub fn all(&self) -> &[String] {
        match self {
            Names::One(name) => std::slice::from_ref(name),
            Names::Many(names) => names,
        }
    }
}

/// The given settings of how a table holds its series.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Absent: inferred from the columns.
    pub layout: Option<Layout>,
    /// Absent: one series.
    pub id: Option<Names>,
    pub time: String,
    pub value: Names,
}

/// Maximum number of rows, and of bytes, to infer from.
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

    /// Checks that the settings are consistent.
    ///
    /// # Errors
    /// The key whose value is not.
    pub fn check(self) -> Result<Self, Invalid> {
        let ids: &[String] = self.id.as_ref().map_or(&[], Names::all);
        let no_list =
            |names: Option<&Names>| matches!(names, Some(Names::Many(names)) if names.is_empty());
        require(!no_list(self.id.as_ref()), "ts.data.id", || {
            "the list is empty; name columns, or write null if there is only one series".to_owned()
        })?;
        require(!no_list(Some(&self.value)), "ts.data.value", || {
            "the list is empty; name at least one column".to_owned()
        })?;
        let mut seen = HashSet::new();
        let all = ids.iter().chain([&self.time]);
        for (name, key) in all
            .map(|name| (name, "ts.data.id"))
            .chain(self.value.all().iter().map(|name| (name, "ts.data.value")))
        {
            require(seen.insert(name.as_str()), key, || {
                format!("column `{}` is named twice", shown(name))
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
                    "forecasts have their own column `{}`; rename the column of ids",
                    taken.map_or("", |id| id)
                )
            })?;
        }
        let is_list = matches!(self.value, Names::Many(_));
        require(
            !(is_list && self.layout == Some(Layout::Long)),
            "ts.data.value",
            || "a list of columns needs ts.data.layout: wide".to_owned(),
        )?;
        let wide = is_list || self.layout == Some(Layout::Wide);
        require(!wide || !self.names_ids(), "ts.data.id", || {
            "in a wide table each column is a series, so there are no ids: write null".to_owned()
        })?;
        Ok(self)
    }

    /// Whether columns of ids are given explicitly.
    fn names_ids(&self) -> bool {
        match &self.id {
            None => false,
            Some(Names::One(name)) => name != ID,
            Some(Names::Many(_)) => true,
        }
    }

    /// The columns of a table, by the settings or inferred from its first rows.
    ///
    /// # Errors
    /// Names a missing column.
    pub fn columns(&self, source: &mut Peeked, talk: &Talk) -> Result<SeriesColumns, ReadError> {
        let (columns, note) = self.settle(source)?;
        if let Some(note) = note {
            talk.note(format!("ts: {}: {note}", source.file()));
        }
        Ok(columns)
    }

    /// The same, with a note on what was inferred.
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
                "there is no column `{ID}`, so all rows are taken as one series, `{}` (set ts.data.id: null to confirm)",
                shown(value)
            );
            return Ok((long(&[]), Some(note)));
        }
        let named = has_ids && !ids.is_empty();
        if may_be && !has_value && !named && is_wide(source, time) {
            let series = others(source, time);
            let note = format!(
                "each of {} columns is taken as a series ({}); set ts.data.layout: wide to confirm",
                series.len(),
                listed(&series)
            );
            return Ok((wide(series), Some(note)));
        }
        // One of them is missing.
        for name in ids.iter().chain([value]) {
            source.column(name)?;
        }
        Ok((long(ids), None))
    }
}

/// Completes `data` with the columns inferred from its source, if that can be read.
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

/// The first rows of a table, within the limits.
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

/// Whether no time of the first rows is repeated, as it is with several series.
fn times_differ(source: &mut Peeked, time: usize) -> bool {
    let mut seen = HashSet::new();
    let times = head(source).map(|row| row.text(time).trim().to_owned());
    times.into_iter().all(|time| seen.insert(time))
}

/// Whether each column except the time may be a series: none has a usual name of ids, all hold numbers.
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

#[cfg(test)]
mod tests;
