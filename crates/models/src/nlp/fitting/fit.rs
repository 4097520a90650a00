//! Fitting: the options become a model and a report on the fit.

use std::sync::Arc;

use super::calibrate::temperature;
use super::error::FitError;
use super::folds::{Data, Folds, keys};
use super::options::ClassifierOptions;
use super::prepared::Prepared;
use super::progress::Progress;
use super::search::{Labelled, Trial, Whole, search};
use crate::linear::Coefficients;
use crate::nlp::counting::corpus::Corpus;
use crate::nlp::features::vectorizer::Vectorizer;
use crate::nlp::model::Model;
use crate::optim::Minimum;

/// Report on a fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Number of training texts.
    pub rows: usize,
    /// Number of features of the model.
    pub features: usize,
    /// Non-zero TF-IDF values over all rows.
    pub entries: usize,
    /// Number of Newton steps.
    pub iterations: usize,
    /// w'w/2 + C Σ loss at the end.
    pub objective: f64,
    /// Euclidean norm of the objective's gradient at the end.
    pub gradient_norm: f64,
    /// False if the steps ran out before the tolerance was reached; the model is usable
    /// nevertheless.
    pub converged: bool,
    /// Factor on the margins from calibration; 1 if not calibrated.
    pub temperature: f64,
    /// Candidates tried in cross-validation, in order.
    pub trials: Vec<Trial>,
    /// Number of rows used for the search.
    pub searched: usize,
    /// The fitted options, with all choices made.
    pub options: ClassifierOptions,
}

impl ClassifierOptions {
    /// Fits a model to `texts`; `labels` are indices into `classes`. The texts are dropped once
    /// they are tokenized: what follows needs as much memory again.
    ///
    /// `watch` is called with the progress. The same arguments give the same bits for any number of
    /// threads.
    ///
    /// # Errors
    /// See [`FitError`]. A fit that did not converge is not an error, see [`Fit::converged`].
    ///
    /// # Examples
    /// ```
    /// use easylife_models::nlp::{ClassifierOptions, Scratch};
    ///
    /// let texts: Vec<String> = (0..40)
    ///     .map(|i| format!("{} film number {i}", if i % 2 == 0 { "bad" } else { "good" }))
    ///     .collect();
    /// let labels: Vec<u32> = (0..40).map(|i| i % 2).collect();
    /// let classes = ["neg", "pos"].map(str::to_owned).to_vec();
    /// let options = ClassifierOptions::default();
    /// let (model, fit) = options.fit(texts, &labels, classes, &|_| ()).unwrap();
    /// assert!(fit.converged);
    /// let mut probabilities = [0.0; 2];
    /// assert!(model.probabilities("a good film", &mut Scratch::new(), &mut probabilities));
    /// assert!(probabilities[1] > 0.5);
    /// // Nothing of this text is known: the answer is the prior.
    /// assert!(!model.probabilities("?", &mut Scratch::new(), &mut probabilities));
    /// ```
    pub fn fit<T: AsRef<str>>(
        &self,
        texts: Vec<T>,
        labels: &[u32],
        classes: Vec<String>,
        watch: &dyn Fn(Progress),
    ) -> Result<(Model, Fit), FitError> {
        self.check()?;
        let counts = count(texts.len(), labels, &classes)?;
        let class_costs = self.class_costs(&classes, &counts)?;
        let views: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let all = Labelled {
            keys: keys(&views, self.seed),
            labels: labels.to_vec(),
            classes: classes.len(),
            class_costs: &class_costs,
        };
        let found = search(self, &all, &views, watch);
        let source = match found.whole {
            Some(whole) => Source::Searched(Box::new(whole)),
            None => {
                let of = views.len();
                let counting = |texts| watch(Progress::Counting { texts, of });
                Source::Read(found.options.features.read(&views, &counting))
            }
        };
        drop(views);
        drop(texts);
        let solved = found.options.solve(&all, source, watch)?;
        let (options, solution) = (found.options, &solved.solution);
        let mut coefficients = solution.coefficients.clone();
        coefficients.multiply(solved.temperature);
        let precision = options.precision;
        let model = Model::new(
            solved.vectorizer,
            &coefficients,
            precision,
            classes,
            &counts,
        );
        if !(solution.end.value.is_finite() && model.is_finite()) {
            let regularization = options.regularization;
            return Err(FitError::NotFinite { regularization });
        }
        let fit = Fit {
            rows: labels.len(),
            features: model.features(),
            entries: solved.entries,
            iterations: solution.end.iterations,
            objective: solution.end.value,
            gradient_norm: solution.end.gradient_norm,
            converged: solution.end.converged,
            temperature: solved.temperature,
            trials: found.trials,
            searched: found.rows,
            options,
        };
        Ok((model, fit))
    }

