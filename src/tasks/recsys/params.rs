//! The `recsys` block of `params.yaml`: as written ([`Block`]) and as checked ([`Params`]).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::params::batch::Batch;
use crate::params::choice::Choice;
use crate::params::gate::{self, Gate};
use crate::params::{Invalid, data, require};
use models::recsys::{Kind, ModelOptions, als, ease, graph, knn};
use tables::clock::DateFormat;
use tables::{Decimal, Delimiter, Encoding, Escape, Quote, Reading};

/// Recommendation.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Block {
    /// The size of the data made by `easylife sample`.
    pub sample: SampleBlock,
    /// The source of the interactions, and its columns.
    pub data: DataBlock,
    /// How the source is split into a training and a test part.
    pub split: SplitBlock,
    /// The model and how it is chosen.
    pub model: ModelBlock,
    /// What counts as relevant.
    pub eval: EvalBlock,
    /// Bounds on the metrics, by name: `{ndcg_at_20: {min: 0.1}}`.
    pub gate: Gate,
    /// The default input and output of `easylife predict recsys`.
    pub predict: Batch,
}

/// The size of the data made by `easylife sample`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SampleBlock {
    /// Number of users.
    pub users: usize,
    /// Number of items.
    pub items: usize,
    /// Number of later users, to be folded in.
    pub incoming: usize,
}

impl Default for SampleBlock {
    fn default() -> Self {
        Self {
            users: 800,
            items: 400,
            incoming: 20,
        }
    }
}

/// The source of the interactions, and its columns.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataBlock {
    /// File or folder of tables: CSV, TSV, JSON lines (also .gz, .zst) or Parquet.
    pub source: String,
    /// A separate test part; absent: the source is split.
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
    /// Decimal mark of numbers in texts, `,` or `.`; thousands separators are then read, too. Absent: plain numbers
    /// such as 1234.5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<Decimal>,
    /// Whether the first line of CSV files names the columns; `false`: their names are `1`, `2`, ...
    pub header: bool,
    /// Encoding of text files: utf-8, utf-16le, utf-16be, windows-1252, latin-1, or another by its name on the
    /// web; absent: UTF-8, or what is detected, with a note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// A table with a name for each item; absent: `items.csv` in the folder of the source, if it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
    /// Column of users.
    pub user: String,
    /// Column of items.
    pub item: String,
    /// Column of ratings; optional.
    pub rating: String,
    /// Column of times; optional: numbers, dates or times.
    pub time: String,
    /// How times are written: a pattern of strftime in quotes, as `"%d/%m/%Y"`, or a word for whole numbers that
    /// write times. `auto`: ISO dates and times, and numbers as they are.
    pub date_format: Choice<DateFormat>,
    /// Column of names in the table of items.
    pub title: String,
    /// Users with fewer interactions are left out of the training data.
    pub min_user: usize,
    /// Items with fewer interactions are left out of the training data.
    pub min_item: usize,
}

impl Default for DataBlock {
    fn default() -> Self {
        Self {
            source: "data/raw/recsys/tables/interactions.csv".to_owned(),
            test: None,
            delimiter: None,
            quote: None,
            escape: None,
            decimal: None,
            header: true,
            encoding: None,
            items: None,
            user: "user_id".to_owned(),
            item: "item_id".to_owned(),
            rating: "rating".to_owned(),
            time: "timestamp".to_owned(),
            date_format: Choice::Auto,
            title: "title".to_owned(),
            min_user: 1,
            min_item: 1,
        }
    }
}

impl DataBlock {
    /// Takes the names of columns, and how files are read, from another block.
    pub fn follow(&mut self, prepared: &DataBlock) {
        let DataBlock {
            delimiter,
            quote,
            escape,
            decimal,
            header,
            encoding,
            user,
            item,
            rating,
            time,
            date_format,
            title,
            ..
        } = prepared;
        self.delimiter.clone_from(delimiter);
        self.quote.clone_from(quote);
        self.escape.clone_from(escape);
        self.decimal.clone_from(decimal);
        self.header = *header;
        self.encoding = *encoding;
        self.user.clone_from(user);
        self.item.clone_from(item);
        self.rating.clone_from(rating);
        self.time.clone_from(time);
        self.date_format.clone_from(date_format);
        self.title.clone_from(title);
    }

    /// How files are read.
    pub fn reading(&self) -> Reading {
        Reading {
            decimal: self.decimal,
            header: self.header,
            encoding: self.encoding,
            ..data::reading(self.delimiter, self.quote, self.escape)
        }
    }
}

/// Which interactions become the test part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The last interactions of each user, by share.
    #[default]
    User,
    /// All interactions after one time.
    Time,
    /// The last interaction of each user.
    Last,
}

/// How the source is split.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SplitBlock {
    /// Share of the interactions that becomes the test part; 0: no test part, train on all rows.
    pub test: f64,
    /// Which interactions become the test part.
    pub by: By,
}

