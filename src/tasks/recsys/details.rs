//! The part of the header of a model file that is specific to `recsys`: its settings, and the results of the search on
//! held-out interactions.

use serde::{Deserialize, Serialize};

use artifact::DataDigest;

use super::params::{DataBlock, EvalBlock, ModelBlock};
use models::recsys::{Choice, Trial};
use tables::clock::DateFormat;
use tables::{Decimal, RatingColumns};

/// The task's part of the header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// Columns of the training data.
    pub data: Columns,
    /// As given.
    pub model: ModelBlock,
    /// As given.
    pub eval: EvalBlock,
    /// The values used for settings that are `auto`.
    pub chosen: Choice,
    /// All trials on held-out interactions; empty if nothing was searched.
    pub held_out: Vec<Trial>,
    /// The test part, which extends the histories; absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<DataDigest>,
}

/// Names of the columns of a log of interactions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    pub user: String,
    pub item: String,
    /// Optional column.
    pub rating: String,
    /// Optional column.
    pub time: String,
    /// How times are written; absent: as they look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_format: Option<DateFormat>,
    /// Decimal mark of ratings in texts; absent: plain numbers such as 1234.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<Decimal>,
}

impl Columns {
    /// The reader of a log with these columns.
    pub fn reader(&self) -> RatingColumns<'_> {
        RatingColumns {
            user: &self.user,
            item: &self.item,
            rating: &self.rating,
            time: &self.time,
            format: self.date_format.as_ref(),
        }
    }

    /// The columns named in `params.yaml`.
    pub fn of(data: &DataBlock) -> Self {
        Self {
            user: data.user.clone(),
            item: data.item.clone(),
            rating: data.rating.clone(),
            time: data.time.clone(),
            date_format: data.date_format.given(),
            decimal: data.decimal,
        }
    }
}
