//! The `nlp` block of `params.yaml`: as written ([`Block`]) and as checked ([`Params`]).

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::params::batch::Batch;
use crate::params::choice::Choice;
use crate::params::gate::{self, Gate};
use crate::params::{Invalid, data, require};
use models::linear::Scheme;
use models::nlp::stop_words::ENGLISH;
use models::nlp::{
    CharacterFeatures, Choices, ClassWeights, ClassifierOptions, Features, Precision, RATIO_POWER,
    Weighting,
};
use tables::{Delimiter, Encoding, Escape, Quote, Reading};

/// Text classification.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Block {
    /// The size of the data made by `easylife sample`.
    pub sample: SampleBlock,
    /// The source of the texts, and its columns.
    pub data: DataBlock,
    /// How the source is split into a training and a test part.
    pub split: SplitBlock,
    /// The features.
    pub features: FeaturesBlock,
    /// The logistic regression.
    pub model: ModelBlock,
    /// What `evaluate` measures separately.
    pub eval: EvalBlock,
    /// Bounds on the metrics, by name: `{accuracy: {min: 0.8}}`.
    pub gate: Gate,
    /// The default input and output of `easylife predict nlp`.
    pub predict: Batch,
}

/// The size of the data made by `easylife sample`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SampleBlock {
    /// Number of labelled reviews.
    pub rows: usize,
    /// Number of reviews without a label, to be scored.
    pub incoming: usize,
}

impl Default for SampleBlock {
    fn default() -> Self {
        Self {
            rows: 4000,
            incoming: 500,
        }
    }
}

/// The source of the texts, and its columns.
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
    /// Column of the texts.
    pub text: String,
    /// Column of the labels: two classes or many.
    pub label: String,
    /// Rows with the same value in this column stay in the same part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

impl Default for DataBlock {
    fn default() -> Self {
        Self {
            source: "data/raw/nlp/reviews.csv".to_owned(),
            test: None,
            delimiter: None,
            quote: None,
            escape: None,
            header: true,
            encoding: None,
            text: "text".to_owned(),
            label: "label".to_owned(),
            group: None,
        }
    }
}

/// Slices of the test rows that `evaluate` measures separately.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EvalBlock {
    /// Columns by whose values to measure separately, in addition to the length of texts.
    pub slices: Vec<String>,
}

/// How the source is split.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SplitBlock {
    /// Share of each class that becomes the test part; 0: no test part, train on all rows.
    pub test: f64,
}

impl Default for SplitBlock {
    fn default() -> Self {
        Self { test: 0.2 }
    }
}

/// The features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FeaturesBlock {
    /// Lengths of word n-grams, from and to.
    pub ngrams: Choice<(usize, usize)>,
    /// Mark the words after an English negation.
    pub negation: Choice<bool>,
    /// Lengths of character n-grams within words, from and to; `null`: none; `auto`: 3 to 5 unless the
    /// corpus is large.
    pub characters: Choice<Option<(usize, usize)>>,
    /// Words that are ignored: a list, or `english` for the built-in list.
    pub stop_words: StopWords,
    /// An n-gram must be in at least this many training texts.
    pub min_df: usize,
    /// An n-gram may be in at most this share of the training texts.
    pub max_df: f64,
    /// Maximum number of features of words, and of characters: the most frequent ones; `null`: all.
    pub max_features: Option<usize>,
    /// Use 1 + ln(count) instead of the count of an n-gram in a text.
    pub sublinear: bool,
    /// Convert texts to lower case first.
    pub lowercase: bool,
}

impl Default for FeaturesBlock {
    fn default() -> Self {
        let features = Features::default();
        Self {
            ngrams: Choice::Auto,
            negation: Choice::Auto,
            characters: Choice::Auto,
            stop_words: StopWords::Given(features.stop_words),
            min_df: features.min_df,
            max_df: features.max_df,
            max_features: Some(MAX_FEATURES),
            sublinear: features.sublinear,
            lowercase: features.lowercase,
        }
    }
}

