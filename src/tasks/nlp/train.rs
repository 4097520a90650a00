//! Training of `nlp`.

use std::fmt;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use crate::exit;
use crate::talk::Talk;
use crate::tasks::nlp::Nlp;
use crate::tasks::nlp::params::Params;
use crate::train::{Fitted, Train};
use models::nlp::{self as maths, FitError, Options, Progress, Trial, Weighting};
use tables::Texts;

/// What is worth knowing of a fitted text classifier.
#[derive(Serialize)]
pub struct Fit {
    classes: usize,
    features: usize,
    iterations: usize,
    converged: bool,
    chosen: Chosen,
    /// What the margins were multiplied by to calibrate them; 1: nothing.
    temperature: f64,
    search: Searched,
}

/// What was fitted where the parameters say `auto`.
#[derive(Serialize)]
struct Chosen {
    weighting: &'static str,
    negation: bool,
    ngrams: (usize, usize),
    characters: Option<(usize, usize)>,
    #[serde(rename = "C")]
    c: f64,
}

/// What was tried on rows held out.
#[derive(Serialize)]
struct Searched {
    /// Of the training part.
    rows: usize,
    trials: Vec<Tried>,
}

/// A candidate and how it did.
#[derive(Serialize)]
struct Tried {
    weighting: &'static str,
    negation: bool,
    ngrams: (usize, usize),
    #[serde(rename = "C")]
    c: f64,
    accuracy: f64,
    log_loss: f64,
}

impl Fit {
    fn new(fit: maths::Fit, classes: usize) -> Self {
        let options = &fit.options;
        Self {
            classes,
            features: fit.features,
            iterations: fit.iterations,
            converged: fit.converged,
            chosen: Chosen {
                weighting: spell(options.weighting),
                negation: options.features.negation,
                ngrams: options.features.ngrams,
                characters: options.features.characters.as_ref().map(|c| c.ngrams),
                c: options.regularization,
            },
            temperature: fit.temperature,
            search: Searched {
                rows: fit.searched,
                trials: fit.trials.iter().map(Tried::new).collect(),
            },
        }
    }
}

impl Tried {
    fn new(trial: &Trial) -> Self {
        Self {
            weighting: spell(trial.weighting),
            negation: trial.negation,
            ngrams: trial.ngrams,
            c: trial.regularization,
            accuracy: trial.accuracy,
            log_loss: trial.log_loss,
        }
    }
}

fn spell(weighting: Weighting) -> &'static str {
    match weighting {
        Weighting::Plain => "plain",
        Weighting::NaiveBayes { .. } => "naive_bayes",
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{} classes, {} features, {} iterations, {} weighting, 1 to {} words, C {}",
            self.classes,
            self.features,
            self.iterations,
            self.chosen.weighting,
            self.chosen.ngrams.1,
            self.chosen.c
        )
    }
}

impl Train for Nlp {
    type Fit = Fit;

    fn fit(params: &Params, seed: u64, data: Texts, talk: &Talk) -> Result<Fitted<Self>> {
        let texts: Vec<&str> = data.texts.iter().map(String::as_str).collect();
        let bar = talk.progress("training nlp", None);
        let watch = |progress: Progress| {
            bar.inc(1);
            bar.set_message(stage(progress));
        };
        let options = Options {
            seed,
            ..params.options.clone()
        };
        let (model, fit) = options
            .fit(&texts, &data.labels, data.classes.clone(), &watch)
            .map_err(explain_failure)?;
        bar.finish_and_clear();
        if !fit.converged {
            talk.warn(format!(
                "the solver stopped after {} iterations without reaching nlp.model.tolerance; \
                 raise nlp.model.max_iterations or lower nlp.model.C",
                fit.iterations
            ));
        }
        let fit = Fit::new(fit, data.classes.len());
        let mut parameters = params.recorded.clone();
        parameters["chosen"] = json!(fit.chosen);
        parameters["temperature"] = json!(fit.temperature);
        parameters["search"] = json!(fit.search);
        Ok(Fitted {
            fit,
            rows: texts.len() as u64,
            names: data.classes,
            parameters,
            model,
        })
    }
}

/// What a fit is at, in words.
fn stage(progress: Progress) -> String {
    match progress {
        Progress::Counting { texts, of } => format!("counting words, {texts} of {of} texts"),
        Progress::Vectorizing { features } => format!("weighting {features} features"),
        Progress::Searching { trials } => format!("trying settings, {trials} tried"),
        Progress::Solving(step) => format!("step {}, loss {:.4}", step.number, step.value),
    }
}

/// What the data lack is the data's fault (exit 4), not the program's.
fn explain_failure(error: FitError) -> anyhow::Error {
    exit::data(format!("nlp: {error}"))
}
