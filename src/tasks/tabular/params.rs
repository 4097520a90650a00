//! The `tabular` block of `params.yaml`: as written ([`Block`]) and as checked ([`Params`]).

mod check;
pub mod join;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::join::JoinBlock;
use crate::params::batch::Batch;
use crate::params::choice::Choice;
use crate::params::gate::Gate;
use models::tabular::{ColumnKind, Member};
use tables::{Decimal, Delimiter, Encoding, Escape, Quote};

pub use check::Params;

/// Tables: classes, numbers, counts or quantiles out of columns of any kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Block {
    /// The size of the data made by `easylife sample`.
    pub sample: SampleBlock,
    /// The source of the table, and its columns.
    pub data: DataBlock,
    /// How the source is split into a training and a test part.
    pub split: SplitBlock,
    /// What is fitted.
    pub model: ModelBlock,
    /// What `evaluate` measures separately.
    pub eval: EvalBlock,
    /// Bounds on the metrics, by name: `{roc_auc: {min: 0.8}}`.
    pub gate: Gate,
    /// The default input and output of `easylife predict tabular`.
    pub predict: Batch,
}

/// The size of the data made by `easylife sample`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SampleBlock {
    /// Number of customers, who stayed or left.
    pub rows: usize,
    /// Number of customers to be scored.
    pub incoming: usize,
    /// Number of houses with their prices.
    pub houses: usize,
    /// Add a column to the customers that nobody knows in time: it is there to be found.
    pub leak: bool,
}

impl Default for SampleBlock {
    fn default() -> Self {
        Self {
            rows: 4000,
            incoming: 500,
            houses: 3000,
            leak: false,
        }
    }
}

/// The source of the table, and its columns.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataBlock {
    /// File or folder of tables: CSV, TSV, JSON lines (also .gz, .zst) or Parquet.
    pub source: String,
    /// A separate test file; absent: the source is split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// Delimiter of the columns of CSV files; absent: a comma, or the detected one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<Delimiter>,
    /// Quote character of CSV files; absent: `"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// How a quote inside a quoted text is escaped in CSV files; absent: doubled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escape: Option<Escape>,
    /// Whether the first line of CSV files names the columns; `false`: their names are `1`, `2`, ...
    pub header: bool,
    /// Encoding of text files: utf-8, utf-16le, utf-16be, windows-1252, latin-1, or another by its name on the
    /// web; absent: UTF-8, or what is detected, with a note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Decimal mark of numbers in texts: `,` as in 1.234,5, or `.` as in 1,234.5; absent: plain numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<Decimal>,
    /// Column that is predicted.
    pub target: String,
    /// What the target is: `classes`, `number`, `count` (never negative), or `quantiles` of a number; `auto`:
    /// classes for words and for at most ten different whole numbers, otherwise a number.
    pub kind: Choice<TargetKind>,
    /// Levels of the quantiles, if that is what is predicted.
    pub quantiles: Vec<f64>,
    /// Column of the weights of the rows; absent: all count the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// Rows with the same value in this column stay in the same part and fold; it is not predicted from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Column of times (dates or numbers) by which the table is split: rows are tested on, and held out, after
    /// those that are trained on; absent: rows are split at random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Words for a missing value, besides an empty cell and, among numbers and dates, the usual ones (`NA`,
    /// `null`, ...).
    pub missing: Vec<String>,
    /// What columns hold, by name, where the guess is wrong: `number`, `boolean`, `category`, `time`, `text`, or
    /// `ignore`.
    pub columns: BTreeMap<String, ColumnUse>,
    /// Further tables, by a name for their columns: those of `orders` are called `orders.count` and so on.
    pub join: BTreeMap<String, JoinBlock>,
}

impl Default for DataBlock {
    fn default() -> Self {
        Self {
            source: "data/raw/tabular/customers.csv".to_owned(),
            test: None,
            delimiter: None,
            quote: None,
            escape: None,
            header: true,
            encoding: None,
            decimal: None,
            target: "churned".to_owned(),
            kind: Choice::Auto,
            quantiles: vec![0.1, 0.5, 0.9],
            weight: None,
            group: None,
            time: None,
            missing: Vec::new(),
            columns: BTreeMap::new(),
            join: BTreeMap::new(),
        }
    }
}

/// What the target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// One of two classes or more.
    Classes,
    /// A number, by its mean.
    Number,
    /// A count, by its mean; never negative.
    Count,
    /// A number, by its quantiles.
    Quantiles,
}

/// What a column holds, or that it is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnUse {
    /// Numbers.
    Number,
    /// True or false.
    Boolean,
    /// Words or numbers that stand for a category.
    Category,
    /// Dates or times.
    Time,
    /// Texts of several words.
    Text,
    /// Not predicted from.
    Ignore,
}

impl ColumnUse {
    /// The kind of column; `None`: it is not used.
    pub fn kind(self) -> Option<ColumnKind> {
        Some(match self {
            ColumnUse::Number => ColumnKind::Number,
            ColumnUse::Boolean => ColumnKind::Boolean,
            ColumnUse::Category => ColumnKind::Category,
            ColumnUse::Time => ColumnKind::Time,
            ColumnUse::Text => ColumnKind::Text,
            ColumnUse::Ignore => return None,
        })
    }
}

