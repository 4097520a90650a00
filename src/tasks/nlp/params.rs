//! The `nlp` block of `params.yaml`: as written ([`Block`]) and as checked ([`Params`]).

mod check;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::params::batch::Batch;
use crate::params::choice::Choice;
use crate::params::gate::Gate;
use models::nlp::{ClassifierOptions, Features};
use tables::{Delimiter, Encoding, Escape, Quote};

pub use check::Params;

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
