//! What `inspect` says of an `nlp` model: the settings in use, and why.

use super::details::{Chosen, Details};
use super::params::WeightingName;
use crate::inspect::{Inspect, Line};
use crate::outcome::number::figure;
use crate::tasks::nlp::Nlp;
use artifact::Header;

impl Inspect for Nlp {
    fn describe(header: &Header<Details>) -> Vec<Line> {
        let Details { chosen, search, .. } = &header.details;
        let mut lines = vec![Line::new("chosen", settings(chosen))];
        if let Some(best) = search.trials.iter().find(|tried| chosen.is(tried)) {
            let tried = search.trials.len();
            lines.push(Line::new(
                "because",
                format!(
                    "the best of {tried} settings tried on {} rows of the training part held out: accuracy {}, log \
                     loss {} before calibration",
                    search.rows,
                    figure(best.accuracy),
                    figure(best.log_loss),
                ),
            ));
        } else {
            lines.push(Line::new(
                "because",
                "the parameters say so; nothing was searched",
            ));
        }
        lines
    }
}

fn words(ngrams: (usize, usize)) -> String {
    match ngrams {
        (1, 1) => "single words".to_owned(),
        (from, to) if from == to => format!("runs of {to} words"),
        (from, to) => format!("runs of {from} to {to} words"),
    }
}

fn settings(chosen: &Chosen) -> String {
    let mut parts = vec![words(chosen.ngrams)];
    parts.extend((chosen.characters).map(|(from, to)| format!("runs of {from} to {to} letters")));
    if chosen.negation {
        parts.push("words behind a \"not\" marked".to_owned());
    }
    if chosen.weighting == WeightingName::NaiveBayes {
        parts.push("weighted by naive Bayes".to_owned());
    }
    parts.push(format!("logistic regression with C {}", chosen.c));
    parts.join(", ")
}