impl Default for SplitBlock {
    fn default() -> Self {
        Self {
            test: 0.2,
            by: By::default(),
        }
    }
}

/// Which model is fitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KindChoice {
    /// The one with the best lists on held-out interactions.
    #[default]
    Auto,
    /// Alternating least squares on implicit feedback.
    Als,
    /// A linear model of items by items.
    Ease,
    /// Nearest neighbours of items.
    Knn,
    /// A filter on the graph of users and items.
    Graph,
    /// The popular items, the same for everyone.
    Popular,
}

impl KindChoice {
    fn kind(self) -> Option<Kind> {
        match self {
            KindChoice::Auto => None,
            KindChoice::Als => Some(Kind::Als),
            KindChoice::Ease => Some(Kind::Ease),
            KindChoice::Knn => Some(Kind::Knn),
            KindChoice::Graph => Some(Kind::Graph),
            KindChoice::Popular => Some(Kind::Popular),
        }
    }
}

/// The model and how it is chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelBlock {
    /// Which model is fitted.
    pub kind: KindChoice,
    /// Maximum work of the search, in 10^9 multiply-adds.
    pub budget: f64,
    /// Maximum memory of a model, in GiB.
    pub memory: f64,
    /// Share of a user's interactions after which an older one counts half; 0: all count
    /// the same; `auto`: searched for.
    pub half_life: Choice<f64>,
    /// Weight of an interaction rated below `recsys.eval.relevant`; `auto`: searched for.
    pub disliked: Choice<f64>,
    /// Age at which an interaction counts half for popularity, as a share of the time span of the data; 0: never.
    pub popular_half_life: f64,
    /// Hyperparameters of `als`; `auto`: searched for.
    pub als: Choice<als::AlsOptions>,
    /// Hyperparameters of `ease`; `auto`: searched for.
    pub ease: Choice<ease::EaseOptions>,
    /// Hyperparameters of `knn`; `auto`: searched for.
    pub knn: Choice<knn::KnnOptions>,
    /// Hyperparameters of `graph`; `auto`: searched for.
    pub graph: Choice<graph::GraphOptions>,
}

impl Default for ModelBlock {
    fn default() -> Self {
        Self {
            kind: KindChoice::default(),
            budget: 600.0,
            memory: 4.0,
            half_life: Choice::Auto,
            disliked: Choice::Auto,
            popular_half_life: 0.25,
            als: Choice::Auto,
            ease: Choice::Auto,
            knn: Choice::Auto,
            graph: Choice::Auto,
        }
    }
}

/// What counts as relevant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EvalBlock {
    /// Lowest rating of a relevant item; without ratings every item is relevant.
    pub relevant: f64,
}

impl Default for EvalBlock {
    fn default() -> Self {
        Self { relevant: 4.0 }
    }
}

/// The checked block: every value is usable.
#[derive(Clone, Debug)]
pub struct Params {
    pub sample: SampleBlock,
    pub data: DataBlock,
    /// In [0, 1).
    pub test_share: f64,
    pub by: By,
    /// Absent: any.
    pub kind: Option<Kind>,
    /// The given options, which are not searched.
    pub options: Option<ModelOptions>,
    pub half_life: Option<f64>,
    pub disliked: Option<f64>,
    pub popular_half_life: f64,
    pub budget: f64,
    /// Bytes.
    pub memory: usize,
    pub relevant: f64,
    /// As written, for the model file.
    pub model: ModelBlock,
    /// As written, for the model file.
    pub eval: EvalBlock,
}

impl Block {
    /// Checks every value.
    ///
    /// # Errors
    /// Names the first key with a value that cannot be used.
    pub fn check(&self) -> Result<Params, Invalid> {
        let SampleBlock { users, items, .. } = self.sample;
        require(users >= 20 && items >= 40, "recsys.sample", || {
            format!("{users} users and {items} items are too few; at least 20 and 40")
        })?;
        data::check_source("recsys", &self.data.source)?;
        data::check_reading("recsys", self.data.reading())?;
        require(
            self.eval.relevant.is_finite(),
            "recsys.eval.relevant",
            || format!("{} is not a finite rating", self.eval.relevant),
        )?;
        gate::check("recsys", &self.gate)?;
        self.predict.check("recsys")?;
        let model = &self.model;
        model.check()?;
        Ok(Params {
            sample: self.sample.clone(),
            data: self.data.clone(),
            test_share: data::check_share("recsys", self.split.test)?,
            by: self.split.by,
            kind: model.kind.kind(),
            options: model.options(),
            half_life: model.half_life.given(),
            disliked: model.disliked.given(),
            popular_half_life: model.popular_half_life,
            budget: model.budget,
            memory: (model.memory * f64::from(1 << 30)) as usize,
            relevant: self.eval.relevant,
            model: self.model.clone(),
            eval: self.eval.clone(),
        })
    }
}