/// How the source is split.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SplitBlock {
    /// Share of the rows, of each class, that becomes the test part; with `data.time` the latest ones; 0: no test
    /// part, train on all rows.
    pub test: f64,
}

impl Default for SplitBlock {
    fn default() -> Self {
        Self { test: 0.2 }
    }
}

/// Columns by whose values `evaluate` measures separately.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EvalBlock {
    /// Columns by whose values to measure separately.
    pub slices: Vec<String>,
}

/// What is fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelBlock {
    /// Which model: `linear`, `trees`, the `average` of both; `auto`: the simplest that is as good as the best on
    /// held-out rows.
    pub kind: Choice<ModelKind>,
    /// Number of folds for settings that are `auto`, for calibration and for intervals.
    pub folds: usize,
    /// Calibrate probabilities on held-out rows.
    pub calibrate: bool,
    /// Coverages of the prediction intervals of numbers and counts.
    pub intervals: Vec<f64>,
    /// What an error costs, by the actual class and then the answer: `{yes: {no: 5}, no: {yes: 1}}`; the class
    /// with the least expected cost is the answer. Empty: the most probable class is.
    pub cost: BTreeMap<String, BTreeMap<String, f64>>,
    /// The gradient-boosted trees.
    pub trees: TreesBlock,
    /// The linear model.
    pub linear: LinearBlock,
    /// Number of rows of a category that is told from rare ones.
    pub min_category: usize,
    /// A column of more categories is for the trees what the target is on average for each.
    pub max_category: usize,
    /// Number of n-grams of each text column that are used.
    pub terms: usize,
}

impl Default for ModelBlock {
    fn default() -> Self {
        Self {
            kind: Choice::Auto,
            folds: 5,
            calibrate: true,
            intervals: vec![0.8, 0.95],
            cost: BTreeMap::new(),
            trees: TreesBlock::default(),
            linear: LinearBlock::default(),
            min_category: 3,
            max_category: 32,
            terms: 50,
        }
    }
}

/// Which model answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// A linear model.
    Linear,
    /// Gradient-boosted trees.
    Trees,
    /// The average of both.
    Average,
}

impl TargetKind {
    /// The name in parameters and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            TargetKind::Classes => "classes",
            TargetKind::Number => "number",
            TargetKind::Count => "count",
            TargetKind::Quantiles => "quantiles",
        }
    }
}

impl From<Member> for ModelKind {
    fn from(member: Member) -> Self {
        match member {
            Member::Linear => ModelKind::Linear,
            Member::Trees => ModelKind::Trees,
            Member::Average => ModelKind::Average,
        }
    }
}

impl ModelKind {
    /// The name in parameters and messages.
    pub fn as_str(self) -> &'static str {
        self.member().as_str()
    }

    /// As the maths calls it.
    pub fn member(self) -> Member {
        match self {
            ModelKind::Linear => Member::Linear,
            ModelKind::Trees => Member::Trees,
            ModelKind::Average => Member::Average,
        }
    }
}

/// The trees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TreesBlock {
    /// Number of rounds; `auto`: as many as lower the loss of held-out rows.
    pub rounds: Choice<usize>,
    /// Learning rate.
    pub rate: f64,
    /// Maximum number of leaves of a tree; `auto`: 8 or 31, by the loss of held-out rows.
    pub leaves: Choice<usize>,
    /// Maximum number of splits from the root to a leaf.
    pub depth: usize,
    /// Minimum number of rows in a leaf; `auto`: 10 in small trees, 20 in others.
    pub min_rows: Choice<usize>,
    /// L2 regularization of leaf values.
    pub lambda: f64,
    /// Share of the rows that each tree sees.
    pub row_share: f64,
    /// Share of the columns that each tree sees.
    pub column_share: f64,
    /// Maximum number of bins of a column of numbers.
    pub bins: usize,
    /// Columns of numbers with which the answer may only rise (1) or only fall (-1): `{age: 1}`.
    pub monotone: BTreeMap<String, i8>,
    /// Sets of columns that may be used together on a path of a tree: `[[age, plan], [region]]`; a column in no set
    /// is used alone. Empty: any may.
    pub interactions: Vec<Vec<String>>,
}

impl Default for TreesBlock {
    fn default() -> Self {
        Self {
            rounds: Choice::Auto,
            rate: 0.05,
            leaves: Choice::Auto,
            depth: 64,
            min_rows: Choice::Auto,
            lambda: 1.0,
            row_share: 0.8,
            column_share: 0.7,
            bins: 255,
            monotone: BTreeMap::new(),
            interactions: Vec::new(),
        }
    }
}

/// The linear model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LinearBlock {
    /// Strength of the regularization; `auto`: by the loss of held-out rows.
    pub lambda: Choice<f64>,
    /// Numbers are clipped to this number of standard deviations around their mean.
    pub clip: f64,
}

impl Default for LinearBlock {
    fn default() -> Self {
        Self {
            lambda: Choice::Auto,
            clip: 4.0,
        }
    }
}