/// A named list, or the words themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected `english`, or a list of words")]
pub enum StopWords {
    Named(StopWordList),
    Given(Vec<String>),
}

/// A built-in list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StopWordList {
    English,
}

/// Allowed bits of a stored weight.
const BITS: [u8; 2] = [8, 32];
/// Default number of features of words, and of characters.
const MAX_FEATURES: usize = 100_000;
/// Default lengths of character n-grams, and their share of a row's norm, chosen on folds of training parts.
const CHARACTERS: (usize, usize) = (3, 5);
const CHARACTER_SHARE: f64 = 0.7;

/// How features are weighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WeightingName {
    /// TF-IDF alone.
    Plain,
    /// TF-IDF times the log-count ratio of the classes.
    NaiveBayes,
}

impl WeightingName {
    /// The word in params.yaml.
    pub fn as_str(self) -> &'static str {
        match self {
            WeightingName::Plain => "plain",
            WeightingName::NaiveBayes => "naive_bayes",
        }
    }
}

/// How three classes or more are modelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SchemeName {
    /// One model of all classes.
    Multinomial,
    /// A model for each class against the others.
    OneVsRest,
}

/// Weights of the rows by class.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ClassWeight {
    Named(ClassWeightName),
    Given(BTreeMap<String, f64>),
}

/// Implemented by hand, because an untagged enum would not say which class has the wrong weight.
impl<'de> Deserialize<'de> for ClassWeight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WeightVisitor;

        impl<'de> Visitor<'de> for WeightVisitor {
            type Value = ClassWeight;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("`equal`, `balanced`, or a weight by class")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ClassWeight, E> {
                ClassWeightName::deserialize(text.into_deserializer()).map(ClassWeight::Named)
            }

            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<ClassWeight, A::Error> {
                BTreeMap::deserialize(MapAccessDeserializer::new(entries)).map(ClassWeight::Given)
            }
        }

        deserializer.deserialize_any(WeightVisitor)
    }
}

/// A rule for the weights of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeightName {
    /// Every row counts the same.
    Equal,
    /// Every class counts the same.
    Balanced,
}

/// The logistic regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelBlock {
    /// How features are weighted before the fit.
    pub weighting: Choice<WeightingName>,
    /// Inverse of the regularization strength, as in scikit-learn and LIBLINEAR.
    #[serde(rename = "C")]
    pub c: Choice<f64>,
    /// How three classes or more are modelled.
    pub scheme: SchemeName,
    /// Weights of the rows by class: `equal`, `balanced` (inverse to the frequency of the class), or a weight
    /// by class: `{spam: 2.0}`.
    pub class_weight: ClassWeight,
    /// Calibrate the probabilities on held-out rows.
    pub calibrate: bool,
    /// Number of folds for calibration and for settings that are `auto`.
    pub folds: usize,
    /// Number of features to keep: those with the largest weights; `null`: all.
    pub keep: Option<usize>,
    /// Bits of a stored weight.
    #[schemars(extend("enum" = BITS))]
    pub bits: u8,
    /// The solver stops when the gradient has shrunk by this factor.
    pub tolerance: f64,
    /// Maximum number of iterations of the solver.
    pub max_iterations: usize,
}

impl Default for ModelBlock {
    fn default() -> Self {
        let options = ClassifierOptions::default();
        Self {
            weighting: Choice::Auto,
            c: Choice::Auto,
            scheme: SchemeName::Multinomial,
            class_weight: ClassWeight::Named(ClassWeightName::Equal),
            calibrate: options.calibrate,
            folds: options.folds,
            keep: options.keep,
            bits: 32,
            tolerance: options.tolerance,
            max_iterations: options.max_iterations,
        }
    }
}

