//! Chooses the weighting, the range of n-grams and C by cross-validation.
//!
//! One choice after the other: the weighting, the range of words, and C, along a path where each
//! solution is the start of the next. The work is bounded by counts, not by time, so that a search
//! is reproducible: a large corpus is searched on a sample of its rows, and many classes on fewer
//! folds.

use super::calibrate::temperature;
use super::folds::{Data, Folds, Score, sample};
use super::options::{Choices, ClassifierOptions, Weighting};
use super::progress::Progress;
use crate::linear::{Coefficients, Examples, outputs};
use crate::nlp::features::vectorizer::Vectorizer;

/// Maximum number of bytes of text that a search reads repeatedly.
const SEARCHED_BYTES: usize = 6 << 20;
/// Maximum of bytes times outputs.
const SEARCHED_WORK: usize = 48 << 20;
/// Maximum of bytes times outputs times folds, beyond the first fold.
const FOLDED_WORK: usize = 16 << 20;
/// Factor by which the models of candidates are less precise than the final one.
const SEARCH_TOLERANCE: f64 = 3.0;
/// Size of the texts in bytes above which `choices.characters` drops character n-grams.
const BYTES_WITH_CHARACTERS: usize = 4 << 20;

/// Texts and their classes.
pub(super) struct Labelled<'a> {
    pub texts: Vec<&'a str>,
    pub labels: Vec<u32>,
    pub classes: usize,
    /// Weight of the rows of each class.
    pub class_costs: &'a [f64],
}

impl<'a> Labelled<'a> {
    pub fn costs(&self) -> Vec<f64> {
        let labels = self.labels.iter();
        labels
            .map(|&label| self.class_costs[label as usize])
            .collect()
    }

    fn bytes(&self) -> usize {
        self.texts.iter().map(|text| text.len()).sum()
    }

    fn select(&self, rows: &[usize]) -> Labelled<'a> {
        Labelled {
            texts: rows.iter().map(|&row| self.texts[row]).collect(),
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
            classes: self.classes,
            class_costs: self.class_costs,
        }
    }
}

/// A candidate and its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The candidate's weighting.
    pub weighting: Weighting,
    /// Whether words after a negation were marked.
    pub negation: bool,
    /// Minimum and maximum number of words in an n-gram.
    pub ngrams: (usize, usize),
    /// C.
    pub regularization: f64,
    /// Accuracy on hold-out rows.
    pub accuracy: f64,
    /// Log loss on hold-out rows, before calibration.
    pub log_loss: f64,
}

/// The result of a search.
pub(super) struct Found {
    pub options: ClassifierOptions,
    pub trials: Vec<Trial>,
    /// Number of rows searched.
    pub rows: usize,
    /// If all rows were searched: the calibration factor of the margins, and coefficients of a fit
    /// to most of the rows, as a start.
    pub whole: Option<(f64, Coefficients)>,
}

/// Makes the choices that `options` leave open.
pub(super) fn search(
    options: &ClassifierOptions,
    all: &Labelled,
    watch: &dyn Fn(Progress),
) -> Found {
    let mut options = options.clone();
    let bytes = all.bytes();
    if options.choices.characters && bytes > BYTES_WITH_CHARACTERS {
        options.features.characters = None;
    }
    let outputs = outputs(all.classes);
    let most = SEARCHED_BYTES.min(SEARCHED_WORK / outputs);
    let whole = bytes <= most;
    if !(options.choices.any() || whole && options.calibrate) {
        return Found {
            options,
            trials: Vec::new(),
            rows: 0,
            whole: None,
        };
    }
    let sampled;
    let searched = if whole {
        all
    } else {
        let share = most as f64 / bytes as f64;
        sampled = all.select(&sample(
            &all.texts,
            &all.labels,
            all.classes,
            share,
            options.seed,
        ));
        &sampled
    };
    let Labelled {
        texts,
        labels,
        classes,
        ..
    } = searched;
    let held_out = FOLDED_WORK / (searched.bytes() * outputs).max(1);
    let folds = Folds::deal(texts, labels, *classes, options.folds, options.seed).first(held_out);
    let mut search = Search {
        searched,
        folds,
        watch,
        trials: Vec::new(),
        candidates: candidates(&options),
        best: None,
    };
    search.run(&options);
    let (options, found) = match search.best {
        None => (options, None), // nothing could be held out, or no feature was left
        Some(best) => (best.options, Some((best.temperature, best.coefficients))),
    };
    Found {
        options,
        trials: search.trials,
        rows: searched.texts.len(),
        whole: found.filter(|_| whole),
    }
}

