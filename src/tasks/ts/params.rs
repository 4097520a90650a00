//! The `ts` block of `params.yaml`: as written ([`Block`]) and as checked ([`Params`]).

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::params::batch::Batch;
use crate::params::choice::Choice;
use crate::params::gate::{self, Gate};
use crate::params::{Invalid, data, require};
use crate::tasks::ts::shape::{self, Layout, Names, Shape};
use models::ts::{KINDS, Kind};
use tables::clock::{self, DateFormat};
use tables::{Decimal, Delimiter, Duplicates, Encoding, Escape, Gaps, Quote, Reading};

/// Demand forecasting.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Block {
    /// The size of the data made by `easylife sample`.
    pub sample: SampleBlock,
    /// The source of the series, and its columns.
    pub data: DataBlock,
    /// How the source is split into a training and a test part.
    pub split: SplitBlock,
    /// How forecasts of the test part are measured.
    pub eval: EvalBlock,
    /// Time between two steps: an alias of pandas (D, B for business days, W-SUN, MS, ME, QE, 15min), a whole
    /// number for times that are whole numbers, or `auto` for what the data have.
    pub frequency: Choice<Frequency>,
    /// Steps of a season: a number, several as `[24, 168]`, 1 for none, or `auto` for what the frequency usually has
    /// (for whole numbers: what is found in the data).
    pub season: Season,
    /// Number of steps to forecast; `auto`: as many as the test part has, 12 without one.
    pub horizon: Horizon,
    /// The model and its intervals.
    pub model: ModelBlock,
    /// Bounds on the metrics, by name: `{mase: {max: 1.2}}`.
    pub gate: Gate,
    /// The default input and output of `easylife predict ts`.
    pub predict: Batch,
}

/// The size of the data made by `easylife sample`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SampleBlock {
    /// Number of daily series.
    pub series: usize,
    /// Number of days of each series.
    pub days: usize,
}

impl Default for SampleBlock {
    fn default() -> Self {
        Self {
            series: 20,
            days: 800,
        }
    }
}

/// How series with bad rows are handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BadSeries {
    /// `prepare` stops and names the line.
    #[default]
    Error,
    /// The series is left out and listed with the line.
    Skip,
}

/// The source of the series, and its columns.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataBlock {
    /// File or folder of tables: CSV, TSV, JSON lines (also .gz, .zst) or Parquet.
    pub source: String,
    /// A separate test part, later than the source; absent: the source is split.
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
    /// How the table holds its series; `auto`: inferred from its columns.
    pub layout: Choice<Layout>,
    /// The column that names the series, a list of columns that do so together, or `null` if there is only one
    /// series.
    pub id: Option<Names>,
    /// Column of the times: dates, times or whole numbers.
    pub time: String,
    /// How times are written: a pattern of strftime in quotes, as `"%d/%m/%Y"`, or a word for whole numbers that
    /// write times. `auto`: ISO dates and times, and numbers as they look.
    pub date_format: Choice<DateFormat>,
    /// Column of the values, in which an empty cell is a missing value; for a wide table a list of columns, each a
    /// series, if not all columns except the time are.
    pub value: Names,
    /// What a step without a row means.
    pub gaps: Gaps,
    /// How to combine rows of the same series and time.
    pub duplicates: Duplicates,
    /// How series with bad rows are handled.
    pub bad_series: BadSeries,
}

impl Default for DataBlock {
    fn default() -> Self {
        Self {
            source: "data/raw/ts/demand.csv".to_owned(),
            test: None,
            delimiter: None,
            quote: None,
            escape: None,
            decimal: None,
            header: true,
            encoding: None,
            layout: Choice::Auto,
            id: Some(Names::One(shape::ID.to_owned())),
            time: "ds".to_owned(),
            date_format: Choice::Auto,
            value: Names::One("y".to_owned()),
            gaps: Gaps::default(),
            duplicates: Duplicates::default(),
            bad_series: BadSeries::default(),
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
            id,
            time,
            date_format,
            value,
            ..
        } = prepared;
        self.delimiter.clone_from(delimiter);
        self.quote.clone_from(quote);
        self.escape.clone_from(escape);
        self.decimal.clone_from(decimal);
        self.header = *header;
        self.encoding = *encoding;
        self.id.clone_from(id);
        self.time.clone_from(time);
        self.date_format.clone_from(date_format);
        self.value.clone_from(value);
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

/// How the source is split.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SplitBlock {
    /// Steps at the end of each series that become the test part; 0: no test part, train on all.
    pub test: usize,
}

impl Default for SplitBlock {
    fn default() -> Self {
        Self { test: 28 }
    }
}

/// How forecasts of the test part are measured.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EvalBlock {
    /// Number of forecast origins. 1: the end of the training part; more: also times within the test part,
    /// each with all values before it.
    pub origins: usize,
}

