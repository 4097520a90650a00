//! The `nlp` block of `params.yaml`: as written ([`Block`]) and as checked ([`Params`]).

use serde::{Deserialize, Serialize};

use super::gate::{self, Gate};
use super::{Invalid, require};
use crate::models::nlp::{Features, Options};

/// The block as written; whatever is not given keeps its default.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Block {
    pub sample: SampleBlock,
    pub data: DataBlock,
    pub split: SplitBlock,
    pub features: FeaturesBlock,
    pub model: ModelBlock,
    pub gate: Gate,
}

/// How much `easylife sample` makes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SampleBlock {
    /// Labelled reviews.
    pub rows: usize,
    /// Reviews without a label, to be scored.
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

/// Where the texts come from and which columns count.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataBlock {
    /// File or folder.
    pub source: String,
    /// A test file of its own; absent: `split` cuts the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    pub text: String,
    pub label: String,
    /// Rows that share this column's value stay on one side of the split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

impl Default for DataBlock {
    fn default() -> Self {
        Self {
            source: "data/raw/nlp/reviews.csv".to_owned(),
            test: None,
            text: "text".to_owned(),
            label: "label".to_owned(),
            group: None,
        }
    }
}

/// How the source is cut.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SplitBlock {
    /// Share of each class that becomes the test part; 0: none, train on all.
    pub test: f64,
}

impl Default for SplitBlock {
    fn default() -> Self {
        Self { test: 0.2 }
    }
}

/// What becomes a feature.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeaturesBlock {
    /// Shortest and longest run of words.
    pub ngrams: (usize, usize),
    /// Fewest training texts an n-gram must stand in.
    pub min_df: usize,
    /// Largest share of the training texts it may stand in.
    pub max_df: f64,
    /// Most features, the most frequent first; `null`: all.
    pub max_features: Option<usize>,
    /// 1 + ln(count) instead of the count.
    pub sublinear: bool,
    pub lowercase: bool,
}

impl Default for FeaturesBlock {
    fn default() -> Self {
        let features = Features::default();
        Self {
            ngrams: features.ngrams,
            min_df: features.min_df,
            max_df: features.max_df,
            max_features: Some(features.max_features),
            sublinear: features.sublinear,
            lowercase: features.lowercase,
        }
    }
}

/// The logistic regression.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelBlock {
    /// Inverse of the regularization strength, as in scikit-learn and LIBLINEAR.
    #[serde(rename = "C")]
    pub c: f64,
    /// The solver stops when the gradient has shrunk by this factor.
    pub tolerance: f64,
    pub max_iterations: usize,
}

impl Default for ModelBlock {
    fn default() -> Self {
        let options = Options::default();
        Self {
            c: options.regularization,
            tolerance: options.tolerance,
            max_iterations: options.max_iterations,
        }
    }
}

/// The block, checked: every value in it can be used.
#[derive(Clone, Debug)]
pub struct Params {
    pub sample: SampleBlock,
    pub data: DataBlock,
    /// In [0, 1).
    pub test_share: f64,
    pub options: Options,
    /// What decides a model's bytes beside the data, as it goes into the model file.
    pub recorded: serde_json::Value,
}

impl Block {
    /// Checks every value.
    pub fn check(&self) -> Result<Params, Invalid> {
        self.sample.check()?;
        self.data.check()?;
        let share = self.split.test;
        require((0.0..1.0).contains(&share), "nlp.split.test", || {
            format!("{share} is not a share of at least 0 and below 1")
        })?;
        gate::check("nlp", &self.gate)?;
        Ok(Params {
            sample: self.sample.clone(),
            data: self.data.clone(),
            test_share: share,
            options: self.options()?,
            recorded: self.recorded(),
        })
    }

    fn options(&self) -> Result<Options, Invalid> {
        let model = &self.model;
        require(model.c > 0.0 && model.c.is_finite(), "nlp.model.C", || {
            format!("{} is not above 0", model.c)
        })?;
        require(
            model.tolerance > 0.0 && model.tolerance < 1.0,
            "nlp.model.tolerance",
            || format!("{} is not between 0 and 1", model.tolerance),
        )?;
        require(model.max_iterations > 0, "nlp.model.max_iterations", || {
            "at least 1".to_owned()
        })?;
        Ok(Options {
            features: self.features.check()?,
            regularization: model.c,
            tolerance: model.tolerance,
            max_iterations: model.max_iterations,
            ..Options::default()
        })
    }

    /// No path in it: the same model from another folder has the same bytes.
    fn recorded(&self) -> serde_json::Value {
        serde_json::json!({
            "data": { "text": self.data.text, "label": self.data.label },
            "features": self.features,
            "model": self.model,
        })
    }
}

impl SampleBlock {
    fn check(&self) -> Result<(), Invalid> {
        require(self.rows >= 2, "nlp.sample.rows", || {
            format!("{} is too few: at least one row a class, so 2", self.rows)
        })
    }
}

impl DataBlock {
    fn check(&self) -> Result<(), Invalid> {
        require(!self.source.is_empty(), "nlp.data.source", || {
            "name a file or a folder".to_owned()
        })?;
        require(self.text != self.label, "nlp.data.label", || {
            format!("`{}` is the text column already", self.label)
        })
    }
}

impl FeaturesBlock {
    fn check(&self) -> Result<Features, Invalid> {
        let (low, high) = self.ngrams;
        require(
            1 <= low && low <= high && high <= 5,
            "nlp.features.ngrams",
            || format!("[{low}, {high}] is not a range within 1 to 5"),
        )?;
        require(self.min_df >= 1, "nlp.features.min_df", || {
            "at least 1 text".to_owned()
        })?;
        let max_df = self.max_df;
        require(max_df > 0.0 && max_df <= 1.0, "nlp.features.max_df", || {
            format!("{max_df} is not a share above 0 and up to 1")
        })?;
        require(
            self.max_features != Some(0),
            "nlp.features.max_features",
            || "at least 1, or null for all".to_owned(),
        )?;
        Ok(Features {
            ngrams: self.ngrams,
            min_df: self.min_df,
            max_df,
            max_features: self.max_features.unwrap_or(usize::MAX),
            sublinear: self.sublinear,
            lowercase: self.lowercase,
            ..Features::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Params;
    use super::*;

    #[test]
    fn the_file_that_init_writes_says_the_defaults() {
        let written: Params = serde_yaml::from_str(include_str!("../../params.yaml")).unwrap();
        let default = Block {
            gate: written.nlp.gate.clone(), // an example: no bound is the default
            ..Block::default()
        };
        assert_eq!(
            serde_json::to_value(&written.nlp).unwrap(),
            serde_json::to_value(&default).unwrap()
        );
    }
}