/// Number of candidates that a search from `start` tries, if some of their n-grams are in the texts.
fn candidates(start: &ClassifierOptions) -> usize {
    let Choices {
        regularization,
        weightings,
        ngrams,
        ..
    } = &start.choices;
    let other_ranges = ngrams
        .iter()
        .filter(|&&range| range != start.features.ngrams);
    let other_costs = regularization
        .iter()
        .filter(|&&c| c != start.regularization);
    weightings.len().max(1) + other_ranges.count() + other_costs.count()
}

struct Search<'a> {
    searched: &'a Labelled<'a>,
    folds: Folds,
    watch: &'a dyn Fn(Progress),
    trials: Vec<Trial>,
    /// Number of candidates that will be tried.
    candidates: usize,
    best: Option<Best>,
}

struct Best {
    options: ClassifierOptions,
    score: Score,
    temperature: f64,
    coefficients: Coefficients,
}

impl Search<'_> {
    fn run(&mut self, start: &ClassifierOptions) {
        let Choices {
            regularization,
            weightings,
            ngrams,
            ..
        } = &start.choices;
        match weightings.as_slice() {
            [] => self.consider(start, &[start.regularization]),
            weightings => {
                for &(weighting, negation) in weightings {
                    let mut candidate = start.clone();
                    candidate.weighting = weighting;
                    candidate.features.negation = negation;
                    self.consider(&candidate, &[start.regularization]);
                }
            }
        }
        let others = ngrams
            .iter()
            .filter(|&&range| range != start.features.ngrams);
        for &range in others {
            let mut candidate = self.best(start);
            candidate.features.ngrams = range;
            self.consider(&candidate, &[start.regularization]);
        }
        let others = regularization.iter().copied();
        let path: Vec<f64> = others.filter(|&c| c != start.regularization).collect();
        if !path.is_empty() {
            self.consider(&self.best(start), &path);
        }
    }

    fn best(&self, start: &ClassifierOptions) -> ClassifierOptions {
        let best = self.best.as_ref();
        best.map_or_else(|| start.clone(), |best| best.options.clone())
    }

    /// Tries a candidate with each C of `path`, ascending.
    fn consider(&mut self, candidate: &ClassifierOptions, path: &[f64]) {
        (self.watch)(Progress::Searching {
            trials: self.trials.len(),
            of: self.candidates,
        });
        let Labelled {
            texts,
            labels,
            classes,
            ..
        } = self.searched;
        let corpus = candidate.features.read(texts, &|_| ());
        let fitted = Vectorizer::fit(&candidate.features, &corpus, candidate.precision);
        if fitted.vectorizer.features() == 0 || self.folds.held_out().next().is_none() {
            return;
        }
        let rows = fitted.matrix();
        let blocks = fitted.vectorizer.blocks();
        let data = Data {
            examples: Examples::merged(&rows, labels, *classes, &blocks),
            labels,
            classes: *classes,
            blocks,
            costs: self.searched.costs(),
        };
        let loose = ClassifierOptions {
            tolerance: SEARCH_TOLERANCE * candidate.tolerance,
            ..candidate.clone()
        };
        let out = data.out_of_fold(&loose, &self.folds, path);
        let ends = out.margins.iter().zip(out.last);
        for (&regularization, (margins, coefficients)) in path.iter().zip(ends) {
            let score = Score::of(margins, labels, *classes, &self.folds);
            let options = ClassifierOptions {
                regularization,
                ..candidate.clone()
            };
            self.trials.push(Trial {
                weighting: options.weighting,
                negation: options.features.negation,
                ngrams: options.features.ngrams,
                regularization,
                accuracy: score.accuracy(),
                log_loss: score.log_loss,
            });
            if self
                .best
                .as_ref()
                .is_none_or(|best| score.better_than(&best.score))
            {
                let temperature = temperature(margins, labels, *classes, &self.folds);
                self.best = Some(Best {
                    options,
                    score,
                    temperature,
                    coefficients,
                });
            }
        }
    }
}