    /// Fits features and coefficients to all rows; only the temperature is left to choose, unless a
    /// search of all rows found it.
    fn solve<'a>(
        &self,
        all: &'a Labelled<'a>,
        source: Source<'a>,
        watch: &dyn Fn(Progress),
    ) -> Result<Solved, FitError> {
        let (prepared, found) = match source {
            Source::Read(corpus) => (self.prepare(corpus, all, watch)?, None),
            Source::Searched(whole) => {
                let found = (whole.temperature, whole.coefficients);
                (whole.prepared, Some(found))
            }
        };
        let columns = prepared.data.examples.rows().columns();
        if let Some(keep) = self.keep.filter(|&keep| keep < columns) {
            return Ok(self.solve_kept(keep, prepared, found, all, watch));
        }
        let Prepared { fitted, data } = prepared;
        // Where features occur takes as much room as the rows, and is no longer needed.
        let vectorizer = fitted.into_vectorizer();
        let (temperature, start) = self.start(&data, all, found);
        Ok(Solved {
            vectorizer,
            solution: self.minimize(&data, start, watch),
            temperature,
            entries: data.examples.rows().entries(),
        })
    }

    /// Like [`Self::solve`], then again for the `keep` features with the largest weights.
    fn solve_kept(
        &self,
        keep: usize,
        prepared: Prepared,
        found: Option<(f64, Coefficients)>,
        all: &Labelled,
        watch: &dyn Fn(Progress),
    ) -> Solved {
        let (mut temperature, start) = self.start(&prepared.data, all, found);
        let solution = self.minimize(&prepared.data, start, watch);
        if self.calibrate {
            temperature = self.calibrate_kept(keep, &prepared, all);
        }
        let Prepared { fitted, data } = prepared.kept(&largest(&solution.coefficients, keep), all);
        drop(prepared);
        Solved {
            solution: self.minimize(&data, None, watch),
            vectorizer: fitted.into_vectorizer(),
            temperature,
            entries: data.examples.rows().entries(),
        }
    }

    fn prepare<'a>(
        &self,
        corpus: Arc<Corpus>,
        all: &'a Labelled<'a>,
        watch: &dyn Fn(Progress),
    ) -> Result<Prepared<'a>, FitError> {
        Prepared::new(self, &corpus, all, watch).ok_or(FitError::NoFeatures {
            rows: all.labels.len(),
            min_df: self.features.min_df,
            max_df: self.features.max_df,
        })
    }

    /// The temperature, and where to start from; what a search `found`, if it did.
    fn start(
        &self,
        data: &Data,
        all: &Labelled,
        found: Option<(f64, Coefficients)>,
    ) -> (f64, Option<Coefficients>) {
        match found {
            Some((temperature, start)) if self.calibrate => (temperature, Some(start)),
            Some((_, start)) => (1.0, Some(start)),
            None if self.calibrate => self.calibrate(data, all),
            None => (1.0, None),
        }
    }

    /// Minimizes the loss of all rows.
    fn minimize(
        &self,
        data: &Data,
        start: Option<Coefficients>,
        watch: &dyn Fn(Progress),
    ) -> Solution {
        let problem = data.problem(self, data.costs.clone());
        let mut solving = |now| watch(Progress::Solving(now));
        let start = start.map(|start| problem.scaled(&start));
        let (coefficients, end) = problem.fit(&self.solver(), start, &mut solving);
        Solution {
            coefficients: problem.unscaled(&coefficients),
            end,
        }
    }

    /// The temperature from the margins of one fold under a model of the others, and that model's
    /// coefficients: a good start for a fit to all rows.
    fn calibrate(&self, data: &Data, all: &Labelled) -> (f64, Option<Coefficients>) {
        let Labelled {
            labels, classes, ..
        } = all;
        let folds = self.first_fold(all);
        if folds.held_out().next().is_none() {
            return (1.0, None);
        }
        let out = data.out_of_fold(self, &folds, &[]);
        let temperature = temperature(&out.margins, labels, *classes, &folds);
        (temperature, Some(out.last))
    }

    /// Like [`Self::calibrate`], for a model of only the `keep` features with the largest weights,
    /// which are also chosen without the hold-out rows.
    fn calibrate_kept(&self, keep: usize, prepared: &Prepared, all: &Labelled) -> f64 {
        let folds = self.first_fold(all);
        if folds.held_out().next().is_none() {
            return 1.0;
        }
        let out = prepared.data.out_of_fold(self, &folds, &[]);
        let kept = prepared.kept(&largest(&out.last, keep), all);
        let out = kept.data.out_of_fold(self, &folds, &[]);
        temperature(&out.margins, &all.labels, all.classes, &folds)
    }

    /// A single fold, held out from all other rows.
    fn first_fold(&self, all: &Labelled) -> Folds {
        Folds::deal(&all.keys, &all.labels, all.classes, self.folds).first(1)
    }
}

