//! Describes an `nlp` model for `inspect`: its settings, and why they were chosen.

use super::details::{Chosen, Details, describe_ngrams};
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
                    "the best of {tried} settings tried on {} held-out rows of the training part: accuracy {}, log \
                    loss {} before calibration",
                    search.rows,
                    figure(best.accuracy),
                    figure(best.log_loss),
                ),
            ));
        } else {
            lines.push(Line::new(
                "because",
                "set by the parameters; nothing was searched",
            ));
        }
        lines
    }
}

fn settings(chosen: &Chosen) -> String {
    let mut parts = vec![describe_ngrams(chosen.ngrams)];
    parts.extend(
        (chosen.characters).map(|(from, to)| format!("n-grams of {from} to {to} characters")),
    );
    if chosen.negation {
        parts.push("words after a negation marked".to_owned());
    }
    if chosen.weighting == WeightingName::NaiveBayes {
        parts.push("weighted by naive Bayes".to_owned());
    }
    parts.push(format!("logistic regression with C {}", chosen.c));
    parts.join(", ")
}
