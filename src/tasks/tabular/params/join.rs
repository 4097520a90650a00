//! `tabular.data.join`: further tables whose columns are added to the rows of the source.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::params::{Invalid, require};

/// A further table, and what of it is added to the rows of the source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JoinBlock {
    /// File or folder of the table, which is read as the source is.
    pub source: String,
    /// Columns of the source, and the columns of this table that hold the same keys: `{customer_id: id}`.
    pub on: BTreeMap<String, String>,
    /// Columns to add where a key has one row, or of its latest row; empty: all but keys and time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Column of times: only rows before the time of the row that they are added to (`tabular.data.time`) count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Only rows of so many days before that time count (of times that are numbers: of so many units).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<f64>,
    /// What is added where a key has many rows, by column: `{amount: [mean, last]}`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub aggregate: BTreeMap<String, Vec<Aggregate>>,
    /// Add the number of rows of the key.
    pub count: bool,
    /// Add the days since its latest row.
    pub since: bool,
}

/// How the values of many rows become one.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// Their sum; of nothing 0.
    Sum,
    /// Their mean.
    Mean,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The first that is not missing.
    First,
    /// The last that is not missing.
    Last,
    /// The number of different ones.
    Different,
}

impl Aggregate {
    /// The name in parameters and of columns.
    pub fn as_str(self) -> &'static str {
        match self {
            Aggregate::Sum => "sum",
            Aggregate::Mean => "mean",
            Aggregate::Min => "min",
            Aggregate::Max => "max",
            Aggregate::First => "first",
            Aggregate::Last => "last",
            Aggregate::Different => "different",
        }
    }

    /// Whether it is of numbers only.
    pub fn wants_numbers(self) -> bool {
        matches!(
            self,
            Aggregate::Sum | Aggregate::Mean | Aggregate::Min | Aggregate::Max
        )
    }
}

impl JoinBlock {
    /// Whether a key may have many rows, of which it is said what they become.
    pub fn is_to_many(&self) -> bool {
        self.count || self.since || !self.aggregate.is_empty()
    }

    /// Checks what stands under `tabular.data.join.NAME`; `has_time` says whether `tabular.data.time` is given.
    pub(super) fn check(&self, name: &str, has_time: bool) -> Result<(), Invalid> {
        let key = |key: &str| format!("tabular.data.join.{name}.{key}");
        require(!self.source.is_empty(), &key("source"), || {
            "the path is empty; give a file or a folder".to_owned()
        })?;
        require(!self.on.is_empty(), &key("on"), || {
            "no columns to join on; give those of the source and of this table: {customer_id: id}"
                .to_owned()
        })?;
        require(
            self.columns.is_empty() || !self.is_to_many(),
            &key("columns"),
            || {
                "with count, since or aggregate, a key has many rows; name the columns in aggregate: \
                 {amount: [mean]}"
                    .to_owned()
            },
        )?;
        require(self.time.is_none() || has_time, &key("time"), || {
            "the rows of the source have no time to compare with; set tabular.data.time".to_owned()
        })?;
        require(
            self.within.is_none_or(|days| days > 0.0),
            &key("within"),
            || "expected a number of days above 0".to_owned(),
        )?;
        for (word, given) in [("within", self.within.is_some()), ("since", self.since)] {
            require(!given || self.time.is_some(), &key(word), || {
                format!(
                    "times are needed; name the column of times in {}",
                    key("time")
                )
            })?;
        }
        let empty = { self.aggregate.iter() }.find(|(_, list)| list.is_empty());
        match empty {
            None => Ok(()),
            Some((column, _)) => Err(Invalid::new(
                key(&format!("aggregate.{column}")),
                "no aggregates; give some of sum, mean, min, max, first, last, different",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_that_make_no_sense_are_refused() {
        let key = |text: &str, has_time: bool| {
            let block: JoinBlock = yaml::from_str(text).unwrap();
            block.check("orders", has_time).err().map(|error| error.key)
        };
        let refused = |name: &str| Some(format!("tabular.data.join.orders.{name}"));
        let whole = "source: o.csv\non: {id: customer}\n";
        assert_eq!(key(whole, false), None);
        assert_eq!(key("on: {id: customer}", false), refused("source"));
        assert_eq!(key("source: o.csv", false), refused("on"));
        assert_eq!(key(&format!("{whole}time: day\n"), false), refused("time"));
        assert_eq!(key(&format!("{whole}time: day\n"), true), None);
        assert_eq!(key(&format!("{whole}within: 3\n"), true), refused("within"));
        assert_eq!(
            key(&format!("{whole}since: true\n"), true),
            refused("since")
        );
        assert_eq!(
            key(&format!("{whole}time: day\nwithin: 0\n"), true),
            refused("within")
        );
        assert_eq!(
            key(&format!("{whole}columns: [a]\ncount: true\n"), true),
            refused("columns")
        );
        assert_eq!(
            key(&format!("{whole}aggregate: {{a: []}}\n"), true),
            refused("aggregate.a")
        );
    }
}