impl ModelBlock {
    fn options(&self) -> Option<ModelOptions> {
        match self.kind {
            KindChoice::Auto => None,
            KindChoice::Als => self.als.given().map(ModelOptions::Als),
            KindChoice::Ease => self.ease.given().map(ModelOptions::Ease),
            KindChoice::Knn => self.knn.given().map(ModelOptions::Knn),
            KindChoice::Graph => self.graph.given().map(ModelOptions::Graph),
            KindChoice::Popular => Some(ModelOptions::Popular),
        }
    }

    fn check(&self) -> Result<(), Invalid> {
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let share = |value: f64| (0.0..=1e6).contains(&value);
        require(share(self.budget), "recsys.model.budget", || {
            format!("{} is not a number from 0 to 1000000", self.budget)
        })?;
        require(
            positive(self.memory) && self.memory <= 4096.0,
            "recsys.model.memory",
            || {
                format!(
                    "{} is not a number of GiB above 0 and up to 4096",
                    self.memory
                )
            },
        )?;
        for (key, value) in [
            ("half_life", self.half_life.given().unwrap_or(0.0)),
            ("popular_half_life", self.popular_half_life),
        ] {
            require(share(value), &format!("recsys.model.{key}"), || {
                format!("{value} is not a share of 0 or more")
            })?;
        }
        let disliked = self.disliked.given().unwrap_or(1.0);
        require(
            positive(disliked) && disliked <= 1.0,
            "recsys.model.disliked",
            || format!("{disliked} is not a weight above 0 and up to 1"),
        )?;
        if let Some(als) = self.als.given() {
            let key = |name: &str| format!("recsys.model.als.{name}");
            require((1..=2048).contains(&als.factors), &key("factors"), || {
                format!("{} is not a number from 1 to 2048", als.factors)
            })?;
            require(
                (1..=1000).contains(&als.iterations),
                &key("iterations"),
                || format!("{} is not a number from 1 to 1000", als.iterations),
            )?;
            for (name, value) in [
                ("unobserved", als.unobserved),
                ("regularization", als.regularization),
            ] {
                require(positive(value), &key(name), || not_above_zero(value))?;
            }
            require(
                (0.0..=2.0).contains(&als.exponent),
                &key("exponent"),
                || format!("{} is not a number from 0 to 2", als.exponent),
            )?;
        }
        if let Some(ease) = self.ease.given() {
            require(
                positive(ease.regularization),
                "recsys.model.ease.regularization",
                || not_above_zero(ease.regularization),
            )?;
        }
        if let Some(knn) = self.knn.given() {
            require(knn.neighbours >= 1, "recsys.model.knn.neighbours", || {
                "0 is too few; at least 1".to_owned()
            })?;
        }
        let Some(graph) = self.graph.given() else {
            return Ok(());
        };
        for (name, power) in [
            ("user", graph.user),
            ("taken", graph.taken),
            ("scored", graph.scored),
            ("low_pass", graph.low_pass),
        ] {
            require(
                (0.0..=100.0).contains(&power),
                &format!("recsys.model.graph.{name}"),
                || format!("{power} is not a number from 0 to 100"),
            )?;
        }
        require(graph.factors <= 2048, "recsys.model.graph.factors", || {
            format!("{} is more than 2048", graph.factors)
        })
    }
}

fn not_above_zero(value: f64) -> String {
    format!("{value} is not a number above 0")
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn values_that_make_no_sense_are_refused() {
        let refused = |text: &str| {
            let block: Block = yaml::from_str(text).unwrap();
            block.check().unwrap_err().key
        };
        assert_eq!(refused("split: {test: 1}"), "recsys.split.test");
        assert_eq!(refused("model: {memory: 0}"), "recsys.model.memory");
        assert_eq!(refused("model: {half_life: -1}"), "recsys.model.half_life");
        assert_eq!(refused("model: {disliked: 0}"), "recsys.model.disliked");
        assert_eq!(
            refused("model: {ease: {regularization: 0}}"),
            "recsys.model.ease.regularization"
        );
        let als = "model: {als: {factors: 0, iterations: 8, unobserved: 0.1, regularization: 0.01, exponent: 1}}";
        assert_eq!(refused(als), "recsys.model.als.factors");
    }

    #[test]
    fn options_that_are_given_are_not_searched() {
        let text = "model: {kind: ease, ease: {regularization: 200}}";
        let block: Block = yaml::from_str(text).unwrap();
        let options = ModelOptions::Ease(ease::EaseOptions {
            regularization: 200.0,
        });
        assert_eq!(block.check().unwrap().options, Some(options));
        let block: Block = yaml::from_str("model: {kind: als}").unwrap();
        let params = block.check().unwrap();
        assert_eq!((params.options, params.kind), (None, Some(Kind::Als)));
    }
}
