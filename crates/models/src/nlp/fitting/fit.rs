//! Fitting: the options become a model and a report on the fit.

use super::calibrate::temperature;
use super::error::FitError;
use super::folds::{Data, Folds};
use super::options::ClassifierOptions;
use super::progress::Progress;
use super::search::{Labelled, Trial, search};
use crate::linear::{Coefficients, Examples};
use crate::nlp::features::vectorizer::{Features, Fitted, Vectorizer};
use crate::nlp::model::Model;
use crate::optim::Minimum;
use crate::sparse::Matrix;

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
    /// Fits a model to `texts`; `labels` are indices into `classes`.
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
    /// let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    /// let labels: Vec<u32> = (0..40).map(|i| i % 2).collect();
    /// let classes = ["neg", "pos"].map(str::to_owned).to_vec();
    /// let options = ClassifierOptions::default();
    /// let (model, fit) = options.fit(&texts, &labels, classes, &|_| ()).unwrap();
    /// assert!(fit.converged);
    /// let mut probabilities = [0.0; 2];
    /// assert!(model.probabilities("a good film", &mut Scratch::new(), &mut probabilities));
    /// assert!(probabilities[1] > 0.5);
    /// // Nothing of this text is known: the answer is the prior.
    /// assert!(!model.probabilities("?", &mut Scratch::new(), &mut probabilities));
    /// ```
    pub fn fit(
        &self,
        texts: &[&str],
        labels: &[u32],
        classes: Vec<String>,
        watch: &dyn Fn(Progress),
    ) -> Result<(Model, Fit), FitError> {
        self.check()?;
        let counts = count(texts.len(), labels, &classes)?;
        let class_costs = self.class_costs(&classes, &counts)?;
        let all = Labelled {
            texts: texts.to_vec(),
            labels: labels.to_vec(),
            classes: classes.len(),
            class_costs: &class_costs,
        };
        let found = search(self, &all, watch);
        let solved = found.options.solve(&all, found.whole, watch)?;
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
            rows: texts.len(),
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

    /// Fits features and coefficients to all rows; only the temperature is left to choose. If a
    /// search used all rows, its temperature and coefficients are passed in.
    fn solve(
        &self,
        all: &Labelled,
        found: Option<(f64, Coefficients)>,
        watch: &dyn Fn(Progress),
    ) -> Result<Solved, FitError> {
        let of = all.texts.len();
        let counting = |texts| watch(Progress::Counting { texts, of });
        let corpus = self.features.read(&all.texts, &counting);
        let mut fitted = Vectorizer::fit(&self.features, &corpus, self.precision);
        if fitted.vectorizer.features() == 0 {
            let Features { min_df, max_df, .. } = self.features;
            return Err(FitError::NoFeatures {
                rows: of,
                min_df,
                max_df,
            });
        }
        let rows = weigh(&fitted, watch);
        let data = data(&fitted, &rows, all);
        let (mut temperature, start) = match found {
            Some((temperature, start)) if self.calibrate => (temperature, Some(start)),
            Some((_, start)) => (1.0, Some(start)),
            None if self.calibrate => self.calibrate(&data, all),
            None => (1.0, None),
        };
        let mut solution = self.minimize(&data, start, watch);
        let mut entries = rows.entries();
        if let Some(keep) = self.keep.filter(|&keep| keep < rows.columns()) {
            if self.calibrate {
                temperature = self.calibrate_kept(keep, &fitted, &data, all);
            }
            fitted = fitted.kept(&largest(&solution.coefficients, keep));
            drop(data);
            let rows = weigh(&fitted, watch);
            solution = self.minimize(&self::data(&fitted, &rows, all), None, watch);
            entries = rows.entries();
        }
        let vectorizer = fitted.vectorizer;
        Ok(Solved {
            vectorizer,
            solution,
            temperature,
            entries,
        })
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
        let out = data.out_of_fold(self, &folds, &[self.regularization]);
        (
            temperature(&out.margins[0], labels, *classes, &folds),
            out.last.into_iter().next(),
        )
    }

    /// Like [`Self::calibrate`], for a model of only the `keep` features with the largest weights,
    /// which are also chosen without the hold-out rows.
    fn calibrate_kept(&self, keep: usize, fitted: &Fitted, data: &Data, all: &Labelled) -> f64 {
        let folds = self.first_fold(all);
        if folds.held_out().next().is_none() {
            return 1.0;
        }
        let path = [self.regularization];
        let out = data.out_of_fold(self, &folds, &path);
        let fitted = fitted.kept(&largest(&out.last[0], keep));
        let rows = fitted.matrix();
        let out = self::data(&fitted, &rows, all).out_of_fold(self, &folds, &path);
        temperature(&out.margins[0], &all.labels, all.classes, &folds)
    }

    /// A single fold, held out from all other rows.
    fn first_fold(&self, all: &Labelled) -> Folds {
        Folds::deal(&all.texts, &all.labels, all.classes, self.folds, self.seed).first(1)
    }
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

fn weigh(fitted: &Fitted, watch: &dyn Fn(Progress)) -> Matrix {
    let features = fitted.vectorizer.features();
    watch(Progress::Vectorizing { features });
    fitted.matrix()
}

fn data<'a>(fitted: &Fitted, rows: &'a Matrix, all: &'a Labelled) -> Data<'a> {
    let blocks = fitted.vectorizer.blocks();
    Data {
        examples: Examples::merged(rows, &all.labels, all.classes, &blocks),
        labels: &all.labels,
        classes: all.classes,
        blocks,
        costs: all.costs(),
    }
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