impl Default for EvalBlock {
    fn default() -> Self {
        Self { origins: 1 }
    }
}

/// Steps of a season: a number, a list of numbers, or the word `auto`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a number, a list of numbers, or the word `auto`"
)]
pub enum Season {
    One(usize),
    Many(Vec<usize>),
    Word(Auto),
}

impl Default for Season {
    fn default() -> Self {
        Season::Word(Auto::Auto)
    }
}

/// The word `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Auto {
    Auto,
}

/// A frequency: an alias of pandas, or a whole number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "an alias of pandas as D, MS or 15min, a whole number"
)]
pub enum Frequency {
    Number(u64),
    Alias(String),
}

impl Frequency {
    fn check(&self) -> Result<clock::Frequency, Invalid> {
        let text = match self {
            Frequency::Number(number) => number.to_string(),
            Frequency::Alias(alias) => alias.clone(),
        };
        clock::Frequency::parse(&text).map_err(|reason| Invalid::new("ts.frequency", reason))
    }
}

/// Number of steps to forecast, or the word `auto` for as many as the test part has.
pub type Horizon = Choice<usize>;

/// The model and its intervals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelBlock {
    /// Which model a series gets; `auto`: ARIMA, ETS, theta and complex smoothing, weighted by their errors from
    /// earlier origins.
    #[schemars(schema_with = "kinds")]
    pub kind: String,
    /// Widen or narrow intervals by the errors of forecasts from earlier origins.
    pub calibrate: bool,
    /// Cut forecasts and bounds at zero; `auto`: if no value of the training part is below zero.
    pub nonnegative: Choice<bool>,
}

impl Default for ModelBlock {
    fn default() -> Self {
        Self {
            kind: "auto".to_owned(),
            calibrate: true,
            nonnegative: Choice::Auto,
        }
    }
}

/// The checked block: every value is usable.
#[derive(Clone, Debug)]
pub struct Params {
    pub sample: SampleBlock,
    pub data: DataBlock,
    pub test_steps: usize,
    pub origins: usize,
    /// None: by the data.
    pub frequency: Option<clock::Frequency>,
    /// None: by the frequency.
    pub seasons: Option<Vec<usize>>,
    /// Auto: as many steps as the test part has.
    pub horizon: Horizon,
    pub kind: Kind,
    pub calibrate: bool,
    pub nonnegative: Choice<bool>,
    /// How tables hold their series, as given.
    pub shape: Shape,
    /// As written, for the model file.
    pub season: Season,
    /// As written, for the model file.
    pub model: ModelBlock,
}

/// The kinds of model by name, as [`ModelBlock::kind`] looks them up.
fn kinds(_: &mut SchemaGenerator) -> Schema {
    let names = KINDS.map(|(name, _)| name);
    json_schema!({"type": "string", "enum": names})
}

/// The longest horizon.
pub const MAX_HORIZON: usize = 100_000;

