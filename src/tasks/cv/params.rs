//! The `cv` block of `params.yaml`: as written ([`Block`]) and as checked ([`Params`]).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::params::batch::Batch;
use crate::params::gate::{self, Gate};
use crate::params::{Invalid, data, require};
use crate::tasks::cv::labels::Labels;
use models::cv::{DetectorOptions, Kind, Solver, WORKING_SIDE};
use tables::{Delimiter, Encoding, Escape, Quote, Reading};

/// Longest side of a painted photo: above that of nearly all cameras.
const MAX_SIDE: usize = 12_000;

/// Blurred-photo detection.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Block {
    /// The size of the data made by `easylife sample`.
    pub sample: SampleBlock,
    /// The source of the photos, and its columns.
    pub data: DataBlock,
    /// How the source is split into a training and a test part.
    pub split: SplitBlock,
    /// The model and how it is chosen.
    pub model: ModelBlock,
    /// Bounds on the metrics, by name: `{roc_auc: {min: 0.9}}`.
    pub gate: Gate,
    /// The default input and output of `easylife predict cv`.
    pub predict: Batch,
}

/// The size of the data made by `easylife sample`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SampleBlock {
    /// Number of scenes, each sharp and blurred in three ways.
    pub scenes: usize,
    /// Number of photos without a label, to be scored.
    pub incoming: usize,
    /// Longest side of a photo in pixels: above 800, some are as large as cameras make them.
    pub largest: usize,
}

impl Default for SampleBlock {
    fn default() -> Self {
        Self {
            scenes: 40,
            incoming: 12,
            largest: WORKING_SIDE,
        }
    }
}

/// The source of the photos, and its columns.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataBlock {
    /// A table of paths and labels, a folder with one, or a folder with a sub-folder for each class.
    pub source: String,
    /// A separate test part of the same kind; absent: the source is split.
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
    /// Column of paths, relative to the table.
    pub path: String,
    /// Column of labels: sharp or blurred, 1 or 0, or what `classes` names.
    pub label: String,
    /// Labels or folders of your own and the class of each: `{blurry: blurred, ok: sharp}`.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub classes: Labels,
    /// Column of scenes; optional: photos of a scene stay in the same part.
    pub scene: String,
    /// A regular expression over paths: photos in which its groups match the same are one scene.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_pattern: Option<String>,
}

impl Default for DataBlock {
    fn default() -> Self {
        Self {
            source: "data/raw/cv/photos".to_owned(),
            test: None,
            delimiter: None,
            quote: None,
            escape: None,
            header: true,
            encoding: None,
            path: "path".to_owned(),
            label: "label".to_owned(),
            classes: Labels::default(),
            scene: "scene".to_owned(),
            scene_pattern: None,
        }
    }
}

/// How the source is split.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SplitBlock {
    /// Share of the photos that becomes the test part; 0: no test part, train on all.
    pub test: f64,
}

impl Default for SplitBlock {
    fn default() -> Self {
        Self { test: 0.25 }
    }
}

/// Which model is fitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// The one with the least loss on folds.
    #[default]
    Auto,
    /// A threshold on the variance of the Laplacian.
    Laplacian,
    /// A logistic regression on sharpness at three scales.
    Logistic,
    /// A random forest on the same features.
    Forest,
}

/// The model and how it is chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelBlock {
    /// Which model is fitted.
    pub kind: Choice,
    /// The solver of `logistic`: `newton`, or `linfa`, which is reproducible on one kind of processor only and needs
    /// `balanced: false`.
    pub solver: Solver,
    /// Inverse of the regularization strength of `logistic`: values to choose from on folds.
    #[serde(rename = "C")]
    pub c: Vec<f64>,
    /// Number of trees of `forest`.
    pub trees: usize,
    /// Number of folds of scenes.
    pub folds: usize,
    /// Give both classes the same weight, whatever their numbers of photos.
    pub balanced: bool,
}

impl Default for ModelBlock {
    fn default() -> Self {
        let options = DetectorOptions::default();
        Self {
            kind: Choice::default(),
            solver: options.solver,
            trees: options.trees,
            c: options.regularization,
            folds: options.folds,
            balanced: options.balanced,
        }
    }
}

