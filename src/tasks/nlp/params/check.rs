//! Checks the `nlp` block and turns it into [`Params`].

use super::{
    BITS, Block, CHARACTER_SHARE, CHARACTERS, ClassWeight, ClassWeightName, DataBlock,
    FeaturesBlock, ModelBlock, SampleBlock, SchemeName, StopWordList, StopWords, WeightingName,
};
use crate::params::choice::Choice;
use crate::params::{Invalid, data, gate, require};
use models::linear::Scheme;
use models::nlp::stop_words::ENGLISH;
use models::nlp::{
    CharacterFeatures, Choices, ClassWeights, ClassifierOptions, Features, Precision, RATIO_POWER,
    Weighting,
};
use tables::Reading;

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

fn check_range(key: &str, (low, high): (usize, usize), most: usize) -> Result<(), Invalid> {
    require(1 <= low && low <= high && high <= most, key, || {
        format!("[{low}, {high}] is not a range within 1 to {most}")
    })
}

fn weighting(name: WeightingName) -> Weighting {
    match name {
        WeightingName::Plain => Weighting::Plain,
        WeightingName::NaiveBayes => Weighting::NaiveBayes { power: RATIO_POWER },
    }
}