/// The checked block: every value is usable.
#[derive(Clone, Debug)]
pub struct Params {
    pub sample: SampleBlock,
    pub data: DataBlock,
    /// In [0, 1).
    pub test_share: f64,
    pub options: ClassifierOptions,
    /// Columns by whose values to measure separately.
    pub slices: Vec<String>,
    /// As written, for the model file.
    pub features: FeaturesBlock,
    /// As written, for the model file.
    pub model: ModelBlock,
}

impl Block {
    /// Checks every value.
    ///
    /// # Errors
    /// Names the first key with a value that cannot be used.
    pub fn check(&self) -> Result<Params, Invalid> {
        self.sample.check()?;
        self.data.check()?;
        gate::check("nlp", &self.gate)?;
        self.predict.check("nlp")?;
        Ok(Params {
            sample: self.sample.clone(),
            data: self.data.clone(),
            test_share: data::check_share("nlp", self.split.test)?,
            options: self.options()?,
            slices: self.eval.slices.clone(),
            features: self.features.clone(),
            model: self.model.clone(),
        })
    }

    fn options(&self) -> Result<ClassifierOptions, Invalid> {
        let start = ClassifierOptions::default();
        let features = self.features.check()?;
        let model = &self.model;
        model.check()?;
        Ok(ClassifierOptions {
            choices: self.choices(),
            weighting: model.weighting.given().map_or(start.weighting, weighting),
            scheme: match model.scheme {
                SchemeName::Multinomial => Scheme::Multinomial,
                SchemeName::OneVsRest => Scheme::OneVsRest,
            },
            class_weights: match &model.class_weight {
                ClassWeight::Named(ClassWeightName::Equal) => ClassWeights::Equal,
                ClassWeight::Named(ClassWeightName::Balanced) => ClassWeights::Balanced,
                ClassWeight::Given(weights) => ClassWeights::Given(weights.clone()),
            },
            regularization: model.c.given().unwrap_or(start.regularization),
            tolerance: model.tolerance,
            max_iterations: model.max_iterations,
            folds: model.folds,
            calibrate: model.calibrate,
            keep: model.keep,
            precision: match model.bits {
                8 => Precision::Eight,
                _ => Precision::Single,
            },
            features,
            ..start
        })
    }

    /// Settings that are chosen on held-out rows.
    fn choices(&self) -> Choices {
        let all = Choices::all();
        let (named, negation) = (self.model.weighting.given(), self.features.negation.given());
        let fits = |(w, _): &(Weighting, bool)| named.is_none_or(|name| weighting(name) == *w);
        let mut weightings: Vec<(Weighting, bool)> =
            all.weightings.iter().copied().filter(fits).collect();
        match (named, negation) {
            (_, Some(negation)) => weightings.iter_mut().for_each(|(_, own)| *own = negation),
            (Some(name), None) => {
                weightings = [false, true].map(|own| (weighting(name), own)).to_vec();
            }
            (None, None) => {}
        }
        Choices {
            regularization: match self.model.c {
                Choice::Auto => all.regularization,
                Choice::Given(_) => Vec::new(),
            },
            weightings,
            ngrams: match self.features.ngrams {
                Choice::Auto => all.ngrams,
                Choice::Given(_) => Vec::new(),
            },
            characters: self.features.characters == Choice::Auto,
        }
    }
}

impl SampleBlock {
    fn check(&self) -> Result<(), Invalid> {
        require(self.rows >= 2, "nlp.sample.rows", || {
            format!("{} rows are too few; at least 2, one per class", self.rows)
        })
    }
}

impl DataBlock {
    /// Takes the names of columns, and how files are read, from another block.
    pub fn follow(&mut self, prepared: &DataBlock) {
        let DataBlock {
            delimiter,
            quote,
            escape,
            header,
            encoding,
            text,
            label,
            ..
        } = prepared;
        self.delimiter.clone_from(delimiter);
        self.quote.clone_from(quote);
        self.escape.clone_from(escape);
        self.header = *header;
        self.encoding = *encoding;
        self.text.clone_from(text);
        self.label.clone_from(label);
    }

