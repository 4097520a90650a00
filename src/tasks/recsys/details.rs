//! What the header of a `recsys` model says beside what every model says: its settings, and what the
//! search on held-out interactions found.

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
    /// Columns of the data that it was trained on.
    pub data: Columns,
    /// As given.
    pub model: ModelBlock,
    /// As given.
    pub eval: EvalBlock,
    /// What was used where the settings say `auto`.
    pub chosen: Choice,
    /// Everything tried on held-out interactions; empty where nothing was to be chosen.
    pub held_out: Vec<Trial>,
    /// The test part, by which histories were carried on; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<DataDigest>,
}

/// Names of the columns of a log of interactions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    pub user: String,
    pub item: String,
    /// Need not be there.
    pub rating: String,
    /// Need not be there.
    pub time: String,
    /// How times are written; absent: as they look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_format: Option<DateFormat>,
    /// What marks the decimals of ratings in texts; absent: they are as programs write them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<Decimal>,
}

impl Columns {
    /// What reads a log with these columns.
    pub fn reader(&self) -> RatingColumns<'_> {
        RatingColumns {
            user: &self.user,
            item: &self.item,
            rating: &self.rating,
            time: &self.time,
            format: self.date_format.as_ref(),
        }
    }

    /// Those that `params.yaml` names.
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
