//! Chooses the weighting, the range of n-grams and C by cross-validation.
//!
//! One choice after the other: the weighting, the range of words, and C, the last two from the
//! default upwards or downwards as long as that helps. The work is bounded by counts, not by time,
//! so that a search is reproducible: a large corpus is searched on a sample of its rows, and many
//! classes on fewer folds. Texts are tokenized once for all candidates, and candidates that differ
//! in C alone share their rows.

use std::sync::Arc;

use rayon::prelude::*;

use super::calibrate::temperature;
use super::folds::{Data, Folds, Score, sample};
use super::options::{Choices, ClassifierOptions, Weighting};
use super::prepared::Prepared;
use super::progress::Progress;
use crate::linear::{Coefficients, outputs};
use crate::nlp::counting::corpus::Corpus;
use crate::nlp::features::vectorizer::Fitted;

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

/// Rows and their classes. The texts themselves are apart, so that they can be dropped once they
/// are tokenized.
pub(super) struct Labelled<'a> {
    /// The hash of each text ([`folds::keys`](super::folds::keys)).
    pub keys: Vec<u64>,
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

    fn select(&self, rows: &[usize]) -> Labelled<'a> {
        Labelled {
            keys: rows.iter().map(|&row| self.keys[row]).collect(),
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
            classes: self.classes,
            class_costs: self.class_costs,
        }
    }
}

fn bytes_of(texts: &[&str]) -> usize {
    texts.iter().map(|text| text.len()).sum()
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
pub(super) struct Found<'a> {
    pub options: ClassifierOptions,
    pub trials: Vec<Trial>,
    /// Number of rows searched.
    pub rows: usize,
    /// If all rows were searched, what the fit to them need not do again.
    pub whole: Option<Whole<'a>>,
}

/// What a search of all rows knows of its best candidate.
pub(super) struct Whole<'a> {
    pub prepared: Prepared<'a>,
    /// The calibration factor of the margins.
    pub temperature: f64,
    /// Of a fit to most of the rows: a start.
    pub coefficients: Coefficients,
}

/// Makes the choices that `options` leave open.
pub(super) fn search<'a>(
    options: &ClassifierOptions,
    all: &'a Labelled<'a>,
    texts: &[&str],
    watch: &dyn Fn(Progress),
) -> Found<'a> {
    let mut options = options.clone();
    let bytes = bytes_of(texts);
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
    if !whole {
        let share = most as f64 / bytes as f64;
        let rows = sample(&all.keys, &all.labels, all.classes, share);
        let sampled = all.select(&rows);
        let texts: Vec<&str> = rows.iter().map(|&row| texts[row]).collect();
        let (trials, best) = Search::new(&sampled, &texts, false, &options, watch).run(&options);
        return Found {
            options: best.map_or(options, |best| best.options),
            trials,
            rows: texts.len(),
            whole: None,
        };
    }
    let (trials, best) = Search::new(all, texts, true, &options, watch).run(&options);
    // Without a best candidate nothing could be held out, or no feature was left.
    let (options, whole) = match best {
        None => (options, None),
        Some(best) => {
            let data = Arc::into_inner(best.data);
            let fitted = best.fitted.and_then(Arc::into_inner);
            let whole = fitted.zip(data).map(|(fitted, data)| Whole {
                prepared: Prepared { fitted, data },
                temperature: best.temperature,
                coefficients: best.coefficients,
            });
            (best.options, whole)
        }
    };
    Found {
        options,
        trials,
        rows: texts.len(),
        whole,
    }
}

/// The largest number of candidates that a search from `start` may try.
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

struct Search<'a, 'w> {
    searched: &'a Labelled<'a>,
    texts: &'w [&'w str],
    /// Whether `searched` are all rows.
    whole: bool,
    folds: Folds,
    watch: &'w dyn Fn(Progress),
    trials: Vec<Trial>,
    /// The largest number of candidates that may be tried.
    candidates: usize,
    /// The tokenized texts, without and with negation marks.
    corpora: [Option<Arc<Corpus>>; 2],
    best: Option<Best<'a>>,
}

struct Best<'a> {
    options: ClassifierOptions,
    score: Score,
    temperature: f64,
    /// Fitted without the last fold.
    coefficients: Coefficients,
    /// Each fold's solution.
    solutions: Vec<Coefficients>,
    data: Arc<Data<'a>>,
    /// Only of a search of all rows: of a sample, it is not used again.
    fitted: Option<Arc<Fitted>>,
}

