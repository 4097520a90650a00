//! The part of the header of a model file that is specific to `ts`: how its data are read, its settings, and the
//! seasons in use.

use serde::{Deserialize, Serialize};

use super::params::{DataBlock, ModelBlock, Season};
use super::shape::{self, Layout, Names, Shape};
use tables::clock::DateFormat;
use tables::{Decimal, Duplicates, Gaps};

/// The task's part of the header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// How newer observations are read.
    pub data: Reading,
    /// As given.
    pub season: Season,
    /// Default number of steps to forecast.
    pub horizon: usize,
    /// As given.
    pub model: ModelBlock,
    /// The frequency in words.
    pub frequency: String,
    /// Steps of each season in use.
    pub seasons: Vec<usize>,
    /// Series with values below zero, in either part.
    pub negative: usize,
    /// The test part, which nothing was fitted to but which updates the states; absent: it was empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<Later>,
}

/// Observations after the training part that a model holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Later {
    /// SHA-256 of the prepared test part, in hex.
    pub sha256: String,
    /// Steps of all series.
    pub rows: u64,
    /// The last time of any series.
    pub last: String,
}

/// Names of the columns, and how missing and repeated steps are handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Absent: inferred from the columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// Null: one series.
    pub id: Option<Names>,
    pub time: String,
    /// How times are written; absent: as they look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_format: Option<DateFormat>,
    pub value: Names,
    /// Decimal mark of numbers in texts; absent: plain numbers such as 1234.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<Decimal>,
    pub gaps: Gaps,
    pub duplicates: Duplicates,
}

impl Reading {
    /// As `params.yaml` says.
    pub fn of(data: &DataBlock) -> Self {
        Self {
            layout: data.layout.given(),
            id: data.id.clone(),
            time: data.time.clone(),
            date_format: data.date_format.given(),
            value: data.value.clone(),
            decimal: data.decimal,
            gaps: data.gaps,
            duplicates: data.duplicates,
        }
    }

    /// How a table holds its series.
    pub fn shape(&self) -> Shape {
        Shape {
            layout: self.layout,
            id: self.id.clone(),
            time: self.time.clone(),
            value: self.value.clone(),
        }
    }

    /// The columns of forecasts that name their series: those of a list as they are, otherwise `unique_id`.
    pub fn id_columns(&self) -> Vec<String> {
        match &self.id {
            Some(Names::Many(names)) => names.clone(),
            _ => vec![shape::ID.to_owned()],
        }
    }
}