/// The checked block: every value is usable.
#[derive(Clone, Debug)]
pub struct Params {
    pub sample: SampleBlock,
    pub data: DataBlock,
    pub scene_pattern: Option<regex::Regex>,
    /// In [0, 1).
    pub test_share: f64,
    pub options: DetectorOptions,
    /// As written, for the model file.
    pub model: ModelBlock,
}

impl Block {
    /// Checks every value.
    ///
    /// # Errors
    /// Names the first key with a value that cannot be used.
    pub fn check(&self) -> Result<Params, Invalid> {
        require(self.sample.scenes >= 1, "cv.sample.scenes", || {
            "0 is too few; at least 1".to_owned()
        })?;
        data::check_source("cv", &self.data.source)?;
        data::check_reading("cv", self.data.reading())?;
        gate::check("cv", &self.gate)?;
        self.predict.check("cv")?;
        let largest = self.sample.largest;
        require(
            (WORKING_SIDE..=MAX_SIDE).contains(&largest),
            "cv.sample.largest",
            || format!("{largest} is not a number from {WORKING_SIDE} to {MAX_SIDE}"),
        )?;
        Ok(Params {
            sample: self.sample.clone(),
            data: self.data.clone(),
            scene_pattern: self.data.pattern()?,
            test_share: data::check_share("cv", self.split.test)?,
            options: self.model.check()?,
            model: self.model.clone(),
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
            path,
            label,
            ..
        } = prepared;
        self.delimiter.clone_from(delimiter);
        self.quote.clone_from(quote);
        self.escape.clone_from(escape);
        self.header = *header;
        self.encoding = *encoding;
        self.path.clone_from(path);
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

    fn pattern(&self) -> Result<Option<regex::Regex>, Invalid> {
        let refuse = |reason: String| Invalid::new("cv.data.scene_pattern", reason);
        let compile = |pattern: &String| {
            let compiled = regex::Regex::new(pattern).map_err(|error| {
                refuse(
                    error
                        .to_string()
                        .lines()
                        .last()
                        .unwrap_or_default()
                        .to_owned(),
                )
            })?;
            match compiled.captures_len() {
                1 => Err(refuse(
                    "it has no group; put (...) around the part that names the scene".to_owned(),
                )),
                _ => Ok(compiled),
            }
        };
        self.scene_pattern.as_ref().map(compile).transpose()
    }
}

impl ModelBlock {
    fn check(&self) -> Result<DetectorOptions, Invalid> {
        let usable = |c: &f64| *c > 0.0 && c.is_finite();
        require(
            !self.c.is_empty() && self.c.iter().all(usable),
            "cv.model.C",
            || "expected a list of numbers above 0, for example [1.0, 10.0]".to_owned(),
        )?;
        require(self.folds >= 2, "cv.model.folds", || {
            format!("{} is too few; at least 2", self.folds)
        })?;
        require((1..=1000).contains(&self.trees), "cv.model.trees", || {
            format!("{} is not a number from 1 to 1000", self.trees)
        })?;
        let weighed = self.balanced && self.solver == Solver::Linfa;
        require(!weighed, "cv.model.solver", || {
            "linfa cannot weight classes; set cv.model.balanced to false, or the solver to newton"
                .to_owned()
        })?;
        Ok(DetectorOptions {
            kind: match self.kind {
                Choice::Auto => None,
                Choice::Laplacian => Some(Kind::Laplacian),
                Choice::Logistic => Some(Kind::Logistic),
                Choice::Forest => Some(Kind::Forest),
            },
            solver: self.solver,
            trees: self.trees,
            regularization: self.c.clone(),
            folds: self.folds,
            balanced: self.balanced,
            ..DetectorOptions::default()
        })
    }
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
        assert_eq!(refused("split: {test: 1}"), "cv.split.test");
        assert_eq!(refused("model: {C: []}"), "cv.model.C");
        assert_eq!(refused("model: {folds: 1}"), "cv.model.folds");
        assert_eq!(refused("model: {trees: 0}"), "cv.model.trees");
        assert_eq!(refused("model: {solver: linfa}"), "cv.model.solver");
        let linfa: Block = yaml::from_str("model: {solver: linfa, balanced: false}").unwrap();
        assert!(linfa.check().is_ok());
        assert_eq!(
            refused("data: {scene_pattern: '('}"),
            "cv.data.scene_pattern"
        );
        assert_eq!(
            refused("data: {scene_pattern: 'kw'}"),
            "cv.data.scene_pattern"
        );
    }
}