impl Block {
    /// Checks every value.
    ///
    /// # Errors
    /// Names the first key with a value that cannot be used.
    pub fn check(&self) -> Result<Params, Invalid> {
        data::check_source("ts", &self.data.source)?;
        data::check_reading("ts", self.data.reading())?;
        require(self.sample.series >= 1, "ts.sample.series", || {
            "0 is too few; at least 1".to_owned()
        })?;
        require(self.sample.days >= 60, "ts.sample.days", || {
            format!("{} days are too few; at least 60", self.sample.days)
        })?;
        if let Choice::Given(horizon) = self.horizon {
            require((1..=MAX_HORIZON).contains(&horizon), "ts.horizon", || {
                format!("{horizon} is not a number of steps from 1 to {MAX_HORIZON}")
            })?;
        }
        require(
            (1..=1000).contains(&self.eval.origins),
            "ts.eval.origins",
            || format!("{} is not a number from 1 to 1000", self.eval.origins),
        )?;
        gate::check("ts", &self.gate)?;
        self.predict.check("ts")?;
        Ok(Params {
            sample: self.sample.clone(),
            data: self.data.clone(),
            test_steps: self.split.test,
            origins: self.eval.origins,
            frequency: match &self.frequency {
                Choice::Auto => None,
                Choice::Given(frequency) => Some(frequency.check()?),
            },
            seasons: self.season.check()?,
            horizon: self.horizon,
            kind: self.model.kind()?,
            calibrate: self.model.calibrate,
            nonnegative: self.model.nonnegative,
            shape: Shape::of(&self.data).check()?,
            season: self.season.clone(),
            model: self.model.clone(),
        })
    }
}

impl Season {
    fn check(&self) -> Result<Option<Vec<usize>>, Invalid> {
        let mut seasons = match self {
            Season::One(period) => vec![*period],
            Season::Many(periods) => periods.clone(),
            Season::Word(Auto::Auto) => return Ok(None),
        };
        require(
            seasons.iter().all(|m| (1..=100_000).contains(m)),
            "ts.season",
            || "a season must be a number of steps from 1 to 100000; 1 for none".to_owned(),
        )?;
        seasons.sort_unstable();
        seasons.dedup();
        seasons.retain(|&m| m > 1);
        Ok(Some(seasons))
    }
}

impl ModelBlock {
    fn kind(&self) -> Result<Kind, Invalid> {
        let known = KINDS.iter().find(|(name, _)| *name == self.kind);
        known.map(|(_, kind)| *kind).ok_or_else(|| {
            let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            Invalid::new(
                "ts.model.kind",
                format!(
                    "unknown model kind `{}`; expected one of {}",
                    self.kind,
                    names.join(", ")
                ),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Params, String> {
        let block: Block = yaml::from_str(text).map_err(|e| e.to_string())?;
        block
            .check()
            .map_err(|e| format!("{}: {}", e.key, e.reason))
    }

    #[test]
    fn a_season_is_a_number_a_list_or_auto() {
        assert_eq!(check("season: 12").unwrap().seasons, Some(vec![12]));
        assert_eq!(
            check("season: [168, 24]").unwrap().seasons,
            Some(vec![24, 168])
        );
        assert_eq!(check("season: auto").unwrap().seasons, None);
        assert_eq!(check("season: 1").unwrap().seasons, Some(vec![]));
        assert_eq!(check("{}").unwrap().seasons, None);
        assert!(
            check("season: weekly")
                .unwrap_err()
                .contains("a list of numbers")
        );
    }

    #[test]
    fn a_frequency_is_an_alias_a_number_or_auto() {
        let frequency = |text: &str| check(text).unwrap().frequency.map(|f| f.to_string());
        assert_eq!(frequency("{}"), None);
        assert_eq!(frequency("frequency: auto"), None);
        assert_eq!(frequency("frequency: W-SUN"), Some("W-SUN".to_owned()));
        assert_eq!(frequency("frequency: 1"), Some("1".to_owned()));
        // YAML 1.1 has words for true; an alias is none of them.
        assert_eq!(frequency("frequency: Y"), Some("Y".to_owned()));
        let message = check("frequency: daly").unwrap_err();
        assert!(
            message.starts_with("ts.frequency: unknown frequency `daly`: did you mean `D`?"),
            "{message}"
        );
        let message = check("frequency: [1]").unwrap_err();
        assert!(message.contains("a whole number"), "{message}");
    }

    #[test]
    fn a_horizon_is_a_number_of_steps_or_auto() {
        assert_eq!(check("split: {test: 8}").unwrap().horizon, Choice::Auto);
        assert_eq!(check("horizon: 3").unwrap().horizon, Choice::Given(3));
        assert!(
            check("horizon: 0")
                .unwrap_err()
                .starts_with("ts.horizon: 0")
        );
    }

    #[test]
    fn an_unknown_kind_is_refused_by_name() {
        let message = check("model: {kind: prophet}").unwrap_err();
        assert!(
            message.contains("ts.model.kind: unknown model kind `prophet`")
                && message.contains("arima")
        );
    }
}
