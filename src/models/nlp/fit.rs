//! Fitting: options, what can go wrong, and what came out.

use super::model::Model;
use super::vectorizer::{Features, Vectorizer};
use crate::models::linear;
use crate::models::optim::{Iteration, Minimum};

/// What to fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub features: Features,
    /// C, as in LIBLINEAR and scikit-learn: w'w/2 + C Σ loss.
    pub regularization: f64,
    /// Gradient norm to reach, relative to that of a model of the bias alone.
    pub tolerance: f64,
    /// Newton steps at most.
    pub max_iterations: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            features: Features::default(),
            regularization: 10.0,
            tolerance: 1e-3,
            max_iterations: 100,
        }
    }
}

/// How the fit went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    pub rows: usize,
    pub features: usize,
    /// Non-zero TF-IDF values over all rows.
    pub entries: usize,
    /// Newton steps.
    pub iterations: usize,
    /// w'w/2 + C Σ loss at the end.
    pub objective: f64,
    pub gradient_norm: f64,
    /// False when the steps ran out before the tolerance was met; the model can be used all the same.
    pub converged: bool,
}

/// What a fit is at, for a progress bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    /// Texts counted so far, of all.
    Counting { texts: usize, of: usize },
    /// Turning texts into rows of so many features.
    Vectorizing { features: usize },
    /// After a Newton step.
    Solving(Iteration),
}

/// Why there is no model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    #[error("no rows to train on")]
    NoRows,
    #[error("got {texts} texts but {labels} labels")]
    Lengths { texts: usize, labels: usize },
    #[error("row {row} has class number {label}, but there are {classes} classes")]
    Label {
        row: usize,
        label: u32,
        classes: usize,
    },
    #[error("all rows are of one class, `{class}`; a classifier needs rows of two or more")]
    OneClass { class: String },
    #[error("no row is of class `{class}`; leave the class out or add rows of it")]
    EmptyClass { class: String },
    #[error(
        "no n-gram stands in at least {min_df} texts and in at most a share of {max_df} of the \
         {rows}; lower min_df or raise max_df"
    )]
    NoFeatures {
        rows: usize,
        min_df: usize,
        max_df: f64,
    },
    #[error("{name} is {value}, expected {expected}")]
    Option {
        name: &'static str,
        value: String,
        expected: &'static str,
    },
    #[error("the fit overflowed; lower the regularization parameter C from {regularization}")]
    NotFinite { regularization: f64 },
}

impl Options {
    /// Fits a model to `texts`, where `labels` are places in `classes`.
    ///
    /// `watch` hears of progress. The same arguments give the same bits for any number of threads.
    ///
    /// # Errors
    /// See [`FitError`]; a fit that did not converge is none, but says so in [`Fit`].
    pub fn fit(
        &self,
        texts: &[&str],
        labels: &[u32],
        classes: Vec<String>,
        watch: &dyn Fn(Progress),
    ) -> Result<(Model, Fit), FitError> {
        self.check()?;
        let counts = count(texts.len(), labels, &classes)?;
        let of = texts.len();
        let counting = |texts| watch(Progress::Counting { texts, of });
        let vectorizer = Vectorizer::fit(&self.features, texts, &counting);
        let features = vectorizer.vocabulary.len();
        if features == 0 {
            let Features { min_df, max_df, .. } = self.features;
            return Err(FitError::NoFeatures {
                rows: of,
                min_df,
                max_df,
            });
        }
        watch(Progress::Vectorizing { features });
        let rows = vectorizer.matrix(texts);
        let mut solving = |now| watch(Progress::Solving(now));
        let (coefficients, end) = self
            .solver()
            .fit(&rows, labels, &counts, None, &mut solving);
        let model = Model::new(vectorizer, &coefficients, classes, &counts);
        if !(end.value.is_finite() && model.is_finite()) {
            return Err(FitError::NotFinite {
                regularization: self.regularization,
            });
        }
        Ok((model, Fit::new(rows.rows(), features, rows.entries(), end)))
    }

    fn solver(&self) -> linear::Options {
        linear::Options {
            regularization: self.regularization,
            tolerance: self.tolerance,
            max_iterations: self.max_iterations,
        }
    }

    fn check(&self) -> Result<(), FitError> {
        let Features {
            ngrams,
            max_df,
            max_features,
            ..
        } = &self.features;
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let fail = |name, value: String, expected| {
            Err(FitError::Option {
                name,
                value,
                expected,
            })
        };
        if ngrams.0 == 0 || ngrams.0 > ngrams.1 {
            let value = format!("{} to {}", ngrams.0, ngrams.1);
            return fail(
                "ngrams",
                value,
                "one or more words, the smaller number first",
            );
        }
        if !(positive(*max_df) && *max_df <= 1.0) {
            return fail("max_df", max_df.to_string(), "a share above 0, at most 1");
        }
        if *max_features == 0 {
            return fail("max_features", "0".to_owned(), "1 or more");
        }
        if !positive(self.regularization) {
            return fail(
                "regularization",
                self.regularization.to_string(),
                "a number above 0",
            );
        }
        if !positive(self.tolerance) {
            return fail("tolerance", self.tolerance.to_string(), "a number above 0");
        }
        Ok(())
    }
}

impl Fit {
    fn new(rows: usize, features: usize, entries: usize, end: Minimum) -> Fit {
        Fit {
            rows,
            features,
            entries,
            iterations: end.iterations,
            objective: end.value,
            gradient_norm: end.gradient_norm,
            converged: end.converged,
        }
    }
}

/// Rows of each class, all of them at least one.
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