/// What a fit to all rows begins with.
enum Source<'a> {
    /// The tokenized texts.
    Read(Arc<Corpus>),
    /// What a search of all rows found.
    Searched(Box<Whole<'a>>),
}

/// The result of fitting all rows.
struct Solved {
    vectorizer: Vectorizer,
    solution: Solution,
    temperature: f64,
    entries: usize,
}

struct Solution {
    coefficients: Coefficients,
    end: Minimum,
}

/// The `keep` features with the largest weights; the first of ties.
fn largest(coefficients: &Coefficients, keep: usize) -> Vec<bool> {
    let weights = coefficients.weights().chunks_exact(coefficients.outputs);
    let size = |weights: &[f64]| weights.iter().fold(0.0, |most: f64, w| most.max(w.abs()));
    let mut sizes: Vec<(usize, f64)> = weights.map(size).enumerate().collect();
    sizes.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut kept = vec![false; sizes.len()];
    sizes[..keep]
        .iter()
        .for_each(|&(feature, _)| kept[feature] = true);
    kept
}

/// Counts the rows of each class; each must have at least one.
fn count(texts: usize, labels: &[u32], classes: &[String]) -> Result<Vec<u64>, FitError> {
    if texts != labels.len() {
        return Err(FitError::Lengths {
            texts,
            labels: labels.len(),
        });
    }
    let mut counts = vec![0; classes.len()];
    for (row, &label) in labels.iter().enumerate() {
        let classes = classes.len();
        let count = counts.get_mut(label as usize);
        *count.ok_or(FitError::Label {
            row,
            label,
            classes,
        })? += 1;
    }
    let Some(&first) = labels.first() else {
        return Err(FitError::NoRows);
    };
    let class = |place: usize| classes[place].clone();
    if counts[first as usize] == labels.len() as u64 {
        return Err(FitError::OneClass {
            class: class(first as usize),
        });
    }
    match counts.iter().position(|&count| count == 0) {
        Some(empty) => Err(FitError::EmptyClass {
            class: class(empty),
        }),
        None => Ok(counts),
    }
}