    /// How files are read.
    pub fn reading(&self) -> Reading {
        Reading {
            header: self.header,
            encoding: self.encoding,
            ..data::reading(self.delimiter, self.quote, self.escape)
        }
    }

    fn check(&self) -> Result<(), Invalid> {
        data::check_source("nlp", &self.source)?;
        data::check_reading("nlp", self.reading())?;
        require(self.text != self.label, "nlp.data.label", || {
            format!("`{}` is already the text column", self.label)
        })
    }
}

fn weighting(name: WeightingName) -> Weighting {
    match name {
        WeightingName::Plain => Weighting::Plain,
        WeightingName::NaiveBayes => Weighting::NaiveBayes { power: RATIO_POWER },
    }
}

impl ModelBlock {
    fn check(&self) -> Result<(), Invalid> {
        let c = self.c.given().unwrap_or(1.0);
        require(c > 0.0 && c.is_finite(), "nlp.model.C", || {
            format!("{c} is not a number above 0")
        })?;
        require(
            self.tolerance > 0.0 && self.tolerance < 1.0,
            "nlp.model.tolerance",
            || format!("{} is not a number between 0 and 1", self.tolerance),
        )?;
        require(self.max_iterations > 0, "nlp.model.max_iterations", || {
            "0 is too few; at least 1".to_owned()
        })?;
        require((2..=100).contains(&self.folds), "nlp.model.folds", || {
            format!("{} is not a number from 2 to 100", self.folds)
        })?;
        require(self.keep != Some(0), "nlp.model.keep", || {
            "0 is too few; at least 1, or null for all".to_owned()
        })?;
        require(BITS.contains(&self.bits), "nlp.model.bits", || {
            format!("{} is neither 8 nor 32", self.bits)
        })?;
        let ClassWeight::Given(weights) = &self.class_weight else {
            return Ok(());
        };
        let bad = weights.iter().find(|(_, w)| !(**w > 0.0 && w.is_finite()));
        match bad {
            None => Ok(()),
            Some((class, weight)) => Err(Invalid::new(
                format!("nlp.model.class_weight.{class}"),
                format!("{weight} is not a weight above 0"),
            )),
        }
    }
}

fn check_range(key: &str, (low, high): (usize, usize), most: usize) -> Result<(), Invalid> {
    require(1 <= low && low <= high && high <= most, key, || {
        format!("[{low}, {high}] is not a range within 1 to {most}")
    })
}

impl FeaturesBlock {
    fn check(&self) -> Result<Features, Invalid> {
        let start = Features::default();
        let ngrams = self.ngrams.given().unwrap_or(start.ngrams);
        check_range("nlp.features.ngrams", ngrams, 5)?;
        let characters = self.characters.given().unwrap_or(Some(CHARACTERS));
        if let Some(range) = characters {
            check_range("nlp.features.characters", range, 10)?;
        }
        require(self.min_df >= 1, "nlp.features.min_df", || {
            "0 is too few; at least 1".to_owned()
        })?;
        let max_df = self.max_df;
        require(max_df > 0.0 && max_df <= 1.0, "nlp.features.max_df", || {
            format!("{max_df} is not a share above 0 and up to 1")
        })?;
        require(
            self.max_features != Some(0),
            "nlp.features.max_features",
            || "0 is too few; at least 1, or null for all".to_owned(),
        )?;
        let max_features = self.max_features.unwrap_or(usize::MAX);
        Ok(Features {
            ngrams,
            min_df: self.min_df,
            max_df,
            max_features,
            sublinear: self.sublinear,
            lowercase: self.lowercase,
            negation: self.negation.given().unwrap_or(start.negation),
            stop_words: match &self.stop_words {
                StopWords::Named(StopWordList::English) => ENGLISH.map(str::to_owned).to_vec(),
                StopWords::Given(words) => words.clone(),
            },
            characters: characters.map(|ngrams| CharacterFeatures {
                ngrams,
                max_features,
                share: CHARACTER_SHARE,
            }),
        })
    }
}
