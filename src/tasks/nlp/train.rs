//! Training of `nlp`.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use crate::exit;
use crate::talk::Talk;
use crate::tasks::nlp::Nlp;
use crate::tasks::nlp::details::{Chosen, Columns, Details, Search, describe_ngrams};
use crate::tasks::nlp::params::Params;
use crate::train::{Fitted, Train};
use artifact::{Field, FieldType, Signature};
use models::nlp::{self as maths, ClassifierOptions, FitError, Progress};
use tables::Texts;

/// A summary of a fitted text classifier.
#[derive(Serialize)]
pub struct Fit {
    classes: usize,
    features: usize,
    iterations: usize,
    converged: bool,
    chosen: Chosen,
    /// The factor on the margins that calibrates them; 1: none.
    temperature: f64,
    search: Search,
}

impl Fit {
    fn new(fit: &maths::Fit, classes: usize) -> Self {
        Self {
            classes,
            features: fit.features,
            iterations: fit.iterations,
            converged: fit.converged,
            chosen: Chosen::of(fit),
            temperature: fit.temperature,
            search: Search::of(fit),
        }
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{} classes, {} features, {} iterations, {} weighting, {}, C {}",
            self.classes,
            self.features,
            self.iterations,
            self.chosen.weighting.as_str(),
            describe_ngrams(self.chosen.ngrams),
            self.chosen.c
        )
    }
}

impl Train for Nlp {
    type Fit = Fit;

    fn fit(params: &Params, seed: u64, data: Texts, talk: &Talk) -> Result<Fitted<Self>> {
        let rows = data.texts.len() as u64;
        let bar = talk.progress("training nlp", None);
        let watch = |progress: Progress| {
            bar.inc(1);
            bar.set_message(stage(progress));
        };
        let options = ClassifierOptions {
            seed,
            ..params.options.clone()
        };
        let (model, fit) = options
            .fit(data.texts, &data.labels, data.classes.clone(), &watch)
            .map_err(explain_failure)?;
        bar.finish_and_clear();
        if !fit.converged {
            talk.warn(format!(
                "the solver stopped after {} iterations without reaching nlp.model.tolerance; \
                 raise nlp.model.max_iterations or lower nlp.model.C",
                fit.iterations
            ));
        }
        let fit = Fit::new(&fit, data.classes.len());
        let details = Details {
            data: Columns::of(&params.data),
            features: params.features.clone(),
            model: params.model.clone(),
            chosen: fit.chosen.clone(),
            temperature: fit.temperature,
            search: fit.search.clone(),
        };
        Ok(Fitted {
            rows,
            signature: signature(&params.data.text, data.classes),
            details,
            fit,
            model,
        })
    }
}

/// A text in, the most probable class out.
fn signature(text: &str, classes: Vec<String>) -> Signature {
    Signature {
        inputs: vec![Field::new(text, FieldType::Text)],
        outputs: vec![
            Field::new("prediction", FieldType::Text),
            Field::new("probability", FieldType::Float),
        ],
        classes,
    }
}

/// The progress of a fit, in words.
fn stage(progress: Progress) -> String {
    match progress {
        Progress::Counting { texts, of } => format!("counting words, {texts} of {of} texts"),
        Progress::Vectorizing { features } => format!("weighting {features} features"),
        Progress::Searching { trials, of } => {
            format!("trying settings on folds, {trials} of {of} tried")
        }
        Progress::Solving(step) => format!("step {}, loss {:.4}", step.number, step.value),
    }
}

/// Errors of a fit are errors in the data (exit 4).
fn explain_failure(error: FitError) -> anyhow::Error {
    exit::data(format!("nlp: {error}"))
}
