//! Training of `nlp`.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use super::{Fitted, Train};
use crate::data::Texts;
use crate::exit;
use crate::models::nlp::{FitError, Progress};
use crate::params::nlp::Params;
use crate::talk::Talk;
use crate::task::Nlp;

/// What is worth knowing of a fitted text classifier.
#[derive(Serialize)]
pub struct Fit {
    classes: usize,
    features: usize,
    iterations: usize,
    converged: bool,
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{} classes, {} features, {} iterations",
            self.classes, self.features, self.iterations
        )
    }
}

impl Train for Nlp {
    type Fit = Fit;

    fn fit(params: &Params, data: Texts, talk: &Talk) -> Result<Fitted<Self>> {
        let texts: Vec<&str> = data.texts.iter().map(String::as_str).collect();
        let bar = talk.progress("training nlp", None);
        let watch = |progress: Progress| {
            bar.inc(1);
            bar.set_message(stage(progress));
        };
        let (model, fit) = params
            .options
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
        Ok(Fitted {
            fit: Fit {
                classes: data.classes.len(),
                features: fit.features,
                iterations: fit.iterations,
                converged: fit.converged,
            },
            rows: texts.len() as u64,
            names: data.classes,
            parameters: params.recorded.clone(),
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