impl<'a, 'w> Search<'a, 'w> {
    fn new(
        searched: &'a Labelled<'a>,
        texts: &'w [&'w str],
        whole: bool,
        options: &ClassifierOptions,
        watch: &'w dyn Fn(Progress),
    ) -> Search<'a, 'w> {
        let Labelled {
            keys,
            labels,
            classes,
            ..
        } = searched;
        let held_out = FOLDED_WORK / (bytes_of(texts) * outputs(*classes)).max(1);
        let folds = Folds::deal(keys, labels, *classes, options.folds);
        Search {
            searched,
            texts,
            whole,
            folds: folds.first(held_out),
            watch,
            trials: Vec::new(),
            candidates: candidates(options),
            corpora: [None, None],
            best: None,
        }
    }

    fn run(mut self, start: &ClassifierOptions) -> (Vec<Trial>, Option<Best<'a>>) {
        let choices = &start.choices;
        let weighted = |&(weighting, negation): &(Weighting, bool)| {
            let mut candidate = start.clone();
            candidate.weighting = weighting;
            candidate.features.negation = negation;
            candidate
        };
        match choices.weightings.as_slice() {
            [] => self.consider(std::slice::from_ref(start)),
            weightings => {
                let candidates: Vec<ClassifierOptions> = weightings.iter().map(weighted).collect();
                self.consider(&candidates)
            }
        };
        let (below, above) = sides(&choices.ngrams, &start.features.ngrams);
        self.climb(start, [below, above], |options, range| {
            options.features.ngrams = range;
        });
        let (below, above) = sides(&choices.regularization, &start.regularization);
        self.climb(start, [above, below], |options, c| {
            options.regularization = c;
        });
        (self.trials, self.best)
    }

    /// Tries values away from the best candidate's, on one side and then on the other, as long as
    /// they improve it: a score that has one peak along the values needs no others.
    fn climb<T>(
        &mut self,
        start: &ClassifierOptions,
        sides: [Vec<T>; 2],
        set: impl Fn(&mut ClassifierOptions, T),
    ) {
        for side in sides {
            let mut climbed = false;
            for value in side {
                let best = self.best.as_ref().map(|best| &best.options);
                let mut candidate = best.unwrap_or(start).clone();
                set(&mut candidate, value);
                if !self.consider(&[candidate]) {
                    break;
                }
                climbed = true;
            }
            if climbed {
                break;
            }
        }
    }

    /// Tries candidates, in parallel; true if one is the best so far.
    fn consider(&mut self, candidates: &[ClassifierOptions]) -> bool {
        (self.watch)(Progress::Searching {
            trials: self.trials.len(),
            of: self.candidates,
        });
        for candidate in candidates {
            let corpus = &mut self.corpora[usize::from(candidate.features.negation)];
            let read = || candidate.features.read(self.texts, &|_| ());
            corpus.get_or_insert_with(read);
        }
        let attempt = Attempt {
            searched: self.searched,
            folds: &self.folds,
            corpora: &self.corpora,
            best: self.best.as_ref(),
            whole: self.whole,
        };
        let tried = candidates.par_iter().map(|candidate| attempt.of(candidate));
        let tried: Vec<Option<Best<'a>>> = tried.collect();
        let mut improved = false;
        for tried in tried.into_iter().flatten() {
            self.trials.push(Trial {
                weighting: tried.options.weighting,
                negation: tried.options.features.negation,
                ngrams: tried.options.features.ngrams,
                regularization: tried.options.regularization,
                accuracy: tried.score.accuracy(),
                log_loss: tried.score.log_loss,
            });
            let best = self.best.as_ref();
            if best.is_none_or(|best| tried.score.better_than(&best.score)) {
                self.best = Some(tried);
                improved = true;
            }
        }
        improved
    }
}

/// What the attempts of several candidates share.
struct Attempt<'s, 'a> {
    searched: &'a Labelled<'a>,
    folds: &'s Folds,
    corpora: &'s [Option<Arc<Corpus>>; 2],
    best: Option<&'s Best<'a>>,
    whole: bool,
}

impl<'a> Attempt<'_, 'a> {
    /// Fits a candidate to each fold; `None` if no feature or no row to hold out is left.
    fn of(&self, candidate: &ClassifierOptions) -> Option<Best<'a>> {
        self.folds.held_out().next()?;
        let searched = self.searched;
        let same = |best: &&Best| best.options.features == candidate.features;
        let (data, fitted, starts) = match self.best.filter(same) {
            Some(best) => {
                let data = Arc::clone(&best.data);
                (data, best.fitted.clone(), best.starts(candidate))
            }
            None => {
                let corpus = &self.corpora[usize::from(candidate.features.negation)];
                let prepared = Prepared::new(candidate, corpus.as_ref()?, searched, &|_| ())?;
                let fitted = self.whole.then(|| Arc::new(prepared.fitted));
                (Arc::new(prepared.data), fitted, &[][..])
            }
        };
        let loose = ClassifierOptions {
            tolerance: SEARCH_TOLERANCE * candidate.tolerance,
            ..candidate.clone()
        };
        let out = data.out_of_fold(&loose, self.folds, starts);
        let (labels, classes) = (&searched.labels, searched.classes);
        Some(Best {
            options: candidate.clone(),
            score: Score::of(&out.margins, labels, classes, self.folds),
            temperature: temperature(&out.margins, labels, classes, self.folds),
            coefficients: out.last,
            solutions: out.solutions,
            data,
            fitted,
        })
    }
}

impl Best<'_> {
    /// Where the folds of a candidate with the same rows start: at the solutions, if the problem is
    /// the same but for a larger C.
    fn starts(&self, candidate: &ClassifierOptions) -> &[Coefficients] {
        let follows = candidate.weighting == self.options.weighting
            && candidate.regularization > self.options.regularization;
        if follows { &self.solutions } else { &[] }
    }
}

/// The values below `start`, the nearest first, and those above.
fn sides<T: PartialOrd + Copy>(values: &[T], start: &T) -> (Vec<T>, Vec<T>) {
    let below = values.iter().rev().filter(|value| *value < start);
    let above = values.iter().filter(|value| *value > start);
    (below.copied().collect(), above.copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_beside_the_start_nearest_first() {
        assert_eq!(sides(&[1, 2, 3, 5, 8], &3), (vec![2, 1], vec![5, 8]));
        assert_eq!(sides(&[1.0, 10.0], &3.0), (vec![1.0], vec![10.0]));
        assert_eq!(sides(&[(1, 1), (1, 2)], &(1, 2)), (vec![(1, 1)], vec![]));
    }
}
